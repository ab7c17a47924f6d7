//! Defines the findings: what is wrong in a tree, how bad it is, and what repairs it.
//!
//! Codes are stable, so scripts can branch on them. Text and JSON show the same value.

mod code;
mod repair;
mod subject;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use code::Code;
pub use repair::{REPAIRABLE, Repair};
use serde::{Serialize, Serializer};
use serde_json::json;
pub(crate) use subject::Subject;

use crate::digest::Digest;
use crate::json::applying;
use crate::layout::TreePath;
use crate::named::named;
use crate::tree::Tree;

/// How far the clock of another machine may be ahead without harm.
pub(crate) const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Whether a time is further ahead than clocks differ.
pub(crate) fn is_in_future(time: jiff::Timestamp, now: jiff::Timestamp) -> bool {
    time.duration_since(now) > SKEW
}

/// What can't be served because of a finding. Its severity follows from this and its code alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Harm {
    /// Nothing.
    None,
    /// Nothing that is known to be needed, or only for a few clients and registries.
    Possible,
    /// Something that a tag, a manifest or an index needs.
    Certain,
}

named! {
    /// How bad a finding is.
    pub enum Severity {
        /// Worth knowing.
        Info = "info",
        /// Strange, but the content can be served.
        Warning = "warning",
        /// Content can't be served as it was pushed.
        Error = "error",
    }
}

/// A tagged image, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Image {
    /// The repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// The platform, if the tag points to an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)?;
        self.platform.as_ref().map_or(Ok(()), |platform| write!(f, " ({platform})"))
    }
}

/// Something that is wrong in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What is wrong.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The tagged images that it affects, if these were looked for.
    pub images: Vec<Image>,
    /// What repairs it, if anything does.
    pub repair: Option<Repair>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// The path of the tree.
    tree: Arc<Path>,
    /// What it is about.
    pub(crate) subject: Subject,
    /// The repository in which it was found, if the subject belongs to none.
    repository: Option<String>,
    /// The tag at which it was found, if the subject belongs to none.
    tag: Option<String>,
    manifest: Option<Digest>,
    /// The content that it is about, if that is not the subject's.
    content: Option<Digest>,
    expected: Option<String>,
    found: Option<String>,
    /// If it stands for many of one kind in one manifest: how many, and the first of their digests.
    many: Option<(u64, Vec<Digest>)>,
}

impl Finding {
    /// A finding about `subject`. The other methods add more facts.
    pub(crate) fn new(
        tree: &Tree,
        subject: impl Into<Subject>,
        code: Code,
        harm: Harm,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: code.severity(harm),
            images: Vec::new(),
            repair: None,
            message: message.into(),
            tree: tree.shared_path(),
            subject: subject.into(),
            repository: None,
            tag: None,
            manifest: None,
            content: None,
            expected: None,
            found: None,
            many: None,
        }
    }

    /// The path of the repository, which may not be a valid name.
    pub fn repository(&self) -> Option<&str> {
        self.subject.repository().map(|place| place.directory.below_area()).or(self.repository.as_deref())
    }

    /// The tag.
    pub fn tag(&self) -> Option<&str> {
        self.subject.tag().or(self.tag.as_deref())
    }

    /// The manifest.
    pub fn manifest(&self) -> Option<Digest> {
        self.manifest
    }

    /// The content that it is about.
    pub fn digest(&self) -> Option<Digest> {
        self.content.or_else(|| self.subject.digest())
    }

    /// How many of one kind in one manifest it stands for; `None` for a finding about one thing.
    pub fn count(&self) -> Option<u64> {
        self.many.as_ref().map(|(count, _)| *count)
    }

    /// The path, with that of the tree.
    pub fn path(&self) -> PathBuf {
        let below = match &self.subject {
            Subject::Beside(name) => name.into(),
            Subject::Nameless(directory, name) => Path::new(&directory.to_string()).join(name),
            subject => subject.place().map(|place| place.to_string()).unwrap_or_default().into(),
        };
        self.tree.join(below)
    }

    /// The path in the tree; `None` if the name is not UTF-8.
    pub(crate) fn place(&self) -> Option<TreePath> {
        self.subject.place()
    }

    /// Whether `repair --all-safe` repairs it.
    pub fn is_safe(&self) -> bool {
        self.repair.is_some_and(|repair| repair.is_safe(self.code))
    }

    /// The finding as text, without its severity.
    pub(crate) fn about(&self) -> String {
        let of = match (self.repository(), self.manifest) {
            (Some(repository), Some(manifest)) => format!(" {repository}@{manifest}"),
            (Some(repository), None) => format!(" {repository}"),
            (None, _) => String::new(),
        };
        format!("{}{of}: {}: {}", self.code, self.path().display(), self.message)
    }

    /// Sets the severity that follows from `harm`.
    #[must_use]
    pub(crate) fn harms(self, harm: Harm) -> Self {
        Self { severity: self.code.severity(harm), ..self }
    }

    /// Says that it is no damage. Then nothing has to be repaired, and no repair is done unless it is asked for.
    #[must_use]
    pub(crate) fn excused(self) -> Self {
        let repair = self.repair.filter(|repair| !repair.is_safe(self.code));
        Self { severity: Severity::Info, repair, ..self }
    }

    /// Sets what repairs it.
    #[must_use]
    pub(crate) fn repaired_by(self, repair: Repair) -> Self {
        Self { repair: Some(repair), ..self }
    }

    /// Sets its place.
    #[must_use]
    pub(crate) fn moved(mut self, place: TreePath) -> Self {
        if self.place().as_ref() != Some(&place) {
            self.subject = place.into();
        }
        self
    }

    /// Sets the repository, unless the subject has one.
    #[must_use]
    pub(crate) fn in_repository(self, name: &str) -> Self {
        Self { repository: self.subject.repository().is_none().then(|| name.to_owned()), ..self }
    }

    /// Sets the tag, unless the subject has one.
    pub(crate) fn set_tag(&mut self, tag: &str) {
        self.tag = self.subject.tag().is_none().then(|| tag.to_owned());
    }

    /// Sets the manifest that is wrong, or whose reference is.
    #[must_use]
    pub(crate) fn of_manifest(self, manifest: Digest) -> Self {
        Self { manifest: Some(manifest), ..self }
    }

    /// Sets the content, unless it is the subject's.
    #[must_use]
    pub(crate) fn of_content(self, digest: Digest) -> Self {
        Self { content: Some(digest).filter(|_| self.subject.digest() != Some(digest)), ..self }
    }

    /// Makes it stand for `count` of its kind in one manifest, of which these digests are the first. `document` is what
    /// that manifest says.
    #[must_use]
    pub(crate) fn joined(self, document: Subject, count: u64, digests: Vec<Digest>) -> Self {
        let others: Vec<String> = digests.iter().skip(1).map(ToString::to_string).collect();
        let rest = count.saturating_sub(digests.len() as u64);
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let message = format!("{}; the same is true of {}{rest}", self.message, others.join(", "));
        Self { subject: document, content: None, message, many: Some((count, digests)), ..self }
    }

    /// The finding about one of the many that it stands for.
    #[must_use]
    pub(crate) fn one(&self, subject: Subject, digest: Digest, message: String) -> Self {
        Self { subject, message, many: None, ..self.clone() }.of_content(digest)
    }

    /// Sets what should be there.
    #[must_use]
    pub(crate) fn expects(self, expected: &impl ToString) -> Self {
        Self { expected: Some(expected.to_string()), ..self }
    }

    /// Sets what is there.
    #[must_use]
    pub(crate) fn found(self, found: &impl ToString) -> Self {
        Self { found: Some(found.to_string()), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.about())
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = json!({
            "code": self.code, "severity": self.severity, "repository": self.repository(), "tag": self.tag(),
            "manifest": self.manifest, "digest": self.digest(),
            // What is not UTF-8 in a path is replaced.
            "path": self.path().to_string_lossy(), "expected": self.expected, "found": self.found,
            "images": (!self.images.is_empty()).then_some(&self.images), "repair": self.repair,
            "safe": self.is_safe().then_some(true), "message": self.message, "count": self.count(),
            "digests": self.many.as_ref().map(|(_, digests)| digests),
        });
        applying(document).serialize(serializer)
    }
}
