//! What is being said and printed right now: the last lines of the transcript, which are in no log yet.

use super::item::{Line, agent_role};
use crate::session::Session;
use crate::session::turn::{Phase, Stage};
use crate::text::clean::one_line;
use crate::text::{Ink, Piece, Row};
use crate::tui::live::Live;
use crate::tui::words;

/// Rows of a running program's output that are shown.
const OUTPUT_ROWS: usize = 8;

/// What is being said and printed right now, as the last lines of the transcript.
pub fn lines(session: &Session, live: &mut Live, width: u16, most: usize, now: i64) -> Vec<Line> {
    let mut lines = Vec::new();
    for turn in session.turns() {
        let role = agent_role(&turn.agent, session);
        let head = |marks: String| Line::Head {
            role,
            number: "●".to_owned(),
            name: std::iter::once(&turn.agent)
                .chain(session.speakers_within(&turn.agent))
                .map(|name| one_line(name))
                .collect::<Vec<_>>()
                .join(" › "),
            marks,
            figures: String::new(),
        };
        match (turn.front(), &turn.inquiry.phase) {
            (Stage::Running(op, _), _) => {
                lines.push(head("running code".to_owned()));
                if let Some(printed) = live.program(*op) {
                    let rows = printed.tail(width.saturating_sub(2).max(1), OUTPUT_ROWS);
                    lines.extend(rows.into_iter().map(|row| Line::Body { role, row }));
                }
            }
            (Stage::Within, _) | (_, Phase::Calling(_)) => {
                let Some(spoken) = session.call_of(&turn.agent).and_then(|call| live.call(call)) else { continue };
                let marks = match (spoken.text.is_empty(), spoken.rate()) {
                    (true, _) if spoken.reasoning > 0 => "thinking".to_owned(),
                    (_, 0) => "speaking".to_owned(),
                    (_, rate) => format!("speaking {rate} tok/s"),
                };
                let inner = width.saturating_sub(2).max(1);
                let rows = spoken.text.rows(inner);
                let from = rows.len().saturating_sub(most);
                if from == 0 {
                    lines.push(head(marks));
                }
                let mut rows: Vec<Row> = rows[from..].to_vec();
                if rows.is_empty() {
                    rows.push(Row::of(vec![Piece::new("…", Ink::Dim)]));
                }
                lines.extend(rows.into_iter().map(|row| Line::Body { role, row }));
            }
            _ => {}
        }
    }
    for hand in session.by_hand() {
        let Some(op) = hand.op else { continue };
        let role = agent_role(hand.agent.split('/').next().unwrap_or_default(), session);
        let seconds = now.saturating_sub(hand.since).max(0) / 1000;
        let printed = live.program(op);
        let memory = printed.filter(|printed| printed.memory > 0).map(|printed| words::bytes(printed.memory));
        let memory = memory.map(|memory| format!("  {memory}")).unwrap_or_default();
        lines.push(Line::Head {
            role,
            number: "●".to_owned(),
            name: one_line(&hand.agent),
            marks: format!("by hand, execution {} again  {seconds} s{memory}", hand.of.0 + 1),
            figures: String::new(),
        });
        let rows = printed.map(|printed| printed.tail(width.saturating_sub(2).max(1), OUTPUT_ROWS));
        lines.extend(rows.into_iter().flatten().map(|row| Line::Body { role, row }));
    }
    lines
}
