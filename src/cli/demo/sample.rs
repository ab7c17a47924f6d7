//! The demo's tree. Its content is fixed, so its digests are the same everywhere.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::blob;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::durable::{Sync, Writer};
use crate::error::{Error, Result};
use crate::layout::{Entry, Item};
use crate::name::{RepositoryName, Tag};
use crate::registry::Registry;
use crate::repository::Repository;
use crate::stream::Watch;
use crate::upload::{Append, Put, Session};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The time of every file in a layer, in seconds: 2024-01-01.
const MTIME: u64 = 1_704_067_200;

/// The parts of the tree that the demo speaks of.
pub(super) struct Sample {
    /// A layer that both repositories need.
    pub(super) shared: Digest,
    /// A layer that is truncated on disk.
    pub(super) damaged: Digest,
    /// The file with the right content of the damaged layer.
    pub(super) original: PathBuf,
    /// Content without a link.
    pub(super) garbage: Digest,
}

/// Writes into a tree, one repository at a time.
struct Filler<'a> {
    writer: &'a Writer<'a>,
    repository: RepositoryName,
    now: jiff::Timestamp,
}

pub(super) fn write(root: &Path, now: jiff::Timestamp) -> Result<Sample> {
    let (registry, _) = Registry::create(root)?;
    let writer = registry.exclusive_writer("demo", now, Duration::ZERO)?;
    let filler =
        |name: &str| Filler { writer: &writer, repository: name.parse().expect("the name is a constant"), now };
    let (app, web) = (filler("demo/app"), filler("demo/web"));

    let base = layer("etc/os-release", b"NAME=demo\n");
    let shared = app.put(&base)?;
    blob::mount(&writer, shared, &Repository::new(registry.tree(), app.repository.clone()), &web.repository)?;

    // A tag that was moved leaves its old revision behind, untagged.
    for text in ["first version\n", "second version\n"] {
        let image = app.image("amd64", &[&base, &layer("app", text.as_bytes())])?;
        app.tag("v1", image.digest)?;
    }
    let children = ["amd64", "arm64"].map(|architecture| {
        let image = app.image(architecture, &[&base, &layer("bin/app", architecture.as_bytes())])?;
        let platform = json!({ "architecture": architecture, "os": "linux" });
        Ok::<_, Error>(
            json!({ "mediaType": MANIFEST, "size": image.size, "digest": image.digest, "platform": platform }),
        )
    });
    let manifests: Vec<Value> = children.into_iter().collect::<Result<_>>()?;
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    app.tag("multi", app.manifest(INDEX, &index)?.digest)?;

    let page = layer("srv/index.html", &b"<p>Hello from a registry's tree.</p>\n".repeat(256));
    let image = web.image("amd64", &[&base, &page])?;
    web.tag("latest", image.digest)?;

    let garbage = app.put(b"a layer that lost its last link\n")?;
    let repository = registry.repository(&app.repository)?;
    for removal in blob::plan_delete(&repository, &[garbage], true)? {
        removal.execute(&writer)?;
    }

    // A client that disconnects leaves an upload like this.
    let mut upload = Session::start(&writer, &web.repository, now)?;
    upload.append(Cursor::new(b"the first half of a layer".to_vec()), "the demo", Append::default(), &Watch::none())?;
    drop(upload);

    let damaged = Digest::of(&page);
    writer.write_small(&Entry::Blob(damaged).path(), &page[..page.len() / 2], Sync::Later)?;
    let original = root.join("original-layer.tar");
    crate::durable::write_beside_tree(&original, &page)?;
    Ok(Sample { shared, damaged, original, garbage })
}

impl Filler<'_> {
    fn put(&self, content: &[u8]) -> Result<Digest> {
        let source = Cursor::new(content.to_vec());
        let stored = Put::new("the demo").store(self.writer, &self.repository, source, self.now, &Watch::none())?;
        Ok(stored.descriptor.digest)
    }

    /// Stores an image of these layers, and links it as a revision.
    fn image(&self, architecture: &str, layers: &[&[u8]]) -> Result<Descriptor> {
        let digests: Vec<Digest> = layers.iter().map(|layer| self.put(layer)).collect::<Result<_>>()?;
        let config = json!({
            "architecture": architecture, "os": "linux", "config": { "Cmd": ["/app"] },
            "rootfs": { "type": "layers", "diff_ids": digests },
        });
        let config = config.to_string();
        let descriptors: Vec<Value> = layers
            .iter()
            .zip(&digests)
            .map(|(layer, digest)| json!({ "mediaType": LAYER, "size": layer.len(), "digest": digest }))
            .collect();
        let config_digest = self.put(config.as_bytes())?;
        self.manifest(
            MANIFEST,
            &json!({
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": { "mediaType": CONFIG, "size": config.len(), "digest": config_digest },
                "layers": descriptors,
            }),
        )
    }

    /// Stores the content first, then the link that makes it a revision.
    fn manifest(&self, media_type: &'static str, manifest: &Value) -> Result<Descriptor> {
        let content = manifest.to_string();
        let digest = Digest::of(content.as_bytes());
        self.writer.write_small(&Entry::Blob(digest).path(), content.as_bytes(), Sync::Now)?;
        self.link(Item::RevisionLink(digest), digest)?;
        Ok(Descriptor { media_type, size: content.len() as u64, digest })
    }

    /// Writes the history first, then what the tag points to now, as a registry does.
    fn tag(&self, tag: &str, digest: Digest) -> Result<()> {
        let tag: Tag = tag.parse().expect("the tag is a constant");
        self.link(Item::TagIndex(tag.clone(), digest), digest)?;
        self.link(Item::TagCurrent(tag), digest)
    }

    fn link(&self, item: Item, digest: Digest) -> Result<()> {
        let path = Entry::in_repository(&self.repository, item).path();
        self.writer.write_small(&path, digest.to_string().as_bytes(), Sync::Now)
    }
}

fn layer(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(MTIME);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, name, content).expect("memory takes any archive");
    archive.into_inner().expect("memory takes any archive")
}
