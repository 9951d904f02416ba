//! Code blocks in a message: which text between fences counts as code, and in which language. Pure.

use crate::chat::code::CodeBlock;
use regex::Regex;
use std::sync::LazyLock;

/// AG2's fence rule (code_utils.CODE_BLOCK_PATTERN): three backticks, blanks, an optional word, blanks, a line end,
/// the shortest body, a line end, blanks, three backticks.
static FENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)```[ \t]*([A-Za-z0-9_]+)?[ \t]*\r?\n(.*?)\r?\n[ \t]*```")
        .expect("a constant pattern that compiles")
});

/// First words that mark a bare block as shell. Words that also begin ordinary Python lines are left out.
const SHELL_WORDS: &[&str] = &[
    "apt", "apt-get", "awk", "brew", "bash", "cargo", "cat", "cd", "chmod", "chown", "conda", "cp", "curl", "docker",
    "echo", "export", "find", "git", "grep", "head", "kill", "ln", "ls", "make", "mkdir", "mv", "node", "npm", "npx",
    "pip", "pip3", "poetry", "ps", "pwd", "pytest", "python", "python3", "rm", "rmdir", "sed", "set", "sh", "source",
    "sudo", "tail", "tar", "touch", "unzip", "uv", "wget", "which",
];

/// The fenced blocks of `text`, in order.
///
/// The language is kept as written; without one it is inferred by [`infer`]. Fences of tildes, fences with more than
/// one word after them (`c++`, `python title=x`) and bodies on the fence's own line are not blocks, as in AG2.
pub fn extract(text: &str) -> Vec<CodeBlock> {
    FENCE
        .captures_iter(text)
        .map(|found| {
            let code = found.get(2).map_or("", |body| body.as_str());
            let language = found.get(1).map_or_else(|| infer(code), |word| word.as_str());
            CodeBlock { language: language.to_owned(), code: code.into() }
        })
        .collect()
}

/// The language of a block that names none: `sh` when it looks like shell, `python` otherwise.
///
/// AG2 (code_utils.infer_lang) says `sh` for text that starts with `python `, `python3 ` or `pip`, `python` for
/// whatever compiles as Python, and gives up on the rest. There is no Python compiler here, so two answers differ:
/// a line that begins with a well-known command (`ls -la`, which happens to compile as Python) is shell, and text
/// that is neither is still called Python, whose interpreter then says what is wrong with it.
pub fn infer(code: &str) -> &'static str {
    if ["python ", "python3 ", "pip"].iter().any(|start| code.starts_with(start)) {
        return "sh";
    }
    let mut lines = code.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("");
    if let Some(interpreter) = first.strip_prefix("#!") {
        return if interpreter.contains("python") || !interpreter.ends_with("sh") { "python" } else { "sh" };
    }
    let command = std::iter::once(first).chain(lines).find(|line| !line.starts_with('#')).unwrap_or("");
    if is_command(command) { "sh" } else { "python" }
}

/// Whether a line is a call of a well-known command rather than an expression about a variable of that name.
fn is_command(line: &str) -> bool {
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let rest = rest.trim_start();
    let assigns = rest.starts_with('=') && !rest.starts_with("==");
    SHELL_WORDS.contains(&word) && !assigns && !rest.starts_with(['(', ',', ':']) && !is_operator(rest)
}

/// Whether the text goes on as an expression: `find + 1`, `tail in rows`.
fn is_operator(rest: &str) -> bool {
    let word = rest.split_whitespace().next().unwrap_or("");
    matches!(word, "+" | "*" | "/" | "%" | "==" | "!=" | "<=" | ">=" | "+=" | "-=" | "*=" | "in" | "is" | "if")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_variable_named_like_a_command_is_still_python() {
        for code in ["find = 3", "set = {1}", "tail in rows", "make, model = 1, 2", "echo(1)", "head += 1", "import os"]
        {
            assert_eq!(infer(code), "python", "{code}");
        }
        for code in ["echo hi", "# list\nls -la", "cd src && make", "#!/bin/sh\ntrue", "#!/usr/bin/env bash\ntrue"] {
            assert_eq!(infer(code), "sh", "{code}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic_and_every_block_stands_in_it(
            parts in prop::collection::vec(prop_oneof![
                Just("```".to_owned()), Just("```python\n".to_owned()), Just("\n".to_owned()), Just("\r\n".to_owned()),
                Just(" \t".to_owned()), Just("~~~".to_owned()), Just("`".to_owned()), ".{0,12}",
            ], 0..40)
        ) {
            let text = parts.concat();
            for block in extract(&text) {
                prop_assert!(text.contains(&*block.code));
                prop_assert!(!block.language.is_empty());
                let in_place = text.match_indices("```").any(|(at, _)| text[at + 3..].contains(&*block.code));
                prop_assert!(in_place);
            }
        }
    }
}
