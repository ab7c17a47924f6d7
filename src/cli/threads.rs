//! Starts the threads that a command works on.
//!
//! The system may refuse a thread: a container limits its processes, a user theirs, and memory may be short. rayon starts
//! its threads at their first use and panics when one is refused. So the threads are started here, and the command
//! uses those that the system gave.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use rayon::{ThreadBuilder, ThreadPoolBuilder};

/// Starts `jobs` threads, or one per processor. The first call decides. When the system refuses all of them, the
/// command works on the thread that it has.
pub(super) fn start(jobs: Option<u16>) {
    let wanted = jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let mut started: Vec<_> = (0..wanted).map_while(|_| wait_for_work()).collect();
    let pool = ThreadPoolBuilder::new();
    let pool = match started.len() {
        0 => pool.num_threads(1).use_current_thread(),
        some => pool.num_threads(some),
    };
    // `Err` when an earlier call has decided: then the threads that wait here find no work and end.
    let _ = pool
        .spawn_handler(move |worker| {
            let thread = started.pop().expect("rayon asks for as many threads as there are");
            thread.send(worker).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
        })
        .build_global();
}

/// A thread that waits for its part of the work. `None` when the system refuses one.
fn wait_for_work() -> Option<Sender<ThreadBuilder>> {
    let (give, given) = channel::<ThreadBuilder>();
    let work = move || given.into_iter().for_each(ThreadBuilder::run);
    thread::Builder::new().spawn(work).ok().map(|_| give)
}
