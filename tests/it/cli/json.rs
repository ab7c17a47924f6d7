//! JSON: each command has a schema, which says what each field is; `support/schema.rs` holds what every test prints to them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::every_command::commands;
use crate::support::schema;
use crate::support::{Regtree, Scratch};

#[test]
fn each_command_has_a_schema_and_no_other_is_there() {
    let commands: BTreeSet<String> = commands().into_iter().map(|(words, _)| words.join("-")).collect();
    let schemas: BTreeSet<String> = schema::names().into_iter().collect();
    let foreign = ["manifest-referrers", "upload-get"].map(str::to_owned);
    let without: Vec<_> = commands.difference(&schemas).filter(|name| !foreign.contains(name)).collect();
    assert!(without.is_empty(), "no schema: {without:?}");
    let others: Vec<_> = schemas.difference(&commands).collect();
    assert_eq!(others, ["error"], "schemas of nothing");
}

/// Every field is described, and no document may have others.
#[test]
fn schemas_describe_every_field() {
    fn look(name: &str, value: &Value) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            assert!(value.get("additionalProperties").is_some(), "{name}: other fields are allowed: {value:.200}");
            for (field, schema) in
                properties.iter().filter(|(field, _)| !["type", "schema_version"].contains(&&***field))
            {
                assert!(schema["description"].is_string(), "{name}: {field} is not described");
            }
        }
        match value {
            Value::Object(fields) => fields.values().for_each(|value| look(name, value)),
            Value::Array(values) => values.iter().for_each(|value| look(name, value)),
            _ => {}
        }
    }
    for name in schema::names() {
        let text = fs::read(schema::directory().join(format!("{name}.json"))).unwrap();
        look(&name, &serde_json::from_slice(&text).unwrap());
    }
}

/// One blob has one path, whichever command names it, and it begins at the root.
#[test]
fn the_same_thing_has_the_same_path_in_every_command() {
    let scratch = Scratch::new();
    let layer = scratch.image("lib/app", "text").tag("v1").layer;
    let blob = scratch.blob(layer);
    fs::write(&blob, "la").unwrap();
    let path = format!("docker/registry/v2/{}", blob.strip_prefix(scratch.v2()).unwrap().display());
    let finding = |words: &[&str], kind: &str| {
        let run = scratch.run(words.iter().copied().chain(["--json"]));
        let events = run.json_lines();
        let of_blob = |event: &&Value| {
            event["type"] == kind && event["digest"] == layer.to_string() && event["kind"] != "layer-link"
        };
        events.iter().find(of_blob).unwrap_or_else(|| panic!("{words:?}: {events:?}"))["path"].clone()
    };
    assert_eq!(finding(&["fsck"], "finding"), path);
    assert_eq!(finding(&["manifest", "verify", "lib/app:v1"], "finding"), path);
    assert_eq!(finding(&["repair", "--all-safe", "-n"], "repair"), path);
    let error = scratch.run(["blob", "get", "lib/app", &layer.to_string(), "--json"]).json_error();
    assert_eq!(error["detail"]["path"], path);
    scratch.run(["tag", "delete", "lib/app", "v1"]).code(0);
    assert_eq!(finding(&["gc", "--min-age", "0", "--delete-untagged", "--allow-rootless", "-n"], "remove"), path);
}

#[test]
fn an_error_has_its_hint() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "text").tag("v1");
    let error = scratch.run(["tag", "get", "lib/app", "v2", "--json"]).json_error();
    let root = scratch.root().display();
    assert_eq!(error["hint"], format!("to list its tags: regtree --root {root} tag list lib/app"));
    let error = Regtree::new(["--root", "/nowhere", "repo", "list", "--json"]).run().json_error();
    assert!(error["hint"].as_str().unwrap().contains("mounted"), "{error}");
}

#[test]
fn a_good_image_is_named_by_its_verification() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "text").tag("v1");
    let verified = scratch.run(["manifest", "verify", "lib/app:v1", "--json"]).json_lines();
    let [first, _] = &verified[..] else { panic!("{verified:?}") };
    assert_eq!((&first["repository"], &first["errors"]), (&"lib/app".into(), &0.into()));
    assert_eq!(first["digest"], image.digest.to_string());
}
