//! `regtree tag set`.

use serde_json::json;

use crate::cli::reference::{self, Kind, Manifest, TagName, TagTarget, Word, checked_arguments};
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::name::{RepositoryName, Tag};
use crate::reference::{Shortened, Target};
use crate::tag;

/// Point a tag to a manifest of the repository
///
/// The manifest must exist. What the tag pointed to before is kept in its history: to go back, use tag set again. With
/// --dry-run all of that is checked, and nothing is written.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    set
  1    not writable, no space
  2    malformed name, tag or digest
  4    unknown repository or manifest, or tag to take it from
  5    the manifest, a link or a directory is damaged
  10   no tree
  11   locked

Examples:
  regtree tag set library/app latest v1.1
  regtree tag set library/app:latest v1.1 --dry-run
  regtree tag set library/app latest sha256:…")]
pub(in crate::cli) struct Set {
    #[command(flatten)]
    link: Link,
    /// Check that the tag can be set, show what it points to now, and write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// A tag, and what it is to point to.
#[derive(Debug)]
struct Link {
    repository: RepositoryName,
    tag: Tag,
    target: Target,
}

#[derive(clap::Args)]
struct LinkWords {
    /// The repository, or a reference that names both
    #[arg(value_name = TagName::FIRST, value_parser = reference::first::<TagName>)]
    repository: Word<TagTarget>,
    /// The tag, after REPO alone; and the manifest: a digest, or a tag that points to it now
    #[arg(value_names = [TagName::SECOND, Manifest::SECOND], num_args = 1..=2, required = true,
          value_parser = Manifest::parse)]
    words: Vec<Target>,
}

impl TryFrom<LinkWords> for Link {
    type Error = clap::Error;

    fn try_from(LinkWords { repository, mut words }: LinkWords) -> Result<Self, clap::Error> {
        let target = words.pop().ok_or_else(|| reference::missing(Manifest::SECOND))?;
        match (repository, words.pop()) {
            (Word::Whole(repository, TagTarget::Tag(tag)), None)
            | (Word::Repository(repository), Some(Target::Tag(tag))) => Ok(Self { repository, tag, target }),
            (Word::Repository(_), None) => Err(reference::missing(Manifest::SECOND)),
            (Word::Whole(..), Some(_)) => {
                Err(reference::conflict("the tag is given twice: in the reference, and alone"))
            }
            _ => Err(reference::conflict("expected a tag alone, and then the manifest that it is to point to")),
        }
    }
}

checked_arguments!(Link, LinkWords);

impl Set {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let Link { repository: name, tag, target } = &self.link;
        let repository = registry.repository(name).about(name, None)?;
        let writer = context.writer_unless_dry(&registry, "tag set", self.dry_run)?;
        let digest = target.resolve(&repository, Shortened::Refuse).about(name, None)?.digest;
        let before = match &writer {
            Some(writer) => tag::set(writer, &repository, tag, digest),
            None => tag::check_set(&repository, tag, digest),
        };
        let before = before.about(name, None)?;
        if let Some(text) = self.text(before, digest) {
            context.output.note(text);
        }
        let fields = || {
            let dry_run = self.dry_run;
            json!({ "repository": name, "tag": tag, "digest": digest, "before": before, "dry_run": dry_run })
        };
        context.output.answer(digest, "tag", fields)?;
        Ok(Exit::Done)
    }

    /// What becomes of the tag, as far as the answer does not say it.
    fn text(&self, before: Option<Digest>, digest: Digest) -> Option<String> {
        let Link { repository, tag, .. } = &self.link;
        let tag = format!("tag {tag} of repository {repository}");
        match (self.dry_run, before) {
            (false, Some(before)) if before != digest => Some(format!("{tag} pointed to {before} before")),
            (false, _) => None,
            (true, Some(before)) if before != digest => Some(format!("would move {tag} from {before} (dry run)")),
            (true, Some(_)) => Some(format!("{tag} points there already (dry run)")),
            (true, None) => Some(format!("would make {tag} (dry run)")),
        }
    }
}
