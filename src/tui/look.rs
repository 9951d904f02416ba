//! How the console looks and which keys it knows, from the settings.

use super::files;
use super::keymap::Keymap;
use super::terminal;
use super::theme::{self, Theme, Themes};
use crate::settings::{Calling, Row, Settings, paths};
use std::path::PathBuf;

/// Looks and keys, loaded once; the theme may change while running.
#[derive(Debug, Clone)]
pub struct Look {
    /// All themes.
    pub themes: Themes,
    /// The present one, by name.
    pub theme: String,
    /// The keys.
    pub keymap: Keymap,
    /// Most frames a second.
    pub frame_rate: u32,
    /// Whether the terminal can show more than ASCII.
    pub unicode: bool,
    /// Where crash reports go.
    pub crashes: PathBuf,
    /// How the operator is called.
    pub calling: Calling,
    /// Whether the mouse does anything.
    pub mouse: bool,
    /// Whether the theme follows the terminal's background.
    pub automatic: bool,
    /// Every setting with its origin, for the page that shows them.
    pub settings: Vec<Row>,
    /// Where it is kept how the screen was arranged; `None` for nowhere.
    pub memory: Option<PathBuf>,
}

/// Why the console cannot look as it was told to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LookError(String);

impl Look {
    /// The look the settings ask for.
    ///
    /// # Errors
    /// When the theme is unknown or broken, or the keymap has mistakes; each with its place.
    pub fn from(settings: &Settings) -> Result<Self, LookError> {
        let lines = |errors: Vec<String>| LookError(errors.join("\n"));
        let own = paths::config_dir().ok().map(|dir| dir.join("themes"));
        let (themes, mistakes) = files::themes(own.as_deref());
        let wanted = settings.theme.value.as_str();
        let theme = match wanted {
            "auto" => theme::automatic(|name| std::env::var(name).ok()).to_owned(),
            // NO_COLOR is stronger than a setting: somebody asked for no colour now.
            _ if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => "mono".to_owned(),
            name => name.to_owned(),
        };
        if themes.get(&theme).is_none() {
            let mut errors: Vec<String> =
                mistakes.iter().filter(|mistake| mistake.theme == theme).map(ToString::to_string).collect();
            if errors.is_empty() {
                errors.push(format!("there is no theme {theme:?}; there are: {}", themes.names().join(", ")));
            }
            return Err(lines(errors));
        }
        let keymap = files::keymap(&settings.keys.value, settings.keymap.value.as_deref())
            .map_err(|errors| lines(errors.iter().map(ToString::to_string).collect()))?;
        let data = paths::data_dir(settings.data_dir.value.as_deref()).unwrap_or_else(|_| std::env::temp_dir());
        let automatic = wanted == "auto" && matches!(theme.as_str(), "dark" | "light");
        Ok(Look {
            themes,
            theme,
            keymap,
            frame_rate: settings.frame_rate.value,
            unicode: terminal::unicode_locale(),
            crashes: data.join("crashes"),
            calling: settings.attention.value.clone(),
            mouse: settings.mouse.value,
            automatic,
            settings: settings.rows(),
            memory: Some(data.join("console.toml")),
        })
    }

    /// The built-in look in the theme of that name: what tests and screenshots use.
    pub fn plain(theme: &str) -> Self {
        Look {
            themes: files::themes(None).0,
            theme: theme.to_owned(),
            keymap: Keymap::default(),
            frame_rate: 60,
            unicode: true,
            crashes: std::env::temp_dir(),
            calling: Calling::default(),
            mouse: false,
            automatic: false,
            settings: Settings::default().rows(),
            memory: None,
        }
    }

    /// The present theme.
    pub fn theme(&self) -> &Theme {
        // The name was checked when it was set, and dark is built in.
        self.themes.get(&self.theme).or_else(|| self.themes.get("dark")).unwrap_or_else(|| unreachable!())
    }

    /// The terminal has told of its background: the automatic theme follows it. Says whether anything changed.
    pub fn follow_background(&mut self, light: bool) -> bool {
        let wanted = if light { "light" } else { "dark" };
        let changes = self.automatic && self.theme != wanted;
        if changes {
            self.theme = wanted.to_owned();
        }
        changes
    }

    /// Goes on to the next theme and returns its name.
    pub fn next_theme(&mut self) -> &str {
        self.automatic = false;
        if let Some(next) = self.themes.next(&self.theme) {
            self.theme = next.name().to_owned();
        }
        &self.theme
    }
}
