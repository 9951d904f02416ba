//! The keys of one component: each is asked for once, and what nobody asked for is told.

use super::Draft;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The configuration of a component.
pub struct Fields<'v> {
    map: &'v Map<String, Value>,
    /// Where it stands in the original.
    pub path: String,
    asked: BTreeSet<&'static str>,
}

impl<'v> Fields<'v> {
    pub fn new(map: &'v Map<String, Value>, path: impl Into<String>) -> Self {
        Fields { map, path: path.into(), asked: BTreeSet::new() }
    }

    /// The value of a key, unless it is `null`.
    pub fn get(&mut self, key: &'static str) -> Option<&'v Value> {
        self.asked.insert(key);
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub fn text(&mut self, key: &'static str) -> Option<&'v str> {
        self.get(key)?.as_str()
    }

    pub fn flag(&mut self, key: &'static str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn whole(&mut self, key: &'static str) -> Option<i64> {
        self.get(key)?.as_i64()
    }

    pub fn number(&mut self, key: &'static str) -> Option<f64> {
        self.get(key)?.as_f64()
    }

    pub fn list(&mut self, key: &'static str) -> &'v [Value] {
        self.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Keys that mean nothing here and are no loss.
    pub fn pass(&mut self, keys: &[&'static str]) {
        self.asked.extend(keys);
    }

    /// Tells what was not asked for.
    pub fn finish(self, draft: &mut Draft<'_>) {
        for (key, value) in self.map {
            let empty = match value {
                Value::Null | Value::Bool(false) => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            if !self.asked.contains(key.as_str()) && !empty {
                draft.lost(&format!("{}.{key}", self.path), format!("there is nothing here for `{key}`"));
            }
        }
    }
}

/// The class that a component names, without its namespace.
pub fn class(component: &Value) -> &str {
    let provider = component.get("provider").and_then(Value::as_str).unwrap_or_default();
    provider.rsplit('.').next().unwrap_or_default()
}

/// The configuration of a component; an empty one, if it has none.
pub fn config(component: &Value) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    component.get("config").and_then(Value::as_object).unwrap_or(&NONE)
}
