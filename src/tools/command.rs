//! A tool that is a program: its command with the arguments put in, run by an executor in its containment.

use super::{Running, Tool};
use crate::chat::code::Place;
use crate::chat::toolbox::ToolSetup;
use crate::execution::{Executor, Job, Progress};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Starts a program for each call.
pub struct Command(pub Arc<dyn Executor>);

impl Tool for Command {
    fn place(&self, setup: &ToolSetup) -> Place {
        self.0.place(&setup.execution)
    }

    fn run(&self, job: Job, progress: mpsc::Sender<Progress>) -> Running {
        self.0.run(job, progress)
    }

    fn shell(&self, place: &Place) -> Result<(), String> {
        self.0.shell(place)
    }

    fn ready(&self, setup: &ToolSetup) -> Result<(), String> {
        self.0.ready(&setup.execution)
    }
}
