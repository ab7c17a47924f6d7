//! `regtree export`.

use std::path::PathBuf;

use serde_json::json;

use super::count::{bytes, plural};
use super::{Context, Exit, interrupt, progress};
use crate::image::{self, Exported, Selection};
use crate::name::Reference;
use crate::pattern::Pattern;
use crate::stream::Watch;

/// Write images to an OCI image layout, a directory that skopeo and other tools read
///
/// Digests stay as they are. Every byte is hashed on its way. The layout names images REPO:TAG; the signatures and
/// other referrers of an image come along.
///
/// In a layout that exists, only what is missing is written, and its index is replaced last, whole. Images that it has
/// under other names stay. So regtree export --all -o DIR, run every night, is an incremental backup of all tagged
/// images, and regtree import DIR restores it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    exported
  1    I/O or permission error, no space
  2    malformed reference
  3    exported, but something could not be read, or --skip-damaged left images out
  4    unknown repository, tag or manifest
  5    content is damaged or missing; the layout is as it was
  10   no tree
  12   DIR is not empty and no image layout, or another process is writing it
  130, 143 interrupted; the layout is as it was

Examples:
  regtree export library/app:v1 -o /tmp/app
  skopeo copy oci:/tmp/app:library/app:v1 docker://…
  regtree export --all -o /backup/images
  regtree export 'team/**' --untagged -o team-images")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Export {
    /// Images, REPO:TAG or REPO@DIGEST, and repositories, by name or pattern (* and ? do not match a slash, ** does)
    #[arg(value_name = "REFERENCE", value_parser = parse_selection, required_unless_present = "all")]
    selections: Vec<Selection>,
    /// Export all tags of all repositories
    #[arg(long, conflicts_with = "selections")]
    all: bool,
    /// The layout: a directory, which is made if it does not exist
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Leave out signatures and other referrers
    #[arg(long)]
    no_referrers: bool,
    /// Of repositories, also export manifests without a tag
    #[arg(long)]
    untagged: bool,
    /// Hash what the layout already has, instead of comparing sizes, and write it again if it is wrong
    #[arg(long)]
    verify_existing: bool,
    /// Leave out damaged images, and go on
    #[arg(long)]
    skip_damaged: bool,
}

/// An image, or the name or pattern of repositories.
fn parse_selection(text: &str) -> Result<Selection, Box<dyn std::error::Error + Send + Sync>> {
    if text.contains([':', '@']) {
        return Ok(Selection::Image(text.parse::<Reference>()?));
    }
    Ok(Selection::Repositories(text.parse::<Pattern>()?))
}

impl Export {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let how = image::Export {
            referrers: !self.no_referrers,
            untagged: self.untagged,
            verify_existing: self.verify_existing,
            skip_damaged: self.skip_damaged,
        };
        let selections = if self.all { vec![Selection::All] } else { self.selections };
        let exported = image::export(&registry, &selections, &self.output, how, &watch)?;
        drop(progress);
        for (repository, tag, digest) in &exported.images {
            let name =
                tag.as_ref().map_or_else(|| format!("{repository}@{digest}"), |tag| format!("{repository}:{tag}"));
            let fields = || json!({ "repository": repository, "tag": tag, "digest": digest });
            context.output.answer(name, "image", || crate::json::applying(fields()))?;
        }
        let mut exit = context.output.all_damage(&exported.damage)?;
        for (name, error) in &exported.skipped {
            context.output.warn(format_args!("{name} is left out"));
            context.output.damage(error)?;
            exit = Exit::Damage;
        }
        end(&exported, context)?;
        Ok(exit)
    }
}

fn end(exported: &Exported, context: &mut Context) -> anyhow::Result<()> {
    let [(written, written_bytes), (present, present_bytes)] = [exported.written, exported.present];
    let (images, skipped) = (exported.images.len(), exported.skipped.len());
    context.output.json_only("summary", || {
        json!({
            "images": images, "skipped": skipped,
            "written": { "blobs": written, "bytes": written_bytes },
            "present": { "blobs": present, "bytes": present_bytes },
        })
    })?;
    let there = if present == 0 { String::new() } else { format!("; {} were there already", plural(present, "blob")) };
    context.output.note(format_args!(
        "exported {}: wrote {}, {}{there}",
        plural(images, "image"),
        plural(written, "blob"),
        bytes(written_bytes),
    ));
    Ok(())
}
