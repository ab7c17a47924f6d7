//! Defines the note of a process that locks the tree. The error about the lock shows it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether others may hold the lock at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The process shares the lock with others that add and unlink.
    Shared,
    /// The process holds the lock alone.
    Exclusive,
}

/// The note of a process that locks the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// The command that it runs, such as `blob put`.
    pub command: String,
    /// How it holds the lock.
    pub mode: Mode,
    /// When the command began.
    pub started: jiff::Timestamp,
}

impl Holder {
    /// This process, which has been running `command` since `now`.
    pub(crate) fn this_process(command: impl Into<String>, mode: Mode, now: jiff::Timestamp) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let started = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self { pid: std::process::id(), host, command: command.into(), mode, started }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A note is another process's text, so its control characters must not reach the terminal.
        let (command, host) = (self.command.escape_debug(), self.host.escape_debug());
        write!(f, "regtree {command} (process {} on {host}, since {})", self.pid, self.started)
    }
}
