//! Man pages and completions are made from the command definitions and committed; here they are held to them.
//!
//! `REGTREE_BLESS=1 cargo test generated` writes them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

use crate::support::Regtree;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// What the definitions make of a directory: file name → content.
fn generated(directory: &str) -> BTreeMap<String, Vec<u8>> {
    if directory == "man" {
        return man_pages();
    }
    let made = tempfile::tempdir().unwrap();
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut regtree::cli::command(), "regtree", made.path()).unwrap();
    }
    read(made.path())
}

/// A page for each command, with the sections that a reader of man pages looks for.
fn man_pages() -> BTreeMap<String, Vec<u8>> {
    fn add(command: &clap::Command, pages: &mut BTreeMap<String, Vec<u8>>) {
        let man = clap_mangen::Man::new(command.clone()).source(concat!("regtree ", env!("CARGO_PKG_VERSION")));
        let mut page = Vec::new();
        man.render(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap().replace(".SH EXTRA", ".SH \"EXIT CODES AND EXAMPLES\"");
        pages.insert(man.get_filename(), page.into_bytes());
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            add(inner, pages);
        }
    }
    let mut root = regtree::cli::command();
    root.build();
    let mut pages = BTreeMap::new();
    add(&root, &mut pages);
    pages
}

fn read(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).map(|entries| entries.map(|entry| entry.unwrap()).collect::<Vec<_>>());
    let entries = entries.unwrap_or_default().into_iter();
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// Compares a committed directory with what the definitions make, or writes it.
fn check(directory: &str) {
    let (committed, made) = (project().join(directory), generated(directory));
    if std::env::var_os("REGTREE_BLESS").is_some() {
        fs::remove_dir_all(&committed).ok();
        fs::create_dir(&committed).unwrap();
        for (name, content) in &made {
            fs::write(committed.join(name), content).unwrap();
        }
    }
    let found = read(&committed);
    assert_eq!(found.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>(), "{directory}/");
    for (name, content) in &made {
        let stale = format!("{directory}/{name} is stale: REGTREE_BLESS=1 cargo test generated");
        assert!(found[name] == *content, "{stale}");
    }
}

#[test]
fn man_pages_are_those_of_the_commands() {
    check("man");
}

#[test]
fn completions_are_those_of_the_commands() {
    check("completions");
}

#[test]
fn the_command_prints_the_completions_that_are_committed() {
    for (shell, file) in [("bash", "regtree.bash"), ("fish", "regtree.fish"), ("zsh", "_regtree")] {
        let printed = Regtree::new(["completions", shell]).ok();
        assert!(printed.bytes() == fs::read(project().join("completions").join(file)).unwrap(), "{file} is stale");
    }
    Regtree::new(["completions", "tcsh"]).run().code(2).silent();
}
