//! MCP servers, well-behaved and not: a program that speaks the protocol by hand misbehaves in about fifty ways, and none of
//! them hangs, floods or fools the host.

use plenary::chat::agent::ApprovalPolicy;
use plenary::chat::code::{CodeBlock, Execution, Payload, ToolUse};
use plenary::chat::server::{ListedTool, MCP, ServerSetup, ToolsEvent};
use plenary::chat::team::Spec;
use plenary::execution::Job;
use plenary::tools::mcp::{Host, Servers, place};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What is to come of a behaviour.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// It comes up, and a call is answered with this.
    Says(&'static str),
    /// It comes up, and a call fails with this among its words.
    Fails(&'static str),
    /// It does not come up, and the reason has this among its words.
    Down(&'static str),
    /// It comes up, its tools are taken but for one with this among the reasons, and a call is answered.
    Refuses(&'static str),
}

const ECHO: Wanted = Wanted::Says("echo: hi");

const BEHAVIOURS: &[(&str, Wanted)] = &[
    ("plain", ECHO),
    ("banner", ECHO),
    ("binary-banner", ECHO),
    ("twice", Wanted::Refuses("listed twice")),
    ("slash-name", Wanted::Refuses("no name for a tool")),
    ("escape-name", Wanted::Refuses("no name for a tool")),
    ("empty-name", Wanted::Refuses("no name for a tool")),
    ("long-name", Wanted::Refuses("no name for a tool")),
    ("unicode-name", Wanted::Refuses("no name for a tool")),
    ("long-description", Wanted::Refuses("too long")),
    ("deep-schema", Wanted::Refuses("too large")),
    ("wrong-schema", Wanted::Refuses("no usable schema")),
    ("escape-description", ECHO),
    ("escape-about", ECHO),
    ("our-name", ECHO),
    ("many", ECHO),
    ("endless-pages", Wanted::Fails("is not there any more")),
    ("list-error", Wanted::Down("no list today")),
    ("list-never", Wanted::Down("not listed within")),
    ("list-garbage", Wanted::Down("listed")),
    ("no-start", Wanted::Down("did not answer within")),
    ("start-exit", Wanted::Down("cannot find my configuration")),
    ("initialize-error", Wanted::Down("not with you")),
    ("initialize-garbage", Wanted::Down("")),
    ("environment", Wanted::Down("names: ")),
    ("call-exit", Wanted::Fails("went away during the call")),
    ("call-error", Wanted::Fails("I would rather not")),
    ("call-garbage", Wanted::Fails("Timeout")),
    ("call-never", Wanted::Fails("Timeout")),
    ("wrong-id", ECHO),
    ("string-id", Wanted::Says("")),
    ("twice-answered", Wanted::Says("first")),
    ("giant-line", Wanted::Fails("")),
    ("deep-result", Wanted::Fails("")),
    ("odd-content", Wanted::Says("seen")),
    ("nul", Wanted::Says("a\0b")),
    ("sampling", ECHO),
    ("elicitation", ECHO),
    ("roots", ECHO),
    ("unknown-request", ECHO),
    ("notifications", ECHO),
    ("list-changes", ECHO),
    ("stray-progress", ECHO),
    ("stderr-flood", ECHO),
    ("slow-loris", Wanted::Says("drop by drop")),
    ("grandchild", ECHO),
];

fn has_python() -> bool {
    std::process::Command::new("python3").arg("--version").output().is_ok_and(|done| done.status.success())
}

fn setup(dir: &Path, ways: &[&str]) -> ServerSetup {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/server.py").display().to_string();
    let command = ["python3".to_owned(), script].into_iter().chain(ways.iter().map(|way| (*way).to_owned()));
    ServerSetup {
        command: command.collect(),
        url: None,
        work_dir: dir.display().to_string(),
        environment: vec!["PATH".into()],
        headers: BTreeMap::new(),
        tools: Vec::new(),
        approval: ApprovalPolicy::Always,
        timeout_ms: 4_000,
        start_ms: 8_000,
        output_limit: 1 << 20,
        result_limit: 1 << 16,
        idempotency_key: false,
    }
}

struct World {
    host: Host,
    news: mpsc::Receiver<ToolsEvent>,
    setup: ServerSetup,
}

impl World {
    fn start(setup: ServerSetup, pins: Option<&Path>) -> World {
        let host = Host::new(&[("s".to_owned(), setup.clone())].into(), pins);
        let (to, news) = mpsc::channel(16);
        host.start(to);
        World { host, news, setup }
    }

    async fn next(&mut self) -> ToolsEvent {
        let limit = Duration::from_secs(40);
        tokio::time::timeout(limit, self.news.recv()).await.expect("it never reported").expect("it stopped reporting")
    }

    async fn ready(&mut self) -> (Arc<Vec<ListedTool>>, Vec<String>) {
        match self.next().await {
            ToolsEvent::Ready { tools, refused, .. } => (tools, refused),
            other => panic!("{other:?}"),
        }
    }

    async fn call(&self, tool: &str, hash: &str, arguments: Value) -> (Execution, Vec<String>) {
        let options = json!({"server": "s", "tool": tool, "hash": hash});
        let source = Spec { kind: MCP.to_owned(), options: options.as_object().unwrap().clone() };
        let used = ToolUse {
            name: format!("s/{tool}"),
            call_id: "1".into(),
            argv: vec![format!("s/{tool}")],
            source: Some(source),
            key: self.setup.idempotency_key.then(|| "key-1".to_owned()),
        };
        let block = CodeBlock { language: "json".into(), code: arguments.to_string().into() };
        let payload = Payload { tool: Some(used), ..Payload::code(vec![block], place(&self.setup)) };
        let hash = payload.hash();
        let (to, mut progress) = mpsc::channel(64);
        let done = self.host.run(Job::new(Arc::new(payload), hash), to).await;
        let mut told = Vec::new();
        while let Ok(piece) = progress.try_recv() {
            told.push(format!("{piece:?}"));
        }
        (done, told)
    }
}

fn hash_of(tools: &[ListedTool], name: &str) -> String {
    tools.iter().find(|tool| tool.name == name).map_or(String::new(), |tool| tool.hash.clone())
}

async fn check(way: &str, wanted: Wanted) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let mut setup = setup(dir.path(), &[way]);
    if ["list-never", "no-start", "initialize-garbage"].contains(&way) {
        setup.start_ms = 2_500;
    }
    let began = Instant::now();
    let mut world = World::start(setup, None);
    let first = world.next().await;
    let (tools, refused) = match (&first, wanted) {
        (ToolsEvent::Down { why, .. }, Wanted::Down(words)) => {
            let secret = why.contains("HOME") || why.contains("CARGO");
            return if why.contains(words) && !secret { Ok(()) } else { Err(format!("down, but: {why}")) };
        }
        (ToolsEvent::Ready { tools, refused, .. }, Wanted::Says(_) | Wanted::Fails(_) | Wanted::Refuses(_)) => {
            (tools.clone(), refused.clone())
        }
        (other, _) => return Err(format!("{other:?}").chars().take(400).collect()),
    };
    let (done, _) = world.call("echo", &hash_of(&tools, "echo"), json!({"text": "hi"})).await;
    let output: String = done.output.chars().take(300).collect();
    let seen = match wanted {
        Wanted::Says(words) => done.exit_code == 0 && done.output.contains(words),
        Wanted::Fails(words) => done.exit_code != 0 && done.output.contains(words),
        Wanted::Refuses(words) => done.exit_code == 0 && refused.iter().any(|line| line.contains(words)),
        Wanted::Down(_) => false,
    };
    let quick = began.elapsed() < Duration::from_secs(30);
    drop(world);
    if way == "grandchild" {
        let pid = std::fs::read_to_string(dir.path().join("grandchild")).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(800)).await;
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        if !pid.is_empty() && !state.is_empty() && !state.contains(") Z ") {
            return Err(format!("process {pid} is still there"));
        }
    }
    if seen && quick { Ok(()) } else { Err(format!("exit {}, {output:?}, refused {refused:?}", done.exit_code)) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_behaviour_of_a_server_hangs_floods_or_fools_the_host() {
    if !has_python() {
        eprintln!("skipped: there is no python3 here");
        return;
    }
    let mut wrong = Vec::new();
    for group in BEHAVIOURS.chunks(6) {
        let each = group.iter().map(|(way, wanted)| async move { (way, check(way, *wanted).await) });
        for (way, result) in futures_util::future::join_all(each).await {
            wrong.extend(result.err().map(|why| format!("{way}: {why}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_changes_is_not_called_until_its_difference_is_accepted() {
    if !has_python() {
        return;
    }
    for way in ["rug-pull", "schema-pull", "hint-pull"] {
        let dir = tempfile::tempdir().unwrap();
        let pins = dir.path().join("pins.json");
        let setup = setup(dir.path(), &[way]);
        let mut world = World::start(setup.clone(), Some(&pins));
        let (tools, _) = world.ready().await;
        let old = hash_of(&tools, "echo");
        assert_eq!(&*world.call("echo", &old, json!({"text": "hi"})).await.0.output, "echo: hi");
        drop(world);

        std::fs::write(dir.path().join("pulled"), "").unwrap();
        let mut world = World::start(setup.clone(), Some(&pins));
        let (tools, _) = world.ready().await;
        let changed = tools.iter().find(|tool| tool.name == "echo").unwrap();
        assert!(changed.was.as_ref().unwrap().starts_with("Says what it is told.\n"), "{way}");
        let others = tools.iter().filter(|tool| tool.name != "echo");
        assert!(others.clone().count() > 3 && others.into_iter().all(|tool| tool.was.is_none()));
        for hash in [&old, &changed.hash] {
            let (done, _) = world.call("echo", hash, json!({"text": "hi"})).await;
            assert!(done.exit_code != 0 && done.output.contains("has changed"), "{way}: {}", done.output);
        }
        world.host.accept("s", "echo", &changed.hash);
        assert_eq!(world.call("echo", &changed.hash, json!({"text": "hi"})).await.0.exit_code, 0, "{way}");
        drop(world);
        let mut world = World::start(setup, Some(&pins));
        assert!(world.ready().await.0.iter().all(|tool| tool.was.is_none()), "{way}: it is remembered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_side_by_side_tell_their_progress_are_cancelled_and_carry_their_key() {
    if !has_python() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let setup = ServerSetup { idempotency_key: true, ..setup(dir.path(), &["plain"]) };
    let mut world = World::start(setup, None);
    let (tools, _) = world.ready().await;
    let (done, told) = world.call("progress", &hash_of(&tools, "progress"), json!({})).await;
    assert_eq!(done.exit_code, 0);
    assert!(told.iter().any(|line| line.contains("2 of 3 on the way")), "{told:?}");
    let (done, _) = world.call("echo", &hash_of(&tools, "echo"), json!({"text": "hi"})).await;
    assert_eq!(&*done.output, "echo: hi key key-1");
    let (done, _) = world.call("fail", &hash_of(&tools, "fail"), json!({})).await;
    assert_eq!((done.exit_code, &*done.output), (1, "It did not work."));
    let (done, _) = world.call("add", &hash_of(&tools, "add"), json!({"a": 2, "b": 3})).await;
    assert_eq!(&*done.output, "5");
    let (done, _) = world.call("nope", "x", json!({})).await;
    assert!(done.output.contains("is not there"));
    let lines = world.host.readable("s").await.unwrap();
    assert_eq!(lines, ["resource  note://one  One", "prompt  greet  Greets."]);
    assert_eq!(world.host.read("s", "note://one").await.unwrap(), "the note");
    assert_eq!(world.host.prompt("s", "greet", Default::default()).await.unwrap(), "user: Hello.");
    // Last: the server sleeps through the next ones.
    let (done, _) = world.call("slow", &hash_of(&tools, "slow"), json!({})).await;
    assert_eq!(done.exit_code, 124, "{}", done.output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_is_started_again_and_a_restart_brings_it_back_at_once() {
    if !has_python() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::start(setup(dir.path(), &["call-exit"]), None);
    let (tools, _) = world.ready().await;
    let (done, _) = world.call("echo", &hash_of(&tools, "echo"), json!({})).await;
    assert!(done.exit_code != 0);
    assert!(matches!(world.next().await, ToolsEvent::Down { .. }));
    assert!(matches!(world.next().await, ToolsEvent::Ready { .. }), "after a second");
    world.host.restart("s");
    assert!(matches!(world.next().await, ToolsEvent::Ready { .. }));
}

/// The Python that has the packages of `.ci/run`.
fn prepared_python() -> Option<String> {
    let python = std::env::var("PLENARY_TEST_PYTHON").ok();
    if python.is_none() {
        eprintln!("skipped: PLENARY_TEST_PYTHON names no Python with the packages mcp and autogen-agentchat");
    }
    python
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_the_python_sdk_is_listed_called_and_read() {
    let Some(python) = prepared_python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/sdk.py").display().to_string();
    let setup =
        ServerSetup { command: vec![python, script], start_ms: 30_000, timeout_ms: 20_000, ..setup(dir.path(), &[]) };
    let mut world = World::start(setup, None);
    let (tools, refused) = world.ready().await;
    assert!(refused.is_empty(), "{refused:?}");
    let (done, _) = world.call("add", &hash_of(&tools, "add"), json!({"a": 2, "b": 40})).await;
    assert_eq!((done.exit_code, &*done.output), (0, "42"));
    let (done, _) = world.call("boom", &hash_of(&tools, "boom"), json!({})).await;
    assert!(done.exit_code == 1 && done.output.contains("Error executing tool boom"), "{}", done.output);
    let (done, _) = world.call("add", &hash_of(&tools, "add"), json!({"a": "x"})).await;
    assert_eq!(done.exit_code, 1, "{}", done.output);
    assert_eq!(world.host.read("s", "note://one").await.unwrap(), "the note");
    let arguments = json!({"name": "Ada"}).as_object().unwrap().clone();
    assert!(world.host.prompt("s", "greet", arguments).await.unwrap().contains("Hello Ada."));
}

#[test]
fn autogen_itself_loads_what_is_exported() {
    let Some(python) = prepared_python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let plenary = env!("CARGO_BIN_EXE_plenary");
    let mut files = Vec::new();
    for team in ["debate", "pipeline", "review-loop", "support", "society", "magentic", "panel", "round-table"] {
        let mut command = std::process::Command::new(plenary);
        command.args(["export", team, "--format", "autogen"]).env("PLENARY_DATA_DIR", dir.path());
        let done = command.env("PLENARY_CONFIG_DIR", dir.path()).output().unwrap();
        assert!(done.status.success(), "{team}: {}", String::from_utf8_lossy(&done.stderr));
        let file = dir.path().join(format!("{team}.json"));
        std::fs::write(&file, done.stdout).unwrap();
        files.push(file);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/load.py");
    let done = std::process::Command::new(python).arg(script).args(&files).output().unwrap();
    let classes = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{classes}{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(classes.lines().count(), files.len());
    assert!(classes.contains("GraphFlow") && classes.contains("Swarm") && classes.contains("MagenticOne"), "{classes}");
}

/// What the reference calls component JSON becomes team files that pass the check, and the report says what was lost.
#[test]
fn teams_of_autogen_and_ag2_are_imported_beside_their_originals_and_pass_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import");
    for (file, name) in [
        ("round_robin", "release_notes_desk"),
        ("selector", "incident_room"),
        ("graph", "translate_loop"),
        ("swarm", "help_desk"),
        ("oai_config_list", "oai_config_list"),
        ("ag2_group", "paper-club"),
    ] {
        let run = |arguments: &[&str]| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plenary"));
            command.args(arguments).env("PLENARY_DATA_DIR", dir.path()).env("PLENARY_CONFIG_DIR", dir.path());
            let done = command.output().unwrap();
            let text = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            (done.status.code(), text)
        };
        let original = from.join(format!("{file}.json"));
        let out = dir.path().join("teams");
        let (original_text, out_text) = (original.display().to_string(), out.display().to_string());
        let (code, text) = run(&["import", &original_text, "--out", &out_text]);
        assert_eq!(
            code,
            Some(0),
            "{file}: {text}\n{}",
            std::fs::read_to_string(out.join(format!("{name}.toml"))).unwrap_or_default()
        );
        assert_eq!(
            std::fs::read(&original).unwrap(),
            std::fs::read(out.join(format!("{name}.original.json"))).unwrap()
        );
        let (code, text) = run(&["import", &original_text, "--out", &out_text]);
        assert!(code == Some(2) && text.contains("is there already"), "{text}");
    }
    assert!(dir.path().join("teams/incident_room.count_lines.py.txt").exists());
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_plenary"))
        .args([
            "run",
            &dir.path().join("teams/translate_loop.toml").display().to_string(),
            "--headless",
            "--task",
            "Translate.",
        ])
        .env("PLENARY_DATA_DIR", dir.path())
        .env("PLENARY_CONFIG_DIR", dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(text.contains("published"), "{text}{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn nothing_of_a_team_that_is_not_trusted_starts_and_the_flag_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("team.toml");
    let trap = dir.path().join("started").display().to_string();
    let team = format!(
        "[team]\nname = \"trap\"\ntask = \"Go.\"\nmax_round = 2\nspeaker_selection_method = \"round_robin\"\n\n\
         [mcp.trap]\ncommand = [\"touch\", \"{trap}\"]\nstart_timeout = \"2s\"\n\n\
         [models.m]\nprovider = \"scripted\"\nmodel = \"play\"\npace = 0\nreply = [{{ text = \"Done.\" }}]\n\n\
         [[agents]]\nname = \"A\"\nkind = \"assistant\"\nmcp = [\"trap\"]\n"
    );
    std::fs::write(&file, team).unwrap();
    let run = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plenary"));
        command.args(["run", &file.display().to_string(), "--headless"]).args(more);
        command.env("PLENARY_DATA_DIR", dir.path()).env("PLENARY_CONFIG_DIR", dir.path());
        let done = command.output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let (code, told) = run(&[]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("starts the MCP server trap: touch") && told.contains("--trust"), "{told}");
    assert!(!Path::new(&trap).exists());
    let (code, told) = run(&["--trust"]);
    assert!(Path::new(&trap).exists() && code != Some(2), "{code:?} {told}");
    std::fs::remove_file(&trap).unwrap();
    run(&[]);
    assert!(Path::new(&trap).exists(), "it was trusted before");
    let text = std::fs::read_to_string(&file).unwrap().replace("Done.", "Other.");
    std::fs::write(&file, text).unwrap();
    assert_eq!(run(&[]).0, Some(2), "one changed word asks anew");
}
