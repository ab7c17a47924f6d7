//! `regtree fsck`.

use serde_json::json;

use super::{Context, Exit, interrupt, output, progress};
use crate::finding::{Code, Finding, Severity};
use crate::fsck::{self, Options, Report};
use crate::stream::Watch;

/// A registry purges uploads that are older.
const STALE: std::time::Duration = std::time::Duration::from_hours(168);

/// List all that is wrong with a tree
///
/// Every leaf is listed: links, tags, manifests and what they reference, sizes against what descriptors say, uploads, and
/// whatever does not belong there. Nothing is changed, and a registry may run: what is found is looked at again before it
/// is told.
///
/// An error is content that can't be served as it was pushed; a warning is strange, but served. Each finding has a stable
/// code, and the images that it hits.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    all is well, or there were warnings only
  1    not readable at all
  2    malformed argument
  3    there were errors, or a tagged image cannot be pulled whole
  10   no tree
  130, 143 interrupted

Examples:
  regtree fsck
  regtree fsck --json | jq -r 'select(.type == \"finding\" and .severity == \"error\") | .path'
  regtree fsck --repository 'library/*' --strict")]
pub(super) struct Fsck {
    /// Look only at repositories whose names match, and at the content that they need
    #[arg(long, value_name = "GLOB", value_parser = super::parse_glob)]
    repository: Option<globset::GlobMatcher>,
    /// End with exit code 3 for warnings too
    #[arg(long)]
    strict: bool,
    /// How many threads read; as many as there are processors if omitted
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

impl Fsck {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        super::use_threads(self.jobs)?;
        let registry = context.registry()?;
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let stale = context.now.checked_sub(STALE).unwrap_or(context.now);
        let options = Options { uploads_began_before: stale, only: self.repository.clone() };
        let report = fsck::check(registry.tree(), &options, &watch)?;
        for finding in &report.findings {
            print(finding, context)?;
        }
        summarize(&report, context)?;
        let is_bad = report.count(Severity::Error) > 0
            || !report.broken.is_empty()
            || self.strict && report.count(Severity::Warning) > 0;
        Ok(Exit::damage_if(is_bad))
    }
}

fn print(finding: &Finding, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        return context.output.event("finding", serde_json::to_value(finding)?);
    }
    // Removing leaves them everywhere: their number says enough.
    if finding.code == Code::DirectoryEmpty && !context.output.is_verbose() {
        return Ok(());
    }
    let path = finding.path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default();
    let images = listed(finding);
    let line = format!("{}: {}: {path}{}{images}", finding.severity, finding.code, finding.message);
    context.output.text(format_args!("{}\n", output::escaped(&line)))
}

/// The images that a finding hits; the first few say enough.
fn listed(finding: &Finding) -> String {
    const SHOWN: usize = 3;
    let mut images: Vec<String> = finding.images.iter().take(SHOWN).map(ToString::to_string).collect();
    if finding.images.len() > SHOWN {
        images.push(format!("{} more", finding.images.len() - SHOWN));
    }
    if images.is_empty() { String::new() } else { format!(" [{}]", images.join(", ")) }
}

fn summarize(report: &Report, context: &mut Context) -> anyhow::Result<()> {
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
            "checked": counts,
        });
        return context.output.event("summary", fields);
    }
    let empty = report.findings.iter().filter(|finding| finding.code == Code::DirectoryEmpty).count();
    if empty > 0 && !context.output.is_verbose() {
        context.output.text(format_args!("info: {}: {empty} of them\n", Code::DirectoryEmpty))?;
    }
    if !report.broken.is_empty() {
        context.output.text(format_args!("{} images cannot be pulled whole:\n", report.broken.len()))?;
        for image in &report.broken {
            context.output.text(format_args!("  {}\n", output::escaped(&image.to_string())))?;
        }
    }
    context.output.text(format_args!(
        "{errors} errors, {warnings} warnings, {infos} infos in {} repositories, {} tags, {} manifests, {} blobs\n",
        counts.repositories, counts.tags, counts.manifests, counts.blobs
    ))
}
