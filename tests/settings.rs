//! Team files and settings: what is wrong with a file is said at once, in the right place, and nothing makes it panic.
//!
//! `settings_cases/valid` become teams, `invalid` are refused with a report, `odd` are taken with warnings. A new case
//! is a new file; run with `INSTA_UPDATE=always` to write its snapshot, and read it.

use plenary::catalog::{Field, FieldKind, OptionError, Options, Row};
use plenary::chat::team::{AgentKind, ApprovalPolicy, HumanInputMode, Repeat, Team};
use plenary::chat::usage::{Money, Price};
use plenary::settings::{Base, Defaults, Families, Loaded, Origin, Report, Settings, Severity};
use plenary::settings::{load_team, parse_team, render};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

const fn field(name: &'static str, kind: FieldKind) -> Field {
    Field { name, kind, required: false, about: "an option" }
}

const fn needed(name: &'static str, kind: FieldKind) -> Field {
    Field { name, kind, required: true, about: "what it is about" }
}

fn row(name: &'static str, example: &'static str, fields: &'static [Field]) -> Row {
    let check = move |options: &Options| match name {
        "compatible" if !options["base_url"].as_str().unwrap().starts_with("http") => {
            Err(OptionError::of("base_url", "an address begins with http:// or https://"))
        }
        "text_mention" if options["value"] == "" => Err(OptionError::of("value", "the text is empty")),
        _ => Ok(()),
    };
    Row { name, about: "a row", example, fields, check: Box::new(check) }
}

fn families() -> Families {
    use FieldKind::*;
    const fn value(kind: FieldKind) -> Field {
        needed("value", kind)
    }
    const OPENAI: &[Field] = &[field("api_key_env", Text), field("base_url", Text), field("connect_timeout", Duration)];
    Families {
        selectors: vec![
            row("auto", "\"auto\"", &[]),
            row("round_robin", "\"round_robin\"", &[]),
            row("random", "\"random\"", const { &[field("weights", Texts)] }),
            row("manual", "\"manual\"", &[]),
        ],
        conditions: vec![
            row("text_mention", "text_mention = \"TERMINATE\"", const { &[value(Text), field("source", Text)] }),
            row("max_messages", "max_messages = 20", const { &[value(Count)] }),
            row("max_tokens", "max_tokens = 1000", const { &[value(Count)] }),
            row("max_cost", "max_cost = 1.00", const { &[value(Number)] }),
            row("max_time", "max_time = \"10m\"", const { &[value(Duration)] }),
            row("source_match", "source_match = { sources = [\"A\"] }", const { &[needed("sources", Texts)] }),
        ],
        providers: vec![
            row("openai", "provider = \"openai\"", OPENAI),
            row("scripted", "provider = \"scripted\"", const { &[field("replies", Table)] }),
            row("compatible", "base_url = \"http://localhost:8080/v1\"", const { &[needed("base_url", Text)] }),
        ],
        review: |_| Vec::new(),
        tools: vec![row("http", "url = \"https://example.com\"", const { &[needed("url", Text)] })],
        describe_tool: |_| (None, None, Vec::new()),
        executors: vec![row("local", "executor = \"local\"", const { &[field("shell", Text)] })],
    }
}

fn price_of(_provider: &str, model: &str) -> (Option<Price>, Option<u64>) {
    match model {
        "gpt-4o" => (Some(Price { cached: Some(1.25), ..Price::plain(2.5, 10.0) }), Some(128_000)),
        _ => (None, None),
    }
}

fn base() -> Base {
    Base { dir: PathBuf::from("/teams/lru"), defaults: Defaults::default() }
}

fn parse(origin: &str, text: &str) -> Result<Loaded, Report> {
    parse_team(origin, text, &families(), &price_of, &base())
}

fn team(text: &str) -> Team {
    parse("test.toml", text).unwrap_or_else(|report| panic!("{report}")).team
}

fn cases(kind: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/settings_cases").join(kind);
    let mut found: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn case(kind: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/settings_cases").join(kind).join(name);
    fs::read_to_string(path).unwrap()
}

/// The report of a case with the file's name alone, as it would be from its own directory.
fn load(path: &Path) -> Result<Loaded, Report> {
    load_team(path, &families(), &price_of, &base()).map_err(|mut report| {
        report.origin = path.file_name().unwrap().to_string_lossy().into_owned();
        report
    })
}

fn snapshot(kind: &str, path: &Path, text: &str) {
    let name = format!("settings_{kind}_{}", path.file_stem().unwrap().to_string_lossy());
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn valid_files_become_teams_with_every_default_filled_in() {
    for path in cases("valid") {
        let mut loaded = load(&path).unwrap_or_else(|report| panic!("{report}"));
        for agent in &mut loaded.team.agents {
            // The default prompt has a test of its own and would drown the rest.
            if agent.system_message.starts_with("You are a careful assistant") {
                agent.system_message = "(default)".into();
            }
        }
        snapshot("valid", &path, &serde_json::to_string_pretty(&loaded.team).unwrap());
        let json = serde_json::to_string(&loaded.team).unwrap();
        assert_eq!(serde_json::from_str::<Team>(&json).unwrap(), loaded.team, "{}", path.display());
    }
}

#[test]
fn invalid_files_are_refused_with_every_mistake_its_place_and_a_remedy() {
    let paths = cases("invalid");
    assert!(paths.len() >= 20);
    for path in paths {
        let report = load(&path).err().unwrap_or_else(|| panic!("{} was accepted", path.display()));
        assert!(report.findings.iter().any(|finding| finding.severity == Severity::Error), "{}", path.display());
        snapshot("invalid", &path, &report.to_string());
    }
}

/// With the catalogs of the program itself: what only they and the whole team together can know.
#[test]
fn mistakes_that_only_the_real_catalogs_can_see_have_their_place_too() {
    let paths = cases("real");
    assert!(paths.len() >= 3);
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let shown = match parse_team(&name, &text, &plenary::wire::families(), &price_of, &base()) {
            Ok(loaded) => render(&name, &text, &loaded.warnings, false),
            Err(report) => report.to_string(),
        };
        snapshot("real", &path, &shown);
    }
}

#[test]
fn odd_files_are_taken_with_warnings() {
    for path in cases("odd") {
        let source = fs::read_to_string(&path).unwrap();
        let loaded = load(&path).unwrap_or_else(|report| panic!("{report}"));
        assert!(loaded.warnings.iter().all(|finding| finding.severity == Severity::Warning));
        let name = path.file_name().unwrap().to_string_lossy();
        snapshot("odd", &path, &render(&name, &source, &loaded.warnings, false));
    }
}

#[test]
fn a_huge_file_a_directory_a_missing_file_and_a_pipe_each_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let huge = dir.path().join("huge.toml");
    fs::write(&huge, vec![b'#'; (4 << 20) + 1]).unwrap();
    assert!(load(&huge).unwrap_err().to_string().contains("larger than 4 MiB"));
    fs::write(&huge, vec![b'#'; 4 << 20]).unwrap();
    assert!(load(&huge).unwrap_err().to_string().contains("no agents"));
    assert!(load(dir.path()).unwrap_err().to_string().contains("a directory"));
    assert!(load(&dir.path().join("none.toml")).unwrap_err().to_string().contains("no such file"));
    #[cfg(unix)]
    {
        let pipe = dir.path().join("pipe.toml");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(load(&pipe).unwrap_err().to_string().contains("not a regular file"));
    }
}

#[test]
fn a_file_with_more_members_than_anybody_writes_is_refused_before_they_are_compared() {
    let many = |part: &str| part.repeat(100_000);
    let agents = "[[agents]]\nname = 'A'\nkind = 'user_proxy'\n";
    let cases = [
        (many(agents), "`agents` has 100000 members"),
        (format!("[team]\nallow_repeat_speaker = [{}]\n{agents}", many("'B',")), "`allow_repeat_speaker` has"),
        (format!("{}{agents}", many("[[team.termination]]\nmax_messages = 1\n")), "`termination` has"),
        (format!("[models.m]\nprovider='scripted'\nfallback = [{}]\n{agents}", many("'m',")), "`fallback` has"),
        ((0..1000).map(|at| format!("[models.m{at}]\n")).collect::<String>() + agents, "`models` has 1000"),
    ];
    for (text, expected) in cases {
        let report = parse("many.toml", &text).unwrap_err().to_string();
        assert!(report.contains(expected), "{report}");
    }
}

#[test]
fn a_key_in_a_file_is_in_no_part_of_the_report() {
    for name in ["secrets.toml", "secret_in_broken_file.toml", "syntax_errors.toml"] {
        let report = parse(name, &case("invalid", name)).unwrap_err();
        for shown in [report.render(true), report.render(false), report.source.clone(), format!("{report:?}")] {
            for secret in ["battery", "hunter", "0123456789abcdef"] {
                assert!(!shown.contains(secret), "{name} shows {secret}: {shown}");
            }
        }
    }
}

#[test]
fn a_report_has_colour_only_when_asked() {
    let report = parse("x.toml", "[tema]").unwrap_err();
    assert!(report.render(true).contains("\u{1b}["));
    assert!(!report.render(false).contains('\u{1b}'));
}

#[test]
fn defaults_are_those_of_the_reference() {
    let team = team(&case("valid", "minimal.toml"));
    assert_eq!(team.name, "test");
    assert_eq!(team.speaker_selection_method.kind, "auto");
    assert_eq!(team.selector_model.as_deref(), Some("only"));
    assert_eq!((team.max_retries_for_selecting_speaker, team.max_round, team.seed), (2, 10, 0));
    assert_eq!(team.allow_repeat_speaker, Repeat::Everyone);
    assert_eq!(team.limits, Defaults::default().limits);
    let [assistant, person, executor] = &team.agents[..] else { panic!() };
    assert_eq!(assistant.human_input_mode, HumanInputMode::Never);
    assert_eq!(assistant.model.as_deref(), Some("only"));
    assert!(assistant.system_message.contains("TERMINATE"));
    assert_eq!(assistant.max_consecutive_auto_reply, 100);
    assert!(assistant.is_termination_msg.matches("TERMINATE") && !assistant.is_termination_msg.matches("TERMINATE."));
    assert_eq!(assistant.default_auto_reply.as_deref(), Some(""));
    assert_eq!((person.human_input_mode, &person.code_execution), (HumanInputMode::Always, &None));
    assert_eq!(executor.kind, AgentKind::Executor);
    assert_eq!(executor.human_input_mode, HumanInputMode::Never);
    let reply = "There is no code to run in the messages since my last turn.";
    assert_eq!(executor.default_auto_reply.as_deref(), Some(reply));
    let code = executor.code_execution.as_ref().unwrap();
    assert_eq!((code.executor.kind.as_str(), code.approval), ("local", ApprovalPolicy::Always));
    assert_eq!((code.timeout_ms, code.output_limit, code.last_n_messages), (60_000, 65_536, None));
    assert_eq!(code.work_dir, "/teams/lru/workspace");
    assert_eq!(code.environment, ["PATH", "LANG", "LC_ALL", "TZ"]);
}

#[test]
fn the_selector_asks_the_named_model_the_only_one_or_the_first_assistants() {
    let two = "[models.a]\nprovider = 'scripted'\n[models.b]\nprovider = 'scripted'\n";
    let agents =
        "[[agents]]\nname = 'P'\nkind = 'user_proxy'\n[[agents]]\nname = 'Q'\nkind = 'assistant'\nmodel = 'b'\n";
    assert_eq!(team(&format!("{two}{agents}")).selector_model.as_deref(), Some("b"));
    assert_eq!(team(&format!("[team]\nselector_model = 'a'\n{two}{agents}")).selector_model.as_deref(), Some("a"));
}

#[test]
fn a_price_in_the_file_goes_before_the_known_one() {
    let text = |more: &str| {
        format!(
            "[models.m]\nprovider = 'openai'\nmodel = 'gpt-4o'\n{more}\n[[agents]]\nname = 'A'\nkind = 'assistant'\n"
        )
    };
    let known = team(&text("")).models["m"].clone();
    assert_eq!((known.price.unwrap().input, known.context_window), (2.5, Some(128_000)));
    let own = team(&text("price = { input = 9, output = 9 }\ncontext_window = 10")).models["m"].clone();
    assert_eq!((own.price.unwrap().input, own.context_window), (9.0, Some(10)));
}

#[test]
fn limits_of_the_settings_apply_where_the_team_file_is_silent() {
    let mut base = base();
    base.defaults.limits.max_executions = Some(1);
    let text = format!("[team.limits]\nmax_cost = 0.25\n{}", case("valid", "minimal.toml"));
    let limits = parse_team("x", &text, &families(), &price_of, &base).unwrap().team.limits;
    assert_eq!(limits.max_cost, Some(Money::from_dollars(0.25)));
    assert_eq!((limits.max_executions, limits.max_tokens), (Some(1), Some(2_000_000)));
}

#[test]
fn user_settings_lie_over_the_defaults_and_know_where_they_come_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("settings.toml");
    fs::write(&file, "theme = 'light'\ndata_dir = 'runs'\n[team]\nmax_time = '30m'\n").unwrap();
    let settings = Settings::load(Some(&file)).unwrap();
    let origin = Origin::File(file.clone());
    assert_eq!((settings.theme.value.as_str(), &settings.theme.origin), ("light", &origin));
    assert_eq!(settings.data_dir.value.as_deref(), Some(dir.path().join("runs").as_path()));
    assert_eq!((settings.frame_rate.value, &settings.frame_rate.origin), (60, &Origin::Default));
    assert_eq!(settings.team.value.limits.max_time_ms, Some(1_800_000));
    assert_eq!(settings.team.value.limits.max_executions, Some(200));
    assert_eq!(settings.team.origin, origin);
}

#[test]
fn mistakes_in_user_settings_are_all_reported_with_the_nearest_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("settings.toml");
    fs::write(&file, "them = 'x'\nframe_rate = 0\nreduced_motion = 'no'\n[team]\nmax_cots = 1\nmax_time = -1\n")
        .unwrap();
    let mut report = Settings::load(Some(&file)).unwrap_err();
    report.origin = "settings.toml".into();
    snapshot("user", &file, &report.to_string());
    fs::write(&file, "[team]\nname = 'x'\n").unwrap();
    assert!(Settings::load(Some(&file)).unwrap_err().to_string().contains("it belongs in a team file"));
    fs::write(&file, "# nothing of my own\n").unwrap();
    assert_eq!(Settings::load(Some(&file)).unwrap(), Settings::default());
    assert!(Settings::load(Some(&dir.path().join("none.toml"))).is_err());
}

/// Parses and renders; the spans of what is found must fit the text.
fn survives(text: &str) {
    let findings = match parse("mutated.toml", text) {
        Ok(loaded) => {
            render("mutated.toml", text, &loaded.warnings, true);
            loaded.warnings
        }
        Err(report) => {
            assert!(!report.render(true).is_empty());
            assert_eq!(report.source.len(), text.len());
            report.findings
        }
    };
    for span in findings.iter().filter_map(|finding| finding.span.as_ref()) {
        assert!(span.start <= span.end && span.end <= text.len(), "{span:?} in {} bytes", text.len());
    }
}

#[test]
fn a_file_cut_off_anywhere_is_read_without_panic() {
    for name in ["full.toml", "inline.toml"] {
        let text = case("valid", name);
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            survives(&text[..end]);
            survives(&text[end..]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_with_bytes_changed_is_read_without_panic(
        which in 0usize..64,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut paths = cases("valid");
        paths.extend(cases("odd"));
        let mut bytes = fs::read(&paths[which % paths.len()]).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn parts_of_files_in_any_order_are_read_without_panic(
        order in prop::collection::vec((0usize..64, any::<prop::sample::Index>()), 1..30),
    ) {
        let mut paths = cases("valid");
        paths.extend(cases("odd"));
        paths.extend(cases("invalid"));
        let texts: Vec<String> =
            paths.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect();
        let mut text = String::new();
        for (which, line) in order {
            let lines: Vec<&str> = texts[which % texts.len()].lines().collect();
            if !lines.is_empty() {
                text.push_str(lines[line.index(lines.len())]);
                text.push('\n');
            }
        }
        survives(&text);
    }
}
