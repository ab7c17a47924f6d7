//! Gives the same thing the same name in every JSON document, whichever room of the library made it. `docs/json.md` has the
//! names.

use std::path::Path;

use serde_json::{Map, Value};

use crate::layout;
use crate::registry::Registry;

/// Names that a document has from the OCI specification, and what the same is called in a document of regtree's.
const OCI: [(&str, &str); 2] = [("mediaType", "media_type"), ("artifactType", "artifact_type")];

/// The paths that a path of the tree may begin with, and what stands in their place.
#[derive(Debug)]
pub(super) struct Naming {
    beginnings: [(String, String); 2],
}

impl Naming {
    pub(super) fn of(registry: &Registry) -> Self {
        let beginning = |path: &Path| format!("{}/", path.to_string_lossy().trim_end_matches('/'));
        let tree = registry.tree();
        // The root first: where it is a symbolic link, the tree's path need not begin with it.
        Self {
            beginnings: [
                (beginning(tree.root()), String::new()),
                (beginning(tree.path()), format!("{}/", layout::PREFIX)),
            ],
        }
    }

    /// A path of the tree, from its root. `None` if it lies outside.
    fn below_root(&self, path: &str) -> Option<String> {
        self.beginnings.iter().find_map(|(begin, from_root)| Some(format!("{from_root}{}", path.strip_prefix(begin)?)))
    }
}

/// Makes the names of a document, and of those in it, the usual ones: each `path` in the tree begins at its root, and names
/// from OCI documents stand beside ours.
pub(super) fn unify(document: &mut Value, naming: Option<&Naming>) {
    match document {
        Value::Array(values) => values.iter_mut().for_each(|value| unify(value, naming)),
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| unify(value, naming));
            unify_fields(fields, naming);
        }
        _ => {}
    }
}

fn unify_fields(fields: &mut Map<String, Value>, naming: Option<&Naming>) {
    for (theirs, ours) in OCI {
        if let Some(value) = fields.get(theirs).cloned() {
            fields.entry(ours).or_insert(value);
        }
    }
    if let Some(Value::String(path)) = fields.get_mut("path")
        && let Some(from_root) = naming.and_then(|naming| naming.below_root(path))
    {
        *path = from_root;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_begins_at_the_root_wherever_it_stands() {
        let beginnings = [("a b/".to_owned(), String::new()), ("/c/v2/".to_owned(), "docker/registry/v2/".to_owned())];
        let naming = Naming { beginnings };
        for (path, expected) in [
            ("a b/docker/registry/v2/blobs", "docker/registry/v2/blobs"),
            ("/c/v2/blobs", "docker/registry/v2/blobs"),
            ("/etc/regtree.toml", "/etc/regtree.toml"),
            ("a b", "a b"),
        ] {
            let mut document = json!({ "detail": [{ "path": path, "file": "a b/x" }] });
            unify(&mut document, Some(&naming));
            assert_eq!(document, json!({ "detail": [{ "path": expected, "file": "a b/x" }] }));
        }
    }

    #[test]
    fn names_of_oci_stand_beside_ours() {
        let mut document = json!({ "mediaType": "a", "references": [{ "artifactType": "b", "artifact_type": "c" }] });
        unify(&mut document, None);
        assert_eq!(document["media_type"], "a");
        assert_eq!(document["references"][0]["artifact_type"], "c");
    }
}
