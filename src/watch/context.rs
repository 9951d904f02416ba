//! D17: the conversation no longer fits, or an agent has lost it and begins anew.

use super::row::{Row, Seen, limits};
use super::view::View;
use super::view::step::What;
use crate::chat::watch::Level;

pub(super) const ROW: Row = Row {
    id: "D17",
    name: "lost context",
    about: "the context overflowed twice with no call in between (last 10 turns); or an agent greets again as if nothing had been said, and is told the same again \
            (three times count as two overflows)",
    progress: false,
    thresholds: limits(1, None, Some(2)),
    see,
};

fn see(view: &View) -> Option<Seen> {
    let now = view.messages();
    let recent: Vec<&(usize, u32)> = view.squeezed().iter().filter(|(at, _)| at + 10 >= now).collect();
    let idle = recent.iter().rev().take_while(|(_, acts)| *acts == view.acts().len() as u32).count();
    if idle > 0 {
        return Some(Seen {
            text: format!("the conversation did not fit the model {idle} times, and nothing was done in between"),
            count: idle as u32,
            at: recent.iter().map(|(at, _)| at.saturating_sub(1)).collect(),
            agent: None,
            pattern: 17,
            most: Level::Hold,
        });
    }
    // A greeting that is answered with something new is another matter: a desk that serves one after the other.
    let told_again = |at: usize| {
        let mut next =
            view.tail().iter().skip_while(|step| step.place.message <= at).filter(|step| step.what == What::Words);
        next.next().is_some_and(|step| step.repeats)
    };
    let restarts: Vec<usize> = view.restarts().iter().map(|(at, _)| *at).filter(|at| told_again(*at)).collect();
    let (last, name) = view.restarts().back()?;
    (!restarts.is_empty() && last + 12 >= now).then(|| Seen {
        text: format!("{name} begins as if nothing had been said, for the {}. time", restarts.len() + 1),
        count: if restarts.len() >= 3 { 2 } else { 1 },
        at: restarts,
        agent: Some(name.clone()),
        pattern: 170,
        most: Level::Hold,
    })
}
