//! What a terminal can show.

use std::os::fd::AsFd;

/// As wide as those are that don't say.
const USUAL: usize = 80;

/// How many columns the terminal behind a stream has.
pub(super) fn columns(stream: impl AsFd) -> usize {
    let said = rustix::termios::tcgetwinsize(stream).map_or(0, |size| usize::from(size.ws_col));
    if said == 0 { USUAL } else { said }
}
