//! Gives each digest an id of four bytes, so that a graph of millions fits in memory.
//!
//! The sha256 blobs of the tree have the first ids, in order, and take 32 bytes each. All other digests follow: other
//! blobs, content that is missing, aliases, tarsums.

use std::collections::HashMap;

use crate::digest::Digest;

/// The id of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DigestId(u32);

impl DigestId {
    /// The id as an index.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every known digest, with its id.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    /// The hashes of the tree's sha256 blobs, sorted.
    blobs: Vec<[u8; 32]>,
    /// For each value of a hash's first two bytes, where such hashes begin in `blobs`; and one more for the end.
    begins: Vec<u32>,
    /// Blobs with other digests, as the alphas have them.
    others: Vec<Digest>,
    extras: Vec<Digest>,
    by_digest: HashMap<Digest, DigestId>,
}

impl Digests {
    /// The digests of a tree's blobs, which may come in any order.
    pub(crate) fn of_blobs(mut blobs: Vec<[u8; 32]>, others: Vec<Digest>) -> Self {
        blobs.sort_unstable();
        blobs.dedup();
        let mut begins = vec![0_u32; (1 << 16) + 1];
        for blob in &blobs {
            begins[usize::from(u16::from_be_bytes([blob[0], blob[1]])) + 1] += 1;
        }
        for i in 1..begins.len() {
            begins[i] += begins[i - 1];
        }
        let mut names = Self { blobs, begins, others: Vec::new(), extras: Vec::new(), by_digest: HashMap::new() };
        for digest in others {
            names.add(digest);
        }
        names.others.clone_from(&names.extras);
        names
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.blobs.len() + self.extras.len()
    }

    /// How many of them are blobs of the tree.
    pub(crate) fn blob_count(&self) -> usize {
        self.blobs.len() + self.others.len()
    }

    /// The tree's blobs.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = DigestId> + use<> {
        // Blobs with other digests were added first.
        (0..u32::try_from(self.blob_count()).unwrap_or(u32::MAX)).map(DigestId)
    }

    /// Whether the tree has content with this digest.
    pub(crate) fn is_blob(&self, name: DigestId) -> bool {
        name.index() < self.blob_count()
    }

    /// The digest with this id.
    pub(crate) fn digest(&self, name: DigestId) -> Digest {
        match self.blobs.get(name.index()) {
            Some(hash) => Digest::from_sha256(*hash),
            None => self.extras[name.index() - self.blobs.len()],
        }
    }

    /// The id of a digest, if it has one.
    pub(crate) fn find(&self, digest: &Digest) -> Option<DigestId> {
        let found = digest.sha256().and_then(|hash| self.find_hash(&hash));
        found.or_else(|| self.by_digest.get(digest).copied())
    }

    /// The ids of the digests that begin with `text`.
    pub(crate) fn beginning_with(&self, text: &str) -> Vec<DigestId> {
        if let Ok(digest) = text.parse() {
            return self.find(&digest).into_iter().collect();
        }
        let begins = |(_, digest): &(usize, &Digest)| digest.to_string().starts_with(text);
        let found = self.extras.iter().enumerate().filter(begins);
        found.map(|(at, _)| number(self.blobs.len() + at)).collect()
    }

    pub(super) fn find_hash(&self, hash: &[u8; 32]) -> Option<DigestId> {
        let at = usize::from(u16::from_be_bytes([hash[0], hash[1]]));
        let (begin, end) = (*self.begins.get(at)? as usize, self.begins[at + 1] as usize);
        let found = self.blobs[begin..end].binary_search(hash).ok()?;
        Some(number(begin + found))
    }

    /// The id of a digest, which gets one if it has none.
    pub(super) fn add(&mut self, digest: Digest) -> DigestId {
        if let Some(name) = self.find(&digest) {
            return name;
        }
        let name = number(self.len());
        self.extras.push(digest);
        self.by_digest.insert(digest, name);
        name
    }
}

/// The ids of those of `digests` that have one.
///
/// All content that the tree has or links has an id, so no other content can be kept or removed. What a manifest names
/// beyond that is not remembered: one push may name any amount of it.
pub(super) fn known(names: &Digests, digests: impl Iterator<Item = Digest>) -> Vec<DigestId> {
    let mut known: Vec<DigestId> = digests.filter_map(|digest| names.find(&digest)).collect();
    known.shrink_to_fit();
    known
}

/// The ids of digests, four bytes each. The few digests without an id are kept aside until they get one.
#[derive(Default)]
pub(super) struct LookedUp {
    names: Vec<DigestId>,
    /// Digests without an id, with their places in `names`.
    strangers: Vec<(usize, Digest)>,
}

impl LookedUp {
    pub(super) fn of(names: &Digests, digests: impl Iterator<Item = Digest>) -> Self {
        let mut looked_up = Self::default();
        for digest in digests {
            let name = names.find(&digest).unwrap_or_else(|| {
                looked_up.strangers.push((looked_up.names.len(), digest));
                DigestId(u32::MAX)
            });
            looked_up.names.push(name);
        }
        looked_up.names.shrink_to_fit();
        looked_up
    }

    /// Gives an id to each digest that has none.
    pub(super) fn named(mut self, names: &mut Digests) -> Vec<DigestId> {
        for (at, digest) in self.strangers {
            self.names[at] = names.add(digest);
        }
        self.names
    }
}

fn number(index: usize) -> DigestId {
    // A machine that scans more than 4 billion digests would run out of memory first.
    DigestId(u32::try_from(index).expect("fewer than 2^32 digests"))
}

/// A set of digests.
#[derive(Clone, Debug, Default)]
pub(crate) struct DigestSet {
    bits: Vec<u64>,
}

impl DigestSet {
    /// An empty set with room for all of `names`.
    pub(crate) fn new(names: &Digests) -> Self {
        Self { bits: vec![0; names.len().div_ceil(64)] }
    }

    /// Adds a digest. Returns `false` when it was there already.
    pub(crate) fn insert(&mut self, name: DigestId) -> bool {
        let (word, bit) = (name.index() / 64, 1 << (name.index() % 64));
        let new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        new
    }

    /// Whether the set contains a digest.
    pub(crate) fn contains(&self, name: DigestId) -> bool {
        self.bits.get(name.index() / 64).is_some_and(|word| word & 1 << (name.index() % 64) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_that_is_named_twice_counts_once() {
        let tarsum: Digest = format!("tarsum+{}", Digest::of(b"a")).parse().expect("a tarsum");
        let hash = Digest::of(b"b").sha256().expect("a SHA-256");
        let names = Digests::of_blobs(vec![hash, hash], vec![tarsum, tarsum]);
        let blobs: Vec<Digest> = names.blobs().map(|name| names.digest(name)).collect();
        assert_eq!(blobs, [Digest::of(b"b"), tarsum]);
    }

    #[test]
    fn a_digest_is_found_by_its_name_and_the_reverse() {
        let digests: Vec<Digest> = (0..2000_u32).map(|i| Digest::of(&i.to_be_bytes())).collect();
        let (there, gone) = digests.split_at(1500);
        let mut names = Digests::of_blobs(there.iter().filter_map(Digest::sha256).collect(), Vec::new());
        assert_eq!((names.len(), names.blob_count()), (1500, 1500));
        for digest in there {
            assert_eq!(names.find(digest).map(|name| names.digest(name)), Some(*digest));
        }
        assert!(gone.iter().all(|digest| names.find(digest).is_none()));
        let name = names.add(gone[7]);
        assert_eq!((names.digest(name), names.is_blob(name), names.add(gone[7])), (gone[7], false, name));
        let mut set = DigestSet::new(&names);
        assert!(set.insert(name) && !set.insert(name) && set.contains(name));
        assert!(!set.contains(names.add(there[0])));
    }
}
