//! Walking a TOML tree so that every mistake is reported, each with its place.
//!
//! A table is read through [`Fields`]: asking for a key makes it known, and what nobody asked for is reported at the
//! end with the nearest known key.

use super::report::{Finding, Severity};
use super::secrets;
use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) type Span = Range<usize>;
pub(super) type Node<'i> = Spanned<DeValue<'i>>;

/// Most members of a list or of a family of tables: far above what anybody writes, and low enough that checking each
/// against all others takes no time.
pub(super) const MOST_MEMBERS: usize = 256;
/// Longest time that may be written; keeps every sum of milliseconds far from overflow.
const LONGEST_MS: f64 = 366.0 * 24.0 * 3600.0 * 1000.0;

/// The findings so far.
#[derive(Default)]
pub(super) struct Findings(RefCell<Vec<Finding>>);

impl Findings {
    pub(super) fn push(&self, finding: Finding) {
        self.0.borrow_mut().push(finding);
    }

    pub(super) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether an error is among them.
    pub(super) fn fatal(&self) -> bool {
        self.0.borrow().iter().any(|finding| finding.severity == Severity::Error)
    }

    pub(super) fn into_inner(self) -> Vec<Finding> {
        self.0.into_inner()
    }
}

/// The candidate that was probably meant by `word`, if one is near enough.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let folded = word.to_lowercase().replace('-', "_");
    // A distance is quadratic in the length, and nobody mistypes a name of a thousand letters.
    if folded.is_empty() || folded.len() > 64 {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| !candidate.is_empty())
        .filter_map(|candidate| {
            let other = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&folded, &other);
            let near = distance <= (folded.chars().count().max(3) / 3).min(3)
                || (strsim::jaro_winkler(&folded, &other) > 0.92);
            near.then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean ...`, or the list of what is known.
pub(super) fn suggestion<'c>(word: &str, known: impl IntoIterator<Item = &'c str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "nothing is known here".into(),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// What a node is, in words.
pub(super) fn found(node: &Node<'_>) -> &'static str {
    match node.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(true) => "true",
        DeValue::Boolean(false) => "false",
        DeValue::Datetime(_) => "a date or time of day",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Whether a list is short enough to be read; says so if not.
pub(super) fn few(findings: &Findings, key: &str, length: usize, span: Span) -> bool {
    if length > MOST_MEMBERS {
        let message = format!("`{key}` has {length} members, and {MOST_MEMBERS} is the most");
        findings.push(Finding::error(message).at(span));
    }
    length <= MOST_MEMBERS
}

fn mismatch(findings: &Findings, key: &str, node: &Node<'_>, wanted: &str) {
    findings.push(Finding::error(format!("`{key}` takes {wanted}, and this is {}", found(node))).at(node.span()));
}

pub(super) fn text(findings: &Findings, key: &str, node: &Node<'_>) -> Option<String> {
    let text = node.get_ref().as_str();
    if text.is_none() {
        mismatch(findings, key, node, "a text in quotes");
    }
    text.map(str::to_owned)
}

pub(super) fn flag(findings: &Findings, key: &str, node: &Node<'_>) -> Option<bool> {
    let flag = node.get_ref().as_bool();
    if flag.is_none() {
        mismatch(findings, key, node, "true or false");
    }
    flag
}

pub(super) fn texts(findings: &Findings, key: &str, node: &Node<'_>) -> Option<Vec<(String, Span)>> {
    let Some(list) = node.get_ref().as_array() else {
        mismatch(findings, key, node, "a list of texts");
        return None;
    };
    if !few(findings, key, list.len(), node.span()) {
        return None;
    }
    list.iter().map(|item| text(findings, key, item).map(|text| (text, item.span()))).collect()
}

pub(super) fn table<'a>(findings: &Findings, key: &str, node: &'a Node<'a>) -> Option<&'a DeTable<'a>> {
    let table = node.get_ref().as_table();
    if table.is_none() {
        mismatch(findings, key, node, "a table");
    }
    table
}

/// The value of an integer; `None` when it does not fit.
fn integer(node: &Node<'_>) -> Option<Option<i128>> {
    let whole = node.get_ref().as_integer()?;
    Some(i128::from_str_radix(whole.as_str(), whole.radix()).ok())
}

pub(super) fn whole(findings: &Findings, key: &str, node: &Node<'_>, range: RangeInclusive<u64>) -> Option<u64> {
    let Some(value) = integer(node) else {
        mismatch(findings, key, node, "a whole number");
        return None;
    };
    let fits = value.and_then(|value| u64::try_from(value).ok()).filter(|value| range.contains(value));
    if fits.is_none() {
        let (least, most) = (range.start(), range.end());
        let message = match value {
            Some(value) if value < i128::from(*least) => format!("`{key}` must be at least {least}"),
            _ => format!("`{key}` must be at most {most}"),
        };
        findings.push(Finding::error(message).at(node.span()));
    }
    fits
}

/// A number that is neither infinite nor "not a number".
pub(super) fn number(findings: &Findings, key: &str, node: &Node<'_>) -> Option<f64> {
    let value = match node.get_ref() {
        DeValue::Integer(_) => integer(node).flatten().map(|value| value as f64),
        DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
        _ => {
            mismatch(findings, key, node, "a number");
            return None;
        }
    };
    let finite = value.filter(|value| value.is_finite());
    if finite.is_none() {
        findings.push(Finding::error(format!("`{key}` must be an ordinary number")).at(node.span()));
    }
    finite
}

pub(super) fn number_in(findings: &Findings, key: &str, node: &Node<'_>, range: RangeInclusive<f64>) -> Option<f64> {
    let value = number(findings, key, node)?;
    if range.contains(&value) {
        return Some(value);
    }
    let (least, most) = (range.start(), range.end());
    let message = if value < *least { format!("at least {least}") } else { format!("at most {most}") };
    findings.push(Finding::error(format!("`{key}` must be {message}")).at(node.span()));
    None
}

/// A time in milliseconds, at least one: a text such as `"30s"`, or a number of seconds.
pub(super) fn duration(findings: &Findings, key: &str, node: &Node<'_>) -> Option<u64> {
    const WANTED: &str = "a time such as \"500ms\", \"30s\", \"2m\", \"1h\", or a number of seconds";
    let millis = match node.get_ref() {
        DeValue::String(text) => match millis(text) {
            Some(millis) => millis,
            None => {
                findings.push(Finding::error(format!("`{key}` takes {WANTED}")).at(node.span()));
                return None;
            }
        },
        DeValue::Integer(_) | DeValue::Float(_) => number(findings, key, node)? * 1000.0,
        _ => {
            mismatch(findings, key, node, WANTED);
            return None;
        }
    };
    let message = match millis {
        millis if millis < 1.0 => "must be more than nothing",
        millis if millis > LONGEST_MS => "must be at most a year",
        millis => return Some(millis.round() as u64),
    };
    findings.push(Finding::error(format!("`{key}` {message}")).at(node.span()));
    None
}

/// Milliseconds of `"1h30m"`, `"2m"`, `"1.5s"`, `"500ms"`.
fn millis(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut sum = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest[..unit_at].parse().ok()?;
        let unit = rest[unit_at..].trim_start();
        let end = unit.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit.len());
        sum += amount
            * match &unit[..end] {
                "ms" => 1.0,
                "s" => 1_000.0,
                "m" | "min" => 60_000.0,
                "h" => 3_600_000.0,
                "d" => 86_400_000.0,
                _ => return None,
            };
        rest = unit[end..].trim_start();
    }
    Some(sum)
}

/// A number of bytes: a text such as `"512MB"`, or a whole number. Kilo and its kin are 1024, as memory is counted.
pub(super) fn bytes(findings: &Findings, key: &str, node: &Node<'_>, least: u64) -> Option<u64> {
    const WANTED: &str = "a size such as \"64KB\", \"512MB\", \"2GB\", or a number of bytes";
    let size = match node.get_ref() {
        DeValue::String(text) => size(text),
        DeValue::Integer(_) => integer(node).flatten().and_then(|value| u64::try_from(value).ok()),
        _ => {
            mismatch(findings, key, node, WANTED);
            return None;
        }
    };
    let Some(size) = size else {
        findings.push(Finding::error(format!("`{key}` takes {WANTED}")).at(node.span()));
        return None;
    };
    if size < least {
        let least = crate::chat::containment::bytes(least);
        findings.push(Finding::error(format!("`{key}` must be at least {least}")).at(node.span()));
        return None;
    }
    Some(size)
}

/// Bytes of `"512MB"`, `"1.5 GiB"`, `"4096"`.
fn size(text: &str) -> Option<u64> {
    const MOST: f64 = (1u64 << 50) as f64;
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let amount: f64 = text[..unit_at].parse().ok()?;
    let unit = match text[unit_at..].trim().to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        "T" | "TB" | "TIB" => 40,
        _ => return None,
    };
    let size = amount * (1u64 << unit) as f64;
    (size <= MOST).then_some(size as u64)
}

/// A table that is being read.
pub(super) struct Fields<'a> {
    /// Place of the table's header, or of the whole inline table.
    pub(super) span: Span,
    pub(super) findings: &'a Findings,
    table: &'a DeTable<'a>,
    place: String,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// `place` is shown in messages, e.g. `[team]`.
    pub(super) fn new(findings: &'a Findings, table: &'a DeTable<'a>, span: Span, place: impl Into<String>) -> Self {
        Fields { span, findings, table, place: place.into(), asked: Vec::new() }
    }

    /// The value of a key, which becomes known by this.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'a Node<'a>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Whether the key stands there at all.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where the value of a key stands.
    pub(super) fn span_of(&self, key: &str) -> Option<Span> {
        self.table.get(key).map(Spanned::span)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.get(key).and_then(|node| text(self.findings, key, node))
    }

    /// A text with at least one visible character.
    pub(super) fn filled(&mut self, key: &'static str) -> Option<String> {
        let node = self.get(key)?;
        let text = text(self.findings, key, node)?;
        if text.trim().is_empty() {
            self.findings.push(Finding::error(format!("`{key}` is empty")).at(node.span()));
            return None;
        }
        Some(text)
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<(String, Span)>> {
        self.get(key).and_then(|node| texts(self.findings, key, node))
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.get(key).and_then(|node| flag(self.findings, key, node))
    }

    pub(super) fn whole(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        self.get(key).and_then(|node| whole(self.findings, key, node, range))
    }

    /// A whole number that fits `u32`.
    pub(super) fn small(&mut self, key: &'static str, least: u32) -> Option<u32> {
        self.whole(key, u64::from(least)..=u64::from(u32::MAX)).and_then(|value| u32::try_from(value).ok())
    }

    pub(super) fn duration(&mut self, key: &'static str) -> Option<u64> {
        self.get(key).and_then(|node| duration(self.findings, key, node))
    }

    pub(super) fn bytes(&mut self, key: &'static str, least: u64) -> Option<u64> {
        self.get(key).and_then(|node| bytes(self.findings, key, node, least))
    }

    /// One of a few words, written exactly so.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let node = self.get(key)?;
        let text = text(self.findings, key, node)?;
        let value = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if value.is_none() {
            let help = suggestion(&text, words.iter().map(|(word, _)| *word));
            self.findings.push(Finding::error(format!("`{key}` has no value {text:?}")).at(node.span()).help(help));
        }
        value
    }

    /// Keys nobody has asked for so far.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&'a str, Span, &'a Node<'a>)> {
        self.table
            .iter()
            .filter(|(key, _)| !self.asked.iter().any(|asked| *asked == key.get_ref()))
            .map(|(key, node)| (&**key.get_ref(), key.span(), node))
    }

    /// Keys asked for so far.
    pub(super) fn asked(&self) -> &[&'static str] {
        &self.asked
    }

    /// Reports every key nobody asked for: the last thing that is done with a table.
    pub(super) fn finish(&mut self) {
        for (key, span, _) in self.rest().filter(|(key, ..)| !secrets::names_a_key(key)) {
            let help =
                elsewhere(key, &self.place).map_or_else(|| suggestion(key, self.asked.iter().copied()), str::to_owned);
            self.findings.push(Finding::error(format!("unknown key `{key}` in {}", self.place)).at(span).help(help));
        }
    }
}

/// Where a key belongs that stands in the wrong table, or that AutoGen and AG2 spell another way.
pub(super) fn elsewhere(key: &str, place: &str) -> Option<&'static str> {
    Some(match key {
        "llm_config" | "config_list" | "model_client" => {
            "describe the model in [models.<key>] and write `model = \"<key>\"`; `fallback` there names the next ones"
        }
        "code_execution_config" => "here it is called `code_execution`",
        "use_docker" => "write `executor = \"docker\"`",
        "agents" | "models" if place == "[team]" => {
            "write [[agents]] and [models.<key>] in brackets of their own, beside [team]"
        }
        "max_turns" => "write `max_round` in [team]; it counts messages, the task included",
        "max_cost" | "max_tokens" | "max_time" | "max_executions" if place == "[team]" => "it belongs in [team.limits]",
        "name" | "task" | "speaker_selection_method" | "max_round" | "termination" | "limits"
            if place == "the file" =>
        {
            "it belongs below [team]"
        }
        "speaker_selection_method" | "max_round" | "allow_repeat_speaker" if place != "[team]" => {
            "it belongs in [team]"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_unit_and_in_sums() {
        let cases = [("500ms", 500.0), ("30s", 30e3), ("2m", 12e4), ("1h", 36e5), ("1h30m", 54e5), ("1.5 s", 1500.0)];
        for (text, expected) in cases {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        for text in ["", " ", "s", "10", "10x", "-1s", "1..2s", "1h 30", "ms5", "1e3s"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn the_nearest_word_survives_typing_mistakes_but_not_other_words() {
        let known = ["max_round", "allow_repeat_speaker", "task", "round_robin"];
        assert_eq!(nearest("max_rounds", known), Some("max_round"));
        assert_eq!(nearest("max-round", known), Some("max_round"));
        assert_eq!(nearest("RoundRobin", known), Some("round_robin"));
        assert_eq!(nearest("tsak", known), Some("task"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), known), None);
    }
}
