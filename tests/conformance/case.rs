//! A case as it stands in a file.

use crate::chat::request::FailureKind;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A file of cases: one section of a reference.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// `AG2` or `AgentChat`.
    pub family: String,
    /// Title of the section.
    pub section: String,
    /// What an agent that is given by its name alone says, always: `{name}` and `{NAME}` stand for its name.
    pub stub: String,
    /// What the cases' teams have in common, under `[team]`.
    #[serde(default)]
    pub team: toml::Table,
    /// The cases.
    #[serde(default)]
    pub case: Vec<Case>,
}

/// One numbered case.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The reference's number.
    pub id: String,
    /// Set-up and action, in a few words.
    pub about: String,
    /// What the reference says comes of it.
    #[serde(default)]
    pub expects: String,
    /// What comes of it here, where that is something else.
    #[serde(default)]
    pub ours: String,
    /// Why it is something else here, on purpose.
    pub differs: Option<String>,
    /// The feature it waits for.
    pub pending: Option<String>,
    /// Why it cannot be put as a case.
    pub inexpressible: Option<String>,
    /// A test elsewhere that shows it: `tests/code.rs::name`, `tests/scenarios/name.toml::scenario`.
    pub proof: Option<String>,

    /// Under `[team]`, over what the file has.
    #[serde(default)]
    pub team: toml::Table,
    /// Names, or tables as under `[[agents]]`; one without a `kind` is a stub.
    #[serde(default)]
    pub agents: Vec<toml::Value>,
    /// Under `[models]`; without any there is one, `main`, whose words come from `replies`.
    #[serde(default)]
    pub models: toml::Table,
    /// Other tables of the team file, by name.
    #[serde(default)]
    pub tables: toml::Table,
    /// What the check of the team file must say instead of letting it run; nothing else is played then.
    pub refuses: Option<String>,

    /// Nobody sits at a screen.
    #[serde(default)]
    pub headless: bool,
    /// The words that open the conversation.
    pub begin: Option<String>,
    /// In whose name they are said.
    pub by: Option<String>,
    /// What each agent's model says, call by call; the selector's is `selector`.
    #[serde(default)]
    pub replies: BTreeMap<String, Vec<Reply>>,
    /// What programs print and how they exit, in order.
    #[serde(default)]
    pub outcomes: Vec<(i32, String)>,
    /// What the operator does, each when nothing goes on by itself any more.
    #[serde(default)]
    pub steps: Vec<Step>,

    /// The transcript: `author: text`, interrupted words in brackets.
    pub said: Option<Vec<String>>,
    /// Who had the floor and how that came: `alice round_robin`.
    pub chosen: Option<Vec<String>>,
    /// Every question to the person: `me feedback`.
    pub asked: Option<Vec<String>>,
    /// What each agent's model was sent, call by call: `user a: words`; system messages only for the selector.
    #[serde(default)]
    pub sees: BTreeMap<String, Vec<Vec<String>>>,
    /// How often a model was asked.
    #[serde(default)]
    pub calls: BTreeMap<String, usize>,
    /// Parts of the selector's requests, by the number of the request from 1.
    #[serde(default)]
    pub question: BTreeMap<String, Vec<String>>,
    /// The tools that each agent's model was offered, call by call: a name, or `name: description`.
    #[serde(default)]
    pub offers: BTreeMap<String, Vec<Vec<String>>>,
    /// How the results of tool calls begin, in order; `! ` marks an error.
    pub results: Option<Vec<String>>,
    /// Replies in a row at the end.
    #[serde(default)]
    pub counters: BTreeMap<String, u32>,
    /// The code that ran.
    pub ran: Option<Vec<String>>,
    /// Part of what each agent had the floor for: the reason of each choice, in order.
    pub reasons: Option<Vec<String>>,
    /// Who never had the floor twice in a row.
    #[serde(default)]
    pub never_twice: Vec<String>,
    /// Who had the floor twice in a row at least once.
    #[serde(default)]
    pub twice: Vec<String>,
    /// What all calls cost, in dollars.
    pub cost: Option<f64>,
    /// The newest summary.
    pub summary: Option<String>,
    /// What waits for the operator at the end.
    pub waits: Option<Vec<String>>,
    /// Every end on the branch, where there are several.
    pub ends: Option<Vec<End>>,
    /// The end; without it, none must have come.
    pub end: Option<End>,

    /// For code: the blocks that run, by the real executor.
    #[serde(default)]
    pub blocks: Vec<(String, String)>,
    /// For code: the time limit of a block.
    pub timeout_ms: Option<u64>,
    /// For code: the reply, exactly; `{dir}` is the working directory.
    pub reply: Option<String>,
    /// For code: parts of the reply.
    #[serde(default)]
    pub reply_has: Vec<String>,
    /// For code: files in the working directory afterwards.
    pub files: Option<Vec<String>>,
}

/// One answer of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Reply {
    /// Words.
    Says(String),
    /// Something else.
    Does(Deed),
}

/// What a model does besides saying something.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deed {
    /// Words that the output limit cuts off.
    pub cut: Option<String>,
    /// How it fails.
    pub fail: Option<FailureKind>,
    /// Words before it fails, hangs or calls.
    #[serde(default)]
    pub after: String,
    /// Tools it wants called, each with its arguments, beside the words in `after`.
    #[serde(default)]
    pub calls: Vec<(String, String)>,
    /// Whether it goes on for ever.
    #[serde(default)]
    pub hangs: bool,
}

/// Something the operator does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Who asks and what for, if this answers a question: `me feedback`.
    pub ask: Option<String>,
    /// The answer: words.
    pub say: Option<String>,
    /// The answer: nothing.
    #[serde(default)]
    pub skip: bool,
    /// The answer: the end of the conversation; without an ask, the end of the run.
    #[serde(default)]
    pub end: bool,
    /// A pick of the next speaker, which must be wanted.
    pub pick: Option<String>,
    /// Among whom the pick must be.
    pub of: Option<Vec<String>>,
    /// Leaves the pick to the proposal.
    #[serde(default)]
    pub accept: bool,
    /// Calls on somebody.
    pub call_on: Option<String>,
    /// The queue.
    pub queue: Option<Vec<String>>,
    /// Words to the team.
    pub speak: Option<String>,
    /// In whose name.
    #[serde(rename = "as")]
    pub by: Option<String>,
    /// Goes on after a pause.
    #[serde(default)]
    pub resume: bool,
    /// Begins another run after an end, without words.
    #[serde(default)]
    pub go_on: bool,
    /// Goes on for one turn.
    #[serde(default)]
    pub step: bool,
    /// A pause after this turn.
    #[serde(default)]
    pub pause: bool,
    /// Asks for the end at the next turn boundary.
    #[serde(default)]
    pub terminate: bool,
    /// Stops what is under way.
    #[serde(default)]
    pub interrupt: bool,
    /// Lets the code run that waits.
    #[serde(default)]
    pub approve: bool,
    /// Lets it run, and asks no more for the same.
    #[serde(default)]
    pub remember: bool,
    /// Does not let it run, for this reason.
    pub deny: Option<String>,
    /// Edits message number ...
    pub edit: Option<usize>,
    /// ... to this.
    pub to: Option<String>,
    /// The process is killed and the log opened again.
    #[serde(default)]
    pub reopen: bool,
    /// Part of the refusal that must come.
    pub refused: Option<String>,
}

/// An end.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// As in the log; with `condition`, its name follows after a colon.
    pub cause: String,
    /// How its text begins.
    pub text: Option<String>,
    /// Who caused it.
    pub agent: Option<String>,
}

/// How a case stands.
pub enum Standing<'a> {
    /// As the reference says.
    Same,
    /// Otherwise, for a reason.
    Differs(&'a str),
    /// Waits for a feature.
    Pending(&'a str),
    /// Cannot be put as a case.
    Inexpressible(&'a str),
}

impl Case {
    /// How it stands.
    pub fn standing(&self) -> Standing<'_> {
        match (&self.differs, &self.pending, &self.inexpressible) {
            (Some(why), _, _) => Standing::Differs(why),
            (_, Some(feature), _) => Standing::Pending(feature),
            (_, _, Some(why)) => Standing::Inexpressible(why),
            _ => Standing::Same,
        }
    }

    /// Whether it is about an executor alone.
    pub fn is_code(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Whether there is something to play.
    pub fn plays(&self) -> bool {
        !self.agents.is_empty() || self.refuses.is_some() || self.is_code()
    }
}

/// Whether there is such a test.
pub fn proven(proof: &str) -> Result<(), String> {
    let (file, name) = proof.split_once("::").ok_or(format!("{proof:?} is not file::test"))?;
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
        .map_err(|error| format!("{file}: {error}"))?;
    // A test, a case of a table, or a scenario (which is a file).
    let found = text.contains(&format!("fn {name}(")) || (name == "scenario" && file.starts_with("tests/scenarios/"));
    found.then_some(()).ok_or(format!("{file} has no test {name:?}"))
}
