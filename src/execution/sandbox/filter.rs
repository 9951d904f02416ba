//! System calls that contained code may not make (reference: reliability-security 2.1 and 2.5): those that reach other
//! processes, the kernel's own machinery, new namespaces, and the network where there is none. A deny list: what is
//! left is enough for compilers and interpreters.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

/// Which sockets may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sockets {
    /// None at all; pairs of connected ones are always possible.
    None,
    /// Internet sockets: there is a network of its own around them, or the network was allowed.
    Internet,
    /// Internet and local ones: no foreign local socket can be seen.
    InternetAndLocal,
}

/// Denied whatever their arguments.
const DENIED: &[libc::c_long] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    // Ways around this filter, and large surfaces of the kernel.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_fanotify_init,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Namespaces and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    // The machine.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
];

/// `clone` with any of these makes a namespace.
const NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Pushes a character into a terminal's input; `TIOCLINUX` can do the same.
const TERMINAL: [u64; 2] = [0x5412, 0x541C];

/// The program for the kernel.
///
/// # Errors
/// On a processor for which there is no table.
pub fn program(sockets: Sockets, pinned: bool) -> Result<BpfProgram, String> {
    build(sockets, pinned).map_err(|error| format!("no filter of system calls could be made: {error}"))
}

fn build(sockets: Sockets, pinned: bool) -> Result<BpfProgram, seccompiler::Error> {
    use SeccompCmpArgLen::Dword;
    use SeccompCmpOp::{Eq, MaskedEq, Ne};
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = DENIED.iter().map(|call| (*call, Vec::new())).collect();
    if pinned {
        rules.insert(libc::SYS_sched_setaffinity, Vec::new());
    }
    let mut namespaces = Vec::new();
    for flag in NAMESPACES {
        let flag = *flag as u32 as u64;
        namespaces.push(SeccompRule::new(vec![SeccompCondition::new(0, Dword, MaskedEq(flag), flag)?])?);
    }
    rules.insert(libc::SYS_clone, namespaces);
    let mut terminal = Vec::new();
    for request in TERMINAL {
        terminal.push(SeccompRule::new(vec![SeccompCondition::new(1, Dword, Eq, request)?])?);
    }
    rules.insert(libc::SYS_ioctl, terminal);
    let families: &[libc::c_int] = match sockets {
        Sockets::None => &[],
        Sockets::Internet => &[libc::AF_INET, libc::AF_INET6],
        Sockets::InternetAndLocal => &[libc::AF_INET, libc::AF_INET6, libc::AF_UNIX],
    };
    let mut others = Vec::new();
    for family in families {
        others.push(SeccompCondition::new(0, Dword, Ne, *family as u64)?);
    }
    let denied = if others.is_empty() { Vec::new() } else { vec![SeccompRule::new(others)?] };
    rules.insert(libc::SYS_socket, denied);
    let arch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), arch)?;
    let mut program = before();
    program.extend(BpfProgram::try_from(filter)?);
    Ok(program)
}

/// Two things the tables cannot say. `clone3` hides its flags behind a pointer: "no such call" makes every C library
/// use `clone`. And the numbers of the x32 interface name the same calls a second time.
fn before() -> BpfProgram {
    let line = |code: u32, jt: u8, jf: u8, k: u32| seccompiler::sock_filter { code: code as u16, jt, jf, k };
    let load_number = line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0);
    let give = |action: u32| line(libc::BPF_RET | libc::BPF_K, 0, 0, action);
    let absent = give(libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);
    let mut program =
        vec![load_number, line(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, libc::SYS_clone3 as u32), absent];
    if cfg!(target_arch = "x86_64") {
        program.push(line(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, 0x4000_0000));
        program.push(give(libc::SECCOMP_RET_KILL_PROCESS));
    }
    program
}

/// The program as bytes, as bubblewrap reads it.
pub fn bytes(program: &BpfProgram) -> Vec<u8> {
    program
        .iter()
        .flat_map(|line| {
            let mut bytes = line.code.to_ne_bytes().to_vec();
            bytes.extend([line.jt, line.jf]);
            bytes.extend(line.k.to_ne_bytes());
            bytes
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_made_for_every_kind_and_fits_the_kernel() {
        for sockets in [Sockets::None, Sockets::Internet, Sockets::InternetAndLocal] {
            let program = program(sockets, true).unwrap();
            assert!(program.len() > DENIED.len() && program.len() < 4096);
            assert_eq!(bytes(&program).len(), program.len() * 8);
        }
    }
}
