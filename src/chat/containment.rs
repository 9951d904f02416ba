//! How strongly code is kept apart from the account that runs Plenary, and what it may use up.

use serde::{Deserialize, Serialize};

/// How strongly code is contained, weakest first: a team's minimum is met by any tier that is not below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Not at all: the code has every right of the account.
    #[default]
    None,
    /// The program's own process is restricted before it starts: Landlock and seccomp on Linux, sandbox-exec on macOS.
    Process,
    /// Namespaces with a file system of their own, made by bubblewrap.
    Namespace,
    /// A container of Docker or Podman.
    Container,
}

impl Tier {
    /// Every tier, weakest first.
    pub const ALL: [Tier; 4] = [Tier::None, Tier::Process, Tier::Namespace, Tier::Container];

    /// As written in a team file.
    pub fn name(self) -> &'static str {
        match self {
            Tier::None => "none",
            Tier::Process => "process",
            Tier::Namespace => "namespace",
            Tier::Container => "container",
        }
    }

    /// The tier of that name.
    pub fn of(name: &str) -> Option<Tier> {
        Tier::ALL.into_iter().find(|tier| tier.name() == name)
    }

    /// Whether it contains nothing.
    pub fn is_none(&self) -> bool {
        *self == Tier::None
    }
}

/// What an execution may use up. `None` is no limit of that kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Memory of all its processes together, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Processes and threads at one time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// Processor time, in thousandths of a core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millis: Option<u32>,
    /// Bytes it may add to the disk, working directory and temporary files together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<u64>,
}

impl Bounds {
    /// What applies where a team file is silent (reference: reliability-security 1.15).
    pub const USUAL: Bounds =
        Bounds { memory: Some(512 << 20), processes: Some(128), cpu_millis: Some(1000), disk: Some(256 << 20) };

    /// Whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        *self == Bounds::default()
    }
}

/// An image, pinned: its name may come to mean another one, its digest cannot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// As written in the team file.
    pub name: String,
    /// The engine's identity of its content, `sha256:…`; empty when the engine did not have it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

/// A language that the operator's settings add, or give another program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanguageRow {
    /// The word after a fence, in lower case.
    pub name: String,
    /// The program and its arguments; the file with the code is the last one.
    pub command: Vec<String>,
    /// How its files end, without the dot.
    pub extension: String,
}

/// A number of bytes, as people write it: whole where it is whole.
pub fn bytes(n: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    for (shift, unit) in units {
        let size = 1u64 << shift;
        if n >= size && n.is_multiple_of(size) {
            return format!("{} {unit}", n >> shift);
        }
        if n >= size {
            return format!("{:.1} {unit}", n as f64 / size as f64);
        }
    }
    format!("{n} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_ordered_by_strength_and_known_by_their_names() {
        assert!(Tier::None < Tier::Process && Tier::Process < Tier::Namespace && Tier::Namespace < Tier::Container);
        for tier in Tier::ALL {
            assert_eq!(Tier::of(tier.name()), Some(tier));
            assert_eq!(serde_json::to_value(tier).unwrap(), tier.name());
        }
        assert_eq!(Tier::of("docker"), None);
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(bytes(512 << 20), "512 MiB");
        assert_eq!(bytes(3 << 29), "1.5 GiB");
        assert_eq!(bytes(7), "7 bytes");
    }
}
