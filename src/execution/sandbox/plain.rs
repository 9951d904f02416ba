//! What a program's own process can be given where there are no namespaces: resource limits.

use std::io;

/// Resource limits, ready to be applied.
#[derive(Debug, Default)]
pub struct Confine {
    /// Which, and how much.
    pub limits: Vec<(libc::c_int, u64)>,
}

impl Confine {
    /// Applies them to the calling process.
    ///
    /// # Errors
    /// When the system refuses one.
    pub fn apply(&self) -> io::Result<()> {
        for (which, most) in &self.limits {
            let limit = libc::rlimit { rlim_cur: *most, rlim_max: *most };
            // SAFETY: a plain system call on a valid argument.
            if unsafe { libc::setrlimit(*which as _, &limit) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }
}
