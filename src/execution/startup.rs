//! How Python finds the workspace without running what lies there.
//!
//! A directory in `PYTHONPATH` comes before the standard library and before everything that the interpreter itself
//! imports: a `sitecustomize.py` or an `encodings/` in the workspace would run ahead of the approved code. So
//! `PYTHONPATH` names a directory of ours instead, whose `sitecustomize.py` adds the workspace when the interpreter has
//! started, behind the standard library.

use crate::chat::code::Place;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where a contained program sees the directory, when it has a file system of its own.
pub const SEEN: &str = "/startup";

/// Makes the directory in a private one, readable by whoever it is shown to.
///
/// # Errors
/// When it cannot be written.
pub fn make(private: &Path) -> io::Result<PathBuf> {
    let dir = private.join("startup");
    std::fs::DirBuilder::new().mode(0o755).create(&dir)?;
    let file = dir.join("sitecustomize.py");
    std::fs::write(&file, include_str!("startup.py"))?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444))?;
    Ok(dir)
}

/// Variables that keep files of the workspace, which is the home directory of the code, from deciding what runs.
pub fn guards(place: &Place) -> impl Iterator<Item = (&'static str, &'static str)> {
    // Files that end in `.pth` below the home directory run when Python starts. Contained and with a network they are
    // allowed: there `pip install` puts packages where Python looks for them.
    let user_site = (!place.network || place.tier.is_none()).then_some(("PYTHONNOUSERSITE", "1"));
    [("GIT_CONFIG_GLOBAL", "/dev/null")].into_iter().chain(user_site)
}
