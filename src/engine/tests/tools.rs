//! Tool calls and hand-offs within a turn.

use super::world::{Reply, World, call, say};
use crate::chat::command::Command;
use crate::chat::event::{Boundary, Event, Resolution, Verdict};
use crate::chat::message::MessageKind;
use crate::chat::request::{Chunk, Finish, Role};
use crate::chat::team::{Agent, ApprovalPolicy, HumanInputMode, Team, ToolSetup};
use crate::chat::tool::{ToolBarred, ToolCall};
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
    team.tools.insert("find".into(), ToolSetup::command("Finds.", parameters, command, execution));
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

fn two() -> Reply {
    let find = |q: &str| ("find".to_owned(), format!("{{\"q\":\"{q}\"}}"));
    Reply::Call(String::new(), vec![find("1"), find("2")])
}

/// AgentChat 126: calls of one message run side by side, and their results stand in the order of the calls.
#[test]
fn calls_of_one_message_run_side_by_side_and_their_results_keep_its_order() {
    let mut world = World::of(with_tool(ApprovalPolicy::Never, |agent| agent.max_tool_iterations = 2));
    world.programs_last = true;
    world.script("a", [two(), say("done")]);
    world.begin("go");
    let [first, second] = world.running()[..] else { panic!("{:?}", world.running()) };
    world.outcomes = [(0, "second"), (0, "first")].into();
    world.finish(second);
    world.go();
    assert_eq!(world.asked.len(), 1, "one call is still under way");
    world.finish(first);
    world.go();
    assert_eq!(results(&world)[..2], [("first".to_owned(), false), ("second".to_owned(), false)]);
    assert!(world.said().contains(&"a: done".to_owned()));
}

#[test]
fn each_of_several_calls_is_decided_by_itself() {
    let mut world = World::of(with_tool(ApprovalPolicy::Always, |_| {}));
    world.script("a", [two()]);
    world.begin("go");
    let [Waiting::Approval(first), Waiting::Approval(second)] = world.session.waiting()[..] else {
        panic!("{:?}", world.session.waiting())
    };
    let decide = |world: &mut World, approval, verdict| {
        let hash = world.session.approval(approval).unwrap().hash.clone();
        world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
    };
    decide(&mut world, second, Verdict::Run);
    assert_eq!(&*world.ran[0].2.blocks[0].code, "{\"q\":\"2\"}");
    decide(&mut world, first, Verdict::Deny("no".into()));
    let results = results(&world);
    assert!(results[0].1 && results[0].0.contains("did not approve") && !results[1].1, "{results:?}");
}

#[test]
fn a_tool_that_is_asked_for_once_is_asked_for_again_only_when_consent_is_taken_back_or_the_call_has_changed() {
    for (policy, waits) in [(ApprovalPolicy::Ask, 0), (ApprovalPolicy::AskIfChanged, 1)] {
        let mut world = World::of(with_tool(policy, |agent| agent.max_tool_iterations = 3));
        world.script("a", [call("find", "{\"q\":\"1\"}"), two(), Reply::Hang(String::new())]);
        world.begin("go");
        let [Waiting::Approval(approval)] = world.session.waiting()[..] else { panic!("{policy:?}") };
        let hash = world.session.approval(approval).unwrap().hash.clone();
        let verdict = Verdict::Run;
        world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
        assert_eq!(world.session.waiting().len(), waits, "{policy:?}");
        let other = world.reopened(Default::default());
        assert!(other.session.approvals().next().is_some());
        let payload = world.session.approval(approval).unwrap().payload.clone();
        assert!(world.session.has_approved(&payload, true) && !other.session.has_approved(&payload, false));
    }
}

#[test]
fn a_long_result_is_cut_for_the_model_and_kept_whole_in_the_log() {
    let mut team = with_tool(ApprovalPolicy::Never, |agent| agent.max_tool_iterations = 2);
    team.tools.get_mut("find").unwrap().result_limit = Some(60);
    let mut world = World::of(team);
    let long: &'static str = "0123456789".repeat(50).leak();
    world.outcomes = [(0, long)].into();
    world.script("a", [call("find", "{\"q\":\"x\"}"), say("seen")]);
    world.begin("go");
    let (told, failed) = &results(&world)[0];
    assert!(told.len() < 200 && told.contains("bytes are left out here") && !failed, "{told}");
    let entries = world.session.transcript().entries();
    let op = entries.iter().find_map(|entry| entry.message.tool_results.first()?.op).unwrap();
    assert_eq!(&*world.session.outcome(op).unwrap().output, long);
}

#[test]
fn calls_that_share_an_identity_are_told_apart() {
    let mut world = World::of(with_tool(ApprovalPolicy::Never, |agent| agent.max_tool_iterations = 2));
    world.script("a", [Reply::Hang(String::new())]);
    world.begin("go");
    let call = world.open_calls()[0];
    let same = |q: &str| ToolCall {
        id: "same".into(),
        name: "find".into(),
        arguments: format!("{{\"q\":\"{q}\"}}").into(),
        echo: None,
    };
    world.outcomes = [(0, "one"), (0, "two")].into();
    for chunk in [Chunk::Call(same("1")), Chunk::Call(same("2")), Chunk::Finished(Finish::Stop)] {
        world.answer_to(call, chunk);
    }
    let entries = world.session.transcript().entries();
    let told = entries.iter().find(|entry| !entry.message.tool_results.is_empty()).unwrap();
    let ids: Vec<_> = told.message.tool_results.iter().map(|result| result.call_id.as_str()).collect();
    assert_eq!(ids, ["same", "same_1"]);
}

#[test]
fn after_a_crash_each_call_under_way_is_unknown_and_none_is_made_twice() {
    let mut world = World::of(with_tool(ApprovalPolicy::Never, |agent| agent.max_tool_iterations = 2));
    world.programs_last = true;
    world.script("a", [two()]);
    world.begin("go");
    let [first, second] = world.running()[..] else { panic!("{:?}", world.running()) };
    let mut world = world.reopened(Default::default());
    let unknown = world.session.waiting();
    assert!(unknown.contains(&Waiting::Unknown(first)) && unknown.contains(&Waiting::Unknown(second)), "{unknown:?}");
    world.command(Command::Resolve { op: first, resolution: Resolution::Done });
    world.command(Command::Resolve { op: second, resolution: Resolution::GiveUp });
    world.command(Command::Resume);
    assert!(world.ran.is_empty());
    let results = results(&world);
    assert!(results[0].0.contains("confirmed") && !results[0].1 && results[1].1, "{results:?}");
}

#[test]
fn a_pause_takes_hold_between_two_calls() {
    let mut team = with_tool(ApprovalPolicy::Never, |_| {});
    team.tools.get_mut("find").unwrap().alone = true;
    let mut world = World::of(team);
    world.programs_last = true;
    world.script("a", [two()]);
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
