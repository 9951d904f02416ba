//! Says a scripted reply at its pace.

use super::row::Row;
use crate::chat::request::{Chunk, Failure, FailureKind, Finish, Request};
use crate::chat::tool::ToolCall;
use crate::chat::usage::{Tokens, estimate_tokens};
use crate::models::ReplyStream;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Characters of one piece: about a token.
const PIECE: usize = 4;

/// The reply of `row` as a stream. Piece number n comes exactly `first_token + n / pace` after the first poll, so that
/// rounding never adds up; a pace of zero says everything at once.
pub fn reply(row: &Row, request: &Request, pace: f64, first_token: Duration) -> ReplyStream {
    let text = match &row.fail {
        Some(fail) => &row.text[..row.text.char_indices().nth(fail.after).map_or(row.text.len(), |(at, _)| at)],
        None => &row.text,
    };
    let reasoning = row.reasoning.as_deref().unwrap_or_default();
    let thoughts = pieces(reasoning).map(|piece| Ok(Chunk::Reasoning(piece)));
    let words = pieces(text).map(|piece| Ok(Chunk::Text(piece)));
    let paced: Vec<Result<Chunk, Failure>> = thoughts.chain(words).collect();
    let spoken = paced.len();
    let step = move |n: usize| {
        let steps = if pace > 0.0 { n.min(spoken.saturating_sub(1)) as f64 / pace } else { 0.0 };
        // An absurdly slow pace is a very long time, not a panic.
        first_token + Duration::try_from_secs_f64(steps).unwrap_or(Duration::from_secs(u32::MAX.into()))
    };
    let items = paced.into_iter().chain(ending(row, request, text, reasoning)).enumerate();
    let playing = stream::unfold((items, None::<Instant>), move |(mut items, started)| async move {
        let (n, item) = items.next()?;
        let started = started.unwrap_or_else(Instant::now);
        let wait = step(n);
        if !wait.is_zero() {
            sleep_until(started + wait).await;
        }
        Some((item, (items, Some(started))))
    });
    playing.boxed()
}

/// What comes after the last word.
fn ending(row: &Row, request: &Request, text: &str, reasoning: &str) -> Vec<Result<Chunk, Failure>> {
    if let Some(fail) = &row.fail {
        let ours = || format!("model {:?} fails as scripted ({:?})", request.model, fail.kind);
        let mut failure = Failure::new(fail.kind, fail.message.clone().unwrap_or_else(ours));
        failure.retry_after_ms = fail.retry_after_ms;
        return vec![Err(failure)];
    }
    if text.trim().is_empty() && row.tool_calls.is_empty() {
        // As every provider here: an end without a word is not an answer.
        let (kind, what) = match row.finish {
            Finish::Filtered => (FailureKind::Filtered, "is filtered as scripted, without a word"),
            _ => (FailureKind::Empty, "says nothing, as scripted"),
        };
        return vec![Err(Failure::new(kind, format!("model {:?} {what}", request.model)))];
    }
    let input = || request.messages.iter().map(|message| estimate_tokens(&message.content)).sum();
    let thought = estimate_tokens(reasoning);
    let given = row.usage;
    let tokens = Tokens {
        input: given.and_then(|usage| usage.input).unwrap_or_else(input),
        cached: 0,
        output: given.and_then(|usage| usage.output).unwrap_or(thought + estimate_tokens(text)),
        reasoning: thought,
        ..Tokens::default()
    };
    let tokens = Tokens { reasoning: tokens.reasoning.min(tokens.output), ..tokens };
    let calls = row.tool_calls.iter().enumerate().map(|(n, call)| {
        let arguments = match &call.arguments {
            Value::Null => "{}".to_owned(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let id = format!("{}-{}", request.call, n + 1);
        Ok(Chunk::Call(ToolCall { id, name: call.name.clone(), arguments: arguments.into(), echo: None }))
    });
    let mut ending: Vec<_> = calls.collect();
    ending.extend([Ok(Chunk::Usage(tokens)), Ok(Chunk::Finished(row.finish))]);
    ending
}

/// Pieces of [`PIECE`] characters, never less than a whole character.
fn pieces(text: &str) -> impl Iterator<Item = String> + use<> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(PIECE).map(|piece| piece.iter().collect()).collect::<Vec<_>>().into_iter()
}
