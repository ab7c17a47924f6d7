//! `regtree repair`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use super::count::{human_bytes, plural};
use super::{Context, Exit, fsck as fsck_command, gc, hint, interrupt, output, progress};
use crate::durable::ExclusiveWriter;
use crate::error::Error;
use crate::finding::{Code, Repair as Kind};
use crate::fsck::Content;
use crate::quarantine::{self, Needed, RunId};
use crate::repair::{self, Action, Cure, Done, Left, MENDABLE, Options, Plan, Source, Standing, Wanted};
use crate::scan::Scan;
use crate::stream::Watch;
use crate::tree::Tree;

/// Mend what fsck finds
///
/// Nothing is deleted: what is wrong moves to the quarantine, with a journal of all that was changed, so that
/// quarantine restore undoes the repair. A corrupt blob that is out of the way is healed by the next push of it, which a
/// registry would otherwise take and ignore; --from puts the right content in at once.
///
/// All content is hashed where corrupt blobs are to be found, unless --skip-content or --unverified-for says less. In the
/// end the tree is looked at again, without hashing.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["only", "all_safe"]), after_long_help = "\
Exit codes:
  0    done, and no error is left in the tree, as far as it was looked at
  1    not readable, not writable
  2    malformed argument
  3    done, but an error is left, asked for or not (with -n: would be left), or something could not be mended
  10   no tree
  11   another process changes the tree
  12   refused: content, or all repositories, are missing as if their disk were not mounted
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
        let writer = if self.dry_run { None } else { Some(context.exclusive_writer(&registry, "repair")?) };
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
        let done = if let Some(writer) = &writer {
            Some(carry_out(writer, &plan, &options, &watch, context)?)
        } else {
            plan.actions.iter().try_for_each(|action| print_action(action, context))?;
            None
        };
        let (standing, interrupted) = look_again(tree, &plan, done.as_ref(), &options, &watch)?;
        for finding in &standing.new {
            fsck_command::print(finding, context)?;
        }
        let end = End { plan: &plan, done: done.as_ref(), needed: &needed, standing: &standing };
        self.summarize(&end, context)?;
        if let Some(signal) = interrupted {
            return Err(Error::Interrupted { signal }.into());
        }
        let has_failed = done.is_some_and(|done| !done.failures.is_empty()) || !needed.damage.is_empty();
        Ok(Exit::damage_if(has_failed || !standing.errors.is_empty()))
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
        let pauses = context.pauses.clone();
        Options { wanted, source, now: context.now, uploads_began_before, content, pauses }
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
    fn put_back(&self, tree: &Tree, writer: Option<&ExclusiveWriter<'_>>, watch: &Watch<'_>) -> anyhow::Result<Needed> {
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

    fn summarize(&self, end: &End<'_>, context: &mut Context) -> anyhow::Result<()> {
        let End { plan, done, needed, standing } = end;
        let actions = done.map_or(&plan.actions, |done| &done.actions);
        let run = done.and_then(|done| done.quarantine.as_ref());
        let counts = Plan::counts(actions);
        if context.output.is_json() {
            let repairs: serde_json::Map<String, Value> =
                counts.iter().map(|(repair, count)| (repair.name().to_owned(), json!(count))).collect();
            let fields = json!({
                "dry_run": self.dry_run, "repairs": repairs, "restored": needed.blobs.len(), "left": plan.left.len(),
                "unmended": plan.unmended.len(), "outdated": done.map_or(0, |done| done.outdated.len()),
                "failures": done.map_or(0, |done| done.failures.len()), "errors": standing.errors.len(),
                "broken_images": standing.images, "quarantine": run.map(RunId::as_str),
            });
            return context.output.event("summary", fields);
        }
        let did = if self.dry_run { "would mend" } else { "mended" };
        context.output.text(format_args!("{did} {}\n", plural(actions.len(), "thing")))?;
        for (repair, count) in counts {
            context.output.text(format_args!("  {:16} {count:>8}\n", repair.name()))?;
        }
        let moved = moved(actions);
        if !moved.is_empty() {
            let did = if self.dry_run { "would be moved" } else { "moved" };
            context.output.text(format_args!("{did} to the quarantine: {moved}\n"))?;
        }
        self.say_standing(standing, context)?;
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

    /// What is left, and what can be done about it.
    fn say_standing(&self, standing: &Standing, context: &mut Context) -> anyhow::Result<()> {
        let Standing { errors, images, .. } = standing;
        if !images.is_empty() {
            let (count, whose) = (plural(images.len(), "image"), if images.len() == 1 { "its" } else { "their" });
            let text = "content is pushed again or put in with --from";
            context.output.text(format_args!("{count} cannot be pulled until {whose} {text}\n"))?;
        }
        if errors.is_empty() {
            return Ok(());
        }
        let left = if self.dry_run { "would be left" } else { "left" };
        context.output.text(format_args!("{} {left}\n", plural(errors.len(), "error")))?;
        let of = |cure: Cure| errors.iter().filter(move |error| standing.cure(error) == cure);
        let by_name: BTreeSet<&str> = of(Cure::Name).map(|error| error.code.name()).collect();
        let by_name: Vec<&str> = by_name.into_iter().collect();
        let cures = [
            (Cure::Content, "push again what they lack, or put it in with --from SOURCE".to_owned()),
            (Cure::Name, format!("not asked for: --only {}", by_name.join(","))),
            (Cure::Told, "asked for, and said above why they stay".to_owned()),
            (Cure::None, "nothing here mends them: fsck tells of each".to_owned()),
        ];
        for (cure, text) in cures {
            let count = of(cure).count();
            if count > 0 {
                context.output.text(format_args!("  {count:>6}  {text}\n"))?;
            }
        }
        Ok(())
    }
}

/// How many things of each kind were moved.
fn moved(actions: &[Action]) -> String {
    let name = |repair: Kind| match repair {
        Kind::QuarantineBlob => "blob",
        Kind::RemoveTag => "tag",
        Kind::PurgeUpload => "upload",
        Kind::RemoveTemporary => "temporary file",
        _ => "link",
    };
    let moves: Vec<Action> = actions.iter().filter(|action| action.is_move()).cloned().collect();
    let counts = Plan::counts(&moves).into_iter();
    counts.map(|(repair, count)| plural(count, name(repair))).collect::<Vec<_>>().join(", ")
}

/// Does what is planned, and tells of it.
fn carry_out(
    writer: &ExclusiveWriter<'_>,
    plan: &Plan,
    options: &Options<'_>,
    watch: &Watch<'_>,
    context: &mut Context,
) -> anyhow::Result<Done> {
    let mut printed = Ok(());
    let done = repair::execute(writer, plan, options, watch, |action| {
        if printed.is_ok() {
            printed = print_action(action, context);
        }
    })?;
    printed?;
    for (action, reason) in &done.outdated {
        print_outdated(action, reason, context)?;
    }
    for error in done.refused.iter().chain(&done.failures) {
        context.output.damage(error)?;
    }
    Ok(done)
}

/// The errors that are left; and the signal because of which nobody knows, if one came.
fn look_again(
    tree: &Tree,
    plan: &Plan,
    done: Option<&Done>,
    options: &Options<'_>,
    watch: &Watch<'_>,
) -> anyhow::Result<(Standing, Option<usize>)> {
    let interrupted = done.and_then(|done| done.interrupted);
    if interrupted.is_some() {
        return Ok((Standing::default(), interrupted));
    }
    if done.is_none() || plan.actions.is_empty() {
        return Ok((Standing::expected(plan), None));
    }
    match Standing::look(tree, plan, options, watch) {
        Ok(standing) => Ok((standing, None)),
        Err(Error::Interrupted { signal }) => Ok((Standing::default(), Some(signal))),
        Err(error) => Err(error.into()),
    }
}

/// What is said in the end.
struct End<'e> {
    plan: &'e Plan,
    /// `None` where nothing is done.
    done: Option<&'e Done>,
    needed: &'e Needed,
    standing: &'e Standing,
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
        return context.output.event("repair", action_document(action));
    }
    let path = output::escaped(&action.path.to_string());
    let size = if action.size > 0 { format!("  {}", human_bytes(action.size)) } else { String::new() };
    context.output.text(format_args!("{:16} {} {path}{size}\n", action.repair.name(), action.code))
}

fn print_outdated(action: &Action, reason: &str, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        let mut fields = action_document(action);
        fields["reason"] = json!(reason);
        return context.output.event("outdated", fields);
    }
    let path = output::escaped(&action.path.to_string());
    context.output.note(format_args!("{}: {path}: {reason}, so it stays", action.code));
    Ok(())
}

fn action_document(action: &Action) -> Value {
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
    fields
}
