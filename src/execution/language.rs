//! Languages that code may be written in: how each is called, what runs it, and how its files end.

use crate::chat::containment::LanguageRow;
use std::path::{Path, PathBuf};

/// What is done with a block of a language (AG2: execution_policies).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// The first of these programs that is found runs the file; without one the block fails.
    Run(&'static [&'static str]),
    /// The same, but without a program the file is only saved.
    RunOrSave(&'static [&'static str]),
    /// The file is only saved.
    Save,
}

/// A row: a language.
#[derive(Debug)]
struct Row {
    /// Words after a fence that mean it, in lower case.
    names: &'static [&'static str],
    /// File name extension.
    extension: &'static str,
    /// Run or save.
    treatment: Treatment,
    /// What to install when nothing runs it.
    install: &'static str,
}

/// Every built-in language. To add one, add a row; the operator's settings add others.
static LANGUAGES: &[Row] = &[
    Row {
        names: &["python", "py", "python3"],
        extension: "py",
        treatment: Treatment::Run(&["python3", "python"]),
        install: "Python 3 (the command `python3`)",
    },
    Row {
        names: &["sh", "shell"],
        extension: "sh",
        treatment: Treatment::Run(&["sh"]),
        install: "a POSIX shell (the command `sh`)",
    },
    Row { names: &["bash"], extension: "sh", treatment: Treatment::Run(&["bash"]), install: "the command `bash`" },
    Row {
        names: &["pwsh", "powershell", "ps1"],
        extension: "ps1",
        treatment: Treatment::Run(&["pwsh"]),
        install: "PowerShell (the command `pwsh`)",
    },
    Row {
        names: &["javascript", "js"],
        extension: "js",
        treatment: Treatment::RunOrSave(&["node"]),
        install: "Node.js (the command `node`)",
    },
    Row { names: &["html"], extension: "html", treatment: Treatment::Save, install: "" },
    Row { names: &["css"], extension: "css", treatment: Treatment::Save, install: "" },
];

/// A language, built in or from the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    /// File name extension.
    pub extension: String,
    /// Commands that run a file, the best first; the file is the last argument. Empty when it is only saved.
    pub commands: Vec<Vec<String>>,
    /// Whether a file is saved when no command exists.
    pub saves_otherwise: bool,
    /// Whether it is Python: a virtual environment has its own.
    pub is_python: bool,
    /// What to install when no command exists.
    pub install: String,
}

/// What to do with a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Run its file with the first of these commands that exists.
    Run(Vec<Vec<String>>),
    /// Only write it.
    Save,
    /// Nothing here runs it; the words say what to do.
    Missing(String),
}

/// The language that a word after a fence means, in any case. Rows of the settings go before the built-in ones.
pub fn of(word: &str, rows: &[LanguageRow]) -> Option<Language> {
    let word = word.to_ascii_lowercase();
    if let Some(row) = rows.iter().find(|row| row.name == word) {
        let program = row.command.first().cloned().unwrap_or_default();
        return Some(Language {
            extension: row.extension.clone(),
            commands: vec![row.command.clone()],
            saves_otherwise: false,
            is_python: false,
            install: format!("install `{program}`, which the settings name for {word}"),
        });
    }
    let row = LANGUAGES.iter().find(|row| row.names.contains(&word.as_str()))?;
    let (programs, saves_otherwise): (&[&str], bool) = match row.treatment {
        Treatment::Run(programs) => (programs, false),
        Treatment::RunOrSave(programs) => (programs, true),
        Treatment::Save => (&[], true),
    };
    Some(Language {
        extension: row.extension.to_owned(),
        commands: programs.iter().map(|program| vec![(*program).to_owned()]).collect(),
        saves_otherwise,
        is_python: row.names.contains(&"python"),
        install: format!("install {}, or add its place to PATH", row.install),
    })
}

impl Language {
    /// What to do with a block of this language, given a way to find programs.
    pub fn plan(&self, find: impl Fn(&str) -> Option<PathBuf>) -> Plan {
        let found = self.commands.iter().find_map(|command| {
            let (program, arguments) = command.split_first()?;
            let program = find(program)?.to_string_lossy().into_owned();
            Some(std::iter::once(program).chain(arguments.iter().cloned()).collect())
        });
        match found {
            Some(command) => Plan::Run(vec![command]),
            None if self.saves_otherwise => Plan::Save,
            None => Plan::Missing(self.install.clone()),
        }
    }

    /// The commands of this language in a place whose programs cannot be looked at beforehand.
    pub fn plan_unseen(&self) -> Plan {
        if self.commands.is_empty() { Plan::Save } else { Plan::Run(self.commands.clone()) }
    }
}

/// The program of that name in this process's own `PATH`, or at that absolute path. Relative entries are passed over:
/// they would let a file in the working directory pose as an interpreter.
pub fn find_program(name: &str) -> Option<PathBuf> {
    find_where(name, |_| true)
}

/// [`find_program`] among the candidates that fit.
pub fn find_where(name: &str, fits: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let fits = |candidate: &PathBuf| is_executable(candidate) && fits(candidate);
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_absolute() && fits(path));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name)).find(fits)
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(word: &str) -> Language {
        of(word, &[]).unwrap()
    }

    #[test]
    fn names_are_read_in_any_case_and_belong_to_one_language() {
        assert_eq!(named("Python").extension, "py");
        assert_eq!(named("PY").extension, "py");
        assert!(of("xyz", &[]).is_none());
        assert!(of("", &[]).is_none());
        let mut names: Vec<_> = LANGUAGES.iter().flat_map(|language| language.names).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_missing_interpreter_fails_or_saves_as_the_row_says() {
        let nothing = |_: &str| None;
        assert!(matches!(named("python").plan(nothing), Plan::Missing(words) if words.contains("python3")));
        assert_eq!(named("js").plan(nothing), Plan::Save);
        assert_eq!(named("css").plan(nothing), Plan::Save);
        let all = |name: &str| Some(PathBuf::from("/bin").join(name));
        assert_eq!(named("py").plan(all), Plan::Run(vec![vec!["/bin/python3".into()]]));
        assert_eq!(named("shell").plan(all), Plan::Run(vec![vec!["/bin/sh".into()]]));
        assert_eq!(named("py").plan_unseen(), Plan::Run(vec![vec!["python3".into()], vec!["python".into()]]));
    }

    #[test]
    fn the_settings_add_languages_and_go_before_ours() {
        let row = |name: &str, command: &[&str]| LanguageRow {
            name: name.into(),
            command: command.iter().map(|part| (*part).to_owned()).collect(),
            extension: "x".into(),
        };
        let rows = [row("ruby", &["ruby", "-w"]), row("sh", &["dash"])];
        assert_eq!(of("Ruby", &rows).unwrap().plan_unseen(), Plan::Run(vec![vec!["ruby".into(), "-w".into()]]));
        assert_eq!(of("sh", &rows).unwrap().commands, [["dash"]]);
        assert_eq!(of("bash", &rows).unwrap().commands, [["bash"]]);
    }
}
