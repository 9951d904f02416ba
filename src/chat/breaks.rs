//! Breakpoints, steps, and what is looked at before it is sent or said.

use super::Name;
use super::consult::Advice;
use super::event::HoldReason;
use super::id::{MessageId, Seq, TurnId};
use super::message::Message;
use super::request::{Prompt, Request};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Identity of a breakpoint within its session; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BreakId(pub u32);

impl fmt::Display for BreakId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a run can be stopped and looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// A model is about to be asked.
    Call,
    /// A model is about to be asked again in the same turn: it has acted, and is to think on.
    Again,
    /// Code or a tool is about to be wanted: its agent has thought, and is to act.
    Act,
    /// A reply is about to be said; nobody has heard it.
    Reply,
    /// A message was said.
    Said,
}

impl Point {
    /// All of them, in the order of a turn.
    pub const ALL: [Point; 5] = [Point::Call, Point::Again, Point::Act, Point::Reply, Point::Said];

    /// As written in a breakpoint.
    pub fn word(self) -> &'static str {
        match self {
            Point::Call => "call",
            Point::Again => "again",
            Point::Act => "act",
            Point::Reply => "reply",
            Point::Said => "said",
        }
    }

    /// What is about to happen there, for a person.
    pub fn words(self) -> &'static str {
        match self {
            Point::Call => "before its model is asked",
            Point::Again => "after it has acted, before its model is asked again",
            Point::Act => "before it acts",
            Point::Reply => "before its reply is said",
            Point::Said => "after it has spoken",
        }
    }
}

/// What is done when a breakpoint is met.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// The run holds; where nobody is there it ends with an exit code of its own.
    #[default]
    Hold,
    /// It is said, no more.
    Notify,
    /// The place gets a name, so that one can go back to it.
    Snapshot,
    /// This program is run, without a shell; it reads what happened as JSON.
    Run(Vec<String>),
    /// It must happen before the run is over; a headless run in which it does not fails.
    Expect,
}

impl Deed {
    fn is_hold(&self) -> bool {
        *self == Deed::Hold
    }

    /// In a word, for a list.
    pub fn word(&self) -> &'static str {
        match self {
            Deed::Hold => "hold",
            Deed::Notify => "notify",
            Deed::Snapshot => "snapshot",
            Deed::Run(_) => "run",
            Deed::Expect => "expect",
        }
    }
}

/// Who set a breakpoint. Only for show: what may run is decided by who is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetBy {
    /// The team file.
    #[default]
    Team,
    /// The operator's settings.
    Settings,
    /// The command line.
    CommandLine,
    /// The operator, while the run went on.
    Operator,
}

impl SetBy {
    fn is_team(&self) -> bool {
        *self == SetBy::Team
    }

    /// For a list.
    pub fn words(self) -> &'static str {
        match self {
            SetBy::Team => "team file",
            SetBy::Settings => "settings",
            SetBy::CommandLine => "command line",
            SetBy::Operator => "you",
        }
    }
}

fn one() -> u32 {
    1
}

fn is_one(n: &u32) -> bool {
    *n == 1
}

/// A condition on the conversation, and what is done when it is met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakpoint {
    /// A rule (`docs/rules.md`) that may also ask about the moment: `speaker == Coder and tool == shell`.
    pub when: String,
    /// What is done.
    #[serde(default, rename = "do", skip_serializing_if = "Deed::is_hold")]
    pub deed: Deed,
    /// It is done once, and then no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once: bool,
    /// It is done at each so manyth time, from 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub every: u32,
    /// What it is called; empty for the condition itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Who set it.
    #[serde(default, skip_serializing_if = "SetBy::is_team")]
    pub by: SetBy,
}

impl Breakpoint {
    /// One that holds each time.
    pub fn new(when: impl Into<String>, by: SetBy) -> Self {
        Breakpoint { when: when.into(), deed: Deed::Hold, once: false, every: 1, name: String::new(), by }
    }

    /// What it is called, for a person.
    pub fn title(&self) -> &str {
        if self.name.is_empty() { &self.when } else { &self.name }
    }
}

/// How far a step goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// One model call, whosever it is.
    Call,
    /// One execution or tool call.
    Effect,
    /// The end of a turn.
    Turn,
    /// This agent has the floor and has done nothing yet.
    Agent(Name),
    /// A reply would be said: it is held back, to be read and edited first.
    Reply,
}

impl Until {
    /// What the run does now, for a person.
    pub fn words(&self) -> String {
        match self {
            Until::Call => "one model call, then hold".to_owned(),
            Until::Effect => "one execution or tool call, then hold".to_owned(),
            Until::Turn => "one turn, then hold".to_owned(),
            Until::Agent(name) => format!("until {name} has the floor"),
            Until::Reply => "until somebody would say something".to_owned(),
        }
    }
}

/// Where a breakpoint was asked: what is met there once is not met there again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Spot {
    /// The turn; `None` for what belongs to no turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// Which kind of moment.
    pub point: Point,
    /// Which of its kind in the turn, from 0; for what was said, the message.
    pub nth: u64,
}

/// What happens around breakpoints and steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Breaks {
    /// A breakpoint was set, or changed.
    Set {
        /// Which.
        id: BreakId,
        /// What it is now.
        breakpoint: Breakpoint,
    },
    /// A breakpoint rests, or does so no more.
    Rested {
        /// Which.
        id: BreakId,
        /// Whether it rests.
        rests: bool,
    },
    /// A breakpoint was taken away.
    Cleared {
        /// Which.
        id: BreakId,
    },
    /// A breakpoint was met.
    Hit {
        /// Which.
        id: BreakId,
        /// Where.
        spot: Spot,
        /// The how manyth time, from 1.
        count: u32,
        /// Whether its deed is done this time.
        done: bool,
        /// What it saw, in words.
        text: String,
        /// The message it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// A place got a name.
    Marked {
        /// The name.
        name: String,
        /// The record: the message that stands there.
        seq: Seq,
    },
    /// The program of a breakpoint is over.
    Ran {
        /// Whose.
        id: BreakId,
        /// What it said, or why it said nothing.
        advice: Advice,
    },
    /// The next release goes so far.
    Stepping {
        /// How far.
        until: Until,
    },
    /// A request is held back before it is sent: this is what would be sent.
    Shown {
        /// The turn.
        turn: TurnId,
        /// The request.
        request: Box<Request>,
    },
    /// The operator changed the request that is held back; it is sent so, this once.
    Amended {
        /// The turn.
        turn: TurnId,
        /// Its messages now.
        messages: Vec<Prompt>,
    },
    /// A reply is held back before anybody hears it.
    Drafted {
        /// The turn.
        turn: TurnId,
        /// The reply.
        message: Arc<Message>,
    },
    /// The operator changed the reply that is held back.
    Revised {
        /// The turn.
        turn: TurnId,
        /// Its words now.
        content: Arc<str>,
    },
}

/// What the operator asks for about breakpoints and steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum BreakCommand {
    /// Set a breakpoint, or change the one with this number.
    Set {
        /// Which is changed; `None` for a new one.
        id: Option<BreakId>,
        /// What it is to be.
        breakpoint: Breakpoint,
    },
    /// Let a breakpoint rest, or wake it.
    Rest {
        /// Which.
        id: BreakId,
        /// Whether it rests.
        rests: bool,
    },
    /// Take a breakpoint away.
    Clear {
        /// Which.
        id: BreakId,
    },
    /// Go on so far.
    StepTo {
        /// How far.
        until: Until,
    },
    /// Give the newest message a name, so that one can go back to it.
    Mark {
        /// The name.
        name: String,
    },
    /// Change the request that is held back.
    Amend {
        /// The turn.
        turn: TurnId,
        /// Its messages.
        messages: Vec<Prompt>,
    },
    /// Change the reply that is held back.
    Revise {
        /// The turn.
        turn: TurnId,
        /// Its words.
        content: Arc<str>,
    },
    /// Throw the reply that is held back away, and have its agent speak anew.
    Discard {
        /// The turn.
        turn: TurnId,
    },
}

/// A hold because of a breakpoint or a step.
pub fn held(text: impl Into<String>) -> HoldReason {
    HoldReason::Break { text: text.into() }
}

impl Breakpoint {
    /// In one line, as [`Breakpoint::read`] takes it: `hold once when speaker == Coder`.
    pub fn written(&self) -> String {
        let mut text = match &self.deed {
            Deed::Run(argv) => format!("run {}", argv.join(" ")),
            deed => deed.word().to_owned(),
        };
        if self.once {
            text.push_str(" once");
        }
        if self.every > 1 {
            text.push_str(&format!(" every {}", self.every));
        }
        format!("{text} when {}", self.when)
    }

    /// What a person writes into one line: a rule alone, or what is done before the word `when`.
    ///
    /// # Errors
    /// In words, when what stands before `when` is not understood.
    pub fn read(text: &str, by: SetBy) -> Result<Breakpoint, String> {
        let text = text.trim();
        let first = text.split_whitespace().next().unwrap_or_default();
        let deeds = ["hold", "notify", "snapshot", "expect", "run", "once", "every"];
        let (before, when) = match text.split_once("when ").filter(|_| deeds.contains(&first) || first == "when") {
            Some((before, when)) => (before.trim(), when.trim()),
            None => ("", text),
        };
        let mut breakpoint = Breakpoint::new(when, by);
        let mut words = before.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "hold" => breakpoint.deed = Deed::Hold,
                "notify" => breakpoint.deed = Deed::Notify,
                "snapshot" => breakpoint.deed = Deed::Snapshot,
                "expect" => breakpoint.deed = Deed::Expect,
                "once" => breakpoint.once = true,
                "every" => {
                    let count = words.next().and_then(|count| count.parse().ok()).filter(|count| *count > 0);
                    breakpoint.every = count.ok_or("After `every` stands a number: every 5 when …")?;
                }
                "run" => {
                    let argv: Vec<String> = words.by_ref().map(str::to_owned).collect();
                    if argv.is_empty() {
                        return Err("After `run` stands a program: run notify-send plenary when …".to_owned());
                    }
                    breakpoint.deed = Deed::Run(argv);
                }
                other => return Err(format!("{other:?} is not known here. Write: hold once when speaker == Coder")),
            }
        }
        Ok(breakpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breakpoint_reads_back_as_it_is_written() {
        for (text, written) in [
            ("speaker == Coder", "hold when speaker == Coder"),
            ("when cost > $2", "hold when cost > $2"),
            ("text contains \"when it rains\"", "hold when text contains \"when it rains\""),
            ("notify every 5 when at == said", "notify every 5 when at == said"),
            ("once snapshot when turns > 3", "snapshot once when turns > 3"),
            ("run notify-send plenary when finding", "run notify-send plenary when finding"),
        ] {
            let breakpoint = Breakpoint::read(text, SetBy::Operator).unwrap();
            assert_eq!(breakpoint.written(), written);
            assert_eq!(Breakpoint::read(written, SetBy::Operator).unwrap(), breakpoint);
        }
        for wrong in ["hold twice when x", "every many when x", "run when x"] {
            assert!(Breakpoint::read(wrong, SetBy::Operator).is_err(), "{wrong}");
        }
    }
}
