//! What is found to be wrong in a tree.
//!
//! A code is stable: scripts go by it, and it says what can be done. Text and JSON show the same value.

mod code;
mod repair;
mod subject;

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use code::Code;
pub use repair::{REPAIRABLE, Repair};
use serde::{Serialize, Serializer};
pub(crate) use subject::Subject;

use crate::digest::Digest;
use crate::layout::TreePath;
use crate::named::named;
use crate::tree::Tree;

/// What a finding keeps from being served: with its code, all that its severity follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harm {
    /// Nothing.
    None,
    /// Nothing that is known to be needed, or nothing for most clients and registries.
    Possible,
    /// Something that a tag, a manifest or an index needs.
    Certain,
}

named! {
    /// How bad a finding is.
    pub enum Severity {
        /// Worth knowing.
        Info = "info",
        /// Strange, but what it is about can be served.
        Warning = "warning",
        /// Content can't be served as it was pushed.
        Error = "error",
    }
}

/// A tagged image, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Image {
    /// In which repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// For which platform, of an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)?;
        self.platform.as_ref().map_or(Ok(()), |platform| write!(f, " ({platform})"))
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// The tagged images that it hits, as far as that was looked for.
    pub images: Vec<Image>,
    /// What mends it.
    pub repair: Option<Repair>,
    /// All of it in a sentence.
    pub message: String,
    /// Where the tree is.
    tree: Arc<Path>,
    /// What it is about.
    pub(crate) subject: Subject,
    /// In which repository it was found, where the subject belongs to none.
    repository: Option<String>,
    /// At which tag it was found, where the subject belongs to none.
    tag: Option<String>,
    manifest: Option<Digest>,
    /// The content that it is about, where that is not the subject's.
    content: Option<Digest>,
    expected: Option<String>,
    found: Option<String>,
}

impl Finding {
    /// A finding about a part of `tree`, of which no more is known.
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
        }
    }

    /// In which repository, or in what is called like one.
    pub fn repository(&self) -> Option<&str> {
        self.subject.repository().map(|place| place.directory.below_area()).or(self.repository.as_deref())
    }

    /// Of which tag.
    pub fn tag(&self) -> Option<&str> {
        self.subject.tag().or(self.tag.as_deref())
    }

    /// In which manifest.
    pub fn manifest(&self) -> Option<Digest> {
        self.manifest
    }

    /// Which content it is about.
    pub fn digest(&self) -> Option<Digest> {
        self.content.or_else(|| self.subject.digest())
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        let below = match &self.subject {
            Subject::Nameless(directory, name) => Path::new(&directory.to_string()).join(name),
            subject => subject.place().map(|place| place.to_string()).unwrap_or_default().into(),
        };
        self.tree.join(below)
    }

    /// The same in the tree; `None` where no path of the tree can say it.
    pub(crate) fn place(&self) -> Option<TreePath> {
        self.subject.place()
    }

    /// Whether it is mended without being asked for by name.
    pub fn is_safe(&self) -> bool {
        self.repair.is_some_and(|repair| repair.is_safe(self.code))
    }

    /// What, of which manifest, where, and why: all but the severity.
    pub fn about(&self) -> String {
        let of = match (self.repository(), self.manifest) {
            (Some(repository), Some(manifest)) => format!(" {repository}@{manifest}"),
            (Some(repository), None) => format!(" {repository}"),
            (None, _) => String::new(),
        };
        format!("{}{of}: {}: {}", self.code, self.path().display(), self.message)
    }

    /// The same, as bad as `harm` makes it.
    #[must_use]
    pub(crate) fn harms(self, harm: Harm) -> Self {
        Self { severity: self.code.severity(harm), ..self }
    }

    /// Mended so.
    #[must_use]
    pub(crate) fn repaired_by(self, repair: Repair) -> Self {
        Self { repair: Some(repair), ..self }
    }

    /// Found at that place.
    #[must_use]
    pub(crate) fn moved(mut self, place: TreePath) -> Self {
        if self.place().as_ref() != Some(&place) {
            self.subject = place.into();
        }
        self
    }

    /// Found in that repository.
    #[must_use]
    pub(crate) fn in_repository(self, name: &str) -> Self {
        Self { repository: self.subject.repository().is_none().then(|| name.to_owned()), ..self }
    }

    /// Found at that tag.
    pub(crate) fn set_tag(&mut self, tag: &str) {
        self.tag = self.subject.tag().is_none().then(|| tag.to_owned());
    }

    /// About what that manifest is or references.
    #[must_use]
    pub(crate) fn of_manifest(self, manifest: Digest) -> Self {
        Self { manifest: Some(manifest), ..self }
    }

    /// About that content.
    #[must_use]
    pub(crate) fn of_content(self, digest: Digest) -> Self {
        Self { content: Some(digest).filter(|_| self.subject.digest() != Some(digest)), ..self }
    }

    /// What should be there.
    #[must_use]
    pub(crate) fn expects(self, expected: &impl ToString) -> Self {
        Self { expected: Some(expected.to_string()), ..self }
    }

    /// What is there.
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

/// A finding as JSON has it.
#[derive(Serialize)]
struct Document<'d> {
    code: Code,
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    /// A path may be no text, and is reported all the same.
    path: Cow<'d, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'d str>,
    #[serde(skip_serializing_if = "<[Image]>::is_empty")]
    images: &'d [Image],
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<Repair>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    safe: bool,
    message: &'d str,
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let path = self.path();
        let document = Document {
            code: self.code,
            severity: self.severity,
            repository: self.repository(),
            tag: self.tag(),
            manifest: self.manifest,
            digest: self.digest(),
            path: path.to_string_lossy(),
            expected: self.expected.as_deref(),
            found: self.found.as_deref(),
            images: &self.images,
            repair: self.repair,
            safe: self.is_safe(),
            message: &self.message,
        };
        document.serialize(serializer)
    }
}
