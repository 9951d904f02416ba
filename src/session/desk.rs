//! What the speaker desk and a correction in place amount to.

use super::Session;
use super::decide::{Decided, refuse, refuse_while_running};
use crate::chat::amend::Amendment;
use crate::chat::desk::Desk;
use crate::chat::event::Event;

/// Replaces what a message says. What was said after it stays, and is marked.
pub(super) fn amend(session: &Session, amendment: &Amendment) -> Decided {
    refuse_while_running(session)?;
    let Some(entry) = session.transcript().get(amendment.message) else {
        return refuse("That message is not on this branch.");
    };
    if !entry.message.within.is_empty() {
        return refuse(
            "It was said inside a nested team, which has its own account of it. Edit what came of it outside.",
        );
    }
    let before = match amendment.result {
        None => Some(&entry.message.content),
        Some(n) => entry.message.tool_results.get(n).map(|result| &result.content),
    };
    let Some(before) = before else { return refuse("That message has no such tool result.") };
    if **before == *amendment.content {
        return refuse("Nothing was changed.");
    }
    if amendment.content.trim().is_empty() && amendment.result.is_none() {
        return refuse("A message cannot be emptied; edit it or fork before it.");
    }
    Ok(vec![Event::Amended(amendment.clone())].into())
}

/// A hint, or the patience of choices.
pub(super) fn desk(session: &Session, told: &Desk) -> Decided {
    let floor = session.floor();
    match told {
        Desk::Hint { text } if text.trim().is_empty() && floor.hint.is_none() => {
            refuse("There is no hint to take back.")
        }
        Desk::Patience { patience } if *patience == floor.patience => refuse("Choices wait so long already."),
        _ => Ok(vec![Event::Desk(told.clone())].into()),
    }
}
