//! `regtree export`.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use serde_json::json;

use super::count::{already_there, bytes, plural};
use super::gc::parse_limit;
use super::output::STDOUT;
use super::{Context, Exit, interrupt, progress, sink};
use crate::error::Error;
use crate::gc::Limit;
use crate::image::{self, Compression, Destination, Exported, Pruned, Selection};
use crate::manifest::platform::Wanted;
use crate::pattern::Pattern;
use crate::reference::Reference;
use crate::stream::{Interrupt, Watch};

/// Write images to an OCI image layout, a directory or a tar archive that skopeo and other tools read
///
/// Digests do not change. All content is hashed as it is read. The layout names images REPO:TAG. The signatures and
/// other referrers of an image are exported with it.
///
/// If the directory already has a layout, only missing content is written, and the index is replaced last. Images with
/// other names in the layout are kept. So regtree export --all -o DIR, run every night, is an incremental backup of all
/// tagged images, and regtree import DIR restores it.
///
/// An archive appears whole or not at all, and replaces an existing file. The same images give the same bytes. If PATH is
/// -, the archive is written to standard output, and the answer to standard error. Check the exit code then, because
/// damage is found only at the end.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    exported
  1    I/O or permission error, no space
  2    malformed reference, or a docker archive of an image for several platforms without --platform
  3    exported, but something could not be read, or --skip-damaged left images out; nothing is pruned
  4    unknown repository, tag or manifest, or an image has nothing for a platform
  5    content is damaged or missing, or a docker archive can't hold it; PATH is unchanged
  10   no tree
  12   PATH has other content, or another process is writing it; or standard output is a terminal; or exported, but \
       --prune would remove too much (--max-delete)
  130, 143 interrupted; PATH is unchanged

Examples:
  regtree export library/app:v1 -o /tmp/app
  skopeo copy oci:/tmp/app:library/app:v1 docker://…
  regtree export --all --prune -o /backup/images
  regtree export library/app:v1 --platform linux/arm64 -o app.tar.zst
  regtree export library/app:v1 --format docker-archive -o - | docker load
  regtree export library/app:v1 -o - | ssh HOST 'cat > app.tar'
  regtree export 'team/**' --untagged -o team-images")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Export {
    /// Images, REPO:TAG or REPO@DIGEST, and repositories, by name or pattern (* and ? do not match a slash, ** does)
    #[arg(value_name = "REFERENCE", value_parser = parse_selection, required_unless_present = "all")]
    selections: Vec<Selection>,
    /// Export all tags of all repositories
    #[arg(long, conflicts_with = "selections")]
    all: bool,
    /// A directory, which is created if missing; an archive if it ends in .tar, .tar.gz, .tgz or .tar.zst; - is an
    /// uncompressed archive on standard output
    #[arg(short, long, value_name = "PATH", value_parser = OsStringValueParser::new().try_map(parse_output))]
    output: (PathBuf, Option<Compression>),
    /// The format to write
    #[arg(long, value_enum, default_value = "oci")]
    format: Format,
    /// Leave out signatures and other referrers
    #[arg(long)]
    no_referrers: bool,
    /// Also export the untagged manifests of repositories
    #[arg(long)]
    untagged: bool,
    /// Hash what the layout already has, instead of comparing sizes, and write it again if it is wrong
    #[arg(long)]
    verify_existing: bool,
    /// Leave out damaged images, and export the others
    #[arg(long)]
    skip_damaged: bool,
    /// Remove from the layout what this export does not have: images that regtree wrote, and content that nothing names
    ///
    /// Removes nothing where anything is left out or can't be read (exit code 3).
    #[arg(long, requires = "all", conflicts_with = "selections")]
    prune: bool,
    /// With --prune: refuse to remove more than PERCENT% of the layout's bytes, or more than BYTES; if omitted, refuse to
    /// remove more than half of its images or bytes
    #[arg(long, value_name = "LIMIT", requires = "prune", value_parser = parse_limit)]
    max_delete: Option<Limit>,
    /// Export only what is for OS/ARCH, or OS/ARCH/VARIANT; may be given several times
    ///
    /// With one platform, the name is that of the manifest for it. With several, regtree makes a new index of their
    /// manifests and attestations, and shows its digest. An image without an index must be for one of the platforms. A
    /// manifest that is for no platform, such as a signature, is exported whole.
    #[arg(long = "platform", value_name = "PLATFORM", conflicts_with = "untagged")]
    platforms: Vec<Wanted>,
    /// With --platform: keep an index unchanged, even if only a part of what it names is exported; some tools reject
    /// such an index
    #[arg(long, requires = "platforms")]
    sparse_index: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// An OCI image layout.
    Oci,
    /// A tar archive of uncompressed layers, that docker load, podman load and skopeo read. It has no manifests, so no
    /// digests of them and no signatures, and one platform of an image.
    DockerArchive,
}

/// The endings of archives.
const ARCHIVES: [(&str, Compression); 4] = [
    (".tar", Compression::None),
    (".tar.gz", Compression::Gzip),
    (".tgz", Compression::Gzip),
    (".tar.zst", Compression::Zstd),
];

/// A path, and how the archive is compressed if its name is that of one.
fn parse_output(path: OsString) -> Result<(PathBuf, Option<Compression>), &'static str> {
    let name = path.to_string_lossy();
    let ending = ARCHIVES.into_iter().find(|(ending, _)| name.ends_with(ending));
    if ending.is_none() && (name.contains(".tar.") || name.ends_with(".txz") || name.ends_with(".tbz2")) {
        return Err("expected an archive that ends in .tar, .tar.gz, .tgz or .tar.zst, or the name of a directory");
    }
    Ok((path.into(), ending.map(|(_, compression)| compression)))
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
        let is_directory = self.output.1.is_none() && matches!(self.format, Format::Oci);
        if self.prune && (!is_directory || sink::is_stdout(&self.output.0)) {
            let reason = "--prune removes from a layout in a directory, and an archive is written whole".to_owned();
            return Err(Error::Refused { reason }.into());
        }
        let (destination, interrupt) = destination(self.output, self.format, context)?;
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt };
        let how = image::Export {
            referrers: !self.no_referrers,
            untagged: self.untagged,
            verify_existing: self.verify_existing,
            skip_damaged: self.skip_damaged,
            platforms: self.platforms,
            sparse_index: self.sparse_index,
            prune: self.prune,
            max_delete: self.max_delete,
            format: match self.format {
                Format::Oci => image::Format::Oci,
                Format::DockerArchive => image::Format::DockerArchive,
            },
        };
        let selections = if self.all { vec![Selection::All] } else { self.selections };
        let exported = image::export(&registry, &selections, destination, how, &watch)?;
        drop(progress);
        for (repository, tag, digest) in &exported.images {
            let name =
                tag.as_ref().map_or_else(|| format!("{repository}@{digest}"), |tag| format!("{repository}:{tag}"));
            let fields = || json!({ "repository": repository, "tag": tag, "digest": digest });
            context.output.answer(name, "image", || crate::json::applying(fields()))?;
        }
        for (name, digest) in &exported.made {
            context.output.note(format_args!("{name} is a new index of these platforms, {digest}"));
        }
        let mut exit = context.output.all_damage(&exported.damage)?;
        for (name, error) in &exported.skipped {
            context.output.warn(format_args!("{name} is left out"));
            context.output.damage(error)?;
            exit = Exit::Damage;
        }
        match &exported.pruned {
            Some(Ok(pruned)) => print_pruned(pruned, context)?,
            // This ends the command.
            Some(Err(Error::SafetyLimit { .. })) | None => {}
            Some(Err(error)) => {
                context.output.damage(error)?;
                exit = Exit::Damage;
            }
        }
        end(&exported, context)?;
        if let Some(Err(error @ Error::SafetyLimit { .. })) = exported.pruned {
            context.refusal = Some(error);
        }
        Ok(exit)
    }
}

/// Where the images go, and what stops that.
fn destination(
    (path, compression): (PathBuf, Option<Compression>),
    format: Format,
    context: &mut Context,
) -> anyhow::Result<(Destination, Interrupt)> {
    if sink::is_stdout(&path) {
        if io::stdout().is_terminal() {
            let reason = "will not write an archive to a terminal; use -o FILE.tar".to_owned();
            return Err(Error::Refused { reason }.into());
        }
        context.output.make_way();
        // There is nothing to clean up, so a signal may end the process, also while it waits for the reader of a pipe.
        return Ok((Destination::Stream(sink::stdout()?, STDOUT.into()), Interrupt::default()));
    }
    let destination = match (compression, format) {
        (Some(compression), _) => Destination::File(path, compression),
        (None, Format::DockerArchive) => Destination::File(path, Compression::None),
        (None, Format::Oci) => Destination::Directory(path),
    };
    Ok((destination, interrupt::catch()?))
}

fn print_pruned(pruned: &Pruned, context: &mut Context) -> anyhow::Result<()> {
    for (name, digest) in &pruned.images {
        context.output.note(format_args!("removed {name} from the layout"));
        context.output.json_only("pruned", || json!({ "name": name, "digest": digest }))?;
    }
    let (blobs, size) = pruned.blobs;
    if blobs > 0 {
        let blobs = plural(blobs, "blob");
        context.output.note(format_args!("removed {blobs} that nothing needs, {}", bytes(size)));
    }
    Ok(())
}

fn end(exported: &Exported, context: &mut Context) -> anyhow::Result<()> {
    let [(written, written_bytes), (present, present_bytes)] = [exported.written, exported.present];
    let (images, skipped) = (exported.images.len(), exported.skipped.len());
    let pruned = exported.pruned.as_ref().and_then(|pruned| pruned.as_ref().ok());
    let pruned = pruned.map(|pruned| {
        let (blobs, bytes) = pruned.blobs;
        json!({ "images": pruned.images.len(), "blobs": blobs, "bytes": bytes })
    });
    context.output.json_only("summary", || {
        crate::json::applying(json!({
            "images": images, "skipped": skipped,
            "written": { "blobs": written, "bytes": written_bytes },
            "present": { "blobs": present, "bytes": present_bytes },
            "pruned": pruned,
        }))
    })?;
    context.output.note(format_args!(
        "exported {}: wrote {}, {}{}",
        plural(images, "image"),
        plural(written, "blob"),
        bytes(written_bytes),
        already_there(present),
    ));
    Ok(())
}
