//! Where things live on disk.

use directories::{BaseDirs, ProjectDirs};
use std::env;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The variable that moves all data of plenary: sessions, and what else it keeps.
pub const DATA_DIR: &str = "PLENARY_DATA_DIR";
/// The variable that moves the user's settings.
pub const CONFIG_DIR: &str = "PLENARY_CONFIG_DIR";

/// A place on disk could not be determined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The system does not say where the user's home is.
    #[error("this system does not say where your home directory is; set {0} to a directory")]
    NoHome(&'static str),
}

/// Where data is kept: `PLENARY_DATA_DIR`, else `data_dir` of the settings, else what the system has for it.
///
/// # Errors
/// When nothing is set and there is no home directory.
pub fn data_dir(setting: Option<&Path>) -> Result<PathBuf, PathError> {
    first_of(env::var_os(DATA_DIR), setting, system().map(|dirs| dirs.data_dir().to_owned()), DATA_DIR)
}

/// Where the user's settings, keymap and themes are: `PLENARY_CONFIG_DIR`, else what the system has for it.
///
/// # Errors
/// When nothing is set and there is no home directory.
pub fn config_dir() -> Result<PathBuf, PathError> {
    first_of(env::var_os(CONFIG_DIR), None, system().map(|dirs| dirs.config_dir().to_owned()), CONFIG_DIR)
}

/// The user's settings file, if it exists.
///
/// # Errors
/// As [`config_dir`].
pub fn settings_file() -> Result<Option<PathBuf>, PathError> {
    let path = config_dir()?.join("settings.toml");
    // A file that is there but cannot be looked at must be reported by whoever reads it, not passed over.
    Ok((!matches!(path.try_exists(), Ok(false))).then_some(path))
}

/// What was accepted of the tools of MCP servers, below the data directory.
pub fn tool_pins(data_dir: &Path) -> PathBuf {
    data_dir.join("tool-pins.json")
}

/// Where sessions are kept, one file each, below the data directory.
pub fn sessions_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("sessions")
}

fn system() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "plenary")
}

fn first_of(
    variable: Option<OsString>,
    setting: Option<&Path>,
    system: Option<PathBuf>,
    name: &'static str,
) -> Result<PathBuf, PathError> {
    // An empty variable is how shells unset one for a single command.
    let variable = variable.filter(|value| !value.is_empty()).map(PathBuf::from);
    let dir = variable.or_else(|| setting.map(Path::to_owned)).or(system).ok_or(PathError::NoHome(name))?;
    Ok(absolute(Path::new(""), &dir))
}

/// `path` as an absolute path, relative ones taken from `base` (and that from the current directory); `.` and `..` are
/// resolved by their letters alone, so that the place need not exist and no link is followed.
pub(super) fn absolute(base: &Path, path: &Path) -> PathBuf {
    let joined = base.join(path);
    let whole = match joined.is_absolute() {
        true => joined,
        false => env::current_dir().map_or_else(|_| joined.clone(), |here| here.join(&joined)),
    };
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                // At the root, `pop` does nothing, as `..` does there.
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// A path from a settings file: `~/` is the home directory, relative ones are relative to the file's directory.
pub(super) fn written(dir: &Path, text: &str) -> PathBuf {
    let home = text.strip_prefix("~/").and_then(|rest| Some(BaseDirs::new()?.home_dir().join(rest)));
    absolute(dir, &home.unwrap_or_else(|| PathBuf::from(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_over_the_setting_and_the_setting_over_the_system() {
        let (variable, setting, system) = (OsString::from("/v"), Path::new("/s"), PathBuf::from("/y"));
        let first = |variable, setting, system| first_of(variable, setting, system, DATA_DIR);
        assert_eq!(first(Some(variable), Some(setting), Some(system.clone())), Ok("/v".into()));
        assert_eq!(first(Some(OsString::new()), Some(setting), Some(system.clone())), Ok("/s".into()));
        assert_eq!(first(None, None, Some(system)), Ok("/y".into()));
        assert_eq!(first(None, None, None), Err(PathError::NoHome(DATA_DIR)));
        let here = env::current_dir().unwrap();
        assert_eq!(first(Some("x/../y".into()), None, None), Ok(here.join("y")));
    }

    #[test]
    fn paths_become_absolute_by_their_letters() {
        let plain = |base: &str, path: &str| absolute(Path::new(base), Path::new(path));
        assert_eq!(plain("/teams", "workspace"), Path::new("/teams/workspace"));
        assert_eq!(plain("/teams", "./a/../b/."), Path::new("/teams/b"));
        assert_eq!(plain("/teams", "/work"), Path::new("/work"));
        assert_eq!(plain("/teams", "../../../../x"), Path::new("/x"));
        assert!(plain("teams", "x").is_absolute());
    }
}
