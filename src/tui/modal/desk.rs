//! The speaker desk: who speaks, who is proposed and why, who is queued, who may not and why; and everything the
//! operator can do about it, a key each.

use super::prompt::{Prompt, Purpose};
use super::{Overlay, Step};
use crate::chat::Name;
use crate::chat::command::Command;
use crate::chat::desk::Desk as Told;
use crate::chat::event::Choice;
use crate::session::Session;
use crate::text::clean::one_line;
use crate::text::width::take;
use crate::tui::action::{Action, Context};
use crate::tui::paint::{self, Draw};
use crate::tui::pane::foot;
use crate::tui::pane::item::agent_role;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// For how many turns of others a first bar lasts; each further press doubles it, up to until it is let back.
const BARS: [Option<u32>; 4] = [Some(1), Some(3), Some(10), None];

/// A row that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Row {
    /// The so many-th of the queue.
    Queued(usize, Name),
    /// A member.
    Member(Name),
}

/// The speaker desk.
#[derive(Debug)]
pub struct Desk {
    at: usize,
    outlook: Option<Choice>,
}

impl Desk {
    /// The desk, at the first member.
    pub fn open(session: &Session, outlook: Option<Choice>) -> Self {
        Desk { at: session.floor().queue.len(), outlook }
    }

    /// Who would be next, as the engine foresees it.
    pub fn foresee(&mut self, outlook: Option<Choice>) {
        self.outlook = outlook;
    }

    fn rows(session: &Session) -> Vec<Row> {
        let queue = session.floor().queue.iter().enumerate().map(|(n, name)| Row::Queued(n, name.clone()));
        let team = session.team();
        let members = team.iter().flat_map(|team| team.agents.iter()).map(|agent| Row::Member(agent.name.clone()));
        queue.chain(members).collect()
    }

    /// Changes the queue. Said as the whole queue, since it is the order that changes.
    fn queue(session: &Session, change: impl FnOnce(&mut Vec<Name>)) -> Step {
        let mut queue = session.floor().queue.clone();
        change(&mut queue);
        Step::Send(Command::Queue { queue })
    }

    /// Whether everybody but this member is barred.
    fn locked_on(session: &Session, name: &Name) -> bool {
        let team = session.team();
        let mut others = team.iter().flat_map(|team| team.agents.iter()).filter(|agent| agent.name != *name);
        others.all(|agent| session.floor().bar(&agent.name).is_some())
    }
}

impl Overlay for Desk {
    fn context(&self) -> Context {
        Context::Desk
    }

    fn act(&mut self, action: Action, session: &Session, _now_ms: u64) -> Step {
        let rows = Desk::rows(session);
        let last = rows.len().saturating_sub(1);
        self.at = self.at.min(last);
        let name = match rows.get(self.at) {
            Some(Row::Queued(_, name) | Row::Member(name)) => name.clone(),
            None => return Step::Close,
        };
        let queued = match rows.get(self.at) {
            Some(Row::Queued(n, _)) => Some(*n),
            _ => None,
        };
        match (action, queued) {
            (Action::Cancel | Action::Quit, _) => Step::Close,
            (Action::SelectNext, _) => {
                self.at = (self.at + 1).min(last);
                Step::Stay
            }
            (Action::SelectPrev, _) => {
                self.at = self.at.saturating_sub(1);
                Step::Stay
            }
            (Action::Submit, _) => Step::SendAll(vec![Command::CallOn { agent: name }]),
            (Action::DeskQueue, _) => Step::Send(Command::Enqueue { agent: name }),
            (Action::DeskRemove, Some(n)) => Desk::queue(session, |queue| drop(queue.remove(n))),
            (Action::DeskRemove, None) => Desk::queue(session, |queue| queue.retain(|queued| *queued != name)),
            (Action::DeskRepeat, Some(n)) => Desk::queue(session, |queue| queue.insert(n, name)),
            (Action::DeskUp, Some(n)) if n > 0 => {
                self.at -= 1;
                Desk::queue(session, |queue| queue.swap(n, n - 1))
            }
            (Action::DeskDown, Some(n)) if n + 1 < session.floor().queue.len() => {
                self.at += 1;
                Desk::queue(session, |queue| queue.swap(n, n + 1))
            }
            (Action::DeskUp | Action::DeskDown | Action::DeskRepeat, _) => {
                Step::Say("That is for names in the queue: put one there first.".into())
            }
            (Action::DeskBar, _) => {
                // From one bar to the next, and at the end back to none.
                let next = match session.floor().bar(&name).map(|bar| bar.turns) {
                    None => Some(BARS[0]),
                    Some(None) => None,
                    Some(Some(turns)) => BARS.into_iter().find(|bar| bar.is_none_or(|more| more > turns)),
                };
                Step::Send(match next {
                    Some(turns) => Command::Bar { agent: name, turns },
                    None => Command::Unbar { agent: name },
                })
            }
            (Action::DeskLock, _) => {
                let locked = Desk::locked_on(session, &name);
                let team = session.team();
                let others = team.iter().flat_map(|team| team.agents.iter()).map(|agent| agent.name.clone());
                let barred = |other: &Name| session.floor().bar(other).is_some();
                let mut commands: Vec<Command> = others
                    .filter(|other| *other != name && (locked == barred(other)))
                    .map(|agent| match locked {
                        true => Command::Unbar { agent },
                        false => Command::Bar { agent, turns: None },
                    })
                    .collect();
                if !locked && barred(&name) {
                    commands.push(Command::Unbar { agent: name });
                }
                Step::SendMany(commands)
            }
            (Action::DeskHint, _) => {
                let hint = session.floor().hint.clone().unwrap_or_else(|| "".into());
                let help = "The model that chooses reads it with its next question; then it is forgotten. No agent sees it. \
                            Empty takes it back.";
                Step::Open(Prompt::new(Purpose::Hint, &hint, "A hint for who chooses the next speaker", help).into())
            }
            (Action::DeskLonger | Action::DeskShorter, _) => {
                let patience = session.floor().patience.step(action == Action::DeskLonger);
                Step::Send(Command::Desk(Told::Patience { patience }))
            }
            (Action::AcceptProposal, _) => Step::Send(Command::AcceptProposal),
            (Action::Propose, _) => Step::Send(Command::Propose),
            _ => Step::Pass,
        }
    }

    fn draw(&self, area: Rect, buf: &mut Buffer, cx: &Draw) -> Option<Position> {
        let session = cx.session;
        let floor = session.floor();
        let rows = Desk::rows(session);
        let height = rows.len() as u16 + 13;
        let area = super::centred(area, 92, height.min(area.height));
        paint::clear(buf, area, cx.theme);
        let inside = paint::frame(buf, area, "Speaker desk", true, cx.theme, cx.unicode);
        let room = usize::from(inside.width.saturating_sub(2));
        let mut lines: Vec<(String, Role, bool)> = Vec::new();
        let mut line = |text: &str, role: Role, lit: bool| lines.push((text.to_owned(), role, lit));
        let now = session.turns().first().map_or("nobody".to_owned(), |turn| one_line(&turn.agent));
        line(&format!("now    {now}"), Role::Text, false);
        let next = match (&floor.wanted, &self.outlook) {
            (Some(wanted), _) => match &wanted.proposed {
                Some(name) => {
                    let why = wanted.reasons.iter().find(|(who, _)| who == name).map_or("", |(_, why)| why.as_str());
                    let left = wanted.until.map(|until| until.saturating_sub(cx.wall).max(0) as u64);
                    let when = left.map_or("when you say so".to_owned(), |ms| format!("in {} s", ms.div_ceil(1000)));
                    format!("{} is proposed, {when}: {}", one_line(name), one_line(why))
                }
                None => "you pick: nobody is proposed".to_owned(),
            },
            (None, Some(choice)) => {
                format!("{}: {}: {}", one_line(&choice.agent), choice.mode, one_line(&choice.reason))
            }
            (None, None) => "not known before it is chosen".to_owned(),
        };
        line(&format!("next   {next}"), Role::Strong, false);
        let method = session.team().map_or("", |team| team.speaker_selection_method.kind.as_str());
        let choices = format!("waits  a choice ({method}) takes effect {}", floor.patience.words());
        line(&choices, Role::Text, false);
        if let Some(hint) = &floor.hint {
            line(&format!("hint   {}", one_line(hint)), Role::Operator, false);
        }
        line("", Role::Dim, false);
        let queue = floor.queue.len();
        line(if queue == 0 { "Queue: empty" } else { "Queue, first speaks first" }, Role::Title, false);
        for (n, row) in rows.iter().enumerate() {
            if n == queue {
                line("", Role::Dim, false);
                line("Members", Role::Title, false);
            }
            let lit = n == self.at.min(rows.len().saturating_sub(1));
            match row {
                Row::Queued(place, name) => {
                    let text = format!("  {}. {}", place + 1, one_line(name));
                    line(&text, agent_role(name, session), lit);
                }
                Row::Member(name) => {
                    let digit = n - queue + 1;
                    let (may, role) = standing(name, session);
                    line(&format!("  {digit} {:<16} {may}", one_line(name)), role, lit);
                }
            }
        }
        // What is chosen stays in sight.
        let shown = usize::from(inside.height.saturating_sub(2));
        let chosen = lines.iter().position(|(.., lit)| *lit).unwrap_or(0);
        let from = (chosen + 1).saturating_sub(shown);
        for (n, (text, role, lit)) in lines.iter().skip(from).take(shown).enumerate() {
            let y = inside.y + n as u16;
            paint::words(buf, inside, inside.x + 1, y, take(text, room), cx.theme.style(*role));
            if *lit {
                paint::tint(buf, Rect { y, height: 1, ..inside }, cx.theme.style(Role::Selection));
            }
        }
        let keys = |wanted: &[(Action, &str)]| foot::chosen(cx.keymap, Context::Desk, wanted);
        let first = keys(&[
            (Action::Submit, "call on"),
            (Action::DeskQueue, "queue"),
            (Action::DeskRemove, "remove"),
            (Action::DeskRepeat, "repeat"),
            (Action::DeskUp, "up"),
            (Action::DeskDown, "down"),
        ]);
        let second = keys(&[
            (Action::DeskBar, "bar longer"),
            (Action::DeskLock, "lock"),
            (Action::DeskHint, "hint"),
            (Action::DeskShorter, "sooner"),
            (Action::DeskLonger, "later"),
            (Action::AcceptProposal, "take it"),
            (Action::Propose, "ask"),
            (Action::Cancel, "close"),
        ]);
        for (n, hints) in [first, second].into_iter().enumerate() {
            let y = inside.bottom().saturating_sub(2 - n as u16);
            foot::keys(Rect { y, height: 1, ..inside }, buf, &hints, cx.theme);
        }
        None
    }
}

/// Whether a member may speak next, and why or why not.
fn standing(name: &Name, session: &Session) -> (String, Role) {
    let floor = session.floor();
    if let Some(bar) = floor.bar(name) {
        return (format!("may not: {}", bar.words()), Role::Dim);
    }
    if let Some(wanted) = &floor.wanted {
        if let Some((_, why)) = wanted.barred.iter().find(|(who, _)| who == name) {
            return (format!("may not: {}", one_line(why)), Role::Dim);
        }
        if let Some((_, why)) = wanted.reasons.iter().find(|(who, _)| who == name) {
            return (one_line(why), Role::Text);
        }
    }
    if session.turn_of(name).is_some() {
        return ("has the floor".to_owned(), Role::Speaking);
    }
    match floor.last_speaker.as_ref() == Some(name) {
        true => ("spoke last".to_owned(), Role::Text),
        false => (String::new(), Role::Text),
    }
}
