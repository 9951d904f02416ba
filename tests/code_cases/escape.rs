//! The escape suite in every tier that this machine has: what is promised is held.
#![cfg(target_os = "linux")]

use super::{docker, local_in, tiers};
use plenary::chat::containment::Tier;
use plenary::execution::Executor;
use plenary::execution::probes::{self, Finding};

async fn held(executor: &dyn Executor, expected: Tier) -> Vec<Finding> {
    let (tier, findings) = probes::run(executor).await.unwrap_or_else(|why| panic!("{}: {why}", expected.name()));
    assert_eq!(tier, expected);
    assert_eq!(findings.len(), probes::count());
    let breaches: Vec<&Finding> = findings.iter().filter(|finding| finding.is_breach()).collect();
    assert!(breaches.is_empty(), "tier {}: {breaches:#?}", tier.name());
    for finding in &findings {
        println!(
            "{} {} held {} promised {} {}",
            tier.name(),
            finding.name,
            finding.held,
            finding.promised,
            finding.note
        );
    }
    findings
}

#[tokio::test]
async fn every_local_tier_holds_what_it_promises() {
    for tier in tiers() {
        let findings = held(&*local_in(tier), tier).await;
        if tier == Tier::None {
            // The probes can tell: what nothing holds is found open.
            let open = findings.iter().filter(|finding| !finding.held).count();
            assert!(open >= 15, "only {open} were found open without containment: {findings:#?}");
        }
    }
}

#[tokio::test]
async fn a_container_holds_what_it_promises() {
    if docker::image().is_none() || !std::path::Path::new("/usr/bin/python3").exists() {
        return;
    }
    held(&*docker::docker(false), Tier::Container).await;
}
