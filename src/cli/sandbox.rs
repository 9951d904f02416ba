//! `doctor --sandbox`: tries in every tier of this machine what contained code must not be able to do.

use super::{Trouble, safe};
use crate::catalog;
use crate::chat::containment::Tier;
use crate::chat::team::Spec;
use crate::execution::EXECUTORS;
use crate::execution::probes::{self, Finding};
use std::io::Write;

/// Runs the suite in the tiers of the local executor and in a container of `image`; returns the exit code.
pub(super) fn prove(image: Option<&str>) -> Result<u8, Trouble> {
    let mut specs = Vec::new();
    for tier in [Tier::Container, Tier::Namespace, Tier::Process] {
        let mut spec = Spec::named(if tier == Tier::Container { "docker" } else { "local" });
        match (tier, image) {
            (Tier::Container, Some(image)) => drop(spec.options.insert("image".into(), image.into())),
            (Tier::Container, None) => {}
            _ => drop(spec.options.insert("tier".into(), tier.name().into())),
        }
        specs.push((tier, spec));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} probes in each tier; nothing outside of directories made for them is changed.", probes::count())?;
    let (mut breaches, mut proven) = (0, 0);
    for (tier, spec) in specs {
        let executor = match catalog::build(EXECUTORS, &spec) {
            Ok(executor) => executor,
            Err(error) => return Err(Trouble::usage(error.to_string())),
        };
        writeln!(out)?;
        match runtime.block_on(probes::run(&*executor)) {
            Err(why) => writeln!(out, "{:<10} not proven: {}", tier.name(), safe(&why))?,
            Ok((_, findings)) => {
                proven += 1;
                breaches += report(&mut out, tier, &findings)?;
            }
        }
    }
    writeln!(out)?;
    match (breaches, proven) {
        (0, 0) => writeln!(out, "No tier contains code on this machine.")?,
        (0, _) => writeln!(out, "Every promise that was tried held, on this kernel.")?,
        _ => writeln!(out, "{breaches} promises are BROKEN here: do not rely on these tiers on this machine.")?,
    }
    Ok(u8::from(breaches > 0 || proven == 0))
}

/// Prints a tier; returns how many promises are broken.
fn report(out: &mut impl Write, tier: Tier, findings: &[Finding]) -> std::io::Result<usize> {
    let promised = findings.iter().filter(|finding| finding.promised).count();
    let breaches = findings.iter().filter(|finding| finding.is_breach()).count();
    writeln!(out, "{:<10} {} of {promised} promises held", tier.name(), promised - breaches)?;
    for finding in findings {
        let mark = match (finding.promised, finding.held) {
            (true, true) => "held   ",
            (true, false) => "BROKEN ",
            // Not promised, and true all the same.
            (false, true) => "held * ",
            (false, false) => "open   ",
        };
        writeln!(out, "  {mark}  {:<26} {} ({})", finding.name, finding.about, safe(&finding.note))?;
    }
    Ok(breaches)
}
