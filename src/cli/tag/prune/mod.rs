//! `regtree tag prune`.

mod policy;
mod report;
mod rules;

use std::path::PathBuf;

use crate::cli::deletion::{Manner, print_way_back};
use crate::cli::selector::{self, Selected, Selector};
use crate::cli::site::Setting;
use crate::cli::{Context, Exit, gc as collection, interrupt, parse_span, progress};
use crate::error::Error;
use crate::gc::{Freeable, Options};
use crate::name::RepositoryName;
use crate::registry::{FoundRepositories, Registry};
use crate::retention::{self, Chosen, Fate, Plan, Rules};
use crate::stream::Watch;
use policy::Policy;
use report::{Report, Rows};
use rules::Given;

const COMMAND: &str = "tag prune";
/// What to do when no rule keeps anything.
const NO_RULE: &str =
    "say what stays: --keep-last 10, another --keep option, or --policy FILE with such a key in each rule";

/// Remove tags that no rule keeps
///
/// The rules are those of restic forget. Each --keep option adds to what stays in each repository, and a tag goes if none
/// keeps it. Tags that are equally old, to the second, stay together. Days, weeks, months and years are those of UTC. A
/// tag whose age is unknown, or absurd such as 1970, stays and takes no place of another.
///
/// Tags that were made for another image, such as sha256-….sig, are judged by no age: they stay as long as any tag in the
/// tree leads to that image. A tag that is damaged stays, and is reported.
///
/// Only tags go; prune frees no space by itself. The last line says what a collection frees afterwards in all, and how to
/// start it. With --quarantine, `regtree quarantine restore` brings the tags back until then. Without it, a tag can only be
/// set again, from the digest that is printed right before the tag goes; what can't be printed stays. Each link is read
/// again before it goes, and a tag that was set since the run began stays. No other regtree command may change the tree at
/// the same time.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    done
  1    not writable
  2    malformed argument or policy, or an option given twice
  3    done, but a damaged tag or something that could not be read was kept
  4    unknown repository, or a pattern that matches none; nothing removed
  10   no tree
  11   locked, or another process works on the tree
  12   refused: no rule keeps anything, a repository would lose its last tag, or too many tags would go; the plan is \
       shown. Or a database of GitLab or Harbor knows what is tagged
  130, 143 interrupted; what was removed until then is printed

Examples:
  regtree tag prune --keep-last 10 --keep-within 52w --dry-run
  regtree tag prune 'ci/**' --keep-daily 7 --keep-weekly 4 --keep-tag latest
  regtree tag prune library/app --keep-latest-semver 5 --keep-tag latest --explain -n
  regtree tag prune --policy retention.toml --quarantine")]
pub(in crate::cli) struct Prune {
    /// The repositories, by name or pattern (* and ? do not match a slash, ** does); all if omitted
    #[arg(value_name = "REPO|GLOB", value_parser = selector::parse)]
    repositories: Vec<Selector>,
    /// Take the rules from FILE; the first rule that matches a repository's name is for it; without one, all of its tags
    /// stay
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "keep_last", "keep_within", "keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly", "keep_tag",
        "keep_latest_semver", "only_tag", "older_than", "age_by",
    ])]
    policy: Option<PathBuf>,
    /// Show every tag, with the rules that keep it
    #[arg(long)]
    explain: bool,
    /// Remove tags even if a repository is left without any
    #[arg(long)]
    allow_empty: bool,
    /// Refuse to remove more than PERCENT% of the tags of these repositories; if omitted, more than half
    #[arg(long, value_name = "PERCENT%", value_parser = collection::parse_percent)]
    max_delete: Option<f64>,
    #[command(flatten)]
    manner: Manner,
    // The last, because they have a heading of their own.
    #[command(flatten)]
    rules: Given,
}

/// Where the rules come from.
enum Source {
    Options(Rules),
    Policy(Policy),
}

impl Source {
    /// The repositories with their rules, and how many have none.
    fn chosen(&self, repositories: Vec<RepositoryName>) -> (Vec<Chosen<'_>>, usize) {
        let all = repositories.len();
        let of = |name: &RepositoryName| match self {
            Self::Options(rules) => Some(rules),
            Self::Policy(policy) => policy.of(name),
        };
        let chosen = repositories.into_iter().filter_map(|name| Some(Chosen { rules: of(&name)?, name }));
        let chosen: Vec<Chosen<'_>> = chosen.collect();
        let others = all - chosen.len();
        (chosen, others)
    }

    /// Warns of the rules that are for none of all repositories: a name may be mistyped.
    fn warn(&self, repositories: &[RepositoryName], context: &Context) {
        let Self::Policy(policy) = self else { return };
        for (name, line) in policy.idle(repositories) {
            let file = policy.file.display();
            context.output.warn(format_args!("{file}, line {line}: rule {name} is for no repository of this tree"));
        }
    }

    /// `Err(Refused)` when some rules keep nothing.
    fn check(&self) -> Result<(), Error> {
        let all: Vec<&Rules> = match self {
            Self::Options(rules) => vec![rules],
            Self::Policy(policy) => policy.rules().collect(),
        };
        let Some(keeps_nothing) = all.into_iter().find(|rules| !rules.keep_something()) else { return Ok(()) };
        let reason = match (self, &keeps_nothing.name) {
            (Self::Policy(policy), Some(name)) => {
                format!("nothing in rule {name} of {} says what to keep", policy.file.display())
            }
            _ => "no rule says what to keep".to_owned(),
        };
        Err(Error::Refused { reason })
    }
}

impl Prune {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let source = self.source()?;
        if let Err(refusal) = source.check() {
            context.advice = Some(NO_RULE);
            return Err(refusal.into());
        }
        let registry = context.registry()?;
        let writer = context.exclusive_writer(&registry, COMMAND, self.manner.dry_run)?;
        context.check_tags(&registry, self.manner.dry_run)?;
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let FoundRepositories { repositories, mut damage } = self.repositories(&registry)?;
        if self.repositories.is_empty() {
            source.warn(&repositories, context);
        }
        let (chosen, others) = source.chosen(repositories);
        let mut plan = Plan::new(registry.tree(), &chosen, context.now, &watch)?;
        damage.append(&mut plan.damage);
        let refusal = match plan.check(self.allow_empty, self.max_delete) {
            Err(refusal @ Error::SafetyLimit { .. }) => Some(refusal),
            checked => checked.map(|()| None)?,
        };
        // A plan that is refused is shown as in a dry run.
        let is_refused = refusal.is_some();
        let manner = Manner { dry_run: self.manner.dry_run || is_refused, ..self.manner };
        context.refusal = context.refusal.take().or(refusal);
        let (now, mut outcomes) = (context.now, Vec::new());
        let all = self.explain || context.output.is_verbose() || context.output.is_json();
        let rows = Rows::new(&plan, manner, all);
        let writer = writer.filter(|_| !manner.dry_run);
        let (run, removed) = manner.carry_out_aloud(writer.as_ref(), COMMAND, context, |remover, run, context| {
            retention::remove(remover, &plan, now, &watch, |outcome| {
                outcomes.push(outcome);
                if outcome.fate == Fate::Goes { rows.print_going(outcome, run, context) } else { Ok(()) }
            })
        });
        if !manner.dry_run {
            plan.settle(&outcomes);
        }
        let is_done = removed.is_ok();
        let freeable = if is_done { freeable(&mut plan, &registry, &watch, context)? } else { None };
        let told = outcomes.last().filter(|outcome| outcome.fate == Fate::Goes).copied();
        let rows = Rows::new(&plan, manner, all);
        let report = Report { rows, run: run.as_ref(), is_refused, is_done, told, others, freeable };
        let printed = report.print(&damage, context);
        if printed.is_err() {
            // Standard output takes no more, but what went is said.
            report.note_count(context);
            if let Some(run) = &run {
                print_way_back(run, context);
            }
        }
        removed.and(printed)
    }

    fn source(&self) -> anyhow::Result<Source> {
        match &self.policy {
            // What the site names counts only where no rule is given.
            Some(file) if !self.rules.0.are_given() => Ok(Source::Policy(Policy::read(file)?)),
            _ => Ok(Source::Options(self.rules.0.rules(None))),
        }
    }

    fn repositories(&self, registry: &Registry) -> anyhow::Result<FoundRepositories> {
        if self.repositories.is_empty() {
            return Ok(registry.repositories());
        }
        selector::check_names(&self.repositories, registry)?;
        let Selected { repositories, damage, .. } = selector::select(&self.repositories, registry)?;
        Ok(FoundRepositories { repositories, damage })
    }
}

/// What a collection of untagged manifests would free afterwards, if that is going to be said.
fn freeable(
    plan: &mut Plan<'_>,
    registry: &Registry,
    watch: &Watch<'_>,
    context: &Context,
) -> anyhow::Result<Option<Freeable>> {
    if context.output.is_quiet() && !context.output.is_json() || plan.count().1 == 0 {
        return Ok(None);
    }
    let min_age = context.global.site.get(Setting::MinAge).and_then(|value| parse_span(&value.text).ok());
    let mut options = Options { delete_untagged: true, ..Options::new(context.now) };
    options.min_age = min_age.unwrap_or(options.min_age);
    Ok(Some(plan.freeable(registry.tree(), &options, watch)?))
}
