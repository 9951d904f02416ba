//! `on_failure` of an agent: what is done when it could not speak.

use super::World;
use crate::chat::failing::{GiveUp, OnFailure};
use crate::settings::reader::{self, Fields, Node};
use crate::settings::report::Finding;
use toml::de::DeValue;

const ENDS: &[(&str, GiveUp)] = &[("hold", GiveUp::Hold), ("skip", GiveUp::Skip), ("end", GiveUp::End)];
/// How often and after what time it is tried again, unless the file says.
const RETRIES: u32 = 3;
const WAIT_MS: u32 = 30_000;
const MOST_RETRIES: u64 = 100;
const LONGEST_WAIT_MS: u64 = 3_600_000;

impl World<'_> {
    pub(super) fn on_failure(&self, node: &Node<'_>) -> Option<OnFailure> {
        const HELP: &str =
            "write \"hold\", \"skip\", \"end\", \"retry\", or { retry = 3, wait = \"30s\", then = \"skip\" }";
        match node.get_ref() {
            DeValue::String(word) => {
                let then = ENDS.iter().find(|(name, _)| name == word).map(|(_, then)| *then);
                let again = word == "retry";
                if then.is_none() && !again {
                    let finding = Finding::error(format!("`on_failure` has no value {word:?}")).at(node.span());
                    self.findings.push(finding.help(HELP));
                }
                let (retry, wait_ms) = if again { (RETRIES, WAIT_MS) } else { (0, 0) };
                Some(OnFailure { retry, wait_ms, then: then.unwrap_or(GiveUp::Hold) })
            }
            DeValue::Table(table) => {
                let mut fields = Fields::new(self.findings, table, node.span(), "`on_failure`");
                let retry = fields.whole("retry", 0..=MOST_RETRIES).map_or(RETRIES, |times| times as u32);
                let wait = fields.duration("wait");
                let then = fields.word("then", ENDS).unwrap_or(GiveUp::Hold);
                fields.finish();
                if let (Some(wait), Some(span)) = (wait, fields.span_of("wait"))
                    && wait > LONGEST_WAIT_MS
                {
                    self.findings.push(Finding::error("`wait` must be at most an hour").at(span));
                }
                let wait_ms = wait.map_or(WAIT_MS, |wait| wait.min(LONGEST_WAIT_MS) as u32);
                Some(OnFailure { retry, wait_ms: if retry > 0 { wait_ms } else { 0 }, then })
            }
            _ => {
                let message = format!("`on_failure` takes a text or a table, and this is {}", reader::found(node));
                self.findings.push(Finding::error(message).at(node.span()).help(HELP));
                None
            }
        }
    }
}
