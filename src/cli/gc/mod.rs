//! `regtree gc`.

mod explain;
mod more;
pub(super) mod report;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use more::More;
use quarantine::no_room;
use report::Summary;

use super::reference::Content;
use super::{Context, Exit, hint, interrupt, progress, quarantine, threads};
use crate::digest::Digest;
use crate::durable::ExclusiveWriter;
use crate::error::Error;
use crate::gc::{self, Did, Fate, Limit, Options, Plan};
use crate::pattern::Pattern;
use crate::stream::Watch;
use crate::tree::Tree;

/// Remove what nothing needs
///
/// gc keeps everything that is needed, and everything younger than --min-age with all that it references. When in
/// doubt, gc keeps. If a link or manifest of a repository can't be followed, everything that the repository links is
/// kept. If there may be unseen links, no blob is removed at all (exit code 3). Links are removed before content, so a
/// crash leaves garbage, never a dangling link; run gc again to finish.
///
/// Stop the registry, or make it read-only: a push that finds an old layer "already there" while gc removes it can lose
/// that layer. Restart the registry afterwards, or flush its redis, because it caches what it has seen.
///
/// With --quarantine everything is moved to .regtree/quarantine instead, and `regtree quarantine restore` puts it back;
/// the space is free only after `regtree quarantine purge`. Every run of gc puts back a blob from there that a
/// repository needs again, if something shows that the repository had it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    done
  1    I/O or permission error
  2    malformed argument
  3    done, but something was kept because it can't be followed, or could not be read or removed
  4    --repository matches nothing; --explain of a digest that the tree does not know
  10   no tree
  11   another process changes the tree
  12   refused by a safety limit: nothing is needed, or too much would be removed (--max-delete); the plan is shown. \
       Or with --delete-untagged: Harbor keeps the tags of this tree in a database
  130, 143 interrupted; what was removed until then is reported

Examples:
  regtree gc --dry-run
  regtree gc --delete-untagged --min-age 7d --quarantine
  regtree gc --dry-run --json | jq -r 'select(.type == \"remove\") | .path'")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Gc {
    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    quarantine: quarantine::Choice,
    /// Also remove untagged manifests, except children of kept indexes and referrers of kept manifests, in whatever
    /// repository these are kept
    #[arg(long)]
    delete_untagged: bool,
    /// Keep everything younger than AGE (30m, 12h, 7d, 2w), and all that it references; 0 turns this off
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = super::parse_span)]
    min_age: Duration,
    /// Remove uploads that began longer ago than AGE (12h, 7d, 2w)
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = super::parse_span)]
    uploads_older_than: Duration,
    /// Keep all uploads
    #[arg(long, conflicts_with = "uploads_older_than")]
    keep_uploads: bool,
    /// With --delete-untagged: also remove tags made for a manifest that is no longer in the tree, such as those of its
    /// signatures
    ///
    /// Such a tag is named after a manifest. Its name ends in .sig, .att or .sbom, or its index lists nothing, or only
    /// manifests about that manifest. All of these tags are kept if something in the tree can't be read. They are also
    /// kept in a repository in which no tag names a manifest that was ever in the tree, unless --repository chooses it.
    #[arg(long, requires = "delete_untagged")]
    delete_dangling_referrers: bool,
    /// Also remove tags whose manifest has no link, as registries 2.1 and 2.2 leave them when a manifest is deleted;
    /// otherwise such a tag keeps its manifest as long as that is complete
    #[arg(long)]
    delete_dangling_tags: bool,
    /// Accept indexes with missing children (partial mirrors), and free children that no repository links, with what only
    /// they need
    #[arg(long)]
    allow_sparse_indexes: bool,
    /// Keep the content that FILE names, one digest per line, and all that it references
    #[arg(long, value_name = "FILE")]
    keep_digests: Option<PathBuf>,
    /// Keep empty repositories
    #[arg(long)]
    keep_empty_repositories: bool,
    /// Remove only from repositories whose names match; what others link is kept; * does not match a slash, ** does
    /// (demo/**); may be given several times
    #[arg(long, value_name = "GLOB")]
    repository: Vec<Pattern>,
    /// Refuse to remove more than PERCENT% of the blobs' bytes, or more than BYTES; if omitted, refuse to remove 100
    /// blobs or more with over half of the bytes, or 20 blobs or more with over nine tenths
    #[arg(long, value_name = "LIMIT", value_parser = parse_limit)]
    max_delete: Option<Limit>,
    /// Continue even if nothing needs any of the content
    #[arg(long)]
    allow_rootless: bool,
    /// Explain why content is kept, by the shortest path that leads to it, or that it would be removed; remove nothing
    #[arg(long, value_name = "DIGEST|REPO:TAG", num_args = 1.., conflicts_with = "quarantine")]
    explain: Vec<Content>,
    /// Read the size of all content, to report how many bytes are kept
    #[arg(long)]
    sizes: bool,
    /// How many threads read; one per processor if omitted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

pub(super) fn parse_limit(text: &str) -> Result<Limit, &'static str> {
    let want = "expected a percentage such as 20%, or a number of bytes such as 50GiB";
    if text.ends_with('%') {
        return parse_percent(text).map(Limit::Percent).map_err(|_| want);
    }
    super::parse_bytes(text).map(Limit::Bytes).map_err(|_| want)
}

pub(super) fn parse_percent(text: &str) -> Result<f64, &'static str> {
    let percent = text.strip_suffix('%').and_then(|percent| percent.parse().ok());
    percent.filter(|percent| (0.0..=100.0).contains(percent)).ok_or("expected a percentage such as 20%")
}

/// An age as it is given.
pub(super) fn age(age: Duration) -> String {
    match jiff::SignedDuration::try_from(age) {
        Ok(age) if !age.is_zero() => format!("{age:#}"),
        _ => "0".to_owned(),
    }
}

impl Gc {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        threads::start(self.jobs);
        let options = self.options(context.now)?;
        let registry = context.registry()?;
        let explained: Vec<Digest> =
            self.explain.iter().map(|content| content.resolve(&registry)).collect::<anyhow::Result<_>>()?;
        let tree = registry.tree();
        let is_dry = self.dry_run || !self.explain.is_empty();
        let writer = context.exclusive_writer(&registry, "gc", is_dry)?;
        if self.delete_untagged || self.delete_dangling_tags {
            context.check_tags(&registry, is_dry)?;
        }
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        report::print_start(is_dry, &options, context)?;
        let mut plan = gc::plan(tree, options, &watch)?;
        let is_cache = context.note_cache(&registry);
        report::print_doubts(&plan, context)?;
        if !self.explain.is_empty() {
            return explain(tree, &plan, &explained, context);
        }
        let refusal = match plan.check(tree) {
            Err(refusal @ Error::SafetyLimit { .. }) => Some(refusal),
            checked => checked.map(|()| None)?,
        };
        // Where the tree does not say what is tagged, --delete-untagged is refused.
        let wants_untagged = !self.delete_untagged && !context.output.is_quiet() && registry.check_tags().is_ok();
        let untagged = wants_untagged.then(|| plan.untagged(tree, &watch)).transpose()?;
        let dangling = if self.delete_dangling_tags { None } else { plan.dangling_tags(tree, &watch)? };
        let more = More { untagged, dangling, ..self.more(tree, &plan)? };
        let mut summary = Summary { is_cache, ..self.summary(tree, &plan, more)? };
        match writer {
            Some(writer) if refusal.is_none() => {
                if self.min_age < Options::MIN_AGE && !plan.actions.is_empty() {
                    report::warn_of_processes(tree, context);
                }
                let prints = context.output.is_json() || context.output.is_verbose();
                let beside = prints.then(|| progress::beside_lines(context.global.progress, &context.output));
                let watch = Watch { progress: beside.as_deref().unwrap_or(&*progress), ..watch };
                sweep(&writer, plan, summary, &watch, context)
            }
            _ => {
                // A plan that is refused is shown as in a dry run.
                summary.dry_run = true;
                context.refusal = context.refusal.take().or(refusal);
                summary.refused = context.refusal.is_some();
                show(&plan, &summary, context)
            }
        }
    }

    fn options(&self, now: jiff::Timestamp) -> anyhow::Result<Options> {
        Ok(Options {
            min_age: self.min_age,
            delete_untagged: self.delete_untagged,
            delete_dangling_referrers: self.delete_dangling_referrers,
            delete_dangling_tags: self.delete_dangling_tags,
            allow_sparse_indexes: self.allow_sparse_indexes,
            keep: self.keep_digests.as_deref().map(read_digests).transpose()?.unwrap_or_default(),
            uploads_older_than: (!self.keep_uploads).then_some(self.uploads_older_than),
            keep_empty_repositories: self.keep_empty_repositories,
            quarantine: self.quarantine.is_quarantine(),
            max_delete: self.max_delete,
            allow_rootless: self.allow_rootless,
            only: self.repository.clone().into(),
            ..Options::new(now)
        })
    }

    /// What could be freed in addition, as far as that is known without another plan.
    fn more(&self, tree: &Tree, plan: &Plan) -> anyhow::Result<More> {
        let unlinked_children = plan.unlinked_children(tree)?;
        Ok(More { min_age: self.min_age, kept: plan.kept, untagged: None, unlinked_children, dangling: None })
    }

    /// This command as a dry run, with what was chosen, and with these options in addition.
    fn again(&self, more: &str) -> String {
        let mut command = "gc -n".to_owned();
        let flags = [
            ("--quarantine", self.quarantine.is_quarantine()),
            ("--delete-untagged", self.delete_untagged),
            ("--keep-uploads", self.keep_uploads),
            ("--delete-dangling-referrers", self.delete_dangling_referrers),
            ("--delete-dangling-tags", self.delete_dangling_tags),
            ("--allow-sparse-indexes", self.allow_sparse_indexes),
            ("--keep-empty-repositories", self.keep_empty_repositories),
        ];
        command.extend(flags.into_iter().filter(|(_, given)| *given).flat_map(|(flag, _)| [" ", flag]));
        for pattern in &self.repository {
            command.extend([" --repository ", &*hint::quote(pattern.to_string().into())]);
        }
        if let Some(file) = &self.keep_digests {
            command.extend([" --keep-digests ", &*hint::quote_path(file)]);
        }
        if self.min_age != Options::MIN_AGE && !more.contains("--min-age") {
            command.extend([" --min-age ", &*hint::quote(age(self.min_age).into())]);
        }
        if self.uploads_older_than != Options::UPLOAD_AGE {
            command.extend([" --uploads-older-than ", &*hint::quote(age(self.uploads_older_than).into())]);
        }
        command + " " + more
    }

    /// Sums up the plan before the sweep.
    fn summary(&self, tree: &Tree, plan: &Plan, more: More) -> anyhow::Result<Summary> {
        Ok(Summary {
            is_cache: false,
            dry_run: self.dry_run,
            refused: false,
            quarantine: self.quarantine.is_quarantine(),
            next: more.sum().map(|sum| self.again(sum.options)),
            more,
            opaque: plan.opaque.len(),
            keep_all_content: plan.keep_all_content,
            has_future: plan.has_future(),
            all_bytes: self.sizes.then(|| plan.all_bytes(tree)).transpose()?,
        })
    }
}

fn explain(tree: &Tree, plan: &Plan, digests: &[Digest], context: &mut Context) -> anyhow::Result<Exit> {
    quarantine::print_recall(&plan.recall, context)?;
    let mut unknown = false;
    for digest in digests {
        let (fate, links) = plan.explain(tree, digest)?;
        unknown |= fate == Fate::Absent;
        explain::print(digest, &fate, &links, context)?;
    }
    Ok(if unknown { Exit::Unknown } else { Exit::damage_if(plan.is_doubtful() || plan.is_partial()) })
}

fn show(plan: &Plan, summary: &Summary, context: &mut Context) -> anyhow::Result<Exit> {
    quarantine::print_recall(&plan.recall, context)?;
    for action in &plan.actions {
        report::print_action(action, context)?;
    }
    summary.print(&plan.actions, None, context)?;
    Ok(Exit::damage_if(has_damage(plan)))
}

fn sweep(
    writer: &ExclusiveWriter<'_>,
    plan: Plan,
    mut summary: Summary,
    watch: &Watch<'_>,
    context: &mut Context,
) -> anyhow::Result<Exit> {
    let has_damage = has_damage(&plan);
    // The sweep continues even if its output can't be printed.
    let mut printed = Ok(());
    let swept = gc::sweep(writer, plan, watch, |did| {
        if printed.is_ok() {
            printed = match did {
                Did::PutBack(digest, run) => quarantine::print_put_back(digest, run, "put back", context),
                Did::Removed(action) => report::print_action(action, context),
            };
        }
        Ok(())
    });
    printed?;
    let mut swept = match swept {
        Err(error) if summary.quarantine => return Err(no_room(error, context)),
        swept => swept?,
    };
    // When nothing could be removed, the run failed, and one reason is enough.
    let failure = swept.is_refused().then(|| swept.failures.remove(0));
    let exit = if failure.is_some() && !context.output.is_json() {
        context.output.all_damage(&swept.not_put_back)?
    } else {
        context.output.all_damage(swept.not_put_back.iter().chain(&swept.failures))?
    };
    let is_quarantine_full = summary.quarantine && swept.failures.iter().any(quarantine::is_full);
    summary.more.kept = swept.kept;
    for finding in &swept.findings {
        report::print_finding(finding, context)?;
    }
    summary.print(&swept.removed, swept.quarantine.as_ref(), context)?;
    if let Some(signal) = swept.interrupted {
        context.output.hint("to remove the rest, run it again");
        return Err(Error::Interrupted { signal }.into());
    }
    match failure {
        Some(error) if summary.quarantine => return Err(no_room(error, context)),
        Some(error) => return Err(error.into()),
        None if is_quarantine_full => context.output.hint(quarantine::NO_ROOM),
        None => {}
    }
    Ok(if has_damage || !swept.findings.is_empty() { Exit::Damage } else { exit })
}

/// Whether something is kept because of what can't be followed, or something could not be read.
fn has_damage(plan: &Plan) -> bool {
    plan.is_doubtful() || plan.is_partial() || !plan.recall.damage.is_empty()
}

/// Reads one digest per line. Empty lines, and what follows a `#`, are ignored.
fn read_digests(path: &Path) -> anyhow::Result<HashSet<Digest>> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
    let mut digests = HashSet::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.split('#').next().unwrap_or_default().trim();
        if !text.is_empty() {
            let digest = text.parse().map_err(|error| Error::NoDigest {
                path: path.to_owned(),
                line,
                reason: format!("{error}"),
            })?;
            digests.insert(digest);
        }
    }
    Ok(digests)
}
