//! What is wrong is said once, in words, with what to do; and nothing is lost by it.

use crate::support::home::{Home, Ran, doer, talk};
use plenary::chat::event::Event;
use plenary::chat::message::MessageKind;

#[track_caller]
fn one_line(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str()), (Some(code), ""), "{ran:?}");
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{word:?} in {}", ran.err);
    }
}

#[test]
fn without_a_terminal_the_console_is_refused_in_one_line_that_names_headless() {
    let home = Home::new();
    let team = home.write("team.toml", talk(0, 3, 3));
    for arguments in [&["demo"][..], &["run", &team], &["open", "last"]] {
        one_line(&home.run(arguments), 2, &["--headless", "terminal"]);
        let dumb = home.plenary(arguments).env("TERM", "dumb").output().unwrap();
        one_line(&Ran::from(dumb), 2, &["--headless"]);
    }
    assert!(!home.data().exists(), "nothing was begun");
}

#[test]
fn check_explains_every_mistake_and_is_quiet_about_a_good_file() {
    let home = Home::new();
    let good = home.write("good.toml", talk(0, 3, 3));
    let ran = home.run(&["check", &good]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for ready in ["lru-cache", "pair", "debate", "round-table", "panel", "newsroom"] {
        let ran = home.run(&["check", ready]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ready}: {ran:?}");
        assert!(ran.out.contains("nothing to complain about"), "{ready}: {}", ran.out);
    }
    let bad = talk(0, 3, 3).replace("max_round", "max_rounds").replace("kind = \"assistant\"", "kind = \"asistant\"");
    let huge = format!("{}\n# {}", talk(0, 3, 3), "x".repeat(40 << 20));
    for (name, bytes, words) in [
        ("bad", bad.into_bytes(), &["max_rounds", "max_round", "asistant", "assistant", "-->", "^"][..]),
        ("empty", Vec::new(), &["empty"]),
        ("huge", huge.into_bytes(), &["larg"]),
        ("binary", (0..=255).cycle().take(5000).collect(), &["UTF-8"]),
        ("nested", "[a".repeat(50_000).into_bytes(), &["TOML"]),
    ] {
        let path = home.write(&format!("{name}.toml"), bytes);
        let ran = home.run(&["check", &path]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{name}: {}", ran.err);
        assert!(ran.err.len() < 20_000, "{name}: {} bytes of report", ran.err.len());
        for word in words {
            assert!(ran.err.contains(word), "{name}: {word:?} in {}", ran.err);
        }
        // Running it says the same, and begins nothing.
        assert_eq!(home.run(&["run", &path, "--headless"]).err, ran.err);
    }
    for missing in ["nowhere.toml", "/", "lru-cash"] {
        let ran = home.run(&["check", missing]);
        assert_eq!(ran.code, Some(2), "{missing}: {ran:?}");
        assert!(ran.err.contains(missing), "{missing}: {}", ran.err);
    }
    assert!(!home.sessions().exists(), "nothing was begun");
}

#[test]
fn a_directory_for_data_that_cannot_be_written_is_one_clear_error() {
    let home = Home::new();
    let team = home.write("team.toml", talk(0, 3, 3));
    let file = home.write("file", "");
    for arguments in [
        &["run", team.as_str(), "--headless"][..],
        &["run", team.as_str(), "--headless", "--json"],
        &["sessions"],
        &["export", "last"],
    ] {
        let ran = home.plenary(arguments).env("PLENARY_DATA_DIR", format!("{file}/below")).output().unwrap();
        one_line(&Ran::from(ran), 1, &["cannot write to", &file, "Make it writable"]);
    }
    // Nothing is kept, so nothing need be writable.
    let mut command = home.plenary(&["run", &team, "--headless", "--ephemeral"]);
    assert_eq!(command.env("PLENARY_DATA_DIR", format!("{file}/below")).output().unwrap().status.code(), Some(0));
}

#[test]
fn a_work_dir_that_cannot_be_written_is_a_result_in_the_conversation() {
    let home = Home::new();
    home.write("file", "");
    let team = doer("never", "```sh\necho hello\n```", "").replace("\"workspace\"", "\"file/below\"");
    let team = home.write("team.toml", team);
    let ran = home.run(&["run", &team, "--headless", "--trust"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let records = home.records();
    let result = records
        .iter()
        .find_map(|record| match &record.event {
            Event::MessagePosted { message } if message.kind == MessageKind::CodeResult => Some(&message.content),
            _ => None,
        })
        .expect("no result");
    assert!(result.starts_with("exitcode: 126 (execution failed)"), "{result}");
    assert!(result.contains("file/below"), "{result}");
    assert!(matches!(records.last().unwrap().event, Event::Ended { .. }));
    let doctor = home.run(&["doctor", &team]);
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    assert!(doctor.out.contains("PROBLEM") && doctor.out.contains("file/below"), "{}", doctor.out);
}

#[test]
fn a_missing_key_is_said_before_anything_is_asked() {
    let home = Home::new();
    let team = talk(0, 3, 3);
    let (head, _) = team.split_once("[models.script]").unwrap();
    let agents = "[[agents]]\nname = \"Ann\"\nkind = \"assistant\"\n[[agents]]\nname = \"Ben\"\nkind = \"assistant\"\n";
    let model = "[models.far]\nprovider = \"openai\"\nmodel = \"gpt-4o\"\napi_key_env = \"NO_SUCH_KEY_HERE\"\n";
    let team = home.write("team.toml", format!("{head}{agents}{model}"));
    let ran = home.run(&["run", &team, "--headless", "--trust"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("NO_SUCH_KEY_HERE"), "{}", ran.out);
    let doctor = home.run(&["doctor", &team]);
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.out.contains("NO_SUCH_KEY_HERE"), "{}", doctor.out);
}

#[test]
fn settings_with_mistakes_are_reported_by_every_command_that_reads_them() {
    let home = Home::new();
    let team = home.write("team.toml", talk(0, 3, 3));
    home.write("config/settings.toml", "them = \"dark\"\nframe_rate = \"fast\"\n");
    for arguments in [&["run", team.as_str(), "--headless"][..], &["sessions"], &["check", &team], &["doctor"]] {
        let ran = home.run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains("them") && ran.err.contains("theme") && ran.err.contains("frame_rate"), "{}", ran.err);
    }
}
