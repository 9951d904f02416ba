use super::*;
use ratatui::style::Modifier;

fn theme(name: &str) -> Theme {
    Themes::default().get(name).unwrap().clone()
}

fn told(text: &str) -> String {
    let (themes, mistakes) = Themes::load(&[("mine", text)]);
    assert!(themes.get("mine").is_none());
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Relative luminance (WCAG 2.2).
fn luminance(colour: Color) -> f64 {
    let Color::Rgb(r, g, b) = colour else { panic!("{colour:?} cannot be measured") };
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

fn contrast(a: Color, b: Color) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn the_built_in_themes_have_no_mistakes() {
    let (themes, mistakes) = Themes::load(&[]);
    assert_eq!(mistakes, []);
    assert_eq!(themes.names(), ["dark", "light", "high-contrast", "solarized", "ansi", "mono"]);
    assert_eq!(themes.next("mono").unwrap().name(), "dark");
    assert_eq!(themes.next("dark").unwrap().name(), "light");
}

#[test]
fn the_contrast_formula_knows_black_and_white() {
    let black_on_white = contrast(Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255));
    assert!((black_on_white - 21.0).abs() < 1e-9);
    assert!((contrast(Color::Rgb(0x77, 0x77, 0x77), Color::Rgb(255, 255, 255)) - 4.478).abs() < 0.01);
}

#[test]
fn every_role_can_be_read_on_its_ground() {
    for theme in [theme("dark"), theme("light"), theme("solarized"), theme("high-contrast")] {
        let base = theme.base();
        for role in Role::ALL {
            let style = base.patch(theme.style(*role));
            let contrast = contrast(style.fg.unwrap(), style.bg.unwrap());
            let quiet = matches!(role, Role::Dim | Role::Border | Role::BorderFocus | Role::Minimap);
            let strict = theme.name() == "high-contrast";
            let least = match (strict, quiet) {
                (true, true) => 4.5,
                (true, false) => 7.0,
                (false, true) => 3.0,
                (false, false) => 4.5,
            };
            assert!(contrast >= least, "{} {}: {contrast:.2}, needs {least}", theme.name(), role.name());
        }
    }
}

#[test]
fn agents_are_told_apart_by_colour_where_there_is_colour() {
    for name in ["dark", "light", "high-contrast", "solarized", "ansi"] {
        let theme = theme(name);
        for a in 1..=8 {
            for b in a + 1..=8 {
                assert_ne!(theme.agent(a), theme.agent(b), "{name}: {a} and {b}");
            }
        }
        assert_eq!(theme.agent(9), theme.agent(1));
    }
}

#[test]
fn mono_has_no_colour_and_yet_shows_what_matters() {
    let mono = theme("mono");
    for role in Role::ALL {
        let style = mono.style(*role);
        assert_eq!((style.fg, style.bg), (None, None), "{}", role.name());
    }
    assert_eq!(mono.base(), Style::new());
    for role in [Role::Selection, Role::Match, Role::Marker, Role::StatusWaiting, Role::StatusFailed, Role::Error] {
        assert!(mono.style(role).add_modifier.contains(Modifier::REVERSED), "{}", role.name());
    }
    let states = [Role::StatusRunning, Role::StatusHeld, Role::StatusWaiting, Role::StatusFailed, Role::StatusEnded];
    for (at, a) in states.iter().enumerate() {
        assert!(states[at + 1..].iter().all(|b| mono.style(*a) != mono.style(*b)), "{}", a.name());
    }
}

#[test]
fn ansi_uses_the_terminals_own_sixteen() {
    let ansi = theme("ansi");
    for role in Role::ALL {
        let style = ansi.style(*role);
        assert!(!matches!(style.fg, Some(Color::Rgb(..) | Color::Indexed(_))), "{}", role.name());
        assert_eq!(style.bg, None, "{}", role.name());
    }
}

#[test]
fn every_role_ends_at_text_and_has_a_name_of_its_own() {
    for role in Role::ALL {
        let mut at = *role;
        for _ in 0..Role::ALL.len() {
            at = at.fallback();
        }
        assert_eq!(at, Role::Text, "{}", role.name());
        assert_eq!(Role::named(role.name()), Some(*role));
    }
}

#[test]
fn what_a_theme_does_not_mention_falls_back() {
    let (themes, mistakes) = Themes::load(&[("mine", "[roles]\nerror = { fg = \"red\" }\ncode = { bold = true }")]);
    assert_eq!(mistakes, []);
    let mine = themes.get("mine").unwrap();
    assert_eq!(mine.style(Role::StatusFailed), Style::new().fg(Color::Red));
    assert_eq!(mine.style(Role::Keyword), Style::new().bold());
    assert_eq!(mine.style(Role::Title), Style::new());
}

#[test]
fn themes_and_roles_inherit() {
    let text = "inherits = \"dark\"\n[roles]\nerror = { inherit = \"warning\", bold = false, underline = true }";
    let (themes, mistakes) = Themes::load(&[("mine", text), ("child", "inherits = \"mine\"\nbackground = \"black\"")]);
    assert_eq!(mistakes, []);
    let (dark, mine, child) = (theme("dark"), themes.get("mine").unwrap(), themes.get("child").unwrap());
    assert_eq!(mine.style(Role::Text), dark.style(Role::Text));
    assert_eq!(mine.style(Role::Error).fg, dark.style(Role::Warning).fg);
    assert!(mine.style(Role::Error).add_modifier == Modifier::UNDERLINED);
    assert_eq!(child.style(Role::Error), mine.style(Role::Error));
    assert_eq!(child.base().bg, Some(Color::Black));
    assert_eq!(mine.base(), dark.base());
}

#[test]
fn a_theme_of_ones_own_may_replace_a_built_in_one_and_begin_from_it() {
    let (themes, mistakes) = Themes::load(&[("dark", "inherits = \"dark\"\n[roles]\ntext = { fg = \"white\" }")]);
    assert_eq!(mistakes, []);
    assert_eq!(themes.names(), ["dark", "light", "high-contrast", "solarized", "ansi", "mono"]);
    assert_eq!(themes.get("dark").unwrap().style(Role::Text), Style::new().fg(Color::White));
    assert_eq!(themes.get("dark").unwrap().style(Role::Error), theme("dark").style(Role::Error));
}

#[test]
fn mistakes_name_line_and_role_and_the_nearest_word() {
    let roles = |line: &str| told(&format!("[roles]\n{line}"));
    assert_eq!(roles("boarder = {}"), "theme mine, line 2: \"boarder\" is no role; did you mean \"border\"?");
    assert!(
        roles("text = { fg = \"reddish\" }").starts_with("theme mine, line 2: text.fg: \"reddish\" is not a colour")
    );
    assert!(roles("text = { fgg = \"red\" }").contains("text: \"fgg\" is no setting of a role; did you mean \"fg\"?"));
    assert!(roles("text = { bold = 1 }").contains("text.bold must be true or false"));
    assert!(roles("text = { inherit = \"titel\" }").contains("did you mean \"title\"?"));
    assert!(roles("text = \"red\"").contains("text must be a table"));
    assert!(told("[roles\n").starts_with("theme mine, line 1: "));
    assert!(told("\ninherits = \"nowhere\"").contains("line 2: there is no theme \"nowhere\""));
    assert!(told("colour = 3").contains("is no setting of a theme"));
    assert!(roles("a = {}\ndim = { inherit = \"dim\" }").contains("line 2"));
    assert!(roles("dim = { inherit = \"strong\" }\nstrong = { inherit = \"dim\" }").contains("inherits from itself"));
}

#[test]
fn themes_that_inherit_in_a_circle_are_left_out_and_the_rest_is_used() {
    let (themes, mistakes) =
        Themes::load(&[("a", "inherits = \"b\""), ("b", "inherits = \"a\""), ("c", "inherits = \"c\"")]);
    assert_eq!(mistakes.len(), 3);
    assert_eq!(themes.names().len(), BUILT_IN.len());
}

#[test]
fn the_automatic_theme_follows_the_environment() {
    let auto = |set: &[(&str, &str)]| {
        automatic(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    };
    assert_eq!(auto(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]), "mono");
    assert_eq!(auto(&[("COLORTERM", "truecolor"), ("NO_COLOR", "")]), "dark");
    assert_eq!(auto(&[("COLORTERM", "24bit"), ("COLORFGBG", "0;15")]), "light");
    assert_eq!(auto(&[("TERM", "xterm-256color")]), "ansi");
    assert_eq!(auto(&[("TERM", "xterm-kitty")]), "dark");
    assert_eq!(auto(&[]), "ansi");
}
