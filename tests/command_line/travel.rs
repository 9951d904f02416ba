//! Stored sessions handed on, taken in, found, played, checked, compared and tried out.

use crate::support::home::{Home, talk};
use serde_json::Value;

/// A home with one session that has ended, and its name.
fn ended() -> (Home, String) {
    let home = Home::new();
    let team = home.write("talk.toml", talk(0, 6, 5));
    assert_eq!(home.run(&["run", &team, "--headless"]).code, Some(0));
    let name = home.session_names().remove(0);
    (home, name)
}

#[test]
fn a_session_is_one_html_file_without_script_and_the_same_story_as_text() {
    let (home, name) = ended();
    let html = home.run(&["export", &name, "--format", "html"]);
    assert_eq!((html.code, html.err.as_str()), (Some(0), ""));
    assert!(html.out.starts_with("<!doctype html>") && html.out.contains("name=\"viewport\""), "{}", html.out);
    assert!(!html.out.contains("<script") && !html.out.contains("http://") && !html.out.contains("src="));
    let text = home.run(&["export", &name, "--format", "txt"]).out;
    for word in ["ann-1-end", "ben-1-end", "Ended:"] {
        assert!(html.out.contains(word) && text.contains(word), "{word}");
    }
}

#[test]
fn what_looks_like_a_key_is_struck_out_of_every_export_and_counted() {
    let home = Home::new();
    let key = "sk-proj-abcdef0123456789ABCD";
    let team = talk(0, 6, 2).replace("Talk about the weather.", &format!("Use {key} <b>please</b>."));
    // A team file may not hold one, so it comes with the task.
    let team = home.write("talk.toml", team.replace(key, "KEY"));
    home.run(&["run", &team, "--headless", "--task", &format!("Use {key} <b>please</b>.")]);
    for format in ["md", "html", "txt", "jsonl"] {
        let struck = home.run(&["export", "last", "--format", format]);
        assert!(!struck.out.contains(key), "{format}");
        assert!(struck.out.contains("[key struck out]"), "{format}: {}", struck.out);
        assert!(struck.err.contains("struck out"), "{format}: {}", struck.err);
        assert!(home.run(&["export", "last", "--format", format, "--keep-keys"]).out.contains(key), "{format}");
    }
    assert!(home.run(&["export", "last", "--format", "html"]).out.contains("&lt;b&gt;please&lt;/b&gt;"));
}

#[test]
fn records_come_back_as_they_went_and_are_read_only_until_they_are_trusted() {
    let (home, name) = ended();
    let records = home.run(&["export", &name, "--format", "jsonl"]).out;
    let file = home.write("talk.jsonl", &records);
    let imported = home.run(&["import", &file, "--name", "guest"]);
    assert_eq!((imported.code, imported.out.as_str()), (Some(0), "guest\n"), "{}", imported.err);
    assert_eq!(home.run(&["export", "guest", "--format", "jsonl"]).out, records);
    let listed = home.run(&["sessions"]).out;
    assert!(listed.contains("read-only, imported from"), "{listed}");
    assert_eq!(home.run(&["import", &file, "--name", "guest"]).code, Some(1), "no session takes another's place");
    assert_eq!(home.run(&["sessions", "trust", "guest"]).code, Some(0));
    assert!(!home.run(&["sessions"]).out.contains("read-only"));

    let list = r#"[{"role":"user","content":"Hello?"},{"role":"assistant","name":"guide","content":"Yes."}]"#;
    let file = home.write("list.json", list);
    let name = home.run(&["import", &file]).out.trim().to_owned();
    let story = home.run(&["export", &name]).out;
    assert!(story.contains("## guide") && story.contains("> Yes."), "{story}");
    let refused = home.run(&["import", &home.write("odd.json", "{\"a\": 1}")]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("cannot be imported"), "{}", refused.err);
}

#[test]
fn words_are_found_in_all_sessions_by_whom_and_what_they_cost_and_not_after_deletion() {
    let (home, name) = ended();
    let found = home.run(&["search", "ann-2-end"]);
    assert_eq!(found.code, Some(0), "{}", found.err);
    assert!(found.out.contains(&name) && found.out.contains("Ann"), "{}", found.out);
    let json = home.run(&["search", "w2x2", "--agent", "ben", "--json"]).out;
    let hits: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!hits.is_empty() && hits.iter().all(|hit| hit["agent"] == "Ben"), "{json}");
    assert_eq!(home.run(&["search", "nowhere"]).code, Some(1));
    assert_eq!(home.run(&["search", "ann", "--min-cost", "1000"]).code, Some(1));
    assert_eq!(home.run(&["search"]).code, Some(2));
    // The index says nothing that the sessions do not say: it comes back from nothing, and from nonsense.
    std::fs::write(home.sessions().join("index.db"), "nonsense").unwrap();
    assert_eq!(home.run(&["search", "ann-2-end"]).out, found.out);
    let rows = home.run(&["sessions", "--json"]).out;
    let row: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    assert!(row["cost"].as_f64().unwrap() > 0.0, "{row}");
    assert_eq!(home.run(&["sessions", "delete", &name]).code, Some(1), "nothing is deleted without a yes");
    assert_eq!(home.session_names(), std::slice::from_ref(&name));
    assert_eq!(home.run(&["sessions", "delete", &name, "--yes"]).code, Some(0));
    assert!(home.session_names().is_empty());
    assert_eq!(home.run(&["search", "ann-2-end"]).code, Some(1));
}

#[test]
fn a_replay_prints_what_was_and_a_check_fails_where_the_rules_decide_otherwise_now() {
    let (home, name) = ended();
    let played = home.run(&["replay", &name, "--headless"]);
    assert!(played.out.contains("ann-1-end") && played.out.contains("ended: "), "{}", played.out);
    let checked = home.run(&["replay", &name, "--check"]);
    assert_eq!(checked.code, Some(0), "{}{}", checked.out, checked.err);
    let shorter = home.write("shorter.toml", talk(0, 6, 3));
    let other = home.run(&["replay", &name, "--check", "--team", &shorter]);
    assert_eq!(other.code, Some(1), "{}", other.out);
    assert!(other.out.contains("then  ") && other.out.contains("now   the run ends"), "{}", other.out);
    let json = home.run(&["replay", &name, "--check", "--team", &shorter, "--json"]).out;
    let report: Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!(report["difference"]["messages"], 3, "{report}");
}

#[test]
fn edited_runs_stand_beside_controls_and_every_one_is_a_session() {
    let (home, name) = ended();
    let unasked = home.run(&["what-if", &name, "--at", "2", "--edit", "Rain."]);
    assert_eq!(unasked.code, Some(2), "the cost is said first");
    assert!(unasked.err.contains("cost about $"), "{}", unasked.err);
    let tried = home.run(&[
        "what-if",
        &name,
        "--at",
        "2",
        "--edit",
        "Rain.",
        "--yes",
        "-k",
        "2",
        "--json",
        "--solved",
        "count(Ann) >= 1",
    ]);
    assert_eq!(tried.code, Some(0), "{}", tried.err);
    let report: Value = serde_json::from_str(tried.out.trim()).unwrap();
    assert_eq!(report["summary"], "edited 2/2 solved, control 2/2", "{report}");
    let arms = report["trials"]["arms"].as_array().unwrap();
    assert_eq!((arms.len(), home.session_names().len()), (4, 5));
    for arm in arms {
        let story = home.run(&["export", arm["session"].as_str().unwrap()]).out;
        assert_eq!(story.contains("edited by the operator"), arm["edited"] == true, "{story}");
        assert!(story.contains(&format!("what if: forked from {name} at message 2")), "{story}");
    }
    let edited = arms.iter().find(|arm| arm["edited"] == true).unwrap()["session"].as_str().unwrap();
    let compared = home.run(&["compare", &name, edited]);
    assert_eq!(compared.code, Some(1));
    assert!(compared.out.contains("1 messages are the same") && compared.out.contains("Rain."), "{}", compared.out);
    assert_eq!(home.run(&["what-if", &name, "--at", "99", "--edit", "x", "--yes"]).code, Some(2));
}
