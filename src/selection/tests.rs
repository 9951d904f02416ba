//! Who may speak, who is picked, and what a selector's model is asked.

use super::candidates::{Candidates, candidates};
use super::mention::mentions;
use super::{Pick, SELECTORS, Selector};
use crate::catalog;
use crate::chat::Name;
use crate::chat::event::{Choice, Event};
use crate::chat::message::{Author, Completeness, MessageKind};
use crate::chat::request::Role;
use crate::chat::team::{Repeat, Spec, Team};
use crate::session::testing::{Log, speakers};
use proptest::prelude::*;

fn names(list: &[&str]) -> Vec<Name> {
    list.iter().map(|name| (*name).into()).collect()
}

fn selector(method: &str) -> Box<dyn Selector> {
    catalog::build(SELECTORS, &Spec::named(method)).unwrap()
}

fn now(log: &Log) -> Candidates {
    candidates(&log.session, log.session.team().unwrap())
}

fn chosen(pick: Pick) -> Choice {
    match pick {
        Pick::Choose(choice) => choice,
        other => panic!("nobody was chosen: {other:?}"),
    }
}

/// AG2 2.5 (v3), with the longest match first.
#[test]
fn the_mention_rule_is_ag2s_with_the_longest_name_first() {
    let agent1 = ["Agent1", "Agent2"];
    let bobs = ["bob", "bob_jr"];
    type Row<'a> = (&'a [&'a str], &'a str, &'a [(&'a str, u32)]);
    let table: &[Row] = &[
        (&bobs, "bob_jr", &[("bob_jr", 1)]),
        (&bobs, "bob jr", &[("bob_jr", 1)]),
        (&bobs, "bob\\_jr", &[("bob_jr", 1)]),
        (&bobs, "bob, not bob_jr", &[("bob", 1), ("bob_jr", 1)]),
        (&bobs, "Bob", &[]),
        (&bobs, "bob bob", &[("bob", 2)]),
        (&bobs, "bob\njr", &[("bob", 1)]),
        (&bobs, "bob jrx", &[("bob", 1)]),
        (&["bob", "bob-jr"], "bob-jr", &[("bob-jr", 1)]),
        (&["dr", "dr.who"], "dr.who", &[("dr.who", 1)]),
        (&["dr", "dr.who"], "dr who", &[("dr", 1)]),
        (&agent1, "Agent1_", &[]),
        (&agent1, "Agent12", &[]),
        (&agent1, "éAgent1", &[]),
        (&agent1, "Agent1é", &[]),
        (&agent1, "(Agent1)", &[("Agent1", 1)]),
        (&agent1, "Agent1's", &[("Agent1", 1)]),
        (&agent1, "@Agent1!", &[("Agent1", 1)]),
        (&agent1, "**Agent1**", &[("Agent1", 1)]),
        (&agent1, "agent1", &[]),
        (&agent1, "", &[]),
        (&agent1, "Agent2 after Agent1", &[("Agent1", 1), ("Agent2", 1)]),
        (&agent1, "…Agent1…", &[("Agent1", 1)]),
        (&["Coder", "Coder_", "_"], "Coder goes on", &[("Coder", 1)]),
        (&["a"], "a-b a a", &[("a", 3)]),
    ];
    for (list, text, expected) in table {
        let expected: Vec<(Name, u32)> = expected.iter().map(|(name, count)| ((*name).into(), *count)).collect();
        assert_eq!(mentions(text, &names(list)), expected, "{text:?} among {list:?}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_read_and_a_name_between_blanks_is_always_found(
        text in "[a-zé_ \\\\.*]{0,40}|.{0,40}", list in prop::collection::hash_set("[a-z_]{1,4}", 1..5),
    ) {
        let list: Vec<Name> = list.iter().map(|name| name.as_str().into()).collect();
        for (name, count) in mentions(&text, &list) {
            prop_assert!(list.contains(&name));
            prop_assert!(count as usize <= text.len());
        }
        for name in &list {
            let found = mentions(&format!("{text} - {name} -"), &list);
            prop_assert!(found.iter().any(|(hit, _)| hit == name), "{} not in {:?}", name, found);
        }
    }
}

#[test]
fn who_may_speak_twice_in_a_row_is_as_the_team_says() {
    let table = [
        (Repeat::Everyone, "a", vec!["a", "b", "c"]),
        (Repeat::Nobody, "a", vec!["b", "c"]),
        (Repeat::Only(names(&["a"])), "a", vec!["a", "b", "c"]),
        (Repeat::Only(names(&["a"])), "b", vec!["a", "c"]),
        (Repeat::Only(Vec::new()), "c", vec!["a", "b"]),
    ];
    for (allow_repeat_speaker, spoke, eligible) in table {
        let team = Team { allow_repeat_speaker: allow_repeat_speaker.clone(), ..speakers(&["a", "b", "c"]) };
        let mut log = Log::with_task(team, "talk");
        assert_eq!(now(&log).eligible.len(), 3, "at the start nobody has spoken");
        log.says(spoke, "words");
        let found = now(&log);
        assert_eq!(found.eligible, names(&eligible), "{allow_repeat_speaker:?} after {spoke}");
        assert_eq!(found.eligible.len() + found.barred.len(), 3, "who is barred is listed with the cause");
        assert!(found.barred.iter().all(|(name, why)| &**name == spoke && why.contains("may not repeat")));
    }
}

#[test]
fn the_operators_words_do_not_change_who_spoke_last() {
    let team = Team { allow_repeat_speaker: Repeat::Nobody, ..speakers(&["a", "b"]) };
    let mut log = Log::with_task(team, "talk");
    log.says("a", "one");
    log.operator("hm");
    assert_eq!(now(&log).eligible, names(&["b"]));
    // While somebody speaks, the candidates are those for after that turn.
    log.turn("b");
    assert_eq!(now(&log).eligible, names(&["a"]));
}

#[test]
fn round_robin_goes_around_from_the_first_and_passes_over_who_is_barred() {
    let robin = selector("round_robin");
    let mut log = Log::with_task(speakers(&["a", "b", "c"]), "talk");
    let mut order = Vec::new();
    for _ in 0..7 {
        let choice = chosen(robin.pick(&now(&log), &log.session));
        assert_eq!(robin.foresee(&now(&log), &log.session).as_ref(), Some(&choice), "what was foreseen happens");
        log.says(&choice.agent, "words");
        order.push(choice.agent.to_string());
    }
    assert_eq!(order.join(""), "abcabca");
    let barred = Candidates { eligible: names(&["a", "c"]), last: Some("a".into()), ..now(&log) };
    assert_eq!(&*chosen(robin.pick(&barred, &log.session)).agent, "c");
    // AG2 C059: after somebody from outside it begins at the first.
    let outsider = Candidates { last: Some("zed".into()), ..now(&log) };
    assert_eq!(&*chosen(robin.pick(&outsider, &log.session)).agent, "a");
}

/// The draws of a run of so many turns.
fn draws(seed: u64, turns: usize, allow_repeat_speaker: Repeat) -> Vec<String> {
    let mut log = Log::with_task(Team { seed, allow_repeat_speaker, ..speakers(&["a", "b", "c"]) }, "talk");
    let random = selector("random");
    let draw = |_| {
        let choice = chosen(random.pick(&now(&log), &log.session));
        assert_eq!(choice.candidates, now(&log).eligible);
        log.says(&choice.agent, "words");
        choice.agent.to_string()
    };
    (0..turns).map(draw).collect()
}

#[test]
fn random_is_repeatable_by_its_seed_and_reaches_everybody_evenly() {
    let run = draws(1, 600, Repeat::Everyone);
    assert_eq!(run, draws(1, 600, Repeat::Everyone));
    assert_ne!(run[..20], draws(2, 20, Repeat::Everyone)[..]);
    for name in ["a", "b", "c"] {
        let count = run.iter().filter(|drawn| *drawn == name).count();
        assert!((150..=250).contains(&count), "{name} was drawn {count} times of 600");
    }
    let repeats = run.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!((150..=250).contains(&repeats), "{repeats} repeats of 599");
}

/// AG2 C080.
#[test]
fn random_keeps_the_repeat_rule() {
    assert!(draws(3, 100, Repeat::Nobody).windows(2).all(|pair| pair[0] != pair[1]));
    let some = draws(3, 100, Repeat::Only(names(&["a"])));
    assert!(some.windows(2).all(|pair| pair[0] != pair[1] || pair[0] == "a"));
    assert!(some.windows(2).any(|pair| pair[0] == "a" && pair[1] == "a"));
}

#[test]
fn a_draw_is_not_foreseen_and_a_manual_pick_proposes_the_teams_order() {
    let mut log = Log::with_task(speakers(&["a", "b"]), "talk");
    log.says("a", "one");
    for method in ["random", "manual", "auto"] {
        assert!(selector(method).foresee(&now(&log), &log.session).is_none(), "{method}");
    }
    let pick = selector("manual").pick(&now(&log), &log.session);
    assert_eq!(pick, Pick::Person { proposed: Some("b".into()) });
}

/// The question to the selector's model after these answers.
fn asked(log: &Log) -> Vec<(Role, String)> {
    match selector("auto").pick(&now(log), &log.session) {
        Pick::Ask(prompts) => prompts.into_iter().map(|prompt| (prompt.role, prompt.content.to_string())).collect(),
        other => panic!("it does not ask: {other:?}"),
    }
}

fn answer(log: &mut Log, text: &str) {
    let mentions = selector("auto").read(text, &now(log));
    let call = log.session.ids().call;
    log.add(vec![Event::SelectorAnswered { call, answer: text.into(), mentions }]);
}

fn auto() -> Log {
    let team = Team { allow_repeat_speaker: Repeat::Nobody, ..speakers(&["a", "b", "c"]) };
    let mut log = Log::with_task(team, "talk");
    log.says("a", "one");
    log
}

/// AG2 C098: roles and list name the candidates, and nobody else.
#[test]
fn the_question_tells_roles_and_names_of_the_candidates_around_the_conversation() {
    let mut log = auto();
    let mut partial = log.message(Author::Agent("b".into()), MessageKind::Reply, "half a sen");
    partial.completeness = Completeness::Interrupted;
    log.post(partial);
    let question = asked(&log);
    let (first, last) = (&question[0], question.last().unwrap());
    assert!(first.0 == Role::System && first.1.contains("b: what b is for\nc: what c is for"), "{first:?}");
    assert!(!first.1.contains("what a is for"));
    assert!(last.0 == Role::System && last.1.contains("['b', 'c']"), "{last:?}");
    let talk: Vec<_> = question[1..question.len() - 1].iter().map(|(role, text)| (*role, text.as_str())).collect();
    assert_eq!(talk, [(Role::User, "talk"), (Role::User, "one")]);
}

/// AG2 C091, C092, C100.
#[test]
fn a_useless_answer_is_answered_with_what_was_wrong_with_it() {
    let mut log = auto();
    let plain = asked(&log).len();
    answer(&mut log, "whoever wants");
    let second = asked(&log);
    assert_eq!(second[plain], (Role::Assistant, "whoever wants".into()));
    assert!(second[plain + 1].1.contains("No speaker was named") && second[plain + 1].1.contains("['b', 'c']"));
    answer(&mut log, "b, or c");
    let third = asked(&log);
    assert_eq!(third.len(), plain + 4, "earlier answers and complaints stay in the question");
    assert!(third.last().unwrap().1.contains("More than one name"));
    answer(&mut log, "b b, I mean b");
    let choice = chosen(selector("auto").pick(&now(&log), &log.session));
    assert_eq!((&*choice.agent, choice.mode.as_str(), choice.attempts), ("b", "auto", 3));
    assert!(choice.reason.contains("I mean b"));
}

#[test]
fn a_barred_name_counts_as_none() {
    let mut log = auto();
    answer(&mut log, "a");
    assert!(asked(&log).last().unwrap().1.contains("No speaker was named"));
}

#[test]
fn there_is_one_attempt_more_than_retries_and_then_the_teams_order_for_all_to_see() {
    for retries in 0..4 {
        let team = Team { max_retries_for_selecting_speaker: retries, ..speakers(&["a", "b", "c"]) };
        let mut log = Log::with_task(team, "talk");
        log.says("a", "one");
        for _ in 0..=retries {
            asked(&log);
            answer(&mut log, "hm");
        }
        let choice = chosen(selector("auto").pick(&now(&log), &log.session));
        assert_eq!((&*choice.agent, choice.mode.as_str(), choice.attempts), ("b", "auto fallback", retries + 1));
        assert!(choice.reason.contains(&format!("{} selector answers", retries + 1)));
    }
}

/// AG2 C094.
#[test]
fn terminate_as_an_answer_ends_the_asking_but_not_as_a_part_of_one() {
    let mut log = auto();
    answer(&mut log, " TERMINATE\n");
    assert_eq!(chosen(selector("auto").pick(&now(&log), &log.session)).mode, "auto fallback");
    let mut log = auto();
    answer(&mut log, "TERMINATE now");
    asked(&log);
}

#[test]
fn every_method_has_help_and_an_example_that_names_it() {
    for entry in SELECTORS {
        assert!(!entry.about.is_empty() && entry.example.contains(&format!("\"{}\"", entry.name)), "{}", entry.name);
        let needs = entry.fields.iter().any(|field| field.required);
        assert_eq!((entry.build)(&Default::default()).is_err(), needs, "{}", entry.name);
    }
}

#[test]
fn the_words_to_the_selectors_model_can_be_the_teams_own() {
    let options = serde_json::json!({
        "select_speaker_message_template": "Roles:\n{roles}\nOne of {agentlist}. {other}",
        "select_speaker_prompt_template": "Who of {agentlist}?",
        "select_speaker_auto_none_template": "Nobody of {agentlist}!",
    });
    let serde_json::Value::Object(options) = options else { unreachable!() };
    let auto = catalog::build(SELECTORS, &Spec { kind: "auto".into(), options }).unwrap();
    let log = Log::with_task(speakers(&["a", "b"]), "talk");
    let Pick::Ask(prompts) = auto.pick(&now(&log), &log.session) else { panic!("nobody is asked") };
    assert_eq!(&*prompts[0].content, "Roles:\na: what a is for\nb: what b is for\nOne of ['a', 'b']. {other}");
    assert_eq!(&*prompts.last().unwrap().content, "Who of ['a', 'b']?");
    for empty in ["select_speaker_message_template", "select_speaker_auto_none_template"] {
        let options = [(empty.to_owned(), " ".into())].into_iter().collect();
        assert!(catalog::build(SELECTORS, &Spec { kind: "auto".into(), options }).is_err());
    }
}
