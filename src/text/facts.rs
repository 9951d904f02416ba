//! What can be counted about a piece of code: facts, never a verdict. They stand above the code in an approval.

use super::clean::{is_visible, one_line};
use super::width::take;
use regex::Regex;
use std::sync::LazyLock;

/// Most addresses, paths and words that are listed by name.
const LISTED: usize = 8;
/// Longest of them, in cells.
const CELLS: usize = 60;

/// Words that reach outside the program: the network, other processes, files removed.
const WORDS: &[&str] = &[
    "Popen",
    "chmod",
    "chown",
    "connect",
    "crontab",
    "curl",
    "docker",
    "eval",
    "exec",
    "fetch",
    "fork",
    "ftp",
    "git",
    "http",
    "httpx",
    "kill",
    "mkfs",
    "nc",
    "netcat",
    "npm",
    "pip",
    "powershell",
    "requests",
    "rm",
    "rmtree",
    "rsync",
    "scp",
    "shutil",
    "socket",
    "spawn",
    "ssh",
    "subprocess",
    "sudo",
    "system",
    "systemctl",
    "telnet",
    "unlink",
    "urllib",
    "urlopen",
    "wget",
];

#[allow(clippy::unwrap_used)] // The patterns are constants; a test compiles them.
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

static URL: LazyLock<Regex> = LazyLock::new(|| pattern(r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>`)\]}]+"#));
static PATH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?:^|[\s"'=(,:\[`>])((?:/[\w.@-][^\s"'`<>:;,()\[\]|]*|~/[^\s"'`<>:;,()\[\]|]*|[A-Za-z]:\\[^\s"'<>|]+))"#)
});
static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"\w+"));

/// The facts, the plain counts first; what there is none of is left out.
pub fn facts(code: &str) -> Vec<String> {
    let chars = |line: &str| line.chars().count();
    let lines = code.lines().count();
    let longest = code.split('\n').map(chars).max().unwrap_or(0);
    let mut facts = vec![
        count(lines, "line", "lines"),
        count(code.len(), "byte", "bytes"),
        format!("longest line {}", count(longest, "character", "characters")),
    ];
    let mut add = |n: usize, one: &str, many: &str| {
        if n > 0 {
            facts.push(count(n, one, many));
        }
    };
    add(code.chars().filter(|c| !c.is_ascii()).count(), "non-ASCII character", "non-ASCII characters");
    let invisible = code.chars().filter(|c| !matches!(c, '\t' | '\r') && !is_visible(*c)).count();
    add(invisible, "invisible character", "invisible characters");
    add(code.matches('\r').count(), "carriage return", "carriage returns");
    let padded = code.split('\n').filter(|line| line.len() - line.trim_end_matches([' ', '\t']).len() > 8).count();
    add(padded, "line padded at its end", "lines padded at their ends");
    if !code.is_empty() && !code.ends_with('\n') {
        facts.push("no line end at the end".to_owned());
    }
    facts.extend(named("address", "addresses", URL.find_iter(code).map(|found| found.as_str())));
    let paths = PATH.captures_iter(code).filter_map(|found| found.get(1)).map(|found| found.as_str());
    facts.extend(named("absolute path", "absolute paths", paths));
    let words = WORD.find_iter(code).map(|found| found.as_str()).filter(|word| WORDS.contains(word));
    facts.extend(named("network or process word", "network or process words", words));
    facts
}

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// `1234567` as `1,234,567`.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Each different one once, in the order of appearance.
fn named<'a>(one: &str, many: &str, found: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut seen = std::collections::HashSet::new();
    let distinct: Vec<&str> = found.filter(|item| seen.insert(*item)).collect();
    let listed: Vec<String> = distinct.iter().take(LISTED).map(|item| shortened(item)).collect();
    let more = match distinct.len().saturating_sub(LISTED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    (!distinct.is_empty()).then(|| format!("{}: {}{more}", count(distinct.len(), one, many), listed.join(", ")))
}

fn shortened(text: &str) -> String {
    let line = one_line(text);
    let part = take(&line, CELLS);
    if part.len() < line.len() { format!("{part}…") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_found() {
        let code = "import subprocess\r\nopen('/etc/passwd')\n# e\u{301}\u{200b}\u{202e}\n\
                    fetch(\"https://evil.example/x?y=1\")\nx = 1          \nsubprocess.run(['rm', '~/a'])";
        let facts = facts(code);
        for wanted in [
            "6 lines",
            "3 non-ASCII characters",
            "3 invisible characters",
            "1 carriage return",
            "1 line padded at its end",
            "no line end at the end",
            "1 address: https://evil.example/x?y=1",
            "2 absolute paths: /etc/passwd, ~/a",
            "3 network or process words: subprocess, fetch, rm",
        ] {
            assert!(facts.iter().any(|fact| fact == wanted), "{wanted:?} is not in {facts:#?}");
        }
    }

    #[test]
    fn plain_code_has_three_facts() {
        assert_eq!(facts("x = 1 / 2\ny = x\n"), ["2 lines", "16 bytes", "longest line 9 characters"]);
    }

    #[test]
    fn long_lists_are_cut_with_a_count_and_cannot_act_on_the_terminal() {
        let code: String = (0..20).map(|n| format!("curl http://h{n}.example/\u{1b}x\n")).collect();
        let facts = facts(&code);
        assert!(
            facts
                .iter()
                .any(|fact| fact.starts_with("20 addresses: http://h0.example/␛x,") && fact.ends_with("and 12 more"))
        );
        assert!(!facts.concat().contains('\u{1b}'));
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([grouped(0), grouped(999), grouped(1000), grouped(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
    }
}
