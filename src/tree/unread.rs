//! Remembers each look at a tree that failed.
//!
//! Many callers can do without an answer: they keep what they could not look at, or look again. **But a report that
//! calls a tree clean must not pass over what was not looked at.** So the tree itself remembers what failed, and the
//! commands that report ask it at their end.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// A look that failed.
#[derive(Clone, Debug)]
struct Failure {
    action: &'static str,
    path: PathBuf,
    number: Option<i32>,
    reason: String,
}

/// The looks that failed, in order.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<Vec<Failure>>);

/// A moment in the life of an open tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(usize);

impl Failures {
    pub(super) fn add(&self, action: &'static str, path: PathBuf, error: &io::Error) {
        let failure = Failure { action, path, number: error.raw_os_error(), reason: error.to_string() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    }

    pub(super) fn now(&self) -> Moment {
        Moment(self.0.lock().unwrap_or_else(PoisonError::into_inner).len())
    }

    /// What failed since a moment: one error for each path, sorted by path.
    pub(super) fn since(&self, moment: Moment) -> Vec<Error> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first: BTreeMap<&PathBuf, &Failure> = BTreeMap::new();
        for failure in failures.iter().skip(moment.0) {
            first.entry(&failure.path).or_insert(failure);
        }
        let error = |failure: &Failure| {
            let words = || io::Error::other(failure.reason.clone());
            let source = failure.number.map_or_else(words, io::Error::from_raw_os_error);
            Error::io(failure.action, failure.path.clone(), source)
        };
        first.into_values().map(error).collect()
    }
}
