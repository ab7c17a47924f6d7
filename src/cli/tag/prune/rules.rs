//! The options that say which tags stay.

use std::time::Duration;

use crate::cli::{one_of, parse_span};
use crate::pattern::TagPattern;
use crate::retention::{AgeBy, Period, Rules};

/// The keys of a policy's rule have the same names.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Rules")]
pub(super) struct RuleOptions {
    /// Keep the N newest tags
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_last: Option<u32>,
    /// Keep what is at most AGE (12h, 30d, 52w) older than the newest tag
    #[arg(long, value_name = "AGE", value_parser = parse_span)]
    pub(super) keep_within: Option<Duration>,
    /// Keep the newest tag of each of the last N hours that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_hourly: Option<u32>,
    /// Keep the newest tag of each of the last N days that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_daily: Option<u32>,
    /// Keep the newest tag of each of the last N weeks that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_weekly: Option<u32>,
    /// Keep the newest tag of each of the last N months that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_monthly: Option<u32>,
    /// Keep the newest tag of each of the last N years that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_yearly: Option<u32>,
    /// Keep tags that match PATTERN: a glob, or /REGEX/; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub(super) keep_tag: Vec<TagPattern>,
    /// Keep the N highest versions, apart for each suffix
    ///
    /// A version is a tag such as 1.27, v1.27.3, 1.27.3-alpine3.20 or 17beta1. Those with one suffix, its digits left
    /// out, are a group, of which the N highest stay. alpha, beta, dev, pre or rc with a number is no suffix, but makes a
    /// pre-release. 1 and 1.27 stay as long as any version that they cover. Dates (20261130, 2026-11-30) are a group too.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_latest_semver: Option<u32>,
    /// Look only at tags that match PATTERN, as if there were no others; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub(super) only_tag: Vec<TagPattern>,
    /// Keep everything younger than AGE (12h, 30d, 52w)
    #[arg(long, value_name = "AGE", value_parser = parse_span)]
    pub(super) older_than: Option<Duration>,
    /// What the age is counted from: when the tag was last set, or when the image was created, as its config says
    #[arg(long, value_name = "TIME", value_parser = one_of(AgeBy::ALL, AgeBy::name))]
    pub(super) age_by: Option<AgeBy>,
}

impl RuleOptions {
    /// Whether any option is given.
    pub(super) fn are_given(&self) -> bool {
        self.rules(None).keep_something()
            || !self.only_tag.is_empty()
            || self.older_than.is_some()
            || self.age_by.is_some()
    }

    pub(super) fn rules(&self, name: Option<String>) -> Rules {
        let count = |count: Option<u32>| count.map(|count| count as usize);
        let periods = [
            (Period::Hourly, self.keep_hourly),
            (Period::Daily, self.keep_daily),
            (Period::Weekly, self.keep_weekly),
            (Period::Monthly, self.keep_monthly),
            (Period::Yearly, self.keep_yearly),
        ];
        Rules {
            name,
            keep_last: count(self.keep_last),
            keep_within: self.keep_within,
            keep_periods: periods.into_iter().filter_map(|(period, n)| Some((period, count(n)?))).collect(),
            keep_tags: self.keep_tag.clone(),
            keep_latest_semver: count(self.keep_latest_semver),
            only_tags: self.only_tag.clone(),
            older_than: self.older_than,
            age_by: self.age_by,
        }
    }
}
