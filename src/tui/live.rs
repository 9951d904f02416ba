//! What is under way and not in the log yet: words that stream, output that is printed.

use crate::chat::Name;
use crate::chat::id::{CallId, OpId};
use crate::chat::update::Delta;
use crate::text::Ink;
use crate::text::Row;
use crate::text::clean::{Context, lines};
use crate::text::stream::Streamed;
use crate::text::wrap::{Break, flow};
use std::collections::BTreeMap;

/// Most bytes of a program's output that are kept for the screen; the log keeps what counts.
const OUTPUT: usize = 32 * 1024;

/// Streams that are open.
#[derive(Debug, Default)]
pub struct Live {
    calls: BTreeMap<CallId, Spoken>,
    programs: BTreeMap<OpId, Printed>,
}

/// A model that speaks.
#[derive(Debug, Default)]
pub struct Spoken {
    /// Who.
    pub agent: Name,
    /// The words.
    pub text: Streamed,
    /// Bytes of reasoning so far.
    pub reasoning: usize,
    /// When it last said something, by the wall clock.
    pub heard: i64,
    rate: Rate,
}

/// A program that runs.
#[derive(Debug, Default)]
pub struct Printed {
    /// Whose.
    pub agent: Name,
    /// The newest output.
    pub text: String,
    /// Lines so far.
    pub lines: usize,
    /// Memory it holds, in bytes; 0 when that was not said.
    pub memory: u64,
}

/// Bytes over the last seconds.
#[derive(Debug, Default)]
struct Rate {
    since: Option<i64>,
    bytes: usize,
    shown: f64,
}

impl Rate {
    /// Counts bytes; twice a second the figure is renewed.
    fn add(&mut self, bytes: usize, now: i64) {
        let since = *self.since.get_or_insert(now);
        self.bytes += bytes;
        let passed = now.saturating_sub(since);
        if passed >= 500 {
            // Four bytes a token, as everywhere where nobody reports them.
            self.shown = self.bytes as f64 / 4.0 / (passed as f64 / 1000.0);
            self.since = Some(now);
            self.bytes = 0;
        }
    }
}

impl Spoken {
    /// Tokens a second, estimated; 0 at first.
    pub fn rate(&self) -> u32 {
        self.rate.shown.round() as u32
    }
}

impl Live {
    /// More of a stream.
    pub fn add(&mut self, delta: Delta, now: i64) {
        match delta {
            Delta::Text { call, agent, text } => {
                let spoken = self.calls.entry(call).or_default();
                spoken.agent = agent;
                spoken.heard = now;
                spoken.rate.add(text.len(), now);
                spoken.text.push(&text);
            }
            Delta::Reasoning { call, agent, text } => {
                let spoken = self.calls.entry(call).or_default();
                spoken.agent = agent;
                spoken.heard = now;
                spoken.rate.add(text.len(), now);
                spoken.reasoning += text.len();
            }
            Delta::Memory { op, bytes } => self.programs.entry(op).or_default().memory = bytes,
            Delta::Output { op, agent, text } => {
                let printed = self.programs.entry(op).or_default();
                printed.agent = agent;
                printed.lines += text.matches('\n').count();
                printed.text.push_str(&text);
                if printed.text.len() > 2 * OUTPUT {
                    let mut cut = printed.text.len() - OUTPUT;
                    while !printed.text.is_char_boundary(cut) {
                        cut += 1;
                    }
                    printed.text.drain(..cut);
                }
            }
        }
    }

    /// A call is over: what counts is in the log.
    pub fn end_call(&mut self, call: CallId) {
        self.calls.remove(&call);
    }

    /// A program is over.
    pub fn end_program(&mut self, op: OpId) {
        self.programs.remove(&op);
    }

    /// Everything is over: the branch was left.
    pub fn clear(&mut self) {
        *self = Live::default();
    }

    /// The stream of a call.
    pub fn call(&mut self, call: CallId) -> Option<&mut Spoken> {
        self.calls.get_mut(&call)
    }

    /// The stream of a call, to look at.
    pub fn spoken(&self, call: CallId) -> Option<&Spoken> {
        self.calls.get(&call)
    }

    /// The output of a program.
    pub fn program(&self, op: OpId) -> Option<&Printed> {
        self.programs.get(&op)
    }
}

impl Printed {
    /// The last `n` rows of the output at a width.
    pub fn tail(&self, width: u16, n: usize) -> Vec<Row> {
        // Only the end can be on the screen; a row has at most `width` cells and a cell few bytes.
        let from = self.text.len().saturating_sub(n * usize::from(width.max(1)) * 4);
        let from = (from..=self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        let mut rows = Vec::new();
        for line in lines(self.text[from..].trim_end_matches('\n'), Context::Output, Ink::Code) {
            rows.extend(flow(&line, width, &[], &[], Break::Anywhere));
        }
        let extra = rows.len().saturating_sub(n);
        rows.drain(..extra);
        rows
    }
}
