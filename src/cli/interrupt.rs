//! Signals that ask to stop.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use crate::stream::Interrupt;

/// From now on SIGINT and SIGTERM ask the task to stop and clean up; a second one stops the process at once. A file-size
/// limit becomes a failure to write, where it would end the process.
pub(super) fn catch() -> anyhow::Result<Interrupt> {
    let interrupt = Interrupt::default();
    for (signal, number) in [(SIGINT, 2), (SIGTERM, 15)] {
        let asked = Arc::new(AtomicBool::new(false));
        // In this order: the first signal passes the shutdown by, and arms it.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?;
        flag::register(signal, asked)?;
        flag::register_usize(signal, interrupt.cell(), number)?;
    }
    flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    Ok(interrupt)
}
