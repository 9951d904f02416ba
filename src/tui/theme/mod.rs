//! What things look like: roles, and themes that give each role a style.
//!
//! Views ask for a role and never for a colour; only this module names one. A theme is a TOML file in `themes/` or in
//! a person's own directory: the format is told at the top of `themes/dark.toml`. Pure; imports nothing of ours but
//! [`nearest`](super::nearest). To add a role: a row in `role.rs`, and a line in the themes where its fallback does
//! not do. To add a theme: a file, and a row in [`BUILT_IN`].

mod load;
mod resolve;
mod role;

pub use load::ThemeError;
pub use role::Role;

use ratatui::style::{Color, Style};

/// The themes that are part of the program: name and text.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("solarized", include_str!("../../../themes/solarized.toml")),
    ("ansi", include_str!("../../../themes/ansi.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// A style for every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    background: Option<Color>,
    styles: Vec<Style>,
}

impl Theme {
    /// What it is called in the settings.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// What the whole screen is filled with before anything is drawn: the theme's background under its text colour,
    /// or nothing at all where the terminal's own are used.
    pub fn base(&self) -> Style {
        let text = self.style(Role::Text);
        match self.background {
            Some(background) => text.bg(background),
            None => text,
        }
    }

    /// The style of the agent at a position, counted from 1; the ninth looks like the first.
    pub fn agent(&self, position: usize) -> Style {
        self.style(Role::AGENTS[position.saturating_sub(1) % Role::AGENTS.len()])
    }
}

/// All themes there are: the built-in ones and a person's own, which may replace them.
#[derive(Debug, Clone)]
pub struct Themes {
    themes: Vec<Theme>,
}

impl Themes {
    /// The built-in themes and the given files, each a name and a text. A file with mistakes is left out, and so is
    /// one that inherits from it; its mistakes are told and the rest is used.
    pub fn load(files: &[(&str, &str)]) -> (Themes, Vec<ThemeError>) {
        resolve::themes(files)
    }

    /// The names, built-in ones first.
    pub fn names(&self) -> Vec<&str> {
        self.themes.iter().map(Theme::name).collect()
    }

    /// The theme of this name.
    pub fn get(&self, name: &str) -> Option<&Theme> {
        self.themes.iter().find(|theme| theme.name == name)
    }

    /// The theme after this one, going round. For an unknown name, the first.
    pub fn next(&self, name: &str) -> Option<&Theme> {
        let at = self.themes.iter().position(|theme| theme.name == name).map_or(0, |at| at + 1);
        self.themes.get(at % self.themes.len().max(1))
    }
}

/// The built-in themes; a test proves that they have no mistakes.
impl Default for Themes {
    fn default() -> Self {
        Themes::load(&[]).0
    }
}

/// The theme that `theme = "auto"` means, by the environment: without colour when NO_COLOR says so
/// (<https://no-color.org>), the sixteen colours of the terminal when it may have no more, and else dark, or light
/// when COLORFGBG tells of a light background.
pub fn automatic(variable: impl Fn(&str) -> Option<String>) -> &'static str {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return "mono";
    }
    let colours = set("COLORTERM").is_some_and(|value| matches!(value.as_str(), "truecolor" | "24bit"));
    let term = set("TERM").unwrap_or_default();
    // Terminals that are known for true colour, for when COLORTERM was lost on the way (ssh, sudo).
    const TRUE: &[&str] = &["-direct", "kitty", "alacritty", "ghostty", "wezterm", "foot"];
    if !colours && !TRUE.iter().any(|part| term.contains(part)) {
        return "ansi";
    }
    match set("COLORFGBG").as_deref().and_then(|value| value.rsplit(';').next()) {
        Some("7" | "15") => "light",
        _ => "dark",
    }
}

#[cfg(test)]
mod tests;
