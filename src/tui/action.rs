//! Everything a key can do, in one table. The keymap, the help, the palette and the hint line derive from it.
//!
//! To add an action: one row here, and an arm where it is carried out.

use Context::*;
use std::fmt;
use std::str::FromStr;

macro_rules! contexts {
    ($($variant:ident $name:literal $takes_text:literal $about:literal;)+) => {
        /// Where keys are pressed. A keymap has one table for each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Context {
            $(#[doc = $about] $variant,)+
        }

        impl Context {
            /// All contexts, in the order of the help.
            pub const ALL: &'static [Context] = &[$(Context::$variant),+];

            /// As written in a keymap.
            pub fn name(self) -> &'static str {
                match self { $(Context::$variant => $name,)+ }
            }

            /// Where that is, in a few words.
            pub fn about(self) -> &'static str {
                match self { $(Context::$variant => $about,)+ }
            }

            /// Whether keys type text here; then no key that types is ever an action.
            pub fn takes_text(self) -> bool {
                match self { $(Context::$variant => $takes_text,)+ }
            }
        }
    };
}

// To add a context (a modal with keys of its own): one row, and its table in `config/keymap.toml`.
contexts! {
    Main "main" false "the panes, with no text field and nothing open on top";
    Approval "approval" false "the approval queue";
    Why "why" false "the panel that says why the team may be going in circles";
    Breakpoints "breakpoints" false "the list of breakpoints";
    Held "held" false "a request or a reply that is held back";
    Suspects "suspects" false "where it may have gone wrong";
    Composer "composer" true "the line in which the operator speaks";
    Editor "editor" true "a message, code or prompt being edited";
    Search "search" true "the search line";
    Palette "palette" true "the command palette, which has a line to type in";
    List "list" false "any list to choose from";
    Help "help" false "the keys, and any list to read";
    Global "global" false "everywhere: looked up after the others";
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Context {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Context::ALL.iter().copied().find(|context| context.name() == name).ok_or(())
    }
}

/// What an action is called, what it does and where it makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// As written in a keymap.
    pub name: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// Where it may be bound.
    pub contexts: &'static [Context],
}

macro_rules! actions {
    ($($variant:ident $name:literal [$($context:ident),+] $help:literal;)+) => {
        /// Something the operator can ask for with a key or from the palette.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $help] $variant,)+
        }

        impl Action {
            /// Every action, in the order of the table.
            pub const ALL: &'static [Action] = &[$(Action::$variant),+];

            /// The row of this action.
            pub fn about(self) -> About {
                match self {
                    $(Action::$variant => About { name: $name, help: $help, contexts: &[$($context),+] },)+
                }
            }
        }
    };
}

actions! {
    // the run
    Pause "pause" [Main, Approval, Global] "Pause after this turn; again: after this step; when held: go on";
    Resume "resume" [Main, Approval, Global, Held] "Go on";
    Step "step" [Main] "Go on for one turn";
    Interrupt "interrupt" [Main, Approval, Global] "Stop what runs now; what was said is kept";
    CallOn "call_on" [Main] "Give this agent the floor next";
    View "view" [Main] "Show what this agent is sent next, and what it does not see";
    EditPrompt "edit_prompt" [Main] "Change what this agent's model is told first";
    SwitchModel "switch_model" [Main] "Change the model of this agent";
    QueuePush "queue_push" [Main] "Add this agent to the queue of next speakers";
    QueuePop "queue_pop" [Main] "Take the last name off the queue";
    QueueClear "queue_clear" [Main] "Empty the queue of next speakers";
    AcceptProposal "accept_proposal" [Main] "Let the proposed speaker speak";
    EndProgram "end_program" [Main, Global] "Stop the program that runs; its output goes back to its agent";
    ExtendTime "extend_time" [Main, Global] "Let the program that runs have a minute more";
    Executions "executions" [Main, Global] "Show what was executed: open its files, run it again, open a shell there";
    Revoke "revoke" [Main, Approval, Global] "Show what may run without asking, and take it back";
    Tools "tools" [Main, Approval, Global] "Show servers and tools, and bar or accept them";
    Propose "propose" [Main] "Let the selector's model propose who speaks next";
    Bar "bar" [Main] "Take this agent off the floor, or let it back";
    Terminate "terminate" [Main, Global] "End the run when this turn is over";
    RaiseLimits "raise_limits" [Main, Global] "Raise every limit that was reached by half, and go on";
    Continue "continue" [Main, Global] "Begin a new run after the end, without saying anything";
    Retry "retry" [Main, Global] "Try again what failed";
    EndRun "end_run" [Main, Global] "End the run";
    Answer "answer" [Main, Global] "Answer the agent that asks";

    // words
    Composer "composer" [Main, Approval, Global] "Write to the team";
    SpeakAs "speak_as" [Main, Composer, Global] "Choose in whose name to speak";
    SpeakTo "speak_to" [Main, Composer, Global] "Choose who is to hear what you write";
    Submit "submit" [Composer, Editor, Search, Palette, List, Help] "Send, save or choose";
    Newline "newline" [Composer, Editor] "Start a new line";
    EditorOpen "editor_open" [Composer, Editor, Global] "Go on writing in $EDITOR";
    Cancel "cancel" [Main, Composer, Editor, Search, Approval, Why, Help, Palette, List, Global, Breakpoints, Held, Suspects] "Leave this, or close it";
    CancelOrInterrupt "cancel_or_interrupt" [Composer, Editor, Search, Palette, Global]
        "Leave what is being written; with nothing written, stop what runs";

    // the transcript
    SelectNext "select_next" [Main, Help, Palette, List, Breakpoints, Held, Suspects] "Select the next message or row";
    SelectPrev "select_prev" [Main, Help, Palette, List, Breakpoints, Held, Suspects] "Select the previous message or row";
    ScrollDown "scroll_down" [Main, Composer, Approval, Why, Help, Global, Breakpoints, Held, Suspects] "Scroll down a line";
    ScrollUp "scroll_up" [Main, Composer, Approval, Why, Help, Global, Breakpoints, Held, Suspects] "Scroll up a line";
    PageDown "page_down" [Main, Composer, Approval, Why, Help, Palette, List, Global, Breakpoints, Held, Suspects] "Scroll down a page";
    PageUp "page_up" [Main, Composer, Approval, Why, Help, Palette, List, Global, Breakpoints, Held, Suspects] "Scroll up a page";
    HalfDown "half_down" [Main, Composer, Approval, Help, List, Global] "Scroll down half a page";
    HalfUp "half_up" [Main, Composer, Approval, Help, List, Global] "Scroll up half a page";
    Top "top" [Main, Approval, Why, Help, Palette, List, Global, Breakpoints, Held, Suspects] "Go to the beginning";
    Bottom "bottom" [Main, Approval, Why, Help, Palette, List, Global, Breakpoints, Held, Suspects] "Go to the end, and follow it";
    ToggleFold "toggle_fold" [Main] "Fold or unfold";
    ToggleDetails "toggle_details" [Main] "Show or hide how each speaker was chosen";
    CopyMessage "copy_message" [Main] "Copy the selected message";
    CopyTranscript "copy_transcript" [Main, Global] "Copy the whole transcript";
    EditMessage "edit_message" [Main] "Edit the selected message and go on from there on a new branch";
    ForkHere "fork_here" [Main] "Go on from the selected message on a new branch";
    BranchList "branch_list" [Main, Global] "Show the branches";
    Search "search" [Main, Help, List, Global] "Search";
    SearchNext "search_next" [Main, Search, Help, List] "Go to the next match";
    SearchPrev "search_prev" [Main, Search, Help, List] "Go to the previous match";

    // approvals
    Approvals "approvals" [Main, Global] "Open the approval queue";
    ApproveRun "approve_run" [Approval] "Run this code, once";
    ApproveEdit "approve_edit" [Approval] "Edit this code, then run it";
    ApproveDeny "approve_deny" [Approval] "Do not run it, and say why";
    ApproveAnswer "approve_answer" [Approval] "Answer in the tool's place: it is not called";
    ApproveRemember "approve_remember" [Approval] "Run it, and ask no more for exactly this code";
    ApproveDenyHold "approve_deny_hold" [Approval] "Do not run it, say why, and hold when the agent has been told";
    ApproveLeash "approve_leash" [Approval] "Let this agent run code unasked for a while, from its next request on";
    NextRequest "next_request" [Approval] "Show the next request";
    PreviousRequest "previous_request" [Approval] "Show the previous request";

    // circles
    Why "why" [Main, Global] "Show why the team may be going in circles, and the ways out";
    NextFinding "next_finding" [Why] "Show what the next detector sees";
    WayFirst "way_first" [Why] "Go to the first message that matches";
    WayEdit "way_edit" [Why] "Edit the last message that matches";
    WayNote "way_note" [Why] "Write a note to the agent that repeats";
    WayNoteAll "way_note_all" [Why] "Write a note to all";
    WayAnother "way_another" [Why] "Give another agent the floor";
    WayBar "way_bar" [Why] "Bar the agent that repeats for three turns";
    WayBarTool "way_bar_tool" [Why] "Bar the tool that is called again and again for three turns";
    WayRewind "way_rewind" [Why] "Go back to before it began, on a new branch";
    WayAllow "way_allow" [Why] "Let it happen three more times";
    WayConclude "way_conclude" [Why] "Have the run summed up, and end it";
    WayNotALoop "way_not_a_loop" [Why] "It is no loop: double its limits";

    // debugging
    Breakpoints "breakpoints" [Main, Global] "Show the breakpoints, with how often each was met";
    BreakHere "break_here" [Main] "Stop when the like of the selected message happens again";
    StepMenu "step_menu" [Main, Global] "Go on for one call, one effect, one turn, until an agent or a reply";
    HeldBack "held_back" [Main, Global] "Look at the request or the reply that is held back";
    Triage "triage" [Main, Global] "Show where it may have gone wrong";
    PartAdd "part_add" [Breakpoints, Held] "Add one";
    PartEdit "part_edit" [Breakpoints, Held, Suspects] "Change this one; of a suspect: what could mend it";
    PartRemove "part_remove" [Breakpoints, Held] "Take this one away";
    PartRest "part_rest" [Breakpoints] "Let this breakpoint rest, or wake it";
    PartDiscard "part_discard" [Held] "Throw the reply away; its agent speaks anew";
    PartGo "part_go" [Suspects] "Go to the message";
    PartRewind "part_rewind" [Suspects] "Go back to this message, on a new branch";

    // the console
    FocusNext "focus_next" [Main, Composer, Approval, Global] "Move on to the next pane, and to the composer";
    FocusPrev "focus_prev" [Main, Composer, Approval, Global] "Move back to the pane before, and to the composer";
    Zoom "zoom" [Main, Global] "Give this pane the whole screen, or take it back";
    Overview "overview" [Main, Global] "Agents, transcript and floor side by side";
    Split "split" [Main, Global] "Two panes of your choice beside each other";
    LayoutNext "layout_next" [Main, Global] "Change to the next layout";
    Wider "wider" [Main, Global] "Make the side columns wider";
    Narrower "narrower" [Main, Global] "Make the side columns narrower";
    EvenOut "even_out" [Main, Global] "Give the columns their usual width";
    TabNext "tab_next" [Main, Global] "Change to the next tab, when the screen is narrow";
    ThemeNext "theme_next" [Main, Global] "Change to the next colours";
    Dismiss "dismiss" [Main, Global] "Put the notice away";
    Palette "palette" [Main, Approval, Global] "Find a command by name";
    Help "help" [Main, Approval, Why, List, Global, Breakpoints, Held, Suspects] "Show the keys";
    Redraw "redraw" [Main, Global] "Draw the screen anew";
    Suspend "suspend" [Main, Global] "Leave to the shell; fg comes back";
    Quit "quit" [Main, Approval, Help, List, Global] "Leave the console";
}

impl Action {
    /// As written in a keymap.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// One line of help.
    pub fn help(self) -> &'static str {
        self.about().help
    }

    /// Whether it may be bound in this context.
    pub fn belongs_in(self, context: Context) -> bool {
        self.about().contexts.contains(&context)
    }

    /// Whether it says which agent, by a digit: bound as a range, `"t 1..9"`.
    pub fn takes_digit(self) -> bool {
        matches!(
            self,
            Action::CallOn | Action::QueuePush | Action::View | Action::Bar | Action::EditPrompt | Action::SwitchModel
        )
    }

    /// Whether it lets code run. Such an action is never on a key that a hand presses by habit
    /// (reference: reliability and security, 1.3).
    pub fn gives_consent(self) -> bool {
        matches!(self, Action::ApproveRun | Action::ApproveEdit | Action::ApproveRemember | Action::ApproveLeash)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Action {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Action::ALL.iter().copied().find(|action| action.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_action_has_a_name_of_its_own_and_reads_back() {
        let names: BTreeSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for action in Action::ALL {
            assert_eq!(action.name().parse(), Ok(*action));
            assert!(action.name().chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert!(action.help().len() <= 76 && !action.help().ends_with('.'), "{action}");
        }
        for context in Context::ALL.iter().copied() {
            assert_eq!(context.name().parse(), Ok(context));
        }
    }
}
