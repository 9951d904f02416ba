//! From text to a rule: grammar and types in one pass, so that every mistake has its place.
//!
//! ```text
//! rule    = and { "or" and }
//! and     = not { "and" not }
//! not     = "not" not | "(" rule ")" | test
//! test    = value [ comparison value | ["not"] "in" "[" value { "," value } "]" | "matches" /pattern/ ]
//! ```

use super::facts::{Argument, CONTEXT, FACTS, Type};
use super::token::{NOTHING, Placed, Token, split, wrong};
use super::tree::{Comparison, Expr, Literal, Pattern, Term};
use super::{LONGEST, Named, Naming, RuleError, moment};
use crate::chat::pattern::compile;
use std::ops::Range;

/// How deep brackets and negations may nest.
const DEPTH: u32 = 50;

type Read<T> = Result<T, RuleError>;

/// A value with its type and place.
struct Operand {
    term: Term,
    kind: Type,
    at: Range<usize>,
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Placed>,
    at: usize,
    depth: u32,
    names: Vec<Named>,
    /// Whether it may ask about the moment.
    moment: bool,
}

pub(super) fn parse(text: &str, moment: bool) -> Read<(Expr, Vec<Named>)> {
    if text.len() > LONGEST {
        return wrong(0..1, format!("this rule is longer than {LONGEST} bytes"), NOTHING);
    }
    let mut parser = Parser { text, tokens: split(text)?, at: 0, depth: 0, names: Vec::new(), moment };
    if parser.tokens.is_empty() {
        return wrong(0..text.len(), "this rule is empty", Some("for example: last.text contains \"DONE\""));
    }
    let expr = parser.or()?;
    if let Some((token, at)) = parser.tokens.get(parser.at) {
        let help = match token {
            Token::Sign(_) => "comparisons are joined with `and`, and a text stands in quotes",
            Token::Close => "there is no opening bracket for it",
            _ => "conditions are joined with `and` or `or`",
        };
        return wrong(at.clone(), format!("{} is not expected here", token.words()), Some(help));
    }
    Ok((expr, parser.names))
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<Placed> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    /// The place after everything.
    fn end(&self) -> Range<usize> {
        let end = self.tokens.last().map_or(0, |(_, at)| at.end);
        end..end
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Read<Range<usize>> {
        match self.next() {
            Some((next, at)) if next == *token => Ok(at),
            Some((next, at)) => wrong(at, format!("{} is expected here, not {}", token.words(), next.words()), NOTHING),
            None => wrong(self.end(), format!("{} is missing at the end", token.words()), NOTHING),
        }
    }

    fn or(&mut self) -> Read<Expr> {
        let mut members = vec![self.and()?];
        while self.word("or") {
            members.push(self.and()?);
        }
        Ok(if members.len() == 1 { members.remove(0) } else { Expr::Or(members) })
    }

    fn and(&mut self) -> Read<Expr> {
        let mut members = vec![self.not()?];
        while self.word("and") {
            members.push(self.not()?);
        }
        Ok(if members.len() == 1 { members.remove(0) } else { Expr::And(members) })
    }

    fn not(&mut self) -> Read<Expr> {
        let at = self.tokens.get(self.at).map_or(self.end(), |(_, at)| at.clone());
        self.depth += 1;
        if self.depth > DEPTH {
            return wrong(at, "brackets and negations nest too deep here", NOTHING);
        }
        let expr = if self.word("not") {
            Expr::Not(Box::new(self.not()?))
        } else if self.peek() == Some(&Token::Open) {
            self.at += 1;
            let inner = self.or()?;
            self.expect(&Token::Close)?;
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn test(&mut self) -> Read<Expr> {
        let left = self.operand(None)?;
        let negated = matches!(
            (self.peek(), self.tokens.get(self.at + 1)),
            (Some(Token::Word(not)), Some((Token::Word(word), _))) if not == "not" && word == "in"
        );
        self.at += usize::from(negated);
        if self.word("in") {
            let expr = self.list(left)?;
            return Ok(if negated { Expr::Not(Box::new(expr)) } else { expr });
        }
        if self.word("matches") {
            return self.pattern(left);
        }
        let comparison = match self.peek() {
            Some(Token::Sign(sign)) => *sign,
            Some(Token::Word(word)) if word == "contains" => Comparison::Contains,
            Some(Token::Word(word)) if word == "starts_with" => Comparison::StartsWith,
            Some(Token::Word(word)) if word == "ends_with" => Comparison::EndsWith,
            _ => return alone(left),
        };
        self.at += 1;
        let right = self.operand(Some(left.kind))?;
        self.compare(left, comparison, right)
    }

    /// A value; where a name is expected, one without quotes is one too.
    fn operand(&mut self, beside: Option<Type>) -> Read<Operand> {
        let Some((token, at)) = self.next() else {
            return wrong(self.end(), "a value is missing at the end", Some("a fact, a number or a text in quotes"));
        };
        let literal = |literal, kind| Ok(Operand { term: Term::Literal(literal), kind, at: at.clone() });
        match token {
            Token::Number(number) => literal(Literal::Number(number), Type::Number),
            Token::Time(millis) => literal(Literal::Time(millis), Type::Time),
            Token::Money(nano) => literal(Literal::Money(nano), Type::Money),
            Token::Text(text) => literal(Literal::Text(text), Type::Text),
            Token::Word(word) => match word.as_str() {
                "true" | "false" => literal(Literal::Flag(word == "true"), Type::Flag),
                "none" => literal(Literal::None, Type::Any),
                "and" | "or" | "not" | "in" | "contains" | "starts_with" | "ends_with" | "matches" => {
                    wrong(at, format!("a value is expected here, not `{word}`"), NOTHING)
                }
                // The words of a fact are meant before other facts: `last.kind == task`.
                word_of if matches!(beside, Some(Type::Word(words)) if words.contains(&word_of)) => {
                    literal(Literal::Text(word), Type::Text)
                }
                _ => match self.fact(&word, &at)? {
                    Some(operand) => Ok(operand),
                    None if matches!(beside, Some(Type::Speaker | Type::Tool | Type::Word(_))) => {
                        literal(Literal::Text(word), Type::Text)
                    }
                    None => unknown(&word, at, self.moment),
                },
            },
            Token::Pattern { .. } => wrong(at, "a pattern stands after `matches`", NOTHING),
            other => wrong(at, format!("a value is expected here, not {}", other.words()), NOTHING),
        }
    }

    /// The fact of that name, with what stands in brackets after it.
    fn fact(&mut self, word: &str, at: &Range<usize>) -> Read<Option<Operand>> {
        let variable = word.strip_prefix(CONTEXT).and_then(|rest| rest.strip_prefix('.'));
        let name = if variable.is_some() { CONTEXT } else { word };
        let of_the_moment = moment::FACTS.iter().find(|fact| fact.name == name);
        // What a breakpoint asks is about its moment before it is about the run.
        let of_the_run = FACTS.iter().find(|fact| fact.name == name);
        let Some(fact) = of_the_moment.filter(|_| self.moment).or(of_the_run) else {
            return match of_the_moment {
                Some(_) => {
                    let help = format!("of the newest message, ask `last.{name}` or its like");
                    wrong(at.clone(), format!("only a breakpoint can ask for `{name}`"), Some(help))
                }
                None => Ok(None),
            };
        };
        let mut end = at.end;
        let opens = self.peek() == Some(&Token::Open);
        let (argument, naming) = match (fact.argument, variable) {
            (Argument::Variable, Some(path)) => {
                let from = at.start + CONTEXT.len() + 1;
                let name = path.split('.').next().unwrap_or(path).to_owned();
                self.names.push(Named { what: Naming::Variable, at: from..from + name.len(), name });
                (path.to_owned(), None)
            }
            (Argument::Variable, None) => {
                return wrong(at.clone(), "which context variable?", Some("for example context.retries"));
            }
            (Argument::No, _) if opens => {
                return wrong(at.clone(), format!("`{name}` takes nothing in brackets"), NOTHING);
            }
            (Argument::No, _) => (String::new(), None),
            (Argument::Detector, _) if !opens => (String::new(), None),
            (Argument::Detector, _) => (String::new(), Some(Naming::Detector)),
            (Argument::Agent, _) => (String::new(), Some(Naming::Speaker)),
            (Argument::Tool, _) => (String::new(), Some(Naming::Tool)),
        };
        let argument = match naming {
            None => argument,
            Some(what) => {
                if !opens {
                    return wrong(
                        at.clone(),
                        format!("whose `{name}`?"),
                        Some(format!("for example {}", fact.example)),
                    );
                }
                self.at += 1;
                let (name, place) = self.name()?;
                end = self.expect(&Token::Close)?.end;
                self.names.push(Named { what, name: name.clone(), at: place });
                name
            }
        };
        Ok(Some(Operand { term: Term::Fact(fact, argument), kind: fact.kind, at: at.start..end }))
    }

    /// A name, with or without quotes.
    fn name(&mut self) -> Read<(String, Range<usize>)> {
        match self.next() {
            Some((Token::Word(name), at)) => Ok((name, at)),
            Some((Token::Text(name), at)) if !name.is_empty() => Ok((name, at)),
            Some((other, at)) => wrong(at, format!("a name is expected here, not {}", other.words()), NOTHING),
            None => wrong(self.end(), "a name is missing at the end", NOTHING),
        }
    }

    fn list(&mut self, left: Operand) -> Read<Expr> {
        if matches!(left.term, Term::Literal(_)) {
            return wrong(left.at, "a fact stands before `in`", NOTHING);
        }
        let opened = self.expect(&Token::OpenList)?;
        let mut literals = Vec::new();
        while self.peek() != Some(&Token::CloseList) {
            if !literals.is_empty() {
                self.expect(&Token::Comma)?;
                if self.peek() == Some(&Token::CloseList) {
                    break;
                }
            }
            let member = self.operand(Some(left.kind))?;
            let at = member.at.clone();
            self.equal(&left, &member)?;
            match member.term {
                Term::Literal(literal) => literals.push(literal),
                Term::Fact(..) => return wrong(at, "a list holds fixed values only", Some("a text stands in quotes")),
            }
        }
        self.expect(&Token::CloseList)?;
        if literals.is_empty() {
            return wrong(opened, "nothing is in an empty list", NOTHING);
        }
        Ok(Expr::In(left.term, literals))
    }

    fn pattern(&mut self, left: Operand) -> Read<Expr> {
        if !is_text(left.kind) || matches!(left.term, Term::Literal(_)) {
            return wrong(left.at, "only a fact that is a text can match a pattern", NOTHING);
        }
        let Some((token, at)) = self.next() else {
            return wrong(self.end(), "a pattern is missing at the end", Some("for example /fix(ed)?/i"));
        };
        let Token::Pattern { source, folded } = token else {
            return wrong(at, format!("a pattern is expected here, not {}", token.words()), Some("write it as /…/"));
        };
        match compile(&source, folded) {
            Ok(regex) => Ok(Expr::Matches(left.term, Pattern { source, folded, regex })),
            Err(why) => wrong(at, format!("this pattern cannot be used: {why}"), NOTHING),
        }
    }

    fn compare(&mut self, left: Operand, comparison: Comparison, right: Operand) -> Read<Expr> {
        let fixed = |operand: &Operand| matches!(operand.term, Term::Literal(_));
        let (from, to) = (left.at.start, right.at.end);
        if fixed(&left) && fixed(&right) {
            let message = "this compares two fixed values: it never changes";
            return wrong(from..to, message, Some("one side must be a fact"));
        }
        if comparison.searches() {
            if !is_text(left.kind) {
                let message = format!("`{}` is {}, not a text", self.shown(&left), left.kind.words());
                return wrong(left.at, message, NOTHING);
            }
            if right.term == Term::Literal(Literal::Text(String::new())) {
                return wrong(right.at, "an empty text is in every text", NOTHING);
            }
            let searched = is_text(right.kind) && right.term != Term::Literal(Literal::None);
            if !searched {
                let message = format!("`{}` takes a text, and this is {}", comparison.sign(), right.kind.words());
                return wrong(right.at, message, Some("put it in quotes"));
            }
            return Ok(Expr::Compare(left.term, comparison, right.term));
        }
        if comparison.orders() {
            for side in [&left, &right] {
                let none = side.term == Term::Literal(Literal::None);
                if none || !matches!(side.kind, Type::Number | Type::Time | Type::Money | Type::Any) {
                    let message = format!("`{}` has no size to compare", self.shown(side));
                    return wrong(side.at.clone(), message, Some("numbers, durations and money have one"));
                }
            }
        }
        self.equal(&left, &right)?;
        Ok(Expr::Compare(left.term, comparison, right.term))
    }

    fn shown(&self, operand: &Operand) -> &str {
        &self.text[operand.at.clone()]
    }

    /// Whether the two can ever be the same, and who is named by that.
    fn equal(&mut self, left: &Operand, right: &Operand) -> Read<()> {
        for (fact, literal) in [(left, right), (right, left)] {
            let (Term::Fact(row, _), Term::Literal(value)) = (&fact.term, &literal.term) else { continue };
            match (fact.kind, value) {
                (_, Literal::None) if row.optional => return Ok(()),
                (_, Literal::None) => {
                    return wrong(literal.at.clone(), format!("`{}` is never none", row.form()), NOTHING);
                }
                (Type::Word(words), Literal::Text(word)) if !words.contains(&word.as_str()) => {
                    let none = (word == "none").then(|| "write none without quotes".to_owned());
                    let help = none.unwrap_or_else(|| format!("it is {}", fact.kind.words()));
                    return wrong(literal.at.clone(), format!("`{}` is never {word:?}", row.form()), Some(help));
                }
                (Type::Speaker, Literal::Text(name)) => {
                    self.names.push(Named { what: Naming::Speaker, name: name.clone(), at: literal.at.clone() });
                    return Ok(());
                }
                (Type::Tool, Literal::Text(name)) => {
                    self.names.push(Named { what: Naming::Tool, name: name.clone(), at: literal.at.clone() });
                    return Ok(());
                }
                _ => {}
            }
        }
        let facts = matches!((&left.term, &right.term), (Term::Fact(..), Term::Fact(..)));
        let same = match (left.kind, right.kind) {
            // An agent may be called as a fact is: then its name needs quotes.
            (Type::Speaker, other) | (other, Type::Speaker) if facts => matches!(other, Type::Speaker | Type::Any),
            (Type::Any, other) | (other, Type::Any) => !matches!(other, Type::Time | Type::Money),
            (one, other) => is_text(one) == is_text(other) && (is_text(one) || one == other),
        };
        if same {
            return Ok(());
        }
        let message = format!("{} cannot be compared with {}", self.shown(left), self.shown(right));
        let help = match left.kind {
            Type::Money => "an amount of money is written like $0.50",
            Type::Time => "a duration is written like 90s or 10m",
            Type::Text | Type::Speaker | Type::Tool | Type::Word(_) => "a text stands in quotes",
            Type::Number => "this side is a number",
            Type::Flag => "this side is true or false",
            Type::Any => "a context variable is compared with a number, a text or true and false",
        };
        wrong(right.at.clone(), message, Some(help))
    }
}

fn is_text(kind: Type) -> bool {
    matches!(kind, Type::Text | Type::Speaker | Type::Tool | Type::Word(_) | Type::Any)
}

/// A value that stands by itself must be true or false.
fn alone(operand: Operand) -> Read<Expr> {
    match &operand.term {
        Term::Fact(fact, _) if matches!(fact.kind, Type::Flag | Type::Any) => Ok(Expr::Is(operand.term)),
        Term::Fact(fact, _) => {
            let message = format!("`{}` is {}, and by itself no condition", fact.form(), fact.kind.words());
            wrong(operand.at.clone(), message, Some(format!("compare it, for example: {}", fact.example)))
        }
        Term::Literal(Literal::Flag(flag)) => {
            wrong(operand.at.clone(), format!("this is always {flag}"), Some("leave the rule out"))
        }
        Term::Literal(_) => {
            wrong(operand.at.clone(), "a condition is expected here", Some("for example: last.text contains \"DONE\""))
        }
    }
}

fn unknown<T>(word: &str, at: Range<usize>, moment: bool) -> Read<T> {
    let message = format!("there is no fact `{word}`");
    let more = if moment { moment::FACTS } else { &[] };
    let near = FACTS
        .iter()
        .chain(more)
        .map(|fact| (strsim::damerau_levenshtein(word, fact.name), fact))
        .filter(|(distance, fact)| *distance <= fact.name.len() / 3)
        .min_by_key(|(distance, _)| *distance);
    match near {
        Some((_, fact)) => wrong(at, message, Some(format!("did you mean `{}`?", fact.form()))),
        None => {
            let known: Vec<&str> = more.iter().chain(FACTS).map(|fact| fact.name).collect();
            wrong(at, message, Some(format!("a text stands in quotes; facts are {}", known.join(", "))))
        }
    }
}
