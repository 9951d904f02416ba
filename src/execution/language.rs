//! Languages the local executor knows: how each is called, what runs it, and how its files end.

use std::path::{Path, PathBuf};

/// What is done with a block of a language (AG2: execution_policies).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// The first of these programs that is found runs the file; without one the block fails.
    Run(&'static [&'static str]),
    /// The same, but without a program the file is only saved.
    RunOrSave(&'static [&'static str]),
    /// The file is only saved.
    Save,
}

/// A row: a language.
#[derive(Debug)]
pub struct Language {
    /// Words after a fence that mean it, in lower case.
    pub names: &'static [&'static str],
    /// File name extension.
    pub extension: &'static str,
    /// Run or save.
    pub treatment: Treatment,
    /// What to install when nothing runs it.
    pub install: &'static str,
}

/// Every language. To add one, add a row.
pub static LANGUAGES: &[Language] = &[
    Language {
        names: &["python", "py", "python3"],
        extension: "py",
        treatment: Treatment::Run(&["python3", "python"]),
        install: "Python 3 (the command `python3`)",
    },
    Language {
        names: &["sh", "shell"],
        extension: "sh",
        treatment: Treatment::Run(&["sh"]),
        install: "a POSIX shell (the command `sh`)",
    },
    Language { names: &["bash"], extension: "sh", treatment: Treatment::Run(&["bash"]), install: "the command `bash`" },
    Language {
        names: &["pwsh", "powershell", "ps1"],
        extension: "ps1",
        treatment: Treatment::Run(&["pwsh"]),
        install: "PowerShell (the command `pwsh`)",
    },
    Language {
        names: &["javascript", "js"],
        extension: "js",
        treatment: Treatment::RunOrSave(&["node"]),
        install: "Node.js (the command `node`)",
    },
    Language { names: &["html"], extension: "html", treatment: Treatment::Save, install: "" },
    Language { names: &["css"], extension: "css", treatment: Treatment::Save, install: "" },
];

/// What to do with a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Run its file with this program.
    Run(PathBuf),
    /// Only write it.
    Save,
    /// Nothing here runs it; the words say what to install.
    Missing(&'static str),
}

impl Language {
    /// The language that a word after a fence means, in any case.
    pub fn of(word: &str) -> Option<&'static Language> {
        let word = word.to_ascii_lowercase();
        LANGUAGES.iter().find(|language| language.names.contains(&word.as_str()))
    }

    /// What to do with a block of this language, given a way to find programs.
    pub fn plan(&self, find: impl Fn(&str) -> Option<PathBuf>) -> Plan {
        match self.treatment {
            Treatment::Run(programs) => {
                programs.iter().find_map(|name| find(name)).map_or(Plan::Missing(self.install), Plan::Run)
            }
            Treatment::RunOrSave(programs) => programs.iter().find_map(|name| find(name)).map_or(Plan::Save, Plan::Run),
            Treatment::Save => Plan::Save,
        }
    }
}

/// The program of that name in this process's own `PATH`. Relative entries are passed over: they would let a file in
/// the working directory pose as an interpreter.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_belong_to_one_language() {
        assert_eq!(Language::of("Python").unwrap().extension, "py");
        assert_eq!(Language::of("PY").unwrap().extension, "py");
        assert!(Language::of("xyz").is_none());
        assert!(Language::of("").is_none());
        let mut names: Vec<_> = LANGUAGES.iter().flat_map(|language| language.names).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_missing_interpreter_fails_or_saves_as_the_row_says() {
        let nothing = |_: &str| None;
        assert!(
            matches!(Language::of("python").unwrap().plan(nothing), Plan::Missing(words) if words.contains("python3"))
        );
        assert_eq!(Language::of("js").unwrap().plan(nothing), Plan::Save);
        assert_eq!(Language::of("css").unwrap().plan(nothing), Plan::Save);
        let all = |name: &str| Some(PathBuf::from("/bin").join(name));
        assert_eq!(Language::of("py").unwrap().plan(all), Plan::Run("/bin/python3".into()));
        assert_eq!(Language::of("shell").unwrap().plan(all), Plan::Run("/bin/sh".into()));
    }
}
