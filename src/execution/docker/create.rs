//! What a container is made of: the full set of restrictions (reference: reliability-security 2.2).

use super::owner;
use crate::chat::code::Place;
use serde_json::{Value, json};
use std::path::Path;

/// Where the working directory is seen.
pub const WORKSPACE: &str = "/workspace";
/// Where files with code are seen.
pub const CODE: &str = "/code";
/// Account that runs code when the operator is root: nobody.
const NOBODY: u32 = 65534;

/// A container to make.
#[derive(Debug)]
pub struct Container<'a> {
    /// What was approved.
    pub place: &'a Place,
    /// Identity of the run, for people who look at the engine.
    pub run: &'a str,
    /// What it runs.
    pub command: &'a [String],
    /// The host's directory that becomes the workspace.
    pub work_dir: &'a Path,
    /// Files or directories of the host, and where they are seen, read-only.
    pub files: &'a [(&'a Path, String)],
    /// User and group.
    pub user: (u32, u32),
    /// Variables with their values.
    pub environment: &'a [(String, String)],
    /// An isolating runtime, such as `runsc`.
    pub runtime: Option<&'a str>,
}

/// The user that code runs as: never root. The operator's own where that is not root, so that the files belong to them;
/// else the owner of the working directory; else nobody.
pub fn user(operator: (u32, u32), owner: (u32, u32)) -> (u32, u32) {
    [operator, owner].into_iter().find(|(uid, _)| *uid != 0).unwrap_or((NOBODY, NOBODY))
}

/// A number of processes that every engine may set: what we may have, or what Podman gives itself.
fn processes() -> u64 {
    const USUAL: u64 = 32768;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: valid for the call.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_NPROC, &mut limit) } == 0;
    #[allow(clippy::unnecessary_cast)] // Not on every system the same type.
    if known { USUAL.min(limit.rlim_max as u64) } else { USUAL }
}

impl Container<'_> {
    /// The engine's own form of it.
    pub fn body(&self) -> Value {
        let (place, bounds) = (self.place, &self.place.bounds);
        let image = place.image.as_ref().map(|image| image.digest.as_str()).unwrap_or_default();
        let (entry, arguments) =
            self.command.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
        let mut binds = vec![json!({
            "Type": "bind", "Source": self.work_dir, "Target": WORKSPACE, "BindOptions": {"Propagation": "rprivate"}
        })];
        binds.extend(
            self.files
                .iter()
                .map(|(from, seen)| json!({"Type": "bind", "Source": from, "Target": seen, "ReadOnly": true})),
        );
        let mut limits =
            vec![json!({"Name": "core", "Soft": 0, "Hard": 0}), json!({"Name": "nofile", "Soft": 1024, "Hard": 1024})];
        // Where it is left open, Podman takes one that it may not be allowed to set. The sum is kept by PidsLimit.
        limits.push(json!({"Name": "nproc", "Soft": processes(), "Hard": processes()}));
        limits.extend(bounds.disk.map(|most| json!({"Name": "fsize", "Soft": most, "Hard": most})));
        let variables: Vec<String> = self.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        json!({
            "Image": image,
            "Entrypoint": [entry],
            "Cmd": arguments,
            "User": format!("{}:{}", self.user.0, self.user.1),
            "Env": variables,
            "WorkingDir": WORKSPACE,
            "AttachStdin": false, "AttachStdout": true, "AttachStderr": true, "OpenStdin": false, "Tty": false,
            "NetworkDisabled": !place.network,
            "Hostname": "sandbox",
            "StopSignal": "SIGKILL",
            "Healthcheck": {"Test": ["NONE"]},
            "Labels": {(owner::LABEL): owner::this(), "plenary.run": self.run},
            "HostConfig": {
                "NetworkMode": if place.network { "bridge" } else { "none" },
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
                "Privileged": false,
                "ReadonlyRootfs": true,
                "Init": true,
                "IpcMode": "private", "CgroupnsMode": "private", "ShmSize": 16 << 20,
                "Memory": bounds.memory, "MemorySwap": bounds.memory,
                "NanoCpus": bounds.cpu_millis.map(|cpu| u64::from(cpu) * 1_000_000),
                "PidsLimit": bounds.processes,
                "Ulimits": limits,
                "Tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777"},
                "Mounts": binds,
                "LogConfig": {"Type": "none"},
                "RestartPolicy": {"Name": "no"},
                "AutoRemove": false,
                "Runtime": self.runtime,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::containment::{Bounds, Image, Tier};

    #[test]
    fn nothing_is_left_open_that_can_be_closed() {
        let place = Place {
            tier: Tier::Container,
            bounds: Bounds::USUAL,
            image: Some(Image { name: "python:3-slim".into(), digest: "sha256:ab".into() }),
            ..Place::default()
        };
        let container = Container {
            place: &place,
            run: "r",
            command: &["python3".into(), "/code/block_1.py".into()],
            work_dir: Path::new("/home/ada/w"),
            files: &[(Path::new("/tmp/x"), CODE.into())],
            user: user((0, 0), (0, 0)),
            environment: &[],
            runtime: None,
        };
        let body = container.body();
        let host = &body["HostConfig"];
        assert_eq!(body["Image"], "sha256:ab", "by digest, not by a name that may come to mean something else");
        assert_eq!(body["User"], "65534:65534");
        assert_eq!(host["NetworkMode"], "none");
        assert_eq!(host["CapDrop"], json!(["ALL"]));
        assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
        assert_eq!(host["ReadonlyRootfs"], true);
        assert_eq!((&host["Memory"], &host["MemorySwap"]), (&json!(512 << 20), &json!(512 << 20)));
        assert_eq!((&host["PidsLimit"], &host["NanoCpus"]), (&json!(128), &json!(1_000_000_000)));
        assert_eq!(host["Mounts"].as_array().unwrap().len(), 2);
        assert_eq!(host["Mounts"][1]["ReadOnly"], true);
        assert!(!body.to_string().contains("docker.sock"));
        assert!(body["Labels"][owner::LABEL].as_str().unwrap().contains('/'));
    }

    #[test]
    fn code_never_runs_as_root() {
        assert_eq!(user((1000, 1000), (0, 0)), (1000, 1000));
        assert_eq!(user((0, 0), (1001, 100)), (1001, 100));
        assert_eq!(user((0, 0), (0, 0)), (NOBODY, NOBODY));
    }
}
