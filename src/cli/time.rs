//! Times, as people and programs read them.

use jiff::Timestamp;

/// A time in UTC, to the second.
pub(super) fn to_the_second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
