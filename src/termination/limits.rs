//! Ends by consumption: tokens and money of the run. Over all branches, since what is spent is spent; a run that goes
//! on after an end begins with a fresh budget (the session's own ceilings are in `[team.limits]`).

use super::{Condition, Fired, Moment, Verdict};
use crate::catalog::{Entry as Row, Field, FieldKind, OptionError, count};
use crate::chat::usage::Money;

/// `max_tokens = 100000`.
pub const TOKENS: Row<dyn Condition> = Row {
    name: "max_tokens",
    about: "ends when the run has used this many tokens, selectors and retries included (AgentChat: \
            TokenUsageTermination)",
    example: "max_tokens = { total = 100000, completion = 20000 }",
    fields: &[
        Field { name: "value", kind: FieldKind::Count, required: false, about: "input and output tokens together" },
        Field { name: "total", kind: FieldKind::Count, required: false, about: "the same, beside the others" },
        Field { name: "prompt", kind: FieldKind::Count, required: false, about: "input tokens" },
        Field { name: "completion", kind: FieldKind::Count, required: false, about: "output tokens" },
    ],
    build: |options| {
        let given = ["value", "total", "prompt", "completion"].map(|field| (field, count(options, field)));
        if let Some((field, _)) = given.iter().find(|(_, limit)| *limit == Some(0)) {
            return Err(OptionError::of(field, "must be at least 1"));
        }
        let [(_, value), (_, total), (_, prompt), (_, completion)] = given;
        if value.is_some() && total.is_some() {
            return Err(OptionError::of("total", "is the same as the plain number; write one of them"));
        }
        match (value.or(total), prompt, completion) {
            (None, None, None) => Err(OptionError::of("value", "must be at least 1")),
            (total, prompt, completion) => Ok(Box::new(MaxTokens { total, prompt, completion })),
        }
    },
};

/// `max_cost = 1.00`.
pub const COST: Row<dyn Condition> = Row {
    name: "max_cost",
    about: "ends when the run has cost this many dollars; calls without a known price cannot be counted",
    example: "max_cost = 1.00",
    fields: &[Field { name: "value", kind: FieldKind::Number, required: true, about: "US dollars" }],
    build: |options| match options.get("value").and_then(serde_json::Value::as_f64) {
        Some(dollars) if dollars > 0.0 => Ok(Box::new(MaxCost(Money::from_dollars(dollars)))),
        _ => Err(OptionError::of("value", "must be more than 0 dollars")),
    },
};

struct MaxTokens {
    total: Option<u64>,
    prompt: Option<u64>,
    completion: Option<u64>,
}

impl Condition for MaxTokens {
    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        let (used, before) = (moment.session.spent().tokens, moment.before.tokens);
        let prompt = used.input.saturating_sub(before.input);
        let completion = used.output.saturating_sub(before.output);
        let total = prompt.saturating_add(completion);
        let pairs = [
            ("total", total, self.total),
            ("prompt", prompt, self.prompt),
            ("completion", completion, self.completion),
        ];
        if !pairs.iter().any(|(_, used, limit)| limit.is_some_and(|limit| *used >= limit)) {
            return Verdict::No;
        }
        let mut values: Vec<(String, String)> = Vec::new();
        for (name, used, limit) in pairs {
            values.push((name.to_owned(), used.to_string()));
            values.extend(limit.map(|limit| (format!("limit on {name}"), limit.to_string())));
        }
        let text = format!(
            "Token usage limit reached, total token count: {total}, prompt token count: {prompt}, completion token \
             count: {completion}."
        );
        Verdict::Met(Fired { text, agent: None, values })
    }
}

struct MaxCost(Money);

impl Condition for MaxCost {
    fn met(&mut self, moment: &Moment<'_>) -> Verdict {
        let cost = Money(moment.session.spent().cost.0.saturating_sub(moment.before.cost.0));
        if cost < self.0 {
            return Verdict::No;
        }
        Fired::with(format!("{cost} of {} spent", self.0), &[("limit", &self.0), ("cost", &cost)])
    }
}
