//! Suspects are found where they are, and not where they are not.

use super::{Remedy, Suspect, ask, triage};
use crate::chat::event::Event;
use crate::chat::id::{MessageId, TurnId};
use crate::chat::message::{Author, Completeness, Message, MessageKind};
use crate::chat::tool::{ToolCall, ToolResult};
use crate::session::testing::{Log, speakers};
use std::sync::Arc;

struct Talk(Log);

impl Talk {
    fn of() -> Self {
        Talk(Log::with_task(speakers(&["Coder", "Runner", "Critic"]), "Write a parser."))
    }

    fn add(&mut self, author: &str, kind: MessageKind, text: &str, change: impl FnOnce(&mut Message)) -> &mut Self {
        let id = self.0.session.ids().message;
        let mut message = Message::new(id, Author::Agent(author.into()), kind, text);
        message.turn = Some(TurnId(id.0));
        change(&mut message);
        self.0.add(vec![Event::MessagePosted { message: Arc::new(message) }]);
        self
    }

    fn says(&mut self, author: &str, text: &str) -> &mut Self {
        self.add(author, MessageKind::Reply, text, |_| {})
    }

    fn ran(&mut self, code: i32, output: &str) -> &mut Self {
        let word = if code == 0 { "succeeded" } else { "failed" };
        self.add(
            "Runner",
            MessageKind::CodeResult,
            &format!("exitcode: {code} (execution {word})\nCode output: {output}"),
            |_| {},
        )
    }

    fn suspects(&self) -> Vec<(&'static str, u64)> {
        triage(&self.0.session).iter().map(|suspect| (suspect.kind, suspect.message.0)).collect()
    }

    fn only(&self) -> Suspect {
        let suspects = triage(&self.0.session);
        assert_eq!(suspects.len(), 1, "{suspects:?}");
        suspects.into_iter().next().unwrap()
    }
}

#[test]
fn a_conversation_that_goes_well_has_no_suspects() {
    let mut talk = Talk::of();
    talk.says("Coder", "Here it is:\n```python\nprint(parse('1'))\n```").ran(0, "1");
    talk.says("Critic", "All tests pass. It works as expected.").says("Coder", "Then we are done.");
    assert_eq!(talk.suspects(), []);
}

#[test]
fn the_first_failing_code_is_named_with_an_edit_of_the_message_it_came_from() {
    let mut talk = Talk::of();
    talk.says("Coder", "```python\nparse()\n```").ran(1, "Traceback\nTypeError: parse() takes 1 argument");
    talk.says("Coder", "```python\nparse(1)\n```").ran(1, "ValueError: 1");
    let suspect = talk.only();
    assert_eq!((suspect.kind, suspect.message), ("failing_effect", MessageId(2)));
    let Remedy::Edit { message, content } = &suspect.remedy else { panic!("{suspect:?}") };
    assert_eq!(*message, MessageId(1));
    assert!(content.starts_with("```python\nparse()\n```\n\n(This code fails: TypeError"), "{content}");
}

#[test]
fn success_that_the_newest_result_denies_and_a_sentence_and_its_opposite_are_contradictions() {
    let mut talk = Talk::of();
    talk.says("Coder", "Look.").ran(1, "FAILED test_empty").says("Critic", "Once it works, we ship.");
    talk.says("Coder", "Good news! All tests pass.");
    assert_eq!(talk.suspects(), [("failing_effect", 2), ("contradiction", 4)]);
    let mut talk = Talk::of();
    talk.says("Coder", "The tokenizer supports nested brackets.")
        .says("Critic", "Should the tokenizer not support nested brackets?");
    talk.says("Critic", "The tokenizer does not support nested brackets.");
    let suspect = talk.only();
    assert_eq!((suspect.kind, suspect.message), ("contradiction", MessageId(3)));
    assert!(suspect.text.ends_with("message 2"), "{}", suspect.text);
}

#[test]
fn empty_results_and_cut_off_replies_are_named() {
    let mut talk = Talk::of();
    talk.add("Coder", MessageKind::ToolCalls, "", |message| {
        message.tool_calls =
            vec![ToolCall { id: "1".into(), name: "search".into(), arguments: "{}".into(), echo: Default::default() }];
    });
    talk.add("Coder", MessageKind::ToolResults, "", |message| {
        let call = ToolCall { id: "1".into(), name: "search".into(), arguments: "{}".into(), echo: Default::default() };
        message.tool_results = vec![ToolResult::of(&call, "[]", false)];
    });
    talk.add("Critic", MessageKind::Reply, "The first reason is", |message| {
        message.completeness = Completeness::CutOff
    });
    assert_eq!(talk.suspects(), [("empty_result", 2), ("cut_off", 3)]);
}

#[test]
fn what_an_agent_never_received_is_found_only_when_it_was_meant_and_spoke_later() {
    let mut talk = Talk::of();
    let private = |message: &mut Message| message.to = vec!["Critic".into()];
    talk.add("Coder", MessageKind::Reply, "Between us: the parser is slow.", private);
    talk.add("Coder", MessageKind::Reply, "Runner must use the new flag.", private);
    assert_eq!(talk.suspects(), [], "it has not spoken since");
    talk.says("Runner", "I ran it.");
    let suspect = talk.only();
    assert_eq!((suspect.kind, suspect.message), ("unheard", MessageId(2)));
    let Remedy::Tell { to: Some(to), text } = &suspect.remedy else { panic!("{suspect:?}") };
    assert!(&**to == "Runner" && text.contains("Runner must use the new flag."));
}

#[test]
fn a_models_answer_is_read_and_its_quotes_are_held_against_the_messages() {
    let mut talk = Talk::of();
    talk.says("Coder", "I skipped the   tests.").says("Critic", "Fine.");
    let session = &talk.0.session;
    let question = ask::question(session, &[]);
    assert!(question[1].content.contains("[2] Coder: I skipped the   tests."));
    let answer = r#"Here: {"suspects": [{"message": 2, "tag": "no verification", "why": "w", "quote": "skipped the tests"},
        {"message": 3, "quote": "Not fine."}, {"message": 77, "quote": "x"}]} "#;
    let blamed = ask::read(answer, session).unwrap();
    assert_eq!(blamed.iter().map(|one| (one.message, one.quoted)).collect::<Vec<_>>(), [(2, true), (3, false)]);
    assert_eq!(ask::read("I cannot say.", session), None);
}
