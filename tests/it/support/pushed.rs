//! Small images, planted as a push leaves them.

use std::fs;
use std::path::PathBuf;

use regtree::Digest;
use serde_json::json;

use super::Scratch;
use super::image::{CONFIG, MANIFEST};
use super::planted::{revision_path, tag_path};

/// An OCI image of a config and a layer, in a repository.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) digest: Digest,
    pub(crate) config: Digest,
    pub(crate) layer: Digest,
    pub(crate) bytes: Vec<u8>,
    repository: String,
    v2: PathBuf,
}

impl Scratch {
    /// An image that differs by its text, pushed to a repository without a tag.
    pub(crate) fn image(&self, repository: &str, text: &str) -> Pushed {
        let content = format!("layer {text}");
        let layer = self.layer(repository, content.as_bytes());
        let config_bytes = json!({ "text": text }).to_string();
        let config = self.layer(repository, config_bytes.as_bytes());
        let layer_type = "application/vnd.oci.image.layer.v1.tar";
        let bytes = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": config.to_string(), "size": config_bytes.len() },
            "layers": [{ "mediaType": layer_type, "digest": layer.to_string(), "size": content.len() }],
        });
        let bytes = bytes.to_string().into_bytes();
        let digest = self.content(&bytes);
        Self::plant(&self.v2().join(revision_path(repository, &digest.to_string())).join("link"), digest.to_string());
        Pushed { digest, config, layer, bytes, repository: repository.to_owned(), v2: self.v2() }
    }

    /// A blob pushed to a repository, without a process that puts it.
    pub(crate) fn layer(&self, repository: &str, content: &[u8]) -> Digest {
        // Whoever writes leaves them: the folder of uploads, and the place for the notes of lock holders.
        for left in [self.repository(repository).join("_uploads"), self.root().join(".regtree/holders")] {
            fs::create_dir_all(left).unwrap();
        }
        let digest = self.content(content);
        Self::plant(&self.link(repository, digest), digest.to_string());
        digest
    }

    /// Content that no repository links.
    fn content(&self, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        Self::plant(&self.blob(digest), content);
        digest
    }
}

impl Pushed {
    /// Lets a tag point to it, as the last of the tag's history.
    pub(crate) fn tag(self, tag: &str) -> Self {
        let (directory, digest) = (self.v2.join(tag_path(&self.repository, tag)), self.digest.to_string());
        Scratch::plant(&directory.join("index").join(digest.replace(':', "/")).join("link"), &digest);
        Scratch::plant(&directory.join("current/link"), &digest);
        self
    }
}
