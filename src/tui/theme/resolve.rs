//! From what themes say to a style for every role: whole themes inherit, roles inherit, and what nobody mentions
//! falls back.

use super::load::{Reading, Rule, Sheet};
use super::{BUILT_IN, Role, Theme, ThemeError, Themes};
use ratatui::style::Style;

struct Source<'a> {
    name: &'a str,
    text: &'a str,
    own: bool,
}

pub(super) fn themes(files: &[(&str, &str)]) -> (Themes, Vec<ThemeError>) {
    let built_in = BUILT_IN.iter().map(|(name, text)| Source { name, text, own: false });
    let sources: Vec<Source> =
        built_in.chain(files.iter().map(|(name, text)| Source { name, text, own: true })).collect();
    let mut mistakes = Vec::new();
    let mut sheets: Vec<(&Source, Sheet)> = Vec::new();
    for source in &sources {
        let mut reading = Reading { theme: source.name, text: source.text, mistakes: Vec::new() };
        let sheet = reading.sheet();
        match reading.mistakes.is_empty() {
            true => sheets.push((source, sheet)),
            false => mistakes.append(&mut reading.mistakes),
        }
    }
    let mut themes: Vec<Theme> = Vec::new();
    for at in 0..sheets.len() {
        match resolved(at, &sheets) {
            Ok(theme) => match themes.iter_mut().find(|known| known.name == theme.name) {
                Some(known) => *known = theme,
                None => themes.push(theme),
            },
            Err(mistake) => mistakes.push(mistake),
        }
    }
    mistakes.sort_by(|a, b| (&a.theme, a.line).cmp(&(&b.theme, b.line)));
    (Themes { themes }, mistakes)
}

/// The sheet that a theme inherits from. A person's own `dark` may begin from the built-in `dark`.
fn parent(at: usize, sheets: &[(&Source, Sheet)]) -> Result<Option<usize>, ThemeError> {
    let (source, sheet) = &sheets[at];
    let Some((name, line)) = &sheet.inherits else { return Ok(None) };
    let named = |wanted_own: bool| {
        (0..sheets.len()).find(|i| sheets[*i].0.name == name && sheets[*i].0.own == wanted_own && *i != at)
    };
    let found = if source.own && name != source.name { named(true).or_else(|| named(false)) } else { named(false) };
    found.map(Some).ok_or_else(|| ThemeError {
        theme: source.name.to_owned(),
        line: *line,
        message: format!("there is no theme {name:?} to inherit from, or it has mistakes of its own"),
    })
}

fn resolved(at: usize, sheets: &[(&Source, Sheet)]) -> Result<Theme, ThemeError> {
    let (source, own) = &sheets[at];
    let mut chain = vec![at];
    while let Some(next) = parent(chain[chain.len() - 1], sheets)? {
        if chain.contains(&next) {
            let line = own.inherits.as_ref().map_or(1, |(_, line)| *line);
            let message = "it inherits from itself, by way of others or directly".to_owned();
            return Err(ThemeError { theme: source.name.to_owned(), line, message });
        }
        chain.push(next);
    }
    // The nearest theme that mentions a role decides it whole.
    let rule = |role: Role| chain.iter().find_map(|at| sheets[*at].1.rules.iter().rev().find(|rule| rule.role == role));
    let background = chain.iter().find_map(|at| sheets[*at].1.background);
    let mut styles = Vec::with_capacity(Role::ALL.len());
    for role in Role::ALL {
        styles.push(style(*role, &rule, &mut Vec::new()).map_err(|looped| {
            let here = own.rules.iter().find(|rule| rule.role == looped);
            ThemeError {
                theme: source.name.to_owned(),
                line: here.map_or(1, |rule| rule.line),
                message: format!("{} inherits from itself, by way of others or directly", looped.name()),
            }
        })?);
    }
    Ok(Theme { name: source.name.to_owned(), background, styles })
}

/// The style of a role, or the role at which inheritance runs in a circle.
fn style<'a>(role: Role, rule: &impl Fn(Role) -> Option<&'a Rule>, seen: &mut Vec<Role>) -> Result<Style, Role> {
    if seen.contains(&role) {
        return Err(role);
    }
    seen.push(role);
    match rule(role) {
        Some(Rule { inherit: Some(other), style: own, .. }) => Ok(style(*other, rule, seen)?.patch(*own)),
        Some(Rule { inherit: None, style, .. }) => Ok(*style),
        None if role.fallback() == role => Ok(Style::new()),
        None => style(role.fallback(), rule, seen),
    }
}
