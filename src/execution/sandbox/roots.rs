//! What contained code may read: the system's programs and libraries, and the toolchain that runs it. Nothing of the
//! operator's: no home directory, no secrets of the system.

use crate::execution::language::find_where;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Trees with programs and libraries.
const TREES: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"];

/// What programs read in `/etc` to start, to find names and to speak TLS. Passwords, keys and mounts are not among it.
const ETC: &[&str] = &[
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/ca-certificates",
    "/etc/debian_version",
    "/etc/fonts",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/inputrc",
    "/etc/java",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld-musl-x86_64.path",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki/tls",
    "/etc/pki/ca-trust",
    "/etc/profile",
    "/etc/protocols",
    "/etc/python3",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
    "/etc/timezone",
];

/// The readable trees of one execution.
#[derive(Debug, Clone)]
pub struct Roots {
    /// System trees that exist.
    pub system: Vec<PathBuf>,
    /// Toolchains and virtual environments outside of them.
    pub tools: Vec<PathBuf>,
}

impl Roots {
    /// The system's, and this virtual environment with the Python that it rests on.
    pub fn new(venv: Option<&str>) -> Roots {
        let system = TREES.iter().chain(ETC).map(PathBuf::from).filter(|path| path.exists()).collect();
        let mut roots = Roots { system, tools: Vec::new() };
        if let Some(venv) = venv {
            roots.tools.push(PathBuf::from(venv));
            let base = std::fs::canonicalize(Path::new(venv).join("bin/python"));
            roots.tools.extend(base.ok().and_then(|python| toolchain(&python)));
        }
        roots
    }

    /// Whether this path lies in a readable tree, wherever links lead.
    pub fn cover(&self, path: &Path) -> bool {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let inside = |path: &Path| self.all().any(|root| path.starts_with(root));
        inside(path) && inside(&real)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Path> {
        self.system.iter().chain(&self.tools).map(PathBuf::as_path)
    }

    /// A program that can be read here: one of the system's, or one whose toolchain stands in a directory of its own
    /// and becomes readable by being named. Small scripts that only lead to a program elsewhere are passed over.
    pub fn find(&mut self, name: &str) -> Option<PathBuf> {
        let found = find_where(name, |path| self.cover(path) || own_toolchain(path).is_some())?;
        if self.cover(&found) {
            return Some(found);
        }
        let (program, tree) = own_toolchain(&found)?;
        self.tools.push(tree);
        Some(program)
    }

    /// `PATH` without the directories that cannot be read here; the system's usual ones when nothing is left.
    pub fn path(&self) -> OsString {
        let given = std::env::var_os("PATH").unwrap_or_default();
        let mut dirs: Vec<PathBuf> =
            self.tools.iter().map(|tree| tree.join("bin")).filter(|dir| dir.is_dir()).collect();
        dirs.extend(std::env::split_paths(&given).filter(|dir| dir.is_absolute() && self.cover(dir)));
        dirs.dedup();
        if dirs.is_empty() {
            return "/usr/local/bin:/usr/bin:/bin".into();
        }
        std::env::join_paths(dirs).unwrap_or_else(|_| "/usr/bin:/bin".into())
    }
}

/// A program that is no script, and the tree of its toolchain.
fn own_toolchain(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let real = path.canonicalize().ok()?;
    let mut magic = [0; 4];
    std::fs::File::open(&real).ok()?.read_exact(&mut magic).ok()?;
    let tree = toolchain(&real)?;
    (magic == *b"\x7fELF" || !cfg!(target_os = "linux")).then_some((real, tree))
}

/// `<tree>/bin/<program>` gives the tree, unless that is as large as a home directory or the whole system.
fn toolchain(program: &Path) -> Option<PathBuf> {
    let bin = program.parent().filter(|dir| dir.file_name().is_some_and(|name| name == "bin"))?;
    let tree = bin.parent()?;
    let home = std::env::var_os("HOME").map(PathBuf::from).and_then(|home| home.canonicalize().ok());
    let holds_home = home.is_some_and(|home| home.starts_with(tree));
    let local = tree.ends_with(".local");
    (tree.components().count() > 2 && !holds_home && !local).then(|| tree.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_is_a_tree_of_its_own_and_never_a_home() {
        let home = std::env::var("HOME").unwrap();
        let tree = |path: &str| toolchain(Path::new(path));
        assert_eq!(tree("/opt/py/3.12/bin/python3"), Some("/opt/py/3.12".into()));
        assert_eq!(tree(&format!("{home}/bin/python3")), None);
        assert_eq!(tree(&format!("{home}/.local/bin/python3")), None);
        assert_eq!(tree("/bin/python3"), None);
        assert_eq!(tree("/opt/py/python3"), None);
    }

    #[test]
    fn what_is_secret_is_in_no_root() {
        let roots = Roots::new(None);
        let home = std::env::var("HOME").unwrap();
        for secret in
            ["/etc/shadow", "/etc/ssh", "/etc/ssl/private/key.pem", "/root/.ssh/id_ed25519", &home, "/var", "/"]
        {
            assert!(!roots.cover(Path::new(secret)), "{secret}");
        }
        assert!(roots.cover(Path::new("/bin/sh")));
    }
}
