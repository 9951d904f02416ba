//! `[models.<key>]`: where words come from.

use super::{Marks, World};
use crate::chat::team::{ModelSpec, Spec};
use crate::chat::usage::Price;
use crate::settings::reader::{self, Fields, Node, Span, number_in};
use crate::settings::report::Finding;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use toml::de::DeValue;

/// The provider whose models need no name: its script is all there is.
const SCRIPTED: &str = "scripted";
const MOST_DOLLARS: f64 = 1e6;
/// How much a model is to think before it speaks.
const EFFORTS: &[(&str, &str)] = &[
    ("none", "none"),
    ("minimal", "minimal"),
    ("low", "low"),
    ("medium", "medium"),
    ("high", "high"),
    ("xhigh", "xhigh"),
];

impl<'a> World<'a> {
    pub(super) fn models(&self, node: Option<&'a Node<'a>>, marks: &mut Marks) -> BTreeMap<String, ModelSpec> {
        let mut models = BTreeMap::new();
        let Some(table) = node.and_then(|node| self.table("models", node, "[models.<key>]")) else { return models };
        let place = node.map_or(0..0, |node| node.span());
        if !reader::few(self.findings, "models", table.len(), place) {
            return models;
        }
        let mut fallbacks: Vec<(&str, String, Span)> = Vec::new();
        for (key, node) in table.iter() {
            let key_text = &**key.get_ref();
            marks.models.insert(key_text.to_owned(), key.span());
            if key_text.trim().is_empty() {
                self.findings.push(Finding::error("a model's key is empty").at(key.span()));
            }
            let Some(table) = node.get_ref().as_table() else {
                let message = format!("a model is a table, and `{key_text}` is {}", reader::found(node));
                let help = "write [models.<key>] with `provider` and `model` below it";
                self.findings.push(Finding::error(message).at(node.span()).help(help));
                continue;
            };
            let place = format!("[models.{key_text}]");
            let mut fields = Fields::new(self.findings, table, key.span(), place);
            let (model, named) = self.model(key_text, &mut fields);
            fallbacks.extend(named.into_iter().map(|(name, span)| (key_text, name, span)));
            models.insert(key_text.to_owned(), model);
        }
        if !reader::few(
            self.findings,
            "fallback",
            fallbacks.len(),
            fallbacks.first().map_or(0..0, |(.., span)| span.clone()),
        ) {
            return models;
        }
        for (_, name, span) in &fallbacks {
            self.known_model(name, span.clone(), &models);
        }
        self.no_circles(&fallbacks);
        models
    }

    fn model(&self, key: &str, fields: &mut Fields<'a>) -> (ModelSpec, Vec<(String, Span)>) {
        let provider = fields.filled("provider");
        let model = fields.filled("model");
        let fallback = fields.texts("fallback").unwrap_or_default();
        let own_price = fields.get("price").and_then(|node| self.price(node));
        let own_window = fields.whole("context_window", 1..=i64::MAX as u64);
        let parameters = self.parameters(fields);
        let cache_seed = fields.whole("cache_seed", 0..=i64::MAX as u64);

        if fields.span_of("provider").is_none() {
            let known: Vec<_> = self.families.providers.iter().map(|row| row.name).collect();
            let finding = Finding::error(format!("model `{key}` has no `provider`")).at(fields.span.clone());
            self.findings.push(finding.help(format!("one of: {}", known.join(", "))));
        }
        let provider_span = fields.span_of("provider").unwrap_or_else(|| fields.span.clone());
        if fields.span_of("model").is_none() && provider.as_deref() != Some(SCRIPTED) {
            let finding = Finding::error(format!("model `{key}` has no `model`")).at(fields.span.clone());
            self.findings.push(finding.help("write the provider's name of the model, for example model = \"gpt-4o\""));
        }
        let model = model.unwrap_or_else(|| key.to_owned());
        let spec = provider.as_deref().and_then(|name| {
            let row = self.row(&self.families.providers, "provider", name, provider_span.clone())?;
            let beside = fields.asked().to_vec();
            Some(self.spec(row, "provider", fields.rest(), provider_span, &beside))
        });
        let provider = spec.unwrap_or_else(|| Spec::named(provider.unwrap_or_default()));
        let (price, window) = (self.price_of)(&provider.kind, &model);
        let model = ModelSpec {
            provider,
            model,
            fallback: fallback.iter().map(|(name, _)| name.clone()).collect(),
            price: own_price.or(price),
            context_window: own_window.or(window),
            parameters,
            cache_seed,
        };
        (model, fallback)
    }

    fn price(&self, node: &Node<'_>) -> Option<Price> {
        let table = self.table("price", node, "price = { input = 2.50, output = 10.00 }")?;
        let mut fields = Fields::new(self.findings, table, node.span(), "`price`");
        let mut dollars =
            |key| fields.get(key).and_then(|node| number_in(self.findings, key, node, 0.0..=MOST_DOLLARS));
        let (input, cached, output) = (dollars("input"), dollars("cached"), dollars("output"));
        let (written, reasoning) = (dollars("written"), dollars("reasoning"));
        for key in ["input", "output"] {
            if fields.span_of(key).is_none() {
                let finding = Finding::error(format!("`price` needs `{key}`")).at(node.span());
                self.findings
                    .push(finding.help("dollars per million tokens, for example { input = 2.50, output = 10.00 }"));
            }
        }
        fields.finish();
        Some(Price { cached, written, reasoning, ..Price::plain(input?, output?) })
    }

    /// An agent's own parameters, which go before those of its model.
    pub(super) fn own_parameters(&self, node: &'a Node<'a>) -> Option<Map<String, Value>> {
        let table = self.table("parameters", node, "parameters = { temperature = 0.2 }")?;
        let mut fields = Fields::new(self.findings, table, node.span(), "`parameters`");
        let parameters = self.parameters(&mut fields);
        fields.finish();
        Some(parameters)
    }

    fn parameters(&self, fields: &mut Fields<'a>) -> Map<String, Value> {
        let mut parameters = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                parameters.insert(key.to_owned(), value);
            }
        };
        for (key, most) in [("temperature", 2.0), ("top_p", 1.0)] {
            let value = fields.get(key).and_then(|node| number_in(self.findings, key, node, 0.0..=most));
            set(key, value.map(Value::from));
        }
        set("max_tokens", fields.whole("max_tokens", 1..=i64::MAX as u64).map(Value::from));
        set("seed", fields.whole("seed", 0..=i64::MAX as u64).map(Value::from));
        let stop = fields.get("stop").and_then(|node| match node.get_ref() {
            DeValue::String(text) => Some(Value::from(&**text)),
            DeValue::Array(_) => reader::texts(self.findings, "stop", node)
                .map(|texts| texts.into_iter().map(|(text, _)| Value::from(text)).collect()),
            _ => {
                let message = format!("`stop` takes a text or a list of texts, and this is {}", reader::found(node));
                self.findings.push(Finding::error(message).at(node.span()));
                None
            }
        });
        set("stop", stop);
        set("reasoning_effort", fields.word("reasoning_effort", EFFORTS).map(Value::from));
        parameters
    }

    /// Reports each fallback that closes a circle with those above it in the file.
    fn no_circles(&self, fallbacks: &[(&str, String, Span)]) {
        for (at, (from, to, span)) in fallbacks.iter().enumerate() {
            let mut seen = vec![to.as_str()];
            let mut next = 0;
            while let Some(key) = seen.get(next).copied() {
                next += 1;
                for (_, more, _) in fallbacks[..at].iter().filter(|(of, ..)| *of == key) {
                    if !seen.contains(&more.as_str()) {
                        seen.push(more);
                    }
                }
            }
            if seen.contains(from) {
                let message = match from == to {
                    true => format!("model `{from}` falls back to itself"),
                    false => format!("this closes a circle: `{to}` falls back, by and by, to `{from}`"),
                };
                let help = "a fallback is tried once the model before it failed; take one of them out of the circle";
                self.findings.push(Finding::error(message).at(span.clone()).help(help));
            }
        }
    }
}
