//! What models cost and how much they hold: the embedded table `config/prices.toml`.
//!
//! A price in the team file wins over the table; a model that is in neither has no known price, which is not zero.

pub mod refresh;

use crate::chat::usage::Price;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Maker -> model -> row.
type Table = BTreeMap<String, BTreeMap<String, Row>>;

#[derive(Debug, Clone, Copy, Deserialize)]
struct Row {
    #[serde(flatten)]
    price: Price,
    context_window: Option<u64>,
}

const EMBEDDED: &str = include_str!("../../../config/prices.toml");

/// A constant, read once. A test proves that it parses; should it ever not, no price is known and nothing else breaks.
static TABLE: LazyLock<Table> = LazyLock::new(|| toml::from_str(EMBEDDED).unwrap_or_default());

/// The maker's list price of a model, or `None` when it is not in the table.
///
/// For the provider `compatible` the model's name decides, with or without its maker in front (`openai/gpt-4o`): what
/// stands behind a base URL charges the list price or close to it. A team file that knows better says so.
pub fn price_of(provider: &str, model: &str) -> Option<Price> {
    find(provider, model).map(|row| row.price)
}

/// How many tokens of input and output together the model holds, or `None` when it is not in the table.
pub fn context_window_of(provider: &str, model: &str) -> Option<u64> {
    find(provider, model).and_then(|row| row.context_window)
}

fn find(provider: &str, model: &str) -> Option<&'static Row> {
    if !matches!(provider, "compatible" | "litellm" | "openrouter") || known_as_it_stands(provider, model) {
        return find_in(TABLE.get(provider)?, model);
    }
    let makers = ["openai", "anthropic", "gemini"];
    let (wanted, model) = match model.rsplit_once('/') {
        None => (None, model),
        // Google's own endpoint says `models/`, gateways say `google/`.
        Some(("google" | "models", name)) => (Some("gemini"), name),
        Some((maker, name)) => (Some(maker), name),
    };
    makers
        .into_iter()
        .filter(|maker| wanted.is_none_or(|wanted| wanted == *maker))
        .find_map(|maker| find_in(TABLE.get(maker)?, model))
}

/// Whether the provider has a row of its own for that very name.
fn known_as_it_stands(provider: &str, model: &str) -> bool {
    TABLE.get(provider).is_some_and(|rows| rows.contains_key(model))
}

/// The row of that very name, else of the longest name to which only a date was added, else the row for all.
fn find_in(rows: &'static BTreeMap<String, Row>, model: &str) -> Option<&'static Row> {
    rows.get(model)
        .or_else(|| {
            rows.iter()
                .filter(|(name, _)| model.strip_prefix(name.as_str()).is_some_and(is_date))
                .max_by_key(|(name, _)| name.len())
                .map(|(_, row)| row)
        })
        .or_else(|| rows.get("*"))
}

/// `-2024-08-06`, `-20250929`, `-0613`, `@20250929`. `-mini` is another model, and so is `-5`.
fn is_date(suffix: &str) -> bool {
    let Some(date) = suffix.strip_prefix(['-', '@']) else { return false };
    date.starts_with(|c: char| c.is_ascii_digit())
        && date.chars().all(|c| c.is_ascii_digit() || c == '-')
        && date.chars().filter(char::is_ascii_digit).count() >= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_parses_and_every_row_is_plausible() {
        let table: Table = toml::from_str(EMBEDDED).unwrap();
        assert!(table.values().map(BTreeMap::len).sum::<usize>() >= 25);
        for (name, row) in table.values().flatten().filter(|(name, _)| *name != "*") {
            assert!(row.price.input >= 0.0 && row.price.output >= 0.0, "{name}");
            assert!(row.price.cached.is_none_or(|cached| cached <= row.price.input), "{name}");
            assert!(row.context_window.is_none_or(|window| window >= 1_000), "{name}");
        }
    }

    #[test]
    fn a_dated_name_finds_its_model_and_a_listed_date_finds_itself() {
        assert_eq!(price_of("openai", "gpt-4o-2024-08-06"), price_of("openai", "gpt-4o"));
        assert_eq!(price_of("openai", "gpt-4o-mini-2024-07-18"), price_of("openai", "gpt-4o-mini"));
        assert_ne!(price_of("openai", "gpt-4o-2024-05-13"), price_of("openai", "gpt-4o"));
        assert_eq!(context_window_of("anthropic", "claude-sonnet-4-5-20250929"), Some(200_000));
    }

    #[test]
    fn a_relative_of_a_known_model_has_no_known_price() {
        assert_eq!(price_of("openai", "gpt-4o-audio-preview"), None);
        assert_eq!(price_of("openai", "gpt-4o-audio-preview-2024-12-17"), None);
        assert_eq!(price_of("anthropic", "claude-opus-5-9"), None);
        assert_eq!(price_of("openai", "gpt"), None);
        assert_eq!(price_of("nobody", "gpt-4o"), None);
    }

    #[test]
    fn a_compatible_endpoint_is_priced_by_the_name_of_the_model() {
        assert_eq!(price_of("compatible", "gpt-4o"), price_of("openai", "gpt-4o"));
        assert_eq!(price_of("compatible", "google/gemini-2.5-pro"), price_of("gemini", "gemini-2.5-pro"));
        assert_eq!(price_of("compatible", "openai/claude-opus-5"), None);
        assert_eq!(price_of("compatible", "my-own-llama"), None);
    }

    #[test]
    fn what_runs_at_home_costs_nothing_and_its_window_is_unknown() {
        assert_eq!(price_of("ollama", "llama3.3").map(|price| (price.input, price.output)), Some((0.0, 0.0)));
        assert_eq!(context_window_of("ollama", "llama3.3"), None);
    }
}
