//! Counts content by the month in which it was written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::walk::UNSEEN;

/// The content that was written in one month and is still there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Month {
    /// The month in UTC: `2026-11`.
    #[serde(rename = "month")]
    pub(crate) name: String,
    /// How many blobs there are.
    pub(crate) blobs: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// The months in which anything was written, by the times of the blobs.
pub(super) fn count(times: &[i64], sizes: &[u64]) -> Vec<Month> {
    let mut months: BTreeMap<(i16, i8), (u64, u64)> = BTreeMap::new();
    for (time, size) in times.iter().zip(sizes).filter(|(time, _)| **time != UNSEEN) {
        let (blobs, bytes) = months.entry(month(*time)).or_default();
        *blobs += 1;
        *bytes += size;
    }
    let named = |((year, month), (blobs, bytes))| Month { name: format!("{year:04}-{month:02}"), blobs, bytes };
    months.into_iter().map(named).collect()
}

/// The year and month of a time. A file may have one that no calendar has: that counts as the nearest.
fn month(seconds: i64) -> (i16, i8) {
    let nearest = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let date = TimeZone::UTC.to_datetime(Timestamp::from_second(seconds).unwrap_or(nearest));
    (date.year(), date.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_counted_by_the_month_in_utc_and_what_was_not_seen_is_not() {
        // The last second of 2025, the first of 2026, and one in March.
        let times = [1_767_225_599, 1_767_225_600, UNSEEN, 1_772_323_200, 1_767_225_601];
        let months = count(&times, &[1, 10, 100, 1000, 10_000]);
        let found: Vec<_> = months.iter().map(|month| (&*month.name, month.blobs, month.bytes)).collect();
        assert_eq!(found, [("2025-12", 1, 1), ("2026-01", 2, 10_010), ("2026-03", 1, 1000)]);
    }

    #[test]
    fn a_time_outside_of_the_calendar_is_the_nearest() {
        assert_eq!((month(i64::MAX), month(i64::MIN + 1)), ((9999, 12), (-9999, 1)));
    }
}
