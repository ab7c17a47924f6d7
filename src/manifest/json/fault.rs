//! Why bytes are no JSON.

/// Where the bytes stop being what they should be, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {reason}")]
pub struct Malformed {
    /// How many bytes come before the fault.
    pub offset: usize,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong with bytes that should be a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing, or nothing but white space.
    #[error("it is empty, expected a JSON object")]
    Empty,
    /// The document stops in the middle.
    #[error("it ends in the middle of the JSON")]
    Truncated,
    /// A byte that can't stand there.
    #[error("it is not JSON, expected {0}")]
    Unexpected(&'static str),
    /// A byte below 0x20 inside a string.
    #[error("a raw control character in a string")]
    Control,
    /// A backslash that begins no escape.
    #[error("an escape that JSON does not have")]
    Escape,
    /// A second value, or anything else, after the first.
    #[error("something follows the JSON value")]
    Trailing,
    /// More open brackets than the reader was told to take.
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    /// Valid JSON, but no object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// More bytes than any manifest has.
    #[error("it has more than {0} bytes")]
    TooLarge(usize),
}
