//! `manifest get --platform`: which child of an index it is.

use regtree::Digest;
use serde_json::{Value, json};

use super::{OCI_INDEX, REPOSITORY, descriptor, image, index, put};
use crate::support::{Run, Scratch};

/// Images that differ by their configs, each a manifest of the repository.
fn images(scratch: &Scratch, texts: &[&str]) -> Vec<Value> {
    let images: Vec<Value> = texts.iter().map(|text| image(text.as_bytes(), &[])).collect();
    for image in &images {
        put(scratch, REPOSITORY, image, &[]);
    }
    images
}

fn get(scratch: &Scratch, platform: &str) -> Run {
    scratch.run(["manifest", "get", REPOSITORY, "multi", "--platform", platform])
}

#[test]
fn an_exact_match_wins_over_a_looser_one_that_is_listed_earlier() {
    let scratch = Scratch::new();
    let images = images(&scratch, &["v7", "plain", "v6"]);
    let mut multi = index(&[(&images[0], "arm"), (&images[1], "arm"), (&images[2], "arm")]);
    multi["manifests"][0]["platform"]["variant"] = json!("v7");
    multi["manifests"][2]["platform"]["variant"] = json!("v6");
    put(&scratch, REPOSITORY, &multi, &["multi"]);
    for (platform, expected) in [("linux/arm", 1), ("linux/arm/v6", 2), ("linux/arm/v7", 0)] {
        assert_eq!(get(&scratch, platform).code(0).out(), images[expected].to_string(), "{platform}");
    }
    multi["manifests"].as_array_mut().unwrap().remove(1);
    put(&scratch, REPOSITORY, &multi, &["multi"]);
    assert_eq!(get(&scratch, "linux/arm").code(0).out(), images[0].to_string(), "the first of two as good");
}

#[test]
fn indexes_in_an_index_are_looked_into() {
    let scratch = Scratch::new();
    let images = images(&scratch, &["amd64", "arm64", "s390x"]);
    let inner = index(&[(&images[1], "arm64"), (&images[2], "s390x")]).to_string();
    let mut multi = index(&[(&images[0], "amd64"), (&images[0], "amd64")]);
    multi["manifests"].as_array_mut().unwrap().insert(0, descriptor(OCI_INDEX, inner.as_bytes()));
    put(&scratch, REPOSITORY, &multi, &["multi"]);
    assert_eq!(get(&scratch, "linux/amd64").code(0).out(), images[0].to_string());
    get(&scratch, "linux/arm64").code(4).silent().says([Digest::of(inner.as_bytes()).to_string()]);
    put(&scratch, REPOSITORY, &serde_json::from_str(&inner).unwrap(), &[]);
    for (platform, expected) in [("linux/amd64", 0), ("linux/arm64", 1), ("linux/s390x", 2)] {
        assert_eq!(get(&scratch, platform).code(0).out(), images[expected].to_string(), "{platform}");
    }
    // What there is, sorted and each once.
    get(&scratch, "linux/mips").code(4).silent().says(["linux/amd64, linux/arm64, linux/s390x"]);
}
