//! The settings as rows for a person: what each is, what applies, and who says so.

use super::user::{Origin, Settings};

/// One setting as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// As written in the file: `attention.bell`.
    pub key: String,
    /// What applies, as TOML.
    pub value: String,
    /// Who says so.
    pub origin: String,
    /// What it is, from the comment in `config/settings.toml`.
    pub about: String,
}

impl Settings {
    /// Every setting of `config/settings.toml` that has a value of its own, in the order of the file.
    pub fn rows(&self) -> Vec<Row> {
        let text = |text: &str| format!("{text:?}");
        let path = |path: &Option<std::path::PathBuf>| {
            text(&path.as_ref().map_or(String::new(), |path| path.display().to_string()))
        };
        let list = |parts: &[String]| format!("{parts:?}");
        let limits = &self.team.value.limits;
        let or_none = |value: Option<String>| value.unwrap_or_else(|| "no limit".to_owned());
        let calling = &self.attention.value;
        let (team, watch, attention) = (&self.team.origin, &self.watch.origin, &self.attention.origin);
        let values = [
            ("theme", text(&self.theme.value), &self.theme.origin),
            ("keys", text(&self.keys.value), &self.keys.origin),
            ("keymap", path(&self.keymap.value), &self.keymap.origin),
            ("go_on_when_lost", self.go_on_when_lost.value.to_string(), &self.go_on_when_lost.origin),
            ("mouse", self.mouse.value.to_string(), &self.mouse.origin),
            ("reduced_motion", self.reduced_motion.value.to_string(), &self.reduced_motion.origin),
            ("frame_rate", self.frame_rate.value.to_string(), &self.frame_rate.origin),
            ("data_dir", path(&self.data_dir.value), &self.data_dir.origin),
            ("attention.title", calling.title.to_string(), attention),
            ("attention.bell", calling.bell.to_string(), attention),
            ("attention.notify", text(&calling.notify), attention),
            ("attention.command", list(&calling.command), attention),
            ("attention.when", list(&calling.when), attention),
            ("attention.while_focused", calling.while_focused.to_string(), attention),
            ("team.max_cost", or_none(limits.max_cost.map(|cost| format!("{:.2}", cost.dollars()))), team),
            ("team.max_tokens", or_none(limits.max_tokens.map(|tokens| tokens.to_string())), team),
            ("team.max_time", or_none(limits.max_time_ms.map(|ms| text(&format!("{}s", ms / 1000)))), team),
            ("team.max_executions", or_none(limits.max_executions.map(|count| count.to_string())), team),
            ("watch.nudge", self.watch.value.nudge.to_string(), watch),
            ("watch.breaker", self.watch.value.breaker.to_string(), watch),
            ("watch.courtesies", list(&self.watch.value.courtesies), watch),
        ];
        let row = |(key, value, origin): (&str, String, &Origin)| Row {
            key: key.to_owned(),
            value,
            origin: match origin {
                Origin::Default => "the default".to_owned(),
                Origin::File(path) => path.display().to_string(),
            },
            about: about(key),
        };
        values.into_iter().map(row).collect()
    }
}

/// The comment above a key of the embedded settings.
fn about(key: &str) -> String {
    let (wanted, name) = key.rsplit_once('.').unwrap_or(("", key));
    let (mut table, mut comment) = (String::new(), Vec::new());
    for line in super::user::EMBEDDED.lines() {
        if let Some(words) = line.strip_prefix("# ") {
            comment.push(words.trim());
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = name.to_owned();
        } else if table == wanted && line.split_once('=').is_some_and(|(left, _)| left.trim() == name) {
            return comment.join(" ");
        }
        comment.clear();
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_explained_and_says_where_its_value_comes_from() {
        let rows = Settings::default().rows();
        for row in &rows {
            assert!(!row.about.is_empty(), "{} has no comment in config/settings.toml", row.key);
            assert_eq!(row.origin, "the default", "{}", row.key);
        }
        assert_eq!(rows[0].value, "\"auto\"");
    }
}
