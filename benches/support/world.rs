//! Teams, logs and texts to measure with. Everything is made by counting, so that two runs measure the same.

use plenary::chat::Name;
use plenary::chat::event::{Actor, Choice, Event, FORMAT, Record};
use plenary::chat::id::{BranchId, CallId, MessageId, Seq, TurnId};
use plenary::chat::message::{Author, Message, MessageKind};
use plenary::chat::request::{Finish, Purpose};
use plenary::chat::team::{Agent, ModelSpec, Spec, Team, TerminationMatch};
use plenary::chat::usage::{Money, Tokens, Usage};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names of agents.
pub const NAMES: [&str; 10] =
    ["Coder", "Reviewer", "Tester", "Writer", "Critic", "Planner", "Editor", "Judge", "Scout", "Scribe"];

/// A team of so many assistants who speak in turn, through one model, until `max_round` messages stand.
pub fn team(agents: usize, max_round: u32, model: ModelSpec) -> Team {
    let agent = |name: &&str| Agent {
        description: format!("{name} of the team."),
        system_message: format!("You are the {name}. Answer in one paragraph and say what comes next."),
        model: Some("m".into()),
        max_consecutive_auto_reply: u32::MAX,
        is_termination_msg: TerminationMatch::Never,
        ..Agent::named(*name)
    };
    Team {
        task: Some("Count on, step by step.".into()),
        max_round,
        models: BTreeMap::from([("m".to_owned(), model)]),
        seed: 7,
        ..Team::of("bench", NAMES.iter().take(agents).map(agent).collect())
    }
}

/// A model of a provider with these options.
pub fn model(kind: &str, options: serde_json::Value) -> ModelSpec {
    let serde_json::Value::Object(options) = options else { panic!("options are a table") };
    ModelSpec {
        provider: Spec { kind: kind.into(), options },
        model: "bench-1".into(),
        fallback: Vec::new(),
        price: None,
        context_window: None,
        parameters: Default::default(),
        cache_seed: None,
    }
}

/// How many different replies [`chain`] has: enough that nobody repeats itself within what the detectors look at.
const STEPS: usize = 40;

/// A scripted model without pauses in which every reply leads to the next, so that the cost of finding one does not
/// grow with the length of the conversation. A reply is 40 bytes, ten pieces of a stream.
pub fn chain() -> ModelSpec {
    let step = |n: usize| format!("step {:02}", n % STEPS);
    let reply = |n: usize| {
        let text = format!("{}: that much is done, now go on.....", step(n + 1));
        serde_json::json!({ "contains": step(n), "text": text })
    };
    let first = serde_json::json!({ "text": format!("{}: the beginning is made, go on now.", step(0)) });
    let rows: Vec<_> = (0..STEPS).map(reply).chain([first]).collect();
    model("scripted", serde_json::json!({ "pace": 0, "reply": rows }))
}

/// A log in the making.
pub struct Log {
    /// The records.
    pub records: Vec<Arc<Record>>,
    names: Vec<Name>,
    turns: u64,
    messages: u64,
}

impl Log {
    /// A session of so many agents, started and given its task.
    pub fn new(agents: usize) -> Self {
        let team = Arc::new(team(agents, u32::MAX, chain()));
        // Shared, as in a run: there the records take their names from the team.
        let names = team.agents.iter().map(|agent| agent.name.clone()).collect();
        let mut log = Log { records: Vec::new(), names, turns: 0, messages: 0 };
        log.add(Event::SessionStarted { session: "bench".into(), format: FORMAT, team, headless: false });
        log.say(Author::Operator, MessageKind::Task, None, "Count on, step by step.".into());
        log
    }

    /// Appends a record.
    pub fn add(&mut self, event: Event) -> Arc<Record> {
        let seq = self.records.len() as u64 + 1;
        let record = Arc::new(Record {
            seq: Seq(seq),
            parent: (seq > 1).then(|| Seq(seq - 1)),
            branch: BranchId(0),
            actor: Actor::System,
            at: 1_700_000_000_000 + seq as i64 * 100,
            event,
        });
        self.records.push(record.clone());
        record
    }

    fn say(&mut self, author: Author, kind: MessageKind, turn: Option<TurnId>, content: Arc<str>) {
        let call = turn.map(|turn| CallId(turn.0));
        let message = Message { turn, call, ..Message::new(MessageId(self.messages), author, kind, content) };
        self.messages += 1;
        self.add(Event::MessagePosted { message: Arc::new(message) });
    }

    /// A turn begins and its model is called.
    pub fn begin(&mut self) -> (CallId, Name) {
        let (turn, call) = (TurnId(self.turns), CallId(self.turns));
        let agent = self.names[self.turns as usize % self.names.len()].clone();
        self.turns += 1;
        let reason = "comes next in the team's order".to_owned();
        let candidates = self.names.clone();
        let choice = Choice { agent: agent.clone(), mode: "round_robin".into(), reason, candidates, attempts: 0 };
        self.add(Event::SpeakerChosen { choice });
        self.add(Event::TurnStarted { turn, agent: agent.clone(), beside: None });
        self.add(Event::ModelCalled {
            call,
            turn: Some(turn),
            agent: agent.clone(),
            purpose: Purpose::Speak,
            model: "m".into(),
            attempt: 1,
            request: "0".repeat(64),
            messages: self.messages as u32 + 1,
            left_out: 0,
            estimate: 0,
        });
        (call, agent)
    }

    /// A whole turn of six records in which the next agent says this.
    pub fn turn(&mut self, content: impl Into<Arc<str>>) {
        let (call, agent) = self.begin();
        let tokens = Tokens { input: 400, output: 200, ..Tokens::default() };
        let usage = Usage { tokens, estimated: false, cost: Some(Money(30_000)) };
        self.add(Event::ModelAnswered { call, usage, latency_ms: 900, finish: Finish::Stop, served: None });
        self.say(Author::Agent(agent), MessageKind::Reply, Some(TurnId(call.0)), content.into());
        self.add(Event::TurnEnded { turn: TurnId(call.0), finished: true });
    }
}

/// A log of so many messages of about so many bytes each.
pub fn log(messages: usize, bytes: usize) -> Log {
    let mut log = Log::new(3);
    for n in 1..messages {
        log.turn(paragraph(n, bytes));
    }
    log
}

/// A message of markdown, cut at `bytes`: some running text, a list, a little code.
pub fn paragraph(n: usize, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 200);
    let mut part = n;
    while text.len() < bytes {
        text.push_str(&block(part));
        part += 1;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// Markdown of at least so many tokens of four bytes: headings, paragraphs, lists, code, tables, quotes.
pub fn answer(tokens: usize) -> String {
    let mut text = String::new();
    let mut n = 0;
    while text.len() < tokens * 4 {
        text.push_str(&block(n));
        n += 1;
    }
    text
}

fn block(n: usize) -> String {
    match n % 6 {
        0 => format!("## Part {n}: what was found\n\n"),
        1 => format!(
            "The **cache** keeps its entries in a map and a list; step {n} moves the entry that was `touched` to the \
             front, so that the one at the back is the *oldest*. Both are needed: the map finds, the list orders, and \
             neither can do the work of the other in constant time.\n\n"
        ),
        2 => {
            format!("- first, look up the key ({n})\n- then move it to the front\n- at last, drop what is too much\n\n")
        }
        3 => format!(
            "```python\ndef get_{n}(self, key):\n    if key not in self.entries:\n        return None  # nothing to \
             touch\n    self.order.move_to_end(key)\n    return self.entries[key] + {n}\n```\n\n"
        ),
        4 => {
            format!("| step | cost | note |\n|---|---|---|\n| {n} | O(1) | a map |\n| {} | O(1) | a list |\n\n", n + 1)
        }
        _ => format!("> Round {n}: measure before you change anything, and measure again after it.\n\n"),
    }
}

/// A text in the pieces in which models send it: four characters each.
pub fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(4).map(|piece| piece.iter().collect()).collect()
}
