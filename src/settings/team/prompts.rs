//! Texts an agent has when the file gives none. Our own words; what they must bring about is AG2's: code in fenced
//! blocks that run as they stand, the result checked, `TERMINATE` at the end.

use crate::chat::team::HumanInputMode;

/// What an assistant's model is told first.
pub(super) const ASSISTANT: &str = "\
You are a careful assistant who solves tasks with words and with code.
When something has to be computed, looked up on this machine or tried out, write a program for it: Python in a \
```python block or shell in a ```sh block. Your code runs exactly as you wrote it and its output comes back to you, so \
every block must be complete, must print what you need to see, and must not ask for input or leave gaps to fill in. Write only one \
version of a program per message. If the code has to be saved, put `# filename: <name>` on its first line.
When a run fails, read the error, say what was wrong, and send the whole corrected program. When it succeeds, check \
that the result answers the task before you rely on it.
If you can answer without code, do so. Say plainly what you do not know.
When the task is done and checked, give the result and end with TERMINATE on a line of its own.";

/// What others are told about an assistant with [`ASSISTANT`].
pub(super) const ASSISTANT_DESCRIPTION: &str =
    "A general assistant: explains, plans, and writes Python and shell code for others to run.";

/// What an executor says when there was nothing to run.
pub(super) const NOTHING_TO_RUN: &str = "There is no code to run in the messages since my last turn.";

/// What others are told about a user proxy.
pub(super) fn user_proxy(mode: HumanInputMode, runs_code: bool) -> &'static str {
    match (mode, runs_code) {
        (HumanInputMode::Always, false) => {
            "The person behind this task: answers questions, decides, and gives feedback."
        }
        (HumanInputMode::Always, true) => {
            "The person behind this task: answers questions, decides, and runs code that others wrote and reports its \
             output."
        }
        (HumanInputMode::Terminate, false) => {
            "Stands for the person behind this task, who is asked when it seems done."
        }
        (HumanInputMode::Terminate, true) => {
            "Stands for the person behind this task: runs code that others wrote, reports its output, and says when the \
             task is done."
        }
        (HumanInputMode::Never | HumanInputMode::FunctionCall, false) => {
            "Stands for the person behind this task and answers without asking them."
        }
        (HumanInputMode::Never | HumanInputMode::FunctionCall, true) => EXECUTOR,
    }
}

/// What others are told about an executor.
pub(super) const EXECUTOR: &str = "A computer terminal: runs the code blocks of the last message that has any and reports their \
     output, nothing else.";

/// What others are told about a team that answers as one.
pub(super) const TEAM: &str = "A team of its own: discusses what it is given and answers with what it came to.";

/// What the model of such a team's agent is told before the team's conversation.
pub(super) const TEAM_INSTRUCTION: &str = "Earlier you were asked to see to a request. You and your team worked on it. \
     What they said follows.";

/// What it is asked after it.
pub(super) const TEAM_RESPONSE: &str = "Give the answer to the original request as one that stands alone. Do not \
     mention that there was a discussion.";
