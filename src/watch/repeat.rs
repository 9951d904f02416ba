//! D1: one speaker says exactly the same again.

use super::own::own;
use super::row::{Row, Seen, limits};
use super::view::View;

pub(super) const ROW: Row = Row {
    id: "D1",
    name: "exact repeat",
    about: "one speaker says exactly the same again within its last 8 turns; case, white space and emphasis aside",
    progress: false,
    thresholds: limits(2, Some(3), Some(4)),
    see,
};

fn see(view: &View) -> Option<Seen> {
    let own = own(view)?;
    let same = own.alike.iter().filter(|(step, _)| step.n1 == own.newest.n1);
    let mut at: Vec<usize> = same.map(|(step, _)| step.place.message).collect();
    at.push(own.newest.place.message);
    let name = &own.newest.speaker;
    (at.len() > 1).then(|| Seen {
        text: format!("{name} said the same thing {} times", at.len()),
        count: at.len() as u32,
        agent: Some(name.clone()),
        pattern: own.newest.n1,
        most: own.most,
        at,
    })
}
