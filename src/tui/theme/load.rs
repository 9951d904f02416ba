//! From the text of a theme to what it says, with every mistake told where it stands.

use super::Role;
use crate::tui::nearest::{line_of, nearest};
use ratatui::style::{Color, Modifier, Style};
use toml::de::{DeTable, DeValue};

/// One mistake in a theme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("theme {theme}, line {line}: {message}")]
pub struct ThemeError {
    /// The theme's name.
    pub theme: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// What a theme's text says.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheet {
    /// The theme it begins from, and the line that says so.
    pub inherits: Option<(String, usize)>,
    pub background: Option<Color>,
    /// In the order of the file.
    pub rules: Vec<Rule>,
}

/// What a theme says of one role.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub role: Role,
    pub inherit: Option<Role>,
    pub style: Style,
    pub line: usize,
}

/// Reads one theme.
pub(super) struct Reading<'a> {
    pub theme: &'a str,
    pub text: &'a str,
    pub mistakes: Vec<ThemeError>,
}

const FLAGS: &[(&str, Modifier)] = &[
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

impl Reading<'_> {
    fn wrong(&mut self, offset: usize, message: impl Into<String>) {
        let line = line_of(self.text, offset);
        self.mistakes.push(ThemeError { theme: self.theme.to_owned(), line, message: message.into() });
    }

    pub fn sheet(&mut self) -> Sheet {
        let mut sheet = Sheet::default();
        let text = self.text;
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                self.wrong(error.span().map_or(0, |span| span.start), error.message());
                return sheet;
            }
        };
        for (key, value) in table.get_ref() {
            let offset = key.span().start;
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("inherits", DeValue::String(name)) => {
                    sheet.inherits = Some((name.to_string(), line_of(text, offset)));
                }
                ("background", DeValue::String(name)) => {
                    sheet.background = self.colour("background", name, value.span().start);
                }
                ("roles", DeValue::Table(roles)) => self.roles(roles, &mut sheet),
                ("inherits" | "background", _) => self.wrong(offset, format!("{} must be a text", key.get_ref())),
                ("roles", _) => self.wrong(offset, "roles must be a table"),
                (other, _) => {
                    let message = unknown("setting of a theme", other, &["inherits", "background", "roles"]);
                    self.wrong(offset, message);
                }
            }
        }
        sheet
    }

    fn roles(&mut self, roles: &DeTable<'_>, sheet: &mut Sheet) {
        for (key, value) in roles {
            let offset = key.span().start;
            let Some(role) = Role::named(key.get_ref()) else {
                let message = unknown_role(key.get_ref());
                self.wrong(offset, message);
                continue;
            };
            let DeValue::Table(settings) = value.get_ref() else {
                let message = format!("{} must be a table such as {{ fg = \"red\", bold = true }}", role.name());
                self.wrong(offset, message);
                continue;
            };
            let rule = self.rule(role, settings, line_of(self.text, offset));
            sheet.rules.push(rule);
        }
    }

    fn rule(&mut self, role: Role, settings: &DeTable<'_>, line: usize) -> Rule {
        let mut rule = Rule { role, inherit: None, style: Style::new(), line };
        for (key, value) in settings {
            let offset = key.span().start;
            let name = key.get_ref().as_ref();
            let about = format!("{}.{name}", role.name());
            match (name, value.get_ref()) {
                ("fg", DeValue::String(colour)) => rule.style.fg = self.colour(&about, colour, offset),
                ("bg", DeValue::String(colour)) => rule.style.bg = self.colour(&about, colour, offset),
                ("inherit", DeValue::String(other)) => {
                    rule.inherit = Role::named(other);
                    if rule.inherit.is_none() {
                        self.wrong(offset, format!("{about}: {}", unknown_role(other)));
                    }
                }
                ("fg" | "bg" | "inherit", _) => self.wrong(offset, format!("{about} must be a text")),
                _ => match (FLAGS.iter().find(|(flag, _)| *flag == name), value.get_ref()) {
                    (Some((_, modifier)), DeValue::Boolean(true)) => {
                        rule.style = rule.style.add_modifier(*modifier);
                    }
                    (Some((_, modifier)), DeValue::Boolean(false)) => {
                        rule.style = rule.style.remove_modifier(*modifier);
                    }
                    (Some(_), _) => self.wrong(offset, format!("{about} must be true or false")),
                    (None, _) => {
                        let known: Vec<&str> =
                            ["fg", "bg", "inherit"].into_iter().chain(FLAGS.iter().map(|(flag, _)| *flag)).collect();
                        let message = format!("{}: {}", role.name(), unknown("setting of a role", name, &known));
                        self.wrong(offset, message);
                    }
                },
            }
        }
        rule
    }

    fn colour(&mut self, about: &str, text: &str, offset: usize) -> Option<Color> {
        let colour = text.parse().ok();
        if colour.is_none() {
            let message = format!(
                "{about}: {text:?} is not a colour; write \"#rrggbb\", a number from 0 to 255, or a name such as \
                 \"red\" or \"light-blue\""
            );
            self.wrong(offset, message);
        }
        colour
    }
}

fn unknown_role(name: &str) -> String {
    let known: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
    unknown("role", name, &known)
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("{name:?} is no {what}; did you mean {near:?}?"),
        None => format!("{name:?} is no {what}; known are {}", known.join(", ")),
    }
}
