//! The mouse, for who has switched it on: a click gives a pane the keys or chooses a message or a tab, the wheel scrolls
//! what it is over, and dragging the line between two panes moves it. It approves nothing.

use crate::tui::action::Action;
use crate::tui::app::{App, Deed};
use crate::tui::input::{Mouse, MouseKind};
use crate::tui::layout::Layout;
use crate::tui::modal::Overlay;
use crate::tui::pane::{self, Pane};
use crate::tui::view;
use ratatui::layout::{Position, Rect};

/// Rows that one notch of the wheel scrolls.
const NOTCH: i64 = 3;
/// Cells of a drag that are one step of resizing.
const STEP: i32 = 4;

impl App {
    /// Something was done with the mouse.
    pub(super) fn on_mouse(&mut self, mouse: Mouse) -> Vec<Deed> {
        let down = mouse.kind == MouseKind::WheelDown;
        let wheel = down || mouse.kind == MouseKind::WheelUp;
        let now = self.now_ms();
        if let Some(modal) = self.modals.last_mut() {
            if wheel {
                let action = if down { Action::ScrollDown } else { Action::ScrollUp };
                (0..NOTCH).for_each(|_| drop(modal.act(action, &self.session, now)));
            }
            return Vec::new();
        }
        let (width, height) = self.size;
        let places = view::places(self, Rect { x: 0, y: 0, width, height });
        let at = Position { x: mouse.column, y: mouse.row };
        let place = places.panes().iter().copied().find(|place| place.area.contains(at));
        match mouse.kind {
            MouseKind::WheelUp | MouseKind::WheelDown => match place.map(|place| place.pane) {
                Some(Pane::Transcript) => self.transcript.scroll(if down { NOTCH } else { -NOTCH }, &self.session),
                Some(other) => {
                    let action = if down { Action::SelectNext } else { Action::SelectPrev };
                    return pane::act(other, self, action).unwrap_or_default();
                }
                None => {}
            },
            MouseKind::Press => {
                if let Some(tab) = places.tab_at(self, at) {
                    self.choose_tab(tab);
                } else if let Some(place) = place {
                    self.arranged.focus = place.pane;
                    self.focus = crate::tui::app::Focus::Main;
                    // The line between two panes is the first column of the right one, or the last of the left one.
                    let edge =
                        (at.x == place.area.x && at.x > 0) || (at.x + 1 == place.area.right() && at.x + 1 < width);
                    self.dragged = edge.then_some((at.x, self.arranged.wider));
                    if place.pane == Pane::Transcript && !edge {
                        self.transcript.select_row(at.y.saturating_sub(place.inside().y));
                    }
                }
            }
            MouseKind::Drag => {
                if let Some((from, before)) = self.dragged {
                    // Side columns at the right grow to the left.
                    let sides = matches!(self.arranged.layout, Layout::Overview | Layout::Grid);
                    let sign = if sides && from > width / 2 { -1 } else { 1 };
                    self.arranged.wider = before;
                    self.arranged.widen(sign * (i32::from(at.x) - i32::from(from)) / STEP);
                }
            }
            MouseKind::Release => {
                if self.dragged.take().is_some() {
                    return vec![Deed::Remember];
                }
            }
        }
        Vec::new()
    }
}
