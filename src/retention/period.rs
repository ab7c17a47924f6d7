//! The calendar's periods, in UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::named::named;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

named! {
    /// A period of the calendar.
    pub(crate) enum Period {
        /// An hour.
        Hourly = "hourly",
        /// A day.
        Daily = "daily",
        /// A week, from Monday on.
        Weekly = "weekly",
        /// A month.
        Monthly = "monthly",
        /// A year.
        Yearly = "yearly",
    }
}

impl Period {
    /// The number of the period that `time` is in. Later periods have greater numbers.
    pub(super) fn number(self, time: Timestamp) -> i64 {
        let date = || time.to_zoned(TimeZone::UTC).date();
        let day = time.as_second().div_euclid(DAY);
        match self {
            Self::Hourly => time.as_second().div_euclid(HOUR),
            Self::Daily => day,
            // 1970 began on a Thursday.
            Self::Weekly => (day + 3).div_euclid(7),
            Self::Monthly => i64::from(date().year()) * 12 + i64::from(date().month()),
            Self::Yearly => date().year().into(),
        }
    }
}
