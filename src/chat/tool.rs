//! Tools as models see them: what may be called, a call, and what came of it.

use super::id::OpId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;

/// A tool as it is offered to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// `[A-Za-z0-9_-]{1,64}`, unique in one request.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON schema of the arguments: an object.
    pub parameters: Value,
}

/// What a model wants called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's identity of the call, unique in its message.
    pub id: String,
    /// The tool's name as the model wrote it.
    pub name: String,
    /// The arguments as the model wrote them: JSON if it kept to the rules, which nobody may assume.
    pub arguments: Arc<str>,
    /// What the provider wants to have back with this call (signatures of thoughts), as a JSON object by dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<Arc<str>>,
}

impl ToolCall {
    /// What a dialect wants to have back with this call.
    pub fn echo_of(&self, dialect: &str) -> Option<Value> {
        let echo: Value = serde_json::from_str(self.echo.as_deref()?).ok()?;
        echo.get(dialect).cloned()
    }

    /// The arguments with the line breaks and tabs escaped that a model has left raw inside a text (AG2 repairs them, too):
    /// what is shown, approved and run.
    pub fn repaired(&self) -> Arc<str> {
        let (mut within, mut escaped) = (false, false);
        let mut text = String::new();
        for c in self.arguments.chars() {
            match c {
                '\n' if within => text.push_str("\\n"),
                '\r' if within => text.push_str("\\r"),
                '\t' if within => text.push_str("\\t"),
                _ => text.push(c),
            }
            within ^= c == '"' && !escaped;
            escaped = within && c == '\\' && !escaped;
        }
        if text == *self.arguments { self.arguments.clone() } else { text.into() }
    }

    /// The arguments as an object; an empty text means none.
    ///
    /// # Errors
    /// When they are not a JSON object; the text is for the model that wrote them.
    pub fn object(&self) -> Result<serde_json::Map<String, Value>, String> {
        if self.arguments.trim().is_empty() {
            return Ok(serde_json::Map::new());
        }
        match serde_json::from_str(&self.repaired()) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err("The argument must be in JSON format: an object with the named arguments.".to_owned()),
            Err(error) => Err(format!("The argument must be in JSON format: {error}.")),
        }
    }
}

/// Arguments of a call as an object; an empty text means none.
///
/// # Errors
/// When they are not a JSON object; the text is for whoever wrote them.
pub fn object(arguments: &str) -> Result<serde_json::Map<String, Value>, String> {
    ToolCall { id: String::new(), name: String::new(), arguments: arguments.into(), echo: None }.object()
}

/// What came of a call. Every call has exactly one before its model is asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// [`ToolCall::id`].
    pub call_id: String,
    /// [`ToolCall::name`].
    pub name: String,
    /// What the model is told.
    pub content: Arc<str>,
    /// Whether the call failed, was refused or never ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
    /// The effect that it came of, whose outcome has the whole of it and its time; nothing when nothing was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<OpId>,
}

impl ToolResult {
    /// The result of `call`.
    pub fn of(call: &ToolCall, content: impl Into<Arc<str>>, is_error: bool) -> Self {
        ToolResult { call_id: call.id.clone(), name: call.name.clone(), content: content.into(), is_error, op: None }
    }
}

/// What a model may be told of a long text: its beginning and its end, and how much is missing between them.
pub fn shortened(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return text.into();
    }
    let head = floor(text, limit * 2 / 3);
    let tail = text.len() - floor(text, limit - head.min(limit));
    let tail = (tail..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let missing = tail - head;
    format!("{}\n[… {missing} bytes are left out here; ask for less at a time …]\n{}", &text[..head], &text[tail..])
        .into()
}

/// The last place at or before `at` that is no character's middle.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The name under which a model sees a tool: that of a server's is `server/tool`, which no dialect allows.
pub fn model_name(name: &str) -> String {
    const LONGEST: usize = 64;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let plain: String = name.replace('/', "__").chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if plain.len() <= LONGEST {
        return plain;
    }
    let digest = super::code::hex(&Sha256::digest(name.as_bytes()));
    format!("{}_{}", &plain[..LONGEST - 9], &digest[..8])
}

/// The operator took a tool off the table, or gave it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolBarred {
    /// Which.
    pub tool: String,
    /// For how many turns; `None` until it is given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u32>,
    /// It is given back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
}

/// A tool's command with the arguments of a call put in: `{name}` stands for the argument of that name. A word that is
/// nothing but `{name}` takes all items of a list, each as a word, and falls away when there is no such argument.
///
/// # Errors
/// When the arguments are no JSON object, or nothing is left to start; the text is for whoever called.
pub fn command(argv: &[String], arguments: &str) -> Result<Vec<String>, String> {
    let given = object(arguments)?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut command = Vec::new();
    for word in argv {
        let name =
            word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).filter(|name| !name.contains(['{', '}']));
        match name.map(|name| given.get(name)) {
            Some(Some(Value::Array(items))) => command.extend(items.iter().map(text)),
            Some(None | Some(Value::Null)) => {}
            Some(Some(value)) => command.push(text(value)),
            None => command.push(filled(word, |name| given.get(name).map(text))),
        }
    }
    if command.first().is_none_or(|program| program.is_empty()) {
        return Err("The tool's command is empty.".to_owned());
    }
    match command.iter().any(|word| word.contains('\0')) {
        true => Err("An argument contains a zero byte, which no program takes.".to_owned()),
        false => Ok(command),
    }
}

/// Fills every `{name}` that is known, in one pass: what is filled in is never filled again.
pub fn filled(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}').and_then(|(name, after)| Some((value(name)?, after))) {
            Some((value, after)) => {
                filled.push_str(&value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(argv: &[&str], arguments: &str) -> Result<Vec<String>, String> {
        command(&argv.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), arguments)
    }

    #[test]
    fn arguments_become_words_and_never_more() {
        let argv = ["grep", "-n", "{pattern}", "--max={n}", "{files}", "{missing}"];
        let arguments = r#"{"pattern": "a b; rm -rf / $(x)", "n": 3, "files": ["one", "-two"]}"#;
        let all = words(&argv, arguments).unwrap();
        assert_eq!(all, ["grep", "-n", "a b; rm -rf / $(x)", "--max=3", "one", "-two"]);
        assert_eq!(words(&["echo", "{a}{b}"], r#"{"a": "{b}", "b": "x"}"#).unwrap(), ["echo", "{b}x"]);
        assert_eq!(words(&["echo", "{unknown} stays"], "{}").unwrap(), ["echo", "{unknown} stays"]);
    }

    #[test]
    fn what_cannot_be_started_is_refused() {
        assert!(words(&["{program}"], "{}").is_err());
        assert!(words(&["echo", "{a}"], "not json").is_err());
        assert!(words(&["echo", "{a}"], "{\"a\": \"x\\u0000y\"}").is_err());
    }

    #[test]
    fn a_long_result_keeps_its_ends_and_says_what_is_missing() {
        assert_eq!(shortened("short", 10), "short");
        let text = "ä".repeat(1000);
        let cut = shortened(&text, 100);
        assert!(cut.starts_with("ää") && cut.ends_with("ää") && cut.len() < 220, "{cut}");
        let told = cut.matches('ä').count() * 2;
        assert!(cut.contains(&format!("{} bytes are left out", text.len() - told)), "{cut}");
        assert!(shortened(&text, 0).contains("2000 bytes"));
    }

    #[test]
    fn a_model_sees_names_that_its_dialect_allows_and_no_two_long_ones_are_one() {
        assert_eq!(model_name("git/log"), "git__log");
        let long = |last: &str| model_name(&format!("server/{}{last}", "x".repeat(80)));
        assert!(long("a").len() <= 64 && long("a") != long("b"));
    }

    fn called(arguments: &str) -> ToolCall {
        ToolCall { id: "1".into(), name: "find".into(), arguments: arguments.into(), echo: None }
    }

    #[test]
    fn raw_line_breaks_inside_texts_are_escaped_and_nothing_else_is_touched() {
        let table = [
            ("{\"q\":\"a\nb\tc\"}", "{\"q\":\"a\\nb\\tc\"}"),
            ("{\n\t\"q\": \"a\"\n}", "{\n\t\"q\": \"a\"\n}"),
            ("{\"q\":\"say \\\"x\n\\\" and\\\\\"}", "{\"q\":\"say \\\"x\\n\\\" and\\\\\"}"),
            ("{\"q\":\"a\\nb\"}", "{\"q\":\"a\\nb\"}"),
            ("no \n json", "no \n json"),
        ];
        for (written, wanted) in table {
            assert_eq!(&*called(written).repaired(), wanted, "{written:?}");
        }
        assert_eq!(called(table[0].0).object().unwrap()["q"], "a\nb\tc");
        assert!(called("").object().unwrap().is_empty());
        assert!(called("[1]").object().unwrap_err().contains("must be in JSON format"));
    }
}
