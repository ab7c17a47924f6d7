//! `regtree repair`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::count::plural;
use super::{Context, Exit, fsck as fsck_command, gc, hint, interrupt, output, progress};
use crate::durable::Writer;
use crate::error::Error;
use crate::finding::{Code, Repair as Kind, Severity};
use crate::fsck::{self, Content};
use crate::quarantine::{self, Needed, RunId};
use crate::repair::{self, Action, Left, MENDABLE, Options, Plan, Source, Wanted};
use crate::scan::Scan;
use crate::stream::Watch;
use crate::tree::Tree;

/// So many names make a pattern that is quicker than to look at everything.
const FEW: usize = 200;

/// Mend what fsck finds
///
/// Nothing is deleted: what is wrong moves to the quarantine, with a journal of all that was changed, so that
/// quarantine restore undoes the repair. A corrupt blob that is out of the way is healed by the next push of it, which a
/// registry would otherwise take and ignore; --from puts the right content in at once.
///
/// All content is hashed where corrupt blobs are to be found, unless --skip-content or --unverified-for says less. What the
/// repair touched is looked at again in the end.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["only", "all_safe"]), after_long_help = "\
Exit codes:
  0    done, and no error is left in what was touched
  1    not readable, not writable
  2    malformed argument
  3    done, but an error is left in what was touched, or something could not be mended
  10   no tree
  11   another process changes the tree
  12   refused: content is missing as if its disk were not mounted
  130, 143 interrupted; what was mended until then is told

Examples:
  regtree repair --all-safe --dry-run
  regtree repair --only blob-corrupt,blob-missing --from /mnt/backup/registry
  regtree repair --only tag-dangling,revision-dangling")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Repair {
    /// Mend what is found under these codes: several with commas between, or --only again for each
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = codes())]
    only: Vec<Code>,
    /// Mend all that can be without losing what somebody may want: dangling tags and manifests stay
    #[arg(long)]
    all_safe: bool,
    /// Say what would be done, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Put in missing and corrupt content from another registry tree, an OCI image layout, or a directory of files
    #[arg(long, value_name = "SOURCE")]
    from: Option<PathBuf>,
    /// Go on though content is missing as if its disk were not mounted
    #[arg(long)]
    assume_blobs_lost: bool,
    /// Hash no content but manifests: only what is of a wrong size is found to be corrupt
    #[arg(long, conflicts_with = "unverified_for")]
    skip_content: bool,
    /// Hash only what was not found right within AGE (12h, 30d, 8w), or changed since
    #[arg(long, value_name = "AGE", value_parser = super::parse_span)]
    unverified_for: Option<Duration>,
    /// How many threads read; as many as there are processors if omitted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

/// The codes that something mends; the error for any other lists them.
fn codes() -> impl TypedValueParser<Value = Code> {
    PossibleValuesParser::new(MENDABLE.map(Code::name)).try_map(|name| {
        let code = MENDABLE.into_iter().find(|code| code.name() == name);
        code.ok_or("there is no such code")
    })
}

impl Repair {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        super::use_threads(self.jobs)?;
        let source = self.from.as_deref().map(Source::open).transpose()?;
        let registry = context.registry()?;
        let tree = registry.tree();
        // A dry run changes nothing, so it takes no lock.
        let writer = if self.dry_run { None } else { Some(context.sole_writer(&registry, "repair")?) };
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let options = self.options(source.as_ref(), context);
        self.print_start(context)?;
        let needed = self.put_back(tree, writer.as_ref(), &watch)?;
        gc::print_needed(&needed, self.dry_run, context)?;
        let plan = repair::plan(tree, &options, &needed, &watch)?;
        for error in &plan.refused {
            context.output.damage(error)?;
        }
        for left in &plan.left {
            print_left(left, context)?;
        }
        let mut end = End { is_bad: !needed.damage.is_empty() || plan.left.iter().any(is_error), ..End::default() };
        let Some(writer) = writer else {
            for action in &plan.actions {
                print_action(action, context)?;
            }
            self.summarize(&plan, &plan.actions, &needed, &end, context)?;
            return Ok(Exit::damage_if(end.is_bad));
        };
        let mut printed = Ok(());
        let done = repair::execute(&writer, &plan, options.now, &watch, |action| {
            if printed.is_ok() {
                printed = print_action(action, context);
            }
        })?;
        printed?;
        for error in &done.failures {
            context.output.damage(error)?;
        }
        (end.failures, end.run) = (done.failures.len(), done.quarantine.clone());
        let mut interrupted = done.interrupted;
        if interrupted.is_none() {
            end.errors = match look_again(tree, &plan, &options, &watch, context) {
                Err(error) if watch.interrupt.signal().is_some() => {
                    interrupted = watch.interrupt.signal();
                    context.output.detail(error);
                    0
                }
                errors => errors?,
            };
        }
        end.is_bad |= end.failures > 0 || end.errors > 0;
        self.summarize(&plan, &done.actions, &needed, &end, context)?;
        if let Some(signal) = interrupted {
            return Err(Error::Interrupted { signal }.into());
        }
        Ok(Exit::damage_if(end.is_bad))
    }

    fn options<'o>(&self, source: Option<&'o Source>, context: &Context) -> Options<'o> {
        let wanted = if self.all_safe { Wanted::Safe } else { Wanted::Only(self.only.iter().copied().collect()) };
        let unverified_since =
            self.unverified_for.map(|age| context.now.checked_sub(age).unwrap_or(jiff::Timestamp::MIN));
        let everything = Content {
            subset: None,
            seed: 0,
            deadline: None,
            threads: fsck_command::threads(self.jobs),
            resume_after: None,
            unverified_since,
            now: context.now,
        };
        let content = (wanted.includes(Code::BlobCorrupt) && !self.skip_content).then_some(everything);
        let uploads_began_before = context.now.checked_sub(fsck_command::STALE).unwrap_or(context.now);
        Options { wanted, source, now: context.now, uploads_began_before, content }
    }

    fn print_start(&self, context: &mut Context) -> anyhow::Result<()> {
        if !context.output.is_json() {
            return Ok(());
        }
        let only: BTreeSet<&str> = self.only.iter().map(|code| code.name()).collect();
        let from = self.from.as_ref().map(|path| path.to_string_lossy());
        let fields = json!({ "dry_run": self.dry_run, "all_safe": self.all_safe, "only": only, "from": from });
        context.output.event("start", fields)
    }

    /// Puts back what lies in the quarantine and is needed again, or says what would be. Refuses before that, when content is
    /// missing as if its disk were not mounted.
    fn put_back(&self, tree: &Tree, writer: Option<&Writer<'_>>, watch: &Watch<'_>) -> anyhow::Result<Needed> {
        let mut scan = Scan::read(tree, &watch.interrupt)?;
        if !self.assume_blobs_lost
            && let Some(reason) = repair::lost(tree, &scan)?
        {
            return Err(Error::Brake { reason, release: "--assume-blobs-lost" }.into());
        }
        Ok(match writer {
            Some(writer) => quarantine::put_back(writer, &mut scan, &watch.interrupt)?,
            None => quarantine::needed(tree, &scan, &watch.interrupt)?,
        })
    }

    fn summarize(
        &self,
        plan: &Plan,
        actions: &[Action],
        needed: &Needed,
        end: &End,
        context: &mut Context,
    ) -> anyhow::Result<()> {
        let counts = Plan::counts(actions);
        let End { errors, failures, run, .. } = end;
        if context.output.is_json() {
            let repairs: serde_json::Map<String, Value> =
                counts.iter().map(|(repair, count)| (repair.name().to_owned(), json!(count))).collect();
            let fields = json!({
                "dry_run": self.dry_run, "repairs": repairs, "restored": needed.blobs.len(), "left": plan.left.len(),
                "unmended": plan.unmended,
                "failures": failures, "errors": errors, "quarantine": run.as_ref().map(RunId::as_str),
            });
            return context.output.event("summary", fields);
        }
        let did = if self.dry_run { "would mend" } else { "mended" };
        context.output.text(format_args!("{did} {}\n", plural(actions.len(), "thing")))?;
        for (repair, count) in counts {
            context.output.text(format_args!("  {:16} {count:>8}\n", repair.name()))?;
        }
        if plan.unmended > 0 {
            let errors = plural(plan.unmended, "error");
            context.output.text(format_args!("{errors} not mended by this: fsck tells more\n"))?;
        }
        if *errors > 0 {
            context.output.text(format_args!("{} left in what was touched\n", plural(*errors, "error")))?;
        }
        if let Some(run) = run {
            context.output.text(format_args!("quarantine run {run}\n"))?;
        }
        context.output.flush()?;
        if let Some(run) = run {
            let regtree = hint::command(&context.global);
            context.output.note(format_args!("to undo all of it: {regtree} quarantine restore {run}"));
            context.output.note("a registry caches what it has seen: restart it, or flush its redis");
        }
        Ok(())
    }
}

/// Looks at what was touched, and tells of the errors that are left there; returns how many.
fn look_again(
    tree: &Tree,
    plan: &Plan,
    options: &Options<'_>,
    watch: &Watch<'_>,
    context: &mut Context,
) -> anyhow::Result<usize> {
    if plan.repositories.is_empty() {
        return Ok(0);
    }
    let only = (plan.repositories.len() <= FEW).then(|| pattern(&plan.repositories)).transpose()?;
    let look =
        fsck::Options { now: options.now, uploads_began_before: options.uploads_began_before, only, content: None };
    let report = fsck::check(tree, &look, watch)?;
    let errors = || report.findings.iter().filter(|finding| finding.severity == Severity::Error);
    for finding in errors() {
        fsck_command::print(finding, context)?;
    }
    Ok(errors().count())
}

/// What is said in the end.
#[derive(Default)]
struct End {
    errors: usize,
    failures: usize,
    run: Option<RunId>,
    is_bad: bool,
}

fn is_error(left: &Left) -> bool {
    left.finding.severity == Severity::Error
}

/// What matches these names and nothing else.
fn pattern(names: &BTreeSet<String>) -> Result<globset::GlobMatcher, globset::Error> {
    let names: Vec<String> = names.iter().map(|name| globset::escape(name)).collect();
    super::parse_glob(&format!("{{{}}}", names.join(",")))
}

fn print_left(left: &Left, context: &mut Context) -> anyhow::Result<()> {
    let Left { finding, reason } = left;
    if context.output.is_json() {
        let mut fields = serde_json::to_value(finding)?;
        fields["reason"] = json!(reason);
        return context.output.event("left", fields);
    }
    let path = finding.path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default();
    context.output.warn(format_args!("{}: {path}{reason}", finding.code));
    Ok(())
}

fn print_action(action: &Action, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        let mut fields = json!({
            "repair": action.repair, "code": action.code, "path": action.path.to_string(),
        });
        let size = matches!(action.repair, Kind::QuarantineBlob | Kind::RefillBlob | Kind::PurgeUpload);
        let more = [
            ("repository", action.repository.as_deref().map(Value::from)),
            ("tag", action.tag.as_deref().map(Value::from)),
            ("digest", action.digest.map(|digest| json!(digest))),
            ("size", size.then(|| action.size.into())),
        ];
        for (key, value) in more.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            fields[key] = value;
        }
        return context.output.event("repair", fields);
    }
    let path = output::escaped(&action.path.to_string());
    let size = if action.size > 0 { format!("  {}", HumanBytes(action.size)) } else { String::new() };
    context.output.text(format_args!("{:16} {} {path}{size}\n", action.repair.name(), action.code))
}
