//! Applies rules to the repositories of a tree.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::created::created;
use super::judge::{Candidate, judge};
use super::rules::{AgeBy, Reason, Rules, sensible};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::gc::{Foresight, Freeable, Options, TagOf};
use crate::limit;
use crate::manifest;
use crate::name::{RepositoryName, Tag};
use crate::reach;
use crate::repository::Repository;
use crate::scan::{Scan, Scanned};
use crate::stream::Watch;
use crate::tag::{self, FoundTags};
use crate::tree::Tree;

/// A repository with its rules.
#[derive(Clone, Debug)]
pub(crate) struct Chosen<'r> {
    pub(crate) name: RepositoryName,
    pub(crate) rules: &'r Rules,
}

/// What becomes of a tag, and why.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) tag: Tag,
    /// What it points to. `None` when that can't be read, or when only empty directories are left of the tag.
    pub(crate) digest: Option<Digest>,
    /// What its age is counted from, if that is known and sensible.
    pub(crate) time: Option<Timestamp>,
    /// When it was last set, exactly.
    pub(super) set: Option<Timestamp>,
    /// Why it stays. Without a reason it goes.
    pub(crate) kept: Vec<Reason>,
    /// Whether it was made for another image.
    pub(super) is_companion: bool,
}

impl Verdict {
    /// Whether the tag goes.
    pub(crate) fn goes(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether there is more of it than empty directories.
    fn is_tag(&self) -> bool {
        self.digest.is_some() || !self.goes()
    }
}

/// What becomes of the tags of a repository.
#[derive(Debug)]
pub(crate) struct Pruned<'p> {
    pub(crate) repository: Repository<'p>,
    pub(crate) rules: &'p Rules,
    /// Sorted by tag.
    pub(crate) verdicts: Vec<Verdict>,
}

/// What became of a tag that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is gone.
    Removed,
    /// It was set meanwhile, or a tag leads to its image again, so it stays.
    Stays,
}

/// A tag that was to go, by the numbers of its repository and of its verdict, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) repository: usize,
    pub(crate) verdict: usize,
    pub(crate) fate: Fate,
}

/// Which tags go, and why the others stay.
#[derive(Debug)]
#[must_use = "nothing is removed until it is carried out"]
pub(crate) struct Plan<'p> {
    pub(crate) repositories: Vec<Pruned<'p>>,
    /// What could not be read, and is kept.
    pub(crate) damage: Vec<Error>,
    foresight: Foresight,
}

impl<'p> Plan<'p> {
    /// Judges the tags of the chosen repositories. Nothing is changed.
    pub(crate) fn new(tree: &'p Tree, chosen: &[Chosen<'p>], now: Timestamp, watch: &Watch<'_>) -> Result<Self> {
        let foresight = Foresight::read(tree, watch)?;
        let (mut repositories, mut damage) = (Vec::with_capacity(chosen.len()), Vec::new());
        let scanned = by_name(foresight.scan());
        for Chosen { name, rules } in chosen {
            watch.interrupt.check()?;
            let repository = Repository::new(tree, name.clone());
            let known = Known::of(foresight.scan(), scanned.get(name.as_str()).map_or(&[], Vec::as_slice));
            let verdicts = Judging { rules, now, repository: &repository, known }.all(&mut damage)?;
            repositories.push(Pruned { repository, rules, verdicts });
        }
        let mut plan = Self { repositories, damage, foresight };
        plan.judge_companions(tree, now, watch)?;
        Ok(plan)
    }

    /// Tags that were made for another image go with the last tag that leads to it.
    fn judge_companions(&mut self, tree: &Tree, now: Timestamp, watch: &Watch<'_>) -> Result<()> {
        let mut all = self.repositories.iter().flat_map(|pruned| &pruned.verdicts);
        if !all.any(|verdict| verdict.is_companion && verdict.goes()) {
            self.foresight.without(&self.going(|_| true));
            return Ok(());
        }
        let has_only = self.repositories.iter().any(|pruned| !pruned.rules.only_tags.is_empty());
        let before = if has_only { self.foresight.let_go(tree, now, watch)? } else { HashSet::new() };
        self.foresight.without(&self.going(|verdict| !verdict.is_companion));
        let after = self.foresight.let_go(tree, now, watch)?;
        for Pruned { repository, rules, verdicts } in &mut self.repositories {
            for verdict in verdicts.iter_mut().filter(|verdict| verdict.is_companion && verdict.goes()) {
                let tag = name_of(repository, &verdict.tag);
                if !after.contains(&tag) {
                    verdict.kept.push(Reason::Subject);
                } else if !rules.look_at(verdict.tag.as_str()) && before.contains(&tag) {
                    // No tag that the rules look at led to its image.
                    verdict.kept.push(Reason::NotLookedAt);
                }
            }
        }
        self.foresight.without(&self.going(|_| true));
        Ok(())
    }

    /// The tags that go, and for which `wanted` holds.
    fn going(&self, wanted: impl Fn(&Verdict) -> bool) -> HashSet<TagOf> {
        let mut going = HashSet::new();
        for Pruned { repository, verdicts, .. } in &self.repositories {
            let tags = verdicts.iter().filter(|verdict| verdict.goes() && wanted(verdict));
            going.extend(tags.map(|verdict| name_of(repository, &verdict.tag)));
        }
        going
    }

    /// Notes what became of the tags that were to go: those that are not gone stay.
    pub(crate) fn settle(&mut self, outcomes: &[Outcome]) {
        let fates: HashMap<(usize, usize), Fate> =
            outcomes.iter().map(|outcome| ((outcome.repository, outcome.verdict), outcome.fate)).collect();
        for (repository, pruned) in self.repositories.iter_mut().enumerate() {
            let going = pruned.verdicts.iter_mut().enumerate().filter(|(_, verdict)| verdict.goes());
            for (number, verdict) in going {
                match fates.get(&(repository, number)) {
                    Some(Fate::Removed) => {}
                    Some(Fate::Stays) => verdict.kept.push(Reason::SetMeanwhile),
                    None => verdict.kept.push(Reason::NotReached),
                }
            }
        }
    }

    /// What a collection with these options would free after this.
    pub(crate) fn freeable(&mut self, tree: &Tree, options: &Options, watch: &Watch<'_>) -> Result<Freeable> {
        let mut verdicts = self.repositories.iter().flat_map(|pruned| &pruned.verdicts);
        if verdicts.any(|verdict| verdict.kept.contains(&Reason::SetMeanwhile)) {
            self.foresight = Foresight::read(tree, watch)?;
        }
        self.foresight.freeable(tree, options, watch)
    }

    /// How many tags there are, and how many of them go.
    pub(crate) fn count(&self) -> (u64, u64) {
        let tags = || self.repositories.iter().flat_map(|pruned| &pruned.verdicts).filter(|verdict| verdict.is_tag());
        (tags().count() as u64, tags().filter(|verdict| verdict.goes()).count() as u64)
    }

    /// `Err(SafetyLimit)` when a repository would be left without a tag, unless that is allowed, or when too many tags
    /// would go.
    pub(crate) fn check(&self, allow_empty: bool, max_delete: Option<f64>) -> Result<()> {
        let is_emptied = |pruned: &&Pruned<'_>| {
            let tags = || pruned.verdicts.iter().filter(|verdict| verdict.is_tag());
            tags().next().is_some() && tags().all(Verdict::goes)
        };
        if let Some(emptied) = self.repositories.iter().find(is_emptied).filter(|_| !allow_empty) {
            let reason = format!("repository {} would be left without a tag", emptied.repository.name());
            return Err(Error::SafetyLimit { reason, override_option: "--allow-empty".into() });
        }
        let (all, going) = self.count();
        limit::check_tags(going, all, max_delete)
    }
}

pub(super) fn name_of(repository: &Repository<'_>, tag: &Tag) -> TagOf {
    (repository.name().to_string(), tag.to_string())
}

/// The rules of a repository at work.
struct Judging<'j> {
    rules: &'j Rules,
    now: Timestamp,
    repository: &'j Repository<'j>,
    known: Known<'j>,
}

impl Judging<'_> {
    /// Judges all tags of the repository. Companions that only an image could keep have no reason yet.
    fn all(&self, damage: &mut Vec<Error>) -> Result<Vec<Verdict>> {
        let found = tag::tags(self.repository);
        let mut verdicts = self.left_over(&found)?;
        for error in found.damage {
            let broken = of_broken(&error);
            if broken.is_some_and(|tag| verdicts.iter().any(|left_over| left_over.tag == *tag)) {
                continue;
            }
            verdicts.extend(broken.map(|tag| unread(tag.clone(), vec![Reason::Damaged])));
            damage.push(error);
        }
        let (mut versions, mut candidates) = (Vec::new(), Vec::new());
        for (tag, digest) in found.tags {
            let mut verdict = self.look(tag, digest, damage);
            if verdict.is_companion && verdict.kept.is_empty() {
                verdict.kept = self.rules.alone(verdict.tag.as_str(), verdict.time, self.now);
            }
            if verdict.is_companion || !verdict.kept.is_empty() {
                verdicts.push(verdict);
                continue;
            }
            candidates.push(Candidate { tag: verdict.tag.to_string(), time: verdict.time });
            versions.push(verdict);
        }
        for (verdict, kept) in versions.iter_mut().zip(judge(self.rules, &candidates, self.now)) {
            verdict.kept = kept;
        }
        verdicts.extend(versions);
        verdicts.sort_by(|one, other| one.tag.cmp(&other.tag));
        Ok(verdicts)
    }

    /// The tags of which a removal that was cut short left only empty directories. They go, to finish it.
    fn left_over(&self, found: &FoundTags) -> Result<Vec<Verdict>> {
        let left_over = tag::left_over(self.repository, found)?.into_iter();
        let left_over = left_over.filter(|left| self.rules.look_at(left.tag.as_str()));
        let mut verdicts: Vec<Verdict> = left_over.map(|left| unread(left.tag, Vec::new())).collect();
        verdicts.dedup_by(|one, other| one.tag == other.tag);
        Ok(verdicts)
    }

    /// Looks at what a tag points to, and at its age. One that is damaged stays.
    fn look(&self, tag: Tag, digest: Digest, damage: &mut Vec<Error>) -> Verdict {
        let known = &self.known;
        let is_companion = known.companions.contains(tag.as_str());
        let mut verdict = Verdict { digest: Some(digest), is_companion, ..unread(tag, Vec::new()) };
        let looked = known.check(self.repository, digest).and_then(|()| {
            verdict.set = tag::since(self.repository, &verdict.tag)?;
            match self.rules.age_by {
                Some(AgeBy::Created) if !is_companion => created(self.repository, digest),
                _ => Ok(verdict.set),
            }
        });
        match looked {
            Ok(time) => verdict.time = time.and_then(|time| sensible(time, self.now)),
            Err(error) => {
                verdict.kept.push(Reason::Damaged);
                // A cache fetches what it lacks when that is pulled.
                if !(known.is_cache && matches!(error, Error::ManifestUnknown { .. })) {
                    damage.push(error);
                }
            }
        }
        verdict
    }
}

/// The scanned repositories by their names. A name has two where folders of both layouts are.
fn by_name(scan: &Scan) -> HashMap<&str, Vec<&Scanned>> {
    let mut by_name: HashMap<&str, Vec<&Scanned>> = HashMap::new();
    for repository in &scan.repositories {
        by_name.entry(repository.text()).or_default().push(repository);
    }
    by_name
}

/// What a scan knows of a repository.
struct Known<'s> {
    scan: &'s Scan,
    is_cache: bool,
    revisions: HashSet<Digest>,
    /// The tags that were made for other images.
    companions: HashSet<&'s str>,
}

impl<'s> Known<'s> {
    fn of(scan: &'s Scan, repositories: &[&'s Scanned]) -> Self {
        let (mut revisions, mut companions) = (HashSet::new(), HashSet::new());
        for scanned in repositories {
            revisions.extend(scanned.revisions.iter().map(|revision| revision.digest));
            companions.extend(reach::made_for_others(scan, scanned).into_iter().map(|(tag, ..)| tag.name.as_str()));
        }
        Self { scan, is_cache: scan.is_cache, revisions, companions }
    }

    /// `Err` says what is missing or damaged of a manifest.
    fn check(&self, repository: &Repository<'_>, digest: Digest) -> Result<()> {
        let node = self.scan.digests.find(&digest).and_then(|name| self.scan.graph.node(name));
        if node.is_some() && self.revisions.contains(&digest) {
            return Ok(());
        }
        manifest::read(repository, digest).map(drop)
    }
}

/// The tag that can't be read, if the error is about one.
fn of_broken(error: &Error) -> Option<&Tag> {
    if let Error::BrokenTag { tag, .. } | Error::TagUnknown { tag, .. } = error { Some(tag) } else { None }
}

fn unread(tag: Tag, kept: Vec<Reason>) -> Verdict {
    Verdict { tag, digest: None, time: None, set: None, kept, is_companion: false }
}
