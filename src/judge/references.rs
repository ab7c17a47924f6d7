//! Judges whether everything is there that a manifest references, with the size that the manifest says.

use std::collections::HashSet;
use std::sync::Arc;

use super::content::{Occupant, Stored};
use super::joined::Joined;
use super::link::{LinkTarget, RevisionLink};
use super::manifest::{ManifestForm, MediaType, Part, Read, Sizing};
use super::{Blocks, absence, permission};
use crate::count;
use crate::digest::Digest;
use crate::error::Error;
use crate::finding::{Code, Finding, Harm, Repair, Subject};
use crate::layout::{Entry, Place};
use crate::manifest::{Kind, Role};
use crate::tree::Tree;

/// The facts about a repository that the judgement of a manifest needs.
pub(crate) trait Facts {
    /// The tree that contains the repository.
    fn tree(&self) -> &Tree;
    /// The place of the repository.
    fn place(&self) -> &Place;
    /// The name of the repository, which need not be valid.
    fn name(&self) -> &str;
    /// What the layer link of a layer or config leads to.
    fn layer(&mut self, key: &Digest) -> LinkTarget;
    /// The state of a manifest's link; `None` when not even its directory is there.
    fn revision(&mut self, digest: &Digest) -> Option<RevisionLink>;
    /// What is in the place of content.
    fn occupant(&mut self, digest: &Digest) -> Occupant;
    /// What a manifest says, if its content is right.
    fn form(&mut self, digest: &Digest) -> Option<Arc<ManifestForm>>;
    /// The kind of a manifest, if its content is right.
    fn kind(&mut self, digest: &Digest) -> Option<Kind> {
        self.form(digest).map(|form| form.kind)
    }
    /// What needs a manifest.
    fn dependent(&mut self, manifest: &Digest) -> Dependent;
    /// Whether a tag of the repository leads to a manifest, by itself or through indexes.
    fn is_led(&mut self, manifest: &Digest) -> bool;
    /// Content has another size than a descriptor says. This finds out which of the two is wrong.
    fn differs(&mut self, size: OtherSize);
    /// Reports what is wrong with something that a manifest needs or may need. A command that reads all of a repository
    /// has already reported that, so the default does nothing.
    fn look_into(&mut self, _what: Blocks, _harm: Harm) {}
    /// Reports content that does not match an alias which leads to it. The default does nothing, for the same reason.
    fn look_into_alias(&mut self, _alias: Digest, _target: Digest) {}
    /// Reports a finding.
    fn report(&mut self, blocks: Blocks, finding: Finding);

    /// A finding about a part of the repository.
    fn at(&self, subject: impl Into<Subject>, code: Code, harm: Harm, message: String) -> Finding {
        Finding::new(self.tree(), subject, code, harm, message)
    }
}

/// What needs a manifest of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dependent {
    /// A tag points to it.
    Tag,
    /// An index names it.
    Index,
    /// Nothing is seen to need it, but not all manifests and tags can be read.
    Unknown,
    /// Nothing.
    None,
}

/// A descriptor with another size than the content has. Only the content's hash shows which of the two is wrong.
pub(crate) struct OtherSize {
    pub(crate) target: Digest,
    pub(crate) expected: i64,
    /// The finding to report if the descriptor is wrong.
    pub(crate) finding: Finding,
    /// What that makes unavailable.
    pub(crate) blocks: Blocks,
}

/// Judges the content of a manifest. `link` is its link.
pub(crate) fn content<F: Facts>(facts: &mut F, digest: &Digest, read: Option<&Read>, link: &Subject) {
    match read {
        _ if facts.occupant(digest) == Occupant::Absent => missing(facts, digest, link),
        // What is in its place is already reported.
        None => {}
        Some(Read::Right(form)) => document(facts, digest, form, link),
        Some(Read::Wrong(stored)) if **stored == Stored::Missing => missing(facts, digest, link),
        Some(Read::Wrong(stored)) => {
            if let Some(finding) = stored.finding(facts.tree(), *digest, true) {
                facts.report(Blocks::Blob(*digest), finding);
            }
        }
    }
}

/// Reports a manifest that is linked and whose content is missing.
fn missing<F: Facts>(facts: &mut F, digest: &Digest, link: &Subject) {
    let message = |what: &str| format!("{what} {digest} is linked, but its content is missing");
    let needed = match facts.dependent(digest) {
        Dependent::Tag | Dependent::Unknown => Some((Code::ManifestMissing, "manifest")),
        Dependent::Index => Some((Code::IndexChildMissing, "child")),
        Dependent::None => None,
    };
    // Missing content is reported once, although several repositories may need it.
    let (blocks, finding) = if let Some((code, what)) = needed {
        let finding = facts.at(Subject::Blob(*digest), code, Harm::Certain, message(what));
        (Blocks::Blob(*digest), finding.repaired_by(Repair::RefillBlob))
    } else {
        let finding = facts.at(link.clone(), Code::RevisionDangling, Harm::Possible, message("untagged manifest"));
        (Blocks::Revision(*digest), finding.repaired_by(Repair::QuarantineLink))
    };
    let expected = facts.tree().locate(&Entry::Blob(*digest).path());
    facts.report(blocks, finding.of_manifest(*digest).expects(&expected.display()));
}

/// Judges what a manifest says, and whether everything that it references is here.
fn document<F: Facts>(facts: &mut F, digest: &Digest, form: &ManifestForm, link: &Subject) {
    let document = Subject::Document(Box::new(link.clone()));
    for problem in &form.problems {
        let finding = facts.at(document.clone(), problem.code, problem.harm, problem.message.clone());
        let blocks = if problem.harm == Harm::Certain { Blocks::Revision(*digest) } else { Blocks::None };
        facts.report(blocks, finding.of_manifest(*digest));
    }
    let mut referrer = Referrer { facts, digest: *digest, document, joined: Joined::default(), sized: HashSet::new() };
    for part in &form.parts {
        match part.role {
            Role::Child => referrer.child(part),
            _ => referrer.part(part),
        }
    }
    referrer.media_types(form);
    form.mentions.iter().filter(|_| form.is_unknown).for_each(|mention| referrer.mention(mention));
    form.subject.iter().for_each(|subject| referrer.subject(subject));
    let Referrer { facts, digest, document, mut joined, .. } = referrer;
    joined.add_left_out(Code::ReferenceMissing, true, form.left_out.parts);
    joined.add_left_out(Code::IndexChildMissing, false, form.left_out.children);
    joined.add_left_out(Code::ReferenceMissing, false, form.left_out.mentions);
    joined.report(digest, &document, |blocks, finding| facts.report(blocks, finding));
}

/// The manifests of a repository that the `tagged` ones lead to, with these.
pub(crate) fn led<F: Facts>(facts: &mut F, tagged: Vec<Digest>) -> HashSet<Digest> {
    let (mut led, mut pending) = (HashSet::new(), tagged);
    while let Some(digest) = pending.pop() {
        if facts.revision(&digest).is_none() || !led.insert(digest) {
            continue;
        }
        let form = facts.form(&digest);
        let children = form.iter().flat_map(|form| &form.parts).filter(|part| part.role == Role::Child);
        pending.extend(children.map(Part::digest));
    }
    led
}

/// Whether a child is really a layer: it is no manifest here, its media type is none of a manifest, and it has a layer
/// link. Build caches list their layers as children.
pub(crate) fn is_content<F: Facts>(facts: &mut F, child: &Part) -> bool {
    let is_layer = |leads| matches!(leads, LinkTarget::Straight | LinkTarget::To(_));
    !matches!(child.media_type, MediaType::Manifest(_))
        && facts.revision(&child.digest()).is_none()
        && is_layer(facts.layer(&child.digest()))
}

/// Whether a media type names another kind than that of a manifest.
fn is_another(media_type: MediaType, kind: Kind) -> bool {
    kind != Kind::Unknown && media_type != MediaType::Absent && media_type != MediaType::Manifest(kind)
}

/// A manifest whose references are judged.
struct Referrer<'r, F> {
    facts: &'r mut F,
    digest: Digest,
    /// What it says.
    document: Subject,
    joined: Joined,
    /// The content of which another size is reported.
    sized: HashSet<(Code, Digest)>,
}

impl<F: Facts> Referrer<'_, F> {
    fn report(&mut self, blocks: Blocks, digest: Digest, finding: Finding) {
        self.facts.report(blocks, finding.of_manifest(self.digest).of_content(digest));
    }

    fn layer(&self, digest: Digest) -> Subject {
        Subject::Layer(self.facts.place().clone(), digest)
    }

    fn child(&mut self, part: &Part) {
        let digest = part.digest();
        if is_content(self.facts, part) {
            return self.part(part);
        }
        match self.facts.revision(&digest) {
            Some(RevisionLink::Right | RevisionLink::Misplaced) => self.size(part, digest, Code::ReferenceSizeMismatch),
            Some(RevisionLink::Broken) => self.facts.look_into(Blocks::Revision(digest), Harm::Certain),
            found => self.unlinked_child(digest, found.is_some()),
        }
    }

    /// Compares the media types that an index gives its children with the children's own. What a manifest of an unknown
    /// kind is called is not known here.
    fn media_types(&mut self, form: &ManifestForm) {
        let mut wrong: Vec<(&Part, Kind)> = Vec::new();
        let mut seen = HashSet::new();
        for part in form.parts.iter().filter(|part| part.role == Role::Child && part.media_type != MediaType::Absent) {
            let mut link = || self.facts.revision(&part.digest());
            if !seen.insert(part.digest()) || !matches!(link(), Some(RevisionLink::Right | RevisionLink::Misplaced)) {
                continue;
            }
            let kind = self.facts.kind(&part.digest());
            wrong.extend(kind.filter(|kind| is_another(part.media_type, *kind)).map(|kind| (part, kind)));
        }
        let Some((first, kind)) = wrong.first() else { return };
        let found = match first.media_type {
            MediaType::Manifest(kind) => kind.name(),
            MediaType::Other | MediaType::Absent => "no manifest",
        };
        let more = match wrong.len() - 1 {
            0 => String::new(),
            more => format!(", and so is that of {}", count::plural(more, "other child")),
        };
        let message = format!("the media type of {first} is that of {found}, and it is {kind}{more}");
        let finding = self.facts.at(self.document.clone(), Code::ReferenceMediaTypeMismatch, Harm::Possible, message);
        let (digest, finding) = (first.digest(), finding.expects(kind).found(&found));
        self.report(Blocks::None, digest, finding);
    }

    fn unlinked_child(&mut self, digest: Digest, left_trace: bool) {
        if absence::excuses_children(self.facts.tree()) {
            return;
        }
        let is_there = matches!(self.facts.occupant(&digest), Occupant::File(_));
        let (index, subject) = (self.digest, Subject::Revision(self.facts.place().clone(), digest));
        let message = if left_trace || is_there && self.has_part_of(&digest) {
            format!("child {digest} of index {index} was here, but is no longer linked")
        } else {
            let but = if is_there { ", though the tree has its content" } else { "" };
            format!("child {digest} of index {index} was never pushed here, or was removed without a trace{but}")
        };
        // Whoever pulls the tag for that platform gets nothing, whatever the reason.
        let is_led = self.facts.is_led(&index);
        let (harm, blocks) =
            if is_led { (Harm::Certain, Blocks::Revision(digest)) } else { (Harm::Possible, Blocks::None) };
        let finding = self.facts.at(subject, Code::IndexChildMissing, harm, message);
        self.joined.add(blocks, digest, finding);
    }

    /// Whether an unlinked manifest was here: it is linked as a layer, or parts of it are linked. The content of the
    /// manifest is no proof, because it may be another repository's.
    fn has_part_of(&mut self, digest: &Digest) -> bool {
        // A manifest that was pushed as a layer was pushed here too.
        if self.facts.layer(digest).is_link() {
            return true;
        }
        let Some(form) = self.facts.form(digest) else { return false };
        form.marks().any(|part| match part.role {
            Role::Child => self.facts.revision(&part.digest()).is_some(),
            _ => self.facts.layer(&part.digest()).is_link(),
        })
    }

    /// Judges a config or layer: whether it is linked here, exists, and has the size that the manifest says.
    fn part(&mut self, part: &Part) {
        let digest = part.digest();
        let target = match self.facts.layer(&digest) {
            LinkTarget::Absent | LinkTarget::Deleted if part.elsewhere => return,
            LinkTarget::Absent => return self.unlinked(part, Code::ReferenceMissing),
            LinkTarget::Deleted => return self.unlinked(part, Code::ReferenceDeleted),
            LinkTarget::Nowhere | LinkTarget::Unseen => {
                return self.facts.look_into(Blocks::Layer(digest), Harm::Certain);
            }
            LinkTarget::Straight => digest,
            LinkTarget::To(target) => {
                self.by_alias(digest, target);
                self.facts.look_into_alias(digest, target);
                target
            }
        };
        self.facts.look_into(Blocks::Layer(digest), Harm::Certain);
        if self.facts.occupant(&target) == Occupant::Absent {
            let message = format!("{part} is linked, but its content is missing");
            let finding = self.facts.at(Subject::Blob(target), Code::BlobMissing, Harm::Certain, message);
            return self.report(Blocks::Blob(target), target, finding.repaired_by(Repair::RefillBlob));
        }
        self.size(part, target, Code::ReferenceSizeMismatch);
        self.facts.look_into(Blocks::Blob(target), Harm::Certain);
    }

    /// Reports a layer or config that is not linked.
    fn unlinked(&mut self, part: &Part, code: Code) {
        let (digest, manifest) = (part.digest(), self.digest);
        let is_there = matches!(self.facts.occupant(&digest), Occupant::File(_));
        let but = if is_there { ", though the tree has its content" } else { "" };
        let (is, was_here) = match code {
            Code::ReferenceDeleted => ("was deleted from the repository", true),
            _ => ("is not in the repository", permission::is_shown(self.facts.tree(), part)),
        };
        let message = format!("{part}, which manifest {manifest} references, {is}{but}");
        let finding = self.facts.at(self.layer(digest), code, Harm::Certain, message);
        let repair = if is_there { Repair::RewriteLink } else { Repair::RefillBlob };
        let finding = if was_here { finding.repaired_by(repair) } else { finding };
        self.joined.add(Blocks::Layer(digest), digest, finding);
    }

    /// Reports a reference by an alias. A registry serves the content only if there is also a link to its own digest.
    fn by_alias(&mut self, alias: Digest, target: Digest) {
        let code = match self.facts.layer(&target) {
            LinkTarget::Absent => Some(Code::ReferenceByAlias),
            LinkTarget::Deleted => Some(Code::ReferenceDeleted),
            _ => None,
        };
        let Some(code) = code else {
            self.facts.look_into(Blocks::Layer(target), Harm::Certain);
            let message = format!(
                "it references {target} as {alias}, which a registry's collector does not follow, so it deletes the content"
            );
            let finding = self.facts.at(self.document.clone(), Code::ReferenceByAlias, Harm::None, message);
            return self.report(Blocks::None, alias, finding);
        };
        let manifest = self.digest;
        let message = format!(
            "manifest {manifest} references {target} as {alias}, and without a link to that no registry serves it"
        );
        let finding = self.facts.at(self.layer(target), code, Harm::Certain, message);
        self.report(Blocks::Layer(alias), alias, finding.expects(&target).repaired_by(Repair::RewriteLink));
    }

    /// Compares the size of a file with the size in a descriptor.
    fn size(&mut self, part: &Part, target: Digest, code: Code) {
        let (Occupant::File(found), Some(expected)) = (self.facts.occupant(&target), part.size()) else { return };
        let is_empty = found == 0 && !super::content::is_of_nothing(&target);
        // An empty file that should not be empty is reported on its own.
        if u64::try_from(expected) == Ok(found) || is_empty || !self.sized.insert((code, target)) {
            return;
        }
        let says =
            if part.sized == Sizing::Said { expected.to_string() } else { "no size, which counts as 0".to_owned() };
        let message = format!("{part} has {}, but the manifest says {says}", count::bytes(found));
        let finding = self.facts.at(self.document.clone(), code, Harm::Certain, message);
        let finding = finding.of_manifest(self.digest).of_content(part.digest()).expects(&expected).found(&found);
        let blocks = if code == Code::SubjectSizeWrong { Blocks::None } else { Blocks::Revision(self.digest) };
        self.facts.differs(OtherSize { target, expected, finding, blocks });
    }

    /// Judges the manifest that this one is about. It need not be here, and no pull compares its size.
    fn subject(&mut self, subject: &Part) {
        if let Some(RevisionLink::Right | RevisionLink::Misplaced) = self.facts.revision(&subject.digest()) {
            self.size(subject, subject.digest(), Code::SubjectSizeWrong);
        }
    }

    /// Judges what a manifest of an unknown kind mentions: a manifest, a layer, or nothing that was ever here.
    fn mention(&mut self, mention: &Part) {
        let digest = mention.digest();
        let what = match (self.facts.revision(&digest), self.facts.layer(&digest)) {
            (None | Some(RevisionLink::Deleted), LinkTarget::Absent | LinkTarget::Deleted) => {
                let message = format!("{mention} is not in the repository: it may be needed");
                let finding = self.facts.at(self.layer(digest), Code::ReferenceMissing, Harm::Possible, message);
                return self.joined.add(Blocks::None, digest, finding);
            }
            (None | Some(RevisionLink::Deleted), _) => Blocks::Layer(digest),
            (Some(_), _) => Blocks::Revision(digest),
        };
        self.facts.look_into(what, Harm::Possible);
    }
}

/// The finding about a layer link whose content is gone. `reason` says why the link may be needed all the same.
pub(crate) fn dangling<F: Facts>(facts: &F, key: &Digest, target: &Digest, reason: Option<&str>) -> Finding {
    let (digest, repair, message) = match reason {
        None => {
            (*key, Repair::QuarantineLink, format!("nothing needs the link to {target}, and its content is missing"))
        }
        // The link is kept: it is missed when what can't be followed is repaired.
        Some(reason) => {
            let message = format!("the content of the link to {target} is missing, and may be needed: {reason}");
            (*target, Repair::RefillBlob, message)
        }
    };
    let subject = Subject::Layer(facts.place().clone(), *key);
    facts.at(subject, Code::LayerLinkDangling, Harm::Possible, message).of_content(digest).repaired_by(repair)
}

/// Whether an error in a listing of manifests or tags may hide one that references something. A name that is not a digest
/// and a broken link hide nothing.
pub(crate) fn hides_references(error: &Error) -> bool {
    matches!(error, Error::Io { .. } | Error::WrongKind { .. })
}

/// The reason for which something may be needed that a manifest of an unknown kind mentions.
pub(crate) const MENTIONED: &str = "a manifest whose references are unknown names it";

/// The finding about a repository that has manifests and no directory of layer links.
pub(crate) fn without_layers<F: Facts>(facts: &F, needs: bool) -> (Blocks, Finding) {
    let message = "there are manifests, and no directory of layer links: registries 2.x don't see the repository, and \
                   the collector of 3.x fails";
    let (harm, blocks) = if needs { (Harm::Certain, Blocks::Repository) } else { (Harm::Possible, Blocks::None) };
    let finding = facts.at(facts.place().layers(), Code::RepositoryIncomplete, harm, message.to_owned());
    (blocks, finding.repaired_by(Repair::MakeDirectory))
}
