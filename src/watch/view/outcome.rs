//! Reading what tools and programs give back: did it fail, and what is the failure when all that moves is taken out.

use super::step::Outcome;
use super::words::{Word, hash, normal, printed};

/// `exitcode: N (…)` at the beginning of a code result, as AG2 writes it.
pub(crate) fn exit_code(text: &str) -> Option<i32> {
    let rest = text.trim_start().strip_prefix("exitcode:")?.trim_start();
    let end = rest.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

const FAILURES: &[&str] = &[
    "error",
    "exception",
    "traceback",
    "failed",
    "failure",
    "fatal",
    "permission denied",
    "access denied",
    "not found",
    "no such file",
    "does not exist",
    "timed out",
    "timeout",
    "refused",
    "unauthorized",
    "forbidden",
    "invalid",
    "could not",
    "cannot",
    "can't",
    "unable to",
    "unavailable",
    "rate limit",
    "not allowed",
    "rejected",
    "denied",
    "panicked",
    "segmentation fault",
    "command not found",
    "unreachable",
    "connection reset",
    "too many requests",
    "bad request",
];

const NO_FAILURES: &[&str] = &[
    "no error",
    "0 error",
    "without error",
    "no failures",
    "0 failed",
    "0 failures",
    "no exceptions",
    "error: null",
    "error\": null",
    "error\":null",
    "errors: 0",
    "errors\": []",
    "errors\":[]",
    "error_count\": 0",
    "failed: 0",
    "failed\": 0",
];

const NOTHING: &[&str] = &[
    "no results",
    "no result",
    "nothing found",
    "0 results",
    "zero results",
    "no matches",
    "no match",
    "0 matches",
    "no data",
    "no records",
    "no rows",
    "empty",
    "none found",
    "no documents",
    "no entries",
    "not available",
    "no hits",
];

const PASSING: &[&str] = &[
    "timed out",
    "timeout",
    "time-out",
    "rate limit",
    "too many requests",
    "429",
    "503",
    "502",
    "504",
    "temporarily",
    "try again later",
    "unavailable",
    "connection reset",
    "overloaded",
    "busy",
    "locked",
    "throttl",
];

/// What kind of result a tool gave.
pub(crate) fn of_tool(text: &str, failed: Option<bool>) -> Outcome {
    let start: String = text.chars().take(300).collect();
    let plain = normal(&start);
    let any = |list: &[&str]| list.iter().any(|mark| plain.contains(mark));
    if let Some(code) = exit_code(text) {
        return if code == 0 { of_success(text) } else { Outcome::Failed };
    }
    match failed {
        Some(true) => return Outcome::Failed,
        None if any(FAILURES) && !any(NO_FAILURES) => {
            // "No file found" in a search is nothing found, not a failure of the search.
            let only_nothing = any(NOTHING) && !plain.contains("error") && !plain.contains("exception");
            return if only_nothing { Outcome::Nothing } else { Outcome::Failed };
        }
        _ => {}
    }
    of_success(text)
}

fn of_success(text: &str) -> Outcome {
    let body = text.split_once("Code output:").map_or(text, |(_, body)| body);
    let start: String = body.chars().take(300).collect();
    let plain = normal(&start);
    let plain = plain.trim();
    if matches!(plain, "" | "[]" | "{}" | "null" | "none" | "\"\"" | "()" | "n/a")
        && text.trim_start() == body.trim_start()
    {
        return Outcome::Nothing;
    }
    let count = plain.split(' ').count();
    if count <= 12 && NOTHING.iter().any(|mark| plain.contains(mark)) {
        return Outcome::Nothing;
    }
    if count <= 6 { Outcome::Done } else { Outcome::Fine }
}

/// What is left of a failure when places and moving values are taken out, and its words for people.
pub(crate) fn signature(text: &str, given: &[u64]) -> (u64, String) {
    let body = text.split_once("Code output:").map_or(text, |(_, body)| body);
    let lines: Vec<&str> = body.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let telling = |line: &&&str| {
        let lower = line.to_ascii_lowercase();
        let frame = lower.starts_with("file \"") || lower.starts_with("traceback") || lower.starts_with("at ");
        !frame
            && ["error", "fail", "exception", "assert", "panic", "expected", "fatal", "denied", "not found", "refused"]
                .iter()
                .any(|mark| lower.contains(mark))
    };
    let mut kept: Vec<&str> = lines.iter().filter(telling).take(12).copied().collect();
    // The line of code that a Python traceback ends on: bare assertions are told apart by it.
    if lines.iter().any(|line| line.starts_with("Traceback (most recent"))
        && let Some(frame) = lines.iter().rposition(|line| line.starts_with("File \""))
        && let Some(code) = lines.get(frame + 1)
    {
        kept.push(code);
    }
    if let Some(last) = lines.last()
        && !kept.contains(last)
    {
        kept.push(last);
    }
    // What was asked for stands in many an error: that alone does not make it another one.
    let word = |word: Word| if given.contains(&hash(&word.text)) { "#".to_owned() } else { word.text };
    let masked: Vec<String> =
        kept.iter().map(|line| printed(line).into_iter().map(word).collect::<Vec<_>>().join(" ")).collect();
    let exit = exit_code(text);
    let says = lines.last().copied().or_else(|| text.lines().next()).unwrap_or("").chars().take(100).collect();
    (hash((exit, masked)), says)
}

/// Whether the failure may pass by itself.
pub(crate) fn is_passing(text: &str) -> bool {
    let start: String = text.chars().take(600).collect();
    let plain = normal(&start);
    PASSING.iter().any(|mark| plain.contains(mark))
}

/// Whether a call of that name asks how something stands that goes on by itself.
pub(crate) fn polls(tool: &str, arguments: &str) -> bool {
    let name = tool.to_lowercase();
    let parts = || name.split(|c: char| !c.is_alphanumeric());
    let named = parts().any(|part| {
        matches!(
            part,
            "sleep"
                | "wait"
                | "status"
                | "poll"
                | "tail"
                | "ps"
                | "health"
                | "progress"
                | "monitor"
                | "watch"
                | "heartbeat"
                | "ping"
        )
    });
    let inside = || arguments.to_lowercase();
    named
        || (arguments.len() < 200
            && ["sleep ", "/health", "/status", "time.sleep"].iter().any(|mark| inside().contains(mark)))
}

/// Whether a call of that name changes something.
pub(crate) fn edits(tool: &str) -> bool {
    let name = tool.to_lowercase();
    [
        "write", "edit", "patch", "save", "apply", "update", "create", "replace", "insert", "delete", "remove",
        "commit", "install", "move", "rename", "set_", "put", "append", "modify", "fix",
    ]
    .iter()
    .any(|mark| name.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_told_apart() {
        for (text, wanted) in [
            ("exitcode: 1 (execution failed)\nCode output: x", Outcome::Failed),
            ("exitcode: 0 (execution succeeded)\nCode output: Error handling works in all of the cases", Outcome::Fine),
            ("Error: file not found", Outcome::Failed),
            ("{\"error\": null, \"rows\": [1, 2, 3], \"more\": false, \"next\": 4}", Outcome::Fine),
            ("No results found.", Outcome::Nothing),
            ("[]", Outcome::Nothing),
            ("ok", Outcome::Done),
            ("12 passed, 0 failed in the whole suite of tests", Outcome::Fine),
        ] {
            assert_eq!(of_tool(text, None), wanted, "{text}");
        }
    }

    #[test]
    fn a_failure_is_the_same_wherever_it_happened_and_another_with_another_message() {
        let at = |path: &str, line: u32, error: &str| {
            signature(&format!("exitcode: 1 (execution failed)\nCode output: Traceback (most recent call last):\n  File \"{path}\", line {line}, in <module>\n    f(x)\n{error}"), &[]).0
        };
        assert_eq!(at("/tmp/a.py", 3, "KeyError: 'x'"), at("/tmp/b.py", 9, "KeyError: 'x'"));
        assert_ne!(at("/tmp/a.py", 3, "KeyError: 'x'"), at("/tmp/a.py", 3, "KeyError: 'y'"));
        let pytest = |test: &str| {
            signature(&format!("FAILED tests/t.py::{test} - AssertionError\n== 1 failed, 3 passed in 0.12s =="), &[]).0
        };
        assert_ne!(pytest("test_a"), pytest("test_b"));
        assert_eq!(exit_code("exitcode: -9 (execution failed)"), Some(-9));
        assert_eq!(exit_code("the exitcode: 1"), None);
    }
}
