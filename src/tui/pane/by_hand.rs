//! What was done by hand, in the transcript: said by the console, heard by no agent.

use super::item::{Fold, Line, agent_role, output};
use super::notice::files;
use crate::chat::by_hand::ByHand;
use crate::chat::containment::bytes;
use crate::chat::event::{Event, Record};
use crate::chat::id::OpId;
use crate::session::Session;
use crate::text::clean::one_line;
use crate::text::wrap::wrap;
use crate::text::{Ink, Piece};
use crate::tui::theme::Role;
use crate::tui::words;

/// A deed in words.
pub fn told(deed: &ByHand) -> String {
    match deed {
        ByHand::Again { of, agent, .. } => format!("you ask to run execution {} of {agent} again, by hand", of.0 + 1),
        ByHand::Void => "what waited to run by hand is void: the session was left in between".to_owned(),
        ByHand::Shell { agent, containment, work_dir, .. } => {
            format!("you opened a shell in {work_dir}, where the code of {agent} runs ({containment})")
        }
        ByHand::Copied { copies } => {
            let copy = |copy: &crate::chat::by_hand::WorkCopy| {
                let left =
                    if copy.left_out > 0 { format!(", {} made since left out", copy.left_out) } else { String::new() };
                let links = if copy.skipped > 0 {
                    format!(", {} links or devices not copied", copy.skipped)
                } else {
                    String::new()
                };
                format!("{} ({} files, {}{left}{links})", copy.to, copy.files, bytes(copy.bytes))
            };
            let copies: Vec<String> = copies.iter().map(copy).collect();
            format!("this branch works in {}", copies.join(" and "))
        }
    }
}

/// The outcome of an execution by hand: a heading and what it printed. `None` for any other record.
pub fn outcome(record: &Record, session: &Session, width: u16, fold: Fold) -> Option<Vec<Line>> {
    let Event::Outcome { op, execution } = &record.event else { return None };
    let (agent, of) = hand_of(*op, record, session)?;
    let role = agent_role(agent.split('/').next().unwrap_or_default(), session);
    let mut shown = vec![Line::Head {
        role,
        number: "·".to_owned(),
        name: one_line(&agent),
        marks: format!("by hand, execution {} again; no agent hears this", of.0 + 1),
        figures: format!("exit {}  {}", execution.exit_code, words::seconds(execution.duration_ms)),
    }];
    let rows = output(&execution.reply(), width.saturating_sub(2).max(1), fold);
    shown.extend(rows.into_iter().map(|row| Line::Body { role, row }));
    if execution.effects.is_some() {
        let rows = wrap(&[Piece::new(one_line(&files(execution)), Ink::Plain)], width, 2);
        shown.extend(rows.into_iter().map(|row| Line::Note { role: Role::Dim, row }));
    }
    shown.push(Line::Blank);
    Some(shown)
}

/// Whose execution it is and which one it repeats, when it runs by hand: its request stands a few records above.
fn hand_of(op: OpId, record: &Record, session: &Session) -> Option<(crate::chat::Name, OpId)> {
    let mut at = record.parent;
    let mut approval = None;
    while let Some(above) = at.and_then(|seq| session.record(seq)) {
        match (&above.event, approval) {
            (Event::Intent { op: intended, approval: asked, .. }, None) if *intended == op => {
                // A turn's own execution has its turn.
                if session.approval(*asked).is_none_or(|asked| asked.turn.is_some()) {
                    return None;
                }
                approval = Some(*asked);
            }
            (Event::ByHand(ByHand::Again { approval: asked, of, agent, .. }), Some(known)) if *asked == known => {
                return Some((agent.clone(), *of));
            }
            _ => {}
        }
        at = above.parent;
    }
    None
}
