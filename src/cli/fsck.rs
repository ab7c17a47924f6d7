//! `regtree fsck`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::count::{self, plural};
use super::{Context, Exit, hint, interrupt, progress, threads};
use crate::digest::Digest;
use crate::error::Error;
use crate::finding::{Code, Finding, Severity};
use crate::fsck::{self, Content, Hashed, Options, Report, Stop, Subset};
use crate::pattern::Pattern;
use crate::stream::Watch;

/// Find and report everything that is wrong with a tree
///
/// fsck checks links, tags, manifests and what they reference, the sizes in descriptors, and uploads, and finds files
/// that don't belong in the tree. It changes nothing in the tree, and a registry may run meanwhile: fsck checks each
/// finding again before it reports it.
///
/// An error is content that can't be served as it was pushed. A warning is strange, but is served. Each finding has a
/// stable code, and lists the images that it affects.
///
/// --content hashes all content too, and compares it with the aliases that lead to it. If it may write to
/// .regtree/verified, fsck notes there which content is right, so that --unverified-for can skip it. Deleting these
/// notes is safe and only costs time.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    no errors, perhaps warnings
  1    not readable at all
  2    malformed argument
  3    there were errors, a tagged image cannot be pulled whole, or something could not be read
  4    --repository matches nothing
  10   no tree
  130, 143 interrupted

Examples:
  regtree fsck
  regtree fsck --json | jq -r 'select(.type == \"finding\" and .severity == \"error\") | .path'
  regtree fsck --repository 'library/*' --strict")]
pub(super) struct Fsck {
    /// Hash all content, and not only manifests
    #[arg(long)]
    content: bool,
    /// Hash a part of all content: 3/16 (by digest; the 16 parts together are everything), 10% or 50GiB (a random
    /// sample); implies --content
    #[arg(long, value_name = "SUBSET")]
    content_subset: Option<Subset>,
    /// Seed for the random sample; if omitted, one is chosen and printed
    #[arg(long, value_name = "NUMBER", requires = "content_subset")]
    seed: Option<u64>,
    /// Hash only blobs not verified within AGE (12h, 30d, 8w), or changed since; implies --content
    #[arg(long, value_name = "AGE", value_parser = super::parse_span)]
    unverified_for: Option<Duration>,
    /// Start no new blob after DURATION (90m, 2h), and print where to continue; implies --content
    #[arg(long, value_name = "DURATION", value_parser = super::parse_span)]
    max_duration: Option<Duration>,
    /// Continue after DIGEST, where another run stopped; implies --content
    #[arg(long, value_name = "DIGEST", value_parser = super::parse_digest)]
    resume_after: Option<Digest>,
    /// Check only repositories whose names match, and the content that they need; * does not match a slash, ** does
    /// (demo/**); may be given several times
    #[arg(long, value_name = "GLOB")]
    repository: Vec<Pattern>,
    /// Report no missing children of indexes (partial mirrors)
    #[arg(long)]
    allow_sparse_indexes: bool,
    /// Exit with code 3 for warnings too
    #[arg(long)]
    strict: bool,
    /// How many threads read; if omitted, one per processor, or two per processor where content is hashed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

/// How many threads hash by default: more than processors, because some wait for the disk.
pub(super) fn threads(jobs: Option<u16>) -> usize {
    jobs.map_or_else(|| 2 * rayon::current_num_threads(), usize::from)
}

impl Fsck {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        threads::start(self.jobs);
        let registry = context.registry()?;
        if self.allow_sparse_indexes {
            registry.tree().allow_sparse_indexes();
        }
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let content = self.content(context);
        let only = self.repository.clone().into();
        let pauses = context.pauses.clone();
        let options = Options { only, content, pauses, ..Options::new(context.now) };
        let report = fsck::check(registry.tree(), &options, &watch)?;
        for finding in &report.findings {
            print(finding, context)?;
        }
        let (database, is_cache) = (context.note_database(&registry), context.note_cache(&registry));
        summarize(&report, database, is_cache, context)?;
        if report.findings.iter().any(Finding::is_safe) {
            context.output.flush()?;
            let regtree = hint::command(&context.global);
            context.output.closing_note(format_args!("to see what can be repaired: {regtree} repair --all-safe -n"))?;
        }
        if let Some(hashed) = &report.hashed {
            say_end(hashed, context)?;
        }
        let is_bad = report.count(Severity::Error) > 0
            || !report.broken.is_empty()
            || report.is_partial
            || self.strict && report.count(Severity::Warning) > 0;
        Ok(Exit::damage_if(is_bad))
    }

    fn content(&self, context: &Context) -> Option<Content> {
        let narrowed = self.content_subset.is_some()
            || self.unverified_for.is_some()
            || self.max_duration.is_some()
            || self.resume_after.is_some();
        if !self.content && !narrowed {
            return None;
        }
        let unverified_since = self.unverified_for.map(|age| {
            // If the age reaches before all representable times, no blob that was ever verified is due.
            context.now.checked_sub(age).unwrap_or(jiff::Timestamp::MIN)
        });
        Some(Content {
            subset: self.content_subset,
            seed: self.seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().1 & u64::from(u32::MAX)),
            // A time after all representable times is no limit.
            deadline: self.max_duration.and_then(|limit| Instant::now().checked_add(limit)),
            resume_after: self.resume_after,
            unverified_since,
            threads: threads(self.jobs),
            now: context.now,
        })
    }
}

/// The notes that come last.
fn say_end(hashed: &Hashed, context: &mut Context) -> anyhow::Result<()> {
    context.output.flush()?;
    if let Some(failure) = &hashed.ledger_failure {
        context.output.warn(format_args!("could not note in .regtree/verified what was hashed: {failure}"));
    }
    match hashed.stop {
        Some(Stop::Signal(signal)) => Err(Error::Interrupted { signal }.into()),
        _ => Ok(()),
    }
}

pub(super) fn print(finding: &Finding, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        return context.output.event("finding", serde_json::to_value(finding)?);
    }
    // Every removal leaves empty directories, so only their number is shown.
    if finding.code == Code::DirectoryEmpty && !context.output.is_verbose() {
        return Ok(());
    }
    let images = listed(finding);
    let repair = finding.repair.map(|repair| format!("; repair: {}", repair.name())).unwrap_or_default();
    let message = format!("{}{images}{repair}", finding.message);
    context.output.finding_at(finding.severity, finding.code.name(), &finding.path(), &message)
}

/// The images that a finding affects; only the first few are named.
fn listed(finding: &Finding) -> String {
    const SHOWN: usize = 3;
    let mut images: Vec<String> = finding.images.iter().take(SHOWN).map(ToString::to_string).collect();
    if finding.images.len() > SHOWN {
        images.push(format!("{} more", finding.images.len() - SHOWN));
    }
    if images.is_empty() { String::new() } else { format!(" [{}]", images.join(", ")) }
}

fn summarize(report: &Report, database: Option<&str>, is_cache: bool, context: &mut Context) -> anyhow::Result<()> {
    let [errors, warnings, infos] = [Severity::Error, Severity::Warning, Severity::Info].map(|of| report.count(of));
    let counts = report.counts;
    if context.output.is_json() {
        let mut codes = serde_json::Map::new();
        for finding in &report.findings {
            let count = codes.get(finding.code.name()).and_then(serde_json::Value::as_u64).unwrap_or_default();
            codes.insert(finding.code.name().to_owned(), json!(count + 1));
        }
        let fields = json!({
            "errors": errors, "warnings": warnings, "infos": infos, "codes": codes, "broken_images": report.broken,
            "checked": counts, "content": report.hashed.as_ref().map(content_document),
            "database": database, "cache": is_cache,
        });
        return context.output.event("summary", fields);
    }
    let empty = report.findings.iter().filter(|finding| finding.code == Code::DirectoryEmpty).count();
    if empty > 0 && !context.output.is_verbose() {
        context
            .output
            .finding(Severity::Info, &format!("{}: {}", Code::DirectoryEmpty, plural(empty, "empty directory")))?;
    }
    if !report.broken.is_empty() {
        context.output.line(format_args!("{} cannot be pulled whole:", plural(report.broken.len(), "image")))?;
        for image in &report.broken {
            context.output.line(format_args!("  {image}"))?;
        }
    }
    let unread = if report.hashed.is_none() { "; content not hashed (add --content)" } else { "" };
    context.output.line(format_args!(
        "{}, {}, {} in {}, {}, {}, {}{unread}",
        plural(errors, "error"),
        plural(warnings, "warning"),
        plural(infos, "info"),
        plural(counts.repositories, "repository"),
        plural(counts.tags, "tag"),
        plural(counts.manifests, "manifest"),
        plural(counts.blobs, "blob")
    ))?;
    report.hashed.as_ref().map_or(Ok(()), |hashed| say_content(hashed, context))
}

fn content_document(hashed: &Hashed) -> Value {
    let stopped = hashed.stop.map(|stop| match stop {
        Stop::Time => "time",
        Stop::Signal(_) => "signal",
    });
    json!({
        "blobs": hashed.blobs, "bytes": hashed.bytes, "passed_over": hashed.passed_over, "seed": hashed.seed,
        "stopped": stopped, "resume_after": hashed.resume_after, "ledger_failure": hashed.ledger_failure,
    })
}

fn say_content(hashed: &Hashed, context: &mut Context) -> anyhow::Result<()> {
    let Hashed { blobs, bytes, passed_over, .. } = hashed;
    let lately = if *passed_over > 0 { format!("; {passed_over} skipped, verified recently") } else { String::new() };
    let seed = hashed.seed.map(|seed| format!("; to repeat: --seed {seed}")).unwrap_or_default();
    let stopped = match hashed.stop {
        Some(Stop::Signal(_)) => "; interrupted before the end",
        Some(Stop::Time) => "; stopped before the end",
        None => "",
    };
    let resume =
        hashed.resume_after.map(|digest| format!("; continue with --resume-after {digest}")).unwrap_or_default();
    context.output.line(format_args!(
        "hashed {}, {}{lately}{seed}{stopped}{resume}",
        plural(*blobs, "blob"),
        count::bytes(*bytes)
    ))
}
