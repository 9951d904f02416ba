//! Tool calls and hand-offs within a turn.

use super::world::{Reply, World, call, say};
use crate::chat::command::Command;
use crate::chat::event::{Boundary, Event, Verdict};
use crate::chat::message::MessageKind;
use crate::chat::request::Role;
use crate::chat::team::{Agent, ApprovalPolicy, HumanInputMode, Team, ToolSetup};
use crate::chat::tool::ToolBarred;
use crate::session::Waiting;
use crate::session::testing::{runner, speaker, team};
use serde_json::json;

/// `a` may call `find`, `b` only speaks.
fn with_tool(approval: ApprovalPolicy, change: impl FnOnce(&mut Agent)) -> Team {
    let mut caller = Agent { tools: vec!["find".into()], ..speaker("a") };
    change(&mut caller);
    let mut team = team(vec![caller, speaker("b")]);
    let execution = runner("x", approval).code_execution.unwrap();
    let parameters = json!({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]});
    let command = vec!["grep".to_owned(), "{q}".to_owned()];
    team.tools.insert("find".into(), ToolSetup { description: "Finds.".into(), parameters, command, execution });
    team.max_round = 4;
    team
}

fn kinds(world: &World) -> Vec<MessageKind> {
    world.session.transcript().entries().iter().map(|entry| entry.message.kind).collect()
}

fn results(world: &World) -> Vec<(String, bool)> {
    let entries = world.session.transcript().entries();
    let results = entries.iter().flat_map(|entry| entry.message.tool_results.clone());
    results.map(|result| (result.content.to_string(), result.is_error)).collect()
}

#[test]
fn without_further_rounds_the_results_are_passed_on_in_short() {
    let mut world = World::of(with_tool(ApprovalPolicy::Never, |_| {}));
    world.script("a", [call("find", "{\"q\":\"x\"}")]);
    world.begin("go");
    use MessageKind::*;
    assert_eq!(kinds(&world)[..4], [Task, ToolCalls, ToolResults, ToolSummary]);
    assert_eq!(results(&world)[0], ("ok".to_owned(), false));
    // b hears the short form and nothing of the call; the rounds are those that the team shares.
    let heard: Vec<_> = world.asked[1].messages.iter().map(|message| &*message.content).collect();
    assert_eq!(heard[1..], ["go", "ok"]);
    assert_eq!(world.session.rounds(), 4);
    let offered: Vec<_> = world.asked[0].tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(offered, ["find"]);
    assert!(world.asked[1].tools.is_empty());
}

#[test]
fn while_rounds_are_left_the_model_is_asked_again_with_its_results() {
    let mut world = World::of(with_tool(ApprovalPolicy::Never, |agent| agent.max_tool_iterations = 3));
    world.script("a", [call("find", "{\"q\":\"x\"}"), call("find", "{\"q\":\"y\"}"), say("found")]);
    world.begin("go");
    assert_eq!(world.said()[..6], ["user: go", "a: ", "a: ", "a: ", "a: ", "a: found"]);
    let roles: Vec<_> = world.asked[2].messages.iter().map(|message| message.role).collect();
    use Role::*;
    assert_eq!(roles, [System, User, Assistant, Tool, Assistant, Tool]);
}

#[test]
fn who_reflects_puts_the_last_results_into_words_without_tools() {
    let mut world = World::of(with_tool(ApprovalPolicy::Never, |agent| agent.reflect_on_tool_use = true));
    world.script("a", [call("find", "{\"q\":\"x\"}"), say("in words")]);
    world.begin("go");
    assert!(world.said().contains(&"a: in words".to_owned()));
    assert!(world.asked[1].tools.is_empty());
}

/// AG2 C121, AgentChat 4.1: an unknown tool, broken JSON, a missing argument and a failing program are all answers.
#[test]
fn what_cannot_be_carried_out_is_an_answer_and_the_order_is_that_of_the_calls() {
    let mut world = World::of(with_tool(ApprovalPolicy::Never, |_| {}));
    let calls = [("nope", "{}"), ("find", "{"), ("find", "{}"), ("find", "{\"q\":\"1\"}"), ("find", "{\"q\":\"2\"}")];
    let calls = calls.map(|(name, arguments)| (name.to_owned(), arguments.to_owned())).to_vec();
    world.outcomes = [(1, "kaput"), (0, "fine")].into();
    world.script("a", [Reply::Call("Let me see.".into(), calls)]);
    world.begin("go");
    let results = results(&world);
    assert_eq!(results[0], ("Error: Function nope not found.".to_owned(), true));
    assert!(results[1].0.contains("must be in JSON format") && results[1].1);
    assert!(results[2].0.contains("\"q\" is a required property") && results[2].1, "{results:?}");
    assert_eq!(results[3], ("Error: exit code 1\nkaput".to_owned(), true));
    assert_eq!(results[4], ("fine".to_owned(), false));
}

#[test]
fn a_call_waits_for_consent_and_a_denial_is_its_result() {
    let mut world = World::of(with_tool(ApprovalPolicy::Always, |agent| agent.max_tool_iterations = 2));
    world.script("a", [call("find", "{\"q\":\"x\"}"), say("as you wish")]);
    world.begin("go");
    let waiting = world.session.waiting();
    let [Waiting::Approval(approval)] = waiting[..] else { panic!("{waiting:?}") };
    let asked = world.session.approval(approval).unwrap().clone();
    assert_eq!(asked.payload.tool.as_ref().unwrap().name, "find");
    assert_eq!(&*asked.payload.blocks[0].code, "{\"q\":\"x\"}");
    let verdict = Verdict::Deny("not now".into());
    world.command(Command::Decide { approval, hash: asked.hash, verdict, seen_in_full: true, remember: false });
    assert!(world.ran.is_empty());
    let (text, failed) = &results(&world)[0];
    assert!(text.contains("did not approve") && text.contains("not now") && *failed);
    assert!(world.said().contains(&"a: as you wish".to_owned()));
}

#[test]
fn edited_arguments_are_what_runs_and_the_model_is_told() {
    let mut world = World::of(with_tool(ApprovalPolicy::Always, |agent| agent.max_tool_iterations = 2));
    world.script("a", [call("find", "{\"q\":\"x\"}"), say("thanks")]);
    world.begin("go");
    let asked = world.session.approvals().next().unwrap().clone();
    let mut block = asked.payload.blocks[0].clone();
    block.code = "{\"q\":\"better\"}".into();
    let verdict = Verdict::RunEdited(vec![block]);
    let (approval, hash) = (asked.id, asked.hash);
    world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
    assert_eq!(&*world.ran[0].2.blocks[0].code, "{\"q\":\"better\"}");
    assert!(
        results(&world)[0].0.ends_with("The operator changed the arguments before the call to: {\"q\":\"better\"}")
    );
}

#[test]
fn mode_function_call_asks_before_tools_and_code_whatever_is_allowed_and_never_for_words() {
    let mut team = with_tool(ApprovalPolicy::Never, |agent| agent.human_input_mode = HumanInputMode::FunctionCall);
    team.agents.push(Agent { human_input_mode: HumanInputMode::FunctionCall, ..runner("x", ApprovalPolicy::Never) });
    let mut world = World::of(team);
    world.script("a", [call("find", "{\"q\":\"x\"}")]);
    world.begin("go");
    let [Waiting::Approval(approval)] = world.session.waiting()[..] else { panic!("{:?}", world.session.waiting()) };
    let hash = world.session.approval(approval).unwrap().hash.clone();
    world.script("b", [say(&super::world::fenced("print(1)"))]);
    let verdict = Verdict::Run;
    world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
    assert_eq!(world.ran.len(), 1);
    // b has written code; the executor asks as well.
    assert!(matches!(world.session.waiting()[..], [Waiting::Approval(_)]));
}

#[test]
fn an_interrupted_call_is_never_sent_without_a_result() {
    let mut world = World::of(with_tool(ApprovalPolicy::Never, |agent| agent.max_tool_iterations = 2));
    world.programs_last = true;
    world.script("a", [call("find", "{\"q\":\"x\"}")]);
    world.begin("go");
    assert_eq!(world.running().len(), 1);
    world.command(Command::Interrupt);
    world.go();
    assert!(world.session.hold().is_some());
    world.command(Command::Resume);
    assert_eq!(results(&world)[0].0, "Error: exit code 137\nso far");
    // The world itself checks every request for calls without results.
    assert!(world.asked.len() > 1);
}

#[test]
fn a_pause_takes_hold_between_two_calls() {
    let mut world = World::of(with_tool(ApprovalPolicy::Never, |_| {}));
    world.programs_last = true;
    let two = vec![("find".to_owned(), "{\"q\":\"1\"}".to_owned()), ("find".to_owned(), "{\"q\":\"2\"}".to_owned())];
    world.script("a", [Reply::Call(String::new(), two)]);
    world.begin("go");
    let op = world.running()[0];
    world.command(Command::Pause { boundary: Boundary::Step });
    world.finish(op);
    world.go();
    assert!(world.session.hold().is_some());
    assert_eq!(world.ran.len(), 1, "the second call waits");
}

#[test]
fn tools_that_nobody_offered_are_not_called() {
    let mut world = World::of(team(vec![speaker("a"), speaker("b")]));
    world.script("a", [Reply::Call("words".into(), vec![("find".into(), "{}".into())])]);
    world.begin("go");
    assert_eq!(world.count(|event| matches!(event, Event::ToolReturned { .. })), 0);
    assert_eq!(world.said()[1], "a: words");
}

#[test]
fn a_barred_tool_is_not_offered_and_comes_back_after_its_turns() {
    let bar = |turns, back| Command::BarTool { bar: ToolBarred { tool: "find".into(), turns, back } };
    let mut world = World::of(with_tool(ApprovalPolicy::Never, |_| {}));
    world.command(bar(Some(2), false));
    world.script("a", [say("I cannot look"), call("find", "{\"q\":\"x\"}")]).begin("go");
    let offered: Vec<usize> = world.asked.iter().filter(|one| &*one.agent == "a").map(|one| one.tools.len()).collect();
    assert_eq!(offered[..2], [0, 1], "after a turn of a and one of b it is back");
    assert_eq!(world.ran.len(), 1);
    world.command(Command::BarTool { bar: ToolBarred { tool: "no".into(), turns: None, back: false } });
    world.command(bar(None, true));
    assert!(world.refused[0].contains("no tool") && world.refused[1].contains("not barred"), "{:?}", world.refused);
}
