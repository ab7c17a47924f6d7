//! Layers with `urls`: a registry may never have had them, so only a link shows that it has.

use std::fs;

use serde_json::{Value, json};

use super::planted::{Planted, layer_path, sha256};
use super::{NOW, NOW_UNTAGGED, collect};

const BOTH: [&[&str]; 2] = [&NOW, &NOW_UNTAGGED];
const FOREIGN: &str = "a foreign layer";

/// Pushes a tagged image whose layer has these fields too, and a layer that nothing names.
fn push(planted: &Planted, repository: &str, fields: &str) {
    let config = planted.layer(repository, "config");
    planted.layer(repository, "another layer");
    let image = planted.image_of(&config, &[&sha256(FOREIGN.as_bytes())]).to_string();
    let text = image.replacen(r#""layers":[{"#, &format!(r#""layers":[{{{fields},"#), 1);
    assert_ne!(text, image);
    let digest = planted.blob(text);
    planted.revision(repository, &digest);
    planted.tag(repository, "v1", &digest);
}

/// An image in `lib` whose layer has these fields; the layer's content is there, and no link to it.
fn unlinked(fields: &str) -> (Planted, String) {
    let planted = Planted::new();
    let layer = planted.blob(FOREIGN);
    push(&planted, "lib", fields);
    (planted, layer)
}

const URLS: &str = r#""urls":["https://example.com/layer"]"#;

#[test]
fn a_pushed_foreign_layer_of_an_air_gapped_site_survives_every_collection() {
    for words in BOTH {
        let (planted, layer) = unlinked(URLS);
        planted.link("lib", &layer);
        assert!(collect(&planted.scratch, words).code(0).gone.blobs.contains(&sha256(b"another layer")));
        assert!(planted.has(&layer) && planted.links("lib", &layer));
        planted.run(["manifest", "verify", "--all"]).code(0);
        let explained = planted.regtree(["gc", "--explain", &layer, "--json"]).with(words).ok().json_lines();
        assert_eq!(explained.last().unwrap()["reason"], "tagged");
    }
}

#[test]
fn one_that_its_repository_does_not_link_goes_whoever_names_it() {
    for fields in [URLS, r#""urls":[],"URLS":["https://example.com/layer"]"#, r#""Urls":["https://x"]"#] {
        for words in BOTH {
            let (planted, layer) = unlinked(fields);
            // The link of another repository is that one's, and nothing there needs it.
            planted.tagged_image("other", "v1", "another image");
            planted.link("other", &layer);
            let explained = planted.regtree(["gc", "--explain", &layer, "--json"]).with(words).ok().json_lines();
            assert_eq!(explained.last().unwrap()["fate"], "goes", "{fields}");
            let usage = planted.run(["du", "--apparent", "--json"]).code(0).json();
            let garbage = FOREIGN.len() + "another layer".len();
            assert_eq!(usage["tree"]["garbage"], garbage, "{fields}");
            let gone = collect(&planted.scratch, words).code(0).gone;
            assert_eq!(gone.blobs, [layer.clone(), sha256(b"another layer")].into(), "{fields}");
            assert!(!planted.has(&layer) && !planted.links("other", &layer));
            let fsck = planted.run(["fsck", "--json"]).code(0).json_lines();
            assert_eq!(fsck.last().unwrap()["errors"], 0, "{fields}");
        }
    }
}

#[test]
fn what_has_no_urls_as_go_reads_it_stays_without_a_link() {
    for fields in [r#""urls":[]"#, r#""urls":null"#, r#""urls":["x"],"URLs":null"#, r#""urls":["x"],"urls":[]"#] {
        for words in BOTH {
            let (planted, layer) = unlinked(fields);
            collect(&planted.scratch, words).code(0);
            assert!(planted.has(&layer), "{fields}");
        }
    }
}

#[test]
fn a_link_that_says_nothing_counts_and_its_directory_alone_does_not() {
    for (content, stays) in [(Some(""), true), (Some("no digest\n"), true), (None, false)] {
        for words in BOTH {
            let (planted, layer) = unlinked(URLS);
            let link = layer_path("lib", &layer);
            match content {
                Some(content) => planted.plant(&link, content),
                None => fs::create_dir_all(planted.at(&link).parent().unwrap()).unwrap(),
            }
            collect(&planted.scratch, words).code(0);
            assert_eq!(planted.has(&layer), stays, "{content:?} {words:?}");
            assert_eq!(planted.links("lib", &layer), stays, "{content:?} {words:?}");
        }
    }
}

#[test]
fn layer_links_that_can_not_be_seen_count_as_all_there() {
    for words in BOTH {
        let (planted, layer) = unlinked(URLS);
        planted.remove("repositories/lib/_layers");
        collect(&planted.scratch, words).code(0);
        assert!(planted.has(&layer), "{words:?}");
        let (planted, layer) = unlinked(URLS);
        let links = planted.at("repositories/lib/_layers");
        fs::set_permissions(&links, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
        let dry = planted.regtree(["gc", "-n", "--json"]).with(words).unprivileged().run().code(3).json_lines();
        fs::set_permissions(&links, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert!(!dry.iter().any(|event| event["kind"] == "blob" && event["digest"] == *layer), "{words:?}");
    }
}

#[test]
fn of_a_pushed_alias_of_a_foreign_layer_the_content_stays() {
    for words in BOTH {
        let planted = Planted::new();
        let alias = planted.alias("lib", FOREIGN);
        let config = planted.layer("lib", "config");
        let mut image = planted.image_of(&config, &[&alias]);
        image["layers"][0]["urls"] = json!(["https://example.com/layer"]);
        let digest = planted.manifest("lib", &image);
        planted.tag("lib", "v1", &digest);
        assert!(collect(&planted.scratch, words).code(0).gone.is_empty(), "{words:?}");
    }
}

#[test]
fn the_name_of_a_foreign_layer_in_an_image_says_nothing_of_another_repository() {
    // Both name it; only one has it, and keeps it for itself.
    let planted = Planted::new();
    let layer = planted.layer("lib", FOREIGN);
    for repository in ["lib", "other"] {
        push(&planted, repository, URLS);
    }
    collect(&planted.scratch, &NOW_UNTAGGED).code(0);
    assert!(planted.has(&layer) && planted.links("lib", &layer) && !planted.links("other", &layer));
    let usage = planted.run(["du", "--apparent", "--tags", "--json"]).code(0).json();
    let of = |name: &str| -> Value {
        let tags = usage["tags"].as_array().unwrap().iter();
        tags.clone().find(|tag| tag["repository"] == name).unwrap()["total"].clone()
    };
    assert_eq!(of("lib").as_u64().unwrap(), of("other").as_u64().unwrap() + FOREIGN.len() as u64);
}
