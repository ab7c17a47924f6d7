//! The crates that the program is built from, held to `deny.toml`: their licences, and where they come from.
//!
//! `cargo deny` holds them to the same file and looks for advisories too, but takes many minutes to build. CI runs it where
//! it is installed.

use std::iter::Peekable;
use std::process::Command;

use serde_json::Value;

const DENY: &str = include_str!("../../deny.toml");
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A list of `deny.toml`, which is on one line.
fn list(name: &str) -> Vec<String> {
    let begin = format!("{name} = ");
    let line = DENY.lines().find_map(|line| line.strip_prefix(&begin)).unwrap_or_else(|| panic!("no {name}"));
    serde_json::from_str(line).unwrap()
}

/// Every package of a build for `target` with all features, ours among them.
fn packages(target: &str) -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--locked", "--all-features", "--format-version", "1", "--filter-platform", target];
    let output = Command::new(cargo).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether a licence expression can be met with what is allowed. A slash is an older way to write OR.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any_of(&mut words, allowed);
    assert_eq!(words.next(), None, "{expression}");
    met
}

fn any_of<'w>(words: &mut Peekable<impl Iterator<Item = &'w str>>, allowed: &[String]) -> bool {
    let mut met = all_of(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all_of(words, allowed);
    }
    met
}

fn all_of<'w>(words: &mut Peekable<impl Iterator<Item = &'w str>>, allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one<'w>(words: &mut Peekable<impl Iterator<Item = &'w str>>, allowed: &[String]) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let met = any_of(words, allowed);
        assert_eq!(words.next(), Some(")"));
        return met;
    }
    let name = words.next().unwrap();
    match words.next_if_eq(&"WITH") {
        Some(_) => allowed.contains(&format!("{name} WITH {}", words.next().unwrap())),
        None => allowed.iter().any(|allowed| allowed == name),
    }
}

#[test]
fn every_crate_has_a_licence_that_is_allowed_and_comes_from_crates_io() {
    let allowed = list("allow");
    for target in list("targets") {
        let packages = packages(&target);
        assert!(packages.len() > 50, "{target}: {}", packages.len());
        for package in packages.iter().filter(|package| package["name"] != "regtree") {
            let (name, licence) = (&package["name"], package["license"].as_str());
            assert!(licence.is_some_and(|licence| is_allowed(licence, &allowed)), "{name}: {licence:?}");
            assert_eq!(package["source"], CRATES_IO, "{name}");
        }
    }
}

#[test]
fn no_dependency_takes_any_version() {
    let target = &list("targets")[0];
    let packages = packages(target);
    let ours = packages.iter().find(|package| package["name"] == "regtree").unwrap();
    let dependencies = ours["dependencies"].as_array().unwrap();
    assert!(dependencies.len() > 20);
    for dependency in dependencies {
        assert!(!dependency["req"].as_str().unwrap().contains('*'), "{dependency}");
    }
}

#[test]
fn a_licence_expression_is_met_as_spdx_says() {
    let allowed = ["MIT".to_owned(), "Zlib".to_owned()];
    for expression in ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "(GPL-3.0 OR MIT) AND Zlib", "GPL-3.0 AND Zlib OR MIT"] {
        assert!(is_allowed(expression, &allowed), "{expression}");
    }
    for expression in ["GPL-3.0", "MIT AND GPL-3.0", "MIT WITH Some-exception", "(MIT OR Zlib) AND GPL-3.0", "mit"] {
        assert!(!is_allowed(expression, &allowed), "{expression}");
    }
}
