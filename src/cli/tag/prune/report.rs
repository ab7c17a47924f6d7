//! Prints which tags went, or would go, and why the others stay.

use serde_json::json;

use crate::cli::count::{human_bytes, plural, width};
use crate::cli::deletion::{Deletion, Manner, name_run, print_end, words};
use crate::cli::site::Setting;
use crate::cli::time::to_the_second;
use crate::cli::{Context, Exit, hint};
use crate::error::Error;
use crate::gc::Freeable;
use crate::quarantine::RunId;
use crate::retention::{Outcome, Plan, Pruned, Reason, Verdict};

/// The tags, one by one.
pub(super) struct Rows<'r> {
    plan: &'r Plan<'r>,
    manner: Manner,
    /// Whether the tags that stay have a row too, with the rules that keep them.
    all: bool,
    width: usize,
}

impl<'r> Rows<'r> {
    pub(super) fn new(plan: &'r Plan<'r>, manner: Manner, all: bool) -> Self {
        let names: Vec<String> = verdicts(plan).map(|(pruned, verdict)| reference(pruned, verdict)).collect();
        Self { plan, manner, all, width: width("TAG", names.iter().map(String::as_str)) }
    }

    /// Prints a tag that is removed next, and sees to it that this is written.
    pub(super) fn print_going(
        &self,
        outcome: Outcome,
        run: Option<&RunId>,
        context: &mut Context,
    ) -> anyhow::Result<()> {
        let pruned = &self.plan.repositories[outcome.repository];
        self.print_one(pruned, &pruned.verdicts[outcome.verdict], run, context)?;
        context.output.flush()
    }

    fn print_one(
        &self,
        pruned: &Pruned<'_>,
        verdict: &Verdict,
        run: Option<&RunId>,
        context: &mut Context,
    ) -> anyhow::Result<()> {
        match (self.all, verdict.digest) {
            (true, _) => self.print_verdict(pruned, verdict, run, context),
            (false, Some(digest)) if verdict.goes() => {
                context.output.line(format_args!("{}@{digest}", reference(pruned, verdict)))
            }
            (false, _) => Ok(()),
        }
    }

    fn print_verdict(
        &self,
        pruned: &Pruned<'_>,
        verdict: &Verdict,
        run: Option<&RunId>,
        context: &mut Context,
    ) -> anyhow::Result<()> {
        let time = verdict.time.map(to_the_second);
        if context.output.is_json() {
            let mut fields = json!({
                "tag": verdict.tag, "digest": verdict.digest, "since": time, "rule": pruned.rules.name,
            });
            let repository = pruned.repository.name();
            if verdict.goes() {
                let deletion = Deletion { repository, manner: self.manner, run };
                return deletion.print("untag", fields, &[], context);
            }
            fields["repository"] = json!(repository);
            fields["kept_by"] = json!(verdict.kept);
            return context.output.event("keep", fields);
        }
        let why = if verdict.goes() {
            // A shortened digest could not be used to set the tag again.
            verdict.digest.map(|digest| digest.to_string()).unwrap_or_default()
        } else {
            let rule = pruned.rules.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            rule + &verdict.kept.iter().map(|reason| reason.name()).collect::<Vec<_>>().join(", ")
        };
        let did = if verdict.goes() { "remove" } else { "keep" };
        let (name, width) = (reference(pruned, verdict), self.width);
        let header = format!("{:6}  {:width$}  {:20}  KEPT BY, OR WHAT IT POINTS TO", "", "TAG", "SINCE");
        let time = time.as_deref().unwrap_or("-");
        let row = format!("{did:6}  {name:width$}  {time:20}  {why}");
        context.output.row(&header, format_args!("{}", row.trim_end()), "", || json!({}))
    }
}

pub(super) struct Report<'r> {
    pub(super) rows: Rows<'r>,
    /// The run of the quarantine that has what was removed.
    pub(super) run: Option<&'r RunId>,
    pub(super) is_refused: bool,
    /// Whether the run came to its end.
    pub(super) is_done: bool,
    /// The tag that was printed, and then not removed.
    pub(super) told: Option<Outcome>,
    /// How many of the repositories have no rule, so that all of their tags stay.
    pub(super) others: usize,
    /// What a collection would free.
    pub(super) freeable: Option<Freeable>,
}

impl Report<'_> {
    /// Prints the tags that were not printed as they went, the damage, and the sum.
    pub(super) fn print(&self, damage: &[Error], context: &mut Context) -> anyhow::Result<Exit> {
        let Rows { plan, manner, .. } = self.rows;
        for (pruned, verdict) in verdicts(plan).filter(|(_, verdict)| manner.dry_run || !verdict.goes()) {
            self.rows.print_one(pruned, verdict, self.run, context)?;
        }
        let exit = context.output.all_damage(damage)?;
        self.print_end(context)?;
        Ok(exit)
    }

    /// Says how many tags went.
    pub(super) fn note_count(&self, context: &Context) {
        let (did, to) = self.rows.manner.words();
        context.output.note(format_args!("{did} {}{to}", self.tags()));
    }

    fn tags(&self) -> String {
        let (all, removed) = self.rows.plan.count();
        let repositories = plural(self.rows.plan.repositories.len(), "repository");
        format!("{removed} of {} in {repositories}", plural(all, "tag"))
    }

    /// Of how many tags only empty directories went.
    fn left_over(&self) -> usize {
        if self.is_done { self.rows.plan.left_over() } else { 0 }
    }

    /// Sums up, and says how to go on.
    pub(super) fn print_end(&self, context: &mut Context) -> anyhow::Result<()> {
        let Rows { plan, manner, .. } = self.rows;
        let (all, removed) = plan.count();
        context.output.json_only("summary", || {
            let Freeable { blobs, bytes, young_bytes } = self.freeable.unwrap_or_default();
            let mut summary = json!({
                "repositories": plan.repositories.len(), "without_rule": self.others, "tags": all, "removed": removed,
                "kept": all - removed, "left_over": self.left_over(), "dry_run": manner.dry_run, "refused": self.is_refused,
                "freeable_blobs": blobs, "freeable_bytes": bytes, "young_bytes": young_bytes,
            });
            name_run(&mut summary, self.run);
            summary
        })?;
        context.output.flush()?;
        if !manner.dry_run {
            self.note_count(context);
        }
        print_end(manner, self.run, self.tags(), context)?;
        if let Some(Outcome { repository, verdict, .. }) = self.told {
            let pruned = &plan.repositories[repository];
            let name = reference(pruned, &pruned.verdicts[verdict]);
            context.output.note(format_args!("{name} was not removed"));
        }
        let left_over = self.left_over();
        if left_over > 0 {
            let did = words(manner.dry_run, manner.quarantine.is_quarantine()).0;
            let tags = plural(left_over, "tag");
            context.output.note(format_args!("{did} the empty directories that are left of {tags}"));
        }
        if self.others > 0 {
            let others = plural(self.others, "repository");
            context.output.note(format_args!("the policy has no rule for {others}: all tags there were kept"));
        }
        let is_stopped = |verdict: &Verdict| verdict.kept.contains(&Reason::SetMeanwhile);
        let stopped = verdicts(plan).filter(|(_, verdict)| is_stopped(verdict));
        match stopped.count() {
            0 => {}
            count => {
                let tags = plural(count, "tag");
                context.output.note(format_args!("kept {tags} that changed since the run began"));
            }
        }
        self.print_freeable(context);
        Ok(())
    }

    /// Names the command that frees the space, as the last line.
    fn print_freeable(&self, context: &Context) {
        let Some(Freeable { bytes, young_bytes, .. }) = self.freeable else { return };
        let regtree = hint::command(&context.global);
        let is_quarantined = context.global.site.get(Setting::Quarantine).is_some_and(|value| value.text == "true");
        let purge = if is_quarantined { format!(" and then {regtree} quarantine purge RUN") } else { String::new() };
        let frees = match (self.rows.manner.dry_run, is_quarantined) {
            (true, _) => "would free",
            (false, true) => "free",
            (false, false) => "frees",
        };
        let bytes = human_bytes(bytes);
        let younger = match young_bytes {
            0 => String::new(),
            young => format!(", and {} more when that is older than --min-age", human_bytes(young)),
        };
        context.output.note(format_args!(
            "no space is free yet: {regtree} gc --delete-untagged{purge} {frees} {bytes} in all{younger}"
        ));
    }
}

/// All tags, each with its repository.
fn verdicts<'p>(plan: &'p Plan<'_>) -> impl Iterator<Item = (&'p Pruned<'p>, &'p Verdict)> {
    plan.repositories.iter().flat_map(|pruned| pruned.verdicts.iter().map(move |verdict| (pruned, verdict)))
}

fn reference(pruned: &Pruned<'_>, verdict: &Verdict) -> String {
    format!("{}:{}", pruned.repository.name(), verdict.tag)
}
