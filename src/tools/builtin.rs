//! Tools that are built in: they read below the working directory and change nothing.
//!
//! Every component of a path is opened from the descriptor of the directory above it and never through a symbolic link,
//! so that nothing outside can be reached whatever stands there; only regular files are read.

use super::below::{self, Below};
use super::{Running, Tool, answered, arguments, bounded, failed};
use crate::catalog::{self, Entry, Field, FieldKind, OptionError, Options};
use crate::chat::code::Place;
use crate::chat::toolbox::ToolSetup;
use crate::execution::{Job, Progress};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

/// The catalog row.
pub const ENTRY: Entry<dyn Tool> = Entry {
    name: "builtin",
    about: "reads below the working directory: read_file, list_files or search_text",
    example: "builtin = \"read_file\"",
    fields: &[Field {
        name: "builtin",
        kind: FieldKind::Text,
        required: true,
        about: "read_file, list_files or search_text",
    }],
    build: |options| {
        let name = catalog::text(options, "builtin").unwrap_or_default();
        let known = || BUILT_IN.iter().map(|row| row.name).collect::<Vec<_>>().join(", ");
        match row(options) {
            Some(row) => Ok(Box::new(BuiltIn { row })),
            None => {
                Err(OptionError::of("builtin", format!("there is no built-in tool {name:?}; there are {}", known())))
            }
        }
    },
};

/// The row that these options name.
pub fn row(options: &Options) -> Option<&'static Row> {
    let name = catalog::text(options, "builtin")?;
    BUILT_IN.iter().find(|row| row.name == name)
}

/// A built-in tool.
pub struct Row {
    /// As written in a team file.
    pub name: &'static str,
    /// What its model is told, unless the team file says something else.
    pub description: &'static str,
    /// Its arguments: name, JSON type, whether it must be given, what it means.
    pub arguments: &'static [(&'static str, &'static str, bool, &'static str)],
    run: fn(&Below, &Map<String, Value>) -> Result<String, String>,
}

/// The built-in tools.
pub static BUILT_IN: &[Row] = &[
    Row {
        name: "read_file",
        description: "Read a text file of the working directory. Long files are read in parts: give `first` and `lines`.",
        arguments: &[
            ("path", "string", true, "path of the file, relative to the working directory"),
            ("first", "integer", false, "number of the first line, from 1"),
            ("lines", "integer", false, "how many lines"),
        ],
        run: below::read_file,
    },
    Row {
        name: "list_files",
        description: "List the files below a directory of the working directory, with their sizes.",
        arguments: &[("path", "string", false, "directory, relative to the working directory; without it all of it")],
        run: below::list_files,
    },
    Row {
        name: "search_text",
        description: "Find the lines that match a regular expression in the text files of the working directory.",
        arguments: &[
            ("pattern", "string", true, "regular expression"),
            ("path", "string", false, "file or directory to search in; without it all of the working directory"),
        ],
        run: below::search_text,
    },
];

impl Row {
    /// JSON schema of its arguments.
    pub fn schema(&self) -> Value {
        let property = |(name, kind, _, about): &(&str, &str, bool, &str)| {
            ((*name).to_owned(), json!({"type": kind, "description": about}))
        };
        let properties: Map<String, Value> = self.arguments.iter().map(property).collect();
        let required: Vec<&str> = self.arguments.iter().filter(|row| row.2).map(|row| row.0).collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }
}

/// Reads below a directory.
struct BuiltIn {
    row: &'static Row,
}

impl Tool for BuiltIn {
    fn place(&self, setup: &ToolSetup) -> Place {
        Place {
            executor: "builtin".to_owned(),
            containment: "Plenary itself reads files below the directory, and nothing else".to_owned(),
            work_dir: setup.execution.work_dir.clone(),
            timeout_ms: setup.execution.timeout_ms,
            output_limit: setup.execution.output_limit,
            ..Place::default()
        }
    }

    fn run(&self, job: Job, _progress: mpsc::Sender<Progress>) -> Running {
        let (row, given, dir) = (self.row, arguments(&job), job.payload.place.work_dir.clone());
        bounded(job, async move {
            let work = move || {
                let given = given?;
                let below = Below::open(&dir)?;
                (row.run)(&below, &given)
            };
            match tokio::task::spawn_blocking(work).await {
                Ok(Ok(text)) => answered(text),
                Ok(Err(why)) => failed(why),
                Err(error) => failed(format!("It broke off: {error}.")),
            }
        })
    }
}
