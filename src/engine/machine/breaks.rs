//! Breakpoints and steps: asked at each moment of a turn, before anything is sent, done or said; and after what was said.
//!
//! What was met at a spot is a record, so a run that goes on does not stop there again, and neither does one that was
//! opened anew.

use super::reply::ask;
use super::{Machine, ended};
use crate::chat::breaks::{BreakCommand, BreakId, Breaks, Deed, Point, Spot, Until, held};
use crate::chat::code::CodeBlock;
use crate::chat::consult::{Advice, Consultation};
use crate::chat::event::{Actor, EndCause, Event};
use crate::chat::id::MessageId;
use crate::chat::message::{Message, MessageKind};
use crate::chat::request::Request;
use crate::chat::tool::ToolCall;
use crate::chat::{Name, UnixMillis};
use crate::engine::effect::Effect;
use crate::rules::Rule;
use crate::rules::moment::{Asked, Moment, asked};
use crate::session::Session;
use crate::session::breaks::Armed;
use crate::session::turn::Turn;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long the program of a breakpoint may run, in milliseconds.
const PROGRAM_MS: u64 = 10_000;
/// What it may know of the environment: enough to show a notice on a desktop.
const ENVIRONMENT: [&str; 9] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TERM",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// What the machine keeps about breakpoints: all of it can be made again.
#[derive(Default)]
pub(super) struct Breaking {
    rules: BTreeMap<BreakId, Known>,
    /// How much of the log was looked at.
    read: Option<usize>,
    /// Those that are true at present, of the ones that count when they become true.
    raised: BTreeSet<BreakId>,
    /// Programs that the operator has named in this process.
    named: Vec<Vec<String>>,
    /// Those whose program runs.
    telling: BTreeSet<BreakId>,
}

struct Known {
    source: String,
    rule: Option<Rule>,
    asked: Asked,
}

/// What breakpoints make of a moment.
#[derive(Default)]
struct Met {
    events: Vec<Event>,
    tell: Vec<Effect>,
    /// The words of the first that holds.
    hold: Option<String>,
}

impl Machine {
    /// Whether a breakpoint that is to be set can be read; the programs it names may run from now on.
    pub(super) fn readable(&mut self, command: &BreakCommand) -> Result<(), String> {
        let BreakCommand::Set { breakpoint, .. } = command else { return Ok(()) };
        Rule::parse_breakpoint(&breakpoint.when).map_err(|error| match error.help {
            Some(help) => format!("{} ({help})", error.message),
            None => error.message,
        })?;
        if let Deed::Run(argv) = &breakpoint.deed {
            self.breaks.named.push(argv.clone());
        }
        Ok(())
    }

    /// The rule of a breakpoint, read once.
    fn known(&mut self, armed: &Armed) -> &Known {
        let source = &armed.breakpoint.when;
        if self.breaks.rules.get(&armed.id).is_none_or(|known| known.source != *source) {
            let rule = Rule::parse_breakpoint(source).ok();
            let asked = rule.as_ref().map_or(Asked::At(Vec::new()), asked);
            self.breaks.rules.insert(armed.id, Known { source: source.clone(), rule, asked });
        }
        &self.breaks.rules[&armed.id]
    }

    /// Asks every breakpoint that is asked at this kind of moment.
    fn meet(&mut self, spot: Spot, moment: &Moment<'_>, message: Option<MessageId>, session: &Session) -> Met {
        let mut met = Met::default();
        for armed in session.breakpoints().iter().filter(|armed| !armed.rests) {
            let known = self.known(armed);
            let Some(rule) = &known.rule else { continue };
            let here = matches!(&known.asked, Asked::At(points) if points.contains(&spot.point));
            if !here || session.passed(armed.id, spot) || !rule.met(session, moment) {
                continue;
            }
            let why = rule.why_met(session, moment);
            let speaker = moment.speaker;
            let place = format!("{speaker}, {}", spot.point.words());
            self.hit(armed, spot, message, &place, &why, session, &mut met);
        }
        met
    }

    #[allow(clippy::too_many_arguments)]
    fn hit(
        &mut self,
        armed: &Armed,
        spot: Spot,
        message: Option<MessageId>,
        place: &str,
        why: &[(String, String)],
        session: &Session,
        met: &mut Met,
    ) {
        let facts: Vec<String> = why.iter().map(|(fact, value)| format!("{fact} = {value}")).collect();
        let text = format!("{}: {place} ({})", armed.breakpoint.title(), facts.join(", "));
        let (count, done) = (armed.hits + 1, armed.acts_next());
        met.events.push(Event::Breaks(Breaks::Hit { id: armed.id, spot, count, done, text: text.clone(), message }));
        if !done {
            return;
        }
        match &armed.breakpoint.deed {
            Deed::Hold => {
                met.hold.get_or_insert(text);
            }
            Deed::Notify | Deed::Expect => {}
            Deed::Snapshot => {
                if let Some(last) = session.transcript().entries().last() {
                    let name = format!("{} ×{count}", armed.breakpoint.title());
                    met.events.push(Event::Breaks(Breaks::Marked { name, seq: last.seq }));
                }
            }
            Deed::Run(argv) => match self.tell(armed, argv, &text, session) {
                Ok(effect) => met.tell.extend(effect),
                Err(why) => {
                    met.events.push(Event::Breaks(Breaks::Ran { id: armed.id, advice: Advice::failed(why) }));
                }
            },
        }
    }

    /// The program of a breakpoint, if it may run: one at a time, and only what the operator has named.
    fn tell(
        &mut self,
        armed: &Armed,
        argv: &[String],
        text: &str,
        session: &Session,
    ) -> Result<Option<Effect>, String> {
        let may = self.rules.programs.iter().chain(&self.breaks.named).any(|known| known == argv);
        if !may {
            let program = argv.first().map_or("", String::as_str);
            return Err(format!(
                "{program} was not run: it comes from a team file or a log. Name it in a breakpoint of your settings."
            ));
        }
        if !self.breaks.telling.insert(armed.id) {
            return Ok(None);
        }
        let last = session.transcript().entries().last().map(|entry| &entry.message);
        let told = json!({
            "breakpoint": armed.id.0,
            "name": armed.breakpoint.title(),
            "text": text,
            "session": session.id(),
            "message": last.map(|message| message.id.number()),
            "speaker": last.map(|message| message.author.name()),
        });
        let consultation = Consultation {
            key: format!("breakpoint {}", armed.id),
            command: argv.to_vec(),
            dir: ".".to_owned(),
            environment: ENVIRONMENT.map(str::to_owned).to_vec(),
            timeout_ms: PROGRAM_MS,
            input: told.to_string().into(),
        };
        Ok(Some(Effect::Tell { id: armed.id, consultation }))
    }

    /// The program of a breakpoint is over.
    pub(super) fn told(&mut self, id: BreakId, advice: Advice) -> Vec<Effect> {
        self.breaks.telling.remove(&id);
        vec![Effect::append(policy(), vec![Event::Breaks(Breaks::Ran { id, advice })])]
    }

    /// The record of what was met, and the hold or the end that follows; nothing when nothing was met.
    fn stop_for(
        &self,
        mut met: Met,
        before_hold: Vec<Event>,
        agent: Option<Name>,
        session: &Session,
        now: UnixMillis,
    ) -> Option<Vec<Effect>> {
        if met.events.is_empty() {
            return None;
        }
        if let Some(text) = met.hold {
            met.events.extend(before_hold);
            met.events.push(if self.rules.headless {
                ended(EndCause::Breakpoint, format!("breakpoint: {text}"), agent, session, now)
            } else {
                Event::Held { why: held(text) }
            });
        }
        let mut effects = vec![Effect::append(policy(), met.events)];
        effects.append(&mut met.tell);
        Some(effects)
    }

    /// What was said since the last look, and what has become true.
    pub(super) fn after_records(&mut self, session: &Session, now: UnixMillis) -> Option<Vec<Effect>> {
        let length = session.log().len();
        let from = self.breaks.read.replace(length);
        if session.breakpoints().is_empty() || from == Some(length) {
            return None;
        }
        let mut met = Met::default();
        for record in &session.log()[from.unwrap_or_else(|| looked_at(session)).min(length)..] {
            let Event::MessagePosted { message } = &record.event else { continue };
            if session.transcript().get(message.id).is_none_or(|entry| entry.seq != record.seq) {
                continue;
            }
            let spot = Spot { turn: message.turn, point: Point::Said, nth: message.id.0 };
            let more = self.meet(spot, &about(Point::Said, message), Some(message.id), session);
            met.events.extend(more.events);
            met.tell.extend(more.tell);
            met.hold = met.hold.or(more.hold);
        }
        for armed in session.breakpoints().iter().filter(|armed| !armed.rests) {
            let known = self.known(armed);
            let (Some(rule), Asked::Rising) = (&known.rule, &known.asked) else { continue };
            let now_true = rule.applies(session);
            let why = if now_true { rule.why(session) } else { Vec::new() };
            // One that was met before the session was opened anew, and is still true, does not rise again.
            let before = match from {
                None if armed.hits > 0 => true,
                _ => self.breaks.raised.contains(&armed.id),
            };
            if now_true {
                self.breaks.raised.insert(armed.id);
            } else {
                self.breaks.raised.remove(&armed.id);
            }
            if now_true && !before {
                let last = session.transcript().entries().last().map(|entry| &entry.message);
                let spot = Spot { turn: None, point: Point::Said, nth: length as u64 };
                self.hit(armed, spot, last.map(|message| message.id), "it is so now", &why, session, &mut met);
            }
        }
        let agent = session.floor().last_speaker.clone();
        self.stop_for(met, Vec::new(), agent, session, now)
    }

    /// A request is about to be sent: it may be held back, and sent as the operator has changed it.
    pub(super) fn send(
        &mut self,
        mut request: Request,
        mut hash: String,
        left_out: u32,
        turn: &Turn,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        if let Some(shown) = session.shown().filter(|shown| shown.turn == turn.id) {
            if shown.stale && !self.rules.headless {
                let again = Event::Breaks(Breaks::Shown { turn: turn.id, request: Box::new(request) });
                let why = held(format!("{}: what would be sent has changed since it was shown", turn.agent));
                return vec![Effect::append(policy(), vec![again, Event::Held { why }])];
            }
            if shown.amended {
                request.messages.clone_from(&shown.request.messages);
                hash = request.hash();
            }
        } else if !session.breakpoints().is_empty() {
            let point = if turn.answered > 0 { Point::Again } else { Point::Call };
            let spot = Spot { turn: Some(turn.id), point, nth: turn.answered };
            let models = session.team().map(|team| &team.models);
            let window = models.and_then(|models| models.get(&request.model)?.context_window);
            let fill = window.filter(|window| *window > 0).map(|window| request.estimate() as f64 / window as f64);
            let met = self.meet(spot, &Moment { fill, ..Moment::of(point, &turn.agent) }, None, session);
            let shown = Event::Breaks(Breaks::Shown { turn: turn.id, request: Box::new(request.clone()) });
            if let Some(stopped) = self.stop_for(met, vec![shown], Some(turn.agent.clone()), session, now) {
                return stopped;
            }
        }
        ask(request, hash, left_out, Some(turn.id), turn.inquiry.attempts + 1)
    }

    /// Code is about to be wanted.
    pub(super) fn before_code(
        &mut self,
        blocks: &[CodeBlock],
        turn: &Turn,
        session: &Session,
        now: UnixMillis,
    ) -> Option<Vec<Effect>> {
        if session.breakpoints().is_empty() {
            return None;
        }
        let code = blocks.iter().map(|block| &*block.code).collect::<Vec<_>>().join("\n\n");
        let moment = Moment { text: Some(&code), ..Moment::of(Point::Act, &turn.agent) };
        self.before_act(0, &moment, turn, session, now)
    }

    /// A tool is about to be wanted.
    pub(super) fn before_tool(
        &mut self,
        call: &ToolCall,
        turn: &Turn,
        session: &Session,
        now: UnixMillis,
    ) -> Option<Vec<Effect>> {
        let nth = u64::from(turn.tools.rounds) << 32 | turn.tools.place_of(&call.id, |_| true).unwrap_or(0) as u64;
        let arguments = Some(&*call.arguments);
        let act = Moment::of(Point::Act, &turn.agent);
        let moment = Moment { tool: Some(&call.name), arguments, text: arguments, ..act };
        self.before_act(nth, &moment, turn, session, now)
    }

    fn before_act(
        &mut self,
        nth: u64,
        moment: &Moment<'_>,
        turn: &Turn,
        session: &Session,
        now: UnixMillis,
    ) -> Option<Vec<Effect>> {
        let met = self.meet(Spot { turn: Some(turn.id), point: Point::Act, nth }, moment, None, session);
        self.stop_for(met, Vec::new(), Some(turn.agent.clone()), session, now)
    }

    /// A reply came: it is said, or held back first.
    pub(super) fn reply(
        &mut self,
        answered: Event,
        said: Message,
        turn: &Turn,
        session: &Session,
        now: UnixMillis,
    ) -> Vec<Effect> {
        let spot = Spot { turn: Some(turn.id), point: Point::Reply, nth: turn.answered };
        let mut met = self.meet(spot, &about(Point::Reply, &said), None, session);
        if session.until() == Some(&Until::Reply) {
            met.hold.get_or_insert_with(|| format!("{} would say this", turn.agent));
        }
        let actor = Actor::Agent(turn.agent.clone());
        let Some(text) = met.hold.take() else {
            met.events.insert(0, answered);
            met.events.extend(posted(said, turn));
            let mut effects = vec![Effect::append(actor, met.events)];
            effects.append(&mut met.tell);
            return effects;
        };
        let mut events = vec![answered];
        events.append(&mut met.events);
        events.push(Event::Breaks(Breaks::Drafted { turn: turn.id, message: Arc::new(said) }));
        events.push(if self.rules.headless {
            let agent = Some(turn.agent.clone());
            ended(EndCause::Breakpoint, format!("breakpoint: {text}"), agent, session, now)
        } else {
            Event::Held { why: held(text) }
        });
        let mut effects = vec![Effect::append(actor, events)];
        effects.append(&mut met.tell);
        effects
    }
}

/// How much of a log that was opened anew was looked at when it was written: all up to its last rest.
fn looked_at(session: &Session) -> usize {
    let rest = |event: &Event| matches!(event, Event::Held { .. } | Event::Ended { .. });
    session.log().iter().rposition(|record| rest(&record.event)).map_or(0, |place| place + 1)
}

fn policy() -> Actor {
    Actor::Policy("breakpoint".to_owned())
}

/// A moment about a message.
fn about(point: Point, message: &Message) -> Moment<'_> {
    let call = message.tool_calls.first();
    Moment {
        kind: Some(message.kind),
        tool: call.map(|call| &*call.name),
        arguments: call.map(|call| &*call.arguments),
        text: Some(&message.content),
        ..Moment::of(point, message.author.name())
    }
}

/// The message of a reply, and the end of its turn where it calls nothing.
fn posted(said: Message, turn: &Turn) -> Vec<Event> {
    let over = said.kind != MessageKind::ToolCalls;
    let mut events = vec![Event::MessagePosted { message: Arc::new(said) }];
    if over {
        events.push(Event::TurnEnded { turn: turn.id, finished: true });
    }
    events
}

/// Says the reply that was held back.
pub(super) fn say(turn: &Turn, session: &Session) -> Vec<Effect> {
    let Some(draft) = &turn.draft else {
        return vec![Effect::append(Actor::System, vec![Event::TurnEnded { turn: turn.id, finished: false }])];
    };
    // Others may have spoken since: the number it was to have may be taken.
    let said = Message { id: session.ids().message, ..(**draft).clone() };
    vec![Effect::append(Actor::Agent(turn.agent.clone()), posted(said, turn))]
}
