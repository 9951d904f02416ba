//! Landlock rules: which trees a program may read and write, whom it may signal. Built here, put in force by the child.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The least version that contains anything worth the name: files with truncation, and TCP.
pub const LEAST: i32 = 4;

/// What the rules name.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Trees and files that may be read and run.
    pub read: Vec<PathBuf>,
    /// Trees that may be written, too.
    pub write: Vec<PathBuf>,
    /// Devices that may be used.
    pub devices: Vec<PathBuf>,
    /// Whether TCP is free.
    pub network: bool,
}

/// The version of Landlock that this kernel has switched on; 0 is none.
pub fn version() -> i32 {
    const ASK: libc::c_int = 1;
    // SAFETY: with this flag the call reads nothing and answers with a number.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, ASK) };
    i32::try_from(version.max(0)).unwrap_or(0)
}

/// Accesses that only mean something for files.
fn of_files(access: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
    access & AccessFs::from_file(ABI::V9)
}

/// A ruleset for the kernel.
///
/// # Errors
/// When the kernel has no Landlock, or takes the rules for something else.
pub fn ruleset(rules: &Rules) -> Result<OwnedFd, String> {
    build(rules).map_err(|error| format!("Landlock refused its rules: {error}"))?.ok_or_else(|| {
        "Landlock is not switched on in this kernel: boot with lsm=landlock,… or use another tier".to_owned()
    })
}

fn build(rules: &Rules) -> Result<Option<OwnedFd>, landlock::RulesetError> {
    let read = AccessFs::from_read(ABI::V9);
    let write = AccessFs::from_all(ABI::V9);
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V9))?
        .scope(Scope::from_all(ABI::V9))?;
    if !rules.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(ABI::V9))?;
    }
    let mut created = ruleset.create()?;
    let devices = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let all = [(&rules.read, read), (&rules.write, write), (&rules.devices, devices)];
    for (path, access) in all.iter().flat_map(|(paths, access)| paths.iter().map(move |path| (path, *access))) {
        // What is not there needs no rule.
        let Ok(fd) = PathFd::new(path) else { continue };
        let access = if path.is_dir() { access } else { of_files(access) };
        created = created.add_rule(PathBeneath::new(fd, access))?;
    }
    Ok(created.into())
}

/// Rules for trees that the child mounts anew, which the old rules do not reach. Limited to what this kernel knows.
pub fn late(path: &Path, write: bool) -> Option<(CString, u64)> {
    use std::os::unix::ffi::OsStrExt;
    let known = match version() {
        0 => return None,
        1 => ABI::V1,
        2 => ABI::V2,
        3 | 4 => ABI::V3,
        _ => ABI::V5,
    };
    let access = if write { AccessFs::from_all(known) } else { AccessFs::from_read(known) };
    Some((CString::new(path.as_os_str().as_bytes()).ok()?, access.bits()))
}
