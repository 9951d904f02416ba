//! Makes `config/prices.toml` anew out of a local copy of the public table of the litellm project.
//!
//! Kept are chat models of providers that this program has, in US dollars per million tokens; a dated name is left out
//! where the undated one says the same. Pure: text in, text out.

use super::{Price, is_date};
use crate::chat::usage::Long;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// litellm's word for a provider, and ours.
const PROVIDERS: [(&str, &str); 10] = [
    ("openai", "openai"),
    ("azure", "azure"),
    ("anthropic", "anthropic"),
    ("gemini", "gemini"),
    ("groq", "groq"),
    ("deepseek", "deepseek"),
    ("mistral", "mistral"),
    ("xai", "xai"),
    ("together_ai", "together"),
    ("openrouter", "openrouter"),
];

/// Names of what is no plain chat model.
const OTHERS: [&str; 9] = ["guard", "audio", "realtime", "image", "search", "ft:", "tts", "transcribe", "live"];

/// The new table. `source` says which copy it was made from, `date` when.
///
/// # Errors
/// When the text is not that table.
pub fn table(text: &str, source: &str, date: &str) -> Result<String, String> {
    let all: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("this is not litellm's table of prices: {error}"))?;
    let mut makers: BTreeMap<&str, BTreeMap<String, (Price, Option<u64>)>> = BTreeMap::new();
    for (name, row) in &all {
        let word = |field: &str| row.get(field).and_then(Value::as_str).unwrap_or_default();
        let Some((theirs, ours)) = PROVIDERS.iter().find(|(theirs, _)| *theirs == word("litellm_provider")) else {
            continue;
        };
        let name = name.strip_prefix(&format!("{theirs}/")).unwrap_or(name);
        let plain = matches!(word("mode"), "chat" | "responses") && !OTHERS.iter().any(|part| name.contains(part));
        // `azure/eu/gpt-4o`, `us/claude-…`: what a region charges is not told from the name that a team writes.
        let regional = *ours == "azure" && name.contains('/');
        if let Some(price) = price(row).filter(|price| plain && !regional && price.input + price.output > 0.0) {
            makers.entry(ours).or_default().insert(name.to_owned(), (price, window(row)));
        }
    }
    if makers.is_empty() {
        return Err("this is not litellm's table of prices: no known provider stands in it".to_owned());
    }
    let mut out = HEAD.replace("{source}", source).replace("{date}", date);
    for (maker, rows) in &makers {
        let _ = writeln!(out, "\n[{maker}]");
        for (name, (price, window)) in rows {
            let undated = rows.iter().any(|(other, row)| {
                name.strip_prefix(other.as_str()).is_some_and(is_date) && *row == (*price, *window)
            });
            if !undated {
                let _ = writeln!(out, "{} = {{ {} }}", Value::from(name.as_str()), fields(price, *window));
            }
        }
    }
    out.push_str(TAIL);
    Ok(out)
}

/// Dollars per million tokens, of a field in dollars per token.
fn dollars(row: &Value, field: &str) -> Option<f64> {
    let each = row.get(field).and_then(Value::as_f64)?;
    Some((each * 1e6 * 1e6).round() / 1e6)
}

fn price(row: &Value) -> Option<Price> {
    let long = [128_000, 200_000, 256_000, 272_000].into_iter().find_map(|over: u64| {
        let tier = |field: &str| dollars(row, &format!("{field}_above_{}k_tokens", over / 1000));
        Some(Long {
            over,
            input: tier("input_cost_per_token")?,
            cached: tier("cache_read_input_token_cost"),
            output: tier("output_cost_per_token")?,
        })
    });
    let (input, output) = (dollars(row, "input_cost_per_token")?, dollars(row, "output_cost_per_token")?);
    let batch = dollars(row, "input_cost_per_token_batches").zip(dollars(row, "output_cost_per_token_batches"));
    Some(Price {
        input,
        cached: dollars(row, "cache_read_input_token_cost").or_else(|| dollars(row, "input_cost_per_token_cache_hit")),
        written: dollars(row, "cache_creation_input_token_cost").filter(|written| *written > 0.0),
        output,
        reasoning: dollars(row, "output_cost_per_reasoning_token").filter(|reasoning| *reasoning != output),
        batch,
        long,
    })
}

/// Input and output together. Windows of 400,000 and 1,050,000 tokens stand in the source as what is left for the input.
fn window(row: &Value) -> Option<u64> {
    let count = |field: &str| row.get(field).and_then(Value::as_u64);
    let input = count("max_input_tokens").or_else(|| count("max_tokens"))?;
    let sum = input + count("max_output_tokens").unwrap_or(0);
    Some(if matches!(sum, 400_000 | 1_050_000) { sum } else { input })
}

fn fields(price: &Price, window: Option<u64>) -> String {
    let Price { input, cached, written, output, reasoning, batch, long } = price;
    let mut parts = vec![format!("input = {input:?}")];
    parts.extend(cached.map(|it| format!("cached = {it:?}")));
    parts.extend(written.map(|it| format!("written = {it:?}")));
    parts.push(format!("output = {output:?}"));
    parts.extend(reasoning.map(|it| format!("reasoning = {it:?}")));
    parts.extend(batch.map(|(input, output)| format!("batch = [{input:?}, {output:?}]")));
    parts.extend(long.map(|long| {
        let cached = long.cached.map(|it| format!(", cached = {it:?}")).unwrap_or_default();
        format!("long = {{ over = {}, input = {:?}{cached}, output = {:?} }}", long.over, long.input, long.output)
    }));
    parts.extend(window.map(|window| format!("context_window = {window}")));
    parts.join(", ")
}

const HEAD: &str = "\
# What models cost, in US dollars per million tokens, and how many tokens they can hold.
#
# Made from the public price table of the litellm project, MIT licence, copyright Berri AI:
# {source}, on {date}, by
#
#     plenary models --prices-from model_prices_and_context_window_backup.json > config/prices.toml
#
# Prices change: what a team file sets in `price` or `context_window` wins over this table, and a model that is not
# listed has no known price, which is shown as such and never as zero.
#
# input, output    list price. cached, written: input that the provider's cache served, or took up.
# reasoning        output spent on reasoning, where it has a price of its own.
# batch            input and output through a batch interface, which this program does not use.
# long             the prices of a call whose input is longer than `over` tokens.
# context_window   input and output together.
#
# A dated name (\"gpt-4o-2024-08-06\") finds the longest listed name before its date, unless it is listed itself.
# The name \"*\" stands for every model of a provider.
";

const TAIL: &str = "
# Runs on the operator's own machine: nobody charges by the token.
[ollama]
\"*\" = { input = 0.0, output = 0.0 }

[local]
\"*\" = { input = 0.0, output = 0.0 }

[lmstudio]
\"*\" = { input = 0.0, output = 0.0 }

[vllm]
\"*\" = { input = 0.0, output = 0.0 }

# Comes out of the team file.
[scripted]
\"*\" = { input = 0.0, output = 0.0 }
";

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{
        "sample_spec": {"litellm_provider": "one of", "mode": "chat"},
        "gpt-x": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
            "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06, "max_input_tokens": 128000,
            "input_cost_per_token_batches": 1.25e-06, "output_cost_per_token_batches": 5e-06},
        "gpt-x-2026-01-01": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
            "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06, "max_input_tokens": 128000,
            "input_cost_per_token_batches": 1.25e-06, "output_cost_per_token_batches": 5e-06},
        "gpt-x-audio": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1, "output_cost_per_token": 1},
        "gemini/gem": {"litellm_provider": "gemini", "mode": "chat", "input_cost_per_token": 1.25e-06,
            "output_cost_per_token": 1e-05, "input_cost_per_token_above_200k_tokens": 2.5e-06,
            "output_cost_per_token_above_200k_tokens": 1.5e-05, "max_input_tokens": 1048576},
        "embed": {"litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": 1, "output_cost_per_token": 0}
    }"#;

    #[test]
    fn a_table_is_made_anew_and_can_be_read() {
        let text = table(SAMPLE, "litellm 1.0", "2026-11-20").unwrap();
        assert!(text.contains("litellm 1.0, on 2026-11-20"));
        let read: super::super::Table = toml::from_str(&text).unwrap();
        assert_eq!(read["openai"].keys().collect::<Vec<_>>(), ["gpt-x"]);
        let gem = read["gemini"]["gem"].price;
        assert_eq!(gem.long, Some(Long { over: 200_000, input: 2.5, cached: None, output: 15.0 }));
        assert_eq!(read["openai"]["gpt-x"].price.batch, Some((1.25, 5.0)));
        assert!(table("{}", "x", "y").is_err() && table("[", "x", "y").is_err());
    }
}
