//! Trees planted file by file, as registries lay them out.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use regtree::Digest;
use serde_json::{Value, json};
use sha2::Digest as _;

use super::Scratch;
use super::image::{CONFIG, INDEX, MANIFEST};

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A tree of one's own. Digests are texts here.
pub(crate) struct Planted {
    pub(crate) scratch: Scratch,
    /// Of every blob that was planted, by any digest.
    sizes: RefCell<HashMap<String, usize>>,
}

impl Deref for Planted {
    type Target = Scratch;

    fn deref(&self) -> &Scratch {
        &self.scratch
    }
}

impl Planted {
    pub(crate) fn new() -> Self {
        Self { scratch: Scratch::new(), sizes: RefCell::default() }
    }

    /// A tree that stands already.
    pub(crate) fn within(scratch: Scratch) -> Self {
        Self { scratch, sizes: RefCell::default() }
    }

    /// A path below `docker/registry/v2`.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.v2().join(path)
    }

    /// Plants a file below `docker/registry/v2`.
    pub(crate) fn plant(&self, path: &str, content: impl AsRef<[u8]>) {
        Scratch::plant(&self.at(path), content);
    }

    pub(crate) fn remove(&self, path: &str) {
        let path = self.at(path);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }

    /// A blob that nobody links.
    pub(crate) fn blob(&self, content: impl AsRef<[u8]>) -> String {
        let digest = sha256(content.as_ref());
        self.sizes.borrow_mut().insert(digest.clone(), content.as_ref().len());
        self.plant(&blob_path(&digest), content);
        digest
    }

    pub(crate) fn has(&self, digest: &str) -> bool {
        self.at(&blob_path(digest)).exists()
    }

    /// A link to a blob, which need not be there.
    pub(crate) fn link(&self, repository: &str, digest: &str) {
        self.plant(&layer_path(repository, digest), digest);
    }

    pub(crate) fn links(&self, repository: &str, digest: &str) -> bool {
        self.at(&layer_path(repository, digest)).exists()
    }

    /// A blob with its link.
    pub(crate) fn layer(&self, repository: &str, content: impl AsRef<[u8]>) -> String {
        let digest = self.blob(content);
        self.link(repository, &digest);
        digest
    }

    /// A blob pushed by its sha512 digest, which is returned.
    pub(crate) fn alias(&self, repository: &str, content: impl AsRef<[u8]>) -> String {
        let alias = sha512(content.as_ref());
        self.sizes.borrow_mut().insert(alias.clone(), content.as_ref().len());
        let digest = self.layer(repository, content);
        self.plant(&layer_path(repository, &alias), digest);
        alias
    }

    /// A manifest with its revision.
    pub(crate) fn manifest(&self, repository: &str, manifest: &Value) -> String {
        let digest = self.blob(manifest.to_string());
        self.revision(repository, &digest);
        digest
    }

    pub(crate) fn revision(&self, repository: &str, digest: &str) {
        self.plant(&(revision_path(repository, digest) + "/link"), digest);
    }

    pub(crate) fn has_revision(&self, repository: &str, digest: &str) -> bool {
        self.at(&(revision_path(repository, digest) + "/link")).exists()
    }

    /// Lets a tag point to a manifest, as the last of its history.
    pub(crate) fn tag(&self, repository: &str, tag: &str, digest: &str) {
        self.plant(&format!("{}/index/{}/link", tag_path(repository, tag), parts(digest)), digest);
        self.plant(&format!("{}/current/link", tag_path(repository, tag)), digest);
    }

    /// An image of a config and a layer with these words in them, pushed.
    pub(crate) fn image(&self, repository: &str, words: &str) -> String {
        let config = self.layer(repository, format!("config of {words}"));
        let layer = self.layer(repository, format!("layer of {words}"));
        self.manifest(repository, &self.image_of(&config, &[&layer]))
    }

    pub(crate) fn tagged_image(&self, repository: &str, tag: &str, words: &str) -> String {
        let digest = self.image(repository, words);
        self.tag(repository, tag, &digest);
        digest
    }

    pub(crate) fn index(&self, repository: &str, children: &[&str]) -> String {
        self.manifest(repository, &self.index_of(children))
    }

    /// A manifest about another, with a layer of its own.
    pub(crate) fn referrer(&self, repository: &str, subject: &str, words: &str) -> String {
        let config = self.layer(repository, "{}");
        let layer = self.layer(repository, format!("layer of {words}"));
        self.manifest(repository, &self.about(subject, &config, &[&layer]))
    }

    /// What describes content, whose size is known if it was planted.
    fn descriptor(&self, media_type: &str, digest: &str) -> Value {
        let size = self.sizes.borrow().get(digest).copied().unwrap_or(8);
        json!({ "mediaType": media_type, "digest": digest, "size": size })
    }

    pub(crate) fn image_of(&self, config: &str, layers: &[&str]) -> Value {
        let layers: Vec<Value> = layers.iter().map(|layer| self.descriptor(LAYER, layer)).collect();
        let config = self.descriptor(CONFIG, config);
        json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers })
    }

    pub(crate) fn about(&self, subject: &str, config: &str, layers: &[&str]) -> Value {
        let mut manifest = self.image_of(config, layers);
        manifest["subject"] = self.descriptor(MANIFEST, subject);
        manifest
    }

    pub(crate) fn index_of(&self, children: &[&str]) -> Value {
        let children: Vec<Value> = children.iter().map(|child| self.descriptor(MANIFEST, child)).collect();
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": children })
    }

    /// An upload, with a time at which it was started.
    pub(crate) fn upload(&self, repository: &str, id: &str, started: &str) {
        let directory = format!("repositories/{repository}/_uploads/{id}");
        self.plant(&format!("{directory}/startedat"), started);
        self.plant(&format!("{directory}/data"), "received");
    }

    /// Makes everything so old.
    pub(crate) fn age(&self, hours: u64) {
        Scratch::age_all(&self.v2(), Duration::from_hours(hours));
    }

    /// Makes one file or directory so old.
    pub(crate) fn age_of(&self, path: &str, hours: u64) {
        Scratch::set_time(&self.at(path), SystemTime::now() - Duration::from_hours(hours));
    }
}

pub(crate) fn sha256(content: &[u8]) -> String {
    Digest::of(content).to_string()
}

pub(crate) fn sha512(content: &[u8]) -> String {
    format!("sha512:{}", hex::encode(sha2::Sha512::digest(content)))
}

fn parts(digest: &str) -> String {
    digest.replace(':', "/")
}

pub(crate) fn hex_of(digest: &str) -> &str {
    digest.split_once(':').unwrap().1
}

pub(crate) fn blob_path(digest: &str) -> String {
    let (algorithm, hex) = digest.split_once(':').unwrap();
    format!("blobs/{algorithm}/{}/{hex}/data", &hex[..2])
}

pub(crate) fn layer_path(repository: &str, digest: &str) -> String {
    format!("repositories/{repository}/_layers/{}/link", parts(digest))
}

pub(crate) fn revision_path(repository: &str, digest: &str) -> String {
    format!("repositories/{repository}/_manifests/revisions/{}", parts(digest))
}

pub(crate) fn tag_path(repository: &str, tag: &str) -> String {
    format!("repositories/{repository}/_manifests/tags/{tag}")
}

/// What a schema1 manifest of these layers holds, without its signatures.
pub(crate) fn schema1(name: &str, layers: &[&str]) -> Value {
    let layer = |digest: &&str| json!({ "blobSum": digest });
    let history: Vec<Value> = layers.iter().map(|_| json!({ "v1Compatibility": "{\"id\":\"1\"}" })).collect();
    json!({
        "schemaVersion": 1, "name": name, "tag": "v1", "architecture": "amd64",
        "fsLayers": layers.iter().map(layer).collect::<Vec<_>>(), "history": history,
    })
}
