//! What a team file may say, but probably does not mean: one function a lint.

use super::{Marks, endings};
use crate::chat::team::{Agent, AgentKind, ApprovalPolicy, Condition, HumanInputMode, Repeat, Spec, Team};
use crate::chat::usage::estimate_tokens;
use crate::settings::reader::{Findings, Span};
use crate::settings::report::Finding;
use std::collections::BTreeSet;

/// Providers that cost nothing and whose words are not decided by a prompt.
const SCRIPTED: &str = "scripted";
/// The condition that looks for a text in messages.
const MENTION: &str = "text_mention";

/// Ways to choose speakers that say themselves when the work is done.
const ENDS_BY_ITSELF: [&str; 5] = ["concurrent", "graph", "handoff", "magentic", "sequential"];

/// Adds all warnings about a team that has no errors.
pub(super) fn check(findings: &Findings, team: &Team, marks: &Marks) {
    let lints = [
        endless,
        mentions,
        late,
        twins,
        voiceless,
        overkill,
        unpriced,
        unasked,
        short,
        mute,
        unread,
        doubles,
        crowded,
        cornered,
        unwatched,
        endings::unreachable,
        endings::programs,
        endings::all_silent,
    ];
    for lint in lints {
        for finding in lint(team, marks) {
            findings.push(finding);
        }
    }
}

pub(super) fn warn(message: impl Into<String>, span: Option<&Span>, help: impl Into<String>) -> Finding {
    Finding { span: span.cloned(), ..Finding::warning(message).help(help) }
}

/// Every single condition of the team with the place of the table it stands in.
pub(super) fn singles<'a>(team: &'a Team, marks: &'a Marks) -> Vec<(&'a Spec, &'a Span)> {
    fn walk<'a>(condition: &'a Condition, span: &'a Span, found: &mut Vec<(&'a Spec, &'a Span)>) {
        match condition {
            Condition::Any(parts) | Condition::All(parts) => parts.iter().for_each(|part| walk(part, span, found)),
            Condition::One(spec) => found.push((spec, span)),
        }
    }
    let mut found = Vec::new();
    for (condition, span) in team.termination.iter().zip(&marks.conditions) {
        walk(condition, span, &mut found);
    }
    found
}

/// Nothing but the number of rounds ends the run.
fn endless(team: &Team, _: &Marks) -> Vec<Finding> {
    if ENDS_BY_ITSELF.contains(&team.speaker_selection_method.kind.as_str()) {
        return Vec::new();
    }
    if !team.termination.is_empty() {
        return Vec::new();
    }
    let message = format!("no termination condition: only `max_round = {}` ends this run", team.max_round);
    vec![warn(message, None, "add for example [[team.termination]] with text_mention = \"TERMINATE\"")]
}

/// A text that ends the run stands where it would be met too early, or nobody has been told to say it.
fn mentions(team: &Team, marks: &Marks) -> Vec<Finding> {
    let mut found = Vec::new();
    for (spec, span) in singles(team, marks).into_iter().filter(|(spec, _)| spec.kind == MENTION) {
        let Some(text) = ["value", "text"].iter().find_map(|key| spec.options.get(*key)?.as_str()) else { continue };
        if text.is_empty() {
            continue;
        }
        let task = team.task.as_deref().is_some_and(|task| task.contains(text));
        if task {
            let message = format!("the task itself contains {text:?}: an agent that quotes the task ends the run");
            found.push(warn(message, marks.task.as_ref(), "say it in an agent's system_message instead"));
        }
        for (agent, places) in team.agents.iter().zip(&marks.agents) {
            if places.description.is_some() && agent.description.contains(text) {
                let message = format!(
                    "the description of {:?} contains {text:?}, and saying that ends the run: the others may quote it",
                    &*agent.name
                );
                let help = "descriptions are shown to others; say it in the system_message instead";
                found.push(warn(message, places.description.as_ref(), help));
            }
            // Whoever may end the run must be told the words; but where anybody's words count, a quotation does too.
            let anybody = !spec.options.contains_key("sources");
            if anybody && places.system_message.is_some() && agent.system_message.contains(text) {
                let message = format!(
                    "the system message of {:?} contains {text:?}, and anybody who repeats it ends the run",
                    &*agent.name
                );
                let help = format!("let it count from one agent only: sources = [{:?}]", &*agent.name);
                found.push(warn(message, places.system_message.as_ref(), &help));
            }
        }
        if !task && !somebody_may_say(team, text) {
            let message = format!("nobody has been told to say {text:?}: this condition may never be met");
            found.push(warn(message, Some(span), "tell an assistant in its system_message when to say it"));
        }
    }
    found
}

/// Whether a prompt asks for the text, or words come from a person or a script, which no prompt decides.
fn somebody_may_say(team: &Team, text: &str) -> bool {
    team.agents.iter().any(|agent| {
        agent.system_message.contains(text)
            || agent.human_input_mode != HumanInputMode::Never
            || agent.code_execution.is_some()
            || agent.default_auto_reply.as_deref().is_some_and(|reply| reply.contains(text))
    }) || team.models.values().any(|model| model.provider.kind == SCRIPTED)
}

/// A count of messages that `max_round` reaches first.
fn late(team: &Team, marks: &Marks) -> Vec<Finding> {
    let most = u64::from(team.max_round);
    singles(team, marks)
        .into_iter()
        .filter(|(spec, _)| spec.kind == "max_messages")
        .filter_map(|(spec, span)| Some((spec.options.get("value")?.as_u64()?, span)))
        .filter(|(count, _)| *count > most)
        .map(|(count, span)| {
            let message = format!("{count} messages are never reached: `max_round = {most}` ends the run before");
            warn(message, Some(span), "`max_round` counts messages too; raise it, or take this condition out")
        })
        .collect()
}

/// The same condition twice.
fn twins(team: &Team, marks: &Marks) -> Vec<Finding> {
    let conditions = || team.termination.iter().zip(&marks.conditions);
    conditions()
        .enumerate()
        .filter(|(at, (condition, _))| conditions().take(*at).any(|(earlier, _)| earlier == *condition))
        .map(|(_, (_, span))| warn("this condition stands here twice", Some(span), "take one of them out"))
        .collect()
}

/// Selected by description, without one.
fn voiceless(team: &Team, marks: &Marks) -> Vec<Finding> {
    if team.speaker_selection_method.kind != "auto" {
        return Vec::new();
    }
    let agents = team.agents.iter().zip(&marks.agents).filter(|(agent, _)| agent.description.trim().is_empty());
    agents
        .map(|(agent, places)| {
            let message = format!("{:?} has an empty description: `auto` has no reason to call it", &*agent.name);
            warn(message, places.description.as_ref().or(Some(&places.name)), "say in a sentence what it is good for")
        })
        .collect()
}

/// A model is asked who of two speaks next.
fn overkill(team: &Team, marks: &Marks) -> Vec<Finding> {
    if team.speaker_selection_method.kind != "auto" || team.agents.len() != 2 {
        return Vec::new();
    }
    let message = "`auto` asks a model after every message who of two agents speaks next";
    vec![warn(message, marks.method.as_ref(), "\"round_robin\" lets them take turns and costs nothing")]
}

/// Models whose cost cannot be counted.
fn unpriced(team: &Team, marks: &Marks) -> Vec<Finding> {
    let models = team.models.iter().filter(|(_, model)| model.price.is_none() && model.provider.kind != SCRIPTED);
    models
        .map(|(key, model)| {
            let message = format!("no price is known for {:?}: limits on cost cannot count it", model.model);
            let help = "add price = { input = …, output = … } in dollars per million tokens; 0 for a model of your own";
            warn(message, marks.models.get(key), help)
        })
        .collect()
}

/// Code that nobody looks at before it runs.
fn unasked(team: &Team, marks: &Marks) -> Vec<Finding> {
    let agents = team.agents.iter().zip(&marks.agents);
    agents
        .filter(|(agent, _)| agent.code_execution.as_ref().is_some_and(|code| code.approval == ApprovalPolicy::Never))
        .map(|(agent, places)| {
            let message = format!("{:?} runs what models write without asking anybody", &*agent.name);
            warn(message, places.approval.as_ref(), "approval = \"always\" shows you the code before it runs")
        })
        .collect()
}

/// Not everybody gets to speak.
fn short(team: &Team, marks: &Marks) -> Vec<Finding> {
    if team.max_round as usize >= team.agents.len() {
        return Vec::new();
    }
    let message =
        format!("`max_round = {}` ends the run before all {} agents could speak", team.max_round, team.agents.len());
    vec![warn(message, marks.max_round.as_ref(), "it counts messages, the task included")]
}

/// An agent that ends the chat when its turn comes (AG2: human input NEVER, limit reached).
fn mute(team: &Team, marks: &Marks) -> Vec<Finding> {
    let agents = team.agents.iter().zip(&marks.agents);
    agents
        .filter(|(agent, _)| agent.max_consecutive_auto_reply == 0 && agent.human_input_mode == HumanInputMode::Never)
        .map(|(agent, places)| {
            let who = if agent.kind == AgentKind::Executor { "executor" } else { "agent" };
            let message =
                format!("{who} {:?} may not reply even once and asks nobody: its turn ends the chat", &*agent.name);
            warn(message, places.limit.as_ref(), "raise `max_consecutive_auto_reply`, or set a human_input_mode")
        })
        .collect()
}

/// A rule for what a model is sent, without a model.
fn unread(team: &Team, marks: &Marks) -> Vec<Finding> {
    let agents = team.agents.iter().zip(&marks.agents);
    agents
        .filter(|(agent, _)| agent.model.is_none() && !agent.context.is_full())
        .map(|(agent, places)| {
            let message = format!("{:?} has no model, so its `context` decides nothing", &*agent.name);
            warn(message, places.context.as_ref(), "code is looked for in `last_n_messages` of `code_execution`")
        })
        .collect()
}

/// Two agents that are told the same: the selector cannot tell them apart, and neither adds anything.
fn doubles(team: &Team, marks: &Marks) -> Vec<Finding> {
    const WORDS: usize = 8;
    // Two sides of a debate may differ in a word; that word is their part.
    const ALIKE: f64 = 0.95;
    let words = |agent: &Agent| -> BTreeSet<String> {
        let text = agent.system_message.to_lowercase().replace(&agent.name.to_lowercase(), "");
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    // What nobody wrote is the same for all, and says nothing about them.
    let told: Vec<_> = team
        .agents
        .iter()
        .zip(&marks.agents)
        .filter(|(_, places)| places.system_message.is_some())
        .map(|(agent, places)| (agent, places, words(agent)))
        .filter(|(.., words)| words.len() >= WORDS)
        .collect();
    let mut found = Vec::new();
    for (at, (agent, places, own)) in told.iter().enumerate() {
        let twin = told[..at].iter().find(|(.., other)| {
            let common = own.intersection(other).count() as f64;
            common / own.union(other).count().max(1) as f64 >= ALIKE
        });
        if let Some((other, ..)) = twin {
            let message = format!("{:?} and {:?} are told nearly the same", &*other.name, &*agent.name);
            let help = "agents with one role agree with each other and repeat each other; give each a part of its own";
            found.push(warn(message, places.system_message.as_ref(), help));
        }
    }
    found
}

/// What an agent is sent first fills most of its model's window.
fn crowded(team: &Team, marks: &Marks) -> Vec<Finding> {
    let shared: u64 = [team.task.as_deref(), team.introduction().as_deref()]
        .into_iter()
        .flatten()
        .chain(team.initial.iter().map(|initial| &*initial.content))
        .map(estimate_tokens)
        .sum();
    let mut found = Vec::new();
    for (agent, places) in team.agents.iter().zip(&marks.agents) {
        let model = agent.model.as_ref().and_then(|key| team.models.get(key));
        let Some(window) = model.and_then(|model| model.context_window).filter(|window| *window > 0) else { continue };
        let sent = shared + estimate_tokens(&agent.system_message);
        if sent * 2 > window {
            let message = format!(
                "{:?} is sent about {sent} tokens before anybody has spoken; its model holds {window}",
                &*agent.name
            );
            let help =
                "the conversation has to fit as well: shorten the system message or the task, or take a larger model";
            found.push(warn(message, places.system_message.as_ref().or(Some(&places.name)), help));
        }
    }
    found
}

/// Nobody is left to speak after the first turn.
fn cornered(team: &Team, marks: &Marks) -> Vec<Finding> {
    let speaking = team.agents.iter().filter(|agent| !agent.silent);
    let mut speaking = speaking.map(|agent| &agent.name);
    let (Some(only), None) = (speaking.next(), speaking.next()) else { return Vec::new() };
    let repeats = match &team.allow_repeat_speaker {
        Repeat::Everyone => true,
        Repeat::Nobody => false,
        Repeat::Only(names) => names.contains(only),
    };
    if repeats {
        return Vec::new();
    }
    let message = format!("only {only:?} can speak, and nobody may speak twice in a row: the run ends after one turn");
    vec![warn(message, marks.method.as_ref(), "allow_repeat_speaker = true, or add an agent that answers")]
}

/// Tools that a model may use without anybody looking.
fn unwatched(team: &Team, marks: &Marks) -> Vec<Finding> {
    let used = |name: &str| {
        team.agents.iter().zip(&marks.agents).find(|(agent, _)| agent.tools.iter().any(|tool| tool == name))
    };
    team.tools
        .iter()
        .filter(|(_, tool)| tool.execution.approval == ApprovalPolicy::Never && tool.source.kind != "builtin")
        .filter_map(|(name, _)| used(name).map(|(agent, places)| (name, agent, places)))
        .map(|(name, agent, places)| {
            let message = format!("{:?} may run the tool {name:?} without asking anybody", &*agent.name);
            let span = places.tools.iter().find(|(tool, _)| tool == name).map(|(_, span)| span);
            warn(message, span, "approval = \"always\" in its `execution` shows you each call, if it changes anything")
        })
        .collect()
}
