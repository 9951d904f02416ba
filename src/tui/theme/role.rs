//! The roles: everything on the screen that can look like something.

macro_rules! roles {
    ($($variant:ident $name:literal $fallback:ident $about:literal;)+) => {
        /// What a piece of the screen is, as far as its looks go.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role {
            $(#[doc = $about] $variant,)+
        }

        impl Role {
            /// Every role, in the order of the table.
            pub const ALL: &'static [Role] = &[$(Role::$variant),+];

            /// As written in a theme.
            pub fn name(self) -> &'static str {
                match self { $(Role::$variant => $name,)+ }
            }

            /// What it is for, in a few words.
            pub fn about(self) -> &'static str {
                match self { $(Role::$variant => $about,)+ }
            }

            /// The role whose style it has in a theme that does not mention it. Ends at `text`.
            pub fn fallback(self) -> Role {
                match self { $(Role::$variant => Role::$fallback,)+ }
            }
        }
    };
}

roles! {
    // words
    Text "text" Text "ordinary words";
    Dim "dim" Text "what matters less";
    Strong "strong" Text "bold words";
    Emphasis "emphasis" Text "words in italics";
    Heading "heading" Strong "headings in a message";
    Quote "quote" Dim "quoted words";
    Link "link" Emphasis "addresses";
    InlineCode "inline_code" Code "code within a line";

    // code
    Code "code" Text "code";
    Keyword "keyword" Code "keywords in code";
    String "string" Code "texts in code";
    Number "number" Code "numbers in code";
    Comment "comment" Dim "comments in code";
    Function "function" Code "names of functions in code";
    Added "added" Success "lines that are new";
    Removed "removed" Error "lines that are gone";
    Marker "marker" Warning "signs for characters that could not be seen";
    Match "match" Selection "what a search found";

    // the frame
    Border "border" Dim "lines around panes";
    BorderFocus "border_focus" Strong "lines around the pane with the focus";
    Title "title" Strong "titles of panes";
    Selection "selection" Strong "the selected row";
    Cursor "cursor" Selection "the place where one writes";
    HintKey "hint_key" Strong "keys in the hint line";
    HintText "hint_text" Dim "words in the hint line";
    Minimap "minimap" Dim "the strip beside the transcript";

    // the run
    Status "status" Text "the line at the top";
    StatusRunning "status_running" Success "a run that moves";
    StatusHeld "status_held" Warning "a run that is held";
    StatusWaiting "status_waiting" Warning "a run that waits for the operator";
    StatusFailed "status_failed" Error "a run that failed";
    StatusEnded "status_ended" Dim "a run that ended";
    Money "money" Text "what it costs";

    // the speakers
    Speaker "speaker" Strong "names of speakers";
    Speaking "speaking" Success "an agent that speaks";
    Waiting "waiting" Warning "an agent that waits for the operator";
    Failed "failed" Error "an agent whose turn failed";
    Operator "operator" Speaker "the operator's own words";
    Agent1 "agent_1" Speaker "the first agent";
    Agent2 "agent_2" Speaker "the second agent";
    Agent3 "agent_3" Speaker "the third agent";
    Agent4 "agent_4" Speaker "the fourth agent";
    Agent5 "agent_5" Speaker "the fifth agent";
    Agent6 "agent_6" Speaker "the sixth agent";
    Agent7 "agent_7" Speaker "the seventh agent";
    Agent8 "agent_8" Speaker "the eighth agent";

    // the tone
    Error "error" Strong "what went wrong";
    Warning "warning" Strong "what needs a look";
    Success "success" Text "what went well";
}

impl Role {
    /// The agents' roles, by position.
    pub const AGENTS: [Role; 8] = [
        Role::Agent1,
        Role::Agent2,
        Role::Agent3,
        Role::Agent4,
        Role::Agent5,
        Role::Agent6,
        Role::Agent7,
        Role::Agent8,
    ];

    /// The role of this name.
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.name() == name)
    }
}
