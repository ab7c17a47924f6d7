//! Says what the program is built from: `regtree --version --verbose` shows it.

#[path = "build/commit.rs"]
mod commit;

use std::path::Path;

fn main() {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let directory = variable("CARGO_MANIFEST_DIR");
    // A packager who builds from an archive may know the commit.
    println!("cargo:rerun-if-env-changed=REGTREE_COMMIT");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build/commit.rs");
    let given = std::env::var("REGTREE_COMMIT").ok().filter(|commit| !commit.is_empty());
    // A debug build is made many times between two commits; it need not be made again for each.
    let found = if variable("PROFILE") == "release" { commit::of(Path::new(&directory)) } else { None };
    if let Some(found) = &found {
        for file in &found.files {
            println!("cargo:rerun-if-changed={}", file.display());
        }
    }
    let commit = given.or(found.map(|found| found.id)).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=REGTREE_COMMIT={commit}");
    println!("cargo:rustc-env=REGTREE_TARGET={}", variable("TARGET"));
}
