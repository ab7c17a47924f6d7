//! Judges a manifest on its own: what it says, and what is wrong with that in every repository.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

use super::content::{self, Stored};
use super::joined::NAMED;
use crate::count;
use crate::digest::{CompactDigest, Digest, Hasher};
use crate::error::{Refusal, Result};
use crate::finding::{Code, Harm};
use crate::layout::{Entry, TreePath};
use crate::manifest::{
    Anything, Embedded, Kind, MAX_PUT, MAX_READ, Manifest, Oddity, Reason, Reference, Role, check, decode,
};
use crate::tree::Tree;

/// The longest manifest that is read into a buffer which is reused.
pub(crate) const USUAL: usize = 64 * 1024;

/// A manifest that was read.
pub(crate) enum Read {
    /// Its content matches its digest.
    Right(Arc<ManifestForm>),
    /// Its content does not match, or can't be read.
    Wrong(Box<Stored>),
}

impl Read {
    /// See [`ManifestForm::shortened`].
    pub(crate) fn shortened(self, is_nowhere: impl Fn(&Digest) -> bool) -> Self {
        match self {
            Self::Right(form) => Self::Right(match Arc::try_unwrap(form) {
                Ok(form) => Arc::new(form.shortened(is_nowhere)),
                Err(shared) => shared,
            }),
            wrong @ Self::Wrong(_) => wrong,
        }
    }

    /// The tree remembers that the manifest can't be read.
    pub(crate) fn noted(self, tree: &Tree, path: &TreePath) -> Self {
        if let Self::Wrong(stored) = &self
            && let Stored::Unreadable(reason) = &**stored
        {
            tree.note_unread(path, std::io::Error::other(reason.clone()));
        }
        self
    }
}

impl From<Stored> for Read {
    fn from(stored: Stored) -> Self {
        Self::Wrong(Box::new(stored))
    }
}

/// Reads one manifest in its place.
pub(crate) fn read_one(tree: &Tree, digest: &Digest) -> Read {
    read_in_turn(tree, digest, &Mutex::new(()))
}

/// Reads one manifest of several, with the lock of [`read`].
pub(super) fn read_in_turn(tree: &Tree, digest: &Digest, large: &Mutex<()>) -> Read {
    let path = Entry::Blob(*digest).path();
    read(tree.open_file(&path), digest, &mut Vec::new(), large).noted(tree, &path)
}

/// Reads an opened manifest into `buffer`. Only one manifest that is larger than registries serve is in memory at a
/// time; the lock `large` ensures that.
pub(crate) fn read(opened: Result<Option<File>>, digest: &Digest, buffer: &mut Vec<u8>, large: &Mutex<()>) -> Read {
    match opened {
        Ok(Some(file)) => {
            read_file(&file, digest, buffer, large).unwrap_or_else(|error| Stored::Unreadable(error.to_string()).into())
        }
        Ok(None) => Stored::Missing.into(),
        Err(error) => Stored::Unreadable(content::reason(&error)).into(),
    }
}

fn read_file(file: &File, digest: &Digest, buffer: &mut Vec<u8>, large: &Mutex<()>) -> std::io::Result<Read> {
    let mut hasher = Hasher::new(digest.algorithm());
    buffer.clear();
    file.take(MAX_PUT as u64 + 1).read_to_end(buffer)?;
    hasher.update(buffer);
    let is_large = buffer.len() > MAX_PUT;
    let _turn = is_large.then(|| large.lock().unwrap_or_else(PoisonError::into_inner));
    if is_large {
        file.take((MAX_READ - MAX_PUT) as u64).read_to_end(buffer)?;
        hasher.update(&buffer[MAX_PUT + 1..]);
        hash_rest(file, &mut hasher)?;
    }
    let read = match content::verdict(digest, &hasher.finish()) {
        Stored::Right if buffer.len() > MAX_READ => {
            Read::Right(Arc::new(ManifestForm::too_large(file.metadata()?.len())))
        }
        Stored::Right => Read::Right(Arc::new(ManifestForm::read(buffer))),
        stored => by_its_end(stored, buffer).into(),
    };
    if buffer.len() > USUAL {
        *buffer = Vec::with_capacity(USUAL);
    }
    Ok(read)
}

/// Hashes the rest of a file that is too long to be read as a manifest.
fn hash_rest(mut file: &File, hasher: &mut Hasher) -> std::io::Result<()> {
    let mut piece = vec![0; USUAL];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            length => hasher.update(&piece[..length]),
        }
    }
}

/// Calls corrupt content truncated if it is a manifest whose end is missing. This needs no descriptor.
fn by_its_end(stored: Stored, bytes: &[u8]) -> Stored {
    match stored {
        Stored::Corrupt { found, size }
            if Manifest::read(bytes).is_err_and(|fault| fault.reason == Reason::Truncated) =>
        {
            Stored::Truncated { found, size, expected: None }
        }
        stored => stored,
    }
}

/// What is kept of a manifest that was read.
pub(crate) struct ManifestForm {
    pub(crate) kind: Kind,
    /// Where the first platform is that registries 2.x can't read, in bytes from the start.
    pub(crate) odd_features: Option<usize>,
    pub(crate) problems: Box<[Problem]>,
    pub(crate) parts: Box<[Part]>,
    /// The manifest that it is about, as its `subject` field says.
    pub(crate) subject: Option<Box<Part>>,
    /// The digests that occur in it, and of which it is unknown whether they are references.
    pub(crate) mentions: Box<[Part]>,
    /// Whether its kind is unknown, so that what it mentions is all that is known of its references.
    pub(crate) is_unknown: bool,
    /// Whether its references are not known at all.
    pub(crate) is_opaque: bool,
    /// What was left out of it.
    pub(crate) left_out: LeftOut,
}

/// How many references of a manifest are not kept, because there is nothing of what they name. More that are like them
/// are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) parts: u64,
    pub(crate) children: u64,
    pub(crate) mentions: u64,
}

/// Something that is wrong with a manifest on its own.
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) harm: Harm,
    pub(crate) message: String,
}

/// Something that a manifest references.
pub(crate) struct Part {
    pub(crate) role: Role,
    digest: CompactDigest,
    /// In bytes; 0 if the manifest does not say it.
    size: i64,
    pub(crate) sized: Sizing,
    /// Whether the manifest embeds the content.
    pub(crate) is_embedded: bool,
    /// Whether it may be in another place than the registry: its descriptor has `urls`.
    pub(crate) elsewhere: bool,
    /// What its media type says. Build caches list layers among the children, so a child need not be a manifest.
    pub(crate) media_type: MediaType,
    /// The platform of a child.
    pub(crate) platform: Option<Box<str>>,
}

/// Whether a descriptor says a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sizing {
    Said,
    /// It does not, and every client reads that as 0.
    Omitted,
    /// It has no size: it is a layer of schema1, or is only mentioned.
    Never,
}

/// What the media type in a descriptor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// There is none.
    Absent,
    Manifest(Kind),
    /// That of no manifest which registries know.
    Other,
}

impl MediaType {
    fn of(reference: &Reference) -> Self {
        match reference.media_type.as_deref() {
            None | Some("") => Self::Absent,
            Some(text) => Kind::from_content_type(text).map_or(Self::Other, Self::Manifest),
        }
    }
}

impl Part {
    /// The digest of what is referenced.
    pub(crate) fn digest(&self) -> Digest {
        self.digest.get()
    }

    /// The size in bytes that clients expect.
    pub(crate) fn size(&self) -> Option<i64> {
        (self.sized != Sizing::Never).then_some(self.size)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.digest())
    }
}

impl ManifestForm {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let manifest = match Manifest::read(bytes) {
            Ok(manifest) => manifest,
            Err(fault) => {
                let problem = Problem::error(Code::ManifestInvalid, format!("it is not a manifest: {fault}"));
                return Self::opaque(problem);
            }
        };
        let part = |reference: &Reference| {
            let (role, elsewhere) = (reference.role, reference.is_elsewhere());
            let has_size = manifest.kind != Kind::Schema1 && role != Role::Mention;
            let sized = match reference.size {
                Some(_) => Sizing::Said,
                None if has_size => Sizing::Omitted,
                None => Sizing::Never,
            };
            let size = reference.size.unwrap_or_default();
            let is_embedded = reference.embedded == Some(Embedded::Right);
            let media_type = MediaType::of(reference);
            let platform = reference.platform.as_ref().filter(|platform| !platform.architecture.is_empty());
            let platform = platform.map(|platform| platform.to_string().into());
            let digest = reference.digest.ok()?.into();
            Some(Part { role, digest, size, sized, is_embedded, elsewhere, media_type, platform })
        };
        let mentions = manifest.mentioned.iter().map(|digest| Reference::mention(*digest));
        Self {
            kind: manifest.kind,
            odd_features: manifest.odd_features,
            problems: problems(bytes, &manifest).into(),
            parts: manifest.references.iter().filter_map(part).collect(),
            subject: manifest.subject.as_ref().and_then(part).map(Box::new),
            mentions: mentions.filter_map(|mention| part(&mention)).collect(),
            is_unknown: manifest.kind == Kind::Unknown,
            is_opaque: false,
            left_out: LeftOut::default(),
        }
    }

    /// Keeps only a few of the references to what `is_nowhere`, and none of those that may be in another place: a push
    /// may name tens of thousands.
    pub(crate) fn shortened(mut self, is_nowhere: impl Fn(&Digest) -> bool) -> Self {
        let (mut parts, mut children, mut mentions) = (HashSet::new(), HashSet::new(), HashSet::new());
        self.parts = Vec::from(self.parts)
            .into_iter()
            .filter(|part| {
                let (seen, count) = match part.role {
                    Role::Child => (&mut children, &mut self.left_out.children),
                    _ => (&mut parts, &mut self.left_out.parts),
                };
                !is_nowhere(&part.digest())
                    || (part.role == Role::Child || !part.elsewhere) && is_kept(part, seen, count)
            })
            .collect();
        self.mentions = Vec::from(self.mentions)
            .into_iter()
            .filter(|mention| {
                !is_nowhere(&mention.digest()) || is_kept(mention, &mut mentions, &mut self.left_out.mentions)
            })
            .collect();
        self
    }

    /// The parts that distinguish the manifest from others: its children, or its config. The config `{}` does not
    /// count: manifests that are no images share it.
    pub(crate) fn marks(&self) -> impl Iterator<Item = &Part> {
        let nothing = Digest::of(b"{}");
        let is_own =
            move |part: &&Part| part.role == Role::Child || part.role == Role::Config && part.digest() != nothing;
        self.parts.iter().filter(is_own)
    }

    /// The form of a manifest that is too large to be read.
    pub(crate) fn too_large(size: u64) -> Self {
        let size = count::bytes(size);
        let message = format!("it has {size}: no registry from 2.7 on serves it, and what it references is not known");
        let problem = Problem::error(Code::ManifestTooLarge, message);
        Self::opaque(problem)
    }

    fn opaque(problem: Problem) -> Self {
        Self {
            kind: Kind::Unknown,
            odd_features: None,
            problems: Box::new([problem]),
            parts: Box::default(),
            subject: None,
            mentions: Box::default(),
            is_unknown: true,
            is_opaque: true,
            left_out: LeftOut::default(),
        }
    }
}

/// Whether a reference to something that is nowhere is one of the first of its kind. The others are counted.
fn is_kept(part: &Part, seen: &mut HashSet<Digest>, left_out: &mut u64) -> bool {
    let is_new = seen.insert(part.digest());
    let is_kept = is_new && seen.len() <= NAMED;
    *left_out += u64::from(is_new && !is_kept);
    is_kept
}

impl Problem {
    fn error(code: Code, message: String) -> Self {
        Self { code, harm: Harm::Certain, message }
    }

    fn warning(code: Code, message: String) -> Self {
        Self { code, harm: Harm::Possible, message }
    }
}

fn problems(bytes: &[u8], manifest: &Manifest) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut undecodable = false;
    for sighting in &manifest.oddities {
        let places = if sighting.count == 1 { String::new() } else { format!(" in {} places", sighting.count) };
        let at = format!("{}{places}, first at byte {}", sighting.oddity, sighting.offset);
        match sighting.oddity {
            Oddity::DuplicateKey | Oddity::DifferentlyCasedKey | Oddity::AmbiguousKind => {
                problems.push(Problem::warning(Code::ManifestAmbiguous, format!("readers may differ: {at}")));
            }
            Oddity::DeepNesting => {
                undecodable = true;
                problems.push(Problem::warning(Code::ManifestDeep, format!("no registry reads it: {at}")));
            }
            Oddity::Oversized => {
                undecodable = true;
                let message = format!("no registry from 2.7 on serves its {}", count::plural(bytes.len(), "byte"));
                problems.push(Problem::warning(Code::ManifestTooLarge, message));
            }
            // These are refusals of a registry, which are reported below.
            Oddity::MalformedDigest | Oddity::UnsupportedAlgorithm | Oddity::WrongType => {}
            _ => problems.push(Problem::warning(Code::ManifestOdd, at)),
        }
    }
    problems.extend(wrong_data(manifest));
    if manifest.kind == Kind::Unknown {
        let named = manifest.media_type.as_deref().unwrap_or("nothing");
        let message = format!("no registry knows this kind; it calls itself {named}");
        problems.push(Problem::warning(Code::ManifestUnknownKind, message));
    } else if !undecodable {
        problems.extend(few(refusals(bytes, manifest)));
    }
    problems
}

/// What is wrong with the content that descriptors embed. A client may take it without asking the registry.
fn wrong_data(manifest: &Manifest) -> Option<Problem> {
    let references = manifest.references.iter().chain(&manifest.subject);
    let mut wrong = references.filter(|reference| reference.embedded == Some(Embedded::Wrong));
    let first = wrong.next()?;
    let more = match wrong.count() {
        0 => String::new(),
        more => format!(", and so is that of {}", count::plural(more, "other descriptor")),
    };
    let message = format!("the data of {} {} is not what its digest and size say{more}", first.role, first.text);
    Some(Problem::warning(Code::ReferenceDataMismatch, message))
}

/// The problems, or the first one with the number of the others where they are many.
fn few(mut problems: Vec<Problem>) -> Vec<Problem> {
    let more = problems.len().saturating_sub(1);
    if more < NAMED {
        return problems;
    }
    problems.truncate(1);
    problems
        .into_iter()
        .map(|first| Problem { message: format!("{}; and {more} more reasons", first.message), ..first })
        .collect()
}

/// The reasons for which a registry would refuse the manifest.
fn refusals(bytes: &[u8], manifest: &Manifest) -> Vec<Problem> {
    let refusals = match decode(bytes, manifest.kind.media_type()) {
        Ok(decoded) => check(&decoded, None, &Anything).unwrap_or_default(),
        Err(refusal) => vec![refusal],
    };
    // The first registries named layers by tarsums, and served them.
    let is_tarsum = |text: &str| text.parse().is_ok_and(|digest: Digest| digest.is_tarsum());
    let counts = |refusal: &&Refusal| !refusal.digest.as_deref().is_some_and(is_tarsum);
    refusals.iter().filter(counts).map(|refusal| Problem::error(Code::ManifestInvalid, refusal.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A large tree has a million of each.
    #[test]
    fn what_is_kept_of_a_manifest_is_small() {
        assert!(size_of::<Part>() <= 72);
        assert!(size_of::<Read>() <= 16);
    }
}
