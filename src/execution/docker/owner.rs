//! Whose container it is: labels that outlive us, so that what a crashed run left behind is found and removed, and what
//! a living one uses is not.

use super::engine::{Engine, Refusal};
use serde_json::Value;

/// Set on every container of ours.
pub const LABEL: &str = "plenary.owner";

/// This process, in a way that no later process with the same number can be mistaken for.
pub fn this() -> String {
    format!("{}/{}/{}/{}", machine(), boot(), std::process::id(), started(std::process::id()).unwrap_or_default())
}

fn machine() -> String {
    short("/etc/machine-id")
}

fn boot() -> String {
    short("/proc/sys/kernel/random/boot_id")
}

fn short(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.trim().chars().filter(char::is_ascii_alphanumeric).take(12).collect()
}

/// When a process began, in ticks since boot.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Whether the owner is certainly gone: it was a process of this machine, in an earlier boot or no longer there. Of
/// another machine on the same engine nothing is known.
fn is_gone(owner: &str) -> bool {
    let parts: Vec<&str> = owner.split('/').collect();
    let [machine_then, boot_then, pid, ticks] = parts[..] else { return false };
    let Ok(pid) = pid.parse() else { return false };
    if boot_then.is_empty() || machine_then != machine() {
        return false;
    }
    boot_then != boot() || started(pid).map(|ticks| ticks.to_string()).as_deref() != Some(ticks)
}

/// Removes what runs of Plenary left behind that are certainly gone; returns how many containers that were.
pub async fn sweep(engine: &Engine) -> Result<usize, Refusal> {
    let filter = format!("%7B%22label%22%3A%5B%22{LABEL}%22%5D%7D");
    let found = engine.get(&format!("/containers/json?all=1&filters={filter}")).await?;
    let mut removed = 0;
    for container in found.as_array().into_iter().flatten() {
        let owner = container.get("Labels").and_then(|labels| labels.get(LABEL)?.as_str()).unwrap_or_default();
        let id = container.get("Id").and_then(Value::as_str).unwrap_or_default();
        if is_gone(owner) && !id.is_empty() && engine.delete(&format!("/containers/{id}?force=1&v=1")).await.is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_machine_that_is_gone_is_gone() {
        assert!(!is_gone(&this()));
        let own = this();
        let mut parts: Vec<&str> = own.split('/').collect();
        parts[3] = "1";
        assert!(is_gone(&parts.join("/")), "the same number, begun at another time");
        parts[1] = "earlier";
        assert!(is_gone(&parts.join("/")));
        parts[0] = "elsewhere";
        assert!(!is_gone(&parts.join("/")));
        assert!(!is_gone("") && !is_gone("a/b/c") && !is_gone("a/b/c/d"));
    }
}
