//! How a program of the local executor is contained: from a tier to a command line and to what the child does to itself.

use super::local::Programs;
use super::run::Start;
use super::sandbox::Means;
use crate::chat::containment::Tier;
use std::ffi::OsString;
use std::path::PathBuf;

/// Variables with their values.
type Environment = Vec<(OsString, OsString)>;

#[cfg(target_os = "linux")]
pub use super::sandbox::child::Confine;
#[cfg(not(target_os = "linux"))]
pub use super::sandbox::plain::Confine;

/// Size of the file systems in memory that a contained program gets for temporary files.
#[cfg(target_os = "linux")]
const SCRATCH: u64 = 64 << 20;

/// Devices a program may use.
#[cfg(target_os = "linux")]
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

impl Programs {
    /// The whole command line and what the child does to itself. The environment loses what would lead nowhere.
    pub(super) fn contain(
        &self,
        start: &Start<'_>,
        environment: &mut Environment,
    ) -> Result<(Vec<OsString>, Confine), String> {
        let roots = self.roots.borrow();
        if let Some(roots) = roots.as_ref() {
            set(environment, "PATH", roots.path());
        }
        match self.tier {
            Tier::None => Ok((line(start, &start.file.path), self.open(start))),
            Tier::Process => {
                let scratch = self.scratch.as_ref().map(|(dir, _)| dir.path().to_owned()).unwrap_or_default();
                set(environment, "TMPDIR", scratch.into());
                self.process(start)
            }
            Tier::Namespace => {
                set(environment, "TMPDIR", "/tmp".into());
                self.namespace(start)
            }
            Tier::Container => Err("the local executor has no containers".to_owned()),
        }
    }
}

fn set(environment: &mut Environment, name: &str, value: OsString) {
    environment.retain(|(known, _)| known != name);
    environment.push((name.into(), value));
}

fn line(start: &Start<'_>, file: &std::path::Path) -> Vec<OsString> {
    let mut line: Vec<OsString> = start.command.iter().map(OsString::from).collect();
    line.extend(start.payload.tool.is_none().then(|| file.into()));
    line
}

/// Limits that every process inherits. The sums over all of them are kept by the meter.
fn limits(start: &Start<'_>) -> Vec<(libc::c_int, u64)> {
    let bounds = &start.payload.place.bounds;
    let mut limits = Vec::new();
    limits.extend(bounds.disk.map(|most| (libc::RLIMIT_FSIZE as libc::c_int, most)));
    // Data, not address space: interpreters reserve far more than they use. Twice, so that the sum speaks first.
    limits.extend(bounds.memory.map(|most| (libc::RLIMIT_DATA as libc::c_int, most.saturating_mul(2))));
    limits
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use crate::execution::sandbox::{bubblewrap, filter, landlock, spaces};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    impl Programs {
        /// Without containment: still a process namespace, so that nothing gets away.
        pub(super) fn open(&self, start: &Start<'_>) -> Confine {
            let means = Means::here();
            let spaces = means.processes().then(|| spaces(means.user, None, false, None));
            let terminal = self.terminal;
            let (orphans, limits) = (spaces.is_none(), limits(start));
            Confine { spaces, limits, processors: processors(start), terminal, orphans, ..Confine::default() }
        }

        /// Landlock and seccomp, and namespaces where they can be had.
        pub(super) fn process(&self, start: &Start<'_>) -> Result<(Vec<OsString>, Confine), String> {
            let (means, place) = (Means::here(), &start.payload.place);
            let work_dir = start.work_dir.path().to_owned();
            let mut write = vec![work_dir];
            write.extend(self.scratch.as_ref().map(|(dir, _)| dir.path().to_owned()));
            let mut read: Vec<PathBuf> = vec!["/proc".into(), "/sys/devices/system/cpu".into()];
            read.extend(self.roots.borrow().iter().flat_map(|roots| roots.all()).map(Path::to_owned));
            read.push(start.file.copy.as_ref().map_or(&start.file.path, |copy| &copy.root).clone());
            let mut devices = DEVICES.map(PathBuf::from).to_vec();
            devices.extend(self.terminal.then(|| PathBuf::from("/dev/tty")));
            let rules = landlock::Rules { read, write: write.clone(), devices, network: place.network };
            let (spaces, sockets) = if means.views() {
                let spaces = spaces(true, Some(&write), !place.network, Some(SCRATCH));
                (Some(spaces), filter::Sockets::Internet)
            } else {
                let spaces = means.processes().then(|| spaces(means.user, None, false, None));
                let sockets = if place.network { filter::Sockets::Internet } else { filter::Sockets::None };
                (spaces, sockets)
            };
            let mut limits = limits(start);
            if let Some(most) = place.bounds.processes.filter(|_| means.views()) {
                // Counted in the user namespace alone; without one it would count all of the operator's processes.
                limits.push((libc::RLIMIT_NPROC as libc::c_int, u64::from(most)));
            }
            let mut late = Vec::new();
            if let Some(spaces) = &spaces {
                late.extend(landlock::late(Path::new("/proc"), false));
                late.extend(spaces.shm.as_ref().and_then(|_| landlock::late(Path::new("/dev/shm"), true)));
            }
            let processors = processors(start);
            let confine = Confine {
                orphans: spaces.is_none(),
                spaces,
                landlock: Some(landlock::ruleset(&rules)?),
                landlock_late: late,
                filter: filter::program(sockets, !processors.is_empty())?,
                limits,
                powerless: true,
                no_new_privileges: true,
                processors,
                keep: Vec::new(),
                terminal: self.terminal,
            };
            let file = start.file.copy.as_ref().map_or(&start.file.path, |copy| &copy.path);
            Ok((line(start, file), confine))
        }

        /// bubblewrap.
        pub(super) fn namespace(&self, start: &Start<'_>) -> Result<(Vec<OsString>, Confine), String> {
            let (means, place) = (Means::here(), &start.payload.place);
            let program = means.bubblewrap()?;
            let processors = processors(start);
            // Without the machine's network there is no local socket of anybody else's to be seen.
            let sockets = if place.network { filter::Sockets::Internet } else { filter::Sockets::InternetAndLocal };
            let rules = in_memory(&filter::bytes(&filter::program(sockets, !processors.is_empty())?))?;
            let code = Path::new(bubblewrap::CODE);
            let (from, mounted, seen) = match &start.file.copy {
                Some(copy) => {
                    let below = copy.path.strip_prefix(&copy.root).unwrap_or(&copy.path);
                    (copy.root.as_path(), code.to_owned(), code.join(below))
                }
                None => {
                    let seen = code.join(start.file.path.file_name().unwrap_or_default());
                    (start.file.path.as_path(), seen.clone(), seen)
                }
            };
            let roots = self.roots.borrow();
            let Some(roots) = roots.as_ref() else { return Err("no readable trees were found".to_owned()) };
            let view = bubblewrap::View {
                roots,
                work_dir: start.work_dir.path(),
                files: &[(from, &mounted)],
                scratch: SCRATCH,
                network: place.network,
                filter: rules.as_raw_fd(),
                terminal: self.terminal,
            };
            let mut command = vec![program.into_os_string()];
            command.extend(bubblewrap::arguments(&view));
            command.extend(line(start, &seen));
            let terminal = self.terminal;
            let confine =
                Confine { limits: limits(start), processors, keep: vec![rules], terminal, ..Confine::default() };
            Ok((command, confine))
        }
    }

    /// The processors a program may use, when they are fewer than there are. Runs beside one another get different
    /// ones where that is possible.
    fn processors(start: &Start<'_>) -> Vec<usize> {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        let Some(cpu) = start.payload.place.bounds.cpu_millis else { return Vec::new() };
        // SAFETY: a set of bits for which zero is valid; the call fills it.
        let there: Vec<usize> = unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) != 0 {
                return Vec::new();
            }
            (0..libc::CPU_SETSIZE as usize).filter(|cpu| libc::CPU_ISSET(*cpu, &set)).collect()
        };
        let wanted = cpu.div_ceil(1000) as usize;
        if wanted >= there.len() {
            return Vec::new();
        }
        let turn = TURN.fetch_add(wanted, Ordering::Relaxed);
        (0..wanted).map(|n| there[(turn + n) % there.len()]).collect()
    }

    /// Bytes as a file in memory, to be read from its beginning.
    fn in_memory(bytes: &[u8]) -> Result<OwnedFd, String> {
        use std::io::{Seek, Write};
        // SAFETY: a constant, NUL-terminated name; the descriptor that comes back is ours alone.
        let fd = unsafe {
            match libc::memfd_create(c"filter".as_ptr(), libc::MFD_CLOEXEC) {
                -1 => return Err(format!("no file in memory could be made: {}", std::io::Error::last_os_error())),
                fd => OwnedFd::from_raw_fd(fd),
            }
        };
        let mut file = std::fs::File::from(fd);
        file.write_all(bytes).and_then(|()| file.rewind()).map_err(|error| error.to_string())?;
        Ok(file.into())
    }
}

#[cfg(not(target_os = "linux"))]
impl Programs {
    fn open(&self, start: &Start<'_>) -> Confine {
        Confine { limits: limits(start) }
    }

    fn process(&self, start: &Start<'_>) -> Result<(Vec<OsString>, Confine), String> {
        use super::sandbox::seatbelt;
        if !Means::here().seatbelt {
            return Err("tier process needs sandbox-exec".to_owned());
        }
        let roots = self.roots.borrow();
        let mut read: Vec<&std::path::Path> = roots.iter().flat_map(|roots| roots.all()).collect();
        read.extend(start.file.path.parent());
        let mut write = vec![start.work_dir.path()];
        write.extend(self.scratch.as_ref().map(|(dir, _)| dir.path()));
        let profile = seatbelt::profile(&read, &write, start.payload.place.network);
        let mut command: Vec<OsString> = vec![seatbelt::PROGRAM.into(), "-p".into(), profile.into()];
        command.extend(line(start, &start.file.path));
        Ok((command, Confine { limits: limits(start) }))
    }

    fn namespace(&self, _start: &Start<'_>) -> Result<(Vec<OsString>, Confine), String> {
        Err("bubblewrap exists for Linux only".to_owned())
    }
}
