//! docs/conformance.md, from the data.

use super::case::{Case, File, Standing};
use super::files;
use std::fmt::Write as _;
use std::path::Path;

const INTRO: &str = "# Conformance\n\n\
    Plenary's conversation model comes from two families: AG2 (classic AutoGen, `ConversableAgent` and `GroupChat`) and AutoGen \
    AgentChat. This table is written from the cases in `tests/conformance/` by `UPDATE_DOCS=1 cargo test --lib conformance`; each \
    case is played by the real engine, and a test fails when the outcome is not what stands here. The numbers are those of \
    our notes on the two families, which were confirmed by running AG2 0.14 and AutoGen 0.7.5. In them a *stub* is an agent without a \
    model that always says the same: in AG2's cases `I am NAME.`, in AgentChat's its name in capitals.\n\n\
    **same**: the reference's outcome, as far as the case says. **differs**: another outcome on purpose; the reason stands beside it. \
    **pending**: waits for something that is not built yet. **not expressible**: a detail of the Python interface, or of something \
    Plenary does not have.\n\n";

#[derive(Default, Clone, Copy)]
struct Count {
    same: usize,
    differs: usize,
    pending: usize,
    inexpressible: usize,
}

impl Count {
    fn add(&mut self, case: &Case) {
        *match case.standing() {
            Standing::Same => &mut self.same,
            Standing::Differs(_) => &mut self.differs,
            Standing::Pending(_) => &mut self.pending,
            Standing::Inexpressible(_) => &mut self.inexpressible,
        } += 1;
    }

    fn row(self, name: &str) -> String {
        let Count { same, differs, pending, inexpressible } = self;
        let all = same + differs + pending + inexpressible;
        format!("| {name} | {all} | {same} | {differs} | {pending} | {inexpressible} |\n")
    }
}

fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('\n', " ")
}

fn rows(file: &File) -> String {
    let mut text = format!(
        "\n### {}: {}\n\n| case | what happens | the reference | ours | |\n|---|---|---|---|---|\n",
        file.family, file.section
    );
    for case in &file.case {
        let (ours, standing) = match case.standing() {
            Standing::Same => ("".to_owned(), "same".to_owned()),
            Standing::Differs(why) => (cell(&case.ours), format!("differs: {}", cell(why))),
            Standing::Pending(feature) => (cell(&case.ours), format!("pending: {}", cell(feature))),
            Standing::Inexpressible(why) => (String::new(), format!("not expressible: {}", cell(why))),
        };
        let (about, expects) = (cell(&case.about), cell(&case.expects));
        let _ = writeln!(text, "| {} | {about} | {expects} | {ours} | {standing} |", case.id);
    }
    text
}

fn page() -> String {
    let files = files();
    let mut text = String::from(INTRO);
    let mut all = Count::default();
    text.push_str("| section | cases | same | differs | pending | not expressible |\n|---|---|---|---|---|---|\n");
    for file in &files {
        let mut count = Count::default();
        for case in &file.case {
            count.add(case);
            all.add(case);
        }
        text.push_str(&count.row(&format!("{}: {}", file.family, file.section)));
    }
    text.push_str(&all.row("**all**"));
    files.iter().for_each(|file| text.push_str(&rows(file)));
    text
}

#[test]
fn the_table_is_what_the_cases_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let wanted = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/conformance.md is not current: run UPDATE_DOCS=1 cargo test --lib conformance");
}
