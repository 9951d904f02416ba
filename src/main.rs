//! Arguments in, exit code out.

fn main() -> std::process::ExitCode {
    plenary::cli::main()
}
