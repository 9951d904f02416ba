//! What a person types: arguments, help, exit codes.
//!
//! Each command is a file with its arguments and one function that returns an exit code. May import everything through
//! [`crate::wire`]. To add a command: a file, a variant of `Command`, and its arm in [`main`].

mod check;
mod doctor;
mod export;
mod import;
mod run;
#[cfg(unix)]
mod sandbox;
mod sessions;
mod tools;
mod triage;
mod trust;
mod watch;

use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// What every command's help says about exit codes.
const EXIT_CODES: &str = "\
Exit codes:
  0    ended by one of the team's own conditions
  1    failed
  2    wrong usage or configuration
  3    stopped by a budget
  4    stopped because it was going in circles
  5    needed a person and none was there
  6    a breakpoint was met, or what was expected never happened
  130  interrupted";

/// A console for conversations between LLM agents, with a person in the chair.
#[derive(Debug, Parser)]
#[command(name = "plenary", version, about, after_help = EXIT_CODES, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a team: in the console, or headless
    Run(run::RunArguments),
    /// Watch a ready team work: no key, no network, real code
    Demo(run::DemoArguments),
    /// Go on with a session where it was
    Open(run::OpenArguments),
    /// List the sessions of this user
    Sessions(sessions::Arguments),
    /// Write a session as a readable transcript or as records
    Export(export::Arguments),
    /// List the tools of a team and its servers, and read what these have to read
    Tools(tools::Arguments),
    /// Make a team file of an AutoGen or AG2 team
    Import(import::Arguments),
    /// Look for loops in stored sessions and message lists
    Watch(watch::Arguments),
    /// Say where a stored session may have gone wrong
    Triage(triage::Arguments),
    /// Read a team file and say everything that is wrong with it
    Check(check::Arguments),
    /// Say what this machine has of what Plenary needs
    Doctor(doctor::Arguments),
}

/// Parses the arguments, runs the command, and returns the exit code.
pub fn main() -> ExitCode {
    close_to_others();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let code = match arguments.command {
        Command::Run(arguments) => run::run(arguments),
        Command::Demo(arguments) => run::demo(arguments),
        Command::Open(arguments) => run::open(arguments),
        Command::Sessions(arguments) => sessions::list(&arguments),
        Command::Export(arguments) => export::export(&arguments),
        Command::Tools(arguments) => tools::tools(&arguments),
        Command::Import(arguments) => import::import(&arguments),
        Command::Watch(arguments) => watch::watch(&arguments),
        Command::Triage(arguments) => triage::show(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
    };
    match code {
        Ok(code) => ExitCode::from(code),
        Err(trouble) => {
            trouble.say();
            ExitCode::from(trouble.code)
        }
    }
}

/// Other processes of the same user, executed code among them, may not read this one's memory or environment (keys).
/// For root this means nothing.
fn close_to_others() {
    #[cfg(target_os = "linux")]
    // SAFETY: sets a flag of this process; no memory is involved.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
}

/// Why a command could not do its work.
struct Trouble {
    /// Exit code.
    code: u8,
    /// For a person; may have several lines.
    text: String,
}

impl Trouble {
    /// Wrong usage or configuration.
    fn usage(text: impl Into<String>) -> Self {
        Trouble { code: 2, text: text.into() }
    }

    /// Something failed.
    fn failed(text: impl Into<String>) -> Self {
        Trouble { code: 1, text: text.into() }
    }

    fn say(&self) {
        if self.text.is_empty() {
            return;
        }
        // Reports are safe already and keep their lines; everything else may quote a file name or a server.
        // Whoever would read this may be gone; that is no reason to panic.
        let _ = writeln!(std::io::stderr(), "{}", self.text.trim_end());
    }
}

impl From<crate::wire::WireError> for Trouble {
    fn from(error: crate::wire::WireError) -> Self {
        use crate::wire::WireError;
        match error {
            WireError::File(report) => Trouble::usage(report.render(colour())),
            WireError::Journal(error) => Trouble::failed(safe(&error.to_string())),
            WireError::Team(_)
            | WireError::Executor { .. }
            | WireError::Place { .. }
            | WireError::Path(_)
            | WireError::Servers(_)
            | WireError::NoTeam(_) => Trouble::usage(safe(&error.to_string())),
            WireError::Log(_) => Trouble::failed(safe(&error.to_string())),
        }
    }
}

impl From<crate::journal::JournalError> for Trouble {
    fn from(error: crate::journal::JournalError) -> Self {
        Trouble::failed(safe(&error.to_string()))
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        // The reader of a pipe has had enough: that is not worth words.
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Trouble { code: 141, text: String::new() };
        }
        Trouble::failed(safe(&format!("plenary: {error}")))
    }
}

/// Makes a text that may quote somebody harmless, on one line.
fn safe(text: &str) -> String {
    crate::text::clean::one_line(text)
}

/// Whether reports on standard error may be coloured.
fn colour() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent_and_every_command_has_help_and_an_example() {
        let command = Arguments::command();
        command.clone().debug_assert();
        for sub in command.get_subcommands() {
            assert!(sub.get_about().is_some(), "{} has no help", sub.get_name());
            let after = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("plenary "), "{} has no example", sub.get_name());
        }
    }
}
