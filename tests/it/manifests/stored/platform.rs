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

/// An index with an image for each platform, as `(architecture, variant)`, pushed as `multi`.
fn pushed(scratch: &Scratch, platforms: &[(&str, &str)]) -> Vec<Value> {
    let texts: Vec<String> =
        platforms.iter().map(|(architecture, variant)| format!("{architecture} {variant}")).collect();
    let images = images(scratch, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    let children: Vec<_> =
        images.iter().zip(platforms).map(|(image, (architecture, _))| (image, *architecture)).collect();
    let mut multi = index(&children);
    for (at, (_, variant)) in platforms.iter().enumerate().filter(|(_, (_, variant))| !variant.is_empty()) {
        multi["manifests"][at]["platform"]["variant"] = json!(variant);
    }
    put(scratch, REPOSITORY, &multi, &["multi"]);
    images
}

#[test]
fn a_processor_gets_what_was_built_for_it_or_else_for_its_older_variants() {
    for (platforms, wanted, expected) in [
        (&[("arm64", "v8")][..], "linux/arm64", Some(0)),
        (&[("arm64", "")], "linux/arm64/v8", Some(0)),
        (&[("arm64", "v8")], "linux/aarch64", Some(0)),
        (&[("amd64", "")], "linux/x86_64", Some(0)),
        (&[("amd64", ""), ("amd64", "v2")], "linux/amd64/v3", Some(1)),
        (&[("amd64", "v3"), ("amd64", "")], "linux/amd64/v2", Some(1)),
        (&[("amd64", "v3")], "linux/amd64/v2", None),
        (&[("amd64", "v3")], "linux/amd64", Some(0)),
        (&[("arm", "v6"), ("arm", "v7")], "linux/arm", Some(1)),
        (&[("arm", "v5"), ("arm", "v6")], "linux/arm/v7", Some(1)),
        (&[("arm", "v7")], "linux/arm/v6", None),
        (&[("arm", "v7")], "linux/armhf", Some(0)),
        (&[("s390x", "")], "linux/ppc64le", None),
    ] {
        let scratch = Scratch::new();
        let images = pushed(&scratch, platforms);
        match expected {
            Some(at) => {
                assert_eq!(get(&scratch, wanted).code(0).out(), images[at].to_string(), "{platforms:?} {wanted}");
            }
            None => drop(get(&scratch, wanted).code(4).silent()),
        }
    }
}

#[test]
fn a_version_of_the_operating_system_is_shown_and_can_be_chosen() {
    let scratch = Scratch::new();
    let images = images(&scratch, &["2019", "2022"]);
    let mut multi = index(&[(&images[0], "amd64"), (&images[1], "amd64")]);
    for (at, version) in ["10.0.17763.1", "10.0.20348.2"].into_iter().enumerate() {
        multi["manifests"][at]["platform"] = json!({"os": "windows", "architecture": "amd64", "os.version": version});
    }
    put(&scratch, REPOSITORY, &multi, &["multi"]);
    let stat = scratch.run(["manifest", "stat", REPOSITORY, "multi"]).code(0).out();
    assert!(stat.contains("windows(10.0.17763.1)/amd64") && stat.contains("windows(10.0.20348.2)/amd64"), "{stat}");
    let run = get(&scratch, "windows/amd64").code(0).says(["the first that matches", "windows(10.0.20348.2)/amd64"]);
    assert_eq!(run.out(), images[0].to_string());
    let run = get(&scratch, "windows(10.0.20348)/amd64").code(0);
    assert_eq!((run.out(), run.err()), (images[1].to_string(), String::new()));
    get(&scratch, "windows(6.1)/amd64").code(4).silent().says(["windows(10.0.17763.1)/amd64"]);
    for bad in ["windows()/amd64", "(10)/amd64", "windows(10/amd64", "linux", "linux/", "linux/arm/"] {
        get(&scratch, bad).code(2).silent();
    }
}
