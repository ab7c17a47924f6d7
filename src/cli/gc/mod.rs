//! `regtree gc`.

mod explain;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::count::{self, human_bytes, plural};
use super::{Context, Exit, hint, interrupt, output};
use crate::digest::Digest;
use crate::error::Error;
use crate::finding::Code;
use crate::gc::{self, Action, Fate, Finding, Kind, Options, Plan, Untagged};
use crate::pattern::Pattern;
use crate::quarantine::{self, Needed, RunId};
use crate::repair::MENDABLE;
use crate::scan::{Doubt, Scan};
use crate::stream::Interrupt;
use crate::tree::Tree;

/// Remove what nothing needs
///
/// Everything that is in use is kept, and whatever is younger than --min-age with all that it references. What can't be
/// followed is kept too: a repository with a broken link or manifest keeps all that it links, and where links may be unseen
/// no content goes at all (exit 3). Links go before content, so that a crash leaves garbage and never a link that lies;
/// running it again finishes.
///
/// Stop the registry, or make it read-only: a push that finds an old layer "already there" while it goes can lose it. And
/// restart it afterwards, or flush its redis, for it remembers what it has seen.
///
/// With --quarantine everything is moved to .regtree/quarantine instead, and `regtree quarantine restore` puts it back; the room is free only after `regtree quarantine purge`. Any run puts back a blob from there that the tree needs again.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    done
  1    not readable, not writable
  2    malformed argument
  3    done, but something was kept for doubt, or could not be removed
  4    --repository matches nothing; --explain of a digest that the tree does not know
  10   no tree
  11   another process changes the tree
  12   refused by a brake: nothing is in use, or more than --max-delete would go
  130, 143 interrupted; what was removed until then is told

Examples:
  regtree gc --dry-run
  regtree gc --delete-untagged --min-age 7d --quarantine
  regtree gc --dry-run --json | jq -r 'select(.type == \"remove\") | .path'")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Gc {
    /// Say what would go, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Move what goes to the quarantine, from which it can be put back
    #[arg(long)]
    quarantine: bool,
    /// Remove manifests too that no tag leads to: by itself, as a child of an index, or as a referrer of a kept manifest
    #[arg(long)]
    delete_untagged: bool,
    /// Keep whatever is younger than AGE (30m, 12h, 7d, 2w), and all that it references; 0 turns that off
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = super::parse_span)]
    min_age: Duration,
    /// Remove uploads that began longer ago than AGE (12h, 7d, 2w)
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = super::parse_span)]
    uploads_older_than: Duration,
    /// Keep all uploads
    #[arg(long, conflicts_with = "uploads_older_than")]
    keep_uploads: bool,
    /// With --delete-untagged: remove tags that were made for a manifest which is gone, such as those of its signatures
    #[arg(long, requires = "delete_untagged")]
    delete_dangling_referrers: bool,
    /// Children of indexes that are not there are normal here: they cast no doubt
    #[arg(long)]
    allow_sparse_indexes: bool,
    /// Keep the content that FILE names, a digest a line, and all that it references
    #[arg(long, value_name = "FILE")]
    keep_digests: Option<PathBuf>,
    /// Keep repositories that have nothing in them
    #[arg(long)]
    keep_empty_repositories: bool,
    /// Remove only from repositories whose names match; what others link stays; * does not cross a slash, ** does
    /// (demo/**); may be given several times
    #[arg(long, value_name = "GLOB")]
    repository: Vec<Pattern>,
    /// Refuse if more than PERCENT% of the blobs' bytes, or more than BYTES, would go
    #[arg(long, value_name = "LIMIT", value_parser = parse_limit)]
    max_delete: Option<Limit>,
    /// Go on though there is content and nothing needs any of it
    #[arg(long)]
    allow_rootless: bool,
    /// Say why content stays, by the shortest way that leads to it, or that it goes; remove nothing
    #[arg(long, value_name = "DIGEST", num_args = 1.., value_parser = super::parse_digest, conflicts_with = "quarantine")]
    explain: Vec<Digest>,
    /// Look at all content, to say how many bytes stay, and how many --delete-untagged would free
    #[arg(long)]
    sizes: bool,
    /// How many threads read; as many as there are processors if omitted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

/// What a run comes to.
struct Sum<'s> {
    actions: &'s [Action],
    all_bytes: Option<u64>,
    untagged: Option<Untagged>,
    run: Option<&'s RunId>,
}

/// How much may go.
#[derive(Clone, Copy, Debug)]
enum Limit {
    Percent(f64),
    Bytes(u64),
}

fn parse_limit(text: &str) -> Result<Limit, &'static str> {
    let want = "want a percentage such as 20%, or a number of bytes such as 50GiB";
    if let Some(percent) = text.strip_suffix('%') {
        let percent: f64 = percent.parse().map_err(|_| want)?;
        return if (0.0..=100.0).contains(&percent) { Ok(Limit::Percent(percent)) } else { Err(want) };
    }
    super::parse_bytes(text).map(Limit::Bytes).map_err(|_| want)
}

impl Gc {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        super::use_threads(self.jobs)?;
        let options = self.options(context.now)?;
        let registry = context.registry()?;
        let tree = registry.tree();
        // A dry run changes nothing, so it takes no lock.
        let writer = if self.dry_run || !self.explain.is_empty() {
            None
        } else {
            Some(context.exclusive_writer(&registry, "gc")?)
        };
        let interrupt = interrupt::catch()?;
        if context.output.is_json() {
            let (dry_run, delete_untagged) = (writer.is_none(), self.delete_untagged);
            let min_age = options.min_age.as_secs();
            let fields = json!({ "dry_run": dry_run, "delete_untagged": delete_untagged, "min_age": min_age });
            context.output.event("start", fields)?;
        }
        let mut scan = Scan::read(tree, &interrupt)?;
        gc::check_patterns(&scan, &options)?;
        let needed = match &writer {
            Some(writer) => quarantine::put_back(writer, &mut scan, &interrupt)?,
            None => quarantine::needed(tree, &scan, &interrupt)?,
        };
        print_needed(&needed, self.dry_run, context)?;
        let plan = gc::plan(tree, &mut scan, &options, &interrupt)?;
        print_doubts(&plan, context)?;
        if !self.explain.is_empty() {
            return self.explain(tree, &scan, &options, &plan, context);
        }
        let sizes = if self.sizes { Some(gc::all_bytes(tree, &scan)?) } else { None };
        self.check_brakes(tree, &scan, &plan)?;
        let Some(writer) = writer else {
            for action in &plan.actions {
                print_action(action, context)?;
            }
            let untagged = self.untagged(tree, &mut scan, &options, &plan, context.output.is_quiet(), &interrupt)?;
            self.summarize(&plan, &Sum { actions: &plan.actions, all_bytes: sizes, untagged, run: None }, context)?;
            return Ok(Exit::damage_if(plan.is_doubtful() || !needed.damage.is_empty()));
        };
        let untagged = self.untagged(tree, &mut scan, &options, &plan, context.output.is_quiet(), &interrupt)?;
        let mut printed = Ok(());
        let swept = gc::sweep(&writer, &mut scan, &options, &plan, &interrupt, |action| {
            if printed.is_ok() {
                printed = print_action(action, context);
            }
            Ok(())
        })?;
        printed?;
        for error in &swept.failures {
            context.output.damage(error)?;
        }
        let run = swept.quarantine.as_ref();
        self.summarize(&plan, &Sum { actions: &swept.removed, all_bytes: sizes, untagged, run }, context)?;
        if let Some(signal) = swept.interrupted {
            return Err(Error::Interrupted { signal }.into());
        }
        Ok(Exit::damage_if(plan.is_doubtful() || !swept.failures.is_empty() || !needed.damage.is_empty()))
    }

    fn options(&self, now: jiff::Timestamp) -> anyhow::Result<Options> {
        Ok(Options {
            min_age: self.min_age,
            delete_untagged: self.delete_untagged,
            delete_dangling_referrers: self.delete_dangling_referrers,
            allow_sparse_indexes: self.allow_sparse_indexes,
            keep: self.keep_digests.as_deref().map(read_digests).transpose()?.unwrap_or_default(),
            uploads_older_than: (!self.keep_uploads).then_some(self.uploads_older_than),
            keep_empty_repositories: self.keep_empty_repositories,
            quarantine: self.quarantine,
            only: self.repository.clone().into(),
            ..Options::new(now)
        })
    }

    fn summarize(&self, plan: &Plan, sum: &Sum<'_>, context: &mut Context) -> anyhow::Result<()> {
        let &Sum { actions, all_bytes, untagged, run } = sum;
        let dry_run = self.dry_run;
        let counts = |kind| {
            let of_kind = actions.iter().filter(|action| action.kind == kind);
            of_kind.fold((0_u64, 0_u64), |(count, bytes), action| (count + 1, bytes + action.size))
        };
        let bytes: u64 = actions.iter().map(|action| action.size).sum();
        if context.output.is_json() {
            let removed: serde_json::Map<String, Value> = Kind::ALL
                .into_iter()
                .map(|kind| (kind.name().to_owned(), counts(kind)))
                .map(|(name, (count, bytes))| (name, json!({ "count": count, "bytes": bytes })))
                .collect();
            let fields = json!({
                "dry_run": dry_run, "removed": removed, "bytes": bytes, "kept": plan.kept,
                "content_kept_for_doubt": plan.blind, "quarantine": run.map(RunId::as_str),
                "kept_bytes": all_bytes.map(|all| all.saturating_sub(counts(Kind::Blob).1)), "untagged": untagged,
            });
            return context.output.event("summary", fields);
        }
        let did = match (dry_run, self.quarantine) {
            (true, false) => "would remove",
            (false, false) => "removed",
            (true, true) => "would move to the quarantine",
            (false, true) => "moved to the quarantine",
        };
        context.output.text(format_args!("{did} {}\n", count::bytes(bytes)))?;
        for kind in Kind::ALL {
            let (count, bytes) = counts(kind);
            if count > 0 {
                let bytes = if bytes > 0 { format!("  {}", human_bytes(bytes)) } else { String::new() };
                context.output.text(format_args!("  {kind:12} {count:>10}{bytes}\n"))?;
            }
        }
        let kept = plan.kept;
        let size = all_bytes.map(|all| human_bytes(all.saturating_sub(counts(Kind::Blob).1)));
        let size = size.map(|size| format!(" ({size})")).unwrap_or_default();
        context.output.text(format_args!(
            "kept {}{size}, {}, {} in {}\n",
            plural(kept.blobs, "blob"),
            plural(kept.revisions, "manifest"),
            plural(kept.tags, "tag"),
            plural(kept.repositories, "repository")
        ))?;
        if kept.young_blobs > 0 {
            context.output.text(format_args!("  {} only for being young\n", plural(kept.young_blobs, "blob")))?;
        }
        if !plan.opaque.is_empty() {
            let repositories = plural(plan.opaque.len(), "repository");
            context.output.text(format_args!("  all of {repositories}, where something can't be followed\n"))?;
        }
        if let Some(run) = run {
            context.output.text(format_args!("quarantine run {run}\n"))?;
        }
        context.output.flush()?;
        if let Some(run) = run {
            let regtree = hint::command(&context.global);
            context.output.note(format_args!("to put all of it back: {regtree} quarantine restore {run}"));
        }
        if let Some(untagged) = untagged.filter(|untagged| untagged.revisions > 0) {
            let Untagged { revisions, blobs, bytes } = untagged;
            let size = match bytes {
                Some(bytes) => format!("{} more", human_bytes(bytes)),
                None => "more (--sizes says how much)".to_owned(),
            };
            context.output.note(format_args!(
                "--delete-untagged would free {size}: no tag leads to {} and {}",
                plural(revisions, "manifest"),
                plural(blobs, "blob")
            ));
        }
        if !dry_run && !actions.is_empty() {
            context.output.note("a registry caches what it has seen: restart it, or flush its redis");
        }
        Ok(())
    }

    /// What could go beside; not asked for where nobody hears it.
    fn untagged(
        &self,
        tree: &Tree,
        scan: &mut Scan,
        options: &Options,
        plan: &Plan,
        quiet: bool,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Option<Untagged>> {
        if self.delete_untagged || quiet {
            return Ok(None);
        }
        Ok(Some(gc::untagged(tree, scan, options, plan, self.sizes, interrupt)?))
    }

    fn explain(
        &self,
        tree: &Tree,
        scan: &Scan,
        options: &Options,
        plan: &Plan,
        context: &mut Context,
    ) -> anyhow::Result<Exit> {
        let mut unknown = false;
        for digest in &self.explain {
            let (fate, links) = gc::explain(tree, scan, options, plan, digest)?;
            unknown |= fate == Fate::Absent;
            explain::print(digest, &fate, &links, context)?;
        }
        Ok(if unknown { Exit::Unknown } else { Exit::damage_if(plan.is_doubtful()) })
    }

    fn check_brakes(&self, tree: &crate::tree::Tree, scan: &Scan, plan: &Plan) -> anyhow::Result<()> {
        if plan.rootless && !self.allow_rootless {
            let reason = "there is content, and nothing was found that needs any of it: is this the right tree?";
            return Err(Error::Brake { reason: reason.to_owned(), release: "--allow-rootless" }.into());
        }
        let going = plan.count(Kind::Blob).1;
        let (limit, said) = match self.max_delete {
            None => return Ok(()),
            Some(Limit::Bytes(bytes)) => (bytes, format!("{bytes} bytes")),
            Some(Limit::Percent(percent)) => {
                let all = gc::all_bytes(tree, scan)?;
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_sign_loss,
                    clippy::cast_possible_truncation,
                    reason = "a part of a percent of a tree's bytes does not matter"
                )]
                let limit = (all as f64 * percent / 100.0) as u64;
                (limit, format!("{percent}% of {all} bytes"))
            }
        };
        if going <= limit {
            return Ok(());
        }
        let reason = format!("{going} bytes would go, which is more than --max-delete allows ({said})");
        Err(Error::Brake { reason, release: "a higher --max-delete" }.into())
    }
}

/// A digest a line; empty lines and what follows a `#` say nothing.
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

fn print_doubts(plan: &Plan, context: &mut Context) -> anyhow::Result<()> {
    for finding in &plan.findings {
        print_finding(finding, context)?;
    }
    let mends: BTreeSet<String> = plan.findings.iter().filter_map(|finding| mend(finding, context)).collect();
    for mend in mends.iter().filter(|_| !context.output.is_json()) {
        context.output.hint(format_args!("what is wrong may be mended: {mend}"));
    }
    let is_sparse = |finding: &Finding| finding.code == Code::IndexChildMissing && !finding.mendable;
    if plan.findings.iter().any(is_sparse) && !context.output.is_json() {
        context.output.hint("if such children were never pushed here: --allow-sparse-indexes");
    }
    for repository in &plan.opaque {
        if context.output.is_json() {
            context.output.event("keep-opaque", json!({ "repository": repository }))?;
        } else {
            context.output.warn(format_args!("nothing goes from repository {repository}, and all that it links stays"));
        }
    }
    if plan.blind {
        let unseen = plan.findings.iter().find(|finding| finding.doubt == Doubt::Tree);
        let path = unseen.and_then(|finding| finding.path.as_deref()).map(|path| format!(" behind {}", path.display()));
        let path = path.unwrap_or_default();
        context.output.warn(format_args!("there may be links that can't be seen{path}: no content goes"));
    }
    Ok(())
}

fn print_finding(finding: &Finding, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        let doubt = match finding.doubt {
            Doubt::None => "none",
            Doubt::Repository => "repository",
            Doubt::Tree => "tree",
        };
        let repair = mend(finding, context);
        let path = finding.path.as_ref().map(|path| path.to_string_lossy());
        let fields = json!({
            "code": finding.code, "doubt": doubt, "repository": finding.repository, "path": path,
            "message": finding.message, "repair": repair,
        });
        return context.output.event("finding", fields);
    }
    let repository = finding.repository.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    context.output.warn(format_args!("{}: {repository}{}", finding.code, finding.message));
    Ok(())
}

/// The command that mends what casts doubt, if one does. What is no link is for a person to look at.
fn mend(finding: &Finding, context: &Context) -> Option<String> {
    let source = match finding.code {
        code if finding.doubt == Doubt::None || !finding.mendable || !MENDABLE.contains(&code) => return None,
        Code::ManifestMissing | Code::IndexChildMissing | Code::RevisionDangling | Code::BlobCorrupt => {
            " --from SOURCE"
        }
        _ => "",
    };
    // Only a look at all that needs it tells in which way content is wrong.
    let more = if finding.code == Code::BlobCorrupt { ",blob-truncated,blob-empty" } else { "" };
    Some(format!("{} repair --only {}{more}{source}", hint::command(&context.global), finding.code))
}

fn print_action(action: &Action, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        let mut fields = json!({ "kind": action.kind, "path": action.path.to_string() });
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields[key] = value;
            }
        };
        put("repository", action.repository.as_deref().map(Value::from));
        put("tag", action.tag.as_deref().map(Value::from));
        put("digest", action.digest.map(|digest| json!(digest)));
        put("upload", action.upload.as_ref().map(|upload| json!(upload)));
        put("size", matches!(action.kind, Kind::Blob | Kind::Upload).then(|| action.size.into()));
        return context.output.event("remove", fields);
    }
    if !context.output.is_verbose() {
        return Ok(());
    }
    let subject = output::escaped(&subject(action));
    context.output.text(format_args!("{:12} {subject}\n", action.kind))
}

/// What an action is about, as one would write it.
fn subject(action: &Action) -> String {
    let repository = action.repository.as_deref().unwrap_or_default();
    let digest = action.digest.map(|digest| digest.to_string()).unwrap_or_default();
    let tag = action.tag.as_deref().unwrap_or_default();
    match action.kind {
        Kind::Tag => format!("{repository}:{tag}"),
        Kind::TagHistory => format!("{repository}:{tag}@{digest}"),
        Kind::Revision | Kind::LayerLink => format!("{repository}@{digest}"),
        Kind::Blob => format!("{digest}  {}", human_bytes(action.size)),
        Kind::Upload => {
            let upload = action.upload.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{repository} {upload}  {}", human_bytes(action.size))
        }
        Kind::Directory => action.path.to_string(),
        Kind::Repository => repository.to_owned(),
    }
}

pub(super) fn print_needed(needed: &Needed, dry_run: bool, context: &mut Context) -> anyhow::Result<()> {
    for (digest, run) in &needed.blobs {
        if context.output.is_json() {
            context.output.event("restore", json!({ "digest": digest, "run": run.as_str() }))?;
            continue;
        }
        let did = if dry_run { "would put back" } else { "put back" };
        let text = format_args!("{did} {digest} from run {run} of the quarantine: the tree needs it again\n");
        context.output.text(text)?;
    }
    for error in &needed.damage {
        context.output.damage(error)?;
    }
    Ok(())
}
