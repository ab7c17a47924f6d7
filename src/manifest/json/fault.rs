//! Why bytes are not JSON.

/// Why bytes are not a manifest, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {reason}")]
pub struct Malformed {
    /// The offset of the fault in bytes.
    pub offset: usize,
    /// The reason.
    pub reason: Reason,
}

/// What is wrong with bytes that should be a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// There are no bytes, or only white space.
    #[error("it is empty, expected a JSON object")]
    Empty,
    /// The document ends in the middle.
    #[error("it ends in the middle of the JSON")]
    Truncated,
    /// There is a byte that is not allowed here.
    #[error("it is not JSON, expected {0}")]
    Unexpected(&'static str),
    /// There is a byte below 0x20 in a string.
    #[error("a raw control character in a string")]
    Control,
    /// There is a backslash that does not begin an escape.
    #[error("an escape that JSON does not have")]
    Escape,
    /// Something follows the first value.
    #[error("something follows the JSON value")]
    Trailing,
    /// There are more open brackets than the reader allows.
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    /// The value is valid JSON, but not an object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// There are more bytes than any manifest has.
    #[error("it has more than {0} bytes")]
    TooLarge(usize),
}
