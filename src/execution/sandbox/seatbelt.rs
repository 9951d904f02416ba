//! The profile for macOS' `sandbox-exec`: everything denied but the system's own files, the toolchain and the working
//! directory. Its interface is deprecated and has no successor for programs without an app bundle; it has no limits
//! for processes and no process namespace.

use std::path::Path;

/// Where the program is on every macOS.
pub const PROGRAM: &str = "/usr/bin/sandbox-exec";

/// A path as a string of the profile language.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The profile's text.
pub fn profile(read: &[&Path], write: &[&Path], network: bool) -> String {
    let mut text = String::from(
        "(version 1)\n(deny default)\n(allow process-exec process-fork)\n(allow signal (target same-sandbox))\n\
         (allow sysctl-read)\n(allow file-read-metadata)\n\
         (allow file-read* (subpath \"/usr\") (subpath \"/bin\") (subpath \"/sbin\") (subpath \"/System\")\
         \n  (subpath \"/Library/Developer\") (subpath \"/opt/homebrew\") (subpath \"/private/etc/ssl\")\
         \n  (literal \"/\") (literal \"/private/etc/localtime\") (literal \"/dev/null\") (literal \"/dev/zero\")\
         \n  (literal \"/dev/random\") (literal \"/dev/urandom\"))\n\
         (allow file-write* (literal \"/dev/null\") (literal \"/dev/zero\"))\n",
    );
    for path in read {
        text.push_str(&format!("(allow file-read* (subpath {}))\n", quoted(path)));
    }
    for path in write {
        text.push_str(&format!("(allow file-read* file-write* (subpath {}))\n", quoted(path)));
    }
    if network {
        text.push_str("(allow network*)\n(allow system-socket)\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_denies_first_and_a_path_cannot_end_its_string() {
        let odd = Path::new("/Users/ada/a\") (allow default) (\"b\\");
        let text = profile(&[Path::new("/opt/py")], &[odd], false);
        assert!(text.starts_with("(version 1)\n(deny default)\n"));
        assert!(text.contains("(allow file-read* (subpath \"/opt/py\"))"));
        assert!(text.contains(r#"(subpath "/Users/ada/a\") (allow default) (\"b\\")"#), "{text}");
        assert!(!text.contains("network"));
        assert!(profile(&[], &[], true).contains("(allow network*)"));
    }
}
