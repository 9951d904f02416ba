//! The speaker says who is next, by a hand-off; rules say what happens when it does not (AgentChat: Swarm; AG2: the
//! default pattern with after_works).
//!
//! Differences from AgentChat: a target that cannot speak stops the run with a reason and the operator picks, and plain
//! words of the operator go to the agent that handed over to the person (reference: agentchat-semantics 12, no. 12).

use super::candidates::Candidates;
use super::{Pick, Selector, auto, random};
use crate::catalog::{Entry, Field, FieldKind, OptionError, Options, Remark, text};
use crate::chat::Name;
use crate::chat::event::{Choice, EndCause};
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::team::{AgentKind, Target, Team};
use crate::rules;
use crate::session::Session;

/// `speaker_selection_method = "handoff"`.
pub const ENTRY: Entry<dyn Selector> = Entry {
    name: "handoff",
    about: "the speaker hands over by a tool call, or by a rule of its own; `after_work` says what happens otherwise",
    example: "speaker_selection_method = { method = \"handoff\", after_work = \"terminate\" }",
    fields: &[
        Field { name: "initial", kind: FieldKind::Text, required: false, about: "who begins (the first agent)" },
        Field {
            name: "after_work",
            kind: FieldKind::Text,
            required: false,
            about: "when an agent hands over to nobody and has no after_work of its own: stay, as in AgentChat's Swarm \
                    (default), terminate, as in AG2's default pattern, user, ask, random, auto, or an agent's name",
        },
    ],
    build: |options| {
        let after_work = match text(options, "after_work").unwrap_or("stay") {
            "" => return Err(OptionError::of("after_work", "is empty; the default is stay")),
            word => target(word),
        };
        Ok(Box::new(Handoff { initial: text(options, "initial").map(Name::from), after_work }))
    },
};

fn target(word: &str) -> Target {
    match word {
        "stay" => Target::Stay,
        "terminate" => Target::Terminate,
        "user" => Target::User,
        "ask" => Target::Ask,
        "random" => Target::Random,
        "auto" => Target::Auto,
        name => Target::Agent(Name::from(name)),
    }
}

struct Handoff {
    initial: Option<Name>,
    after_work: Target,
}

impl Handoff {
    /// The newest message of the conversation that is not the operator's, and whether the operator has spoken since.
    fn newest<'a>(&self, session: &'a Session) -> (Option<&'a Message>, bool) {
        let mut spoken = false;
        for entry in session.transcript().entries().iter().rev().filter(|entry| entry.message.is_shared()) {
            match (&entry.message.author, entry.message.kind) {
                (Author::Operator, MessageKind::Moderation | MessageKind::Note) => {}
                (Author::Operator, _) => spoken = true,
                (Author::Agent(_), _) => return (Some(&entry.message), spoken),
            }
        }
        (None, spoken)
    }

    fn to(&self, target: &Target, candidates: &Candidates, session: &Session, why: String) -> Pick {
        let choose = |name: &Name, why: String| match candidates.eligible.contains(name) {
            true => Pick::Choose(candidates.choose(name.clone(), "handoff", why, 0)),
            false => Pick::Person { proposed: None },
        };
        match target {
            Target::Agent(name) if &**name == Author::Operator.name() => self.person(candidates, session, why),
            Target::Agent(name) => choose(name, why),
            Target::Stay => match candidates.last.clone() {
                Some(last) => choose(&last, why),
                None => Pick::Person { proposed: None },
            },
            Target::User => self.person(candidates, session, why),
            Target::Ask => Pick::Person { proposed: session.team().and_then(|team| candidates.after_last(team)) },
            Target::Terminate => Pick::End { cause: EndCause::NoSpeaker, text: "No next speaker selected".to_owned() },
            Target::Random => {
                // AG2: RandomAgentTarget never takes the one who has just spoken, while there is another.
                let mut others = candidates.clone();
                others.eligible.retain(|name| Some(name) != candidates.last.as_ref());
                if others.eligible.is_empty() {
                    return random::draw(candidates, session);
                }
                match random::draw(&others, session) {
                    Pick::Choose(choice) => Pick::Choose(Choice { candidates: candidates.eligible.clone(), ..choice }),
                    other => other,
                }
            }
            Target::Auto => auto::pick(candidates, session),
        }
    }

    /// The person: a member that stands for one, or the operator.
    fn person(&self, candidates: &Candidates, session: &Session, why: String) -> Pick {
        let agents = session.team().map(|team| team.agents.as_slice()).unwrap_or_default();
        let proxy = agents.iter().find(|agent| agent.kind == AgentKind::UserProxy);
        match proxy.filter(|agent| candidates.eligible.contains(&agent.name)) {
            Some(agent) => Pick::Choose(candidates.choose(agent.name.clone(), "handoff", why, 0)),
            None => Pick::Words { proposed: candidates.last.clone() },
        }
    }
}

impl Selector for Handoff {
    fn pick(&self, candidates: &Candidates, session: &Session) -> Pick {
        let Some(team) = session.team() else { return Pick::Person { proposed: None } };
        let (newest, answered) = self.newest(session);
        let Some(message) = newest else {
            let first = self.initial.clone().or_else(|| team.agents.first().map(|agent| agent.name.clone()));
            return match first {
                Some(name) => self.to(&Target::Agent(name), candidates, session, "begins".to_owned()),
                None => Pick::Person { proposed: None },
            };
        };
        let author: Name = message.author.name().into();
        if let Some(to) = &message.handoff {
            let person = &**to == Author::Operator.name();
            return match person && answered {
                // AG2: after the user the agent that spoke before has the floor again.
                true => {
                    self.to(&Target::Agent(author), candidates, session, "handed over to you, and you spoke".into())
                }
                false => {
                    let why = format!("{author} handed over");
                    self.to(&Target::Agent(to.clone()), candidates, session, why)
                }
            };
        }
        if answered && session.transcript().run().iter().all(|entry| entry.message.author == Author::Operator) {
            // A new run: whoever had the floor goes on.
            return self.to(&Target::Agent(author), candidates, session, "had the floor".to_owned());
        }
        let last = team.agent(&author);
        if last.is_some_and(|agent| agent.kind == AgentKind::UserProxy && agent.after_work.is_empty())
            && let Some(before) = self.before_person(&author, session)
        {
            return self.to(&Target::Agent(before), candidates, session, format!("spoke before {author}"));
        }
        let back = |target: &Target| match target {
            // AG2: after the user the agent that spoke before has the floor again.
            Target::User if answered => (Target::Agent(author.clone()), Some("handed over to you, and you spoke")),
            target => (target.clone(), None),
        };
        let own = last.map(|agent| agent.after_work.as_slice()).unwrap_or_default();
        let holds = |rule: &String| rules::applies(rule, session);
        // AG2: those with a condition first, wherever the one without stands.
        let conditional = own.iter().find(|after| after.when.as_ref().is_some_and(holds));
        let (target, why) = match conditional.or_else(|| own.iter().find(|after| after.when.is_none())) {
            Some(after) => {
                let why =
                    after.when.as_ref().map_or("after its work".to_owned(), |rule| format!("after its work: {rule}"));
                (&after.target, why)
            }
            None => (&self.after_work, "nobody was handed the floor".to_owned()),
        };
        let (target, answer) = back(target);
        self.to(&target, candidates, session, answer.map_or(why, str::to_owned))
    }

    fn takes_the_only(&self) -> bool {
        false
    }

    fn foresee(&self, candidates: &Candidates, session: &Session) -> Option<Choice> {
        let message = self.newest(session).0?;
        let to = message.handoff.as_ref().filter(|to| candidates.eligible.contains(to))?;
        Some(candidates.choose(to.clone(), "handoff", format!("{} handed over", message.author.name()), 0))
    }
}

impl Handoff {
    /// Who spoke before the person did.
    fn before_person(&self, person: &str, session: &Session) -> Option<Name> {
        let earlier = session.transcript().entries().iter().rev().filter(|entry| entry.message.is_shared());
        let mut authors = earlier.filter_map(|entry| match &entry.message.author {
            Author::Agent(name) if &**name != person => Some(name.clone()),
            _ => None,
        });
        authors.next()
    }
}

/// What is wrong with the options in this team, and with its hand-offs.
pub fn review(options: &Options, team: &Team) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if let Some(name) = text(options, "initial").filter(|name| team.agent(name).is_none()) {
        remarks.push(Remark::nobody("initial", name));
    }
    if let Some(Target::Agent(name)) = text(options, "after_work").map(target)
        && team.agent(&name).is_none()
    {
        remarks.push(Remark::nobody("after_work", &name));
    }
    if team.agents.iter().all(|agent| agent.handoffs.is_empty() && agent.after_work.is_empty()) {
        let help = "add for example handoffs = [\"Expert\"] to an agent";
        remarks.push(Remark::error("", "no agent of this team hands over to anybody", help).odd());
    }
    remarks
}
