//! Turns what went wrong on the wire into a [`Failure`] that a person can act on.
//!
//! Every message says what failed, where, and what to do. Provider texts are quoted only after every secret of the call
//! was struck out of them: the body of a 401 may well repeat the key.

use super::hint;
use crate::chat::request::{Failure, FailureKind};
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// How much of a provider's text is quoted, in bytes.
const QUOTE: usize = 200;

/// Whom a call goes to: what a failure names, and what it must not.
pub struct Peer {
    /// Key of the model in the team.
    pub key: String,
    /// The provider's name of the model.
    pub model: String,
    /// Host and port.
    pub host: String,
    /// What its kind of server is called.
    pub server: &'static str,
    /// The name of the key, if there is one.
    pub variable: Option<String>,
    /// Values that must never be shown.
    pub secrets: Vec<String>,
}

#[cfg(test)]
impl Peer {
    /// Somebody to speak with in a test.
    pub fn test() -> Self {
        Peer {
            key: "smart".into(),
            model: "gpt-x".into(),
            host: "api.example".into(),
            server: "a server",
            variable: None,
            secrets: Vec::new(),
        }
    }
}

impl Peer {
    /// A failure of this call: `what` happened and what to do.
    pub fn failure(&self, kind: FailureKind, what: impl std::fmt::Display) -> Failure {
        Failure::new(kind, format!("model {:?} ({} at {}): {what}", self.key, self.model, self.host))
    }

    /// Nobody answered, or nobody answered in time.
    pub fn unreachable(&self, what: impl std::fmt::Display) -> Failure {
        // The innermost cause is the one a person knows; the layers around it only say "connect" three times.
        let what = what.to_string();
        let cause = what.rsplit("error: ").next().unwrap_or(&what);
        self.failure(FailureKind::Unreachable, format!("{cause}. Is the server running, and base_url right?"))
    }

    /// The first 200 bytes of `bytes`, without secrets and without control characters, in quotes.
    pub fn quote(&self, bytes: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for secret in self.secrets.iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.as_str(), "[key]");
        }
        let whole = text.len() <= QUOTE;
        text.truncate(text.floor_char_boundary(QUOTE));
        let text: String = text
            .chars()
            .map(|c| match c {
                '\n' | '\r' | '\t' => ' ',
                c if c.is_control() => '\u{FFFD}',
                c => c,
            })
            .collect();
        format!("“{}{}”", text.trim(), if whole { "" } else { " …" })
    }

    /// The failure that an HTTP answer other than 200 means.
    pub fn http(&self, status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Failure {
        let report = Report::read(body);
        let hint = report.retry_ms.or_else(|| hint::retry_after_ms(headers, &report.message, now));
        self.classified(Some(status), &report, hint, "answered")
    }

    /// The failure that an error inside a stream (or inside an answer with status 200) means.
    pub fn reported(&self, error: &Value, now: Timestamp) -> Failure {
        let report = Report::of(error);
        let hint = report.retry_ms.or_else(|| hint::retry_after_ms(&HeaderMap::new(), &report.message, now));
        self.classified(report.status, &report, hint, "broke off with an error")
    }

    fn classified(&self, status: Option<u16>, report: &Report, hint: Option<u64>, verb: &str) -> Failure {
        let kind = classify(status, report);
        let number = status.map(|status| format!(" {status}")).unwrap_or_default();
        let said = match report.message.is_empty() {
            true => String::new(),
            false => format!(": {}", self.quote(report.message.as_bytes())),
        };
        let advice = self.advice(kind, status);
        let mut failure = self.failure(kind, format!("{verb}{number}{said}. {advice}"));
        failure.status = status;
        failure.retry_after_ms = hint.filter(|_| matches!(kind, FailureKind::RateLimited | FailureKind::Server));
        failure
    }

    fn advice(&self, kind: FailureKind, status: Option<u16>) -> String {
        match kind {
            FailureKind::Key => match &self.variable {
                Some(variable) => format!("Check that {variable} holds a key that may use {}", self.model),
                None => format!("The server wants a key: name its variable in api_key_env of models.{}", self.key),
            },
            FailureKind::Quota => "The account has no credit or quota left: top it up, or use another model".into(),
            FailureKind::RateLimited => "Too many requests or tokens: wait, or use another model".into(),
            FailureKind::ContextFull => {
                "The conversation no longer fits the model: go back and shorten it, or use a model that holds more"
                    .into()
            }
            FailureKind::Filtered => "The provider's filter stopped it: change what was asked".into(),
            FailureKind::Server => "The provider has trouble: try again later, or use another model".into(),
            FailureKind::Refused if status == Some(404) => {
                format!("Check that the server knows the model {:?} and that base_url is right", self.model)
            }
            FailureKind::Refused if status == Some(413) => "The request is too large: go back and shorten it".into(),
            _ => format!("The request is not accepted as it is: check models.{} in the team file", self.key),
        }
    }
}

/// What a provider says about an error, whatever its envelope.
#[derive(Debug, Default)]
struct Report {
    /// Every word by which providers tell errors apart, in lower case.
    codes: String,
    message: String,
    /// A status repeated inside the body (OpenRouter: `code: 429`).
    status: Option<u16>,
    /// When to come back, where the body says it apart from the message (Gemini: `retryDelay`), in milliseconds.
    retry_ms: Option<u64>,
}

impl Report {
    fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Report::of(value.get("error").filter(|error| !error.is_null()).unwrap_or(&value)),
            Err(_) => Report { message: String::from_utf8_lossy(body).into_owned(), ..Report::default() },
        }
    }

    fn of(error: &Value) -> Self {
        // Gemini's compatible endpoint wraps the object into a list.
        let error = match error {
            Value::Array(items) => items.first().map(|item| item.get("error").unwrap_or(item)).unwrap_or(error),
            other => other,
        };
        let Value::Object(fields) = error else {
            let message = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            return Report { message, ..Report::default() };
        };
        let mut report = Report::default();
        let inner = fields.get("innererror").and_then(|inner| inner.get("code"));
        for field in ["code", "type", "status"].iter().filter_map(|name| fields.get(*name)).chain(inner) {
            match field {
                Value::String(word) => report.codes.push_str(&format!("{} ", word.to_lowercase())),
                Value::Number(number) => {
                    let number = number.as_u64().and_then(|number| u16::try_from(number).ok());
                    report.status = number.filter(|number| (400..600).contains(number)).or(report.status);
                }
                _ => {}
            }
        }
        for detail in fields.get("details").and_then(Value::as_array).into_iter().flatten() {
            if let Some(reason) = detail.get("reason").and_then(Value::as_str) {
                report.codes.push_str(&format!("{} ", reason.to_lowercase()));
            }
            let delay = detail.get("retryDelay").and_then(Value::as_str).and_then(hint::duration_ms);
            report.retry_ms = report.retry_ms.or(delay);
        }
        report.message = match ["message", "detail", "error"].iter().find_map(|name| fields.get(*name)) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => error.to_string(),
        };
        report
    }
}

/// Words first, because the same status means different things; then the status; then the benefit of the doubt.
fn classify(status: Option<u16>, report: &Report) -> FailureKind {
    let Report { codes, message, .. } = report;
    let message = message.to_lowercase();
    let coded = |words: &[&str]| words.iter().any(|word| codes.contains(word));
    let said = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let client = status.is_none_or(|status| (400..500).contains(&status));

    if status == Some(402)
        || coded(&["insufficient_quota", "billing", "spend_limit", "insufficient_credit", "payment_required"])
        || client && said(&["exceeded your current quota", "insufficient credits", "credit balance is too low"])
        || client && said(&["spend limit", "insufficient balance"])
    {
        FailureKind::Quota
    } else if coded(&["context_length_exceeded", "exceed_context_size", "model_max_prompt_tokens_exceeded"])
        || client && said(&["maximum context length", "context window", "context length", "context size"])
        || client && said(&["exceeds the maximum number of tokens"])
        || client && said(&["prompt is too long", "context limit", "input is too long", "too many input tokens"])
    {
        FailureKind::ContextFull
    } else if coded(&["content_filter", "content_policy", "responsibleaipolicy", "safety"])
        || client && status != Some(429) && said(&["content management policy", "flagged by", "content policy"])
    {
        FailureKind::Filtered
    } else if matches!(status, Some(401 | 403))
        || coded(&[
            "invalid_api_key",
            "api_key_invalid",
            "authentication_error",
            "permission_error",
            "permission_denied",
            "unauthorized",
        ])
    {
        FailureKind::Key
    } else if status == Some(429) || coded(&["rate_limit", "too_many_requests", "resource_exhausted", "throttl"]) {
        FailureKind::RateLimited
    } else {
        match status {
            // A proxy's impatience, a lock, too early: the server's state, not the request's fault.
            Some(408 | 409 | 425 | 500..) => FailureKind::Server,
            Some(300..) => FailureKind::Refused,
            Some(_) => FailureKind::Garbled,
            None if coded(&["invalid_request", "not_found", "unsupported"]) => FailureKind::Refused,
            None => FailureKind::Server,
        }
    }
}

/// The causes of a transport error, outermost first, without addresses (a base URL may carry a secret in its query).
pub fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureKind::*;

    fn peer() -> Peer {
        Peer { variable: Some("EXAMPLE_KEY".into()), secrets: vec!["sk-verysecret".into()], ..Peer::test() }
    }

    fn http(status: u16, body: &str) -> Failure {
        peer().http(status, &HeaderMap::new(), body.as_bytes(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn status_and_words_decide_the_kind_as_the_catalogue_says() {
        let rows: &[(u16, &str, FailureKind)] = &[
            (401, r#"{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}"#, Key),
            (403, "<html>denied</html>", Key),
            (402, r#"{"error":{"code":402,"message":"Insufficient credits"}}"#, Quota),
            (429, r#"{"error":{"type":"insufficient_quota","message":"You exceeded your current quota"}}"#, Quota),
            (429, r#"{"error":{"type":"enforced_spend_limit_reached","message":"x"}}"#, Quota),
            (429, r#"{"error":{"message":"Rate limit reached, try again in 3s"}}"#, RateLimited),
            (400, r#"{"error":{"code":"context_length_exceeded","message":"x"}}"#, ContextFull),
            (400, r#"{"object":"error","message":"This model's maximum context length is 4096"}"#, ContextFull),
            (413, r#"{"error":{"message":"Request too large"}}"#, Refused),
            (400, r#"{"error":{"code":"content_filter","message":"x"}}"#, Filtered),
            (400, r#"{"error":{"innererror":{"code":"ResponsibleAIPolicyViolation"},"message":"x"}}"#, Filtered),
            (400, r#"{"error":"bad"}"#, Refused),
            (404, r#"{"error":{"message":"model not found"}}"#, Refused),
            (422, r#"{"detail":[{"msg":"field required"}]}"#, Refused),
            (307, "", Refused),
            (204, "", Garbled),
            (408, "", Server),
            (500, "", Server),
            (502, "<html>Bad gateway</html>", Server),
            (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Server),
        ];
        for (status, body, kind) in rows {
            let failure = http(*status, body);
            assert_eq!((failure.kind, failure.status), (*kind, Some(*status)), "{status} {body}: {failure}");
        }
    }

    #[test]
    fn an_error_inside_a_stream_is_told_apart_by_its_words() {
        let rows = [
            (r#"{"code":429,"message":"slow down"}"#, RateLimited),
            (r#"{"type":"overloaded_error"}"#, Server),
            (r#"{"code":502,"message":"upstream"}"#, Server),
            (r#"{"code":"rate_limit_exceeded","message":"x"}"#, RateLimited),
            (r#"{"type":"invalid_request_error","message":"x"}"#, Refused),
            (r#""unexpected EOF""#, Server),
        ];
        for (error, kind) in rows {
            let failure = peer().reported(&serde_json::from_str(error).unwrap(), Timestamp::UNIX_EPOCH);
            assert_eq!(failure.kind, kind, "{error}");
        }
    }

    #[test]
    fn a_message_names_the_model_the_place_and_the_remedy_and_no_secret() {
        let failure = http(401, r#"{"error":{"message":"Incorrect API key provided: sk-verysecret."}}"#);
        let text = failure.to_string();
        assert!(!text.contains("verysecret"), "{text}");
        for part in ["smart", "gpt-x", "api.example", "401", "EXAMPLE_KEY", "[key]"] {
            assert!(text.contains(part), "{part} is missing: {text}");
        }
    }

    #[test]
    fn a_long_or_hostile_body_is_cut_and_made_harmless() {
        let quote = peer().quote(format!("\x1b]0;x\x07{}sk-verysecret", "é".repeat(300)).as_bytes());
        assert!(quote.len() < 230 && quote.ends_with(" …”"), "{quote}");
        assert!(quote.chars().all(|c| !c.is_control()));
        // A secret across the cut leaves no first half behind.
        assert!(!peer().quote(format!("{}sk-verysecret", "x".repeat(195)).as_bytes()).contains("sk-"));
    }

    #[test]
    fn hints_reach_the_failure_only_where_waiting_helps() {
        assert_eq!(http(429, r#"{"error":{"message":"try again in 3s"}}"#).retry_after_ms, Some(3_000));
        assert_eq!(http(401, r#"{"error":{"message":"try again in 3s"}}"#).retry_after_ms, None);
    }
}
