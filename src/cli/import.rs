//! `import`: a team that somebody has already, as a team file with a report; and the way back.

use super::{Trouble, safe};
use crate::exchange::{self, Fate, Imported, Remark};
use crate::settings;
use crate::wire;
use clap::Args;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Largest file that is read, in bytes.
const LARGEST: u64 = 16 << 20;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary import team.json\n  plenary import gallery.json --out teams/\n  plenary import \
                        OAI_CONFIG_LIST\n\nReads AutoGen component JSON, Studio galleries, OAI_CONFIG_LIST and AG2 agents. The \
                        original is kept beside the team file; code in it is kept to be read and never run.\n"
)]
pub(super) struct Arguments {
    /// The file
    file: PathBuf,
    /// Where the team file goes; without it, where you are
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    out: PathBuf,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
}

pub(super) fn import(arguments: &Arguments) -> Result<u8, Trouble> {
    let shown = safe(&arguments.file.display().to_string());
    let size = std::fs::metadata(&arguments.file)
        .map_err(|error| Trouble::usage(format!("{shown} cannot be read: {error}")))?;
    if !size.is_file() || size.len() > LARGEST {
        return Err(Trouble::usage(format!("{shown} is no file of at most {LARGEST} bytes.")));
    }
    let bytes =
        std::fs::read(&arguments.file).map_err(|error| Trouble::usage(format!("{shown} cannot be read: {error}")))?;
    let value =
        serde_json::from_slice(&bytes).map_err(|error| Trouble::usage(format!("{shown} is no JSON: {error}")))?;
    let stem = arguments.file.file_stem().map_or("team".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let families = wire::families();
    let has = |name: &str| families.providers.iter().any(|row| row.name == name);
    let read = exchange::import(&value, &stem, &has).map_err(|why| Trouble::usage(format!("{shown}: {why}")))?;
    std::fs::create_dir_all(&arguments.out)?;
    let mut out = std::io::stdout().lock();
    let mut code = 0;
    for (n, imported) in read.iter().enumerate() {
        code = code.max(write(imported, n, &read, &bytes, arguments, &mut out)?);
    }
    Ok(code)
}

/// Writes what came of one team, checks it, and says so.
fn write(
    imported: &Imported,
    n: usize,
    all: &[Imported],
    original: &[u8],
    arguments: &Arguments,
    out: &mut impl Write,
) -> Result<u8, Trouble> {
    let mut name = slug(&imported.name);
    if all[..n].iter().any(|before| slug(&before.name) == name) {
        name = format!("{name}-{}", n + 1);
    }
    let file = arguments.out.join(format!("{name}.toml"));
    put(&file, imported.text.as_bytes(), arguments.force)?;
    put(&arguments.out.join(format!("{name}.original.json")), original, arguments.force)?;
    for (tool, code) in &imported.sources {
        // No ending that anything would run by itself.
        put(&arguments.out.join(format!("{name}.{}.py.txt", slug(tool))), code.as_bytes(), arguments.force)?;
    }
    put(&arguments.out.join(format!("{name}.import.md")), report(imported).as_bytes(), arguments.force)?;
    let count = |fate: Fate| imported.report.iter().filter(|remark| remark.fate == fate).count();
    let (kept, changed, lost) = (count(Fate::Kept), count(Fate::Changed), count(Fate::Lost));
    writeln!(out, "{}: {kept} kept, {changed} changed, {lost} cannot be expressed", safe(&file.display().to_string()))?;
    for remark in imported.report.iter().filter(|remark| remark.fate != Fate::Kept) {
        writeln!(out, "  {}", line(remark))?;
    }
    let settings = wire::settings()?;
    match wire::team(&file.to_string_lossy(), &settings) {
        Ok((loaded, source)) => {
            if !loaded.warnings.is_empty() {
                writeln!(out, "{}", settings::render(&file.to_string_lossy(), &source, &loaded.warnings, false))?;
            }
            Ok(0)
        }
        Err(error) => {
            writeln!(out, "The team file needs your hand before it runs:")?;
            Trouble::from(error).say();
            Ok(1)
        }
    }
}

fn line(remark: &Remark) -> String {
    let fate = match remark.fate {
        Fate::Kept => "kept   ",
        Fate::Changed => "changed",
        Fate::Lost => "lost   ",
    };
    format!("{fate}  {}: {}", safe(&remark.path), safe(&remark.text))
}

fn report(imported: &Imported) -> String {
    let mut text = format!("# What became of {}\n", safe(&imported.name));
    for (fate, title) in [(Fate::Lost, "Cannot be expressed"), (Fate::Changed, "Changed"), (Fate::Kept, "Kept")] {
        let _ = writeln!(text, "\n## {title}\n");
        for remark in imported.report.iter().filter(|remark| remark.fate == fate) {
            let _ = writeln!(text, "- `{}`: {}", safe(&remark.path), safe(&remark.text));
        }
    }
    text
}

fn put(path: &Path, bytes: &[u8], force: bool) -> Result<(), Trouble> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let shown = safe(&path.display().to_string());
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Trouble::usage(format!("{shown} is there already; --force writes over it."))
        }
        _ => Trouble::failed(format!("{shown} cannot be written: {error}")),
    })?;
    Ok(file.write_all(bytes)?)
}

/// A name that is safe in every file system.
fn slug(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).take(60).collect();
    let plain = plain.trim_matches('-').to_owned();
    if plain.is_empty() { "team".to_owned() } else { plain }
}

/// A team file, a ready team, or the team of a session as AutoGen component JSON on standard output.
pub(super) fn component(name: &str) -> Result<u8, Trouble> {
    let settings = wire::settings()?;
    let session = wire::stored_team(name, &settings).ok().filter(|_| !Path::new(name).exists());
    let team = match session {
        Some(team) => (*team).clone(),
        None => wire::team(name, &settings)?.0.team,
    };
    let (component, report) = exchange::export::component(&team);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string_pretty(&component).map_err(std::io::Error::from)?)?;
    for remark in &report {
        writeln!(std::io::stderr(), "{}", line(remark))?;
    }
    Ok(0)
}
