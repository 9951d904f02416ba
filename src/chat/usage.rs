//! What a call used and what it cost.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Tokens of one call or a sum of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// All input tokens, cached ones included.
    pub input: u64,
    /// The part of `input` the provider served from its cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached: u64,
    /// The part of `input` that the provider wrote into its cache, where it charges for that.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub written: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// The part of `output` spent on reasoning.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning: u64,
}

pub(super) fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Tokens {
    /// Input and output together.
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.cached = self.cached.saturating_add(other.cached);
        self.written = self.written.saturating_add(other.written);
        self.output = self.output.saturating_add(other.output);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
    }
}

/// Money in billionths of a US dollar: sums stay exact, which they would not in floating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub u64);

impl Money {
    /// From dollars; negative and non-finite amounts become zero.
    pub fn from_dollars(dollars: f64) -> Self {
        Money((dollars.max(0.0) * 1e9).round() as u64)
    }

    /// In dollars, for display and ratios.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

impl std::fmt::Display for Money {
    /// Three decimals below ten dollars, two above, four where three would show nothing: `$0.031`, `$12.40`, `$0.0004`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dollars = self.dollars();
        match dollars {
            10.0.. => write!(f, "${dollars:.2}"),
            _ if self.0 > 0 && dollars < 0.0001 => write!(f, "<$0.0001"),
            _ if self.0 > 0 && dollars < 0.001 => write!(f, "${dollars:.4}"),
            _ => write!(f, "${dollars:.3}"),
        }
    }
}

/// Prices in US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Uncached input.
    pub input: f64,
    /// Cached input; `None` means the same as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<f64>,
    /// Output, reasoning included.
    pub output: f64,
}

impl Price {
    /// What `tokens` cost at this price.
    pub fn of(&self, tokens: Tokens) -> Money {
        let cached = tokens.cached.min(tokens.input);
        let fresh = tokens.input - cached;
        // Dollars per million tokens are thousandths of a dollar-billionth… i.e. 1 $/Mtok = 1000 nano-dollars a token.
        let nano = 1000.0
            * (fresh as f64 * self.input
                + cached as f64 * self.cached.unwrap_or(self.input)
                + tokens.output as f64 * self.output);
        Money(nano.max(0.0).round() as u64)
    }
}

/// What one call used, and how well we know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the call.
    pub tokens: Tokens,
    /// True when we estimated the tokens because the provider reported none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// Cost; `None` when no price is known, which is not the same as zero.
    pub cost: Option<Money>,
}

/// An estimate of the tokens in a text when no provider said: four bytes a token, as the field does.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}
