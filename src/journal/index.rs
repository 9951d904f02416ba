//! Finding words, agents, tools and failures in all sessions: a full-text index beside them.
//!
//! The index is derived: every session's file says what is in it, and the index only where. A session is read again when
//! its newest link is not the one that was indexed, from where its log still agrees; without the file, or with one of
//! another shape, everything is read again. Texts are not kept twice: an excerpt comes from the session itself.

use super::error::JournalError;
use super::file::{Link, connect_to_read};
use super::reader::bytes;
use super::store::Store;
use crate::chat::UnixMillis;
use crate::chat::event::{Event, Record};
use crate::chat::id::Seq;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Raised when the tables, or what is taken into them, change: an index of another version is made anew.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE sessions(
        id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, records INTEGER NOT NULL, tip BLOB NOT NULL,
        team TEXT NOT NULL, updated INTEGER NOT NULL, cost INTEGER NOT NULL, failures INTEGER NOT NULL);
    CREATE TABLE said(
        id INTEGER PRIMARY KEY, session INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
        agent TEXT NOT NULL, tool TEXT, failed INTEGER NOT NULL, at INTEGER NOT NULL);
    CREATE INDEX said_session ON said(session, seq);
    CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
";

/// What is looked for. Everything that is set must fit.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Words, all of which must be there; the last may be a beginning. Words in quotes stand together.
    pub words: String,
    /// Who said it, or runs it.
    pub agent: Option<String>,
    /// Calls and results of this tool.
    pub tool: Option<String>,
    /// Only what failed.
    pub failed: bool,
    /// Only sessions that cost at least this, in billionths of a dollar.
    pub cost: Option<u64>,
    /// Only this team's sessions.
    pub team: Option<String>,
    /// Most hits.
    pub most: usize,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The session.
    pub session: String,
    /// Its team.
    pub team: String,
    /// The record.
    pub seq: Seq,
    /// `message`, `edit`, `tool`, `result` or `failure`.
    pub kind: String,
    /// Who.
    pub agent: String,
    /// The tool, if it is about one.
    pub tool: Option<String>,
    /// When.
    pub at: UnixMillis,
    /// The text around the first word that was found.
    pub excerpt: String,
}

/// The figures of a session that only its records know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Known cost, in billionths of a dollar.
    pub cost: u64,
    /// Calls and executions that failed.
    pub failures: u64,
}

/// The index of a store.
pub struct Index {
    conn: Connection,
    path: PathBuf,
    store: Store,
}

impl Index {
    /// Opens the index, makes it when there is none, and brings it up to date with every session.
    ///
    /// # Errors
    /// When the index cannot be written, or the directory not be read. A session that cannot be read is passed over.
    pub fn open(store: &Store) -> Result<Index, JournalError> {
        let path = store.dir().join("index.db");
        let mut index = match Index::connect(&path, store) {
            Ok(index) => index,
            Err(_) => {
                // It says nothing that the sessions do not say: whatever is wrong with it, it is made anew.
                for ending in ["", "-wal", "-shm"] {
                    let mut file = path.clone().into_os_string();
                    file.push(ending);
                    let _ = fs::remove_file(file);
                }
                Index::connect(&path, store)?
            }
        };
        index.refresh()?;
        Ok(index)
    }

    fn connect(path: &Path, store: &Store) -> Result<Index, JournalError> {
        let failed = |error: rusqlite::Error| JournalError::from_sqlite(path, "opening", 0, &error);
        let new = !path.exists();
        let mut options = fs::OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        drop(options.open(path).map_err(|error| JournalError::from_io(path, "opening", &error))?);
        let conn = Connection::open(path).map_err(failed)?;
        conn.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;")
            .map_err(failed)?;
        let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
        if version != VERSION {
            if !new && version != 0 {
                let what = "it is an index of another version".to_owned();
                return Err(JournalError::NotASession { path: path.to_owned(), what });
            }
            let script = format!("BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;");
            conn.execute_batch(&script).map_err(failed)?;
        }
        Ok(Index { conn, path: path.to_owned(), store: store.clone() })
    }

    fn refresh(&mut self) -> Result<(), JournalError> {
        let path = self.path.clone();
        let failed = |error: rusqlite::Error| JournalError::from_sqlite(&path, "writing", 0, &error);
        let files = self.store.files()?;
        let mut known: BTreeMap<String, (i64, u64, Vec<u8>)> = {
            let mut query = self.conn.prepare("SELECT name, id, records, tip FROM sessions").map_err(failed)?;
            let rows = query.query_map((), |row| {
                let records: i64 = row.get(2)?;
                Ok((row.get::<_, String>(0)?, (row.get(1)?, records as u64, row.get(3)?)))
            });
            rows.and_then(Iterator::collect).map_err(failed)?
        };
        for (name, file) in files {
            let before = known.remove(&name);
            let Ok(conn) = connect_to_read(&file) else { continue };
            let tip: Option<Vec<u8>> =
                conn.query_row("SELECT value FROM meta WHERE key = 'tip'", (), |row| row.get(0)).ok();
            let Some(tip) = tip else { continue };
            if before.as_ref().is_some_and(|(_, _, indexed)| *indexed == tip) {
                continue;
            }
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
            // A session that cannot be read to its end is known as far as it goes.
            let _ = take_in(&tx, &conn, &name, before, &tip);
            tx.commit().map_err(failed)?;
        }
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        for (id, _, _) in known.into_values() {
            forget(&tx, id).map_err(failed)?;
        }
        tx.commit().map_err(failed)
    }

    /// What each session has cost and how often something failed in it.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn figures(&self) -> Result<BTreeMap<String, Figures>, JournalError> {
        let failed = |error: rusqlite::Error| JournalError::from_sqlite(&self.path, "reading", 0, &error);
        let mut query = self.conn.prepare("SELECT name, cost, failures FROM sessions").map_err(failed)?;
        let rows = query.query_map((), |row| {
            let (cost, failures): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok((row.get(0)?, Figures { cost: cost as u64, failures: failures as u64 }))
        });
        rows.and_then(Iterator::collect).map_err(failed)
    }

    /// The places that fit, best first, the newest among those that fit as well.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search(&self, wanted: &Query) -> Result<Vec<Hit>, JournalError> {
        let failed = |error: rusqlite::Error| JournalError::from_sqlite(&self.path, "searching", 0, &error);
        let terms = terms(&wanted.words);
        let found = if terms.is_empty() { "1" } else { "said.id IN (SELECT rowid FROM words WHERE words MATCH ?1)" };
        let sql = format!(
            "SELECT sessions.name, sessions.team, said.seq, said.kind, said.agent, said.tool, said.at \
             FROM said JOIN sessions ON sessions.id = said.session WHERE {found} \
             AND (?2 IS NULL OR said.agent = ?2 COLLATE NOCASE) AND (?3 IS NULL OR said.tool = ?3 COLLATE NOCASE) \
             AND (NOT ?4 OR said.failed) AND (?5 IS NULL OR sessions.cost >= ?5) \
             AND (?6 IS NULL OR sessions.team = ?6 COLLATE NOCASE) ORDER BY said.at DESC, said.id DESC LIMIT ?7"
        );
        let mut query = self.conn.prepare(&sql).map_err(failed)?;
        let matched = matching(&terms);
        let most = i64::try_from(wanted.most.max(1)).unwrap_or(i64::MAX);
        let cost = wanted.cost.map(|cost| i64::try_from(cost).unwrap_or(i64::MAX));
        let given = params![matched, wanted.agent, wanted.tool, wanted.failed, cost, wanted.team, most];
        let rows = query.query_map(given, |row| {
            let seq: i64 = row.get(2)?;
            Ok(Hit {
                session: row.get(0)?,
                team: row.get(1)?,
                seq: Seq(seq as u64),
                kind: row.get(3)?,
                agent: row.get(4)?,
                tool: row.get(5)?,
                at: row.get(6)?,
                excerpt: String::new(),
            })
        });
        let mut hits: Vec<Hit> = rows.and_then(Iterator::collect).map_err(failed)?;
        let mut open: Option<(String, Connection)> = None;
        for hit in &mut hits {
            if open.as_ref().is_none_or(|(name, _)| *name != hit.session) {
                let conn = self.store.path_of(&hit.session).and_then(|path| connect_to_read(&path));
                open = conn.ok().map(|conn| (hit.session.clone(), conn));
            }
            let record = open.as_ref().and_then(|(_, conn)| record(conn, hit.seq));
            let said = record.as_ref().and_then(|record| told(&record.event)).map(|told| told.text);
            hit.excerpt = excerpt(&said.unwrap_or_default(), &terms);
        }
        Ok(hits)
    }
}

fn record(conn: &Connection, seq: Seq) -> Option<Record> {
    let mut query = conn.prepare_cached("SELECT body FROM records WHERE seq = ?").ok()?;
    let body: Option<String> = query.query_row([seq.0 as i64], |row| row.get(0)).optional().ok()?;
    serde_json::from_str(&body?).ok()
}

fn forget(tx: &Transaction<'_>, session: i64) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM said WHERE session = ?)", [session])?;
    tx.execute("DELETE FROM said WHERE session = ?", [session])?;
    tx.execute("DELETE FROM sessions WHERE id = ?", [session])?;
    Ok(())
}

/// Takes in what is new of a session.
fn take_in(
    tx: &Transaction<'_>,
    conn: &Connection,
    name: &str,
    before: Option<(i64, u64, Vec<u8>)>,
    tip: &[u8],
) -> rusqlite::Result<()> {
    let mut known = None;
    if let Some((id, records, indexed)) = before {
        let link: Option<Vec<u8>> =
            conn.query_row("SELECT chain FROM records WHERE seq = ?", [records as i64], |row| row.get(0)).optional()?;
        if link.as_deref() == Some(&indexed[..]) {
            known = Some((id, records));
        } else {
            forget(tx, id)?;
        }
    }
    let (id, from) = match known {
        Some(known) => known,
        None => {
            let blank =
                "INSERT INTO sessions(name, records, tip, team, updated, cost, failures) VALUES (?, 0, ?, '', 0, 0, 0)";
            tx.execute(blank, params![name, Link::default()])?;
            (tx.last_insert_rowid(), 0)
        }
    };
    let mut query = conn.prepare("SELECT seq, body FROM records WHERE seq > ? ORDER BY seq")?;
    let mut rows = query.query([from as i64])?;
    let mut say = tx
        .prepare_cached("INSERT INTO said(session, seq, kind, agent, tool, failed, at) VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    let mut write = tx.prepare_cached("INSERT INTO words(rowid, text) VALUES (?, ?)")?;
    let (mut records, mut cost, mut failures, mut updated, mut team) = (from, 0, 0, None, None);
    while let Some(row) = rows.next()? {
        records += 1;
        let Some(record) = bytes(row, 1)?.and_then(|body| serde_json::from_slice::<Record>(body).ok()) else {
            continue;
        };
        updated = Some(record.at);
        match record.event.innermost().1 {
            Event::SessionStarted { team: whole, .. } if team.is_none() && from == 0 => team = Some(whole.name.clone()),
            Event::ModelAnswered { usage, .. } | Event::ModelInterrupted { usage, .. } => {
                cost += usage.cost.map_or(0, |cost| cost.0);
            }
            Event::ModelFailed { usage, .. } => {
                cost += usage.cost.map_or(0, |cost| cost.0);
            }
            _ => {}
        }
        if let Some(Told { kind, agent, tool, failed, text }) = told(&record.event) {
            failures += i64::from(failed);
            say.execute(params![id, record.seq.0 as i64, kind, agent, tool, failed, record.at])?;
            write.execute(params![tx.last_insert_rowid(), text])?;
        }
    }
    let cost = i64::try_from(cost).unwrap_or(i64::MAX);
    tx.execute(
        "UPDATE sessions SET records = ?2, tip = ?3, team = coalesce(?4, team), updated = coalesce(?5, updated), \
         cost = cost + ?6, failures = failures + ?7 WHERE id = ?1",
        params![id, records as i64, tip, team, updated, cost, failures],
    )?;
    Ok(())
}

/// What of an event can be found.
struct Told {
    kind: &'static str,
    agent: String,
    tool: Option<String>,
    failed: bool,
    text: String,
}

fn told(event: &Event) -> Option<Told> {
    let (within, event) = event.innermost();
    let inner = within.last().map(|name| name.to_string());
    let plain = |kind, agent: String, text: String| Told { kind, agent, tool: None, failed: false, text };
    Some(match event {
        Event::MessagePosted { message } => {
            let tool = message.tool_calls.first().map(|call| call.name.clone());
            let result = message.tool_results.first().map(|result| result.name.clone());
            let failed = message.tool_results.iter().any(|result| result.is_error);
            let kind = match (&tool, &result) {
                (Some(_), _) => "tool",
                (_, Some(_)) => "result",
                _ => "message",
            };
            let agent = message.author.name().to_owned();
            Told { kind, agent, tool: tool.or(result), failed, text: message.told().into_owned() }
        }
        Event::MessageEdited { content, .. } => plain("edit", "user".to_owned(), content.to_string()),
        Event::Outcome { execution, .. } if execution.exit_code != 0 => {
            let text = execution.output.to_string();
            Told { kind: "failure", agent: inner.unwrap_or_default(), tool: None, failed: true, text }
        }
        Event::ModelFailed { failure, .. } => {
            let text = failure.message.clone();
            Told { kind: "failure", agent: inner.unwrap_or_default(), tool: None, failed: true, text }
        }
        Event::AgentFailed { agent, text, .. } => {
            Told { kind: "failure", agent: agent.to_string(), tool: None, failed: true, text: text.clone() }
        }
        _ => return None,
    })
}

/// The words of a query: those in quotes together.
fn terms(words: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for (place, part) in words.split('"').enumerate() {
        if place % 2 == 1 {
            terms.extend((!part.trim().is_empty()).then(|| part.trim().to_owned()));
        } else {
            terms.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    terms
}

/// As FTS5 takes it: every term a quoted phrase, so that nothing in it is an operator.
fn matching(terms: &[String]) -> String {
    let phrase = |term: &String| format!("\"{}\"*", term.replace('"', ""));
    terms.iter().map(phrase).collect::<Vec<_>>().join(" AND ")
}

/// About so many characters around the first term.
const AROUND: usize = 60;

fn excerpt(text: &str, terms: &[String]) -> String {
    let chars: Vec<char> = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let lower: Vec<char> = chars.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    let find = |term: &String| {
        let wanted: Vec<char> = term.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect();
        lower.windows(wanted.len().max(1)).position(|window| window == wanted)
    };
    let at = terms.iter().find_map(find).unwrap_or(0);
    let (from, to) = (at.saturating_sub(AROUND), (at + 2 * AROUND).min(chars.len()));
    let (before, after) = (if from > 0 { "…" } else { "" }, if to < chars.len() { "…" } else { "" });
    let middle: String = chars[from..to].iter().collect();
    format!("{before}{}{after}", middle.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_a_query_is_an_operator() {
        assert_eq!(
            matching(&terms("foo OR \"two words\" NEAR( bar*")),
            "\"foo\"* AND \"OR\"* AND \"two words\"* AND \"NEAR(\"* AND \"bar*\"*"
        );
        assert!(terms(" \"\" ").is_empty());
    }

    #[test]
    fn an_excerpt_stands_around_the_first_word_that_is_there() {
        let text = format!("{} the Needle is here {}", "hay ".repeat(50), "hay ".repeat(50));
        let found = excerpt(&text, &["needle".to_owned()]);
        assert!(found.starts_with('…') && found.contains("the Needle is here") && found.ends_with('…'), "{found}");
        assert_eq!(excerpt("short", &["absent".to_owned()]), "short");
    }
}
