//! Handles the signals that ask regtree to stop.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use crate::stream::Interrupt;

/// Lets SIGINT and SIGTERM ask the task to stop and clean up; a second one ends the process at once.
pub(super) fn catch() -> anyhow::Result<Interrupt> {
    let interrupt = Interrupt::default();
    for (signal, number) in [(SIGINT, 2), (SIGTERM, 15)] {
        let asked = Arc::new(AtomicBool::new(false));
        // The order matters: the first signal does not trigger the shutdown, but arms it.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?;
        flag::register(signal, asked)?;
        flag::register_usize(signal, interrupt.cell(), number)?;
    }
    Ok(interrupt)
}

/// From now on a write past the limit of a file's size (`ulimit -f`) fails. Without this the signal ends the process
/// before it can say why.
pub(super) fn fail_at_the_file_size_limit() {
    // It can't fail: the signal exists and may be caught. A handler that only sets a flag lets the call return.
    let _ = flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}
