//! `regtree manifest verify`.

use std::ops::ControlFlow;

use serde_json::json;

use crate::cli::count::plural;
use crate::cli::reference::{self, Groups, Kind, Manifest, Word, checked_arguments};
use crate::cli::subject::About;
use crate::cli::{Context, Exit, interrupt, progress};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::finding::{Code, Finding, Severity};
use crate::json::applying;
use crate::judge::verify::{How, Verified, Verifier};
use crate::name::RepositoryName;
use crate::reference::{Shortened, Target};
use crate::registry::Registry;
use crate::repository::Repository;
use crate::stream::Watch;

/// Check that manifests are complete, and report everything that is wrong
///
/// verify checks that a manifest matches its digest, that a registry would accept it, and that everything it references
/// exists and has the right size. (No registry compares these sizes.) The children of an index are checked too. A
/// missing child is an error if a tag leads to the index, and otherwise a warning. Stored schema1 signatures must be
/// valid. --content hashes configs and layers too, also by the aliases that lead to them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    no errors, perhaps warnings
  2    malformed name, tag or digest
  3    something can't be read; or this build of regtree can't verify schema1 signatures
  4    unknown repository, tag or manifest, and nothing is wrong with the others
  5    a manifest is damaged or invalid
  10   no tree
  130, 143 interrupted

Examples:
  regtree manifest verify library/app v1 --content
  regtree manifest verify library/app --all
  regtree manifest verify --all --json | jq -r 'select(.severity == \"error\") | .message'")]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    which: Which,
    /// Hash configs and layers too
    #[arg(long)]
    content: bool,
    /// Report no missing children of indexes (partial mirrors)
    #[arg(long)]
    allow_sparse_indexes: bool,
    /// Treat a missing child of an index as an error also where no tag leads to the index
    #[arg(long)]
    strict: bool,
}

/// Which manifests to verify.
#[derive(Debug)]
enum Which {
    /// These, by their repositories.
    These(Groups<Target>),
    /// All of a repository.
    AllOf(RepositoryName),
    /// All of the tree.
    All,
}

#[derive(clap::Args)]
struct WhichWords {
    /// The repository, or a reference that names both; with --all the whole tree if omitted
    #[arg(value_name = Manifest::FIRST, value_parser = reference::first::<Manifest>, required_unless_present = "all")]
    repository: Option<Word<Target>>,
    /// The manifests, after REPO alone: tags, digests, or their first 7 or more digits; or more references
    #[arg(value_name = Manifest::SECOND, value_parser = reference::next::<Manifest>, conflicts_with = "all")]
    targets: Vec<Word<Target>>,
    /// Every manifest
    #[arg(long)]
    all: bool,
}

impl TryFrom<WhichWords> for Which {
    type Error = clap::Error;

    fn try_from(WhichWords { repository, targets, all }: WhichWords) -> Result<Self, clap::Error> {
        match repository {
            None => Ok(Self::All),
            Some(first) if !all => reference::group::<Manifest>(first, targets).map(Self::These),
            Some(Word::Repository(repository)) => Ok(Self::AllOf(repository)),
            Some(_) => Err(reference::conflict("--all takes a repository, and no tag or digest")),
        }
    }
}

checked_arguments!(Which, WhichWords);

#[derive(Default)]
struct Tally {
    manifests: u64,
    errors: u64,
    warnings: u64,
    /// The layers of which it can't be told whether they have the tarsum that they are called by.
    not_verified: u64,
    /// Whether something is wrong, whether something named is unknown, and whether something could not be looked at.
    is_invalid: bool,
    is_unknown: bool,
    is_unread: bool,
    damage: Vec<Error>,
}

impl Tally {
    /// Adds what kept manifests from being found.
    fn add_unlisted(&mut self, damage: Vec<Error>) {
        self.is_unread |= !damage.is_empty();
        self.damage.extend(damage);
    }

    /// Adds what kept a named manifest from being verified.
    fn add(&mut self, error: Error) {
        match Exit::from(&error) {
            Exit::Unknown => self.is_unknown = true,
            Exit::Invalid => self.is_invalid = true,
            _ => self.is_unread = true,
        }
        self.errors += 1;
        self.damage.push(error);
    }

    /// Adds a finding, and prints it.
    fn print_finding(&mut self, finding: &Finding, context: &mut Context) -> anyhow::Result<()> {
        match finding.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Info => {}
        }
        self.not_verified += u64::from(finding.code == Code::TarsumNotVerified);
        let is_unread = matches!(finding.code, Code::Unreadable | Code::SignatureNotVerified);
        self.is_unread |= is_unread;
        self.is_invalid |= finding.severity == Severity::Error && !is_unread;
        print(finding, context)
    }

    /// Adds `count` manifests that were verified: that with this digest and its children, or all of the repository. A
    /// program learns how many errors and warnings these have, of which there were `before` already.
    fn print_verified(
        &mut self,
        repository: &RepositoryName,
        digest: Option<Digest>,
        count: u64,
        before: (u64, u64),
        context: &mut Context,
    ) -> anyhow::Result<()> {
        self.manifests += count;
        let (errors, warnings) = (self.errors - before.0, self.warnings - before.1);
        let fields = || {
            applying(json!({
                "repository": repository, "digest": digest, "manifests": count, "errors": errors, "warnings": warnings,
            }))
        };
        context.output.json_only("verified", fields)
    }
}

impl Verify {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        if self.allow_sparse_indexes {
            registry.tree().allow_sparse_indexes();
        }
        let observer = if context.output.is_json() { progress::beside_lines } else { progress::observer };
        let progress = observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let mut verifier = Verifier::new(How { content: self.content, strict: self.strict }, &watch);
        let mut tally = Tally::default();
        match &self.which {
            Which::These(groups) => {
                let is_one = matches!(&groups[..], [(_, targets)] if targets.len() == 1);
                for (name, targets) in groups {
                    verify_some(&registry, (name, targets), is_one, &mut verifier, &mut tally, context)?;
                }
            }
            Which::AllOf(name) => {
                registry.repository(name).about(name, None)?;
                verify_all(&registry, [name], &verifier, &watch, &mut tally, context)?;
            }
            Which::All => {
                let found = registry.repositories();
                tally.add_unlisted(found.damage);
                verify_all(&registry, &found.repositories, &verifier, &watch, &mut tally, context)?;
            }
        }
        tally.add_unlisted(verifier.take_damage());
        self.conclude(&tally, context.note_cache(&registry), context)
    }

    fn conclude(&self, tally: &Tally, is_cache: bool, context: &mut Context) -> anyhow::Result<Exit> {
        context.output.all_damage(&tally.damage)?;
        let Tally { manifests, errors, warnings, damage, .. } = tally;
        let (damage, cache) = (damage.len(), is_cache);
        let fields = || {
            json!({
                "manifests": manifests, "errors": errors, "warnings": warnings, "damage": damage, "cache": cache,
            })
        };
        context.output.json_only("summary", fields)?;
        let unread = match tally.not_verified {
            _ if !self.content => "; content not hashed (add --content)".to_owned(),
            0 => String::new(),
            count => format!("; {} referenced by a tarsum, which was not verified", plural(count, "layer")),
        };
        // The findings come before their sum.
        context.output.flush()?;
        context.output.note(format_args!(
            "{} checked: {}, {}{unread}",
            plural(*manifests, "manifest"),
            plural(*errors, "error"),
            plural(*warnings, "warning")
        ));
        Ok(match tally {
            Tally { is_invalid: true, .. } => Exit::Invalid,
            Tally { is_unknown: true, .. } => Exit::Unknown,
            Tally { is_unread, .. } => Exit::damage_if(*is_unread),
        })
    }
}

/// Verifies manifests of a repository. One that is unknown or damaged ends the command only if `is_one`.
fn verify_some(
    registry: &Registry,
    (name, targets): (&RepositoryName, &[Target]),
    is_one: bool,
    verifier: &mut Verifier<'_>,
    tally: &mut Tally,
    context: &mut Context,
) -> anyhow::Result<()> {
    let repository = registry.repository(name).about(name, None)?;
    for target in targets {
        let before = (tally.errors, tally.warnings);
        let checked = print_findings(context, tally, |report| {
            let digest = target.resolve(&repository, Shortened::Expand)?.digest;
            Ok((digest, verifier.verify(&repository, digest, report)?))
        })?;
        match checked {
            Ok((digest, count)) => tally.print_verified(name, Some(digest), count, before, context)?,
            Err(error @ Error::Interrupted { .. }) => return Err(error.into()),
            Err(error) if is_one && matches!(Exit::from(&error), Exit::Usage | Exit::Unknown | Exit::Invalid) => {
                return Err(error).about(name, None);
            }
            // The others are still verified.
            Err(error) => tally.add(error),
        }
    }
    Ok(())
}

fn verify_all<'n>(
    registry: &Registry,
    names: impl IntoIterator<Item = &'n RepositoryName>,
    verifier: &Verifier<'_>,
    watch: &Watch<'_>,
    tally: &mut Tally,
    context: &mut Context,
) -> anyhow::Result<()> {
    let repositories = names.into_iter().map(|name| Repository::new(registry.tree(), name.clone()));
    let (mut before, mut printed) = ((tally.errors, tally.warnings), Ok(()));
    verifier.verify_all(repositories, |verified| {
        printed = match verified {
            Verified::Finding(finding) => {
                watch.progress.make_room();
                // What is found is shown at once: the next may take long.
                tally.print_finding(&finding, context).and_then(|()| context.output.flush())
            }
            Verified::Repository(name, count) => {
                let before = std::mem::replace(&mut before, (tally.errors, tally.warnings));
                tally.print_verified(&name, None, count, before, context)
            }
        };
        if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    printed
}

/// Prints each finding that `act` reports, until standard output is closed.
fn print_findings<T>(
    context: &mut Context,
    tally: &mut Tally,
    act: impl FnOnce(&mut dyn FnMut(Finding)) -> Result<T>,
) -> anyhow::Result<Result<T>> {
    let mut printed = Ok(());
    let done = act(&mut |finding| {
        if printed.is_ok() {
            printed = tally.print_finding(&finding, context);
        }
    });
    printed.map(|()| done)
}

fn print(finding: &Finding, context: &mut Context) -> anyhow::Result<()> {
    if context.output.is_json() {
        return context.output.event("finding", serde_json::to_value(finding)?);
    }
    // That an image is complete is only shown with --verbose.
    if finding.severity == Severity::Info && !context.output.is_verbose() {
        return Ok(());
    }
    context.output.finding(finding.severity, &finding.about())
}
