//! `regtree repair`.

mod report;

use std::path::PathBuf;
use std::time::Duration;

use report::End;

use super::{Context, Exit, fsck as fsck_command, interrupt, progress, quarantine, threads};
use crate::digest::GivenDigest;
use crate::durable::ExclusiveWriter;
use crate::error::Error;
use crate::finding::{Code, REPAIRABLE};
use crate::fsck::Content;
use crate::reference::{Reference, Target};
use crate::repair::{self, Did, Done, Grant, Options, Plan, Remaining, Source, Wanted};
use crate::stream::Watch;
use crate::tree::Tree;

/// Repair what fsck finds
///
/// repair deletes nothing. It moves what is wrong to the quarantine, with a journal of every change, so that quarantine
/// restore undoes the repair. Once a corrupt blob is moved, the next push replaces it. While it is in place, a registry
/// accepts that push and ignores it. --from puts in the right content at once. Content that a manifest embeds in the
/// data of a descriptor is put in without --from.
///
/// If corrupt blobs are to be repaired, all content is hashed, unless --skip-content or --unverified-for is given. At
/// the end the tree is checked again, without hashing.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["only", "all_safe", "grant"]), after_long_help = "\
Exit codes:
  0    done, and no error is left in what was checked
  1    I/O or permission error
  2    malformed argument
  3    done, but an error is left (with -n: would be left), a repair failed, or something could not be read
  4    the repository or the content of a --grant is unknown
  10   no tree
  11   another process changes the tree
  12   refused: so much is missing that a disk may not be mounted, or the content of a --grant is damaged
  130, 143 interrupted; what was repaired until then is reported

Examples:
  regtree repair --all-safe --dry-run
  regtree repair --only blob-corrupt,blob-missing --from /mnt/backup/registry
  regtree repair --only tag-dangling,revision-dangling
  regtree repair --grant team/app@sha256:… -n")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Repair {
    /// Repair only findings with these codes; separate several with commas, or give --only several times
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = super::one_of(REPAIRABLE, Code::name), conflicts_with = "all_safe")]
    only: Vec<Code>,
    /// Repair everything that is safe to repair; dangling tags and manifests are kept
    #[arg(long)]
    all_safe: bool,
    /// Link content of the tree in a repository, though nothing shows that the repository had it; give --grant several
    /// times for several links
    #[arg(long, value_name = "REPOSITORY@DIGEST", value_parser = parse_grant)]
    grant: Vec<Grant>,
    /// Show what would be done, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Put in missing and corrupt content from another registry tree, an OCI image layout, or a directory of files
    #[arg(long, value_name = "SOURCE")]
    from: Option<PathBuf>,
    /// Continue even if so much content is missing that its disk may not be mounted
    #[arg(long)]
    assume_blobs_lost: bool,
    /// Report no missing children of indexes (partial mirrors)
    #[arg(long)]
    allow_sparse_indexes: bool,
    /// Hash manifests only: other corrupt content is found only if its size is wrong
    #[arg(long, conflicts_with = "unverified_for")]
    skip_content: bool,
    /// Hash only blobs not verified within AGE (12h, 30d, 8w), or changed since
    #[arg(long, value_name = "AGE", value_parser = super::parse_span)]
    unverified_for: Option<Duration>,
    /// How many threads read; one per processor if omitted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

fn parse_grant(text: &str) -> Result<Grant, Box<dyn std::error::Error + Send + Sync>> {
    match text.parse()? {
        Reference { repository, target: Target::Digest(GivenDigest::Whole(digest)) } => {
            Ok(Grant { repository, digest })
        }
        Reference { .. } => Err("expected REPOSITORY@DIGEST with the whole digest, and no tag".into()),
    }
}

impl Repair {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        threads::start(self.jobs);
        let source = self.from.as_deref().map(Source::open).transpose()?;
        let registry = context.registry()?;
        if self.allow_sparse_indexes {
            registry.tree().allow_sparse_indexes();
        }
        let tree = registry.tree();
        let writer = context.exclusive_writer(&registry, "repair", self.dry_run)?;
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        report::print_start(&self, context)?;
        let plan = repair::plan(tree, self.options(source.as_ref(), context), &watch)?;
        context.note_cache(&registry);
        report::print_plan(&plan, context)?;
        match writer {
            Some(writer) => execute(&writer, plan, &watch, context),
            None => show(tree, &plan, context),
        }
    }

    fn options<'o>(&self, source: Option<&'o Source>, context: &Context) -> Options<'o> {
        let wanted = if self.all_safe { Wanted::Safe } else { Wanted::Only(self.only.iter().copied().collect()) };
        let unverified_since =
            self.unverified_for.map(|age| context.now.checked_sub(age).unwrap_or(jiff::Timestamp::MIN));
        let everything = Content { unverified_since, ..Content::new(context.now, fsck_command::threads(self.jobs)) };
        let content = (wanted.includes(Code::BlobCorrupt) && !self.skip_content).then_some(everything);
        let (pauses, assume_blobs_lost) = (context.pauses.clone(), self.assume_blobs_lost);
        let grants = self.grant.clone();
        Options { source, content, pauses, grants, assume_blobs_lost, ..Options::new(wanted, context.now) }
    }
}

fn show(tree: &Tree, plan: &Plan<'_>, context: &mut Context) -> anyhow::Result<Exit> {
    let unread = context.output.all_damage(&plan.unread(tree, plan.recall.damage.iter().chain(&plan.refused)))?;
    quarantine::print_recall(&plan.recall, context)?;
    plan.actions.iter().try_for_each(|action| report::print_action(action, context))?;
    let remaining = Remaining::expected(plan);
    End { plan, done: None, remaining: &remaining }.print(context)?;
    let is_damaged = !plan.recall.damage.is_empty() || !remaining.errors.is_empty() || leaves_tags(plan);
    Ok(if is_damaged { Exit::Damage } else { unread })
}

fn execute(
    writer: &ExclusiveWriter<'_>,
    plan: Plan<'_>,
    watch: &Watch<'_>,
    context: &mut Context,
) -> anyhow::Result<Exit> {
    // The repair continues even if its output can't be printed.
    let mut printed = Ok(());
    let (plan, done) = repair::execute(writer, plan, watch, |did| {
        if printed.is_ok() {
            printed = match did {
                Did::PutBack(digest, run) => quarantine::print_put_back(digest, run, "put back", context),
                Did::Repaired(action) => report::print_action(action, context),
            };
        }
    })?;
    printed?;
    for (action, reason) in &done.outdated {
        report::print_outdated(action, reason, context)?;
    }
    context.output.all_damage(done.refused.iter().chain(&done.failures))?;
    let (remaining, interrupted) = look_again(writer.tree(), &plan, &done, watch)?;
    for finding in &remaining.new {
        fsck_command::print(finding, context)?;
    }
    let told = done.refused.iter().chain(&done.failures).chain(&plan.recall.damage).chain(&plan.refused);
    let unread = context.output.all_damage(&plan.unread(writer.tree(), told))?;
    End { plan: &plan, done: Some(&done), remaining: &remaining }.print(context)?;
    if let Some(signal) = interrupted {
        return Err(Error::Interrupted { signal }.into());
    }
    let has_failed = !done.failures.is_empty() || !plan.recall.damage.is_empty();
    let is_damaged = has_failed || !remaining.errors.is_empty() || leaves_tags(&plan);
    Ok(if is_damaged { Exit::Damage } else { unread })
}

/// Whether tags stay that were to be set. That is only a warning, but no registry serves such a tag.
fn leaves_tags(plan: &Plan<'_>) -> bool {
    plan.left.iter().any(|left| left.finding.code == Code::TagWithoutCurrent)
}

/// The errors that are left; or the signal because of which that is unknown.
fn look_again(
    tree: &Tree,
    plan: &Plan<'_>,
    done: &Done,
    watch: &Watch<'_>,
) -> anyhow::Result<(Remaining, Option<usize>)> {
    if done.interrupted.is_some() {
        return Ok((Remaining::default(), done.interrupted));
    }
    if plan.actions.is_empty() {
        return Ok((Remaining::expected(plan), None));
    }
    match Remaining::look(tree, plan, watch) {
        Ok(remaining) => Ok((remaining, None)),
        Err(Error::Interrupted { signal }) => Ok((Remaining::default(), Some(signal))),
        Err(error) => Err(error.into()),
    }
}
