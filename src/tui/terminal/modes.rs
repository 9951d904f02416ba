//! The modes that are taken and given back, side by side.

/// Written first when the terminal is taken: its title and its screen are put aside.
pub(super) const PUT_ASIDE: &[u8] = b"\x1b[22;2t\x1b[?1049h";

/// Written first when it is taken although it was never given back: nothing is put aside a second time, because that
/// would overwrite what was.
pub(super) const NOT_ASIDE: &[u8] = b"\x1b[?1047h";

/// Written next, both times. What a crashed program may have left on is switched off on the way.
pub(super) const ENTER: &[u8] = b"\
\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\
\x1b[?1004l\
\x1b[?2004h\
\x1b[0m\x1b[2J\x1b[H\
\x1b[?25l";

/// What is written when it is given back: the same in reverse. It may be written at any time and more than once.
pub(super) const LEAVE: &[u8] = b"\
\x1b[?2026l\
\x1b[0m\
\x1b[?25h\
\x1b[?2004l\
\x1b[?1004l\
\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\
\x1b[?1049l\
\x1b[23;2t";

/// Breaks off whatever sequence or string the terminal is in the middle of (CAN, then ST).
pub(super) const BREAK_OFF: &[u8] = b"\x18\x1b\\";

/// A frame begins: the terminal shows nothing until it ends (synchronized output).
pub(super) const FRAME_BEGINS: &[u8] = b"\x1b[?2026h";
/// A frame ends.
pub(super) const FRAME_ENDS: &[u8] = b"\x1b[?2026l";
