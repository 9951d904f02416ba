//! Teams that people already have: AutoGen component JSON, Studio galleries, AG2 configuration, read and written.
//!
//! Pure: JSON in, the text of a team file and a report out; nothing that stands in a file is run, fetched or trusted, and no
//! key is carried over. What cannot be expressed is said, never silently dropped. `component` reads teams and agents,
//! `parts` what they are made of, `ag2` the other family, [`export`] writes components. May import [`crate::chat`]. To add a
//! provider: an arm where its kind is read, and a line in `docs/import.md`.

mod ag2;
mod component;
pub mod export;
mod fields;
mod parts;

#[cfg(test)]
mod tests;

use serde_json::Value;
use toml::Table;

/// What became of one thing of the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It means the same here.
    Kept,
    /// It means something near.
    Changed,
    /// There is nothing here for it.
    Lost,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What became of it.
    pub fate: Fate,
    /// Where it stands in the original.
    pub path: String,
    /// In words.
    pub text: String,
}

/// A team that was read.
#[derive(Debug, Default)]
pub struct Imported {
    /// Its name, fit for a file.
    pub name: String,
    /// The team file.
    pub text: String,
    /// What was kept, changed, lost.
    pub report: Vec<Remark>,
    /// Code that stands in the original, by the name of what it belongs to: to be read, never run.
    pub sources: Vec<(String, String)>,
}

/// Reads whatever it is. `stem` names what does not say its own name; `has_provider` says which providers of models there
/// are here.
///
/// # Errors
/// When it is nothing that can become a team, in words for a person.
pub fn import(value: &Value, stem: &str, has_provider: &dyn Fn(&str) -> bool) -> Result<Vec<Imported>, String> {
    if let Some(components) = value.get("components").and_then(Value::as_object) {
        return gallery(components, has_provider);
    }
    if value.get("provider").is_some() {
        let mut draft = Draft::new(has_provider);
        draft.root(value, stem)?;
        return Ok(vec![draft.finish()]);
    }
    let mut draft = Draft::new(has_provider);
    ag2::read(&mut draft, value, stem)?;
    Ok(vec![draft.finish()])
}

/// The teams of a Studio gallery; without one, its agents as a team of their own.
fn gallery(
    components: &serde_json::Map<String, Value>,
    has_provider: &dyn Fn(&str) -> bool,
) -> Result<Vec<Imported>, String> {
    let list = |key: &str| components.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut read = Vec::new();
    for (n, team) in list("teams").iter().enumerate() {
        let mut draft = Draft::new(has_provider);
        draft.root(team, &format!("team-{}", n + 1))?;
        let stands = |key: &str| (!list(key).is_empty()).then(|| format!("{} {key}", list(key).len()));
        let beside = ["agents", "models", "tools", "terminations", "workbenches"].into_iter().filter_map(stands);
        let beside = beside.collect::<Vec<_>>().join(", ");
        if n == 0 && !beside.is_empty() {
            draft.lost("components", format!("what stands beside the teams is for building others ({beside})"));
        }
        read.push(draft.finish());
    }
    if read.is_empty() && !list("agents").is_empty() {
        let mut draft = Draft::new(has_provider);
        draft.loose(&list("agents"), "gallery")?;
        read.push(draft.finish());
    }
    match read.is_empty() {
        true => Err("This gallery holds neither teams nor agents.".to_owned()),
        false => Ok(read),
    }
}

/// A team file in the making.
struct Draft<'a> {
    name: String,
    team: Table,
    agents: Vec<Table>,
    models: Table,
    tools: Table,
    servers: Table,
    teams: Table,
    report: Vec<Remark>,
    sources: Vec<(String, String)>,
    /// Agents that had to be called something else: what they were called, and what they are.
    renamed: Vec<(String, String)>,
    /// Names, as they were, of the members of the team whose conditions are being read.
    members: Vec<String>,
    has_provider: &'a dyn Fn(&str) -> bool,
}

/// Names that no agent of a team file may have.
const RESERVED: [&str; 4] = ["user", "system", "operator", "tool"];
/// Keys of a team file whose texts are names of agents.
const NAMES: [&str; 9] =
    ["from", "to", "target", "start", "source", "sources", "source_match", "initial", "allow_repeat_speaker"];

/// Puts the new names of agents where the old ones stand.
fn rename(value: &mut toml::Value, names: bool, renamed: &[(String, String)]) {
    match value {
        toml::Value::String(text) if names => {
            if let Some((_, new)) = renamed.iter().find(|(old, _)| old == text) {
                text.clone_from(new);
            }
        }
        toml::Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names, renamed)),
        toml::Value::Table(table) => {
            for (key, value) in table.iter_mut() {
                rename(value, NAMES.contains(&key.as_str()), renamed);
            }
        }
        _ => {}
    }
}

impl<'a> Draft<'a> {
    fn new(has_provider: &'a dyn Fn(&str) -> bool) -> Self {
        Draft {
            name: String::new(),
            team: Table::new(),
            agents: Vec::new(),
            models: Table::new(),
            tools: Table::new(),
            servers: Table::new(),
            teams: Table::new(),
            report: Vec::new(),
            sources: Vec::new(),
            renamed: Vec::new(),
            members: Vec::new(),
            has_provider,
        }
    }

    fn remark(&mut self, fate: Fate, path: &str, text: impl Into<String>) {
        self.report.push(Remark { fate, path: path.to_owned(), text: text.into() });
    }

    fn kept(&mut self, path: &str, text: impl Into<String>) {
        self.remark(Fate::Kept, path, text);
    }

    fn changed(&mut self, path: &str, text: impl Into<String>) {
        self.remark(Fate::Changed, path, text);
    }

    fn lost(&mut self, path: &str, text: impl Into<String>) {
        self.remark(Fate::Lost, path, text);
    }

    /// A name as agents, models and tools may have here, and no other has yet.
    fn fit_name(&mut self, path: &str, given: &str, longest: usize, taken: impl Fn(&Self, &str) -> bool) -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let mut name: String = given.trim().chars().map(|c| if fits(c) { c } else { '_' }).take(longest).collect();
        if name.is_empty() {
            name = "unnamed".to_owned();
        }
        if longest <= 32 && RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
            name.push_str("_seat");
        }
        let first = name.clone();
        let mut n = 2;
        while taken(self, &name) {
            name = format!("{}_{n}", &first[..first.len().min(longest - 4)]);
            n += 1;
        }
        if name != given {
            self.changed(path, format!("the name {given:?} is {name:?} here"));
        }
        name
    }

    fn finish(mut self) -> Imported {
        let mut file = Table::new();
        let mut put = |key: &str, table: Table| {
            if !table.is_empty() {
                file.insert(key.to_owned(), toml::Value::Table(table));
            }
        };
        put("team", std::mem::take(&mut self.team));
        put("models", std::mem::take(&mut self.models));
        put("tools", std::mem::take(&mut self.tools));
        put("mcp", std::mem::take(&mut self.servers));
        put("teams", std::mem::take(&mut self.teams));
        let agents = std::mem::take(&mut self.agents).into_iter().map(toml::Value::Table).collect();
        file.insert("agents".to_owned(), toml::Value::Array(agents));
        let mut file = toml::Value::Table(file);
        rename(&mut file, false, &self.renamed);
        let text = toml::to_string_pretty(&file).unwrap_or_default();
        self.report.sort_by_key(|remark| std::cmp::Reverse(remark.fate));
        Imported { name: self.name, text, report: self.report, sources: self.sources }
    }
}

/// JSON as TOML; `null` has no place there.
fn toml_of(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => toml::Value::Boolean(*flag),
        Value::Number(n) => match n.as_i64() {
            Some(whole) => toml::Value::Integer(whole),
            None => toml::Value::Float(n.as_f64()?),
        },
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(items) => toml::Value::Array(items.iter().filter_map(toml_of).collect()),
        Value::Object(map) => {
            toml::Value::Table(map.iter().filter_map(|(key, value)| Some((key.clone(), toml_of(value)?))).collect())
        }
    })
}
