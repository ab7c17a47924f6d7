//! Writes images in the form of `docker save`, which `docker load`, `podman load` and skopeo read.
//!
//! That form has layers uncompressed, each in a file that is named by the hash of its content, its `diff_id`. A tar
//! archive has the size of a file before its content. So each layer is decompressed twice: first to learn its size and to
//! check it, then to write it. That needs no memory and no room for it; a copy of the largest layer, uncompressed, would
//! often need more room than there is.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Exporting;
use super::content::{self, Outgoing};
use super::tarball::Tarball;
use crate::count;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::image::platform::CONFIGS;
use crate::image::whole::{Content, Image};
use crate::image::{DOCKER_MANIFEST, DOCKER_NAMES};
use crate::manifest::{self, Manifest, Reference, Role};
use crate::name::RepositoryName;
use crate::repository::Repository;
use crate::stream::Watch;

/// The media types of layers begin with one of these, and end with one of [`COMPRESSIONS`].
const LAYERS: [&str; 4] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
];
const COMPRESSIONS: [&str; 5] = ["", "+gzip", ".gzip", "+zstd", ".zstd"];

/// The images of an archive, by the config that makes them one.
#[derive(Default)]
struct Holdings {
    images: Vec<Held>,
    by_config: HashMap<Digest, usize>,
    /// By the hash of their uncompressed content.
    layers: BTreeMap<Digest, Layer>,
}

/// An image with all of its names.
struct Held {
    names: Vec<(RepositoryName, String)>,
    config: (Digest, Vec<u8>),
    layers: Vec<Digest>,
}

/// Where the content of a layer is.
struct Layer {
    /// An image that has it.
    image: String,
    repository: RepositoryName,
    content: Content,
    /// The bytes of its uncompressed content.
    size: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IndexEntry {
    config: PathBuf,
    repo_tags: Vec<String>,
    layers: Vec<PathBuf>,
}

/// The part of an image's config that says what its layers are.
#[derive(Deserialize)]
struct Config {
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

impl Exporting<'_> {
    /// Writes the images to a docker archive. Returns those that are in it.
    pub(super) fn write_docker(&mut self, sink: &mut dyn Write, name: &Path, images: Vec<Image>) -> Result<Vec<Image>> {
        let mut held = Holdings::default();
        let images = self.in_progress("verifying", content::total(&images), |exporting| {
            exporting.only_whole(images, |exporting, image| exporting.hold(image, &mut held))
        })?;
        let mut archive = Tarball::new(sink, name);
        archive.add(Path::new(DOCKER_MANIFEST), &json(&held.index())?)?;
        archive.add(Path::new(DOCKER_NAMES), &json(&held.repositories())?)?;
        let configs: BTreeMap<_, _> = held.images.iter().map(|image| (image.config.0, &image.config.1)).collect();
        for (digest, config) in configs {
            self.count(config.len() as u64);
            archive.add(&config_path(&digest), config)?;
        }
        let layers = held.needed_layers();
        self.in_progress("exporting", layers.values().map(|layer| layer.size).sum(), |exporting| {
            layers.iter().try_for_each(|(diff_id, layer)| {
                let added = exporting.add_layer(&mut archive, diff_id, layer);
                added.map_err(|error| content::blame(error, || layer.image.clone()))
            })
        })?;
        archive.finish()?;
        Ok(images)
    }

    /// Adds an image, if an archive can hold it, and all of it is right.
    fn hold(&self, image: &Image, held: &mut Holdings) -> Result<()> {
        let repository = self.registry.repository(&image.repository)?;
        let (_, manifest) = manifest::read(&repository, image.whole.digest)?;
        let name = image.tag.as_ref().map(|tag| (image.repository.clone(), tag.to_string()));
        let Some(config) = config_of(&manifest) else {
            return Err(not_held(
                &repository,
                image.whole.digest,
                format!("it is not an image, but {}", kind(&manifest)),
            ));
        };
        if let Some(known) = held.by_config.get(&config) {
            held.images[*known].names.extend(name);
            return Ok(());
        }
        let bytes = manifest::content(&repository, stored(&repository, image, config)?.target)?;
        let layers: Vec<&Reference> =
            manifest.references.iter().filter(|reference| reference.role == Role::Layer).collect();
        let diff_ids = diff_ids(&repository, config, &bytes, layers.len())?;
        // The progress is that of reading.
        let silent = Watch { interrupt: self.watch.interrupt.clone(), ..Watch::none() };
        for (layer, diff_id) in layers.into_iter().zip(&diff_ids) {
            if held.layers.contains_key(diff_id) {
                continue;
            }
            let content = *stored(&repository, image, layer_digest(&repository, image, layer)?)?;
            let source = Outgoing::open(&repository, &content)?;
            source.verify(self.watch)?;
            let size = source.decompress(diff_id, &mut io::sink(), Path::new(""), &silent)?;
            let (repository, image) = (image.repository.clone(), image.describe());
            held.layers.insert(*diff_id, Layer { image, repository, content, size });
        }
        held.by_config.insert(config, held.images.len());
        held.images.push(Held { names: name.into_iter().collect(), config: (config, bytes), layers: diff_ids });
        Ok(())
    }

    fn add_layer(&mut self, archive: &mut Tarball<'_, impl Write>, diff_id: &Digest, layer: &Layer) -> Result<()> {
        let repository = self.registry.repository(&layer.repository)?;
        let source = Outgoing::open(&repository, &layer.content)?;
        let (name, watch) = (archive.name(), self.watch);
        archive.add_streamed(&layer_path(diff_id), layer.size, |sink| {
            source.decompress(diff_id, sink, name, watch).map(drop)
        })?;
        self.count(layer.size);
        Ok(())
    }
}

impl Holdings {
    fn index(&self) -> Vec<IndexEntry> {
        let entry = |image: &Held| IndexEntry {
            config: config_path(&image.config.0),
            repo_tags: image.names.iter().map(|(repository, tag)| format!("{repository}:{tag}")).collect(),
            layers: image.layers.iter().map(layer_path).collect(),
        };
        self.images.iter().map(entry).collect()
    }

    fn repositories(&self) -> BTreeMap<&str, BTreeMap<&str, String>> {
        let mut repositories: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
        for image in &self.images {
            let Some(top) = image.layers.last() else { continue };
            for (repository, tag) in &image.names {
                repositories.entry(repository.as_str()).or_default().insert(tag, top.hex().to_string());
            }
        }
        repositories
    }

    /// The layers of the images. One may have been added for an image that turned out to be damaged.
    fn needed_layers(&self) -> BTreeMap<Digest, &Layer> {
        let needed = self.images.iter().flat_map(|image| &image.layers);
        needed.filter_map(|diff_id| Some((*diff_id, self.layers.get(diff_id)?))).collect()
    }
}

fn config_path(config: &Digest) -> PathBuf {
    format!("{}.json", &*config.hex()).into()
}

fn layer_path(diff_id: &Digest) -> PathBuf {
    format!("{}.tar", &*diff_id.hex()).into()
}

fn json(document: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(document).map_err(|error| Error::io("write", DOCKER_MANIFEST, error))
}

fn not_held(repository: &Repository<'_>, digest: Digest, reason: String) -> Error {
    Error::NotHeld { repository: repository.name().clone(), digest, reason }
}

/// What a manifest is that is no image.
fn kind(manifest: &Manifest) -> String {
    match manifest.config_media_type() {
        Some(media_type) => format!("an artifact whose config is {media_type}"),
        None => manifest.kind.name().to_owned(),
    }
}

/// The config of an image; `None` for what is no image.
fn config_of(manifest: &Manifest) -> Option<Digest> {
    let config = manifest.references.iter().find(|reference| reference.role == Role::Config)?;
    let is_image = config.media_type.as_deref().is_some_and(|media_type| CONFIGS.contains(&media_type));
    config.digest.ok().filter(|_| is_image)
}

/// The content of an image that has this digest, as the tree has it.
fn stored<'i>(repository: &Repository<'_>, image: &'i Image, digest: Digest) -> Result<&'i Content> {
    let content = image.whole.contents.iter().find(|content| content.key == digest);
    content.ok_or_else(|| not_held(repository, digest, "its content is kept elsewhere".to_owned()))
}

/// The digest of a layer that is a tar archive.
fn layer_digest(repository: &Repository<'_>, image: &Image, layer: &Reference) -> Result<Digest> {
    let digest = layer.digest.as_ref().copied().unwrap_or(image.whole.digest);
    let media_type = layer.media_type.as_deref().unwrap_or_default();
    let is_layer =
        LAYERS.iter().any(|layer| media_type.strip_prefix(layer).is_some_and(|ending| COMPRESSIONS.contains(&ending)));
    if is_layer {
        return Ok(digest);
    }
    Err(not_held(repository, digest, format!("its media type {media_type:?} is not that of a file system layer")))
}

/// The hashes of the uncompressed layers, which the config has.
fn diff_ids(repository: &Repository<'_>, config: Digest, bytes: &[u8], layers: usize) -> Result<Vec<Digest>> {
    let malformed = |reason: String| not_held(repository, config, reason);
    let document: Config = serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    let texts = document.rootfs.diff_ids;
    if texts.len() != layers {
        let (ids, layers) = (count::plural(texts.len() as u64, "diff_id"), count::plural(layers as u64, "layer"));
        return Err(malformed(format!("the config has {ids}, and the image {layers}")));
    }
    let parse = |text: &String| match text.parse::<Digest>() {
        Ok(digest) if digest.algorithm().is_some() => Ok(digest),
        _ => Err(malformed(format!("the diff_id {text:?} of the config is not a digest"))),
    };
    texts.iter().map(parse).collect()
}
