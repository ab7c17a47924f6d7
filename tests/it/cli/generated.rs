//! Man pages and completions are made from the command definitions and committed; here they are held to them.
//!
//! `REGTREE_BLESS=1 cargo test generated` writes them anew.

mod man;
mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

use crate::support::Regtree;

/// The documents that are man pages of section 7 too, each with what it is about.
const PAGES: [(&str, &str); 3] = [
    ("json", "what regtree prints with --json"),
    ("layout", "the tree that a registry keeps on disk"),
    ("safety", "what regtree promises, and how it is kept"),
];

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

/// A page for each command.
fn man_pages() -> BTreeMap<String, Vec<u8>> {
    fn add(command: &clap::Command, above: &[&clap::Command], pages: &mut BTreeMap<String, Vec<u8>>) {
        let man = clap_mangen::Man::new(command.clone());
        pages.insert(man.get_filename(), man::page(command, above).into_bytes());
        let above: Vec<_> = above.iter().copied().chain([command]).collect();
        for inner in command.get_subcommands() {
            add(inner, &above, pages);
        }
    }
    let mut root = man::without_help(regtree::cli::command());
    root.build();
    let mut pages = BTreeMap::new();
    add(&root, &[], &mut pages);
    for (name, about) in PAGES {
        let text = fs::read_to_string(project().join(format!("docs/{name}.md"))).unwrap();
        pages.insert(format!("regtree-{name}.7"), page::page(name, about, &text).into_bytes());
    }
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
fn man_pages_have_the_sections_that_are_looked_for_and_lead_nowhere_else() {
    let pages = man_pages();
    for (name, page) in &pages {
        let page = std::str::from_utf8(page).unwrap();
        let of_commands = ["SYNOPSIS", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES"];
        let of_commands = of_commands.into_iter().filter(|_| name.ends_with(".1"));
        for section in of_commands.chain(["DESCRIPTION", "\"SEE ALSO\""]) {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{name} lacks {section}");
        }
        for word in page.split_whitespace().filter_map(|word| word.strip_suffix("(1)").or(word.strip_suffix("(1),"))) {
            let word = word.replace('\\', "").replace("fB", "").replace("fR", "");
            assert!(pages.contains_key(&format!("{word}.1")), "{name} leads to {word}");
        }
        assert!(!page.contains(".TP\n\\fB\\fR\n"), "{name} has a meaning of no exit code");
    }
    let page = |name: &str| std::str::from_utf8(&pages[name]).unwrap();
    let du = page("regtree-du.1");
    assert!(du.contains(r"[\fB\-\-top\fR \fIN\fR]") && du.contains(r"[\fIREPO|GLOB\fR]..."), "{du}");
    let put = page("regtree-manifest-put.1");
    assert!(put.contains(r"[\fB\-t\fR|\fB\-\-tag\fR \fITAG\fR]..."), "{put}");
    let prune = page("regtree-tag-prune.1");
    assert!(prune.contains(r"[\fB\-\-keep\-last\fR \fIN\fR] ") && prune.contains(r"\fIPATTERN\fR]..."), "{prune}");
    let delete = page("regtree-blob-delete.1");
    assert!(delete.contains(r"\fIREPO[@DIGEST]\fR [\fIDIGEST\fR]..."), "{delete}");
    assert!(page("regtree-repair.1").contains(r"{\fB\-\-only\fR \fICODE\fR...|\fB\-\-all\-safe\fR|\fB\-\-grant\fR"));
    assert!(page("regtree-blob-mount.1").contains(r" [\fB\-\-from\fR \fIREPO\fR] "));
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
