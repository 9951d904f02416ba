//! Cases of the executor alone: real programs, by the local executor.

use super::case::Case;
use crate::catalog;
use crate::chat::code::{CodeBlock, Payload};
use crate::chat::team::{CodeExecution, Spec};
use crate::execution::{EXECUTORS, Executor, Job};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Runs the blocks and compares the reply.
pub fn try_out(case: &Case) -> Result<(), String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    // What a machine has for containing code must not decide a case.
    let mut local = Spec::named("local");
    local.options.insert("tier".into(), "none".into());
    let executor: Box<dyn Executor> = catalog::build(EXECUTORS, &local).map_err(|why| why.to_string())?;
    let settings = CodeExecution {
        work_dir: dir.path().to_str().unwrap().to_owned(),
        timeout_ms: case.timeout_ms.unwrap_or(60_000),
        environment: vec!["PATH".to_owned()],
        ..CodeExecution::default()
    };
    let blocks =
        case.blocks.iter().map(|(language, code)| CodeBlock { language: language.clone(), code: (**code).into() });
    let payload = Payload::code(blocks.collect(), executor.place(&settings));
    let hash = payload.hash();
    let job = Job::new(Arc::new(payload), hash);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|why| why.to_string())?;
    let execution = runtime.block_on(async {
        let (sender, mut receiver) = mpsc::channel(16);
        let reading = tokio::spawn(async move { while receiver.recv().await.is_some() {} });
        let execution = executor.run(job, sender).await;
        let _ = reading.await;
        execution
    });
    let reply = execution.reply();
    let here = dir.path().to_str().unwrap();
    if let Some(wanted) = &case.reply {
        let wanted = wanted.replace("{dir}", here);
        if reply != wanted {
            return Err(format!("reply: {reply:?}\n  wanted {wanted:?}"));
        }
    }
    for part in &case.reply_has {
        if !reply.contains(&part.replace("{dir}", here)) {
            return Err(format!("reply: {reply:?}\n  has no {part:?}"));
        }
    }
    if let Some(files) = &case.files {
        let mut found: Vec<String> = std::fs::read_dir(dir.path())
            .map_err(|error| error.to_string())?
            .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
            .collect();
        found.sort();
        if found != *files {
            return Err(format!("files: {found:?}\n  wanted {files:?}"));
        }
    }
    Ok(())
}
