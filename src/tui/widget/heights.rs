//! How tall each message of a long list is, and where every row of it stands.
//!
//! Heights are exact where a message has been laid out and estimated elsewhere, so that opening or resizing a session
//! of 100,000 messages lays out only what is seen. Sums are kept in a Fenwick tree: changing one height and finding
//! the message at an offset both cost O(log n). Positions are (message, row); a wrong estimate can therefore only move
//! the scroll bar's thumb, never the text.

/// Row counts of a list of messages at one width.
#[derive(Debug, Clone, Default)]
pub struct Heights {
    width: u16,
    entries: Vec<Entry>,
    /// `tree[i]` is the sum of the `lowbit(i + 1)` entries that end with entry `i`.
    tree: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    bytes: u32,
    rows: u32,
    exact: bool,
}

/// A place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Index of the message.
    pub message: usize,
    /// Row within it, from 0.
    pub row: u32,
}

/// Rows a text of so many bytes will take, roughly: rows are seven tenths full, and there is always one.
pub fn estimate(bytes: usize, width: u16) -> u32 {
    estimate_full(u32::try_from(bytes).unwrap_or(u32::MAX), reciprocal(width))
}

/// 2^32 over the cells of a row that is seven tenths full, rounded up.
fn reciprocal(width: u16) -> u64 {
    let full = (u64::from(width) * 7 / 10).max(1);
    (1_u64 << 32).div_ceil(full)
}

/// The same with a multiplication for the division, which is most of the time when a long list takes a new width.
fn estimate_full(bytes: u32, reciprocal: u64) -> u32 {
    // Neither factor is above 2^32, and the first is below.
    let rows = (u64::from(bytes) * reciprocal).div_ceil(1 << 32);
    u32::try_from(rows).unwrap_or(u32::MAX).max(1)
}

impl Heights {
    /// An empty list at a width in cells.
    pub fn new(width: u16) -> Self {
        Self { width, ..Self::default() }
    }

    /// The width the heights are for.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Appends a message of so many bytes, with an estimated height.
    pub fn push(&mut self, bytes: usize) {
        let rows = estimate(bytes, self.width);
        self.entries.push(Entry { bytes: u32::try_from(bytes).unwrap_or(u32::MAX), rows, exact: false });
        self.grow();
    }

    /// Gives a message its height; `exact` when it was laid out at this width. An index beyond the end does nothing.
    /// A height of 0 hides the message.
    pub fn set(&mut self, index: usize, rows: u32, exact: bool) {
        let Some(entry) = self.entries.get_mut(index) else { return };
        let (old, new) = (u64::from(entry.rows), u64::from(rows));
        entry.rows = rows;
        entry.exact = exact;
        let mut node = index + 1;
        while node <= self.tree.len() {
            let sum = &mut self.tree[node - 1];
            *sum = *sum - old + new;
            node += node & node.wrapping_neg();
        }
    }

    /// Tells that a message has another length now (it streams, or was edited): its height is an estimate again.
    pub fn resize(&mut self, index: usize, bytes: usize) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            self.set(index, estimate(bytes, self.width), false);
        }
    }

    /// Forgets the messages from `len` on: the branch was cut or moved.
    pub fn truncate(&mut self, len: usize) {
        self.entries.truncate(len);
        self.tree.truncate(len);
    }

    /// Takes a new width: every height is an estimate again. O(n), once for each width.
    pub fn reset(&mut self, width: u16) {
        self.width = width;
        let reciprocal = reciprocal(width);
        self.tree.clear();
        self.tree.extend(self.entries.iter_mut().map(|entry| {
            entry.rows = estimate_full(entry.bytes, reciprocal);
            entry.exact = false;
            u64::from(entry.rows)
        }));
        // Each sum is handed on to the one that contains it.
        for node in 1..=self.tree.len() {
            let above = node + (node & node.wrapping_neg());
            if above <= self.tree.len() {
                self.tree[above - 1] += self.tree[node - 1];
            }
        }
    }

    /// Height of a message in rows, 0 beyond the end.
    pub fn rows(&self, index: usize) -> u32 {
        self.entries.get(index).map_or(0, |entry| entry.rows)
    }

    /// Whether the height was measured at this width.
    pub fn is_exact(&self, index: usize) -> bool {
        self.entries.get(index).is_some_and(|entry| entry.exact)
    }

    /// Rows of the whole list.
    pub fn total(&self) -> u64 {
        self.before(self.len())
    }

    /// Rows before a message; for an index beyond the end, of the whole list.
    pub fn before(&self, index: usize) -> u64 {
        let mut node = index.min(self.len());
        let mut sum = 0;
        while node > 0 {
            sum += self.tree[node - 1];
            node -= node & node.wrapping_neg();
        }
        sum
    }

    /// Rows from the top to a position. A row beyond its message counts as the message's last.
    pub fn offset(&self, position: Position) -> u64 {
        let last = self.rows(position.message).saturating_sub(1);
        self.before(position.message) + u64::from(position.row.min(last))
    }

    /// The position so many rows from the top, or `None` beyond the last row. Hidden messages are never named.
    pub fn at(&self, offset: u64) -> Option<Position> {
        if offset >= self.total() {
            return None;
        }
        let mut left = offset;
        let mut index = 0;
        let mut step = self.len().next_power_of_two();
        while step > 0 {
            if index + step <= self.len() && self.tree[index + step - 1] <= left {
                index += step;
                left -= self.tree[index - 1];
            }
            step /= 2;
        }
        Some(Position { message: index, row: u32::try_from(left).unwrap_or(u32::MAX) })
    }

    /// The position some rows further down (or up, if negative), kept inside the list.
    pub fn step(&self, from: Position, rows: i64) -> Position {
        let last = self.total().saturating_sub(1);
        let target = self.offset(from).saturating_add_signed(rows).min(last);
        self.at(target).unwrap_or_default()
    }

    fn grow(&mut self) {
        let node = self.entries.len();
        let mut sum = u64::from(self.entries[node - 1].rows);
        let end = node - (node & node.wrapping_neg());
        let mut child = node - 1;
        while child > end {
            sum += self.tree[child - 1];
            child -= child & child.wrapping_neg();
        }
        self.tree.push(sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_list_has_no_row() {
        let heights = Heights::new(80);
        assert_eq!((heights.total(), heights.at(0)), (0, None));
        assert_eq!(heights.step(Position::default(), 5), Position::default());
    }

    #[test]
    fn a_measured_height_moves_what_follows_and_a_new_width_forgets_it() {
        let mut heights = Heights::new(10);
        (0..3).for_each(|_| heights.push(1));
        heights.set(1, 40, true);
        assert_eq!(heights.at(41), Some(Position { message: 2, row: 0 }));
        assert!(heights.is_exact(1));
        heights.reset(20);
        assert_eq!((heights.total(), heights.is_exact(1)), (3, false));
    }

    #[test]
    fn hidden_messages_are_stepped_over() {
        let mut heights = Heights::new(10);
        (0..4).for_each(|_| heights.push(1));
        heights.set(1, 0, true);
        heights.set(2, 0, true);
        assert_eq!(heights.at(1), Some(Position { message: 3, row: 0 }));
    }

    #[test]
    fn stepping_stops_at_both_ends() {
        let mut heights = Heights::new(10);
        (0..3).for_each(|_| heights.push(20));
        let end = heights.step(Position::default(), i64::MAX);
        assert_eq!(end, Position { message: 2, row: 2 });
        assert_eq!(heights.step(end, i64::MIN), Position::default());
    }

    #[derive(Debug, Clone)]
    enum Act {
        Push(usize),
        Set(usize, u32),
        Resize(usize, usize),
        Truncate(usize),
        Reset(u16),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            6 => (0usize..2000).prop_map(Act::Push),
            4 => (0usize..80, 0u32..50).prop_map(|(at, rows)| Act::Set(at, rows)),
            2 => (0usize..80, 0usize..2000).prop_map(|(at, bytes)| Act::Resize(at, bytes)),
            1 => (0usize..80).prop_map(Act::Truncate),
            1 => (0u16..200).prop_map(Act::Reset),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn the_tree_agrees_with_a_plain_list(acts in prop::collection::vec(act(), 0..120)) {
            let mut heights = Heights::new(80);
            let mut naive: Vec<(usize, u32)> = Vec::new();
            let mut width = 80;
            for act in acts {
                match act {
                    Act::Push(bytes) => {
                        heights.push(bytes);
                        naive.push((bytes, estimate(bytes, width)));
                    }
                    Act::Set(at, rows) => {
                        heights.set(at, rows, true);
                        if let Some(entry) = naive.get_mut(at) {
                            entry.1 = rows;
                        }
                    }
                    Act::Resize(at, bytes) => {
                        heights.resize(at, bytes);
                        if let Some(entry) = naive.get_mut(at) {
                            *entry = (bytes, estimate(bytes, width));
                        }
                    }
                    Act::Truncate(len) => {
                        heights.truncate(len);
                        naive.truncate(len);
                    }
                    Act::Reset(new) => {
                        width = new;
                        heights.reset(new);
                        naive.iter_mut().for_each(|entry| entry.1 = estimate(entry.0, new));
                    }
                }
            }
            let rows: Vec<Position> = naive.iter().enumerate()
                .flat_map(|(message, (_, rows))| (0..*rows).map(move |row| Position { message, row }))
                .collect();
            prop_assert_eq!(heights.total(), rows.len() as u64);
            for (offset, position) in rows.iter().enumerate() {
                prop_assert_eq!(heights.at(offset as u64), Some(*position));
                prop_assert_eq!(heights.offset(*position), offset as u64);
            }
            prop_assert_eq!(heights.at(rows.len() as u64), None);
        }
    }
}
