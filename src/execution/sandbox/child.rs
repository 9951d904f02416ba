//! What the forked child does to itself between fork and exec: namespaces, mounts, limits, and at last the rules that
//! it cannot take back. System calls only, no allocation: everything is prepared before the fork.

use crate::execution::supervisor;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::null;

/// Everything that restricts a program, ready to be applied.
#[derive(Debug, Default)]
pub struct Confine {
    /// Namespaces; without them the supervisor alone holds the tree together.
    pub spaces: Option<Spaces>,
    /// A Landlock ruleset.
    pub landlock: Option<OwnedFd>,
    /// Trees below which the ruleset allows these accesses once they are mounted anew in the namespace.
    pub landlock_late: Vec<(CString, u64)>,
    /// A seccomp program.
    pub filter: Vec<seccompiler::sock_filter>,
    /// Resource limits: which, and how much.
    pub limits: Vec<(libc::c_int, u64)>,
    /// Gives up every capability.
    pub powerless: bool,
    /// No way back to more rights, by set-uid programs or otherwise.
    pub no_new_privileges: bool,
    /// The only processors it may use; empty for all.
    pub processors: Vec<usize>,
    /// Descriptors that stay open across exec.
    pub keep: Vec<OwnedFd>,
    /// It can reach its supervisor: what it leaves behind when it kills that one must come to us.
    pub orphans: bool,
    /// Its standard input is a terminal, which becomes its own.
    pub terminal: bool,
}

/// Namespaces of a program.
#[derive(Debug, Clone)]
pub struct Spaces {
    /// Lines for the user and group maps; `None` where the right to make namespaces is there already.
    pub user: Option<(CString, CString)>,
    /// No network but a loopback of its own.
    pub net: bool,
    /// Shared memory of its own.
    pub ipc: bool,
    /// Trees that stay writable when the whole file system becomes read-only; `None` leaves it as it is.
    pub writable: Option<Vec<CString>>,
    /// Options of a small file system over `/dev/shm`.
    pub shm: Option<CString>,
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn check_long(result: libc::c_long) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as libc::c_int) }
}

impl Spaces {
    /// In the supervisor, before it splits off the first process of the new namespaces.
    ///
    /// # Errors
    /// When the kernel refuses one of them.
    ///
    /// # Safety
    /// Between fork and exec only.
    pub unsafe fn enter(&self) -> io::Result<()> {
        let mut flags = libc::CLONE_NEWPID;
        if self.net {
            flags |= libc::CLONE_NEWNET;
        }
        if self.ipc {
            flags |= libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        }
        // SAFETY: plain system calls on valid arguments.
        unsafe {
            let Some((uids, gids)) = &self.user else { return check(libc::unshare(flags)) };
            // The maps belong to root while this copy of Plenary is closed to others; it is closed again below.
            libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0);
            let entered = check(libc::unshare(flags | libc::CLONE_NEWUSER))
                .and_then(|()| write_to(c"/proc/self/setgroups", c"deny"))
                .and_then(|()| write_to(c"/proc/self/uid_map", uids))
                .and_then(|()| write_to(c"/proc/self/gid_map", gids));
            libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
            entered
        }
    }

    /// In the first process of the new namespaces: the mounts and the loopback.
    ///
    /// # Errors
    /// When one of them cannot be made: nothing may run then.
    ///
    /// # Safety
    /// Between fork and exec only.
    pub unsafe fn furnish(&self) -> io::Result<()> {
        // SAFETY: plain system calls on valid, NUL-terminated arguments.
        unsafe {
            check(libc::unshare(libc::CLONE_NEWNS))?;
            check(libc::mount(null(), c"/".as_ptr(), null(), libc::MS_REC | libc::MS_PRIVATE, null()))?;
            if let Some(writable) = &self.writable {
                read_only(writable)?;
            }
            let small = libc::MS_NOSUID | libc::MS_NODEV;
            if let Some(options) = &self.shm {
                let kind = c"tmpfs".as_ptr();
                check(libc::mount(kind, c"/dev/shm".as_ptr(), kind, small, options.as_ptr().cast()))?;
            }
            let kind = c"proc".as_ptr();
            check(libc::mount(kind, c"/proc".as_ptr(), kind, small | libc::MS_NOEXEC, null()))?;
            if self.net {
                loopback()?;
            }
            Ok(())
        }
    }
}

/// Makes everything read-only but these trees.
unsafe fn read_only(writable: &[CString]) -> io::Result<()> {
    const MOST: usize = 4;
    let mut trees = [-1; MOST];
    // SAFETY: plain system calls on valid, NUL-terminated arguments.
    unsafe {
        for (tree, path) in trees.iter_mut().zip(writable) {
            let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_RECURSIVE as libc::c_uint;
            *tree = check_long(libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags))?;
        }
        let mut attributes: libc::mount_attr = std::mem::zeroed();
        attributes.attr_set = libc::MOUNT_ATTR_RDONLY;
        let size = size_of::<libc::mount_attr>();
        let all = libc::AT_RECURSIVE;
        check_long(libc::syscall(libc::SYS_mount_setattr, libc::AT_FDCWD, c"/".as_ptr(), all, &attributes, size))?;
        for (tree, path) in trees.iter().zip(writable) {
            let empty = c"".as_ptr();
            let flags = libc::MOVE_MOUNT_F_EMPTY_PATH;
            check_long(libc::syscall(libc::SYS_move_mount, *tree, empty, libc::AT_FDCWD, path.as_ptr(), flags))?;
            libc::close(*tree);
        }
    }
    Ok(())
}

/// Switches the loopback of a new network on.
unsafe fn loopback() -> io::Result<()> {
    // SAFETY: `ifreq` is plain data for which zero is valid; the calls get valid pointers.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        check(socket)?;
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        let done = check(libc::ioctl(socket, libc::SIOCSIFFLAGS as _, &request));
        libc::close(socket);
        done
    }
}

unsafe fn write_to(path: &std::ffi::CStr, text: &std::ffi::CStr) -> io::Result<()> {
    // SAFETY: valid, NUL-terminated arguments; the descriptor is closed again.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        check(file)?;
        let bytes = text.to_bytes();
        let written = libc::write(file, bytes.as_ptr().cast(), bytes.len());
        let error = io::Error::last_os_error();
        libc::close(file);
        if written == bytes.len() as isize { Ok(()) } else { Err(error) }
    }
}

impl Confine {
    /// Splits the calling process as `supervisor::split` does, and restricts the half that becomes the program.
    ///
    /// # Errors
    /// When any part cannot be put in force: the program then does not start.
    ///
    /// # Safety
    /// Between fork and exec only; `work_dir` is a valid descriptor of the directory at `work_path`.
    pub unsafe fn apply(&self, owner: libc::pid_t, work_dir: i32, work_path: &CString) -> io::Result<()> {
        // SAFETY: as promised by the caller.
        unsafe {
            supervisor::split(owner, self.spaces.as_ref())?;
            if self.terminal {
                check(libc::ioctl(0, libc::TIOCSCTTY, 0))?;
            }
            if self.spaces.as_ref().is_some_and(|spaces| spaces.writable.is_some()) {
                enter_again(work_dir, work_path)?;
            }
            for (which, most) in &self.limits {
                let limit = libc::rlimit { rlim_cur: *most, rlim_max: *most };
                check(libc::setrlimit(*which as _, &limit))?;
            }
            if !self.processors.is_empty() {
                let mut set: libc::cpu_set_t = std::mem::zeroed();
                for processor in &self.processors {
                    libc::CPU_SET(*processor, &mut set);
                }
                check(libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set))?;
            }
            if self.powerless {
                give_up_powers()?;
            }
            if self.no_new_privileges {
                check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
            }
            if let Some(rules) = &self.landlock {
                for (path, access) in &self.landlock_late {
                    allow(rules.as_raw_fd(), path, *access)?;
                }
                check_long(libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0))?;
            }
            for kept in &self.keep {
                check(libc::fcntl(kept.as_raw_fd(), libc::F_SETFD, 0))?;
            }
            if !self.filter.is_empty() {
                let program =
                    libc::sock_fprog { len: self.filter.len() as u16, filter: self.filter.as_ptr() as *mut _ };
                let set = libc::SECCOMP_SET_MODE_FILTER;
                check_long(libc::syscall(libc::SYS_seccomp, set, 0, &program))?;
            }
            Ok(())
        }
    }
}

/// The working directory was mounted anew, writable: steps into that one, if it still is the one that was checked.
unsafe fn enter_again(work_dir: i32, path: &CString) -> io::Result<()> {
    // SAFETY: plain data for which zero is valid, and valid descriptors.
    unsafe {
        let (mut held, mut found): (libc::stat, libc::stat) = (std::mem::zeroed(), std::mem::zeroed());
        let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let fd = libc::open(path.as_ptr(), flags);
        check(fd)?;
        check(libc::fstat(work_dir, &mut held))?;
        check(libc::fstat(fd, &mut found))?;
        if (held.st_dev, held.st_ino) != (found.st_dev, found.st_ino) {
            return Err(io::Error::from_raw_os_error(libc::ESTALE));
        }
        check(libc::fchdir(fd))?;
        libc::close(fd);
        Ok(())
    }
}

/// Drops every capability for good.
unsafe fn give_up_powers() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: libc::c_int,
    }
    const VERSION_3: u32 = 0x2008_0522;
    // SAFETY: plain system calls on valid arguments.
    unsafe {
        for capability in 0..64 {
            // The last one there is differs by kernel; beyond it the answer is an error that means nothing.
            libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        let header = Header { version: VERSION_3, pid: 0 };
        let none = [[0u32; 3]; 2];
        check_long(libc::syscall(libc::SYS_capset, &header, &none))?;
        Ok(())
    }
}

/// Adds a tree to a Landlock ruleset.
unsafe fn allow(rules: i32, path: &CString, access: u64) -> io::Result<()> {
    #[repr(C, packed)]
    struct Beneath {
        access: u64,
        parent: i32,
    }
    const PATH_BENEATH: libc::c_int = 1;
    // SAFETY: valid, NUL-terminated arguments; the descriptor is closed again.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
        check(fd)?;
        let rule = Beneath { access, parent: fd };
        let done = check_long(libc::syscall(libc::SYS_landlock_add_rule, rules, PATH_BENEATH, &rule, 0));
        libc::close(fd);
        done.map(|_| ())
    }
}
