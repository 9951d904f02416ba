//! Plenary: a console for conversations between LLM agents, with a person - the operator - in the chair.
//!
//! # The map
//!
//! | module | what it is |
//! |---|---|
//! | [`chat`] | the words: plain data that every layer speaks |
//! | [`catalog`] | one shape for every family that grows |
//! | [`session`] | the truth: a session is the fold of its log; only `apply` changes it. Pure |
//! | [`rules`] | one-line conditions on the conversation, as a team file writes them. Pure |
//! | [`selection`] | who speaks next. Pure: asks a model by returning a request |
//! | [`termination`] | when to stop: one file a condition. Pure |
//! | [`watch`] | going in circles: one file a detector. Pure |
//! | [`models`] | where words come from: clients, streaming, prices, scripted |
//! | [`execution`] | what code does: block extraction and executors |
//! | [`tools`] | what tool calls do: programs, web servers, built-in readers |
//! | [`exchange`] | teams of other programs, read and written. Pure |
//! | [`engine`] | runs a session: a pure machine, and a driver that performs its effects |
//! | [`journal`] | the event tree on disk, one SQLite file a session |
//! | [`settings`] | files to values: team files, settings, paths |
//! | [`headless`] | the same session on stdout, for scripts and CI |
//! | [`text`] | any text to rows that are safe to show: cleaning, measuring, wrapping, markdown. Pure |
//! | [`tui`] | the console |
//! | [`cli`] | what a person types |
//! | [`wire`] | the only place that builds concrete things and joins them |
//!
//! # The import rule
//!
//! ```text
//! main -> cli -> wire -> everything
//! tui, headless -> session, watch, chat, text, settings, catalog     never engine, models, execution, tools, journal
//! engine -> session, selection, termination, watch, models, execution, tools, journal, chat, catalog
//! models, execution -> chat, catalog, settings     tools -> execution, chat, catalog, settings
//! journal, exchange -> chat     settings -> chat, catalog, rules
//! engine, selection, termination, watch -> rules     rules -> session, chat
//! selection, termination, watch -> session, chat, catalog     session -> chat     chat, text -> nothing of ours
//! ```
//!
//! `tests/architecture.rs` fails on any other arrow.
#![warn(missing_docs)]

pub mod catalog;
pub mod chat;
pub mod cli;
pub mod engine;
pub mod exchange;
pub mod execution;
pub mod headless;
pub mod journal;
pub mod models;
pub mod rules;
pub mod selection;
pub mod session;
pub mod settings;
pub mod termination;
pub mod text;
pub mod tools;
pub mod tui;
pub mod watch;
pub mod wire;
