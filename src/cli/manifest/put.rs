//! `regtree manifest put`.

use std::io::Read;
use std::path::PathBuf;

use serde_json::json;

use crate::blob::Outcome;
use crate::cli::count::plural;
use crate::cli::reference::Destination;
use crate::cli::source::Source;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::error::Error;
use crate::manifest;
use crate::manifest::schema1::Fault;
use crate::name::Tag;

/// Store a manifest, tag it, and print its digest
///
/// The manifest is checked as registry 3.x checks a push (schema1 as 2.8): its type, its content, and that everything
/// it references is in the repository. Every reason to refuse it is reported. For a signed schema1 manifest, the
/// payload is stored. Unlike a registry with its default configuration, this accepts any http or https URL in a foreign
/// layer. The tree does not keep the media type, so unlike a registry, this refuses an index that has neither a
/// mediaType nor manifests in it: it would be read as an image from then on.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    stored
  1    I/O or permission error, no space
  2    malformed name, tag or digest
  3    stored, but this build of regtree can't verify its schema1 signatures
  5    a registry would refuse it, or it has another digest
  10   no tree
  11   locked

Examples:
  regtree manifest put library/app manifest.json --tag v1 --tag latest
  skopeo inspect --raw docker://… | regtree manifest put library/app --tag v1")]
pub(in crate::cli) struct Put {
    /// The repository, or REPO:TAG to tag it TAG
    #[arg(value_name = "REPO[:TAG]")]
    destination: Destination,
    /// The manifest; standard input if omitted or -
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Tag it TAG; may be given several times
    #[arg(short, long = "tag", value_name = "TAG")]
    tags: Vec<Tag>,
    /// The digest that it must have
    #[arg(long, value_name = "DIGEST", value_parser = crate::cli::parse_digest)]
    digest: Option<Digest>,
    /// Its media type, as in a Content-Type header; detected from the content if omitted
    #[arg(long, value_name = "TYPE")]
    media_type: Option<String>,
    /// Store it even if what it references is missing
    #[arg(long)]
    skip_references: bool,
    /// Store an index even if children of it are missing (partial mirrors)
    #[arg(long)]
    allow_sparse_indexes: bool,
    /// Keep the signatures of schema1 as registries up to 2.4 do; always on in a tree that has some
    #[arg(long)]
    keep_signatures: bool,
}

impl Put {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let Destination { repository: name, tag } = self.destination;
        let tags: Vec<Tag> = tag.into_iter().chain(self.tags).collect();
        let source = Source::open(self.file, context)?;
        let source_name = source.name;
        // One byte more than allowed is read, to see whether the manifest is too long.
        let mut bytes = Vec::new();
        let limit = manifest::MAX_PUT as u64 + 1;
        source.content.take(limit).read_to_end(&mut bytes).map_err(|error| Error::io("read", &source_name, error))?;
        let registry = context.registry()?;
        if self.allow_sparse_indexes {
            registry.tree().allow_sparse_indexes();
        }
        let writer = context.writer(&registry, "manifest put")?;
        let put = manifest::Put {
            tags: &tags,
            digest: self.digest,
            media_type: self.media_type.as_deref(),
            skip_references: self.skip_references,
            keep_signatures: self.keep_signatures,
            ..manifest::Put::new(&source_name)
        };
        let stored = put.store(&writer, &name, bytes).about_manifest(&name, self.digest)?;
        match stored.outcome {
            Outcome::Stored => {}
            Outcome::Existed => context.output.detail("the tree already had this content"),
            Outcome::Replaced { damaged_size } => {
                context.output.note(format_args!(
                    "replaced a damaged manifest of {} with the right one",
                    plural(damaged_size, "byte")
                ));
            }
        }
        if stored.not_verified > 0 {
            let signatures = plural(stored.not_verified, "signature");
            context.output.warn(format_args!("{signatures} {}", Fault::NotVerified));
        }
        let mut document = serde_json::to_value(&stored)?;
        document["repository"] = json!(name);
        document["tags"] = json!(tags);
        context.output.answer(stored.descriptor.digest, "manifest", || document)?;
        Ok(Exit::damage_if(stored.not_verified > 0))
    }
}
