//! The width of a terminal.

use std::os::fd::AsFd;

/// The width of a terminal that does not report one.
const USUAL: usize = 80;

pub(super) fn columns(stream: impl AsFd) -> usize {
    let said = rustix::termios::tcgetwinsize(stream).map_or(0, |size| usize::from(size.ws_col));
    if said == 0 { USUAL } else { said }
}
