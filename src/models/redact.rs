//! Keeps a call's own secrets out of its answer: a server that echoes its request must not write a key into the log.
//!
//! A secret may come in pieces, so the end of the text that could be the beginning of one is held back until more has
//! come. Pure but for the stream it wraps.

use super::ReplyStream;
use crate::chat::request::{Chunk, Failure};
use futures_util::{StreamExt, stream};

/// Shorter values are no secrets; striking them out would maul ordinary words.
const LEAST: usize = 8;
/// What stands in a secret's place.
const STRUCK: &str = "[key]";
/// Longest name of a served model that is believed, in characters.
const SERVED: usize = 200;

/// The stream without the secrets.
pub fn strike(answer: ReplyStream, secrets: Vec<String>) -> ReplyStream {
    let mut striker = Striker::new(secrets);
    let ended = stream::once(std::future::ready(None));
    Box::pin(answer.map(Some).chain(ended).flat_map(move |item| stream::iter(striker.pass(item))))
}

struct Striker {
    secrets: Vec<String>,
    text: String,
    reasoning: String,
}

impl Striker {
    fn new(secrets: Vec<String>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| secret.len() >= LEAST).collect();
        Striker { secrets, text: String::new(), reasoning: String::new() }
    }

    fn pass(&mut self, item: Option<Result<Chunk, Failure>>) -> Vec<Result<Chunk, Failure>> {
        match item {
            Some(Ok(Chunk::Text(piece))) => {
                let text = release(&mut self.text, &piece, &self.secrets);
                if text.is_empty() { Vec::new() } else { vec![Ok(Chunk::Text(text))] }
            }
            Some(Ok(Chunk::Reasoning(piece))) => {
                let text = release(&mut self.reasoning, &piece, &self.secrets);
                if text.is_empty() { Vec::new() } else { vec![Ok(Chunk::Reasoning(text))] }
            }
            Some(Ok(Chunk::Served(model))) => {
                let model = struck(model, &self.secrets).chars().take(SERVED).collect();
                vec![Ok(Chunk::Served(model))]
            }
            Some(Ok(Chunk::Identity(id))) => vec![Ok(Chunk::Identity(struck(id, &self.secrets)))],
            Some(Ok(Chunk::Remark(text))) => vec![Ok(Chunk::Remark(struck(text, &self.secrets)))],
            Some(Ok(Chunk::Usage(tokens))) => vec![Ok(Chunk::Usage(tokens))],
            Some(Ok(Chunk::Call(mut call))) => {
                let text = struck(call.arguments.to_string(), &self.secrets);
                call.arguments = text.into();
                vec![Ok(Chunk::Call(call))]
            }
            last => {
                // The answer is over, in whatever way: what was held back was no secret after all.
                let mut out = Vec::new();
                let (reasoning, text) = (std::mem::take(&mut self.reasoning), std::mem::take(&mut self.text));
                if !reasoning.is_empty() {
                    out.push(Ok(Chunk::Reasoning(reasoning)));
                }
                if !text.is_empty() {
                    out.push(Ok(Chunk::Text(text)));
                }
                out.extend(last);
                out
            }
        }
    }
}

fn struck(text: String, secrets: &[String]) -> String {
    secrets.iter().fold(
        text,
        |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), STRUCK) } else { text }
        },
    )
}

/// What may be shown of `held` and `piece`; `held` keeps an end that could be the beginning of a secret.
fn release(held: &mut String, piece: &str, secrets: &[String]) -> String {
    let mut text = std::mem::take(held);
    text.push_str(piece);
    let text = struck(text, secrets);
    let keep = secrets
        .iter()
        .flat_map(|secret| (1..secret.len()).rev().filter(|n| secret.is_char_boundary(*n)).map(|n| &secret[..n]))
        .filter(|beginning| text.ends_with(beginning))
        .map(str::len)
        .max()
        .unwrap_or(0);
    let (shown, rest) = text.split_at(text.len() - keep);
    *held = rest.to_owned();
    shown.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::request::Finish;

    async fn said(pieces: &[&str]) -> String {
        let answer: Vec<Result<Chunk, Failure>> = pieces
            .iter()
            .map(|piece| Ok(Chunk::Text((*piece).to_owned())))
            .chain([Ok(Chunk::Finished(Finish::Stop))])
            .collect();
        let struck = strike(Box::pin(stream::iter(answer)), vec!["sk-canary-123".into(), "x".into()]);
        let chunks: Vec<_> = struck.collect().await;
        assert!(matches!(chunks.last(), Some(Ok(Chunk::Finished(_)))));
        let text = |chunk| match chunk {
            Ok(Chunk::Text(text)) => text,
            _ => String::new(),
        };
        chunks.into_iter().map(text).collect()
    }

    #[tokio::test]
    async fn a_key_is_struck_out_wherever_it_is_cut() {
        let whole = "your key is sk-canary-123, said sk-canary-12 x";
        for cut in 0..=whole.len() {
            let (a, b) = whole.split_at(cut);
            assert_eq!(said(&[a, b]).await, "your key is [key], said sk-canary-12 x");
        }
        let letters: Vec<String> = whole.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(said(&letters).await, "your key is [key], said sk-canary-12 x");
    }

    #[tokio::test]
    async fn what_was_held_back_is_not_lost_when_the_stream_breaks_off() {
        let answer: ReplyStream = Box::pin(stream::iter(vec![Ok(Chunk::Text("so sk-can".into()))]));
        let chunks: Vec<_> = strike(answer, vec!["sk-canary-123".into()]).collect().await;
        let all: String = chunks.iter().map(|chunk| format!("{chunk:?}")).collect();
        assert!(all.contains("so ") && all.contains("sk-can"), "{all}");
    }
}
