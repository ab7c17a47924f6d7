//! Which tags a set of rules keeps, in the manner of `restic forget`.
//!
//! [`Rules`] look at names and ages alone, and say for each tag which of them keep it: that is `judge`. A [`Plan`] applies
//! them to the repositories of a tree. **A tag goes only if no rule keeps it**, and what is damaged or has no sensible
//! age stays. Tags that were made for another image, such as those of its signatures, are no versions: they go when no
//! tag leads to that image any more, by the function by which a [collection](crate::gc) follows them.
//!
//! What such a tag was made for is in its name, so one whose own content is damaged counts too.
//!
//! Only tags go. Each one's link is read again right before that, and a tag that was set since stays.

mod companions;
mod created;
mod judge;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod naive;
mod period;
mod plan;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may")]
mod races;
mod removal;
mod rules;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests;
mod version;

pub(crate) use period::Period;
pub(crate) use plan::{Chosen, Fate, Outcome, Plan, Pruned, Verdict};
pub(crate) use removal::remove;
pub(crate) use rules::{AgeBy, Reason, Rules};
