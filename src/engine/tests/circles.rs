//! The ladder - note, hold, end - and each way out of a circle.

use super::world::{Reply, World, say};
use crate::chat::command::Command;
use crate::chat::event::{Boundary, EndCause, Event, HoldReason, Judgement};
use crate::chat::message::{Completeness, MessageKind};
use crate::chat::team::Team;
use crate::chat::watch::{Threshold, Watching};
use crate::session::testing::speakers;

const SAME: &str = "I will look into the very same thing again.";

fn team(watch: Watching) -> Team {
    Team { max_round: 200, watch, ..speakers(&["a", "b"]) }
}

/// Held, because `a` says the same again and again and `b` no more than a word.
fn held() -> World {
    let mut world = World::of(team(Watching::default()));
    let words: Vec<_> = (0..60).map(|n| say(&format!("ok {n}"))).collect();
    world.script("a", (0..60).map(|_| say(SAME))).script("b", words).begin("go");
    assert!(circles(&world).is_some(), "{}", world.tail(5));
    world
}

fn circles(world: &World) -> Option<String> {
    match world.session.hold() {
        Some(HoldReason::Circles { text }) => Some(text.clone()),
        _ => None,
    }
}

/// The finding that holds the run.
fn finding(world: &World) -> crate::session::Finding {
    world.session.findings().iter().find(|finding| finding.detector == "D1 exact repeat").unwrap().clone()
}

#[test]
fn an_agent_that_repeats_itself_is_told_once_if_the_team_allows_it_and_held_only_after_another_turn() {
    let mut world = World::of(team(Watching { nudge: true, ..Watching::default() }));
    world.script("a", (0..20).map(|_| say(SAME))).script("b", (0..20).map(|_| say("ok"))).begin("go");
    let notes: Vec<usize> = (0..world.session.transcript().len())
        .filter(|at| world.session.transcript().entries()[*at].message.kind == MessageKind::Note)
        .collect();
    assert_eq!(notes.len(), 1, "{}", world.tail(20));
    let note = &world.session.transcript().entries()[notes[0]].message;
    assert!(note.content.starts_with("a: a said the same thing 3 times"), "{}", note.content);
    assert!(note.is_heard_by("a") && note.is_heard_by("b"), "everybody sees it");
    let after = &world.session.transcript().entries()[notes[0]..];
    assert!(after.iter().any(|entry| entry.message.author.name() == "a"), "it got a turn after the note");
    assert!(circles(&world).is_some(), "{}", world.tail(5));
    assert_eq!(
        held().count(|event| matches!(event, Event::MessagePosted { message } if message.kind == MessageKind::Note)),
        0
    );
}

#[test]
fn the_breaker_holds_whatever_was_allowed_and_ends_headless_with_exit_4() {
    let watch = || Watching { breaker: 6, ..Watching::default() };
    let mut world = World::of(team(watch()));
    world.begin("go");
    assert!(circles(&world).unwrap().contains("breaker"), "{}", world.tail(5));
    let said = world.said().len();
    world.command(Command::Resume);
    assert!(circles(&world).is_some(), "each further turn needs the operator");
    assert_eq!(world.said().len(), said + 1);
    let mut headless = World::headless(team(watch()));
    headless.begin("go");
    assert_eq!(headless.exit_code(), Some(4));
}

#[test]
fn not_a_loop_goes_on_and_doubles_what_it_takes() {
    let mut world = held();
    let before = finding(&world).count;
    world.command(Command::Judge { detector: finding(&world).detector, judgement: Judgement::NotALoop });
    // Other detectors may see the same in their own way; this one keeps quiet until twice as much.
    while circles(&world).is_some_and(|text| !text.starts_with("D1")) {
        world.command(Command::Resume);
    }
    assert!(finding(&world).count >= 2 * before, "{}", finding(&world).count);
    let recorded = |event: &Event| matches!(event, Event::DetectorJudged { judgement: Judgement::NotALoop, .. });
    assert_eq!(world.count(recorded), 1);
}

#[test]
fn allowing_more_goes_on_for_so_many_more() {
    let mut world = held();
    let before = finding(&world).count;
    world.command(Command::Judge { detector: finding(&world).detector, judgement: Judgement::Allowed(3) });
    while circles(&world).is_some_and(|text| !text.starts_with("D1")) {
        world.command(Command::Resume);
    }
    assert_eq!(finding(&world).count, before + 3, "{}", world.tail(30));
}

#[test]
fn a_finding_that_is_gone_cannot_be_judged() {
    let mut world = held();
    world.command(Command::Judge { detector: "D9 no effect".into(), judgement: Judgement::NotALoop });
    assert_eq!(world.count(|event| matches!(event, Event::DetectorJudged { .. })), 0);
    assert!(circles(&world).is_some());
}

#[test]
fn ending_with_a_summary_lets_somebody_else_sum_up_and_ends_once() {
    let mut world = held();
    world.command(Command::Conclude);
    assert_eq!(world.ended(), Some((EndCause::Operator, "by the operator, with a summary by b")), "{}", world.tail(8));
    let entries = world.session.transcript().entries();
    assert!(entries[entries.len() - 2].message.content.contains("sum up"));
    assert_eq!(entries[entries.len() - 1].message.author.name(), "b", "who goes in circles is the last to be asked");
    assert_eq!(world.exit_code(), Some(0));
}

#[test]
fn a_note_to_the_speaker_or_to_all_clears_what_was_counted() {
    for private in [true, false] {
        let mut world = held();
        let (text, as_agent) = ("Try the other door.".into(), None);
        world.command(match private {
            true => Command::Whisper { text, as_agent, to: vec!["a".into()], announced: true },
            false => Command::Speak { text, as_agent },
        });
        let said = world.said().len();
        world.command(Command::Resume);
        assert!(world.said().len() >= said + 6, "it takes as many turns again: {}", world.tail(5));
    }
}

#[test]
fn another_speaker_a_bar_and_a_branch_from_before_it_clear_it_too() {
    let mut world = held();
    world.command(Command::CallOn { agent: "b".into() }).command(Command::Resume);
    assert_eq!(world.choices().iter().filter(|choice| choice.ends_with(" queue")).count(), 1, "{:?}", world.choices());

    let mut world = held();
    let said = world.said().len();
    world.command(Command::Bar { agent: "a".into(), turns: Some(3) }).command(Command::Resume);
    assert!(world.said()[said..].iter().take(3).all(|text| text.contains("ok")), "{:?}", &world.said()[said..]);

    let mut world = held();
    let first = finding(&world).messages[0];
    let place = world.session.transcript().place(first).unwrap();
    let seq = world.session.transcript().entries()[place - 1].seq;
    world.command(Command::MoveTo { seq });
    assert_eq!((world.session.findings(), world.session.hold()), (&[][..], Some(&HoldReason::Operator)));
    assert_eq!(world.session.transcript().len(), place);

    let mut world = held();
    let last = *finding(&world).messages.last().unwrap();
    world.command(Command::Edit { message: last, content: "I am done with that.".into() });
    assert!(world.session.branches().len() == 2);
    world.command(Command::Pause { boundary: Boundary::Turn });
}

/// A stream that chants is hung up at once; what was said is kept and marked, and its speaker gets the floor back.
#[test]
fn a_chant_is_cut_off_in_mid_stream() {
    let chant = "I will now check the file for the missing value, then. ".repeat(200);
    let mut world = World::of(team(Default::default()));
    world.script("a", [Reply::Say(chant.clone()), say("something else")]).begin("go");
    let said = world.session.transcript().entries().last().unwrap().message.clone();
    assert_eq!(said.completeness, Completeness::Interrupted);
    assert!(
        matches!(world.session.hold(), Some(HoldReason::Circles { text }) if text.contains("D16 chanting: a says"))
    );
    assert!(world.open_calls().is_empty());
    let team_allows = |team: Team| {
        let mut world = World::of(team);
        world.script("a", [say(&chant)]).begin("go");
        world.session.transcript().entries()[1].message.completeness
    };
    let off = Threshold { off: true, ..Threshold::default() };
    let watch = Watching { detectors: [("D16".to_owned(), off)].into(), ..Watching::default() };
    assert_eq!(team_allows(team(watch)), Completeness::Whole, "where the team allows it, it is heard to its end");
    let mut headless = World::headless(team(Default::default()));
    headless.script("a", [Reply::Say(chant.clone())]).begin("go");
    assert_eq!(headless.ended().unwrap().0, EndCause::Circles);
}
