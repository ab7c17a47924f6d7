//! `regtree import`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::count::{already_there, bytes, human_bytes, plural, width};
use super::escape::escaped;
use super::{Context, Exit, interrupt, progress};
use crate::blob::Outcome;
use crate::image::{self, Compression, Imported, Names, ReadSource, Rename, Source, SourceFormat, TakenTag};
use crate::manifest::platform::Wanted;
use crate::name::{RepositoryName, Tag};
use crate::pattern::Pattern;
use crate::stream::Watch;

/// Put images into the tree: from an OCI image layout, a docker archive, or another tree
///
/// regtree detects the format of a source from its content. A layout is a directory or a tar archive, as buildx,
/// skopeo, podman and regtree export write it. A docker archive is what docker save and podman save write. A directory
/// in the dir: format of skopeo has one image without a name. An archive may be compressed with gzip, zstd or xz. It is
/// read once, so it can come from a pipe.
///
/// Digests do not change. A docker archive has no image manifests, so regtree makes them and compresses the layers. The
/// same archive always gives the same digests.
///
/// An image gets the repository and tag that the source names, without the registry's host. Names from a layout of
/// regtree export or from another tree are kept as they are. A tag is set last, when its whole image is in the tree and
/// has been checked as manifest put checks it. To finish an interrupted import, run it again: content that is already
/// in the tree is not written again.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    imported
  1    I/O or permission error, no space
  2    malformed name; nothing names the repository of an image, or two images have one name
  4    an image has nothing for a platform
  5    a source is malformed, lacks something or has wrong content, or a registry would refuse an image
  10   no tree
  11   locked
  12   --keep-existing-tags, and a tag points to another image
  130, 143 interrupted; run it again to finish

Examples:
  regtree import /backup/images
  regtree import images.tar.zst --list
  docker save team/app:v1 | regtree import -
  skopeo copy docker://alpine:3.20 oci:alpine:3.20
  regtree import alpine --repository library/alpine
  regtree import images --only 'team/**' --prefix mirror --dry-run")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Import {
    /// OCI image layouts, docker archives, directories of skopeo (dir:), or roots of other trees; - is standard input
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<PathBuf>,
    /// Show what is in the sources, and import nothing
    #[arg(long, conflicts_with = "dry_run")]
    list: bool,
    /// The repository of all images, whatever the sources call them
    #[arg(long, value_name = "NAME", value_parser = super::parse_repository)]
    repository: Option<RepositoryName>,
    /// The tag of the image, whatever the source calls it
    #[arg(long, value_name = "TAG")]
    tag: Option<Tag>,
    /// Put PREFIX/ in front of every repository
    #[arg(long, value_name = "PREFIX", value_parser = super::parse_repository)]
    prefix: Option<RepositoryName>,
    /// Give the repository FROM, and those below it, the name TO; may be given several times
    #[arg(long = "map", value_name = "FROM=TO")]
    renames: Vec<Rename>,
    /// Import only repositories whose names in the source match; may be given several times
    #[arg(long, value_name = "GLOB")]
    only: Vec<Pattern>,
    /// Import only what is for OS/ARCH, or OS/ARCH/VARIANT; may be given several times
    ///
    /// With one platform, the tag points to the manifest for it. With several, regtree makes a new index of their
    /// manifests and attestations. An image without an index must be for one of the platforms. A manifest that is for
    /// no platform, such as a signature, is imported whole.
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<Wanted>,
    /// The format of the sources; detected if omitted
    #[arg(long, value_name = "FORMAT", value_parser = super::one_of(SourceFormat::ALL, SourceFormat::name))]
    format: Option<SourceFormat>,
    /// How to compress the layers of a docker archive
    #[arg(long, value_name = "METHOD", default_value = "gzip", value_parser = super::one_of(Compression::WRITTEN, Compression::name))]
    compression: Compression,
    /// Refuse an archive with a layer that is larger than SIZE when uncompressed (such as 10GiB)
    #[arg(long, value_name = "SIZE", default_value = "100GiB", value_parser = super::parse_bytes)]
    max_layer_size: u64,
    /// Keep the host of a reference, as the first component of the repository
    #[arg(long)]
    keep_host: bool,
    /// Refuse, and import nothing, if a tag exists and points to another image
    #[arg(long)]
    keep_existing_tags: bool,
    /// Compare only the size of a blob that the tree already has, instead of hashing it
    #[arg(long)]
    no_verify_existing: bool,
    /// Show what would be added, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// What was done so far.
#[derive(Default)]
pub(super) struct Sum {
    tags: u64,
    manifests: u64,
    added: (u64, u64),
    present: (u64, u64),
}

impl Sum {
    pub(super) fn add(&mut self, imported: &Imported) {
        match imported {
            Imported::Blob { size, outcome, .. } | Imported::Manifest { size, outcome, .. } => {
                self.manifests += u64::from(matches!(imported, Imported::Manifest { .. }));
                let sum = if *outcome == Outcome::Existed { &mut self.present } else { &mut self.added };
                sum.0 += 1;
                sum.1 += size;
            }
            Imported::Tag { .. } => self.tags += 1,
        }
    }
}

impl Import {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let mut read = ReadSource::new(&watch);
        read.format = self.format;
        (read.compression, read.layer_max) = (self.compression, self.max_layer_size);
        if self.list {
            read.only_names = true;
            let sources = open(&self.sources, &read, context)?;
            drop(progress);
            return list(&sources, context);
        }
        let registry = context.registry()?;
        let writer = context.writer_unless_dry(&registry, "import", self.dry_run)?;
        (read.writer, read.trust_existing) = (writer.as_ref(), self.no_verify_existing);
        let sources = open(&self.sources, &read, context)?;
        let names = Names {
            repository: self.repository,
            tag: self.tag,
            keep_host: self.keep_host,
            renames: self.renames,
            prefix: self.prefix,
            only: self.only.into(),
        };
        let how = image::Import {
            names,
            platforms: self.platforms,
            taken: if self.keep_existing_tags { TakenTag::Keep } else { TakenTag::Move },
            trust_existing: self.no_verify_existing,
        };
        let (mut sum, mut printed) = (Sum::default(), Ok(()));
        let now = context.now;
        let imported = image::import(registry.tree(), writer.as_ref(), &sources, &how, now, &watch, |imported| {
            sum.add(&imported);
            if printed.is_ok() {
                printed = print(&imported, self.dry_run, context);
            }
        });
        drop(progress);
        printed?;
        imported?;
        end(&sum, ["import", "imported"], self.dry_run, context)?;
        Ok(Exit::Done)
    }
}

/// Opens the sources, of which `-` is standard input.
fn open(sources: &[PathBuf], read: &ReadSource<'_>, context: &Context) -> anyhow::Result<Vec<Source>> {
    let mut opened = Vec::with_capacity(sources.len());
    for path in sources {
        opened.push(if path.as_os_str() == "-" {
            let source = super::source::Source::open(None, context)?;
            Source::read(source.content, Path::new(&source.name), read)?
        } else {
            Source::open(path, read)?
        });
    }
    Ok(opened)
}

fn outcome(outcome: Outcome) -> Value {
    serde_json::to_value(outcome).unwrap_or_default()
}

pub(super) fn print(imported: &Imported, dry_run: bool, context: &mut Context) -> anyhow::Result<()> {
    let fields = |fields: Value| {
        let mut fields = crate::json::applying(fields);
        fields["dry_run"] = dry_run.into();
        fields
    };
    match imported {
        Imported::Blob { repository, digest, size, outcome: added } => {
            let mut document = outcome(*added);
            (document["repository"], document["digest"], document["size"]) =
                (json!(repository), json!(digest), json!(size));
            context.output.json_only("blob", || fields(document))
        }
        Imported::Manifest { repository, digest, size, outcome: added } => {
            let mut document = outcome(*added);
            (document["repository"], document["digest"], document["size"]) =
                (json!(repository), json!(digest), json!(size));
            context.output.json_only("manifest", || fields(document))
        }
        Imported::Tag { repository, tag, digest, before } => {
            if let Some(before) = before {
                let verb = if dry_run { "would move" } else { "moved" };
                context.output.note(format_args!("{verb} {repository}:{tag}, which pointed to {before}"));
            }
            let document = json!({ "repository": repository, "tag": tag, "digest": digest, "before": before });
            context.output.answer(format_args!("{repository}:{tag}"), "tag", || fields(document))
        }
    }
}

/// Prints the sum. `verb` says what is done, as `import` and `imported`.
pub(super) fn end(sum: &Sum, [verb, done]: [&str; 2], dry_run: bool, context: &mut Context) -> anyhow::Result<()> {
    let [(added, added_bytes), (present, present_bytes)] = [sum.added, sum.present];
    let tags = sum.tags;
    context.output.json_only("summary", || {
        json!({
            "dry_run": dry_run, "tags": tags, "manifests": sum.manifests,
            "added": { "blobs": added, "bytes": added_bytes },
            "present": { "blobs": present, "bytes": present_bytes },
        })
    })?;
    let (did, adds) = if dry_run { (format!("would {verb}"), "would add") } else { (done.to_owned(), "added") };
    context.output.note(format_args!(
        "{did} {} and {}: {adds} {}, {}{}",
        plural(tags, "tag"),
        plural(sum.manifests, "manifest"),
        plural(added, "blob"),
        bytes(added_bytes),
        already_there(present),
    ));
    Ok(())
}

/// Shows what the sources have, by the names that they give.
fn list(sources: &[Source], context: &mut Context) -> anyhow::Result<Exit> {
    let names = sources.iter().flat_map(Source::images).map(|listed| escaped(listed.name.unwrap_or("-")));
    let names: Vec<String> = names.collect();
    let width = width("NAME", names.iter().map(String::as_str));
    let images = sources.iter().flat_map(Source::images).zip(&names);
    for (listed, name) in images {
        let fields = || crate::json::applying(serde_json::to_value(listed).unwrap_or_default());
        // An image of a docker archive has no manifest before it is imported.
        let digest = listed.digest.map_or_else(|| "-".to_owned(), |digest| context.output.digest(&digest));
        let size = listed.size.map_or_else(|| "-".to_owned(), human_bytes);
        let header = format!("{:width$}  {:19}  {:>12}", "NAME", "DIGEST", "SIZE");
        context.output.row(&header, format_args!("{name:width$}  {digest:19}  {size:>12}"), "image", fields)?;
    }
    Ok(Exit::Done)
}
