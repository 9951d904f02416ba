//! The reference in `docs/` is written from the tables that the program itself uses. `UPDATE_DOCS=1 cargo test docs`
//! writes it anew.

use plenary::catalog::Row;
use plenary::rules::{FACTS, Rule, moment};
use plenary::tui::keymap::Keymap;
use plenary::tui::theme::Role;
use plenary::wire;
use std::fmt::Write as _;
use std::path::Path;

fn family(text: &mut String, title: &str, intro: &str, rows: &[Row]) {
    let _ = writeln!(text, "## {title}\n\n{intro}\n");
    for row in rows {
        let _ = writeln!(text, "### `{}`\n\n{}\n\n```toml\n{}\n```\n", row.name, sentence(row.about), row.example);
        if row.fields.is_empty() {
            continue;
        }
        let _ = writeln!(text, "| option | takes | |\n|---|---|---|");
        for field in row.fields {
            let must = if field.required { " (needed)" } else { "" };
            let about = field.about.replace('|', "\\|");
            let _ = writeln!(text, "| `{}`{must} | {} | {about} |", field.name, field.kind.words());
        }
        text.push('\n');
    }
}

fn sentence(about: &str) -> String {
    let mut letters = about.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

fn reference() -> String {
    let families = wire::families();
    let mut text = String::from(
        "# Reference\n\nWritten from the program's own tables by `UPDATE_DOCS=1 cargo test docs`; a test fails when it is not \
         current.\n\n",
    );
    let _ = writeln!(text, "## Ready teams\n");
    for ready in wire::READY {
        let _ = writeln!(text, "- `plenary run {}`: {}", ready.name, ready.about());
    }
    text.push('\n');
    family(
        &mut text,
        "Speaker selection",
        "`speaker_selection_method` of `[team]`: a name, or a table with `method` and options.",
        &families.selectors,
    );
    family(
        &mut text,
        "Termination",
        "Each `[[team.termination]]` is one condition, and any of them ends the run; `any = [...]` and `all = [...]` nest. \
         The right side is the option `value`, or a table with several options.",
        &families.conditions,
    );
    family(
        &mut text,
        "Model providers",
        "`provider` of `[models.NAME]`. Every model also takes `model`, `fallback`, `price`, `context_window`, `temperature`, \
         `top_p`, `max_tokens`, `seed` and `stop`.",
        &families.providers,
    );
    family(
        &mut text,
        "Executors",
        "`executor` of an agent's `code_execution`. All also take `approval`, `work_dir`, `timeout`, `last_n_messages`, \
         `environment`, `output_limit`, `minimum_tier`, `network`, `memory`, `processes`, `cpus`, `disk` and `venv`.",
        &families.executors,
    );
    family(
        &mut text,
        "Tools",
        "`[tools.NAME]`: a `command` (a program and its arguments, run by an executor), or the first option of one of these. All \
         also take `description`, `parameters`, `approval` (`always`, `never`, `ask`, `ask_if_changed`), `timeout`, `output_limit`, \
         `result_limit`, `alone` and `idempotency_key`.",
        &families.tools,
    );
    let _ = writeln!(
        text,
        "## Keys\n\nFrom `config/keymap.toml`; a file of your own is laid over it (`keymap` in the settings).\n"
    );
    let mut last = None;
    for row in Keymap::default().help_rows() {
        if last != Some(row.context) {
            let _ = writeln!(text, "\n### {}\n\n| key | does |\n|---|---|", row.context.name());
            last = Some(row.context);
        }
        let _ = writeln!(text, "| `{}` | {} |", row.chord.replace('|', "\\|"), row.help);
    }
    let _ = writeln!(text, "\n## Settings\n\n```toml\n{}```\n", include_str!("../config/settings.toml"));
    let _ = writeln!(
        text,
        "## Theme roles\n\n| role | what it is for | looks like, when a theme is silent |\n|---|---|---|"
    );
    for role in Role::ALL {
        let _ = writeln!(text, "| `{}` | {} | `{}` |", role.name(), role.about(), role.fallback().name());
    }
    text
}

#[test]
fn the_reference_is_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let wanted = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/reference.md is not current: run UPDATE_DOCS=1 cargo test docs");
}

/// The tables of facts in `docs/rules.md` are the program's own; everything around them is written by hand.
#[test]
fn the_manual_of_rules_lists_the_facts_there_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    let mut wanted = std::fs::read_to_string(&path).unwrap();
    for (mark, facts) in [("<!-- facts -->", FACTS), ("<!-- facts of the moment -->", moment::FACTS)] {
        let (before, rest) = wanted.split_once(mark).unwrap();
        let after = rest.find("\n## ").map(|at| &rest[at..]).unwrap();
        let mut table = String::from("\n| fact | is | | for example |\n|---|---|---|---|\n");
        for fact in facts {
            let example = fact.example.replace('|', "\\|");
            let about = fact.about.split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = writeln!(table, "| `{}` | {} | {about} | `{example}` |", fact.form(), fact.takes());
            assert!(Rule::parse_breakpoint(fact.example).is_ok(), "{}", fact.example);
        }
        wanted = format!("{before}{mark}{table}{after}");
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(found == wanted, "docs/rules.md is not current: run UPDATE_DOCS=1 cargo test docs");
    for rule in wanted.split("```rule\n").nth(1).unwrap().lines().take_while(|line| *line != "```") {
        assert!(Rule::parse(rule).is_ok(), "{rule}");
    }
}

/// The page on termination names every condition there is.
#[test]
fn the_manual_of_termination_names_every_condition() {
    let page = include_str!("../docs/termination.md");
    let table = page.split("| family | conditions |").nth(1).unwrap().split("\n\n").next().unwrap();
    let named: Vec<&str> = table.split('`').skip(1).step_by(2).collect();
    for row in wire::families().conditions {
        assert!(named.contains(&row.name), "docs/termination.md does not name {}", row.name);
    }
    assert_eq!(named.len(), wire::families().conditions.len(), "it names one that does not exist: {named:?}");
}

/// Every example in the catalogs is one that works.
#[test]
fn every_catalog_row_is_documented() {
    let families = wire::families();
    for row in [families.selectors, families.conditions, families.providers, families.executors].iter().flatten() {
        assert!(!row.about.is_empty() && !row.example.is_empty(), "{} has no help or example", row.name);
        assert!(toml::from_str::<toml::Table>(row.example).is_ok(), "the example of {} is not TOML", row.name);
        for field in row.fields {
            assert!(!field.about.is_empty(), "{}.{} has no help", row.name, field.name);
        }
    }
}

/// The README's two commands stand where a new user looks first, and what it says of exit codes is what --help says.
#[test]
fn the_readme_opens_with_the_two_commands() {
    let readme = include_str!("../README.md");
    let top: Vec<&str> = readme.lines().take(12).collect();
    for command in ["cargo run --release -- demo", "cargo test"] {
        assert!(top.iter().any(|line| line.trim() == command), "{command} is not among the first lines");
    }
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_plenary")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for code in ["0", "1", "2", "3", "4", "5", "6", "130"] {
        let line = help.lines().find(|line| line.trim_start().starts_with(&format!("{code} "))).unwrap();
        let meaning = line.trim_start().trim_start_matches(code).trim();
        assert!(readme.contains(&format!("| {code} | {meaning} |")), "the README says otherwise of exit code {code}");
    }
}
