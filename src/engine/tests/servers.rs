//! Tools of MCP servers within a turn: who may call what, and what the operator decides about them.

use super::world::{Reply, World, call, say};
use crate::chat::command::Command;
use crate::chat::event::{Event, Verdict};
use crate::chat::server::{ListedTool, ServerSetup, ToolsCommand, ToolsEvent};
use crate::chat::team::{Agent, ApprovalPolicy, Team};
use crate::chat::tool::ToolBarred;
use crate::engine::Rules;
use crate::engine::effect::Input;
use crate::session::Waiting;
use crate::session::testing::{speaker, team};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

fn setup(approval: ApprovalPolicy) -> ServerSetup {
    ServerSetup {
        command: vec!["git-server".into()],
        url: None,
        work_dir: String::new(),
        environment: Vec::new(),
        headers: BTreeMap::new(),
        tools: Vec::new(),
        approval,
        timeout_ms: 1_000,
        start_ms: 1_000,
        output_limit: 10_000,
        result_limit: 1_000,
        idempotency_key: true,
    }
}

fn with_server(approval: ApprovalPolicy) -> Team {
    let caller = Agent { mcp: vec!["git".into()], max_tool_iterations: 3, ..speaker("a") };
    let mut team = team(vec![caller, speaker("b")]);
    team.mcp.insert("git".into(), setup(approval));
    team.max_round = 4;
    team
}

fn listed(name: &str, hash: &str, was: Option<&str>) -> ListedTool {
    let parameters = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let (name, hash, was) = (name.to_owned(), hash.to_owned(), was.map(str::to_owned));
    ListedTool { name, description: "Reads the log.".into(), parameters, hash, was }
}

fn ready(tools: Vec<ListedTool>) -> Input {
    let (server, about) = ("git".to_owned(), "git 1.0".to_owned());
    Input::Tools(ToolsEvent::Ready { server, about, tools: Arc::new(tools), refused: Vec::new() })
}

fn down() -> Input {
    Input::Tools(ToolsEvent::Down { server: "git".into(), why: "gone".into() })
}

fn world(approval: ApprovalPolicy) -> World {
    let servers = ["git".to_owned()].into();
    World::with(with_server(approval), Rules { servers, ..Rules::default() })
}

#[test]
fn nobody_is_asked_before_its_servers_have_reported_and_their_tools_are_called_by_their_whole_names() {
    let mut world = world(ApprovalPolicy::Never);
    world.script("a", [call("git__log", "{\"n\":3}"), say("done")]);
    world.begin("go");
    assert!(world.asked.is_empty(), "its tools are not known yet");
    world.input(ready(vec![listed("log", "h1", None), listed("push", "h2", None)]));
    world.go();
    let offered: Vec<_> = world.asked[0].tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(offered, ["git__log", "git__push"]);
    let tool = world.ran[0].2.tool.clone().unwrap();
    assert_eq!((tool.name.as_str(), tool.argv[0].as_str()), ("git/log", "git/log"));
    let source = tool.source.unwrap();
    assert_eq!((source.kind.as_str(), &source.options["hash"]), ("mcp", &json!("h1")));
    assert!(tool.key.unwrap().starts_with("test-session-"));
    assert!(world.said().contains(&"a: done".to_owned()));
}

#[test]
fn a_server_that_is_down_holds_nobody_up_and_a_bare_name_calls_nothing() {
    let mut world = world(ApprovalPolicy::Never);
    world.script("a", [call("log", "{}"), say("on my own")]);
    world.begin("go");
    world.input(down());
    world.go();
    assert!(world.asked[0].tools.is_empty() && world.ran.is_empty());
    assert!(world.session.servers().iter().all(|(_, server)| server.down.as_deref() == Some("gone")));
}

#[test]
fn a_changed_tool_is_not_offered_until_what_was_shown_is_accepted_and_forks_do_not_bring_it_back() {
    let mut world = world(ApprovalPolicy::Never);
    world.script("a", [say("one")]);
    world.input(ready(vec![listed("log", "h2", Some("Reads the log."))]));
    world.begin("go");
    assert!(world.asked[0].tools.is_empty());
    let accept = |hash: &str| {
        let (server, tool, hash) = ("git".to_owned(), "log".to_owned(), hash.to_owned());
        Command::Tools(ToolsCommand::Accept { server, tool, hash })
    };
    world.command(accept("h1"));
    assert!(world.refused.last().unwrap().contains("Look again"));
    world.command(accept("h2"));
    let agent = world.session.team().unwrap().agent("a").unwrap().clone();
    assert_eq!(world.session.tools_of(&agent).len(), 1);
    // A place before the acceptance: the tool stays what it is now.
    let first = world.session.transcript().entries()[0].seq;
    world.command(Command::MoveTo { seq: first });
    assert_eq!(world.session.tools_of(&agent).len(), 1);
    let bar = |back: bool| Command::BarTool { bar: ToolBarred { tool: "git/log".into(), turns: None, back } };
    world.command(bar(false));
    assert!(world.session.tools_of(&agent).is_empty());
    world.command(bar(true));
    assert_eq!(world.session.tools_of(&agent).len(), 1);
}

#[test]
fn the_operator_can_answer_in_a_tools_place_and_nothing_is_called() {
    let mut world = world(ApprovalPolicy::Always);
    world.input(ready(vec![listed("log", "h1", None)]));
    world.script("a", [call("git__log", "{}"), say("thanks")]);
    world.begin("go");
    let [Waiting::Approval(approval)] = world.session.waiting()[..] else { panic!("{:?}", world.session.waiting()) };
    world.command(Command::Tools(ToolsCommand::Answer { approval, text: "three commits".into() }));
    assert!(world.ran.is_empty());
    let results = world.session.transcript().entries().iter().flat_map(|entry| entry.message.tool_results.clone());
    let results: Vec<_> = results.map(|result| (result.content.to_string(), result.is_error)).collect();
    assert_eq!(results[..1], [("three commits".to_owned(), false)]);
    assert!(world.said().contains(&"a: thanks".to_owned()));
}

#[test]
fn a_tool_that_was_approved_once_is_asked_for_again_when_its_definition_changes() {
    let mut world = world(ApprovalPolicy::Ask);
    world.input(ready(vec![listed("log", "h1", None)]));
    world.script("a", [call("git__log", "{}"), Reply::Hang(String::new())]);
    world.begin("go");
    let [Waiting::Approval(approval)] = world.session.waiting()[..] else { panic!("{:?}", world.session.waiting()) };
    let asked = world.session.approval(approval).unwrap().clone();
    let (hash, verdict) = (asked.hash.clone(), Verdict::Run);
    world.command(Command::Decide { approval, hash, verdict, seen_in_full: true, remember: false });
    assert!(world.session.has_approved(&asked.payload, false));
    let mut changed = (*asked.payload).clone();
    changed.tool.as_mut().unwrap().source.as_mut().unwrap().options["hash"] = json!("h2");
    assert!(!world.session.has_approved(&changed, false));
}

#[test]
fn an_untrusted_team_is_asked_for_everything_whatever_it_says() {
    let servers = ["git".to_owned()].into();
    let rules = Rules { servers, untrusted: true, ..Rules::default() };
    let mut world = World::with(with_server(ApprovalPolicy::Never), rules);
    world.input(ready(vec![listed("log", "h1", None)]));
    world.script("a", [call("git__log", "{}")]);
    world.begin("go");
    assert!(matches!(world.session.waiting()[..], [Waiting::Approval(_)]));
    assert_eq!(world.count(|event| matches!(event, Event::Intent { .. })), 0);
}
