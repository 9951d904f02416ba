//! `tools`: what a team's tools and MCP servers are, and what its servers have to read.

use super::{Trouble, safe, trust};
use crate::chat::server::ToolsEvent;
use crate::text::clean::one_line;
use crate::tools::mcp::{Host, Servers};
use crate::wire;
use clap::Args;
use std::io::Write;
use tokio::sync::mpsc;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  plenary tools team.toml\n  plenary tools team.toml --server git --read note://one\n  plenary \
                        tools team.toml --server git --prompt greet name=Ada\n\nStarts the servers of the team, so the team has to be \
                        trusted.\n"
)]
pub(super) struct Arguments {
    /// A team file, or the name of a ready team
    team: String,
    /// The server to read from
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Print this resource
    #[arg(long, value_name = "URI", requires = "server")]
    read: Option<String>,
    /// Print this prompt
    #[arg(long, value_name = "NAME", requires = "server", conflicts_with = "read")]
    prompt: Option<String>,
    /// Arguments of the prompt
    #[arg(value_name = "NAME=VALUE", requires = "prompt")]
    arguments: Vec<String>,
    /// Trust the team as it is now
    #[arg(long)]
    trust: bool,
}

pub(super) fn tools(arguments: &Arguments) -> Result<u8, Trouble> {
    use std::io::IsTerminal;
    let settings = wire::settings()?;
    let team = wire::team(&arguments.team, &settings)?.0.team;
    let alone = !std::io::stdin().is_terminal();
    let trusted = trust::ask(&team, &settings, arguments.trust, alone)?;
    let mut out = std::io::stdout().lock();
    if arguments.server.is_none() {
        for (name, tool) in &team.tools {
            writeln!(out, "{}  {}", safe(name), one_line(&tool.description))?;
        }
    }
    if !trusted || team.mcp.is_empty() {
        return Ok(0);
    }
    let pins = wire::pins(&settings)?;
    let wanted = |name: &String| arguments.server.as_ref().is_none_or(|server| server == name);
    let servers = team.mcp.iter().filter(|(name, _)| wanted(name)).map(|(name, setup)| (name.clone(), setup.clone()));
    let servers = servers.collect::<std::collections::BTreeMap<_, _>>();
    if servers.is_empty() {
        let named = arguments.server.as_deref().unwrap_or_default();
        return Err(Trouble::usage(format!("The team has no MCP server {:?}.", safe(named))));
    }
    super::run::runtime()?.block_on(async {
        let host = Host::new(&servers, Some(&pins));
        let (to, mut news) = mpsc::channel(16);
        host.start(to);
        if let Some(server) = &arguments.server
            && (arguments.read.is_some() || arguments.prompt.is_some())
        {
            let text = match (&arguments.read, &arguments.prompt) {
                (Some(uri), _) => host.read(server, uri).await,
                (None, prompt) => {
                    let pairs = arguments.arguments.iter().filter_map(|pair| pair.split_once('='));
                    let given = pairs.map(|(name, value)| (name.to_owned(), value.into())).collect();
                    host.prompt(server, prompt.as_deref().unwrap_or_default(), given).await
                }
            };
            let text = text.map_err(|why| Trouble::failed(safe(&why)))?;
            for line in text.lines() {
                writeln!(out, "{}", one_line(line))?;
            }
            return Ok(0);
        }
        let mut code = 0;
        for _ in 0..servers.len() {
            match news.recv().await {
                Some(ToolsEvent::Ready { server, about, tools, refused }) => {
                    writeln!(out, "{}: {}, {} tools", safe(&server), one_line(&about), tools.len())?;
                    for tool in tools.iter() {
                        let changed = if tool.was.is_some() { "  (has changed; accept it in the console)" } else { "" };
                        let first = tool.description.lines().next().unwrap_or_default();
                        writeln!(out, "  {}/{}  {}{changed}", safe(&server), safe(&tool.name), one_line(first))?;
                    }
                    for why in &refused {
                        writeln!(out, "  not taken: {}", one_line(why))?;
                    }
                    for line in host.readable(&server).await.unwrap_or_default() {
                        writeln!(out, "  {}", one_line(&line))?;
                    }
                }
                Some(ToolsEvent::Down { server, why }) => {
                    writeln!(out, "{}: down: {}", safe(&server), one_line(&why))?;
                    code = 1;
                }
                _ => break,
            }
        }
        Ok(code)
    })
}
