use super::*;
use crate::catalog::{self, OptionError};
use crate::chat::team::Spec;
use crate::models::PROVIDERS;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

fn spec(kind: &str, options: Value) -> ModelSpec {
    let Value::Object(options) = options else { panic!("options are a table") };
    ModelSpec {
        provider: Spec { kind: kind.into(), options },
        model: "gpt-4o".into(),
        fallback: Vec::new(),
        price: None,
        context_window: None,
        parameters: Map::new(),
    }
}

fn build(kind: &str, options: Value) -> Result<Box<dyn Provider>, OptionError> {
    catalog::build(PROVIDERS, &spec(kind, options).provider)
}

#[test]
fn wrong_options_are_refused_with_the_field_and_a_remedy() {
    let rows = [
        ("compatible", json!({}), "base_url", "localhost:8000"),
        ("openai", json!({"base_url": "api.example/v1"}), "base_url", "no address"),
        ("openai", json!({"base_url": "ftp://api.example"}), "base_url", "https://"),
        ("openai", json!({"base_url": "https://me:pw@api.example"}), "base_url", "never stand"),
        ("openai", json!({"base_url": "https://api.example/v1/chat/completions/"}), "base_url", "added"),
        ("openai", json!({"api_key_env": "sk-proj-abc"}), "api_key_env", "never a key"),
        ("openai", json!({"idle_timeout": 0}), "idle_timeout", "longer than zero"),
        ("openai", json!({"headers": {"bad name": "x"}}), "headers", "name of a header"),
        ("openai", json!({"headers": {"x": 1}}), "headers", "VARIABLE"),
    ];
    for (kind, options, field, remedy) in rows {
        let error = build(kind, options.clone()).err().unwrap_or_else(|| panic!("{options} was accepted"));
        assert_eq!(error.field.as_deref(), Some(field), "{options}");
        assert!(error.message.contains(remedy) && !error.message.contains("sk-proj"), "{error}");
    }
}

#[test]
fn inspection_finds_what_would_fail_later() {
    let none = HashMap::new();
    let some = HashMap::from([("OPENAI_API_KEY".to_owned(), "k".to_owned())]);
    let found = |spec: &ModelSpec, secrets: &HashMap<String, String>| {
        catalog::build(PROVIDERS, &spec.provider).unwrap().inspect(spec, secrets).join("\n")
    };
    let plain = spec("openai", json!({}));
    assert_eq!(found(&plain, &some), "");
    assert!(found(&plain, &none).contains("OPENAI_API_KEY is not set"));
    assert!(found(&spec("openai", json!({"base_url": "http://api.example/v1"})), &some).contains("without encryption"));
    assert_eq!(found(&spec("ollama", json!({})), &none), "");
    let unknown = ModelSpec { model: "my-own".into(), ..plain.clone() };
    assert!(found(&unknown, &some).contains("no price"));
    let reserved = ModelSpec { parameters: Map::from_iter([("stream".to_owned(), json!(false))]), ..plain };
    assert!(found(&reserved, &some).contains("stream is ours"));
}

#[test]
fn a_key_that_cannot_stand_in_a_header_is_a_failure_that_does_not_show_it() {
    let secrets = HashMap::from([("OPENAI_API_KEY".to_owned(), "sk-\u{1}oops".to_owned())]);
    let spec = spec("openai", json!({}));
    let failure = build("openai", json!({})).unwrap().connect("smart", &spec, &secrets).err().unwrap();
    assert_eq!(failure.kind, FailureKind::Key);
    assert!(!failure.message.contains("oops"), "{failure}");
}

#[test]
fn every_example_in_the_catalog_is_accepted() {
    for entry in PROVIDERS {
        let table: toml::Table = entry.example.parse().unwrap();
        let (_, value) = table.into_iter().next().unwrap();
        let Value::Object(mut options) = serde_json::to_value(value).unwrap() else { panic!("{}", entry.example) };
        assert_eq!(options.remove("provider"), Some(json!(entry.name)));
        assert!(options.remove("model").is_some());
        assert!(options.keys().all(|name| entry.fields.iter().any(|field| field.name == name)), "{}", entry.example);
        (entry.build)(&options).map(drop).unwrap();
    }
}
