//! Which engine is meant: `DOCKER_HOST`, else the context that the docker command would use, else the first socket
//! that is there - Docker's, rootless Docker's, Docker Desktop's, Podman's.

use crate::chat::code::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// What of the surroundings decides it.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// Docker's own configuration directory.
    pub config: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime: Option<PathBuf>,
    /// The home directory.
    pub home: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub fn here() -> Surroundings {
        let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let path = |name: &str| text(name).map(PathBuf::from);
        let home = path("HOME");
        Surroundings {
            host: text("DOCKER_HOST"),
            context: text("DOCKER_CONTEXT"),
            config: path("DOCKER_CONFIG").or_else(|| home.as_ref().map(|home| home.join(".docker"))),
            runtime: path("XDG_RUNTIME_DIR"),
            home,
        }
    }
}

/// The socket of the engine.
///
/// # Errors
/// When none is there, or the one that is named cannot be used, with what to do.
pub fn find(around: &Surroundings) -> Result<PathBuf, String> {
    if let Some(host) = &around.host {
        return of_host(host, "DOCKER_HOST");
    }
    if let Some((name, host)) = of_context(around) {
        return of_host(&host, &format!("the docker context {name:?}"));
    }
    let mut candidates = vec![PathBuf::from("/var/run/docker.sock")];
    candidates.extend(around.runtime.as_ref().map(|dir| dir.join("docker.sock")));
    candidates.extend(around.home.as_ref().map(|home| home.join(".docker/run/docker.sock")));
    candidates.extend(around.runtime.as_ref().map(|dir| dir.join("podman/podman.sock")));
    candidates.push("/run/podman/podman.sock".into());
    candidates.into_iter().find(|path| path.exists()).ok_or_else(|| {
        "no container engine was found: install Docker (or Podman, with its socket switched on by \
         `systemctl --user enable --now podman.socket`), start it, or set DOCKER_HOST"
            .to_owned()
    })
}

fn of_host(host: &str, who: &str) -> Result<PathBuf, String> {
    if let Some(path) = host.strip_prefix("unix://") {
        let path = Path::new(path);
        return match path.exists() {
            true => Ok(path.to_owned()),
            false => Err(format!("{who} names the socket {}, and nothing is there: start the engine", path.display())),
        };
    }
    let scheme = host.split("://").next().unwrap_or_default();
    Err(match scheme {
        "tcp" | "http" => format!(
            "{who} names an engine over {scheme}, which anybody on the way could read and change; use its unix socket, \
             for example through ssh -L"
        ),
        _ => format!("{who} names an engine by {scheme:?}, and only unix:// sockets are spoken to"),
    })
}

/// The context that the docker command would use, when it is not the default one, and its address.
fn of_context(around: &Surroundings) -> Option<(String, String)> {
    let config = around.config.as_ref()?;
    let read = |path: PathBuf| serde_json::from_slice::<Value>(&std::fs::read(path).ok()?).ok();
    let name = match &around.context {
        Some(name) => name.clone(),
        None => read(config.join("config.json"))?.get("currentContext")?.as_str()?.to_owned(),
    };
    if name == "default" {
        return None;
    }
    let id = hex(&Sha256::digest(name.as_bytes()));
    let meta = read(config.join("contexts/meta").join(id).join("meta.json"))?;
    let host = meta.pointer("/Endpoints/docker/Host")?.as_str()?.to_owned();
    Some((name, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_engine_goes_before_the_context_and_that_before_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let socket = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let (named, of_context, rootless) = (socket("named"), socket("of_context"), socket("run/docker.sock"));
        let config = dir.path().join("config");
        let id = hex(&Sha256::digest(b"mine"));
        std::fs::create_dir_all(config.join("contexts/meta").join(&id)).unwrap();
        std::fs::write(config.join("config.json"), r#"{"currentContext": "mine"}"#).unwrap();
        let meta = format!(r#"{{"Endpoints":{{"docker":{{"Host":"unix://{}"}}}}}}"#, of_context.display());
        std::fs::write(config.join("contexts/meta").join(&id).join("meta.json"), meta).unwrap();
        let mut around =
            Surroundings { config: Some(config), runtime: Some(dir.path().join("run")), ..Surroundings::default() };
        assert_eq!(find(&around), Ok(of_context));
        around.host = Some(format!("unix://{}", named.display()));
        assert_eq!(find(&around), Ok(named));
        around.host = None;
        around.context = Some("default".into());
        // A machine with a system engine has that one first.
        assert!(matches!(find(&around), Ok(path) if path == rootless || path.starts_with("/var/run")));
    }

    #[test]
    fn an_engine_that_others_could_listen_to_is_refused() {
        for host in ["tcp://10.0.0.1:2375", "http://x", "ssh://ada@box", "unix:///nowhere/docker.sock"] {
            let around = Surroundings { host: Some(host.into()), ..Surroundings::default() };
            assert!(find(&around).unwrap_err().starts_with("DOCKER_HOST"), "{host}");
        }
    }
}
