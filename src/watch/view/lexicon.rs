//! Words that say nothing, and words that say what a message does: thanks, waits, fails, tries again, ends.
//!
//! English, with the courtesies of a few other languages. What a team says in its own way is added in the settings
//! (`[watch] courtesies`).

use super::phrases::{AGAIN, CLOSED, COMPLAINT, GREETING, MARKS, OBJECTION, STALL, UNABLE};
use super::words::stem;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Words that carry no content, stems included.
static EMPTY: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = "a an the and or but nor so yet if then than as at by for from in into of off on onto out over to up with \
        without within about above after again against all also am any are aren't be been before being below between both \
        can can't cannot could couldn't did didn't do does doesn't doing don't down during each few further had has hasn't have \
        haven't having he her here hers him his how i i'd i'll i'm i've it it's its itself just let let's like me more most my \
        myself no not now once only other our ours own please quite rather really same she should shouldn't some such that \
        that's the their them there there's these they they're this those through too under until us very was wasn't we we'd \
        we'll we're we've were weren't what what's when where which while who whom why will won't would wouldn't you you'd you'll \
        you're you've your yours still already actually basically simply certainly definitely probably maybe perhaps however \
        therefore thus hence moreover furthermore additionally currently previously earlier later first next last finally soon \
        ok okay yes yeah yep well oh ah hm hmm sure of-course indeed course else much many lot bit one two another every \
        everything something anything nothing someone anyone everyone get got go goes going gone make makes made take takes \
        mention mentioned said say says saying tell told see seen know think believe feel seem seems want wants like may might \
        must shall ought able need needs needed it'd because since though although even ever never always often back way thing \
        things point kind sort part case time moment minute second";
    words.split_whitespace().flat_map(|word| [word.to_owned(), stem(word)]).collect()
});

/// Function words that tell English from other languages.
static ENGLISH: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    "the a an and or but if of to in on for with is are was were be been it this that i you we they he she not do does have has \
     will would can could should let me my your our please as at by from i'm i'll it's don't no still there what how"
        .split_whitespace()
        .collect()
});

/// Words for one idea count as one word when two texts are compared by what they are about.
static IDEAS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let ideas = [
        "check verify confirm validate inspect examine review look investigate double-check recheck re-check analyze analyse assess study revisit",
        "fix correct repair resolve update modify change adjust revise patch edit amend rework refine tweak improve",
        "add include insert append incorporate cover supply",
        "error issue problem bug failure fail fault defect broken crash exception trouble",
        "run execute launch invoke rerun re-run",
        "try attempt retry",
        "provide give send share show upload paste attach",
        "wait await standing stand hold pause pending",
        "file document",
        "code script program implementation snippet",
        "function method routine",
        "missing lack lacking absent omit forgot without uncovered",
        "wrong incorrect invalid bad",
        "empty blank null none",
        "input argument parameter value",
        "complete finish done end conclude accomplish",
        "start begin kick",
        "continue proceed carry keep",
        "create write build produce generate make draft",
        "remove delete drop",
        "search find locate lookup query seek",
        "answer reply response respond",
        "question ask request",
        "help assist support",
        "information info detail data context",
        "clarify explain specify elaborate",
        "suggest recommend propose advise",
        "approach strategy method plan",
        "access open reach read load",
        "unable impossible fail cannot",
    ];
    let mut map = HashMap::new();
    for idea in ideas {
        let mut words = idea.split_whitespace();
        let first = words.next().map(stem).unwrap_or_default();
        for word in idea.split_whitespace() {
            map.entry(stem(word)).or_insert_with(|| first.clone());
        }
    }
    map
});

/// Words of thanks, welcome, parting and praise, as stems.
static COURTESY: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = "thank thanks thx ty welcome pleasure glad happy delighted appreciate appreciated appreciation grateful gratitude kind \
        kindness bye goodbye farewell cheers congratulations congrats wonderful great awesome fantastic amazing excellent \
        perfect lovely nice pleased enjoy enjoyed day evening weekend week night care luck best wishes wish regards sincerely success \
        successful future forward hesitate reach anytime problem worries mention helpful help assist assistance question questions \
        free feel here again talk chat later tomorrow hello hi hey greetings morning afternoon touch contact conversation \
        collaboration collaborating working work worked together team everyone folks guys friend journey luck smooth good safe \
        support always meeting let know need hope hoping ahead rest today honor privilege truly deeply sincerely warm warmly \
        likewise same mutual back catch speak soon project endeavors endeavours ever absolutely opportunity \
        danke bitte gerne tschüss merci rien plaisir revoir gracias nada adiós gusto obrigado obrigada grazie prego arrivederci \
        vielen herzlichen dir ihnen euch ebenfalls bald alles gute schönen bis zum nächsten mal wiedersehen freut mich \
        muchas mil por todo hasta luego pronto placer sido ti usted tengas tenga buen buena día un una que ha igualmente \
        beaucoup bonne journée bientôt mille buona giornata presto até logo muito bom dia \
        ciao спасибо пожалуйста дякую dziękuję proszę tack dank graag";
    words.split_whitespace().flat_map(|word| [word.to_owned(), stem(word)]).collect()
});

/// The stems that closings are made of besides.
static CLOSING: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = "terminate terminated task complete completed completion done finish finished end ended conclude concluded conclusion \
        successful successfully further action required remain remaining closed close resolved final goal objective \
        order work job project confirm confirmed confirming agree agreed acknowledge acknowledged noted understood satisfied \
        pending open outstanding fully full requirement requirements criteria fulfilled met left set wrapped right correct indeed";
    words.split_whitespace().flat_map(|word| [word.to_owned(), stem(word)]).collect()
});

/// Whether a word (as it stands, lower case) carries no content.
pub(crate) fn is_empty(word: &str, stem: &str) -> bool {
    EMPTY.contains(word) || EMPTY.contains(stem)
}

/// What stands for a stem when texts are compared by what they are about.
pub(crate) fn idea(stem: String) -> String {
    IDEAS.get(&stem).cloned().unwrap_or(stem)
}

/// Whether the word is one of the marks of English.
pub(crate) fn is_english(word: &str) -> bool {
    ENGLISH.contains(word)
}

/// Whether the word belongs to thanking, parting or closing.
pub(crate) fn is_polite(word: &str, stem: &str) -> bool {
    COURTESY.contains(word) || COURTESY.contains(stem) || CLOSING.contains(word) || CLOSING.contains(stem)
}

/// What a message does besides what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks {
    /// Thanks, wishes, partings.
    pub courtesy: bool,
    /// Says that all is done.
    pub closing: bool,
    /// Speaks of failing or of doing something again.
    pub again: bool,
    /// Waits, promises, thinks aloud.
    pub stall: bool,
    /// Says itself that things repeat.
    pub complaint: bool,
    /// Begins as if nothing had been said.
    pub greeting: bool,
    /// Says that something is not as it should be.
    pub objection: bool,
    /// Says that it cannot do what is asked.
    pub unable: bool,
}

/// Reads the marks of a text that is already normal ([`super::words::normal`]).
pub(crate) fn marks(normal: &str, courtesies: &[String]) -> Marks {
    let any = |list: &[&str]| list.iter().any(|mark| contains(normal, mark));
    Marks {
        courtesy: any(MARKS) || courtesies.iter().any(|mark| contains(normal, mark)),
        closing: any(CLOSED),
        again: any(AGAIN),
        stall: any(STALL),
        complaint: any(COMPLAINT),
        greeting: any(GREETING),
        objection: any(OBJECTION),
        unable: any(UNABLE),
    }
}

/// Whether `text` contains `mark` at the beginning of a word; `mark|` must be the whole of it.
fn contains(text: &str, mark: &str) -> bool {
    let (mark, whole) = mark.strip_suffix('|').map_or((mark, false), |mark| (mark, true));
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(mark).any(|(at, _)| {
        !mark.is_ascii()
            || !(letter(text[..at].chars().next_back()) || whole && letter(text[at + mark.len()..].chars().next()))
    })
}
