//! The panes: what stands side by side on the screen.
//!
//! Each draws from the session, the live streams and its own small state, and changes nothing. `measure` may fill
//! caches before a frame; `draw` is a function of what is there; `act` answers a key while the pane has them. May import
//! the session, [`crate::chat`], [`crate::text`] and the theme. To add a pane: a file here with these three functions, its
//! row in `panes!`, and a place in `layout.rs` if a layout of its own shows it (a split can show any).

pub mod agents;
mod by_hand;
pub mod floor;
pub mod foot;
pub mod item;
mod notice;
pub mod status;
pub mod transcript;
mod under_way;

use super::action::Action;
use super::app::{App, Deed};
use super::layout::Place;
use super::paint::Draw;
use ratatui::buffer::Buffer;

macro_rules! panes {
    ($($variant:ident $module:ident $name:literal $about:literal;)+) => {
        /// A pane.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum Pane {
            #[default]
            $(#[doc = $about] $variant,)+
        }

        impl Pane {
            /// Every pane.
            pub const ALL: &'static [Pane] = &[$(Pane::$variant),+];

            /// What it is called, in a tab and in lists.
            pub fn name(self) -> &'static str {
                match self { $(Pane::$variant => $name,)+ }
            }

            /// What it shows, in a few words.
            pub fn about(self) -> &'static str {
                match self { $(Pane::$variant => $about,)+ }
            }
        }

        /// Prepares a frame of this pane.
        pub fn measure(app: &mut App, place: Place) {
            match place.pane { $(Pane::$variant => $module::measure(app, place),)+ }
        }

        /// Draws this pane.
        pub fn draw(app: &App, place: Place, buf: &mut Buffer, cx: &Draw) {
            match place.pane { $(Pane::$variant => $module::draw(app, place, buf, cx),)+ }
        }

        /// An action while this pane has the keys; `None` when it does nothing to it.
        pub fn act(pane: Pane, app: &mut App, action: Action) -> Option<Vec<Deed>> {
            match pane { $(Pane::$variant => $module::act(app, action),)+ }
        }
    };
}

panes! {
    Transcript transcript "talk" "what was said";
    Agents agents "agents" "each agent: what it does, its figures, its words as they stream";
    Floor floor "floor" "who speaks, who is next and why, what waits, what repeats";
}
