//! The options that say which tags stay.

use std::time::Duration;

use crate::cli::reference::{checked_arguments, conflict};
use crate::cli::{one_of, parse_span};
use crate::pattern::TagPattern;
use crate::retention::{AgeBy, Period, Rules};

/// The keys of a policy's rule have the same names. Each option has all its values, so that one that is given twice can be
/// refused: the last value alone might keep less than was meant.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Rules")]
pub(super) struct RuleOptions {
    /// Keep the N newest tags
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_last: Vec<u32>,
    /// Keep what is at most AGE (12h, 30d, 52w) older than the newest tag
    #[arg(long, value_name = "AGE", value_parser = parse_span)]
    pub(super) keep_within: Vec<Duration>,
    /// Keep the newest tag of each of the last N hours that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_hourly: Vec<u32>,
    /// Keep the newest tag of each of the last N days that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_daily: Vec<u32>,
    /// Keep the newest tag of each of the last N weeks that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_weekly: Vec<u32>,
    /// Keep the newest tag of each of the last N months that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_monthly: Vec<u32>,
    /// Keep the newest tag of each of the last N years that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_yearly: Vec<u32>,
    /// Keep tags that match PATTERN: a glob, or /REGEX/, which matches anywhere in the tag; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub(super) keep_tag: Vec<TagPattern>,
    /// Keep the N highest versions of each suffix
    ///
    /// A version is a tag such as 1.27, v1.27.3, 1.27.3-alpine3.20 or 17beta1. Versions are compared with those of the same
    /// suffix, without its digits. alpha, beta, dev, pre or rc with a number is no suffix, but makes a pre-release. 1 and
    /// 1.27 stay as long as any version that they cover. Dates (20261130, 2026-11-30) are compared with dates.
    ///
    /// What is no version, such as latest, goes unless another rule keeps it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) keep_latest_semver: Vec<u32>,
    /// Look only at tags that match PATTERN, as if there were no others; no other tag goes, not even those of signatures; may
    /// be given several times
    #[arg(long, value_name = "PATTERN")]
    pub(super) only_tag: Vec<TagPattern>,
    /// Keep everything younger than AGE (12h, 30d, 52w)
    #[arg(long, value_name = "AGE", value_parser = parse_span)]
    pub(super) older_than: Vec<Duration>,
    /// What the age is counted from: when the tag was last set (the default), or when the image was created, as its config
    /// says
    #[arg(long, value_name = "TIME", value_parser = one_of(AgeBy::ALL, AgeBy::name))]
    pub(super) age_by: Vec<AgeBy>,
}

/// Options of which none is given twice that has one value.
#[derive(Debug)]
pub(super) struct Given(pub(super) Box<RuleOptions>);

impl TryFrom<RuleOptions> for Given {
    type Error = clap::Error;

    fn try_from(options: RuleOptions) -> Result<Self, clap::Error> {
        match options.given_twice() {
            None => Ok(Self(Box::new(options))),
            Some(option) => Err(conflict(&format!("{option} is given twice"))),
        }
    }
}

checked_arguments!(Given, RuleOptions);

impl RuleOptions {
    /// Whether any option is given.
    pub(super) fn are_given(&self) -> bool {
        self.rules(None).keep_something()
            || !self.only_tag.is_empty()
            || !self.older_than.is_empty()
            || !self.age_by.is_empty()
    }

    /// The first option that is given twice and has one value.
    fn given_twice(&self) -> Option<&'static str> {
        let given = [
            ("--keep-last", self.keep_last.len()),
            ("--keep-within", self.keep_within.len()),
            ("--keep-hourly", self.keep_hourly.len()),
            ("--keep-daily", self.keep_daily.len()),
            ("--keep-weekly", self.keep_weekly.len()),
            ("--keep-monthly", self.keep_monthly.len()),
            ("--keep-yearly", self.keep_yearly.len()),
            ("--keep-latest-semver", self.keep_latest_semver.len()),
            ("--older-than", self.older_than.len()),
            ("--age-by", self.age_by.len()),
        ];
        given.into_iter().find(|(_, times)| *times > 1).map(|(option, _)| option)
    }

    pub(super) fn rules(&self, name: Option<String>) -> Rules {
        let count = |counts: &[u32]| counts.first().map(|count| *count as usize);
        let periods = [
            (Period::Hourly, &self.keep_hourly),
            (Period::Daily, &self.keep_daily),
            (Period::Weekly, &self.keep_weekly),
            (Period::Monthly, &self.keep_monthly),
            (Period::Yearly, &self.keep_yearly),
        ];
        Rules {
            name,
            keep_last: count(&self.keep_last),
            keep_within: self.keep_within.first().copied(),
            keep_periods: periods.into_iter().filter_map(|(period, n)| Some((period, count(n)?))).collect(),
            keep_tags: self.keep_tag.clone(),
            keep_latest_semver: count(&self.keep_latest_semver),
            only_tags: self.only_tag.clone(),
            older_than: self.older_than.first().copied(),
            age_by: self.age_by.first().copied(),
        }
    }
}
