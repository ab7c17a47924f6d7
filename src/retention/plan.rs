//! Applies rules to the repositories of a tree.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::companions::{self, Companion};
use super::created::created;
use super::judge::{Candidate, judge};
use super::rules::{AgeBy, Reason, Rules, sensible};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::gc::{Foresight, Freeable, Options, TagOf};
use crate::layout::Form;
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
    /// What it points to. `None` when that can't be read.
    pub(crate) digest: Option<Digest>,
    /// What its age is counted from, if that is known and sensible.
    pub(crate) time: Option<Timestamp>,
    /// When it was last set, exactly.
    pub(super) set: Option<Timestamp>,
    /// Why it stays. Without a reason it goes.
    pub(crate) kept: Vec<Reason>,
    /// Whether it was made for another image.
    pub(super) companion: Option<Companion>,
}

impl Verdict {
    /// Whether the tag goes.
    pub(crate) fn goes(&self) -> bool {
        self.kept.is_empty()
    }

    /// Notes what keeps it, unless it is damaged, which is reason enough.
    fn keep(&mut self, kept: Vec<Reason>) {
        if self.goes() {
            self.kept = kept;
        }
    }
}

/// What becomes of the tags of a repository.
#[derive(Debug)]
pub(crate) struct Pruned<'p> {
    pub(crate) repository: Repository<'p>,
    pub(crate) rules: &'p Rules,
    /// Sorted by tag.
    pub(crate) verdicts: Vec<Verdict>,
    /// The tags of which a removal that was cut short left only empty directories, and that no rule would keep.
    pub(super) left_over: Vec<Tag>,
}

/// What became of a tag that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is removed next.
    Goes,
    /// It is gone.
    Removed,
    /// It was set since the plan was made, or a tag leads to its image again, so it stays.
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
            let judging = Judging { rules, now, repository: &repository, known };
            let (verdicts, left_over) = judging.all(&mut damage)?;
            repositories.push(Pruned { repository, rules, verdicts, left_over });
        }
        let mut plan = Self { repositories, damage, foresight };
        plan.judge_companions(tree, now, watch)?;
        Ok(plan)
    }

    /// Tags that were made for another image go with the last tag that leads to it.
    fn judge_companions(&mut self, tree: &Tree, now: Timestamp, watch: &Watch<'_>) -> Result<()> {
        let versions = self.going().filter(|(_, companion)| companion.is_none());
        self.foresight.without(&versions.map(|(tag, _)| tag).collect());
        let waiting = self.waiting();
        let stay = companions::that_stay(&mut self.foresight, tree, waiting, now, watch)?;
        for Pruned { repository, verdicts, .. } in &mut self.repositories {
            for verdict in verdicts.iter_mut().filter(|verdict| verdict.companion.is_some() && verdict.goes()) {
                verdict.kept.extend(stay.get(&name_of(repository, &verdict.tag)));
            }
        }
        self.foresight.without(&self.going().map(|(tag, _)| tag).collect());
        Ok(())
    }

    /// The tags that go.
    fn going(&self) -> impl Iterator<Item = (TagOf, Option<Companion>)> {
        self.repositories.iter().flat_map(|Pruned { repository, verdicts, .. }| {
            let going = verdicts.iter().filter(|verdict| verdict.goes());
            going.map(|verdict| (name_of(repository, &verdict.tag), verdict.companion))
        })
    }

    /// Those of them that were made for another image.
    pub(super) fn waiting(&self) -> HashMap<TagOf, Companion> {
        self.going().filter_map(|(tag, companion)| Some((tag, companion?))).collect()
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
                    Some(Fate::Goes) | None => verdict.kept.push(Reason::NotReached),
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
        let tags = || self.repositories.iter().flat_map(|pruned| &pruned.verdicts);
        (tags().count() as u64, tags().filter(|verdict| verdict.goes()).count() as u64)
    }

    /// Of how many tags only empty directories are left, which go too.
    pub(crate) fn left_over(&self) -> usize {
        self.repositories.iter().map(|pruned| pruned.left_over.len()).sum()
    }

    /// `Err(SafetyLimit)` when a repository would be left without a tag, unless that is allowed, or when too many tags
    /// would go.
    pub(crate) fn check(&self, allow_empty: bool, max_delete: Option<f64>) -> Result<()> {
        let is_emptied =
            |pruned: &&Pruned<'_>| !pruned.verdicts.is_empty() && pruned.verdicts.iter().all(Verdict::goes);
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
    /// Judges all tags of the repository. Companions that only an image could keep have no reason yet. Returns the tags too
    /// of which only empty directories are left.
    fn all(&self, damage: &mut Vec<Error>) -> Result<(Vec<Verdict>, Vec<Tag>)> {
        let found = tag::tags(self.repository);
        let left_over = self.left_over(&found)?;
        let mut verdicts: Vec<Verdict> = Vec::new();
        for error in found.damage {
            let damaged = self.damaged(&error);
            if damaged.as_ref().is_some_and(|tag| left_over.contains(tag)) {
                continue;
            }
            let is_known = |tag: &Tag| verdicts.iter().any(|verdict| verdict.tag == *tag);
            verdicts.extend(damaged.filter(|tag| !is_known(tag)).map(|tag| unread(tag, vec![Reason::Damaged])));
            damage.push(error);
        }
        verdicts.extend(found.tags.into_iter().map(|(tag, digest)| self.look(tag, digest, damage)));
        self.judge(&mut verdicts);
        verdicts.sort_by(|one, other| one.tag.cmp(&other.tag));
        verdicts.dedup_by(|one, other| one.tag == other.tag);
        Ok((verdicts, left_over))
    }

    /// Finds what keeps the tags that are not damaged. Those that are take part, because they stay.
    fn judge(&self, verdicts: &mut [Verdict]) {
        let of = |companion: Option<Companion>, verdicts: &[Verdict]| -> Vec<usize> {
            (0..verdicts.len()).filter(|number| verdicts[*number].companion == companion).collect()
        };
        let versions = of(None, verdicts);
        // In doubt a tag is judged like a version, but takes the place of none.
        let all = [&*versions, &of(Some(Companion::Doubtful), verdicts)].concat();
        let candidate =
            |number: &usize| Candidate { tag: verdicts[*number].tag.to_string(), time: verdicts[*number].time };
        let candidates: Vec<Candidate> = all.iter().map(candidate).collect();
        let judge = |candidates: &[Candidate]| judge(self.rules, candidates, self.now);
        let mut kept = judge(&candidates[..versions.len()]);
        if all.len() > versions.len() {
            kept.extend(judge(&candidates).split_off(versions.len()));
        }
        for (number, kept) in all.into_iter().zip(kept) {
            verdicts[number].keep(kept);
        }
        for number in of(Some(Companion::Certain), verdicts) {
            let verdict = &mut verdicts[number];
            let tag = verdict.tag.as_str();
            let is_judged = self.rules.look_at(tag);
            let alone = || self.rules.alone(tag, verdict.time, self.now);
            let kept = if is_judged { alone() } else { vec![Reason::NotLookedAt] };
            verdict.keep(kept);
        }
    }

    /// The tags of which a removal that was cut short left only empty directories. They go, to finish it, unless a rule
    /// might keep a tag of that name.
    fn left_over(&self, found: &FoundTags) -> Result<Vec<Tag>> {
        let left_over = tag::left_over(self.repository, found)?.into_iter().map(|left| left.tag);
        let mut left_over: Vec<Tag> = left_over.filter(|tag| !self.rules.may_keep(tag.as_str())).collect();
        left_over.dedup();
        Ok(left_over)
    }

    /// The tag that can't be read, if the error is about one.
    fn damaged(&self, error: &Error) -> Option<Tag> {
        let tree = self.repository.tree();
        let of = |form| tree.locate(&self.repository.place(form).tags());
        let below = Form::ALL.into_iter().find_map(|form| error.path()?.strip_prefix(of(form)).ok())?;
        below.components().next()?.as_os_str().to_str()?.parse().ok()
    }

    /// Looks at what a tag points to, and at its age. One that is damaged stays.
    fn look(&self, tag: Tag, digest: Digest, damage: &mut Vec<Error>) -> Verdict {
        let known = &self.known;
        let companion = known.companion(tag.as_str(), digest);
        let mut verdict = Verdict { digest: Some(digest), companion, ..unread(tag, Vec::new()) };
        let looked = known.check(self.repository, digest).and_then(|()| {
            verdict.set = tag::since(self.repository, &verdict.tag)?;
            match self.rules.age_by {
                Some(AgeBy::Created) if companion != Some(Companion::Certain) => created(self.repository, digest),
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

    /// Whether a tag that points to `digest` was made for another image. One that is named after its own was not, nor one
    /// that could only be a list and is none.
    fn companion(&self, tag: &str, digest: Digest) -> Option<Companion> {
        let begin = reach::beginning_of_subject(tag)?;
        if self.companions.contains(tag) {
            return Some(Companion::Certain);
        }
        let node = self.scan.digests.find(&digest).and_then(|name| self.scan.graph.node(name));
        let is_no_list = !tag.contains('.') && node.is_some_and(|node| !node.is_index);
        (!is_no_list && !digest.to_string().starts_with(&begin)).then_some(Companion::Doubtful)
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

fn unread(tag: Tag, kept: Vec<Reason>) -> Verdict {
    Verdict { tag, digest: None, time: None, set: None, kept, companion: None }
}
