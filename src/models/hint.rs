//! When a provider says to come back: every form the field uses, in milliseconds from now.

use jiff::Timestamp;
use reqwest::header::HeaderMap;

/// The provider's own hint, or `None`. In this order: `retry-after-ms`, `retry-after` (seconds or an HTTP date), "try
/// again in 20s" in the text, and `x-ratelimit-reset-*` of the limits that are used up.
pub fn retry_after_ms(headers: &HeaderMap, text: &str, now: Timestamp) -> Option<u64> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    header("retry-after-ms")
        .and_then(|ms| ms.parse::<f64>().ok())
        .and_then(|ms| to_ms(ms / 1000.0))
        .or_else(|| header("retry-after").and_then(|value| moment(value, now)))
        .or_else(|| in_text(text))
        .or_else(|| used_up(headers, now))
}

/// A time such as `2s`, `1.5s`, `350ms`, `6m0s`, `1h`, in milliseconds. A bare number is seconds.
pub fn duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return to_ms(seconds);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit = &rest[digits..];
        let letters = unit.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit.len());
        let factor = match &unit[..letters] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += rest[..digits].parse::<f64>().ok()? * factor;
        rest = &unit[letters..];
    }
    if text.is_empty() { None } else { to_ms(seconds) }
}

fn to_ms(seconds: f64) -> Option<u64> {
    (seconds.is_finite() && seconds >= 0.0).then(|| (seconds * 1000.0).round() as u64)
}

/// A length of time, an HTTP date, an RFC 3339 time, or an epoch in seconds or milliseconds.
fn moment(value: &str, now: Timestamp) -> Option<u64> {
    let until = |at: Timestamp| u64::try_from(at.as_millisecond() - now.as_millisecond()).unwrap_or(0);
    if let Ok(number) = value.parse::<f64>() {
        return match number {
            n if n >= 1e12 => Timestamp::from_millisecond(n as i64).ok().map(until),
            n if n >= 1e9 => Timestamp::from_second(n as i64).ok().map(until),
            n => to_ms(n),
        };
    }
    duration_ms(value)
        .or_else(|| value.parse::<Timestamp>().ok().map(until))
        .or_else(|| jiff::fmt::rfc2822::parse(value).ok().map(|at| until(at.timestamp())))
}

fn in_text(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    ["try again in ", "retry after ", "retry in "].iter().find_map(|lead| {
        let rest = &text[text.find(lead)? + lead.len()..];
        let mut words = rest.split_whitespace();
        let first = words.next()?.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        match words.next() {
            Some(unit) if first.parse::<f64>().is_ok() => match unit.trim_end_matches(|c: char| !c.is_alphabetic()) {
                "ms" | "millisecond" | "milliseconds" => duration_ms(&format!("{first}ms")),
                "m" | "minute" | "minutes" => duration_ms(&format!("{first}m")),
                "h" | "hour" | "hours" => duration_ms(&format!("{first}h")),
                _ => duration_ms(first),
            },
            _ => duration_ms(first),
        }
    })
}

/// The latest reset among the limits of which nothing is left; a limit that says nothing about what is left counts.
fn used_up(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    headers
        .iter()
        .filter_map(|(name, value)| {
            let name = name.as_str();
            if !name.contains("ratelimit") || !name.contains("reset") {
                return None;
            }
            let left = headers.get(name.replace("reset", "remaining").as_str());
            let left = left.and_then(|left| left.to_str().ok()).and_then(|left| left.trim().parse::<f64>().ok());
            if left.is_some_and(|left| left > 0.0) { None } else { moment(value.to_str().ok()?.trim(), now) }
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn hint(headers: &[(&str, &str)], text: &str) -> Option<u64> {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let map = headers
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        retry_after_ms(&map, text, now)
    }

    #[test]
    fn every_form_of_the_header_is_read() {
        assert_eq!(hint(&[("retry-after", "7")], ""), Some(7_000));
        assert_eq!(hint(&[("retry-after", "0.5")], ""), Some(500));
        assert_eq!(hint(&[("retry-after-ms", "350"), ("retry-after", "1")], ""), Some(350));
        assert_eq!(hint(&[("retry-after", "Fri, 20 Nov 2026 12:00:30 GMT")], ""), Some(30_000));
        assert_eq!(hint(&[("retry-after", "Fri, 20 Nov 2026 11:00:00 GMT")], ""), Some(0));
        assert_eq!(hint(&[("retry-after", "soon")], ""), None);
        assert_eq!(hint(&[("retry-after", "-4")], ""), None);
    }

    #[test]
    fn a_reset_counts_only_for_a_limit_that_is_used_up() {
        let both = [
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-tokens", "6m0s"),
            ("x-ratelimit-remaining-tokens", "1200"),
        ];
        assert_eq!(hint(&both, ""), Some(1_000));
        assert_eq!(hint(&[("x-ratelimit-reset-tokens", "6m0s")], ""), Some(360_000));
        assert_eq!(hint(&[("x-ratelimit-reset", "1795176010000")], ""), Some(10_000));
        assert_eq!(hint(&[("anthropic-ratelimit-tokens-reset", "2026-11-20T12:01:00Z")], ""), Some(60_000));
    }

    #[test]
    fn the_text_is_read_when_no_header_says() {
        assert_eq!(hint(&[], "Rate limit reached. Please try again in 20s."), Some(20_000));
        assert_eq!(hint(&[], "Please try again in 6m0s. Visit us"), Some(360_000));
        assert_eq!(hint(&[], "Please retry after 12 seconds"), Some(12_000));
        assert_eq!(hint(&[], "try again in 350 ms"), Some(350));
        assert_eq!(hint(&[], "try again in 2 minutes"), Some(120_000));
        assert_eq!(hint(&[], "try again in a while"), None);
    }

    #[test]
    fn times_with_units_are_read_and_nonsense_is_not() {
        assert_eq!(duration_ms("1h1m1.5s"), Some(3_661_500));
        for nonsense in ["", "s", "5x", "5s6", "1..2s", "-3", "inf", "é"] {
            assert_eq!(duration_ms(nonsense), None, "{nonsense:?}");
        }
    }
}
