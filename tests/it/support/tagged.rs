//! Small images, put through the command.

use regtree::Digest;
use serde_json::json;

use super::{Regtree, Scratch};

/// An OCI image that differs by its text.
#[derive(Debug)]
pub(crate) struct Tagged {
    pub(crate) digest: Digest,
    pub(crate) config: Digest,
    pub(crate) layer: Digest,
    pub(crate) bytes: Vec<u8>,
}

impl Tagged {
    /// Puts an image with this text into a repository, under each of these tags.
    pub(crate) fn put(scratch: &Scratch, repository: &str, text: &str, tags: &[&str]) -> Self {
        let image = Self::of(scratch, repository, text);
        let call = image.call(scratch, repository).with(tags.iter().flat_map(|tag| ["--tag", tag]));
        assert_eq!(call.ok().answer(), image.digest.to_string());
        image
    }

    /// The same without the manifest.
    fn of(scratch: &Scratch, repository: &str, text: &str) -> Self {
        let layer = scratch.put(repository, format!("layer {text}").as_bytes());
        let config_bytes = json!({ "text": text }).to_string();
        let config = scratch.put(repository, config_bytes.as_bytes());
        let bytes = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.to_string(),
                "size": config_bytes.len(),
            },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer.to_string(),
                "size": "layer ".len() + text.len(),
            }],
        });
        let bytes = bytes.to_string().into_bytes();
        Self { digest: Digest::of(&bytes), config, layer, bytes }
    }

    fn call(&self, scratch: &Scratch, repository: &str) -> Regtree {
        scratch.regtree(["manifest", "put", repository]).stdin(&*self.bytes)
    }
}
