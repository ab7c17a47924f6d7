//! Turns findings into a plan.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::remaining::{self, Remedy};
use super::source::FoundContent;
use super::{Action, Left, Options, Plan, Wanted, foresee, grant, many, recheck, retag, safety};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::finding::{Code, Finding, REPAIRABLE, Repair, Severity, Subject};
use crate::fsck::{self, Hashed, Stop};
use crate::judge::content::{self, Occupant, Stored};
use crate::layout::Entry;
use crate::name::RepositoryName;
use crate::quarantine::{self, Held, Recall};
use crate::repository::cache;
use crate::scan::{Nothing, Scan};
use crate::stream::Watch;
use crate::tree::Tree;

/// Checks a tree, and plans the repairs of what is found.
///
/// Returns `Err(SafetyLimit)`, before anything is hashed, when so much content is missing that its disk may not be
/// mounted, unless [`Options::assume_blobs_lost`] is set.
pub fn plan<'o>(tree: &Tree, options: Options<'o>, watch: &Watch<'_>) -> Result<Plan<'o>> {
    let moment = tree.moment();
    let held = Held::read(tree);
    let scan = Scan::read_with(tree, Arc::new(Nothing), &held.digests(), watch)?;
    if !options.assume_blobs_lost {
        safety::check(tree, &scan)?;
    }
    let (scan, recall) = quarantine::with_recall(tree, scan, held, watch)?;
    let mut plan = Plan { moment, ..decide(tree, options, recall, watch)? };
    grant::add(tree, &scan, &mut plan, watch)?;
    Ok(plan)
}

/// Plans the repairs of what is found, as if the content of `recall` were back.
pub(super) fn decide<'o>(tree: &Tree, options: Options<'o>, recall: Recall, watch: &Watch<'_>) -> Result<Plan<'o>> {
    let moment = tree.moment();
    let look = options.look(options.content.clone());
    let report = fsck::check_with(tree, recall.returning(), &look, watch)?;
    if let Some(Hashed { stop: Some(Stop::Signal(signal)), .. }) = report.hashed {
        return Err(Error::Interrupted { signal });
    }
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    let findings = report.findings.into_iter();
    let (findings, others): (Vec<_>, Vec<_>) = findings.partition(|finding| options.wanted.includes(finding.code));
    let mut unmended: Vec<Finding> = others.into_iter().filter(is_error).collect();
    let is_embedded = |finding: &&Finding| {
        let lacks = finding.repair == Some(Repair::RefillBlob);
        lacks && finding.digest().is_some_and(|digest| report.embedded.contains_key(&digest))
    };
    let embedded = unmended.iter().filter(is_embedded).map(|finding| (remaining::key(finding), Remedy::Name));
    let mut ways_out: HashMap<_, _> = embedded.collect();
    let mut until_pushed = Vec::new();
    let mut wanted = refillable(&findings);
    if options.source.is_some() {
        wanted.extend(many::digests(tree, &recall, &findings)?);
    }
    let mut content = FoundContent::default();
    content.add_embedded(tree, &wanted, &report.embedded)?;
    wanted.retain(|digest| content.size(digest).is_none());
    let mut refused = Vec::new();
    if let Some(source) = options.source {
        refused = source.find(&mut content, wanted, &watch.interrupt)?;
    }
    let mut planner = Planner {
        tree,
        options: &options,
        recall: &recall,
        watch,
        content: &content,
        whole: BTreeMap::new(),
        plan: Vec::new(),
        left: Vec::new(),
    };
    for finding in findings {
        let was_repairable = finding.repair.is_some();
        let finding = planner.with_source(finding)?;
        let (error, planned) = (is_error(&finding).then(|| finding.clone()), planner.plan.len());
        let way_out = if was_repairable { planner.way_out(&finding) } else { finding.repair.map(|_| Remedy::Source) };
        ways_out.extend(way_out.map(|remedy| (remaining::key(&finding), remedy)));
        planner.consider(finding)?;
        let Some(error) = error else { continue };
        let does = |repair| planner.plan[planned..].iter().any(|action| action.repair == repair);
        if planner.plan.len() == planned {
            unmended.push(error);
        } else if does(Repair::QuarantineBlob) && !does(Repair::RefillBlob) {
            until_pushed.push(error);
        }
    }
    let Planner { plan, left, .. } = planner;
    let (actions, is_cache) = (Action::in_order(plan), cache::is_cache(tree));
    let known: HashSet<_> = unmended.iter().map(remaining::key).collect();
    let foreseen = foresee::errors(tree, &actions, &options, watch)?;
    unmended.extend(foreseen.into_iter().filter(|error| !known.contains(&remaining::key(error))));
    Ok(Plan { recall, is_cache, actions, left, unmended, until_pushed, ways_out, refused, content, options, moment })
}

/// The digests of content that a source may help with.
fn refillable(findings: &[Finding]) -> BTreeSet<Digest> {
    let is_about_content = |finding: &&Finding| {
        matches!(finding.repair, Some(Repair::RefillBlob | Repair::QuarantineBlob))
            || matches!(finding.code, Code::RevisionDangling | Code::SignatureDangling)
            || finding.code.grants()
    };
    findings.iter().filter(is_about_content).filter_map(Finding::digest).collect()
}

struct Planner<'p> {
    tree: &'p Tree,
    options: &'p Options<'p>,
    recall: &'p Recall,
    watch: &'p Watch<'p>,
    content: &'p FoundContent,
    /// Whether the content of a digest is intact, as far as that was looked up.
    whole: BTreeMap<Digest, bool>,
    plan: Vec<Action>,
    left: Vec<Left>,
}

impl Planner<'_> {
    /// As [`Self::consider`], for a finding that stands for many. What can't be repaired of it is one left finding.
    fn consider_many(&mut self, finding: &Finding) -> Result<()> {
        // Each of them grants a link, which is never done unasked.
        if self.is_safe_only() {
            return Ok(());
        }
        let (tree, recall, left) = (self.tree, self.recall, self.left.len());
        let mut is_read = true;
        if finding.code.grants() && (finding.repair.is_some() || self.options.source.is_some()) {
            is_read = many::each(tree, recall, finding, |one| {
                let one = self.with_source(one)?;
                self.consider(one)?;
                self.left.truncate(left + 1);
                Ok(())
            })?;
        } else if REPAIRABLE.contains(&finding.code) {
            let reason = reason_to_leave(finding);
            self.leave(finding.clone(), reason);
        }
        if !is_read {
            self.leave(finding.clone(), "its manifest can't be read");
        }
        self.left.iter_mut().skip(left).for_each(|left| left.finding = finding.clone());
        Ok(())
    }

    fn consider(&mut self, finding: Finding) -> Result<()> {
        if finding.count().is_some() {
            return self.consider_many(&finding);
        }
        let Some(repair) = finding.repair else {
            if REPAIRABLE.contains(&finding.code) && !self.is_safe_only() {
                let reason = if finding.code.is_absence() && cache::is_cache(self.tree) {
                    "a pull-through cache fetches missing content when it is pulled".to_owned()
                } else {
                    reason_to_leave(&finding)
                };
                self.leave(finding, reason);
            }
            return Ok(());
        };
        let has_content = finding.digest().is_some_and(|digest| self.content.size(&digest).is_some());
        // A dangling link is repaired by the content that it lacks. Without that content it is removed.
        let dangles = matches!(finding.code, Code::RevisionDangling | Code::SignatureDangling);
        let repair = if has_content && dangles { Repair::RefillBlob } else { repair };
        let is_safe_refill = repair == Repair::RefillBlob && has_content && !finding.code.grants();
        if self.is_safe_only() && !finding.is_safe() && !is_safe_refill {
            return Ok(());
        }
        match repair {
            Repair::RefillBlob => self.refill(finding),
            Repair::QuarantineBlob => self.quarantine(finding, has_content),
            Repair::RewriteLink => self.rewrite(finding)?,
            Repair::LinkRevision => self.link_revision(finding)?,
            Repair::SetTag => self.set_tag(finding)?,
            Repair::QuarantineFile | Repair::QuarantineUpload => self.remove_young(finding, repair)?,
            Repair::FixPermissions | Repair::MakeDirectory if is_area(&finding) => {
                self.leave(finding, "it holds the whole tree: repair it by hand");
            }
            Repair::QuarantineLink | Repair::QuarantineTag | Repair::FixPermissions | Repair::MakeDirectory => {
                self.add(&finding, repair, 0);
            }
        }
        Ok(())
    }

    /// Sets the repair of a link that is missing, and that the same repository of the source has.
    fn with_source(&self, finding: Finding) -> Result<Finding> {
        if finding.repair.is_some() || !finding.code.grants() {
            return Ok(finding);
        }
        let Some((source, repository)) = self.options.source.zip(finding.subject.repository()) else {
            return Ok(finding);
        };
        let Some(digest) = finding.subject.digest() else { return Ok(finding) };
        if !source.has_link(repository, &digest)? {
            return Ok(finding);
        }
        let is_there = self.recall.contains(&digest) || self.tree.metadata(&Entry::Blob(digest).path())?.is_some();
        Ok(finding.repaired_by(if is_there { Repair::RewriteLink } else { Repair::RefillBlob }))
    }

    /// What would help against a finding that lacks content, if that was found.
    fn way_out(&self, finding: &Finding) -> Option<Remedy> {
        let digest = finding.digest().filter(|_| finding.repair == Some(Repair::RefillBlob))?;
        self.content.size(&digest)?;
        Some(if self.content.is_embedded(&digest) { Remedy::Name } else { Remedy::Source })
    }

    fn is_safe_only(&self) -> bool {
        self.options.wanted == Wanted::Safe
    }

    fn leave(&mut self, finding: Finding, reason: impl Into<String>) {
        self.left.push(Left { finding, reason: reason.into() });
    }

    fn add(&mut self, finding: &Finding, repair: Repair, size: u64) {
        self.plan.extend(Action::new(repair, finding, size));
    }

    fn refill(&mut self, finding: Finding) {
        let Some(size) = finding.digest().and_then(|digest| self.content.size(&digest)) else {
            let reason = match self.options.source {
                Some(_) => "the source does not have it",
                None if cache::is_cache(self.tree) => "a pull-through cache fetches it; --from puts it in at once",
                None => "it has to be pushed again, or put in with --from",
            };
            // The reason explains why the link is not simply removed.
            let why = (finding.code == Code::LayerLinkDangling).then(|| format!("{}; {reason}", finding.message));
            return self.leave(finding, why.unwrap_or_else(|| reason.to_owned()));
        };
        self.add(&finding, Repair::RefillBlob, size);
        if finding.code.grants() {
            self.add(&finding, Repair::RewriteLink, 0);
        }
    }

    fn quarantine(&mut self, finding: Finding, has_content: bool) {
        let Some(digest) = finding.digest() else { return self.leave(finding, "its path does not name a digest") };
        let found = self.tree.metadata(&Entry::Blob(digest).path()).ok().flatten();
        let size = found.map_or(0, |found| found.size);
        self.add(&finding, Repair::QuarantineBlob, size);
        if has_content {
            let size = self.content.size(&digest).unwrap_or_default();
            self.add(&finding, Repair::RefillBlob, size);
        }
    }

    fn rewrite(&mut self, finding: Finding) -> Result<()> {
        if self.is_whole(finding.subject.digest().or_else(|| finding.digest()))? {
            self.add(&finding, Repair::RewriteLink, 0);
        } else {
            self.leave(finding, "no intact content was found for it");
        }
        Ok(())
    }

    fn link_revision(&mut self, finding: Finding) -> Result<()> {
        if finding.repository().is_none_or(|name| name.parse::<RepositoryName>().is_err()) {
            self.leave(finding, "its repository's name is invalid");
        } else if self.is_whole(finding.digest())? {
            self.add(&finding, Repair::LinkRevision, 0);
        } else {
            self.leave(finding, "no intact content was found for it");
        }
        Ok(())
    }

    fn set_tag(&mut self, finding: Finding) -> Result<()> {
        match retag::newest(self.tree, &finding)? {
            Ok(newest) if self.is_whole(Some(newest))? => self.add(&finding.of_content(newest), Repair::SetTag, 0),
            Ok(_) => self.leave(finding, "the newest manifest of its history is not whole"),
            Err(reason) => self.leave(finding, reason),
        }
        Ok(())
    }

    fn remove_young(&mut self, finding: Finding, repair: Repair) -> Result<()> {
        let Some(path) = finding.subject.whole() else { return Ok(()) };
        match recheck::is_young(self.tree, &path, self.options.now) {
            Ok(false) => {}
            Ok(true) => {
                self.leave(finding, "something was written there within the last hour: it may be in use");
                return Ok(());
            }
            // One upload that can't be read must not keep all else from being repaired.
            Err(error) => {
                self.leave(finding, format!("it is unknown whether it is in use: {error}"));
                return Ok(());
            }
        }
        let sized = if repair == Repair::QuarantineUpload { path.data() } else { path };
        let size = self.tree.metadata(&sized)?.map_or(0, |found| found.size);
        self.add(&finding, repair, size);
        Ok(())
    }

    /// Whether there is content with this digest that is intact, or will be.
    fn is_whole(&mut self, digest: Option<Digest>) -> Result<bool> {
        let Some(digest) = digest.filter(|digest| !digest.is_tarsum()) else { return Ok(false) };
        if let Some(known) = self.whole.get(&digest) {
            return Ok(*known);
        }
        // The content was hashed in the quarantine.
        if self.recall.contains(&digest) {
            return Ok(true);
        }
        // Content behind a symbolic link does not belong to the tree.
        let is_whole =
            matches!(content::look_and_hash(self.tree, &digest, self.watch)?, (Occupant::File(_), Stored::Right));
        self.whole.insert(digest, is_whole);
        Ok(is_whole)
    }
}

fn reason_to_leave(finding: &Finding) -> String {
    let granted = finding.repository().zip(finding.digest()).filter(|_| finding.code.grants());
    granted.map_or_else(
        || "no repair is known for it".to_owned(),
        |(repository, digest)| {
            format!("nothing shows that the repository had it; --grant {repository}@{digest} links it all the same")
        },
    )
}

/// Whether the finding is about the directory of all content or of all repositories.
fn is_area(finding: &Finding) -> bool {
    matches!(&finding.subject, Subject::Other(path) if path.parent().is_none())
}
