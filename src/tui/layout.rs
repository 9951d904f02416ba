//! Which panes stand where: a layout, the size of the screen, and what the operator has changed about them.
//!
//! Pure arithmetic of rectangles. A layout is a row of `layouts!` and an arm of [`Arrangement::panes`]; a pane is a file
//! in `pane/`. Below [`TABS_BELOW`] columns every layout takes turns behind tabs.

use super::pane::Pane;
use ratatui::layout::Rect;

/// Below this width the panes take turns.
pub const TABS_BELOW: u16 = 72;
/// Below this height too.
const TABS_BELOW_ROWS: u16 = 12;
/// From this width on there is room for three columns.
const WIDE: u16 = 108;
/// Cells that one step of resizing moves an edge.
const STEP: i32 = 4;
/// The least that an edge leaves of a pane.
const LEAST: u16 = 20;

macro_rules! layouts {
    ($($variant:ident $name:literal $about:literal;)+) => {
        /// How the panes share the screen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum Layout {
            #[default]
            $(#[doc = $about] $variant,)+
        }

        impl Layout {
            /// Every layout, in the order in which they are gone through.
            pub const ALL: &'static [Layout] = &[$(Layout::$variant),+];

            /// What it is called.
            pub fn name(self) -> &'static str {
                match self { $(Layout::$variant => $name,)+ }
            }
        }
    };
}

layouts! {
    Overview "overview" "Agents, transcript and floor.";
    Split "split" "Two panes of the operator's choice.";
}

impl Layout {
    /// The next one, around and around.
    pub fn next(self) -> Layout {
        let at = Layout::ALL.iter().position(|layout| *layout == self).unwrap_or(0);
        Layout::ALL[(at + 1) % Layout::ALL.len()]
    }
}

/// A pane and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which.
    pub pane: Pane,
    /// Where, its frame included.
    pub area: Rect,
    /// Behind a tab it has no frame, since every row counts there.
    pub bare: bool,
}

impl Place {
    /// Where its content stands.
    pub fn inside(&self) -> Rect {
        let Rect { x, y, width, height } = self.area;
        if self.bare {
            return self.area;
        }
        Rect { x: x + 1, y: y + 1, width: width.saturating_sub(2), height: height.saturating_sub(2) }
    }
}

/// How the operator has arranged the screen. Remembered for each team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrangement {
    /// The layout.
    pub layout: Layout,
    /// What a split shows, left and right.
    pub pair: (Pane, Pane),
    /// The pane with the keys.
    pub focus: Pane,
    /// It has the whole screen.
    pub zoomed: bool,
    /// What a narrow screen shows, by its place in [`Arrangement::tabs`].
    pub tab: usize,
    /// Steps by which the side columns are wider than usual.
    pub wider: i32,
}

impl Default for Arrangement {
    fn default() -> Self {
        Arrangement {
            layout: Layout::Overview,
            pair: (Pane::Transcript, Pane::Floor),
            focus: Pane::Transcript,
            zoomed: false,
            tab: 0,
            wider: 0,
        }
    }
}

/// Whether an area of this size shows one pane at a time.
pub fn is_narrow(main: Rect) -> bool {
    main.width < TABS_BELOW || main.height < TABS_BELOW_ROWS
}

impl Arrangement {
    /// The panes behind the tabs of a narrow screen.
    pub fn tabs(&self) -> &'static [Pane] {
        &[Pane::Transcript, Pane::Agents, Pane::Floor]
    }

    /// Changes the layout; a zoom ends.
    pub fn lay(&mut self, layout: Layout) {
        self.layout = layout;
        self.zoomed = false;
    }

    /// Moves the edges of the side columns by some steps.
    pub fn widen(&mut self, steps: i32) {
        self.wider = (self.wider + steps).clamp(-20, 20);
    }

    /// A column's width: its usual share, and what the operator has made of it.
    fn column(&self, usual: u16, main: Rect, columns: u16) -> u16 {
        let most = (main.width.saturating_sub(LEAST) / columns.max(1)).max(1);
        let wanted = i32::from(usual) + self.wider * STEP;
        (wanted.clamp(i32::from(LEAST.min(most)), i32::from(most))) as u16
    }

    /// The panes of an area, in reading order. With tabs, the one that is shown.
    pub fn panes(&self, main: Rect, agents: u16) -> Vec<Place> {
        let place = |pane, area| Place { pane, area, bare: false };
        if is_narrow(main) {
            let pane = self.tabs().get(self.tab).copied().unwrap_or_default();
            if self.zoomed {
                return vec![place(pane, main)];
            }
            let area = Rect { y: main.y + 1, height: main.height.saturating_sub(1), ..main };
            return vec![Place { pane, area, bare: true }];
        }
        if self.zoomed {
            return vec![place(self.focus, main)];
        }
        let wide = main.width >= WIDE && main.height >= 14;
        match self.layout {
            Layout::Overview if wide => {
                let side = self.column((main.width / 4).clamp(28, 40), main, 2);
                let [left, rest] = beside(main, side);
                let [middle, right] = beside(rest, rest.width.saturating_sub(side));
                vec![place(Pane::Agents, left), place(Pane::Transcript, middle), place(Pane::Floor, right)]
            }
            Layout::Overview => {
                let side = self.column(26, main, 1);
                let [left, right] = beside(main, main.width - side);
                let [top, below] = above(right, (agents + 2).min(main.height / 2));
                vec![place(Pane::Transcript, left), place(Pane::Agents, top), place(Pane::Floor, below)]
            }
            Layout::Split => {
                let (first, second) = self.pair;
                let half = match wide {
                    true => beside(main, self.column(main.width / 2, main, 1)),
                    false => above(main, main.height / 2),
                };
                vec![place(first, half[0]), place(second, half[1])]
            }
        }
    }
}

/// An area cut in two beside each other, the first so wide.
pub fn beside(area: Rect, width: u16) -> [Rect; 2] {
    let width = width.min(area.width);
    [Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area }]
}

/// An area cut in two above each other, the first so high.
pub fn above(area: Rect, height: u16) -> [Rect; 2] {
    let height = height.min(area.height);
    [Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the size and the wishes, panes neither overlap nor leave the area, and cover it.
        #[test]
        fn panes_tile_the_area(width in 1u16..300, height in 1u16..120, agents in 0u16..17, layout in 0..Layout::ALL.len(), wider in -20i32..20, zoomed: bool) {
            let main = Rect { x: 3, y: 1, width, height };
            let arranged = Arrangement { layout: Layout::ALL[layout], wider, zoomed, ..Arrangement::default() };
            let places = arranged.panes(main, agents);
            let covered: u32 = places.iter().map(|place| place.area.area()).sum();
            let tabs = if is_narrow(main) && !zoomed { u32::from(width) } else { 0 };
            prop_assert_eq!(covered + tabs, main.area());
            for (n, place) in places.iter().enumerate() {
                prop_assert_eq!(place.area.intersection(main), place.area);
                prop_assert!(places[n + 1..].iter().all(|other| place.area.intersection(other.area).is_empty()));
            }
        }
    }
}
