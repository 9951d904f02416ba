//! One shape for every family that grows.
//!
//! Selectors, termination conditions, model providers, executors and detectors are each a slice of [`Entry`] rows in
//! their own module. Parsing, validation, help and the docs derive from the rows, so a new member is one file and one
//! row. Imports [`crate::chat`] only for [`Spec`].

use crate::chat::consult::Program;
use crate::chat::team::Spec;
use serde_json::{Map, Value};

/// Options of a spec as JSON values, keyed by field name.
pub type Options = Map<String, Value>;

/// A row of a catalog: what a member is called, what it is for, what it takes and how it is made.
pub struct Entry<T: ?Sized + 'static> {
    /// As written in a team file.
    pub name: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// A line of TOML that works.
    pub example: &'static str,
    /// What may be set. For conditions, the field `value` is what stands right of the `=`.
    pub fields: &'static [Field],
    /// Makes a member, or says what is wrong with the options.
    pub build: fn(&Options) -> Result<Box<T>, OptionError>,
}

/// One option of a member.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// As written in a team file.
    pub name: &'static str,
    /// What values it takes.
    pub kind: FieldKind,
    /// Whether it must be given.
    pub required: bool,
    /// One line of help.
    pub about: &'static str,
}

/// What values a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A string.
    Text,
    /// Several strings.
    Texts,
    /// A whole number, zero or more.
    Count,
    /// Any number.
    Number,
    /// `true` or `false`.
    Flag,
    /// `"30s"`, `"2m"`, `"1h"`, or a number of seconds. Reaches `build` as milliseconds.
    Duration,
    /// A table or array with a shape of its own.
    Table,
    /// A rule (`docs/rules.md`), as its text.
    Rule,
    /// A regular expression.
    Pattern,
    /// A program and its arguments. Reaches `build` as `{ argv, dir }`: where the program stands, and where it runs.
    Command,
    /// `[{ when = "rule", speaker = "agent" }, …]`.
    Cases,
}

impl FieldKind {
    /// The kind in words, for error messages.
    pub fn words(self) -> &'static str {
        match self {
            FieldKind::Text => "a text in quotes",
            FieldKind::Texts => "a list of texts",
            FieldKind::Count => "a whole number, zero or more",
            FieldKind::Number => "a number",
            FieldKind::Flag => "true or false",
            FieldKind::Duration => "a time such as \"30s\", \"2m\" or \"1h\"",
            FieldKind::Table => "a table or list",
            FieldKind::Rule => "a rule",
            FieldKind::Pattern => "a regular expression",
            FieldKind::Command => "a list: a program and its arguments",
            FieldKind::Cases => "a list of { when = \"rule\", speaker = \"agent\" }",
        }
    }
}

/// What is wrong with the options of a spec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OptionError {
    /// The option, if one is to blame.
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
    /// The place inside the option's text, in bytes, where that is known.
    pub at: Option<std::ops::Range<usize>>,
}

impl OptionError {
    /// An error at a place inside the text of one option.
    pub fn inside(field: &str, at: std::ops::Range<usize>, message: impl Into<String>) -> Self {
        OptionError { at: Some(at), ..OptionError::of(field, message) }
    }

    /// An error about one option.
    pub fn of(field: &str, message: impl Into<String>) -> Self {
        OptionError { field: Some(field.to_owned()), message: message.into(), at: None }
    }
}

/// Something about the options of a member, given the whole team: what its row alone cannot know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where: names and numbers of options, e.g. `edges`, `2`, `to`.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Allowed, but odd.
    pub warning: bool,
}

impl Remark {
    /// A mistake at this place, parts separated by points.
    pub fn error(path: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        let path = path.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Remark { path, message: message.into(), help: help.into(), warning: false }
    }

    /// A name that no agent has.
    pub fn nobody(path: &str, name: &str) -> Self {
        Remark::error(path, format!("there is no agent {name:?}"), "names of agents stand in [[agents]]")
    }

    /// The same as a warning.
    pub fn odd(self) -> Self {
        Remark { warning: true, ..self }
    }
}

/// A row without its type: what settings need in order to validate and help needs in order to explain.
pub struct Row {
    /// As written in a team file.
    pub name: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// A line of TOML that works.
    pub example: &'static str,
    /// What may be set.
    pub fields: &'static [Field],
    /// Whether these options would do.
    pub check: Check,
}

/// Says whether options would do.
pub type Check = Box<dyn Fn(&Options) -> Result<(), OptionError> + Send + Sync>;

/// The rows of a catalog without their type.
pub fn rows<T: ?Sized + 'static>(catalog: &'static [Entry<T>]) -> Vec<Row> {
    catalog
        .iter()
        .map(|entry| Row {
            name: entry.name,
            about: entry.about,
            example: entry.example,
            fields: entry.fields,
            check: Box::new(|options| (entry.build)(options).map(drop)),
        })
        .collect()
}

/// Makes the member that `spec` names.
///
/// # Errors
/// When the catalog has no such row, or the row refuses the options.
pub fn build<T: ?Sized + 'static>(catalog: &'static [Entry<T>], spec: &Spec) -> Result<Box<T>, OptionError> {
    let entry = catalog.iter().find(|entry| entry.name == spec.kind).ok_or_else(|| OptionError {
        field: None,
        message: format!(
            "there is no {:?} here; known are: {}",
            spec.kind,
            catalog.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ")
        ),
        at: None,
    })?;
    (entry.build)(&spec.options)
}

/// Reads a whole number from the options.
pub fn count(options: &Options, field: &str) -> Option<u64> {
    options.get(field).and_then(Value::as_u64)
}

/// Reads a text from the options.
pub fn text<'a>(options: &'a Options, field: &str) -> Option<&'a str> {
    options.get(field).and_then(Value::as_str)
}

/// The options of a program of the user's; [`program`] reads them.
pub const PROGRAM: [Field; 3] = [
    Field {
        name: "command",
        kind: FieldKind::Command,
        required: true,
        about: "the program and its arguments; a path is relative to the file, and so is the directory it runs in",
    },
    Field { name: "timeout", kind: FieldKind::Duration, required: false, about: "how long it may take (5s)" },
    Field {
        name: "environment",
        kind: FieldKind::Texts,
        required: false,
        about: "names of environment variables that are passed on (PATH LANG LC_ALL TZ)",
    },
];

/// Reads a program from the options of a row that takes [`PROGRAM`].
///
/// # Errors
/// When no program is named.
pub fn program(options: &Options) -> Result<Program, OptionError> {
    let texts = |list: Option<&Value>| -> Vec<String> {
        let list = list.and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let given = options.get("command");
    let command = texts(given.and_then(|given| given.get("argv")));
    if command.first().is_none_or(|program| program.trim().is_empty()) {
        return Err(OptionError::of("command", "names no program"));
    }
    let dir = given.and_then(|given| given.get("dir")).and_then(Value::as_str).unwrap_or(".").to_owned();
    let environment = match options.get("environment") {
        Some(list) => texts(Some(list)),
        None => ["PATH", "LANG", "LC_ALL", "TZ"].map(str::to_owned).to_vec(),
    };
    Ok(Program { command, dir, environment, timeout_ms: count(options, "timeout").unwrap_or(5_000) })
}
