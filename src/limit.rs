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

/// `Err(SafetyLimit)` when more than `percent` of `all` tags are to be removed; more than half of them, without one.
pub(crate) fn check_tags(removed: u64, all: u64, percent: Option<f64>) -> Result<()> {
    if removed <= share(all, percent.unwrap_or(50.0)) {
        return Ok(());
    }
    let allowed = percent.map_or("half of them".to_owned(), |percent| format!("--max-delete allows ({percent}%)"));
    let removed_tags = count::plural(removed, "tag");
    let reason = format!("{removed_tags} of {all} would be removed, which is more than {allowed}");
    let override_option = format!("--max-delete {}", percent_of(removed, all)).into();
    Err(Error::SafetyLimit { reason, override_option })
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "a part of a percent of a tree's bytes does not matter, and there are fewer tags than a float has integers"
)]
fn share(all: u64, percent: f64) -> u64 {
    (all as f64 * percent / 100.0) as u64
}

/// The percentage, rounded up, that `part` is of `all`. As a limit it allows `part`.
pub(crate) fn percent_of(part: u64, all: u64) -> String {
    let percent = (u128::from(part) * 100).div_ceil(u128::from(all.max(1)));
    format!("{percent}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_tags_may_go_or_what_is_allowed() {
        for (removed, all, percent, is_allowed) in [
            (0, 0, None, true),
            (1, 2, None, true),
            (1, 3, None, true),
            (2, 3, None, false),
            (1, 1, None, false),
            (2, 3, Some(67.0), true),
            (2, 3, Some(66.0), false),
            (1, 3, Some(0.0), false),
            (3, 3, Some(100.0), true),
        ] {
            assert_eq!(check_tags(removed, all, percent).is_ok(), is_allowed, "{removed} of {all}, {percent:?}");
        }
    }
}
