//! Long conversations: they complete, and what one more round takes does not depend on those before it.

use super::world::World;
use crate::chat::UnixMillis;
use crate::chat::event::{Event, Record};
use crate::chat::message::{Author, Message, MessageKind};
use crate::chat::team::{Agent, Team};
use crate::engine::effect::Effect;
use crate::session::testing::{speaker, team};
use std::sync::Arc;

/// Two agents without a model who say the same for ever, until so many messages stand.
fn talkers(max_round: u32) -> Team {
    let auto = |name: &str| Agent {
        model: None,
        default_auto_reply: Some(format!("I am {name}.")),
        max_consecutive_auto_reply: u32::MAX,
        ..speaker(name)
    };
    Team { max_round, ..team(vec![auto("a"), auto("b")]) }
}

/// Lets the machine go on for itself; `seen` gets each batch of records. Returns when it has nothing more to do.
fn run(world: &mut World, now: UnixMillis, mut seen: impl FnMut(&[Arc<Record>])) {
    loop {
        let effects = world.machine.next(&world.session, now);
        let mut written = Vec::new();
        for effect in effects {
            let Effect::Append { actor, events, .. } = effect else { panic!("{effect:?}") };
            for event in events {
                let (seq, parent) = (world.session.next_seq(), world.session.head());
                let (branch, actor) = (world.session.branch(), actor.clone());
                let record = Arc::new(Record { seq, parent, branch, actor, at: now, event });
                world.session.apply(record.clone()).unwrap();
                written.push(record);
            }
        }
        if written.is_empty() {
            return;
        }
        seen(&written);
    }
}

fn begun(max_round: u32) -> World {
    let mut world = World::of(talkers(max_round));
    let task = Message::new(world.session.ids().message, Author::Operator, MessageKind::Task, "go");
    let (seq, parent, branch) = (world.session.next_seq(), world.session.head(), world.session.branch());
    let event = Event::MessagePosted { message: Arc::new(task) };
    let actor = crate::chat::event::Actor::Operator;
    let record = Record { seq, parent, branch, actor, at: world.now, event };
    world.session.apply(Arc::new(record)).unwrap();
    world
}

/// AG2 recurses and dies near 490 messages (C013).
#[test]
fn twenty_thousand_and_one_messages_complete() {
    let mut world = begun(20_001);
    let now = world.now;
    run(&mut world, now, |_| {});
    assert_eq!(world.ended().unwrap().1, "Maximum rounds (20001) reached");
    assert_eq!(world.session.transcript().len(), 20_001);
    assert_eq!(world.session.meter("a").turns + world.session.meter("b").turns, 20_000);
}

/// What a round writes: as many records in as many steps, and as many bytes but for the digits of its numbers.
#[test]
fn a_round_writes_the_same_at_message_10_and_at_message_1000() {
    let mut world = begun(2_000);
    let now = world.now;
    let mut rounds: Vec<(usize, usize, usize)> = vec![(0, 0, 0)];
    run(&mut world, now, |records| {
        let round = rounds.last_mut().unwrap();
        round.0 += 1;
        round.1 += records.len();
        // Numbers grow by a digit; what they count must not be written again.
        let digits = |record: &Arc<Record>| {
            let json = serde_json::to_string(&**record).unwrap();
            json.chars().filter(|c| !c.is_ascii_digit()).count()
        };
        round.2 += records.iter().map(digits).sum::<usize>();
        if records.iter().any(|record| matches!(record.event, Event::TurnEnded { .. })) {
            rounds.push((0, 0, 0));
        }
    });
    assert_eq!(rounds[10], rounds[1000]);
    assert_eq!(rounds[11], rounds[1999 - 2]);
    assert!(rounds[10].1 >= 3);
}
