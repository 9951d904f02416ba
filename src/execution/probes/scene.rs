//! What the probes are aimed at: files, sockets and a process that were made for them.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Targets, gone when dropped.
#[derive(Debug)]
pub struct Scene {
    root: PathBuf,
    id: String,
    server: TcpListener,
    _socket: UnixListener,
    _abstract: UnixListener,
    victim: Child,
}

fn home_dir() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_dir());
    home.unwrap_or_else(std::env::temp_dir)
}

impl Scene {
    /// Makes everything, in a directory of its own.
    ///
    /// # Errors
    /// When the place for temporary files, or the home directory, cannot be written.
    pub fn set() -> io::Result<Scene> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        // In the home directory, where what is to be protected is; in the place for temporary files without one.
        let base = home_dir().join(".cache");
        fs::create_dir_all(&base)?;
        let root = base.join(format!("plenary-probes-{id}"));
        let outside = root.join("outside");
        fs::create_dir_all(&outside)?;
        fs::create_dir(root.join("work"))?;
        fs::write(outside.join("secret"), "secret")?;
        for name in ["victim", "removable", "mode", "times", "attribute"] {
            fs::write(outside.join(name), "precious")?;
            fs::set_permissions(outside.join(name), fs::Permissions::from_mode(0o644))?;
        }
        std::os::unix::fs::symlink(outside.join("secret"), root.join("work/planted"))?;
        let name = format!("plenary-probe-{id}");
        #[cfg(target_os = "linux")]
        let address = <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name.as_bytes())?;
        #[cfg(not(target_os = "linux"))]
        let address = SocketAddr::from_pathname(root.join(&name))?;
        let victim = Command::new("sh")
            // Short sleeps: when the shell is gone, the last of them soon is as well.
            .args(["-c", "while :; do sleep 2; done", "plenary-victim"])
            .env("PLENARY_VICTIM", "secret")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Scene {
            server: TcpListener::bind("127.0.0.1:0")?,
            _socket: UnixListener::bind(outside.join("socket"))?,
            _abstract: UnixListener::bind_addr(&address)?,
            victim,
            root,
            id,
        })
    }

    /// The working directory.
    pub fn work_dir(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Empties the working directory.
    pub fn clear(&self) {
        for entry in fs::read_dir(self.work_dir()).into_iter().flatten().flatten() {
            // What cannot be removed now goes with the scene.
            let _ = fs::remove_file(entry.path());
        }
    }

    fn outside(&self) -> PathBuf {
        self.root.join("outside")
    }

    fn temporary(&self) -> PathBuf {
        Path::new("/tmp").join(format!("plenary-probe-{}", self.id))
    }

    fn shared(&self) -> PathBuf {
        Path::new("/dev/shm").join(format!("plenary-probe-{}", self.id))
    }

    /// The targets as names of the program.
    pub fn names(&self) -> String {
        let home = home_dir().display().to_string();
        let outside = self.outside();
        let path = |path: PathBuf| path.display().to_string();
        let port = self.server.local_addr().map_or(0, |address| address.port());
        let texts = [
            ("HOME", home),
            ("OUTSIDE", path(outside.clone())),
            ("SECRET", path(outside.join("secret"))),
            ("VICTIM_FILE", path(outside.join("victim"))),
            ("SOCKET", path(outside.join("socket"))),
            ("ABSTRACT", format!("plenary-probe-{}", self.id)),
            ("TEMPORARY", path(self.temporary())),
            ("SHARED", path(self.shared())),
        ];
        let entries = fs::read_dir(home_dir()).map_or(0, |entries| entries.count());
        let mut text = format!("HOME_ENTRIES = {entries}\n");
        for (name, value) in texts {
            // A JSON text is a Python text.
            let _ = writeln!(text, "{name} = {}", serde_json::Value::String(value));
        }
        let _ = writeln!(text, "PORT, VICTIM, ME = {port}, {}, os.getpid()\n", self.victim.id());
        text
    }

    /// Whether the machine shows that this probe got through.
    pub fn shows(&self, probe: &str) -> bool {
        let file = |name: &str| self.outside().join(name);
        let meta = |name: &str| fs::metadata(file(name));
        match probe {
            "write-outside" => file("written").exists(),
            "rename-outside" => file("moved").exists(),
            "write-temporary" => self.temporary().exists(),
            "write-shared-memory" => self.shared().exists(),
            "truncate-outside" => meta("victim").map_or(true, |meta| meta.len() == 0),
            "remove-outside" => !file("removable").exists(),
            "chmod-outside" => meta("mode").map_or(true, |meta| meta.mode() & 0o777 != 0o644),
            "touch-outside" => meta("times").map_or(true, |meta| meta.mtime() == 1),
            "attribute-outside" => has_attribute(&file("attribute")),
            _ => true,
        }
    }
}

#[cfg(target_os = "linux")]
fn has_attribute(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: NUL-terminated names; with no room the call only says how much it would need.
    unsafe { libc::getxattr(path.as_ptr(), c"user.plenary".as_ptr(), std::ptr::null_mut(), 0) >= 0 }
}

#[cfg(not(target_os = "linux"))]
fn has_attribute(_path: &Path) -> bool {
    false
}

impl Drop for Scene {
    fn drop(&mut self) {
        // All of it was made for the suite; nothing depends on what stays behind.
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = fs::remove_file(self.temporary());
        let _ = fs::remove_file(self.shared());
        let _ = fs::remove_dir_all(&self.root);
    }
}
