//! Stores a manifest, with the registry's checks, and writes what a registry writes, in its order.

use serde::Serialize;

use super::schema1::{self, SignatureVerdict, Signed};
use super::{Anything, Kind, Manifest, Presence, check, decode};
use crate::blob::{self, Outcome};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::durable::{Staged, Sync, Writer};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::layout::{Entry, Form, Item, Place, TreePath};
use crate::name::{RepositoryName, Tag};
use crate::repository::{Repository, find, revision};
use crate::stream::Watch;
use crate::tag;
use crate::tree::{Tree, digests};

/// How to store a manifest.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Put<'a> {
    /// The name of the source in errors.
    pub source_name: &'a str,
    /// The tags to point to it.
    pub tags: &'a [Tag],
    /// The digest that it must have.
    pub digest: Option<Digest>,
    /// Its media type, if the content does not say.
    pub media_type: Option<&'a str>,
    /// Whether to store it even if what it references is missing.
    pub skip_references: bool,
    /// Whether to store the signatures of schema1 as registries up to 2.4 do. In a tree that already has some they are
    /// always stored, because such a registry serves it.
    pub keep_signatures: bool,
}

/// A manifest that was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stored {
    /// The media type, the size and the digest.
    #[serde(flatten)]
    pub descriptor: Descriptor,
    /// Whether the content was new.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The signatures stored next to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Digest>,
    /// How many of the document's signatures were not verified: all of them without the feature `schema1-signatures`.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_verified: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The bytes to store, and what they say.
struct Document {
    payload: Vec<u8>,
    manifest: Manifest,
    signed: Option<Signed>,
    verdicts: Vec<SignatureVerdict>,
}

impl<'a> Put<'a> {
    /// A put without tags, from a source that errors call `source_name`.
    pub fn new(source_name: &'a str) -> Self {
        let (tags, digest, media_type) = (&[][..], None, None);
        Self { source_name, tags, digest, media_type, skip_references: false, keep_signatures: false }
    }

    /// Stores `bytes` in `repository`, which need not exist, and points the tags to the manifest.
    ///
    /// `Err(ManifestInvalid)` has every reason for which a registry would refuse it, in the registry's order (layout.md
    /// §5.3 as in 2.8, §5.4 as in 3.x). `Err(DigestMismatch)` when its digest is not `digest`. Nothing is stored then.
    pub fn store(&self, writer: &Writer<'_>, name: &RepositoryName, bytes: Vec<u8>) -> Result<Stored> {
        let repository = Repository::new(writer.tree(), name.clone());
        let refused =
            |refusals| Error::ManifestInvalid { what: self.source_name.to_owned(), repository: name.clone(), refusals };
        let document = self.open(bytes).map_err(|refusal| refused(vec![refusal]))?;
        let digest = Digest::of(&document.payload);
        self.check_digest(name, digest, document.payload.len() as u64)?;
        let refusals = self.refusals(&repository, &document)?;
        if !refusals.is_empty() {
            return Err(refused(refusals));
        }
        let signatures = match &document.signed {
            Some(signed) if self.keep_signatures || keeps_signatures(writer.tree())? => signed.signatures(),
            _ => &[],
        };
        let signatures: Vec<Vec<u8>> = signatures.iter().map(schema1::Signature::stored).collect();
        let (payload, signatures, tags) = (&*document.payload, &*signatures, self.tags);
        let outcome = Written { writer, repository: name, digest, payload, signatures, tags }.write()?;
        let media_type = document.manifest.kind.media_type().unwrap_or(crate::descriptor::OCTET_STREAM);
        let descriptor = Descriptor { media_type, size: document.payload.len() as u64, digest };
        let mut signatures: Vec<Digest> = signatures.iter().map(|signature| Digest::of(signature)).collect();
        signatures.sort();
        signatures.dedup();
        let not_verified = document.verdicts.iter().filter(|verdict| !verdict.was_checked()).count();
        Ok(Stored { descriptor, outcome, signatures, not_verified })
    }

    /// Stores a manifest as a tree has it: of a signed schema1, the payload and the stored signatures, which are not
    /// verified again. The checks and errors are those of [`Put::store`].
    pub(crate) fn store_payload(
        &self,
        writer: &Writer<'_>,
        name: &RepositoryName,
        payload: &[u8],
        signatures: &[Vec<u8>],
    ) -> Result<Stored> {
        let repository = Repository::new(writer.tree(), name.clone());
        let refused =
            |refusals| Error::ManifestInvalid { what: self.source_name.to_owned(), repository: name.clone(), refusals };
        let manifest = decode(payload, self.media_type).map_err(|refusal| refused(vec![refusal]))?;
        let (digest, size) = (Digest::of(payload), payload.len() as u64);
        self.check_digest(name, digest, size)?;
        let refusals = if self.skip_references {
            check(&manifest, None, &Anything)?
        } else {
            check(&manifest, None, &repository)?
        };
        if !refusals.is_empty() {
            return Err(refused(refusals));
        }
        let outcome = Written { writer, repository: name, digest, payload, signatures, tags: self.tags }.write()?;
        let media_type = manifest.kind.media_type().unwrap_or(crate::descriptor::OCTET_STREAM);
        let descriptor = Descriptor { media_type, size, digest };
        let signatures = signatures.iter().map(|signature| Digest::of(signature)).collect();
        Ok(Stored { descriptor, outcome, signatures, not_verified: 0 })
    }

    /// Reads the document. Of a signed one, only the payload counts.
    fn open(&self, bytes: Vec<u8>) -> Result<Document, Refusal> {
        let is_schema1 = match self.media_type {
            Some(media_type) => Kind::from_content_type(media_type) == Some(Kind::Schema1),
            None => Manifest::read(&bytes).is_ok_and(|manifest| manifest.kind == Kind::Schema1),
        };
        if !is_schema1 || bytes.len() > super::MAX_PUT {
            let manifest = decode(&bytes, self.media_type)?;
            return Ok(Document { payload: bytes, manifest, signed: None, verdicts: Vec::new() });
        }
        let signed = schema1::parse(&bytes).map_err(|error| Refusal::of_signature(&error))?;
        let manifest = decode(signed.payload(), Kind::Schema1.media_type())?;
        let verdicts = signed.verify();
        Ok(Document { payload: signed.payload().to_vec(), manifest, signed: Some(signed), verdicts })
    }

    fn check_digest(&self, repository: &RepositoryName, found: Digest, size: u64) -> Result<()> {
        let (what, repository) = (self.source_name.to_owned(), repository.clone());
        match self.digest {
            Some(expected) if expected != found => {
                Err(Error::DigestMismatch { what, repository, expected, found, size })
            }
            _ => Ok(()),
        }
    }

    fn refusals(&self, repository: &Repository<'_>, document: &Document) -> Result<Vec<Refusal>> {
        let mut checked = document.verdicts.iter().filter(|verdict| verdict.was_checked());
        let signature = checked.find_map(SignatureVerdict::error);
        let signature = signature.map(|error| Refusal::of_signature(&error));
        if self.skip_references {
            return check(&document.manifest, signature, &Anything);
        }
        check(&document.manifest, signature, repository)
    }
}

impl Refusal {
    fn of_signature(error: &schema1::SignatureError) -> Self {
        let code = match error.api_code() {
            "MANIFEST_UNVERIFIED" => RefusalCode::ManifestUnverified,
            "MANIFEST_INVALID" => RefusalCode::ManifestInvalid,
            _ => RefusalCode::Unknown,
        };
        Self::new(code, error.to_string())
    }
}

impl Presence for Repository<'_> {
    fn layer(&self, digest: &Digest) -> Result<bool> {
        let Some(link) = self.find_link(*digest)? else { return Ok(false) };
        Ok(blob::content_size(self.tree(), link.target)?.is_some())
    }

    fn manifest(&self, digest: &Digest) -> Result<bool> {
        let is_here = revision::find(self, *digest)?.is_some() && blob::content_size(self.tree(), *digest)?.is_some();
        Ok(is_here || self.tree().allows_sparse_indexes())
    }
}

/// Whether a registry up to 2.4 has stored signatures in this tree.
fn keeps_signatures(tree: &Tree) -> Result<bool> {
    for name in find::repositories(tree, &Watch::none()).repositories {
        for form in Form::ALL {
            for revision in digests::keyed(tree, &Place::of(&name, form).revisions()) {
                // A damaged entry has no signatures. This command does not report it.
                let Ok(revision) = revision else { continue };
                if tree.metadata(&Place::of(&name, form).signatures(&revision))?.is_some() {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// What is written for a manifest.
struct Written<'w, 't> {
    writer: &'w Writer<'t>,
    repository: &'w RepositoryName,
    digest: Digest,
    payload: &'w [u8],
    signatures: &'w [Vec<u8>],
    tags: &'w [Tag],
}

/// Staged files. They are dropped last first, because one may be in a directory that was made for an earlier one.
struct Stack<T>(Vec<T>);

impl<T> Drop for Stack<T> {
    fn drop(&mut self) {
        while self.0.pop().is_some() {}
    }
}

impl Written<'_, '_> {
    /// Writes content before the links that grant it, and the revision before the tags. Everything that can fail for
    /// lack of space or permission is done before the first rename.
    fn write(&self) -> Result<Outcome> {
        let mut made = Vec::new();
        let written = self.make_directories(&mut made).and_then(|()| self.stage_and_place());
        if written.is_err() {
            // The first error is the one to report.
            let _ = self.writer.unmake_directories(&made);
        }
        written
    }

    /// Makes the directories of layers and of tags, and adds those that were missing to `made`. The collector of 3.x
    /// stops at a repository that has manifests and no `_layers`, and loses manifests where `tags` is missing
    /// (layout.md §7.3).
    fn make_directories(&self, made: &mut Vec<TreePath>) -> Result<()> {
        let place = Place::of(self.repository, Form::Current);
        for directory in [place.layers(), place.tags()] {
            made.extend(self.writer.make_directory(&directory)?);
        }
        Ok(())
    }

    fn stage_and_place(&self) -> Result<Outcome> {
        let Self { writer, repository, digest, .. } = *self;
        let path = |item| Entry::in_repository(repository, item).path();
        let (content, outcome) = stage_content(writer, digest, self.payload)?;
        let mut contents = Stack(content.into_iter().collect());
        let mut links = Stack(Vec::new());
        links.0.push(writer.stage_small(
            &path(Item::RevisionLink(digest)),
            digest.to_string().as_bytes(),
            Sync::Now,
        )?);
        for signature in self.signatures {
            let key = Digest::of(signature);
            contents.0.extend(stage_content(writer, key, signature)?.0);
            let link = path(Item::SignatureLink { revision: digest, signature: key });
            links.0.push(writer.stage_small(&link, key.to_string().as_bytes(), Sync::Now)?);
        }
        let mut staged_tags = Stack(Vec::new());
        for tag in self.tags {
            staged_tags.0.push(tag::stage(writer, repository, tag, digest)?);
        }
        contents.0.iter_mut().chain(&mut links.0).try_for_each(Staged::place)?;
        std::mem::take(&mut staged_tags.0).into_iter().try_for_each(tag::StagedTag::place)?;
        Ok(outcome)
    }
}

/// Stages small content, unless the tree already has it. Content that differs is damaged, and is replaced.
fn stage_content<'t>(writer: &Writer<'t>, digest: Digest, content: &[u8]) -> Result<(Option<Staged<'t>>, Outcome)> {
    let (tree, path) = (writer.tree(), Entry::Blob(digest).path());
    // Read one byte more, to notice a longer file.
    let outcome = match tree.read_small(&path, content.len() as u64 + 1)? {
        Some(found) if found == content => {
            blob::sync_content(writer, digest)?;
            return Ok((None, Outcome::Existed));
        }
        Some(_) => Outcome::Replaced { damaged_size: blob::content_size(tree, digest)?.unwrap_or_default() },
        None => Outcome::Stored,
    };
    Ok((Some(writer.stage_small(&path, content, Sync::Now)?), outcome))
}
