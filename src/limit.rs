//! How much may be removed before a command asks whether that is meant.

use crate::count;
use crate::error::{Error, Result};

/// How much of the content of a tree, or of an image layout, may be removed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A percentage of the bytes of all content.
    Percent(f64),
    /// A number of bytes.
    Bytes(u64),
}

impl Limit {
    /// `Err(SafetyLimit)` when more than this is to be removed of `all` bytes.
    pub(crate) fn check(self, removed: u64, all: impl FnOnce() -> Result<u64>) -> Result<()> {
        let (allowed, said, needed) = match self {
            Self::Bytes(bytes) => (bytes, count::bytes(bytes), removed.to_string()),
            Self::Percent(percent) => {
                let all = all()?;
                (share(all, percent), format!("{percent}% of {}", count::bytes(all)), percent_of(removed, all))
            }
        };
        if removed <= allowed {
            return Ok(());
        }
        let removed = count::bytes(removed);
        let reason = format!("{removed} would be removed, which is more than --max-delete allows ({said})");
        Err(Error::SafetyLimit { reason, override_option: format!("--max-delete {needed}").into() })
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "a part of a percent of a tree's bytes does not matter"
)]
fn share(bytes: u64, percent: f64) -> u64 {
    (bytes as f64 * percent / 100.0) as u64
}

/// The percentage, rounded up, that `part` is of `all`. As a limit it allows `part`.
pub(crate) fn percent_of(part: u64, all: u64) -> String {
    let percent = (u128::from(part) * 100).div_ceil(u128::from(all.max(1)));
    format!("{percent}%")
}
