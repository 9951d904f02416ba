//! The whole screen, at the sizes people have, in the moments that matter; and what no size or text may break.

mod approving;
mod by_hand;
mod debug;
mod hostile;
mod length;
mod moments;
mod tools;
mod unstick;

use crate::support::picture::picture;
use plenary::tui::app::App;

/// The sizes of the first promise: from a phone's terminal to a wide screen.
const SIZES: [(u16, u16); 5] = [(40, 12), (60, 20), (80, 24), (120, 35), (200, 60)];

/// Compares a screen with its picture.
fn assert_screen(name: &str, app: &mut App, size: (u16, u16)) {
    assert_picture(&format!("{name}.{}x{}", size.0, size.1), &picture(app, size));
}

fn assert_picture(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/screens");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
