//! Prints which tags went, or would go, and why the others stay.

use serde_json::json;

use crate::cli::count::{human_bytes, plural, width};
use crate::cli::deletion::{Deletion, Manner, name_run, print_end};
use crate::cli::time::to_the_second;
use crate::cli::{Context, hint};
use crate::gc::Freeable;
use crate::quarantine::RunId;
use crate::retention::{Plan, Pruned, Reason, Verdict};

pub(super) struct Report<'r> {
    pub(super) plan: &'r Plan<'r>,
    pub(super) manner: Manner,
    /// The run of the quarantine that has what was removed.
    pub(super) run: Option<&'r RunId>,
    pub(super) is_refused: bool,
    /// How many of the repositories have no rule, so that all of their tags stay.
    pub(super) others: usize,
    /// What a collection would free.
    pub(super) freeable: Option<Freeable>,
}

impl Report<'_> {
    /// Prints the tags that go, or all of them with the rules that keep them.
    pub(super) fn print(&self, all: bool, context: &mut Context) -> anyhow::Result<()> {
        let all = all || context.output.is_json();
        let verdicts = || {
            self.plan
                .repositories
                .iter()
                .flat_map(|pruned| pruned.verdicts.iter().map(move |verdict| (pruned, verdict)))
        };
        let names: Vec<String> = verdicts().map(|(pruned, verdict)| reference(pruned, verdict)).collect();
        let width = width("TAG", names.iter().map(String::as_str));
        for ((pruned, verdict), name) in verdicts().zip(&names) {
            if verdict.goes() && !all {
                context.output.line(format_args!("{name}{}", at_digest(verdict)))?;
            } else if all {
                self.print_verdict(pruned, verdict, (name, width), context)?;
            }
        }
        Ok(())
    }

    fn print_verdict(
        &self,
        pruned: &Pruned<'_>,
        verdict: &Verdict,
        (name, width): (&str, usize),
        context: &mut Context,
    ) -> anyhow::Result<()> {
        let time = verdict.time.map(to_the_second);
        if context.output.is_json() {
            let mut fields = json!({
                "tag": verdict.tag, "digest": verdict.digest, "since": time, "rule": pruned.rules.name,
            });
            let repository = pruned.repository.name();
            if verdict.goes() {
                let deletion = Deletion { repository, manner: self.manner, run: self.run };
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
        let header = format!("{:6}  {:width$}  {:20}  KEPT BY, OR WHAT IT POINTS TO", "", "TAG", "SINCE");
        let time = time.as_deref().unwrap_or("-");
        let row = format!("{did:6}  {name:width$}  {time:20}  {why}");
        context.output.row(&header, format_args!("{}", row.trim_end()), "", || json!({}))
    }

    /// Sums up, and says how to go on.
    pub(super) fn print_end(&self, context: &mut Context) -> anyhow::Result<()> {
        let (all, removed) = self.plan.count();
        let repositories = self.plan.repositories.len();
        context.output.json_only("summary", || {
            let Freeable { blobs, bytes, young_bytes } = self.freeable.unwrap_or_default();
            let mut summary = json!({
                "repositories": repositories, "without_rule": self.others, "tags": all, "removed": removed,
                "kept": all - removed, "dry_run": self.manner.dry_run, "refused": self.is_refused,
                "freeable_blobs": blobs, "freeable_bytes": bytes, "young_bytes": young_bytes,
            });
            name_run(&mut summary, self.run);
            summary
        })?;
        context.output.flush()?;
        let tags = format!("{removed} of {} in {}", plural(all, "tag"), plural(repositories, "repository"));
        if !self.manner.dry_run {
            let (did, to) = self.manner.words();
            context.output.note(format_args!("{did} {tags}{to}"));
        }
        print_end(self.manner, self.run, tags, context)?;
        if self.others > 0 {
            let others = plural(self.others, "repository");
            context.output.note(format_args!("the policy has no rule for {others}: all tags there were kept"));
        }
        let is_stopped = |verdict: &Verdict| verdict.kept.contains(&Reason::SetMeanwhile);
        let stopped = self.plan.repositories.iter().flat_map(|pruned| &pruned.verdicts).filter(|one| is_stopped(one));
        match stopped.count() {
            0 => {}
            count => context.output.note(format_args!("kept {}, set meanwhile", plural(count, "tag"))),
        }
        self.print_freeable(context);
        Ok(())
    }

    /// Names the command that frees the space, as the last line.
    fn print_freeable(&self, context: &Context) {
        let Some(Freeable { bytes, young_bytes, .. }) = self.freeable else { return };
        let regtree = hint::command(&context.global);
        let frees = if self.manner.dry_run { "would free" } else { "frees" };
        let bytes = human_bytes(bytes);
        let younger = match young_bytes {
            0 => String::new(),
            young => format!(", and {} more when that is older than --min-age", human_bytes(young)),
        };
        context
            .output
            .note(format_args!("no space is free yet: {regtree} gc --delete-untagged {frees} {bytes}{younger}"));
    }
}

fn reference(pruned: &Pruned<'_>, verdict: &Verdict) -> String {
    format!("{}:{}", pruned.repository.name(), verdict.tag)
}

fn at_digest(verdict: &Verdict) -> String {
    verdict.digest.map(|digest| format!("@{digest}")).unwrap_or_default()
}
