//! `code_execution`: how an agent runs code.

use super::{AgentMarks, Marks, World};
use crate::chat::containment::{Bounds, Tier};
use crate::chat::team::{AgentKind, ApprovalPolicy, CodeExecution, ModelSpec, Spec};
use crate::settings::paths;
use crate::settings::reader::{self, Fields, Node, Span};
use crate::settings::report::Finding;
use std::collections::BTreeMap;
use toml::de::DeValue;

const POLICIES: &[(&str, ApprovalPolicy)] = &[("always", ApprovalPolicy::Always), ("never", ApprovalPolicy::Never)];
/// Of a tool, which is the same however often it is called.
pub(super) const TOOL_POLICIES: &[(&str, ApprovalPolicy)] = &[
    ("always", ApprovalPolicy::Always),
    ("never", ApprovalPolicy::Never),
    ("ask", ApprovalPolicy::Ask),
    ("ask_if_changed", ApprovalPolicy::AskIfChanged),
];
const TIERS: &[(&str, Tier)] =
    &[("none", Tier::None), ("process", Tier::Process), ("namespace", Tier::Namespace), ("container", Tier::Container)];
/// Nothing that runs code needs less.
const LEAST_MEMORY: u64 = 16 << 20;
const LEAST_DISK: u64 = 1 << 20;
const EXECUTOR: &str = "local";
pub(super) const WORK_DIR: &str = "workspace";
const TIMEOUT_MS: u64 = 60_000;
const OUTPUT_LIMIT: u64 = 65_536;
const LEAST_OUTPUT: u64 = 1024;
/// What programs need to start and to print properly, and nothing that says who or where the operator is.
pub(super) const ENVIRONMENT: [&str; 4] = ["PATH", "LANG", "LC_ALL", "TZ"];
/// How names of variables end that hold a secret.
const SECRETS: [&str; 4] = ["_KEY", "_TOKEN", "_SECRET", "_PASSWORD"];

/// The weakest tier where a team file is silent.
const MINIMUM: Tier = Tier::Process;

/// What an execution may use up.
fn bounds(fields: &mut Fields<'_>) -> Bounds {
    let cpus = fields.get("cpus").and_then(|node| reader::number_in(fields.findings, "cpus", node, 0.05..=1024.0));
    Bounds {
        memory: fields.bytes("memory", LEAST_MEMORY).or(Bounds::USUAL.memory),
        processes: fields.small("processes", 4).or(Bounds::USUAL.processes),
        cpu_millis: cpus.map(|cores| (cores * 1000.0).round() as u32).or(Bounds::USUAL.cpu_millis),
        disk: fields.bytes("disk", LEAST_DISK).or(Bounds::USUAL.disk),
    }
}

impl<'a> World<'a> {
    /// An agent's `code_execution`; an executor has one even if the file does not say so.
    pub(super) fn code(
        &self,
        fields: &mut Fields<'a>,
        who: &str,
        kind: AgentKind,
        marks: &mut AgentMarks,
    ) -> Option<CodeExecution> {
        let Some(node) = fields.get("code_execution") else {
            return (kind == AgentKind::Executor).then(|| {
                let row = self.row(&self.families.executors, "executor", EXECUTOR, marks.name.clone());
                let none = std::iter::empty();
                let spec = row.map(|row| self.spec(row, "executor", none, marks.name.clone(), &[]));
                self.place(spec.unwrap_or_else(|| Spec::named(EXECUTOR)), WORK_DIR, None)
            });
        };
        match node.get_ref() {
            DeValue::Boolean(false) => {
                if kind == AgentKind::Executor {
                    let finding = Finding::error(format!("{who} is an executor and may not run code")).at(node.span());
                    self.findings.push(finding.help("take `code_execution` out, or make it a user_proxy"));
                }
                None
            }
            DeValue::Table(table) => {
                let fields = Fields::new(self.findings, table, node.span(), "`code_execution`");
                Some(self.execution(fields, marks, POLICIES))
            }
            _ => {
                let message = format!("`code_execution` takes a table or false, and this is {}", reader::found(node));
                let help = "for example: code_execution = { executor = \"local\", timeout = \"30s\" }";
                self.findings.push(Finding::error(message).at(node.span()).help(help));
                None
            }
        }
    }

    pub(super) fn execution(
        &self,
        mut fields: Fields<'_>,
        marks: &mut AgentMarks,
        policies: &[(&str, ApprovalPolicy)],
    ) -> CodeExecution {
        let executor = fields.filled("executor");
        let executor_span = fields.span_of("executor").unwrap_or_else(|| fields.span.clone());
        let approval = fields.word("approval", policies).unwrap_or(ApprovalPolicy::Always);
        marks.approval = fields.span_of("approval");
        let work_dir = fields.filled("work_dir");
        if let (Some(dir), Some(span)) = (&work_dir, fields.span_of("work_dir"))
            && (dir == "~" || dir.starts_with("~/") || dir.contains('\0'))
        {
            let finding = Finding::error("`work_dir` is taken as it stands: `~` means nothing here").at(span);
            self.findings.push(finding.help("write a path relative to the team file, or a whole one"));
        }
        let timeout = fields.duration("timeout");
        let last = fields.get("last_n_messages").and_then(|node| self.window(node));
        let environment = fields.texts("environment").map(|names| self.environment(names, marks));
        let output_limit = fields.whole("output_limit", LEAST_OUTPUT..=1 << 30);
        let minimum_tier = fields.word("minimum_tier", TIERS);
        let network = fields.flag("network").unwrap_or(false);
        let bounds = bounds(&mut fields);
        let venv = fields.filled("venv").map(|dir| self.absolute(&dir));

        let beside = fields.asked().to_vec();
        let name = executor.as_deref().unwrap_or(EXECUTOR);
        let row = self.row(&self.families.executors, "executor", name, executor_span.clone());
        let spec = row.map(|row| self.spec(row, "executor", fields.rest(), executor_span, &beside));
        let default =
            self.place(spec.unwrap_or_else(|| Spec::named(name)), work_dir.as_deref().unwrap_or(WORK_DIR), last);
        CodeExecution {
            timeout_ms: timeout.unwrap_or(default.timeout_ms),
            approval,
            environment: environment.unwrap_or_else(|| default.environment.clone()),
            output_limit: output_limit.unwrap_or(default.output_limit),
            // Whoever writes `tier = "none"` has opted in; nobody else's code runs uncontained.
            minimum_tier: minimum_tier.unwrap_or(match default.executor.options.get("tier") {
                Some(tier) if tier == Tier::None.name() => Tier::None,
                _ => MINIMUM,
            }),
            network,
            bounds,
            venv,
            ..default
        }
    }

    /// The defaults around an executor.
    pub(super) fn place(&self, executor: Spec, work_dir: &str, last_n_messages: Option<u32>) -> CodeExecution {
        CodeExecution {
            executor,
            work_dir: self.absolute(work_dir),
            timeout_ms: TIMEOUT_MS,
            approval: ApprovalPolicy::Always,
            last_n_messages,
            environment: ENVIRONMENT.map(String::from).to_vec(),
            output_limit: OUTPUT_LIMIT,
            minimum_tier: MINIMUM,
            network: false,
            bounds: Bounds::USUAL,
            venv: None,
            languages: self.base.defaults.languages.clone(),
        }
    }

    pub(super) fn absolute(&self, dir: &str) -> String {
        paths::absolute(&self.base.dir, dir.as_ref()).to_string_lossy().into_owned()
    }

    fn window(&self, node: &Node<'_>) -> Option<u32> {
        match node.get_ref() {
            DeValue::String(text) if text == "auto" => None,
            DeValue::Integer(_) => {
                let most = u64::from(u32::MAX);
                let window = reader::whole(self.findings, "last_n_messages", node, 1..=most)?;
                u32::try_from(window).ok()
            }
            _ => {
                let finding = Finding::error("`last_n_messages` takes \"auto\" or a whole number").at(node.span());
                self.findings.push(finding.help("\"auto\" looks at everything said since the agent last spoke"));
                None
            }
        }
    }

    fn environment(&self, names: Vec<(String, Span)>, marks: &mut AgentMarks) -> Vec<String> {
        for (name, span) in &names {
            let first = name.chars().next();
            let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !fits || first.is_none_or(|c| c.is_ascii_digit()) {
                let finding = Finding::error("this is not the name of an environment variable").at(span.clone());
                self.findings.push(finding.help("only names stand here; their values come from where plenary runs"));
            }
        }
        marks.environment = names.clone();
        names.into_iter().map(|(name, _)| name).collect()
    }

    /// Reports environments that would hand the key of a model to the code, and warns of other secrets.
    pub(super) fn keep_keys_from_code(&self, models: &BTreeMap<String, ModelSpec>, marks: &Marks) {
        let keys: Vec<&str> =
            models.values().filter_map(|model| model.provider.options.get("api_key_env")?.as_str()).collect();
        for (name, span) in marks.agents.iter().flat_map(|agent| &agent.environment) {
            if keys.contains(&name.as_str()) {
                let message = format!("`{name}` holds the key of a model and is never passed on to code");
                self.findings.push(Finding::error(message).at(span.clone()).help("take it out of `environment`"));
            } else if SECRETS.iter().any(|end| name.to_ascii_uppercase().ends_with(end)) {
                let finding = Finding::warning(format!("code written by a model could read the secret in `{name}`"));
                self.findings.push(finding.at(span.clone()).help("pass it on only if the code cannot do without"));
            }
        }
    }
}
