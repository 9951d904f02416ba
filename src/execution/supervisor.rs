//! A small process between us and a program, so that nothing the program starts can get away (Linux).
//!
//! It is split off in the forked child, before the program's image is loaded. As a *child subreaper* it inherits every
//! orphan below it, whatever session, group or environment the orphan chose. When the program ends, when it is told to
//! (SIGTERM), or when the thread that started it dies - so also when Plenary is killed - it kills all its children
//! until none is left, and exits with the program's own code.
//!
//! With namespaces there is a second one, the first process of the new process namespace: the program cannot see, stop
//! or kill the one outside, and when the one inside ends the kernel ends whatever is left, however it hid.
//!
//! Everything here runs between fork and exec of a process with many threads: system calls only, no allocation.

use super::sandbox::child::Spaces;
use std::io;
use std::mem::zeroed;
use std::ptr::null_mut;

/// Exit code of a program that a signal ended: 128 + signal, as shells and docker report it.
pub const SIGNALLED: i32 = 128;

/// Splits the calling (just forked) process: the call returns in the process that becomes the program, while the
/// supervisor stays behind in it and never returns. `owner` is the process id of Plenary.
///
/// # Errors
/// When no second process can be made, or Plenary is already gone.
///
/// # Safety
/// To be called only in a child between fork and exec, with all signals at their default mask.
pub unsafe fn split(owner: libc::pid_t, spaces: Option<&Spaces>) -> io::Result<()> {
    // SAFETY: plain system calls on valid, initialised arguments.
    unsafe {
        libc::setsid();
        if libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 {
            return Err(io::Error::last_os_error());
        }
        // Blocked signals wait for us; a handler of Plenary's, inherited by the fork, must not run here.
        let mut signals: libc::sigset_t = zeroed();
        libc::sigfillset(&mut signals);
        libc::sigprocmask(libc::SIG_BLOCK, &signals, null_mut());
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        if let Some(spaces) = spaces {
            spaces.enter()?;
        }
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM, 0, 0, 0);
        if libc::getppid() != owner {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        // Not libc::fork: in a child of a process with threads it could wait for a lock nobody holds any more.
        match libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) {
            -1 => return Err(io::Error::last_os_error()),
            0 => {}
            program => supervise(program as libc::pid_t),
        }
        if let Some(spaces) = spaces {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
            spaces.furnish()?;
            match libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) {
                -1 => return Err(io::Error::last_os_error()),
                0 => {}
                program => supervise(program as libc::pid_t),
            }
        }
        // A session of its own: a program that signals its group does not meet the supervisor.
        libc::setsid();
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        libc::sigemptyset(&mut signals);
        libc::sigprocmask(libc::SIG_SETMASK, &signals, null_mut());
        Ok(())
    }
}

/// Waits for the program, then ends everything it left behind.
///
/// # Safety
/// As [`split`].
unsafe fn supervise(program: libc::pid_t) -> ! {
    // SAFETY: plain system calls on valid, initialised arguments.
    unsafe {
        close_everything();
        // Our memory is a copy of Plenary's: the program shall not read it through /proc.
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        libc::prctl(libc::PR_SET_NAME, c"plenary-code".as_ptr(), 0, 0, 0);
        let mut code = None;
        let mut awaited: libc::sigset_t = zeroed();
        libc::sigemptyset(&mut awaited);
        libc::sigaddset(&mut awaited, libc::SIGCHLD);
        libc::sigaddset(&mut awaited, libc::SIGTERM);
        while !reap(program, &mut code) && code.is_none() {
            if libc::sigwaitinfo(&awaited, null_mut()) == libc::SIGTERM {
                break;
            }
        }
        let pause = libc::timespec { tv_sec: 0, tv_nsec: 2_000_000 };
        while !reap(program, &mut code) {
            if !kill_children() {
                // Without /proc only the program itself and its group are known.
                libc::kill(program, libc::SIGKILL);
                libc::kill(-program, libc::SIGKILL);
                break;
            }
            libc::sigtimedwait(&awaited, null_mut(), &pause);
        }
        libc::_exit(code.unwrap_or(SIGNALLED + libc::SIGKILL))
    }
}

/// Collects ended children and notes the program's exit code; true when no child is left.
unsafe fn reap(program: libc::pid_t, code: &mut Option<i32>) -> bool {
    loop {
        let mut status = 0;
        // SAFETY: `status` is valid for the call.
        match unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG | libc::__WALL) } {
            0 => return false,
            -1 => return true,
            ended if ended == program => {
                *code = Some(if libc::WIFEXITED(status) {
                    libc::WEXITSTATUS(status)
                } else {
                    SIGNALLED + libc::WTERMSIG(status)
                });
            }
            _ => {}
        }
    }
}

/// Kills every direct child; their own become ours and are met the next time. False when they cannot be listed.
unsafe fn kill_children() -> bool {
    // SAFETY: plain system calls on valid, initialised arguments.
    unsafe {
        let list = libc::open(c"/proc/thread-self/children".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if list < 0 {
            return false;
        }
        let mut buffer = [0u8; 1024];
        let mut pid: libc::pid_t = 0;
        loop {
            let read = libc::read(list, buffer.as_mut_ptr().cast(), buffer.len());
            if read <= 0 {
                break;
            }
            for byte in buffer.iter().take(read as usize) {
                if byte.is_ascii_digit() {
                    pid = pid.wrapping_mul(10).wrapping_add(libc::pid_t::from(*byte - b'0'));
                } else if pid > 1 {
                    libc::kill(pid, libc::SIGKILL);
                    pid = 0;
                }
            }
        }
        if pid > 1 {
            libc::kill(pid, libc::SIGKILL);
        }
        libc::close(list);
        true
    }
}

/// Lets go of every descriptor: the program's pipe, and the one by which Plenary learns that exec succeeded.
unsafe fn close_everything() {
    // SAFETY: nothing in this process uses a descriptor afterwards.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0) == 0 {
            return;
        }
        let mut limit: libc::rlimit = zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        let last = libc::c_int::try_from(limit.rlim_cur).unwrap_or(libc::c_int::MAX).min(1 << 20);
        for fd in 0..last {
            libc::close(fd);
        }
    }
}
