//! Defines what a deletion does where it can't read what may need its victim.

use std::fmt::Display;

use crate::error::{Error, Result};

/// What a deletion does where something can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It refuses.
    Refuse,
    /// It continues, and reports what can't be read.
    Ignore,
}

impl Unreadable {
    /// Returns `Err(SafetyLimit)` for the first of `errors`, unless they are ignored. `hidden` is what they hide.
    pub(crate) fn check(self, hidden: impl Display, errors: &[Error]) -> Result<()> {
        let Some(error) = errors.first().filter(|_| self == Self::Refuse) else { return Ok(()) };
        let cause = match error {
            Error::Io { source, .. } => format!("{error}: {source}"),
            error => error.to_string(),
        };
        let reason = format!("cannot find out {hidden}: {cause}");
        Err(Error::SafetyLimit { reason, override_option: "--allow-unreadable".into() })
    }
}
