//! The arguments of bubblewrap (reference: reliability-security 2.1 and 2.5): the system read-only, the working
//! directory writable at its own path, everything else absent.

use super::roots::Roots;
use std::ffi::OsString;
use std::path::Path;

/// What one program sees.
#[derive(Debug)]
pub struct View<'a> {
    /// Readable trees.
    pub roots: &'a Roots,
    /// Writable, at its own path.
    pub work_dir: &'a Path,
    /// Files of ours, and the paths at which they are seen, read-only.
    pub files: &'a [(&'a Path, &'a Path)],
    /// Most bytes of each file system in memory: `/tmp` and `/dev/shm`.
    pub scratch: u64,
    /// Whether the network of the machine is there.
    pub network: bool,
    /// Descriptor with a seccomp program.
    pub filter: i32,
    /// Whether it keeps the terminal that it is started on.
    pub terminal: bool,
}

/// Parts of `/proc` that write to the kernel. bubblewrap covers them itself, but not for an operator who is root: to
/// that number they stay open whatever rights it has lost.
const KERNEL: [&str; 7] =
    ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi"];

/// Where code of ours is seen.
pub const CODE: &str = "/code";

/// The arguments before the program's own command line.
pub fn arguments(view: &View<'_>) -> Vec<OsString> {
    let mut line: Vec<OsString> = Vec::new();
    let mut add = |words: &[&std::ffi::OsStr]| line.extend(words.iter().map(|word| (*word).to_owned()));
    macro_rules! add { ($($word:expr),+) => { add(&[$(std::ffi::OsStr::new($word)),+]) }; }
    add!("--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--hostname", "sandbox");
    if !view.terminal {
        add!("--new-session");
    }
    if view.network {
        add!("--share-net");
    }
    for root in view.roots.all() {
        match std::fs::read_link(root) {
            // /bin and its kin are links to /usr on most systems and must stay that.
            Ok(target) if root.parent() == Some(Path::new("/")) => add!("--symlink", &target, root),
            _ => add!("--ro-bind", root, root),
        }
    }
    let scratch = view.scratch.to_string();
    add!("--dev", "/dev", "--proc", "/proc");
    for kernel in KERNEL.iter().map(Path::new).filter(|path| path.exists()) {
        add!("--ro-bind", kernel, kernel);
    }
    add!("--size", &scratch, "--tmpfs", "/dev/shm", "--size", &scratch, "--tmpfs", "/tmp");
    add!("--bind", view.work_dir, view.work_dir);
    for (from, seen) in view.files {
        add!("--ro-bind", from, seen);
    }
    // Whatever else came to be on the way to a mount point is an empty directory; none of it may be written.
    add!("--remount-ro", "/");
    let filter = view.filter.to_string();
    add!("--chdir", view.work_dir, "--seccomp", &filter, "--");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_the_working_directory_and_hides_the_rest() {
        let roots = Roots { system: vec!["/usr".into()], tools: vec!["/opt/py".into()] };
        let view = View {
            roots: &roots,
            work_dir: Path::new("/home/ada/w"),
            files: &[(Path::new("/tmp/x/block_1.py"), Path::new("/code/block_1.py"))],
            scratch: 64,
            network: false,
            filter: 9,
            terminal: false,
        };
        let line: Vec<String> = arguments(&view).into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let text = line.join(" ");
        assert!(text.contains("--unshare-all") && !text.contains("--share-net"), "{text}");
        assert!(text.contains("--bind /home/ada/w /home/ada/w"), "{text}");
        assert!(text.contains("--ro-bind /opt/py /opt/py"), "{text}");
        assert!(text.contains("--ro-bind /tmp/x/block_1.py /code/block_1.py"), "{text}");
        assert_eq!(line.iter().filter(|word| *word == "--bind").count(), 1, "one tree is writable: {text}");
        assert!(text.ends_with("--seccomp 9 --"), "{text}");
    }
}
