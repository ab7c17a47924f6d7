//! Versions in the names of tags, as projects write them: `1.27`, `v1.27.3`, `1.27.3-alpine3.20`, `17beta1`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

/// What stands before the number of a pre-release, in the order of semantic versions.
const PRE_RELEASES: [&str; 5] = ["alpha", "beta", "dev", "pre", "rc"];
/// From so many digits on, a number alone is a date or the number of a build.
const DATE: usize = 6;

/// A version. Versions are compared only within their group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// The suffix without its digits: `alpine` of `1.27.3-alpine3.20`.
    pub(super) group: String,
    numbers: Vec<u64>,
    /// The place of its word in [`PRE_RELEASES`], and its numbers.
    pre: Option<(usize, Vec<u64>)>,
}

impl Version {
    /// The version that a tag names, if it names one.
    pub(super) fn of(tag: &str) -> Option<Self> {
        let bare = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
        let (numbers, suffix) = leading_numbers(bare)?;
        let date = if numbers.len() == 1 { date(bare) } else { None };
        let group = if date.is_some() { "(date)" } else { "" };
        let (numbers, suffix) = date.unwrap_or((numbers, suffix));
        let mut version = Self { group: group.to_owned(), numbers, pre: None };
        let parts: Vec<&str> = suffix.split(['-', '_']).collect();
        let mut at = 0;
        while let Some(part) = parts.get(at) {
            let alone = pre_release(part, None);
            // `rc-1` is two parts.
            let over_two = parts.get(at + 1).and_then(|next| pre_release(part, Some(next)));
            let is_two = alone.is_none() && over_two.is_some();
            let pre = alone.or(over_two).filter(|_| version.pre.is_none());
            if at == 0 && pre.is_none() && !part.is_empty() && !part.starts_with('.') {
                // Letters right after the numbers make something else of them, such as a hash; but for `.Final`.
                return None;
            }
            at += if pre.is_some() && is_two { 2 } else { 1 };
            match pre {
                Some(pre) => version.pre = Some(pre),
                None => version.add_to_group(part),
            }
        }
        Some(version)
    }

    fn add_to_group(&mut self, part: &str) {
        let words = part.split(|char: char| !char.is_ascii_alphabetic()).filter(|word| !word.is_empty());
        for word in words {
            if !self.group.is_empty() {
                self.group.push('-');
            }
            self.group.push_str(&word.to_ascii_lowercase());
        }
    }

    /// The shorter versions that cover this one, with itself, if it is a release.
    fn prefixes(&self) -> impl Iterator<Item = (&str, &[u64])> {
        let lengths = if self.pre.is_none() { 1..self.numbers.len() } else { 0..0 };
        lengths.map(|length| (self.group.as_str(), &self.numbers[..length]))
    }

    fn is_one_of(&self, prefixes: &HashSet<(&str, &[u64])>) -> bool {
        self.pre.is_none() && prefixes.contains(&(self.group.as_str(), &*self.numbers))
    }

    /// The order within a group: that of semantic versions, in which numbers that are left out are 0.
    fn order(&self, other: &Self) -> Ordering {
        let length = self.numbers.len().max(other.numbers.len());
        let padded = |version: &Self| {
            let mut numbers = version.numbers.clone();
            numbers.resize(length, 0);
            numbers
        };
        let released = |version: &Self| version.pre.is_none();
        padded(self)
            .cmp(&padded(other))
            .then_with(|| released(self).cmp(&released(other)))
            .then_with(|| self.pre.cmp(&other.pre))
    }
}

/// The numbers at the start of a text, with dots between them, and what follows.
fn leading_numbers(text: &str) -> Option<(Vec<u64>, &str)> {
    let (mut numbers, mut rest) = (Vec::new(), text);
    loop {
        let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        numbers.push(rest[..end].parse().ok()?);
        rest = &rest[end..];
        match rest.strip_prefix('.') {
            Some(next) if next.starts_with(|char: char| char.is_ascii_digit()) => rest = next,
            _ => return Some((numbers, rest)),
        }
    }
}

/// The numbers of a date such as `20261130` or `2026-11-30`, or of a build, and what follows: they are higher than any
/// version.
fn date(text: &str) -> Option<(Vec<u64>, &str)> {
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split(['-', '_']).take_while(is_number).collect();
    let length = parts.iter().map(|part| part.len() + 1).sum::<usize>().checked_sub(1)?;
    let is_date = matches!(parts[..], [year, month, day, ..] if [year.len(), month.len(), day.len()] == [4, 2, 2]);
    let is_long = parts.first().is_some_and(|part| part.len() >= DATE);
    // Whether hyphens are in it is a matter of taste.
    let (first, others) =
        if is_date { (parts[..3].concat(), &parts[3..]) } else { (parts.first()?.to_string(), &parts[1..]) };
    let numbers =
        || std::iter::once(&*first).chain(others.iter().copied()).filter_map(|part| part.parse().ok()).collect();
    (is_date || is_long).then(|| (numbers(), &text[length..]))
}

/// What a part such as `rc1` or `beta.2` says of a pre-release, or `rc` with the number in the next part.
fn pre_release(part: &str, next: Option<&str>) -> Option<(usize, Vec<u64>)> {
    let part = part.strip_prefix('.').unwrap_or(part).to_ascii_lowercase();
    let (place, word) = PRE_RELEASES.iter().enumerate().find(|(_, word)| part.starts_with(*word))?;
    let number = match part[word.len()..].trim_start_matches('.') {
        "" => next?,
        number => number,
    };
    let (numbers, rest) = leading_numbers(number)?;
    rest.is_empty().then_some((place, numbers))
}

/// A tag that names a version.
#[derive(Debug)]
pub(super) struct Named {
    /// The number of the tag.
    pub(super) tag: usize,
    pub(super) version: Version,
    /// Whether it may be one of the highest: it is looked at, and has an age.
    pub(super) counts: bool,
}

/// The tags of the `count` highest versions of each group. A tag such as `1.27` that covers another version is none
/// itself. Tags of one version are one.
pub(super) fn highest(named: &[Named], count: usize) -> Vec<usize> {
    let covering: HashSet<(&str, &[u64])> = named.iter().flat_map(|one| one.version.prefixes()).collect();
    let mut groups: BTreeMap<&str, Vec<&Named>> = BTreeMap::new();
    for one in named.iter().filter(|one| one.counts && !one.version.is_one_of(&covering)) {
        groups.entry(&one.version.group).or_default().push(one);
    }
    let mut highest = Vec::new();
    for group in groups.values_mut() {
        group.sort_by(|one, other| other.version.order(&one.version));
        let versions = group.chunk_by(|one, other| one.version.order(&other.version).is_eq());
        highest.extend(versions.take(count).flatten().map(|one| one.tag));
    }
    highest
}

/// The tags that cover a version of which `stays` says that it stays.
pub(super) fn covering(named: &[Named], stays: impl Fn(usize) -> bool) -> Vec<usize> {
    let covered: HashSet<(&str, &[u64])> =
        named.iter().filter(|one| stays(one.tag)).flat_map(|one| one.version.prefixes()).collect();
    named.iter().filter(|one| one.version.is_one_of(&covered)).map(|one| one.tag).collect()
}
