//! `regtree --version --verbose`: what the program was built from, and for what.

/// The lines of `--version --verbose`. A commit is known where it was built from a clone or a package.
pub(super) fn verbose() -> String {
    let features: Vec<&str> = FEATURES.into_iter().filter_map(|(name, is_on)| is_on.then_some(name)).collect();
    format!(
        "regtree {}\ncommit: {}\ntarget: {}\nfeatures: {}\nreads: {READS}\nwrites: {WRITES}\n",
        env!("CARGO_PKG_VERSION"),
        env!("REGTREE_COMMIT"),
        env!("REGTREE_TARGET"),
        features.join(", "),
    )
}

const FEATURES: [(&str, bool); 4] = [
    ("cli", cfg!(feature = "cli")),
    ("dynamic-completion", cfg!(feature = "dynamic-completion")),
    ("schema1-signatures", cfg!(feature = "schema1-signatures")),
    ("serve", cfg!(feature = "serve")),
];
/// The layouts of the storage tree, by the registries that write them (layout.md §1.4).
const READS: &str = "trees of registry 2.0.0-alpha.0 to 3.1";
const WRITES: &str = "the layout of registry 2.0.0-alpha.2 and later";
