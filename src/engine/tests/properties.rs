//! Whatever the models say and the operator does, in whatever order: what always holds.

use super::world::{Reply, World, fail, fenced, say};
use crate::chat::Name;
use crate::chat::code::CodeBlock;
use crate::chat::command::Command;
use crate::chat::configure::Change;
use crate::chat::end::{SummaryMethod, SummarySetup};
use crate::chat::event::{Answer, Boundary, EndCause, Event, Record, Resolution, Verdict};
use crate::chat::failing::{GiveUp, OnFailure};
use crate::chat::request::{FailureKind, Purpose};
use crate::chat::team::{
    Agent, ApprovalPolicy, Condition, Handoff, HumanInputMode, Limits, Repeat, Spec, Team, ToolSetup, Transitions,
};
use crate::engine::Rules;
use crate::engine::effect::Input;
use crate::session::testing::{runner, speaker, speakers, team};
use crate::session::{Session, Waiting};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

const NAMES: [&str; 4] = ["a", "b", "p", "x"];

/// Something that is done to a run. Numbers choose among what is there.
#[derive(Debug, Clone)]
enum Act {
    /// Let so many things happen by themselves.
    Wait(u8),
    /// A command that depends on nothing.
    Plain(Command),
    /// Consent or refuse what waits: how, and whether to remember.
    Decide(u8, bool),
    /// Answer what is asked.
    Reply(u8),
    /// Edit one of the messages.
    Edit(usize),
    /// Go to one of the records.
    Move(usize),
    /// Say what became of an unknown effect.
    Resolve(Resolution),
    /// A signal.
    Signal(bool),
    /// Kill the process and open the log again.
    Reopen,
}

fn a_name() -> impl Strategy<Value = Name> {
    prop::sample::select(&NAMES[..]).prop_map(Into::into)
}

fn a_command() -> impl Strategy<Value = Command> {
    let boundary = prop_oneof![Just(Boundary::Turn), Just(Boundary::Step)];
    prop_oneof![
        ("[a-c ]{0,6}", prop::option::of(a_name()))
            .prop_map(|(text, as_agent)| Command::Speak { text: text.as_str().into(), as_agent }),
        (a_name(), a_name(), any::<bool>()).prop_map(|(to, name, announced)| Command::Whisper {
            text: "psst".into(),
            as_agent: announced.then_some(name),
            to: vec![to],
            announced,
        }),
        (a_name(), 0u32..3).prop_map(|(agent, limit)| Command::Configure {
            agent,
            change: Change { max_consecutive_auto_reply: Some(limit), ..Change::default() },
        }),
        a_name().prop_map(|agent| Command::CallOn { agent }),
        prop::collection::vec(a_name(), 0..3).prop_map(|queue| Command::Queue { queue }),
        a_name().prop_map(|agent| Command::Enqueue { agent }),
        Just(Command::AcceptProposal),
        Just(Command::Propose),
        (a_name(), prop::option::of(1u32..3)).prop_map(|(agent, turns)| Command::Bar { agent, turns }),
        a_name().prop_map(|agent| Command::Unbar { agent }),
        boundary.prop_map(|boundary| Command::Pause { boundary }),
        Just(Command::Resume),
        Just(Command::Resume),
        Just(Command::Step),
        Just(Command::Interrupt),
        Just(Command::End),
        Just(Command::Terminate),
        Just(Command::RaiseLimits),
        Just(Command::Continue),
    ]
}

fn an_act() -> impl Strategy<Value = Act> {
    let resolution = prop_oneof![Just(Resolution::Done), Just(Resolution::AskAgain), Just(Resolution::GiveUp)];
    prop_oneof![
        6 => (1u8..12).prop_map(Act::Wait),
        5 => a_command().prop_map(Act::Plain),
        3 => (0u8..4, any::<bool>()).prop_map(|(how, remember)| Act::Decide(how, remember)),
        2 => (0u8..3).prop_map(Act::Reply),
        1 => any::<usize>().prop_map(Act::Edit),
        1 => any::<usize>().prop_map(Act::Move),
        1 => resolution.prop_map(Act::Resolve),
        1 => any::<bool>().prop_map(Act::Signal),
        1 => Just(Act::Reopen),
    ]
}

fn a_reply() -> impl Strategy<Value = Reply> {
    use FailureKind::*;
    let kinds = prop::sample::select(&[Server, CutOff, Key, Garbled, RateLimited, Filtered][..]);
    prop_oneof![
        4 => "[a-d]{1,3} words".prop_map(|text| say(&text)),
        2 => a_name().prop_map(|name| say(&name)),
        2 => (0..3).prop_map(|n| say(&fenced(&format!("print({n})")))),
        1 => Just(say("TERMINATE")),
        1 => Just(say("")),
        1 => Just(Reply::Cut(fenced("print(9)"))),
        1 => kinds.clone().prop_map(fail),
        1 => kinds.prop_map(|kind| Reply::Fail("half a se".into(), kind)),
        1 => Just(Reply::Hang("and so".into())),
        2 => prop::collection::vec(a_call(), 1..4).prop_map(|calls| Reply::Call(String::new(), calls)),
    ]
}

/// Fine, refused, unknown, a hand-off.
fn a_call() -> impl Strategy<Value = (String, String)> {
    let calls = [("find", "{\"q\":\"x\"}"), ("find", "{"), ("nope", "{}"), ("transfer_to_b", "{}")];
    prop::sample::select(calls.to_vec()).prop_map(|(name, arguments)| (name.to_owned(), arguments.to_owned()))
}

fn a_method() -> impl Strategy<Value = Spec> {
    let edges = json!([
        {"from": "a", "to": "b"}, {"from": "a", "to": "x"}, {"from": "b", "to": "p"}, {"from": "x", "to": "p"},
        {"from": "p", "to": "a", "contains": "on", "join": "any", "group": "back"},
    ]);
    let graph = json!({"edges": edges, "start": ["a"]});
    let with = |kind: &str, options: &serde_json::Value| Spec {
        options: options.as_object().unwrap().clone(),
        ..Spec::named(kind)
    };
    let plain = prop::sample::select(&["round_robin", "random", "manual", "auto", "sequential", "handoff"][..]);
    prop_oneof![
        6 => plain.prop_map(Spec::named),
        2 => prop::sample::select(&["rule", "command"][..]).prop_map(method_of),
        1 => Just(with("concurrent", &json!({"steps": 2}))),
        1 => Just(with("graph", &graph)),
        1 => prop::sample::select(&["user", "terminate", "ask", "random"][..])
            .prop_map(move |word| with("handoff", &json!({"after_work": word}))),
    ]
}

/// A way to choose with what it needs.
fn method_of(name: &str) -> Spec {
    let options = match name {
        "rule" => json!({ "otherwise": "auto", "rules": [
            { "when": "last.speaker == a", "speaker": "x" }, { "when": "count(b) < 2", "speaker": "b" },
        ] }),
        "command" => json!({ "command": { "argv": ["/pick"], "dir": "/" } }),
        _ => return Spec::named(name),
    };
    let Value::Object(options) = options else { unreachable!() };
    Spec { kind: name.into(), options }
}

/// Conditions of every kind that others than the models decide.
fn some_endings() -> impl Strategy<Value = Vec<Condition>> {
    let one = |kind: &str, options: Value| {
        let Value::Object(options) = options else { unreachable!() };
        Condition::One(Spec { kind: kind.into(), options })
    };
    let parts = vec![
        one("rule", json!({ "value": "round > 5 and speaker == b" })),
        one("command", json!({ "command": { "argv": ["/done"], "dir": "/" } })),
        one("ask_operator", json!({ "value": 3 })),
        one("external", json!({ "value": true })),
        one("idle", json!({ "value": 60_000 })),
        one("max_turns", json!({ "value": 7 })),
        one("text_mention", json!({ "value": "a" })),
    ];
    let some = prop::sample::subsequence(parts, 0..=3);
    (some.clone(), some).prop_map(|(mut any, all)| {
        any.push(Condition::All(all));
        any
    })
}

/// A graph over the names, dead ends and all.
fn some_transitions() -> impl Strategy<Value = Transitions> {
    prop::collection::vec(prop::sample::subsequence(&NAMES[..], 0..=4), 4).prop_map(|targets| {
        let names = |list: Vec<&str>| list.into_iter().map(Name::from).collect();
        Transitions { after: NAMES.iter().map(|name| (*name).into()).zip(targets.into_iter().map(names)).collect() }
    })
}

fn a_gate() -> impl Strategy<Value = Option<String>> {
    const RULES: [&str; 4] = ["count(a) > 1", "last.speaker != user", "not finding and round < 6", "result == failed"];
    prop::option::of(prop::sample::select(&RULES[..]).prop_map(str::to_owned))
}

fn a_team() -> impl Strategy<Value = Team> {
    let modes = prop::sample::select(&[HumanInputMode::Always, HumanInputMode::Never, HumanInputMode::Terminate][..]);
    let approval = prop_oneof![Just(ApprovalPolicy::Always), Just(ApprovalPolicy::Never)];
    let methods = a_method();
    let repeat = prop_oneof![Just(Repeat::Everyone), Just(Repeat::Nobody), Just(Repeat::Only(vec!["a".into()]))];
    let limit = prop::option::of(40u64..200);
    let narrowed = (prop::option::of(some_transitions()), prop::option::of(Just(5_000)), a_gate(), some_endings());
    (any::<u64>(), modes, approval, methods, repeat, 2u32..14, limit, narrowed).prop_map(
        |(seed, human_input_mode, approval, method, allow_repeat_speaker, max_round, max_tokens, narrowed)| {
            let (speaker_transitions, pick_countdown_ms, available_when, termination) = narrowed;
            let proxy = Agent {
                human_input_mode,
                max_consecutive_auto_reply: 2,
                model: None,
                default_auto_reply: Some("go on".into()),
                ..speaker("p")
            };
            let parameters = json!({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]});
            let execution = runner("x", approval).code_execution.unwrap();
            let find = ToolSetup::command("Finds.", parameters, vec!["grep".into(), "{q}".into()], execution);
            let to_b = Handoff {
                target: "b".into(),
                name: "transfer_to_b".into(),
                description: "Handoff to b.".into(),
                message: "Your turn.".into(),
                available_when: None,
                when: None,
                set: Default::default(),
            };
            let caller = Agent {
                tools: vec!["find".into()],
                handoffs: vec![to_b],
                max_tool_iterations: 1 + max_round % 3,
                reflect_on_tool_use: max_round % 2 == 0,
                ..speaker("a")
            };
            let skips = OnFailure { retry: (seed % 2) as u32, wait_ms: 1000, then: GiveUp::Skip };
            let b = Agent { on_failure: (seed % 3 == 0).then_some(skips), ..speaker("b") };
            Team {
                speaker_selection_method: method,
                termination,
                tools: [("find".to_owned(), find)].into(),
                selector_model: Some("main".into()),
                allow_repeat_speaker,
                speaker_transitions,
                pick_countdown_ms,
                max_round,
                seed,
                watch: Default::default(),
                summary: (seed % 2 == 0).then(reflection),
                limits: Limits { max_cost: None, max_tokens, max_time_ms: None, max_executions: Some(4) },
                ..team(vec![caller, Agent { available_when, ..b }, proxy, runner("x", approval)])
            }
        },
    )
}

fn reflection() -> SummarySetup {
    SummarySetup { method: SummaryMethod::ReflectionWithLlm, prompt: None, model: Some("main".into()) }
}

fn a_script() -> impl Strategy<Value = BTreeMap<String, Vec<Reply>>> {
    let one = || prop::collection::vec(a_reply(), 0..12);
    (one(), one(), one())
        .prop_map(|(a, b, s)| [("a".to_owned(), a), ("b".to_owned(), b), ("selector".to_owned(), s)].into())
}

fn act(world: &mut World, act: Act, headless: bool) {
    let waiting = world.session.waiting();
    let command = match act {
        Act::Wait(n) => {
            world.settle();
            for _ in 0..n {
                world.step();
            }
            return;
        }
        Act::Signal(ends) => return world.input(Input::Stop { cause: ends.then_some(EndCause::Interrupted) }),
        Act::Reopen => {
            let scripts = std::mem::take(&mut world.scripts);
            *world = world.reopened(Rules { headless, ..Rules::default() });
            world.scripts = scripts;
            world.advice.extend([Ok("x"), Ok("")]);
            return;
        }
        Act::Plain(command) => command,
        Act::Decide(how, remember) => {
            let Some(Waiting::Approval(approval)) = waiting.first().cloned() else { return };
            let hash = world.session.approval(approval).unwrap().hash.clone();
            let blocks = vec![CodeBlock { language: "python".into(), code: "print(7)".into() }];
            let verdict = match how {
                0 => Verdict::Deny("no".into()),
                1 => Verdict::RunEdited(blocks),
                _ => Verdict::Run,
            };
            Command::Decide { approval, hash, verdict, seen_in_full: true, remember }
        }
        Act::Reply(how) => {
            let Some(Waiting::Ask(ask)) = waiting.first().cloned() else { return };
            let answer = [Answer::Skip, Answer::Say("mine".into()), Answer::End][how as usize].clone();
            Command::Reply { ask, answer }
        }
        Act::Edit(place) => {
            let entries = world.session.transcript().entries();
            let Some(entry) = entries.get(place % entries.len().max(1)) else { return };
            Command::Edit { message: entry.message.id, content: format!("{} indeed", entry.message.content).into() }
        }
        Act::Move(place) => {
            let log = world.session.log();
            Command::MoveTo { seq: log[place % log.len()].seq }
        }
        Act::Resolve(resolution) => {
            let Some(Waiting::Unknown(op)) = waiting.first().cloned() else { return };
            Command::Resolve { op, resolution }
        }
    };
    world.input(Input::Command(command));
}

/// What a session shows, in a form that can be compared.
fn shown(session: &Session) -> String {
    let meters: Vec<_> = NAMES.iter().map(|name| session.meter(name)).collect();
    format!(
        "{:?}",
        (
            (session.transcript().entries(), session.turns(), session.floor(), session.waiting(), session.hold()),
            (session.hold_asked(), session.ended(), session.limits(), session.spent(), session.findings()),
            (session.branches(), session.ids(), session.approvals().collect::<Vec<_>>(), meters, session.is_stepping()),
            (session.selector_meter(), session.rounds(), session.active_ms(i64::MAX / 2)),
            format!("{:?}", session.summing()),
        )
    )
}

fn fresh<T: std::hash::Hash + Eq + std::fmt::Debug>(used: &mut HashSet<T>, id: T) {
    let said = format!("{id:?} was used twice");
    assert!(used.insert(id), "{said}");
}

/// No identity twice on any branch, no consent for two runs, no end of what did not begin, and one of all that did.
fn check_log(log: &[std::sync::Arc<Record>]) {
    let (mut messages, mut turns, mut calls) = (HashSet::new(), HashSet::new(), HashSet::new());
    let (mut ops, mut consents, mut asked) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut over = HashSet::new();
    for record in log {
        match &record.event {
            Event::MessagePosted { message } => fresh(&mut messages, message.id),
            Event::TurnStarted { turn, .. } => fresh(&mut turns, *turn),
            Event::ModelCalled { call, .. } => fresh(&mut calls, *call),
            Event::ApprovalAsked { approval, .. } => fresh(&mut asked, *approval),
            Event::Intent { op, approval, .. } => {
                fresh(&mut ops, *op);
                fresh(&mut consents, *approval);
            }
            Event::Outcome { op, .. } | Event::OutcomeUnknown { op } => assert!(ops.contains(op) && over.insert(*op)),
            Event::ModelAnswered { call, .. } | Event::ModelInterrupted { call, .. } => assert!(calls.contains(call)),
            _ => {}
        }
        let json = serde_json::to_string(&**record).unwrap();
        assert_eq!(&serde_json::from_str::<Record>(&json).unwrap(), &**record, "{json}");
    }
    assert_eq!(ops, over, "an effect of which nobody knows what became");
}

/// On a branch every run ends at most once, and between two ends somebody has spoken or gone on.
fn check_ends(session: &Session) {
    let (mut over, mut summed) = (false, false);
    for record in session.path() {
        match &record.event {
            Event::Ended { .. } => assert!(!std::mem::replace(&mut over, true), "a run ended twice"),
            Event::MessagePosted { .. } | Event::Released { .. } => (over, summed) = (false, false),
            Event::ModelCalled { purpose: Purpose::Summarize, .. } => {
                assert!(over && !summed, "a summary of what goes on: {record:?}");
            }
            Event::Summarized(_) => {
                assert!(over && !std::mem::replace(&mut summed, true), "summed up twice, or before the end");
            }
            Event::TurnStarted { .. } | Event::Intent { .. } | Event::ModelCalled { .. } => {
                assert!(!over, "something began after the end: {record:?}");
            }
            _ => {}
        }
    }
}

fn play(team: &Team, headless: bool, script: &BTreeMap<String, Vec<Reply>>, acts: &[Act]) -> World {
    let rules = Rules { headless, ..Rules::default() };
    let mut world = World::with(team.clone(), rules);
    for (who, replies) in script {
        world.script(who, replies.clone());
    }
    world
        .advice
        .extend([Ok("a"), Ok(""), Err("it failed"), Ok("x and p"), Ok("p"), Ok("b")].into_iter().cycle().take(40));
    world.input(Input::Command(Command::Speak { text: "task".into(), as_agent: None }));
    let mut spent = world.session.spent().tokens.total();
    for doing in acts {
        act(&mut world, doing.clone(), headless);
        let now = world.session.spent().tokens.total();
        assert!(now >= spent, "money came back");
        spent = now;
        check_ends(&world.session);
    }
    world.go();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_log_folds_the_run_ends_once_and_nothing_is_reused_or_forgotten(
        team in a_team(), headless in prop::bool::weighted(0.2), script in a_script(),
        acts in prop::collection::vec(an_act(), 0..40), cut in any::<usize>(),
    ) {
        let world = play(&team, headless, &script, &acts);
        let (session, log) = (&world.session, world.session.log());
        check_log(log);
        check_ends(session);
        // A run is never simply still: it has ended, or holds, or waits for somebody, or for a model that hangs.
        let rests = session.ended().is_some() || session.hold().is_some() || !session.waiting().is_empty();
        prop_assert!(rests || !world.open_calls().is_empty(), "it stands still:\n{}", world.tail(12));
        if headless && session.hold().is_none() {
            prop_assert!(session.ended().is_some() || !world.open_calls().is_empty());
        }
        let cut = cut % (log.len() + 1);
        let mut again = Session::replay(log[..cut].iter().cloned()).unwrap();
        let awaits = session.awaits_summary() && world.open_calls().is_empty();
        prop_assert!(!awaits, "nobody sums up:\n{}", world.tail(12));
        for record in &log[cut..] {
            again.apply(record.clone()).unwrap();
        }
        prop_assert_eq!(shown(&again), shown(session));
    }

    #[test]
    fn the_same_seed_and_the_same_inputs_give_the_same_events(
        team in a_team(), script in a_script(), acts in prop::collection::vec(an_act(), 0..25),
    ) {
        let (one, two) = (play(&team, false, &script, &acts), play(&team, false, &script, &acts));
        prop_assert_eq!(one.session.log(), two.session.log());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn round_robin_starves_nobody(agents in 1usize..8, rounds in 1u32..60, repeat in any::<bool>()) {
        let names: Vec<String> = (0..agents).map(|n| format!("agent{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let allow_repeat_speaker = if repeat || agents == 1 { Repeat::Everyone } else { Repeat::Nobody };
        let mut world = World::of(Team { allow_repeat_speaker, max_round: rounds, ..speakers(&names) });
        world.begin("go");
        let turns: Vec<u32> = names.iter().map(|name| world.session.meter(name).turns).collect();
        let (least, most) = (turns.iter().min().unwrap(), turns.iter().max().unwrap());
        prop_assert!(most - least <= 1, "{:?}", turns);
        prop_assert_eq!(turns.iter().sum::<u32>(), rounds - 1);
    }
}
