//! What keeps code of the local executor in: which tiers this machine has, and how a program is restricted in each.
//!
//! [`Means`] says what the kernel and the installed programs offer; it is found out by trying, once. A tier that is
//! wanted and not there is refused with what to install; nothing is ever weakened in silence. The child restricts
//! itself (`child.rs`) by rules that are built before it exists (`landlock.rs`, `filter.rs`); bubblewrap gets its
//! command line from `bubblewrap.rs`, macOS its profile from `seatbelt.rs`. `roots.rs` is what may be read.

#[cfg(target_os = "linux")]
pub mod bubblewrap;
#[cfg(target_os = "linux")]
pub mod child;
#[cfg(target_os = "linux")]
pub mod filter;
#[cfg(target_os = "linux")]
pub mod landlock;
#[cfg(not(target_os = "linux"))]
pub mod plain;
pub mod roots;
#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
pub mod seatbelt;

use crate::chat::containment::Tier;
use std::path::PathBuf;
use std::sync::OnceLock;

/// What this machine has for containing local code. What has to be tried is tried when it is first asked for: a team
/// that needs none of it starts without.
#[derive(Debug, Clone, Default)]
pub struct Means {
    /// Version of Landlock; 0 is none.
    pub landlock: i32,
    /// Whether namespaces take a user namespace: for everybody but root.
    pub user: bool,
    /// `sandbox-exec`.
    pub seatbelt: bool,
    processes: OnceLock<bool>,
    views: OnceLock<bool>,
    bubblewrap: OnceLock<Result<PathBuf, String>>,
}

impl Means {
    /// Those of this machine.
    pub fn here() -> &'static Means {
        static MEANS: OnceLock<Means> = OnceLock::new();
        MEANS.get_or_init(Means::find)
    }

    #[cfg(target_os = "linux")]
    fn find() -> Means {
        // SAFETY: a plain system call.
        let user = unsafe { libc::geteuid() } != 0;
        Means { landlock: landlock::version(), user, ..Means::default() }
    }

    #[cfg(not(target_os = "linux"))]
    fn find() -> Means {
        Means { seatbelt: std::path::Path::new(seatbelt::PROGRAM).exists(), ..Means::default() }
    }

    /// Whether a process namespace can be made.
    pub fn processes(&self) -> bool {
        #[cfg(target_os = "linux")]
        return *self.processes.get_or_init(|| super::process::try_spaces(self.user, false));
        #[cfg(not(target_os = "linux"))]
        return *self.processes.get_or_init(|| false);
    }

    /// Whether a read-only view of the files and a network of its own can be made, too.
    pub fn views(&self) -> bool {
        #[cfg(target_os = "linux")]
        return *self.views.get_or_init(|| super::process::try_spaces(true, true));
        #[cfg(not(target_os = "linux"))]
        return *self.views.get_or_init(|| false);
    }

    /// bubblewrap, if it is there and works.
    ///
    /// # Errors
    /// What is missing, or how it failed.
    pub fn bubblewrap(&self) -> Result<PathBuf, String> {
        #[cfg(target_os = "linux")]
        return self.bubblewrap.get_or_init(find_bubblewrap).clone();
        #[cfg(not(target_os = "linux"))]
        return self.bubblewrap.get_or_init(|| Err("bubblewrap exists for Linux only".to_owned())).clone();
    }

    /// Why a tier of the local executor is not there: what is missing, and what to do. `None` when it is there.
    pub fn lacks(&self, tier: Tier) -> Option<String> {
        match tier {
            Tier::None => None,
            Tier::Process if self.seatbelt => None,
            #[cfg(target_os = "linux")]
            Tier::Process if self.landlock >= landlock::LEAST => None,
            Tier::Process => Some(format!(
                "tier process needs Landlock 4 or newer (Linux 6.7), and this system has {}",
                if self.landlock == 0 { "none".to_owned() } else { format!("version {}", self.landlock) }
            )),
            Tier::Namespace => self.bubblewrap().err(),
            Tier::Container => Some("the local executor has no containers: set executor = \"docker\"".to_owned()),
        }
    }

    /// The strongest local tier that is there.
    pub fn strongest(&self) -> Tier {
        let local = [Tier::Namespace, Tier::Process];
        local.into_iter().find(|tier| self.lacks(*tier).is_none()).unwrap_or(Tier::None)
    }

    /// The tier in which code runs whose team wants at least `minimum`, or exactly `wanted`.
    ///
    /// # Errors
    /// What is missing and what to do about it.
    pub fn choose(&self, minimum: Tier, wanted: Option<Tier>) -> Result<Tier, String> {
        if let Some(wanted) = wanted {
            if wanted < minimum {
                let (wanted, minimum) = (wanted.name(), minimum.name());
                return Err(format!("tier = {wanted:?} is below minimum_tier = {minimum:?}; change one of them"));
            }
            return self.lacks(wanted).map_or(Ok(wanted), Err);
        }
        let best = self.strongest();
        if best >= minimum {
            return Ok(best);
        }
        let lacks = self.lacks(minimum).unwrap_or_default();
        let opt = "To run it uncontained all the same, write tier = \"none\" and minimum_tier = \"none\"";
        Err(format!("{lacks}. {opt} into its code_execution"))
    }

    /// What holds the code in that tier, in words.
    pub fn containment(&self, tier: Tier, network: bool) -> String {
        let mut held = match tier {
            Tier::None => return "none: your own account".to_owned(),
            Tier::Process if self.seatbelt => vec!["sandbox-exec: files".to_owned()],
            Tier::Process => {
                let mut held = vec![format!("Landlock {} and seccomp: files, system calls", self.landlock)];
                if self.views() {
                    held.push("processes".to_owned());
                }
                held
            }
            Tier::Namespace => vec!["bubblewrap and seccomp: files, system calls, processes".to_owned()],
            Tier::Container => vec!["container".to_owned()],
        };
        if !network {
            held.push("network".to_owned());
        }
        format!("{}: {}", tier.name(), held.join(", "))
    }
}

/// Namespaces for a program: processes always; with `writable`, a read-only view of all but these trees, and shared
/// memory of its own; with `net`, no network.
#[cfg(target_os = "linux")]
pub fn spaces(user: bool, writable: Option<&[PathBuf]>, net: bool, shm: Option<u64>) -> child::Spaces {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;
    // Numbers and paths without NUL: a path with one never came to be a directory.
    let text = |bytes: &[u8]| CString::new(bytes).unwrap_or_default();
    // SAFETY: plain system calls.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let map = |id: u32| text(format!("{id} {id} 1").as_bytes());
    child::Spaces {
        user: user.then(|| (map(uid), map(gid))),
        net,
        ipc: writable.is_some(),
        writable: writable.map(|trees| trees.iter().map(|tree| text(tree.as_os_str().as_bytes())).collect()),
        shm: shm.map(|size| text(format!("size={size},mode=1777").as_bytes())),
    }
}

/// bubblewrap, tried out.
#[cfg(target_os = "linux")]
fn find_bubblewrap() -> Result<PathBuf, String> {
    let Some(program) = super::language::find_program("bwrap") else {
        return Err("tier namespace needs bubblewrap: install the package `bubblewrap`".to_owned());
    };
    let line = ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "/bin/sh", "-c", ":"];
    let output = std::process::Command::new(&program).args(line).stdin(std::process::Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(program),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().next().unwrap_or("it failed").chars().take(200).collect::<String>();
            Err(format!(
                "tier namespace needs bubblewrap, which does not work here: {said}. \
                 Unprivileged user namespaces may be switched off on this system"
            ))
        }
        Err(error) => Err(format!("tier namespace needs bubblewrap, which does not start: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(landlock: i32, bubblewrap: bool) -> Means {
        let bubblewrap = if bubblewrap { Ok("/usr/bin/bwrap".into()) } else { Err("install `bubblewrap`".to_owned()) };
        let known = (OnceLock::from(true), OnceLock::from(true), OnceLock::from(bubblewrap));
        Means { landlock, user: true, seatbelt: false, processes: known.0, views: known.1, bubblewrap: known.2 }
    }

    #[test]
    fn the_strongest_tier_is_taken_and_a_missing_one_is_refused_with_what_to_do() {
        assert_eq!(means(7, true).choose(Tier::None, None), Ok(Tier::Namespace));
        assert_eq!(means(7, false).choose(Tier::Process, None), Ok(Tier::Process));
        assert_eq!(means(0, false).choose(Tier::None, None), Ok(Tier::None));
        let refused = means(0, false).choose(Tier::Process, None).unwrap_err();
        assert!(refused.contains("Landlock") && refused.contains("tier = \"none\""), "{refused}");
        assert!(means(7, false).choose(Tier::Namespace, None).unwrap_err().contains("install `bubblewrap`"));
        assert!(means(7, true).choose(Tier::Container, None).unwrap_err().contains("docker"));
    }

    #[test]
    fn a_tier_that_is_asked_for_is_kept_or_refused() {
        assert_eq!(means(7, true).choose(Tier::None, Some(Tier::None)), Ok(Tier::None));
        assert_eq!(means(7, true).choose(Tier::Process, Some(Tier::Process)), Ok(Tier::Process));
        assert!(means(7, true).choose(Tier::Process, Some(Tier::None)).unwrap_err().contains("minimum_tier"));
        assert!(means(3, false).choose(Tier::None, Some(Tier::Process)).is_err());
    }
}
