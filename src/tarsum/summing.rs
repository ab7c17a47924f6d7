//! Hashes entries in all readings at once.

use sha2::Digest;
use sha2::digest::Output;

use super::header::{Entry, Text};
use super::order::{self, Name};
use super::{Reading, Reason, Sums, Version};

/// The most hashes of entries that are remembered, over all readings: 128 MiB of SHA-256 and names.
pub(super) const MAX_SUMS: usize = 2 * 1024 * 1024;

/// The sums of the entries so far.
pub(super) struct Summing<H: Digest> {
    version: Version,
    lines: Vec<Line<H>>,
    names: Vec<Name>,
    /// The most hashes that are remembered.
    room: usize,
}

/// Readings that agreed on all entries so far.
struct Line<H: Digest> {
    readings: Vec<Reading>,
    sums: Vec<Output<H>>,
    /// The entry that is being hashed, and whether its content counts.
    entry: Option<(H, bool)>,
}

impl<H: Digest> Summing<H> {
    pub(super) fn new(version: Version) -> Self {
        Self::with_room(version, MAX_SUMS)
    }

    /// The sums of no entries yet, with room for so many hashes.
    pub(super) fn with_room(version: Version, room: usize) -> Self {
        let line = Line { readings: Reading::ALL.to_vec(), sums: Vec::new(), entry: None };
        Self { version, lines: vec![line], names: Vec::new(), room }
    }

    /// Begins an entry. `Err` when it can be read in no way that the entries before could.
    pub(super) fn begin(&mut self, entry: &Entry<'_>) -> Result<(), Reason> {
        if self.lines.iter().map(|line| line.sums.len() + 1).sum::<usize>() > self.room {
            return Err(Reason::Many);
        }
        let (mut lines, mut failure) = (Vec::new(), None);
        for Line { readings, sums, .. } in std::mem::take(&mut self.lines) {
            let mut forks: Vec<(Text, Vec<Reading>)> = Vec::new();
            for reading in readings {
                match entry.text(self.version, reading) {
                    Ok(text) => match forks.iter_mut().find(|(other, _)| *other == text) {
                        Some((_, readings)) => readings.push(reading),
                        None => forks.push((text, vec![reading])),
                    },
                    Err(reason) => failure = Some(reason),
                }
            }
            let last = forks.len().saturating_sub(1);
            let mut sums = Some(sums);
            for (at, (text, readings)) in forks.into_iter().enumerate() {
                let sums = if at == last { sums.take() } else { sums.clone() };
                let entry = Some((H::new_with_prefix(&text.fields), text.has_content));
                lines.push(Line { readings, sums: sums.unwrap_or_default(), entry });
            }
        }
        self.lines = lines;
        match (self.lines.first(), failure) {
            (None, Some(reason)) => return Err(reason),
            (Some(first), _) => self.names.push(Name::of(&entry.name(first.readings[0].modern))),
            (None, None) => {}
        }
        Ok(())
    }

    /// Takes in content of the entry.
    pub(super) fn content(&mut self, bytes: &[u8]) {
        for (hash, _) in self.lines.iter_mut().filter_map(|line| line.entry.as_mut()).filter(|(_, counts)| *counts) {
            hash.update(bytes);
        }
    }

    /// Ends the entry.
    pub(super) fn end(&mut self) {
        for line in &mut self.lines {
            line.sums.extend(line.entry.take().map(|(hash, _)| hash.finalize()));
        }
    }

    /// The sums of the archive.
    pub(super) fn finish(self) -> Sums {
        let mut sums = Sums { all: Vec::new(), is_open: false };
        for line in &self.lines {
            let (orders, is_open) = order::orders(&self.names, &line.sums, self.version);
            sums.is_open |= is_open;
            for order in orders {
                let sum = total::<H>(order.iter().map(|at| &line.sums[*at]));
                if !sums.all.contains(&sum) {
                    sums.all.push(sum);
                }
            }
        }
        sums
    }
}

/// The hash of hashes, in hex.
fn total<'s, H: Digest + 's>(sums: impl Iterator<Item = &'s Output<H>>) -> Vec<u8>
where
    Output<H>: 's,
{
    let mut total = H::new();
    for sum in sums {
        total.update(hex::encode(sum));
    }
    total.finalize().to_vec()
}
