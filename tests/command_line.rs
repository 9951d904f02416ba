//! The program without a terminal: what it prints, how it ends, and what it says when something is wrong.

mod output;
mod refusals;
mod sessions;
mod travel;
