//! The rules that keep tags, and the reasons for which a tag stays.

use std::time::Duration;

use jiff::Timestamp;

use super::period::Period;
use super::version::Version;
use crate::finding::is_in_future;
use crate::named::named;
use crate::pattern::TagPattern;

/// Before 2013 there were no images: an older time is one that was made up, such as 1970.
const FIRST: Timestamp = Timestamp::constant(1_356_998_400, 0);

named! {
    /// What the age of a tag is counted from.
    pub(crate) enum AgeBy {
        /// When it was last set.
        Set = "set",
        /// When its image was built, as the image says.
        Created = "created",
    }
}

named! {
    /// Why a tag stays.
    pub(crate) enum Reason {
        /// It is one of the newest.
        Last = "last",
        /// It is not much older than the newest.
        Within = "within",
        /// It is the newest of its hour.
        Hourly = "hourly",
        /// It is the newest of its day.
        Daily = "daily",
        /// It is the newest of its week.
        Weekly = "weekly",
        /// It is the newest of its month.
        Monthly = "monthly",
        /// It is the newest of its year.
        Yearly = "yearly",
        /// Its name matches a pattern.
        Tag = "tag",
        /// It is one of the highest versions, or covers a version that stays.
        LatestSemver = "latest-semver",
        /// It was made for an image that a tag leads to.
        Subject = "subject",
        /// It was made for an image that this tree never had.
        SubjectUnknown = "subject-unknown",
        /// The rules look only at other tags.
        NotLookedAt = "not-looked-at",
        /// It is too young to go.
        Younger = "younger",
        /// Its age is unknown, or absurd.
        UnknownAge = "unknown-age",
        /// What it points to is missing or damaged.
        Damaged = "damaged",
        /// It was set since the tags were judged, or a tag leads to its image again.
        SetMeanwhile = "set-meanwhile",
        /// The run ended before the tag was gone.
        NotReached = "not-reached",
    }
}

impl From<Period> for Reason {
    fn from(period: Period) -> Self {
        match period {
            Period::Hourly => Self::Hourly,
            Period::Daily => Self::Daily,
            Period::Weekly => Self::Weekly,
            Period::Monthly => Self::Monthly,
            Period::Yearly => Self::Yearly,
        }
    }
}

/// The rules for some repositories. Each `keep` rule adds to what stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// What a policy calls them.
    pub(crate) name: Option<String>,
    /// The newest tags: this many.
    pub(crate) keep_last: Option<usize>,
    /// The tags that are no older than this, counted from the newest one.
    pub(crate) keep_within: Option<Duration>,
    /// Of the last periods that have a tag, the newest tag each.
    pub(crate) keep_periods: Vec<(Period, usize)>,
    /// The tags whose names match.
    pub(crate) keep_tags: Vec<TagPattern>,
    /// The highest versions of each group: this many.
    pub(crate) keep_latest_semver: Option<usize>,
    /// The only tags to look at. Without patterns that is all of them.
    pub(crate) only_tags: Vec<TagPattern>,
    /// What is younger stays.
    pub(crate) older_than: Option<Duration>,
    /// What the age is counted from.
    pub(crate) age_by: Option<AgeBy>,
}

impl Rules {
    /// Whether any rule says what to keep.
    pub(crate) fn keep_something(&self) -> bool {
        self.keep_last.is_some()
            || self.keep_within.is_some()
            || !self.keep_periods.is_empty()
            || !self.keep_tags.is_empty()
            || self.keep_latest_semver.is_some()
    }

    /// Whether a tag of this name is looked at.
    pub(super) fn look_at(&self, tag: &str) -> bool {
        self.only_tags.is_empty() || self.only_tags.iter().any(|pattern| pattern.is_match(tag))
    }

    /// Whether a name alone may keep a tag, or the age of a tag of which none is known.
    pub(super) fn may_keep(&self, tag: &str) -> bool {
        let is_version = self.keep_latest_semver.is_some() && Version::of(tag).is_some();
        is_version || self.older_than.is_some() || !self.look_at(tag) || self.is_named(tag)
    }

    fn is_named(&self, tag: &str) -> bool {
        self.keep_tags.iter().any(|pattern| pattern.is_match(tag))
    }

    /// The reasons for which a tag of this name and age stays, whatever the others are.
    pub(super) fn alone(&self, tag: &str, time: Option<Timestamp>, now: Timestamp) -> Vec<Reason> {
        // An age that reaches before all representable times keeps everything.
        let is_younger = |age| now.checked_sub(age).ok().is_none_or(|limit| time.is_some_and(|time| time > limit));
        let reasons = [
            (Reason::Tag, self.is_named(tag)),
            (Reason::Younger, self.older_than.is_some_and(is_younger)),
            (Reason::UnknownAge, time.is_none()),
        ];
        reasons.into_iter().filter(|(_, holds)| *holds).map(|(reason, _)| reason).collect()
    }
}

/// The time, to the second, unless it is absurd.
pub(super) fn sensible(time: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let time = Timestamp::from_second(time.as_second()).ok()?;
    (time >= FIRST && !is_in_future(time, now)).then_some(time)
}
