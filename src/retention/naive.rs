//! The rules once more, slowly and in another way: each tag is compared with all others, and nothing is sorted or parsed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select;

use super::judge::{Candidate, judge};
use super::period::Period;
use super::rules::{Reason, Rules};

/// What a tag says of a version, as it was put together.
#[derive(Clone, Debug)]
struct Made {
    numbers: Vec<u64>,
    pre: Option<(&'static str, u64)>,
    group: &'static str,
}

impl Made {
    /// A text that is greater for a greater version.
    fn rank(&self) -> String {
        let numbers: Vec<String> =
            (0..4).map(|at| format!("{:09}", self.numbers.get(at).copied().unwrap_or(0))).collect();
        let pre = self.pre.map_or("~".to_owned(), |(word, number)| format!("{word}{number:09}"));
        format!("{}{pre}", numbers.join("."))
    }

    /// Whether this is the beginning of another version.
    fn covers(&self, other: &Self) -> bool {
        let is_release = self.pre.is_none() && other.pre.is_none();
        is_release
            && self.group == other.group
            && self.numbers.len() < other.numbers.len()
            && other.numbers.iter().zip(&self.numbers).all(|(one, other)| one == other)
    }
}

#[derive(Clone, Debug)]
struct Tag {
    text: String,
    version: Option<Made>,
    time: Option<Timestamp>,
}

fn period(period: Period, time: Timestamp) -> String {
    let time = time.to_zoned(TimeZone::UTC);
    match period {
        Period::Hourly => time.strftime("%Y-%m-%d %H").to_string(),
        Period::Daily => time.strftime("%Y-%m-%d").to_string(),
        Period::Weekly => {
            let week = time.date().iso_week_date();
            format!("{:04} {:02}", week.year(), week.week())
        }
        Period::Monthly => time.strftime("%Y-%m").to_string(),
        Period::Yearly => time.strftime("%Y").to_string(),
    }
}

/// The reasons for which each tag stays.
fn reasons(rules: &Rules, tags: &[Tag], now: Timestamp) -> Vec<BTreeSet<Reason>> {
    let is_looked_at =
        |tag: &Tag| rules.only_tags.is_empty() || rules.only_tags.iter().any(|pattern| pattern.is_match(&tag.text));
    let counts = |tag: &&Tag| is_looked_at(tag) && tag.time.is_some();
    let counted: Vec<&Tag> = tags.iter().filter(counts).collect();
    let covers_any = |made: &Made| tags.iter().filter_map(|tag| tag.version.as_ref()).any(|other| made.covers(other));
    let mut all = Vec::new();
    for tag in tags {
        let mut own = BTreeSet::new();
        all.push(own.clone());
        if !is_looked_at(tag) {
            *all.last_mut().unwrap() = [Reason::NotLookedAt].into();
            continue;
        }
        if rules.keep_tags.iter().any(|pattern| pattern.is_match(&tag.text)) {
            own.insert(Reason::Tag);
        }
        let Some(time) = tag.time else {
            own.insert(Reason::UnknownAge);
            *all.last_mut().unwrap() = own;
            continue;
        };
        let age = |from: Timestamp| from.as_second() - time.as_second();
        if rules.older_than.is_some_and(|limit| age(now) < i64::try_from(limit.as_secs()).unwrap()) {
            own.insert(Reason::Younger);
        }
        let newer = counted.iter().filter(|other| other.time > tag.time).count();
        if rules.keep_last.is_some_and(|count| newer < count) {
            own.insert(Reason::Last);
        }
        let newest = counted.iter().filter_map(|tag| tag.time).max().unwrap();
        if rules.keep_within.is_some_and(|limit| age(newest) <= i64::try_from(limit.as_secs()).unwrap()) {
            own.insert(Reason::Within);
        }
        for (kind, count) in &rules.keep_periods {
            let of = |other: &Tag| period(*kind, other.time.unwrap());
            let later: BTreeSet<String> = counted.iter().map(|tag| of(tag)).filter(|other| *other > of(tag)).collect();
            let is_newest = counted.iter().all(|other| of(other) != of(tag) || other.time <= tag.time);
            if is_newest && later.len() < *count {
                own.insert((*kind).into());
            }
        }
        if let (Some(count), Some(made)) = (rules.keep_latest_semver, &tag.version) {
            let of_group = |other: &&Made| other.group == made.group && !covers_any(other);
            let others = counted.iter().filter_map(|tag| tag.version.as_ref()).filter(of_group);
            let higher: BTreeSet<String> = others.map(Made::rank).filter(|rank| *rank > made.rank()).collect();
            if !covers_any(made) && higher.len() < count {
                own.insert(Reason::LatestSemver);
            }
        }
        *all.last_mut().unwrap() = own;
    }
    // A tag that covers a version stays with that, whatever keeps it.
    if rules.keep_latest_semver.is_some() {
        let stay: Vec<&Made> = tags
            .iter()
            .zip(&all)
            .filter(|(_, own)| !own.is_empty())
            .filter_map(|(tag, _)| tag.version.as_ref())
            .collect();
        let covering: Vec<bool> = tags
            .iter()
            .map(|tag| tag.version.as_ref().is_some_and(|made| stay.iter().any(|other| made.covers(other))))
            .collect();
        for ((tag, own), covers) in tags.iter().zip(&mut all).zip(covering) {
            if covers && is_looked_at(tag) {
                own.insert(Reason::LatestSemver);
            }
        }
    }
    all
}

/// Tags with versions, in the ways in which projects write them; and some without.
fn tags() -> impl Strategy<Value = Vec<Tag>> {
    let pre = (select(vec!["alpha", "beta", "dev", "pre", "rc"]), 0..12_u64);
    let group = select(vec!["", "", "alpine", "slim", "alpine-slim"]);
    let numbers = prop::collection::vec(select(vec![0, 1, 2, 3, 10, 27]), 1..4);
    let written =
        (any::<bool>(), select(vec!["", "-", ".", "_"]), select(vec!["", ".", "-"]), select(vec!["", "3", "3.20"]));
    let version = (numbers, prop::option::weighted(0.3, pre), group, written).prop_map(
        |(numbers, pre, group, (has_v, before, between, digits))| {
            let core = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
            let v = if has_v { "v" } else { "" };
            let after = pre.map(|(word, number)| format!("{before}{word}{between}{number}")).unwrap_or_default();
            let suffix = if group.is_empty() { String::new() } else { format!("-{group}{digits}") };
            (format!("{v}{core}{after}{suffix}"), Some(Made { numbers, pre, group }))
        },
    );
    let other = select(vec!["latest", "main", "stable", "edge", "v", "3bbf2ca", "x1.2"])
        .prop_map(|text| (text.to_owned(), None));
    // Few days and hours, so that many are equally old or share a period.
    let time = (0..900_i64, select(vec![0, 0, 0, 11, 23]), select(vec![0, 0, 0, 1, 1800]));
    let time = time.prop_map(|(day, hour, second)| {
        Timestamp::from_second(1_703_000_000 / 86_400 * 86_400 + day * 86_400 + hour * 3600 + second).unwrap()
    });
    let tag = (prop_oneof![5 => version, 2 => other], prop::option::weighted(0.9, time));
    prop::collection::vec(tag, 0..40).prop_map(|tags| {
        let mut seen = BTreeSet::new();
        let made = tags.into_iter().map(|((text, version), time)| Tag { text, version, time });
        made.filter(|tag| seen.insert(tag.text.clone())).collect()
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    let count = || prop::option::weighted(0.3, 1..6_usize);
    let days = || prop::option::weighted(0.3, 0..400_u64);
    let patterns = |all: &'static [&'static str]| prop::collection::vec(select(all), 0..2);
    let counts = (count(), count(), prop::collection::vec(count(), 5));
    let only = prop::option::weighted(0.3, select(vec!["1*", "/alpine/", "/^v?[0-9.]+$/"]));
    (counts, days(), days(), patterns(&["latest", "v*", "/^1/", "*-slim*"]), only).prop_map(
        |((last, semver, periods), within, older, keep, only)| {
            let span = |days: u64| std::time::Duration::from_hours(days * 24);
            Rules {
                keep_last: last,
                keep_within: within.map(span),
                keep_periods: Period::ALL
                    .into_iter()
                    .zip(periods)
                    .filter_map(|(kind, count)| Some((kind, count?)))
                    .collect(),
                keep_tags: keep.iter().map(|text| text.parse().unwrap()).collect(),
                keep_latest_semver: semver,
                only_tags: only.iter().map(|text| text.parse().unwrap()).collect(),
                older_than: older.map(span),
                ..Rules::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_rules_keep_what_the_naive_model_keeps(tags in tags(), rules in rules()) {
        let now = Timestamp::from_second(1_703_000_000 + 900 * 86_400).unwrap();
        let candidates: Vec<Candidate> =
            tags.iter().map(|tag| Candidate { tag: tag.text.clone(), time: tag.time }).collect();
        let judged = judge(&rules, &candidates, now);
        for ((tag, found), expected) in tags.iter().zip(judged).zip(reasons(&rules, &tags, now)) {
            let found_set: BTreeSet<Reason> = found.iter().copied().collect();
            prop_assert_eq!(found_set.len(), found.len(), "{}: {:?}", tag.text, found);
            prop_assert_eq!(found_set, expected, "{}", tag.text);
        }
    }
}
