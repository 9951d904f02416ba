//! Whether and how this terminal can show the console.

use std::io::IsTerminal;

/// Why the full screen cannot be used here, in one line that says what to do instead. `None` when it can.
pub fn refuse_reason() -> Option<String> {
    let stdin = std::io::stdin().is_terminal();
    let stdout = std::io::stdout().is_terminal();
    refusal(stdin, stdout, std::env::var("TERM").ok().as_deref())
}

fn refusal(stdin: bool, stdout: bool, term: Option<&str>) -> Option<String> {
    let why = match (stdin, stdout, term) {
        (false, _, _) => "standard input is not a terminal",
        (_, false, _) => "standard output is not a terminal",
        (_, _, Some("dumb")) => "TERM=dumb cannot position the cursor",
        _ => return None,
    };
    Some(format!("the console needs a terminal, and {why}; use --headless to run without one"))
}

/// Whether the locale can show lines and signs beyond ASCII. By POSIX, the first of LC_ALL, LC_CTYPE and LANG that is
/// set and not empty decides. When false, panes draw their borders with `+`, `-` and `|`.
pub fn unicode_locale() -> bool {
    is_unicode(|name| std::env::var(name).ok())
}

fn is_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    match locale {
        Some(locale) => {
            let lower = locale.to_ascii_lowercase();
            lower.contains("utf-8") || lower.contains("utf8")
        }
        // macOS terminals speak UTF-8 without saying so.
        None => cfg!(target_os = "macos"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_and_a_dumb_terminal_are_refused_in_one_line_that_names_headless() {
        assert_eq!(refusal(true, true, Some("xterm")), None);
        assert_eq!(refusal(true, true, None), None);
        for refused in [
            refusal(false, true, Some("xterm")),
            refusal(true, false, Some("xterm")),
            refusal(true, true, Some("dumb")),
        ] {
            let line = refused.unwrap();
            assert!(line.contains("--headless") && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        let locale = |set: &[(&str, &str)]| {
            is_unicode(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(locale(&[("LANG", "de_DE.UTF-8")]));
        assert!(locale(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(!locale(&[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")]));
        assert!(!locale(&[("LANG", "ja_JP.eucJP")]));
    }
}
