//! Answers that are JSON of a given shape.

use super::Name;
use super::id::{CallId, TurnId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Most complaints about one answer that are passed on: a model mends the first ones first.
const COMPLAINTS: usize = 5;

/// The shape of an agent's answers (AgentChat: output_content_type; OpenAI: response_format).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseFormat {
    /// What the provider is told it is called: `[A-Za-z0-9_-]{1,64}`.
    pub name: String,
    /// JSON schema of an answer.
    pub schema: Value,
    /// Whether the provider is to keep the model to it (OpenAI: strict), which not every schema and server allows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// Whether the schema stands in the request as its own part; otherwise the model is told in words.
    pub send: bool,
    /// How often an answer that does not fit is shown to the model again, with what is wrong with it.
    pub retries: u32,
}

impl ResponseFormat {
    /// What a model is told whose provider is not.
    pub fn instruction(&self) -> String {
        format!("Answer with nothing but JSON that fits this schema:\n{}", self.schema)
    }
}

/// A schema that is ready to check answers.
pub struct Checker(jsonschema::Validator);

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checker")
    }
}

impl Checker {
    /// Reads a schema. References lead nowhere outside of it: nothing is fetched.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn new(schema: &Value) -> Result<Self, String> {
        if !schema.is_object() {
            return Err("a JSON schema is an object".to_owned());
        }
        jsonschema::validator_for(schema).map(Checker).map_err(|error| error.to_string())
    }

    /// Whether a text is JSON that fits; a fence around all of it does no harm.
    ///
    /// # Errors
    /// What is wrong with it, for the model that wrote it.
    pub fn check(&self, text: &str) -> Result<(), String> {
        let answer: Value =
            serde_json::from_str(unfenced(text)).map_err(|error| format!("It is not JSON: {error}."))?;
        let wrong: Vec<String> = self
            .0
            .iter_errors(&answer)
            .take(COMPLAINTS)
            .map(|error| {
                let place = error.instance_path().to_string();
                if place.is_empty() { error.to_string() } else { format!("at {place}: {error}") }
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(format!("It does not fit the schema: {}.", wrong.join("; "))) }
    }
}

/// The inside of a text that is one fenced block and nothing else.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    match inside.and_then(|inside| inside.split_once('\n')) {
        Some((language, body)) if language.trim().is_empty() || language.trim().eq_ignore_ascii_case("json") => body,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn verdict() -> Checker {
        Checker::new(&json!({
            "type": "object", "required": ["verdict", "score"], "additionalProperties": false,
            "properties": {"verdict": {"enum": ["good", "bad"]}, "score": {"type": "integer", "minimum": 0}},
        }))
        .unwrap()
    }

    #[test]
    fn an_answer_that_fits_passes_and_every_other_says_where_it_does_not() {
        let checker = verdict();
        for good in ["{\"verdict\":\"good\",\"score\":3}", " ```json\n{\"verdict\":\"bad\",\"score\":0}\n``` "] {
            assert_eq!(checker.check(good), Ok(()), "{good}");
        }
        for (bad, words) in [
            ("fine", "not JSON"),
            ("", "not JSON"),
            ("{\"verdict\":\"good\"", "not JSON"),
            ("{\"verdict\":\"good\"}", "\"score\" is a required property"),
            ("{\"verdict\":\"meh\",\"score\":1}", "at /verdict"),
            ("{\"verdict\":\"good\",\"score\":-1}", "at /score"),
            ("Here:\n```json\n{\"verdict\":\"good\",\"score\":3}\n```", "not JSON"),
        ] {
            let wrong = checker.check(bad).unwrap_err();
            assert!(wrong.contains(words), "{bad}: {wrong}");
        }
    }

    #[test]
    fn what_is_no_schema_is_refused_and_nothing_is_fetched() {
        assert!(Checker::new(&json!({"type": "objct"})).is_err());
        assert!(Checker::new(&json!([1])).is_err());
        assert!(Checker::new(&json!({"$ref": "https://example.com/schema.json"})).is_err());
        assert!(Checker::new(&json!({"$ref": "file:///etc/passwd"})).is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in ".{0,200}") {
            let _ = verdict().check(&text);
        }
    }
}

/// An answer does not have the shape that the agent's answers must have; it is said to nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// The call that gave it.
    pub call: CallId,
    /// The turn.
    pub turn: TurnId,
    /// Whose answer it is.
    pub agent: Name,
    /// The answer.
    pub answer: Arc<str>,
    /// What is wrong with it, as the model is told.
    pub why: String,
    /// Whether it was the last attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
}
