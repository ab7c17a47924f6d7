//! `regtree copy`.

use std::path::PathBuf;

use super::import::{self, Sum};
use super::reference::Destination;
use super::{Context, Exit, interrupt, progress};
use crate::image::{self, Names, Source, TakenTag};
use crate::reference::Reference;
use crate::registry::Registry;
use crate::stream::Watch;

/// Copy an image to another repository or tag, or to another tree
///
/// Within a tree only links are written, so copying is fast whatever the size. With --to, content is copied too, and
/// hashed as it is read. The signatures and other referrers of the image are copied with it. The tag is set last. To
/// copy whole repositories, use regtree repo copy.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    copied
  1    I/O or permission error, no space
  2    malformed reference
  4    unknown repository, tag or manifest
  5    content of the image is damaged or missing, and no tag set
  10   no tree
  11   locked
  12   a tag exists and points to another image (--force)
  130, 143 interrupted; run it again to finish

Examples:
  regtree copy library/app:v1 library/app:stable
  regtree copy library/app@sha256:… archive/app:old
  regtree copy library/app:v1 library/app --to /mnt/other")]
pub(super) struct Copy {
    /// The image, REPO:TAG or REPO@DIGEST
    #[arg(value_name = "SOURCE")]
    source: Reference,
    /// Its new name, REPO:TAG, or REPO to keep its tag
    #[arg(value_name = "DESTINATION")]
    destination: Destination,
    /// The root of the tree to copy it to
    #[arg(long, value_name = "ROOT")]
    to: Option<PathBuf>,
    /// Leave out signatures and other referrers
    #[arg(long)]
    no_referrers: bool,
    /// Move a tag that exists and points to another image, instead of refusing to copy
    #[arg(long)]
    force: bool,
    /// Show what would be copied, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Copy {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let interrupt = interrupt::catch()?;
        let (from, Destination { repository, tag }) = (context.registry()?, self.destination);
        let target = match &self.to {
            Some(root) => Registry::open(root)?,
            None => context.registry()?,
        };
        let source = Source::of_image(from, &self.source, tag.as_ref(), !self.no_referrers, &interrupt)?;
        let how = image::Import {
            names: Names { repository: Some(repository), ..Names::default() },
            platforms: Vec::new(),
            taken: if self.force { TakenTag::Move } else { TakenTag::KeepUnlessForced },
            // Within a tree nothing is copied, so nothing is read.
            trust_existing: self.to.is_none(),
        };
        let writer = context.writer_unless_dry(&target, "copy", self.dry_run)?;
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt };
        let (mut sum, mut printed, now) = (Sum::default(), Ok(()), context.now);
        let copied = image::import(target.tree(), writer.as_ref(), &[source], &how, now, &watch, |imported| {
            sum.add(&imported);
            if printed.is_ok() {
                printed = import::print(&imported, self.dry_run, context);
            }
        });
        drop(progress);
        printed?;
        copied?;
        import::end(&sum, ["copy", "copied"], self.dry_run, context)?;
        Ok(Exit::Done)
    }
}
