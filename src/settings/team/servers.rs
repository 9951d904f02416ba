//! `[mcp.<name>]`: servers whose tools agents may call.

use super::World;
use super::code::{ENVIRONMENT, TOOL_POLICIES};
use super::tools::{KEPT, LEAST_RESULT, RESULT};
use crate::chat::server::ServerSetup;
use crate::chat::team::ApprovalPolicy;
use crate::settings::reader::{self, Fields, Node};
use crate::settings::report::Finding;
use std::collections::BTreeMap;

/// Limits where the team file does not say (reference: reliability-security 1.8).
const CALL_MS: u64 = 120_000;
const START_MS: u64 = 30_000;
/// Longest name of a server: it stands before the names of its tools.
const LONGEST_NAME: usize = 32;

impl<'a> World<'a> {
    pub(super) fn servers(&self, node: &'a Node<'a>) -> BTreeMap<String, ServerSetup> {
        let mut servers = BTreeMap::new();
        let Some(table) = reader::table(self.findings, "mcp", node) else { return servers };
        for (name, node) in table.iter() {
            let (name, span) = (name.get_ref().to_string(), name.span());
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
                let message = "a server's name is 1 to 32 letters (a-z, A-Z), digits, `_` and `-`";
                self.findings.push(Finding::error(message).at(span.clone()));
            }
            let Some(table) = reader::table(self.findings, &name, node) else { continue };
            let fields = Fields::new(self.findings, table, node.span(), format!("[mcp.{name}]"));
            servers.insert(name, self.server(fields));
        }
        servers
    }

    fn server(&self, mut fields: Fields<'a>) -> ServerSetup {
        let span = fields.span.clone();
        let command: Vec<String> =
            fields.texts("command").unwrap_or_default().into_iter().map(|(word, _)| word).collect();
        let url = fields.filled("url");
        if command.first().is_some_and(|word| !word.trim().is_empty()) == url.is_some() {
            let finding = Finding::error("a server is either a program or an address").at(span.clone());
            self.findings.push(finding.help("command = [\"uvx\", \"mcp-server-git\"], or url = \"https://host/mcp\""));
        }
        if let (Some(url), Some(span)) = (&url, fields.span_of("url"))
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            self.findings.push(Finding::error("an address begins with https:// or http://").at(span));
        }
        let work_dir = fields.filled("work_dir");
        let environment = fields.texts("environment");
        let headers = fields.get("headers").map(|node| self.variables_of_headers(node)).unwrap_or_default();
        let tools = fields.texts("tools").unwrap_or_default();
        let setup = ServerSetup {
            url,
            work_dir: match command.is_empty() {
                true => String::new(),
                false => self.absolute(work_dir.as_deref().unwrap_or(".")),
            },
            environment: match (environment, command.is_empty()) {
                (Some(names), _) => names.into_iter().map(|(name, _)| name).collect(),
                (None, true) => Vec::new(),
                (None, false) => ENVIRONMENT.map(String::from).to_vec(),
            },
            command,
            headers,
            tools: tools.into_iter().map(|(name, _)| name).collect(),
            approval: fields.word("approval", TOOL_POLICIES).unwrap_or(ApprovalPolicy::Always),
            timeout_ms: fields.duration("timeout").unwrap_or(CALL_MS),
            start_ms: fields.duration("start_timeout").unwrap_or(START_MS),
            output_limit: fields.whole("output_limit", LEAST_RESULT..=1 << 30).unwrap_or(KEPT),
            result_limit: fields.whole("result_limit", LEAST_RESULT..=1 << 30).unwrap_or(RESULT),
            idempotency_key: fields.flag("idempotency_key").unwrap_or(false),
        };
        fields.finish();
        setup
    }

    /// `headers`: names of headers, each with the variable that holds its value.
    fn variables_of_headers(&self, node: &Node<'_>) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::new();
        let Some(table) = reader::table(self.findings, "headers", node) else { return headers };
        for (name, node) in table.iter() {
            let variable = node.get_ref().as_table().and_then(|table| table.get("env")?.get_ref().as_str());
            match variable {
                Some(variable) => drop(headers.insert(name.get_ref().to_string(), variable.to_owned())),
                None => {
                    let finding = Finding::error("a header of a server comes from a variable").at(node.span());
                    self.findings
                        .push(finding.help("for example: headers = { Authorization = { env = \"MY_BEARER\" } }"));
                }
            }
        }
        headers
    }
}
