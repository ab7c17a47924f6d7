//! The width of a terminal.

use std::os::fd::AsFd;

/// The width of a terminal that does not report one.
const USUAL: usize = 80;

pub(super) fn columns(stream: impl AsFd) -> usize {
    known_columns(stream).unwrap_or(USUAL)
}

/// The width, if the stream is a terminal that reports one.
pub(super) fn known_columns(stream: impl AsFd) -> Option<usize> {
    let said = rustix::termios::tcgetwinsize(stream).map_or(0, |size| usize::from(size.ws_col));
    (said > 0).then_some(said)
}
