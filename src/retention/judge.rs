//! Says which rules keep each tag, from names and ages alone.

use jiff::Timestamp;

use super::rules::{Reason, Rules};
use super::version::{self, Named, Version};

/// A tag as the rules see it.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) tag: String,
    /// What its age is counted from, to the second; `None` if that is unknown or absurd.
    pub(super) time: Option<Timestamp>,
}

/// The reasons for which each tag stays. One without any goes. Tags that are equally old are kept together.
pub(super) fn judge(rules: &Rules, tags: &[Candidate], now: Timestamp) -> Vec<Vec<Reason>> {
    let mut kept: Vec<Vec<Reason>> = Vec::with_capacity(tags.len());
    for Candidate { tag, time } in tags {
        kept.push(if rules.look_at(tag) { rules.alone(tag, *time, now) } else { vec![Reason::NotLookedAt] });
    }
    let looked_at = tags.iter().enumerate().filter(|(_, tag)| rules.look_at(&tag.tag));
    let mut aged: Vec<Aged> = looked_at.filter_map(|(number, tag)| Some(Aged { time: tag.time?, number })).collect();
    aged.sort_by_key(|aged| std::cmp::Reverse(aged.time));
    for (reason, number) in by_age(rules, &aged) {
        kept[number].push(reason);
    }
    if let Some(count) = rules.keep_latest_semver {
        keep_versions(rules, tags, count, &mut kept);
    }
    for reasons in &mut kept {
        reasons.sort();
    }
    kept
}

struct Aged {
    time: Timestamp,
    number: usize,
}

/// What the rules keep that look at ages, newest first.
fn by_age(rules: &Rules, aged: &[Aged]) -> Vec<(Reason, usize)> {
    let Some(newest) = aged.first() else { return Vec::new() };
    let mut kept = Vec::new();
    let mut keep = |reason, tags: &[Aged]| kept.extend(tags.iter().map(|tag| (reason, tag.number)));
    let since = |limit: Timestamp| aged.partition_point(|tag| tag.time >= limit);
    if let Some(count) = rules.keep_last.filter(|count| *count > 0) {
        let last = aged.get(count - 1).map_or(aged.len(), |last| since(last.time));
        keep(Reason::Last, &aged[..last]);
    }
    if let Some(age) = rules.keep_within {
        // An age that reaches before all representable times keeps everything.
        keep(Reason::Within, &aged[..newest.time.checked_sub(age).map_or(aged.len(), since)]);
    }
    for (period, count) in &rules.keep_periods {
        let periods = aged.chunk_by(|one, next| period.number(one.time) == period.number(next.time));
        for tags in periods.take(*count) {
            keep((*period).into(), &tags[..tags.partition_point(|tag| tag.time == tags[0].time)]);
        }
    }
    kept
}

fn keep_versions(rules: &Rules, tags: &[Candidate], count: usize, kept: &mut [Vec<Reason>]) {
    let named = tags.iter().enumerate().filter_map(|(number, Candidate { tag, time })| {
        let counts = time.is_some() && rules.look_at(tag);
        Some(Named { tag: number, version: Version::of(tag)?, counts })
    });
    let named: Vec<Named> = named.collect();
    for number in version::highest(&named, count) {
        kept[number].push(Reason::LatestSemver);
    }
    // `1` covers `1.27`, which covers `1.27.3`; and `1` covers that too.
    for number in version::covering(&named, |number| !kept[number].is_empty()) {
        if rules.look_at(&tags[number].tag) {
            kept[number].push(Reason::LatestSemver);
        }
    }
}
