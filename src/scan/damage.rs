//! What is wrong with a tree, as a scan comes upon it: data, and never absence.

use crate::error::Error;

/// How much must be left alone for something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Nothing: it is strange, and says nothing about what is in use.
    None,
    /// The repository: it names something by its path that nobody can follow.
    Repository,
    /// All content: there may be links that nobody sees.
    Tree,
}

/// Something that is wrong.
#[derive(Debug)]
pub struct Damage {
    /// In which repository, by its place among those scanned; `None` where there may be one.
    pub repository: Option<usize>,
    /// Whether it is among the content, which is read once.
    pub of_content: bool,
    /// What it casts doubt on.
    pub doubt: Doubt,
    /// What it is.
    pub error: Error,
}
