//! One HTML file: no script, nothing loaded from anywhere, readable on a phone and in the dark. Everything that was said
//! is text in it, never markup.

use super::story::{Kind, Story};
use super::text::{clock, struck};
use std::fmt::Write as _;

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8886;--dim:#777;--mark:#a60}
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:0}h2{font-size:1rem;margin:0}
section{border-left:3px solid var(--line);padding:0 0 0 .8rem;margin:1.2rem 0}
section.operator{border-color:#28c}section.decision{border-color:var(--mark)}
pre{white-space:pre-wrap;margin:.3rem 0 0;font:inherit}
pre.output{font:13px/1.4 ui-monospace,monospace;background:#8881;padding:.6rem;overflow-x:auto}
.dim{color:var(--dim);font-size:.85rem;font-weight:normal}.mark{color:var(--mark)}
footer{border-top:1px solid var(--line);margin-top:2rem;padding-top:1rem}";

/// Longer outputs are folded.
const FOLDED: usize = 40;

pub(super) fn write(story: &Story) -> String {
    let mut page = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    let head = "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
                <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">";
    let (team, session) = (escaped(&story.team), escaped(&story.session));
    // Writing to a text does not fail.
    let _ = writeln!(page, "{head}\n<title>{team} · {session}</title>\n<style>\n{STYLE}\n</style></head><body>");
    let members: Vec<String> = story.members.iter().map(|(name, what)| format!("{name} ({what})")).collect();
    let mut about = vec![format!("session {session}"), format!("branch {}", escaped(&story.branch))];
    if !story.others.is_empty() {
        about.push(format!("other branches: {}", escaped(&story.others.join(", "))));
    }
    let _ = writeln!(
        page,
        "<header><h1>{team}</h1><p class=\"dim\">{}<br>{}</p></header>\n<main>",
        about.join(" · "),
        escaped(&members.join(", "))
    );
    for passage in &story.passages {
        let at = clock(passage.at);
        let _ = match &passage.kind {
            Kind::Said { who, marks, body, output, before, spent } => {
                let class = if who == "Operator" { "said operator" } else { "said" };
                let marks: String =
                    marks.iter().map(|mark| format!(" <span class=\"mark\">{}</span>", escaped(mark))).collect();
                let spent = spent.as_ref().map(|spent| format!(" · {}", escaped(spent))).unwrap_or_default();
                let before = before.as_ref().map(|text| {
                    format!(
                        "<details><summary class=\"dim\">before the edit</summary><pre>{}</pre></details>",
                        escaped(text)
                    )
                });
                writeln!(
                    page,
                    "<section class=\"{class}\"><h2>{}{marks} <span class=\"dim\">{at}{spent}</span></h2>{}{}</section>",
                    escaped(who),
                    block(body, *output),
                    before.unwrap_or_default()
                )
            }
            Kind::Note { text, body, decision } => {
                let class = if *decision { "decision" } else { "note" };
                let body = body.as_ref().map(|body| block(body, true)).unwrap_or_default();
                writeln!(
                    page,
                    "<section class=\"{class}\"><span class=\"dim\">{at}</span> {}{body}</section>",
                    escaped(text)
                )
            }
            Kind::Summary { method, body } => {
                let (method, body) = (escaped(method), block(body, false));
                writeln!(page, "<section><h2>Summary <span class=\"dim\">{method}</span></h2>{body}</section>")
            }
            Kind::Ended { text, result } => {
                let result = result.as_ref().map(|result| format!("<br>{}", escaped(result))).unwrap_or_default();
                writeln!(page, "<footer>{}{result}</footer>", escaped(text))
            }
        };
    }
    if let Some(note) = struck(story.struck) {
        let _ = writeln!(page, "<p class=\"mark\">{note}</p>");
    }
    page.push_str("</main></body></html>\n");
    page
}

fn block(body: &str, output: bool) -> String {
    let class = if output { " class=\"output\"" } else { "" };
    let pre = format!("<pre{class}>{}</pre>", escaped(body));
    let lines = body.lines().count();
    if !output || lines <= FOLDED {
        return pre;
    }
    format!("<details><summary class=\"dim\">{lines} lines</summary>{pre}</details>")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
