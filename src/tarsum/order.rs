//! Sorts the hashes of entries: by their text, but those of one file as they are in the archive.
//!
//! That is no order where the hash of another entry is between two of one file whose hashes are the other way round.
//! Then the result is that of Go's sort of the day, which is known for few entries only.

use sha2::{Digest, Sha256};

use super::Version;

/// So many elements Go sorted by insertion in every version, and no other way.
const ALWAYS_INSERTED: usize = 6;
/// So many it sorted by insertion in some versions.
const INSERTED: usize = 12;

/// What is remembered of the name of an entry.
#[derive(Clone, Copy)]
pub(super) struct Name {
    /// Of the name as programs since 2018 clean it, which makes the most names alike.
    cleaned: [u8; 16],
    /// Of the name as programs of 2014 cut it.
    cut: [u8; 16],
}

impl Name {
    pub(super) fn of(name: &[u8]) -> Self {
        let cut = name.strip_prefix(b"./").unwrap_or(name);
        let cut = cut.strip_suffix(b"/").unwrap_or(cut);
        Self { cleaned: key(&cleaned(name)), cut: key(cut) }
    }
}

/// The first half of a SHA-256, which no two names share.
fn key(name: &[u8]) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(name).into();
    let (first, _) = hash.split_at(16);
    first.try_into().unwrap_or_default()
}

/// A path below the root, without what changes nothing.
fn cleaned(name: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join(&b'/')
}

/// The orders in which a program may have sorted these hashes, the likeliest first, and whether there may be others.
pub(super) fn orders<S: Ord>(names: &[Name], sums: &[S], version: Version) -> (Vec<Vec<usize>>, bool) {
    let by_sum = |entries: &mut Vec<usize>| entries.sort_by_key(|at| &sums[*at]);
    let mut plain: Vec<usize> = (0..sums.len()).collect();
    by_sum(&mut plain);
    let files = repeated(names);
    if files.is_empty() {
        return (vec![plain], false);
    }
    let mut place = vec![0; sums.len()];
    for (position, at) in plain.iter().enumerate() {
        place[*at] = position;
    }
    let (mut sorted, mut is_open) = (plain.clone(), false);
    for file in &files {
        let mut places: Vec<usize> = file.iter().map(|at| place[*at]).collect();
        if places.is_sorted() {
            continue;
        }
        places.sort_unstable();
        let is_together = places.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let is_one = file.windows(2).all(|pair| names[pair[0]].cut == names[pair[1]].cut);
        is_open |= !is_one || !is_together && sums.len() > ALWAYS_INSERTED;
        if is_together {
            places.iter().zip(file).for_each(|(position, at)| sorted[*position] = *at);
        }
    }
    if sums.len() <= INSERTED {
        sorted = inserted(names, sums);
    }
    let mut orders = vec![sorted];
    if is_open {
        orders.push(plain);
    }
    // Before September 2014 the sums were kept by name, so of each file only the last counted.
    if version != Version::V1 {
        let mut counts = vec![true; sums.len()];
        for file in &files {
            file[..file.len() - 1].iter().for_each(|at| counts[*at] = false);
        }
        let mut last: Vec<usize> = (0..sums.len()).filter(|at| counts[*at]).collect();
        by_sum(&mut last);
        orders.push(last);
    }
    (orders, is_open)
}

/// The entries of each file that has several, in the order of the archive.
fn repeated(names: &[Name]) -> Vec<Vec<usize>> {
    let mut by_name: Vec<usize> = (0..names.len()).collect();
    by_name.sort_by_key(|at| names[*at].cleaned);
    let same = by_name.chunk_by(|one, other| names[*one].cleaned == names[*other].cleaned);
    same.filter(|entries| entries.len() > 1).map(<[usize]>::to_vec).collect()
}

/// Go's insertion sort.
fn inserted<S: Ord>(names: &[Name], sums: &[S]) -> Vec<usize> {
    let is_less = |one: usize, other: usize| {
        if names[one].cleaned == names[other].cleaned { one < other } else { sums[one] < sums[other] }
    };
    let mut sorted: Vec<usize> = (0..sums.len()).collect();
    for end in 1..sorted.len() {
        let mut at = end;
        while at > 0 && is_less(sorted[at], sorted[at - 1]) {
            sorted.swap(at, at - 1);
            at -= 1;
        }
    }
    sorted
}
