//! The operator's own settings: `config/settings.toml` in the binary, and over it a file of the user's.

use super::calling::{self, Calling};
use super::keys::{self, KeySource};
use super::reader::{Fields, Findings, table};
use super::report::{Finding, Report};
use super::team::{read_breakpoints, read_limits, read_watch};
use super::{file, paths};
use crate::chat::breaks::{Breakpoint, SetBy};
use crate::chat::containment::LanguageRow;
use crate::chat::team::Limits;
use crate::chat::usage::Money;
use crate::chat::watch::Watching;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// The defaults as text, which is also their reference.
pub(super) const EMBEDDED: &str = include_str!("../../config/settings.toml");

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// It is the default.
    #[default]
    Default,
    /// This file sets it.
    File(PathBuf),
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// What applies.
    pub value: T,
    /// Who says so.
    pub origin: Origin,
}

impl<T> Setting<T> {
    fn default_of(value: T) -> Self {
        Setting { value, origin: Origin::Default }
    }

    fn set(&mut self, value: Option<T>, origin: &Origin) {
        if let Some(value) = value {
            *self = Setting { value, origin: origin.clone() };
        }
    }
}

/// What applies to a team whose file is silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Ceilings of a session.
    pub limits: Limits,
    /// Languages that code may be written in, besides the built-in ones and before them.
    pub languages: Vec<LanguageRow>,
    /// When it goes in circles: what differs from the detectors' own thresholds.
    pub watch: Watching,
    /// Where every run is to be stopped or looked at.
    pub breakpoints: Vec<Breakpoint>,
}

impl Default for Defaults {
    /// As in `config/settings.toml`: 5 dollars, two million tokens, two hours, 200 executions.
    fn default() -> Self {
        let limits = Limits {
            max_cost: Some(Money::from_dollars(5.0)),
            max_tokens: Some(2_000_000),
            max_time_ms: Some(2 * 3600 * 1000),
            max_executions: Some(200),
        };
        Defaults {
            limits,
            languages: Vec::new(),
            watch: Watching { breaker: 1000, ..Watching::default() },
            breakpoints: Vec::new(),
        }
    }
}

/// The operator's settings. A value of `config/settings.toml` and a line of `read` each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Name of a theme, or `auto`: dark unless the terminal says otherwise.
    pub theme: Setting<String>,
    /// The built-in keys: `vim` or `plain`.
    pub keys: Setting<String>,
    /// Whether the mouse does anything; the terminal's own selection then needs shift.
    pub mouse: Setting<bool>,
    /// How the console calls for the operator.
    pub attention: Setting<Calling>,
    /// No animation, no smooth scrolling.
    pub reduced_motion: Setting<bool>,
    /// Most frames a second.
    pub frame_rate: Setting<u32>,
    /// When the terminal is lost: whether the run goes on without it, instead of pausing.
    pub go_on_when_lost: Setting<bool>,
    /// Where sessions are kept, absolute; `None` is the place the system has for it. See [`paths::data_dir`].
    pub data_dir: Setting<Option<PathBuf>>,
    /// A keymap of the user's that is laid over the built-in one, absolute.
    pub keymap: Setting<Option<PathBuf>>,
    /// What applies to a team whose file is silent; the origin is that of the last limit that was set.
    pub team: Setting<Defaults>,
    /// When a run goes in circles.
    pub watch: Setting<Watching>,
    /// Where keys are that stand in no environment variable, by name.
    pub api_keys: Setting<BTreeMap<String, KeySource>>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            theme: Setting::default_of("auto".into()),
            keys: Setting::default_of("vim".into()),
            mouse: Setting::default_of(false),
            attention: Setting::default_of(Calling::default()),
            reduced_motion: Setting::default_of(false),
            frame_rate: Setting::default_of(60),
            go_on_when_lost: Setting::default_of(false),
            data_dir: Setting::default_of(None),
            keymap: Setting::default_of(None),
            team: Setting::default_of(Defaults::default()),
            watch: Setting::default_of(Defaults::default().watch),
            api_keys: Setting::default_of(BTreeMap::new()),
        }
    }
}

impl Settings {
    /// The defaults, and over them the user's file, if there is one (see [`paths::settings_file`]).
    ///
    /// # Errors
    /// With everything that is wrong with the file, unknown keys included. A file that is given must exist; it may be
    /// empty.
    pub fn load(user_file: Option<&Path>) -> Result<Settings, Report> {
        let mut settings = Settings::default();
        settings.layer("built-in settings", EMBEDDED, Path::new(""), &Origin::Default)?;
        if let Some(path) = user_file {
            let text = file::read(path)?;
            let dir = path.parent().unwrap_or(Path::new(""));
            settings.layer(&path.display().to_string(), &text, dir, &Origin::File(path.to_owned()))?;
        }
        Ok(settings)
    }

    /// Lays a file over what is there.
    fn layer(&mut self, name: &str, text: &str, dir: &Path, origin: &Origin) -> Result<(), Report> {
        let findings = Findings::default();
        if let Some(tree) = file::parse(text, &findings)
            && !findings.fatal()
        {
            self.read(tree.get_ref(), dir, origin, &findings);
        }
        if findings.fatal() {
            return Err(Report::of(name, text, findings.into_inner(), &[]));
        }
        Ok(())
    }

    fn read(&mut self, root: &DeTable<'_>, dir: &Path, origin: &Origin, findings: &Findings) {
        let mut fields = Fields::new(findings, root, 0..0, "the settings");
        self.theme.set(fields.filled("theme"), origin);
        self.keys.set(fields.filled("keys"), origin);
        self.mouse.set(fields.flag("mouse"), origin);
        if let Some(node) = fields.get("attention") {
            let mut calling = self.attention.value.clone();
            calling::read(findings, node, &mut calling);
            self.attention.set(Some(calling), origin);
        }
        self.reduced_motion.set(fields.flag("reduced_motion"), origin);
        let rate = fields.whole("frame_rate", 1..=240).and_then(|rate| u32::try_from(rate).ok());
        self.frame_rate.set(rate, origin);
        self.go_on_when_lost.set(fields.flag("go_on_when_lost"), origin);
        let path = |text: String| (!text.trim().is_empty()).then(|| paths::written(dir, &text));
        self.data_dir.set(fields.text("data_dir").map(path), origin);
        self.keymap.set(fields.text("keymap").map(path), origin);
        if let Some(node) = fields.get("team")
            && let Some(team) = table(findings, "team", node)
        {
            let mut team = Fields::new(findings, team, node.span(), "[team]");
            let mut limits = self.team.value.limits;
            read_limits(&mut team, &mut limits);
            let set = team.asked().iter().any(|key| team.span_of(key).is_some());
            self.team.set(set.then(|| Defaults { limits, ..self.team.value.clone() }), origin);
            self.not_only_limits(&mut team);
        }
        if let Some(node) = fields.get("languages")
            && let Some(rows) = table(findings, "languages", node)
        {
            let mut all = self.team.value.languages.clone();
            for row in languages(findings, rows) {
                all.retain(|known| known.name != row.name);
                all.push(row);
            }
            self.team.value.languages = all;
        }
        if let Some(node) = fields.get("api_keys")
            && let Some(rows) = table(findings, "api_keys", node)
        {
            let mut all = self.api_keys.value.clone();
            all.extend(keys::read(findings, rows, dir));
            self.api_keys.set(Some(all), origin);
        }
        if let Some(node) = fields.get("breakpoints") {
            let read = read_breakpoints(findings, node, SetBy::Settings);
            self.team.value.breakpoints = read.into_iter().map(|(breakpoint, ..)| breakpoint).collect();
        }
        if let Some(node) = fields.get("watch") {
            let mut watch = self.watch.value.clone();
            read_watch(findings, node, "[watch]", &mut watch);
            self.team.value.watch = watch.clone();
            self.watch.set(Some(watch), origin);
        }
        fields.finish();
    }

    /// Reports what else stands in `[team]`: settings hold what applies to every team, not a team.
    fn not_only_limits(&self, team: &mut Fields<'_>) {
        if let Some((key, span, _)) = team.rest().find(|(key, ..)| ["name", "task", "max_round"].contains(key)) {
            let finding =
                Finding::error(format!("`{key}` describes one team, and these are settings for all")).at(span);
            team.findings.push(finding.help("it belongs in a team file"));
            return;
        }
        team.finish();
    }
}

/// `[languages.<word>]`: a program that runs blocks of a language.
fn languages(findings: &Findings, rows: &DeTable<'_>) -> Vec<LanguageRow> {
    let mut found = Vec::new();
    for (name, node) in rows {
        let Some(row) = table(findings, name.get_ref(), node) else { continue };
        let word = name.get_ref();
        if word.is_empty() || !word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || word.len() > 32 {
            let finding = Finding::error(format!("{word:?} cannot stand after a fence")).at(name.span());
            findings.push(finding.help("the word of a language is made of letters, digits and _"));
        }
        let mut fields = Fields::new(findings, row, node.span(), format!("[languages.{word}]"));
        let command = fields.texts("command").unwrap_or_default();
        let extension = fields.filled("extension");
        fields.finish();
        if command.is_empty() || command[0].0.trim().is_empty() {
            let finding = Finding::error(format!("[languages.{word}] does not say what runs it")).at(node.span());
            findings.push(finding.help("for example: command = [\"ruby\"]; the file with the code comes last"));
        }
        let extension = extension.unwrap_or_else(|| word.to_string());
        if !extension.chars().all(|c| c.is_ascii_alphanumeric()) {
            let finding = Finding::error("`extension` is letters and digits, without the dot").at(node.span());
            findings.push(finding);
        }
        let command = command.into_iter().map(|(part, _)| part).collect();
        found.push(LanguageRow { name: word.to_ascii_lowercase(), command, extension });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_sets_every_setting_to_its_default() {
        let loaded = Settings::load(None).unwrap();
        assert_eq!(loaded, Settings::default());
        // Read with an origin that shows, every setting must have been named by the file.
        let seen = Origin::File("seen".into());
        let mut settings = Settings::default();
        settings.layer("embedded", EMBEDDED, Path::new(""), &seen).unwrap();
        let Settings {
            theme,
            keys,
            api_keys,
            mouse,
            attention,
            reduced_motion,
            frame_rate,
            go_on_when_lost,
            data_dir,
            keymap,
            team,
            watch,
        } = &settings;
        for origin in [
            &theme.origin,
            &keys.origin,
            &mouse.origin,
            &attention.origin,
            &reduced_motion.origin,
            &frame_rate.origin,
            &go_on_when_lost.origin,
            &data_dir.origin,
            &keymap.origin,
            &team.origin,
            &watch.origin,
            &api_keys.origin,
        ] {
            assert_eq!(*origin, seen);
        }
        let tree: toml::Table = EMBEDDED.parse().unwrap();
        assert_eq!(tree.keys().collect::<Vec<_>>().len(), 14);
        assert_eq!(tree["team"].as_table().unwrap().len(), 4);
    }

    #[test]
    fn every_line_of_the_embedded_file_has_a_comment() {
        let lines: Vec<_> = EMBEDDED.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains('=') && !line.starts_with('#')) {
            assert!(lines[at - 1].starts_with("# "), "no comment above {line:?}");
        }
    }
}
