//! Describes what a scan finds to be wrong. Damage is data, and is never taken for absence.

use crate::error::Error;
use crate::named::named;

named! {
    /// How much must be kept because of something that is wrong.
    pub enum Doubt {
        /// Nothing: it does not change what is known of what is in use.
        None = "none",
        /// The repository: something in it can't be followed.
        Repository = "repository",
        /// All content: there may be links that can't be seen.
        Tree = "tree",
    }
}

/// Something that is wrong.
#[derive(Debug)]
pub(crate) struct Damage {
    /// The number of the repository in the scan; `None` where it is in none, or in one that can't be seen.
    pub repository: Option<usize>,
    /// Whether it is below `blobs/`, which is read only once.
    pub of_content: bool,
    /// What must be kept because of it.
    pub doubt: Doubt,
    /// What is wrong.
    pub error: Error,
}

impl Damage {
    /// Damage below `repositories/`.
    pub(crate) fn new(repository: Option<usize>, doubt: Doubt, error: Error) -> Self {
        Self { repository, of_content: false, doubt, error }
    }
}
