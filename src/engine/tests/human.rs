//! The person behind an agent: AG2's decision table, and what counts as a consecutive reply.

use super::world::{World, say};
use crate::chat::command::Command;
use crate::chat::event::{Answer, AskKind, EndCause, Event};
use crate::chat::message::{Author, MessageKind};
use crate::chat::team::{Agent, ApprovalPolicy, HumanInputMode};
use crate::engine::Rules;
use crate::session::testing::{Log, runner, speaker, team};
use HumanInputMode::{Always, Never, Terminate};

/// A user proxy with limit 3 that says `auto` by itself.
fn proxy(mode: HumanInputMode) -> Agent {
    Agent {
        human_input_mode: mode,
        max_consecutive_auto_reply: 3,
        model: None,
        default_auto_reply: Some("auto".into()),
        ..speaker("me")
    }
}

/// `me` has the floor after `replies` automatic replies in a row, and the last message is `last`.
fn world(mode: HumanInputMode, replies: u32, last: &str, rules: Rules) -> World {
    let team = team(vec![proxy(mode), speaker("peer")]);
    let mut log = Log::with_task(team.clone(), "talk");
    for _ in 0..replies {
        log.post(log.message(Author::Agent("me".into()), MessageKind::Auto, "auto"));
    }
    log.says("peer", last);
    log.turn("me");
    let mut world = World::from(log.session, &team, rules);
    // One turn is all that is looked at.
    world.command(Command::Step);
    world
}

#[derive(Debug, PartialEq, Clone)]
enum Then {
    /// The agent replied by itself; the counter stands here.
    Goes(u32),
    /// The person's words are the reply.
    Says,
    /// The run ended.
    Stops(EndCause, String),
}

fn what_came(world: &World) -> Then {
    if let Some((cause, text)) = world.ended() {
        return Then::Stops(cause, text.to_owned());
    }
    let last = world.session.transcript().last_heard_by("").unwrap();
    let counter = world.session.meter("me").auto_replies;
    match (last.message.author.name(), last.message.kind) {
        ("me", MessageKind::Auto) => Then::Goes(counter),
        ("me", MessageKind::Human) => {
            assert_eq!((counter, &*last.message.content), (0, "mine"));
            Then::Says
        }
        other => panic!("{other:?}\n{}", world.tail(10)),
    }
}

/// AG2 1.4, row by row: mode, counter, whether the last message ends the chat; then what is asked and what an empty
/// line, `exit` and other text lead to. Two documented differences: `exit` on a termination message is recorded as the
/// operator's end (AG2 says TN), and there is one wording (TN) for a last word that was not said.
#[test]
fn the_human_decision_table_is_ag2s() {
    let asks = |kind| Some(kind);
    let unsaid = || {
        let text = "Termination message condition on agent 'me' met and no human input provided";
        Then::Stops(EndCause::Member, text.into())
    };
    let user = || Then::Stops(EndCause::Operator, "User requested to end the conversation".into());
    let over = || Then::Stops(EndCause::Member, "Termination message condition on agent 'me' met".into());
    let limit = || Then::Stops(EndCause::Member, "Maximum number of consecutive auto-replies reached by me".into());
    let asked =
        |skip: Then| vec![(Answer::Skip, skip), (Answer::End, user()), (Answer::Say("mine".into()), Then::Says)];
    let table = [
        (Always, 1, false, asks(AskKind::Feedback), asked(Then::Goes(2)), None),
        (Always, 3, false, asks(AskKind::Feedback), asked(Then::Goes(4)), None),
        (Always, 1, true, asks(AskKind::LastWord), asked(unsaid()), None),
        (Always, 3, true, asks(AskKind::LastWord), asked(unsaid()), None),
        (Terminate, 1, false, None, vec![], Some(Then::Goes(2))),
        (Terminate, 1, true, asks(AskKind::LastWord), asked(unsaid()), None),
        (Terminate, 3, false, asks(AskKind::LimitReached), asked(Then::Goes(4)), None),
        (Terminate, 3, true, asks(AskKind::LastWord), asked(unsaid()), None),
        (Never, 1, false, None, vec![], Some(Then::Goes(2))),
        (Never, 1, true, None, vec![], Some(over())),
        (Never, 3, false, None, vec![], Some(limit())),
        (Never, 3, true, None, vec![], Some(limit())),
    ];
    for (mode, replies, term, question, answers, unasked) in table {
        let last = if term { "TERMINATE" } else { "go on" };
        let row = format!("{mode:?}, {replies} replies, term {term}");
        let begun = world(mode, replies, last, Rules::default());
        let open = begun.session.ask(crate::chat::id::AskId(0)).map(|ask| ask.kind);
        assert_eq!(open, question, "{row}");
        if let Some(then) = unasked {
            assert_eq!(what_came(&begun), then, "{row}");
        }
        for (answer, then) in answers {
            let mut world = world(mode, replies, last, Rules::default());
            world.command(Command::Reply { ask: crate::chat::id::AskId(0), answer: answer.clone() });
            assert_eq!(what_came(&world), then, "{row}, {answer:?}");
            assert_eq!(world.count(|event| matches!(event, Event::Ended { .. })), world.ended().iter().count());
        }
    }
}

#[test]
fn exit_and_its_spellings_are_ordinary_words() {
    for text in ["exit", " exit", "EXIT", "exit "] {
        let mut world = world(Always, 1, "go on", Rules::default());
        let answer = Answer::Say(text.into());
        world.command(Command::Reply { ask: crate::chat::id::AskId(0), answer });
        assert!(world.ended().is_none());
        assert_eq!(world.said().last().unwrap(), &format!("me: {text}"));
    }
}

#[test]
fn headless_a_question_ends_the_run_with_exit_5_and_an_unsaid_last_word_with_0() {
    let headless = || Rules { headless: true, ..Rules::default() };
    for (mode, replies) in [(Always, 1), (Terminate, 3)] {
        let world = world(mode, replies, "go on", headless());
        assert_eq!(world.exit_code(), Some(5));
        assert!(world.ended().unwrap().1.contains("me needs human input"), "{:?}", world.ended());
    }
    for mode in [Always, Terminate] {
        let world = world(mode, 1, "TERMINATE", headless());
        assert_eq!(world.exit_code(), Some(0));
        assert!(world.ended().unwrap().1.ends_with("no human input provided"));
    }
}

#[test]
fn a_limit_of_nothing_stops_never_mode_at_once() {
    let silent = Agent { max_consecutive_auto_reply: 0, ..speaker("a") };
    let mut world = World::of(team(vec![silent, speaker("b")]));
    world.begin("talk");
    assert_eq!(world.said(), ["user: talk"]);
    assert_eq!(world.ended().unwrap().0, EndCause::Member);
}

/// AG2 C001 and C058, told for a group: who reaches the limit stops the run when it has the floor again.
#[test]
fn the_limit_stops_the_run_when_its_agent_has_the_floor_again() {
    let limited = Agent { max_consecutive_auto_reply: 2, ..speaker("a") };
    let mut world = World::of(team(vec![limited, speaker("b")]));
    world.script("a", [say("1"), say("3")]).script("b", [say("2"), say("4")]).begin("start");
    assert_eq!(world.said(), ["user: start", "a: 1", "b: 2", "a: 3", "b: 4"]);
    assert_eq!(world.session.ended().unwrap().agent.as_deref(), Some("a"));
}

#[test]
fn after_the_limit_the_operators_words_begin_anew() {
    let limited = Agent { max_consecutive_auto_reply: 1, ..speaker("a") };
    let mut world = World::of(team(vec![limited, speaker("b")]));
    world.begin("start");
    assert!(world.ended().unwrap().1.contains("Maximum number"));
    world.command(Command::Speak { text: "once more".into(), as_agent: None });
    let said = world.said();
    let after = said.iter().position(|line| line == "user: once more").unwrap();
    assert!(
        said[after..].iter().any(|line| line.starts_with("a:")),
        "a was stopped by replies of the last run: {said:?}"
    );
}

/// A broken stream is no reply: nobody heard it.
#[test]
fn interrupted_words_do_not_use_up_the_limit() {
    use super::world::Reply;
    use crate::chat::request::FailureKind;
    let limited = Agent { max_consecutive_auto_reply: 1, ..speaker("a") };
    let mut world = World::of(team(vec![limited, speaker("b")]));
    world.script("a", [Reply::Fail("I was ab".into(), FailureKind::CutOff), say("done")]).begin("start");
    assert_eq!(world.said()[..3], ["user: start", "[a: I was ab]", "a: done"]);
}

#[test]
fn an_agent_with_nothing_to_say_ends_the_run_and_says_so() {
    let mute = Agent { model: None, ..speaker("mute") };
    let mut world = World::of(team(vec![mute, speaker("b")]));
    world.begin("start");
    assert_eq!(world.ended(), Some((EndCause::Member, "No reply generated by mute")));
    assert_eq!(world.exit_code(), Some(0));
}

/// C118: in mode ALWAYS, skipping runs the code and words replace the run. Where consent has to be given anyway, that
/// is the question, and no other is asked (documented difference).
#[test]
fn mode_always_asks_once_before_code() {
    let world = |approval| {
        let x = Agent { human_input_mode: Always, ..runner("x", approval) };
        let mut world = World::of(team(vec![speaker("a"), x]));
        world.script("a", [say(&super::world::fenced("print(1)"))]);
        world.begin("start");
        world
    };
    let consent = world(ApprovalPolicy::Always);
    assert_eq!(consent.count(|event| matches!(event, Event::HumanAsked { .. })), 0);
    assert_eq!(consent.count(|event| matches!(event, Event::ApprovalAsked { .. })), 1);
    let reply = |world: &mut World, answer| {
        let ask = crate::chat::id::AskId(0);
        world.input(crate::engine::effect::Input::Command(Command::Pause {
            boundary: crate::chat::event::Boundary::Turn,
        }));
        world.command(Command::Reply { ask, answer });
    };
    let mut skipped = world(ApprovalPolicy::Never);
    assert!(skipped.ran.is_empty());
    reply(&mut skipped, Answer::Skip);
    assert_eq!(skipped.ran.len(), 1);
    let mut told = world(ApprovalPolicy::Never);
    reply(&mut told, Answer::Say("not now".into()));
    assert!(told.ran.is_empty());
    assert_eq!(told.said().last().unwrap(), "x: not now");
}
