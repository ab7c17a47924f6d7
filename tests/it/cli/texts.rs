//! The whole text of each command, on the demo's tree and on damaged ones, so that no wording changes unseen.
//!
//! `INSTA_UPDATE=always cargo test texts` accepts what is printed now; the difference is then for review.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::support::vectors::damaged;
use crate::support::{Regtree, Scratch};

/// When the damaged trees are looked at: after everything that the tests write, on whatever date they run.
const NOW: &str = "2100-01-01T00:00:00Z";

/// A shape of text that differs from run to run (`9` is a digit, `x` a hex digit), and what stands for it.
const MASKS: [(&str, &str); 4] = [
    ("99999999T999999Z-xxxxxxxx", "[RUN]"),
    ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "[UPLOAD]"),
    ("9999-99-99T99:99:99Z", "[TIME]"),
    ("9999-99-99T99:99:99.999999999Z", "[TIME]"),
];

/// The digests of the demo.
const APP: &str = "sha256:7c5682e06669c26fc8fa6f5c86b9630d0995fbb2314adfded9acb51f79e49ced";
const SHARED: &str = "sha256:6bd58e9cd66f40a194357672c9cbb8a17fd7c4228183fe7c50c2ed397d0b4561";
const ORPHAN: &str = "sha256:6e65e8a24939f53eb59de917ba57cb23f19a24544747f657ce4c63e8d5703eab";
const TRUNCATED: &str = "sha256:f6d51329dec94ea9bc0ab586b17b99595e2c4158427a0352763b580730179d79";
const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// Where a text has a shape, and how long that is.
fn shaped(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, shape)| match shape {
            b'9' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
            shape => byte == shape,
        })
}

/// The first text of a shape.
fn first<'t>(text: &'t str, shape: &str) -> Option<&'t str> {
    let at = text.char_indices().map(|(at, _)| at).find(|at| shaped(&text[*at..], shape))?;
    Some(&text[at..at + shape.len()])
}

/// A text without what differs from machine to machine and from run to run.
pub(super) fn masked(text: &str, scratch: &Scratch) -> String {
    let mut text =
        text.replace(scratch.root().to_str().unwrap(), "[ROOT]").replace(env!("CARGO_BIN_EXE_regtree"), "regtree");
    for (shape, name) in MASKS {
        while let Some(found) = first(&text, shape).map(str::to_owned) {
            text = text.replace(&found, name);
        }
    }
    // How long directories are is the file system's.
    let line = |line: &str| {
        let size = ["uploads     not", "overhead    dir", "total"].iter().filter_map(|word| line.find(word));
        let is_tree = line.starts_with(' ') && !line.contains("sha256:");
        size.filter(|_| is_tree).min().map_or(line.to_owned(), |at| format!("{:>at$}", "[SIZE]  ") + &line[at..])
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Commands on one tree, one after the other, and all that they print.
struct Session {
    scratch: Scratch,
    now: Option<&'static str>,
    text: String,
    /// The upload and the run of the quarantine that were spoken of last.
    upload: String,
    run: String,
}

impl Session {
    fn new(scratch: Scratch, now: Option<&'static str>) -> Self {
        Self { scratch, now, text: String::new(), upload: String::new(), run: String::new() }
    }

    /// Runs a command with this on stdin. `UPLOAD` and `RUN` in it are those that were spoken of last.
    fn feed(&mut self, line: &str, stdin: &str) {
        let words = line.split(' ').map(|word| match word {
            "UPLOAD" => self.upload.as_str(),
            "RUN" => self.run.as_str(),
            word => word,
        });
        let mut call = self.scratch.regtree(words).within(self.scratch.root()).stdin(stdin);
        if let Some(now) = self.now {
            call = call.now(now);
        }
        let run = call.run();
        let (out, err) = (run.out(), run.err());
        for (shape, last) in [(MASKS[0].0, &mut self.run), (MASKS[1].0, &mut self.upload)] {
            if let Some(found) = first(&out, shape) {
                found.clone_into(last);
            }
        }
        let [out, err] = [out, err].map(|text| masked(&text, &self.scratch));
        writeln!(self.text, "$ regtree {line}").unwrap();
        if !out.is_empty() {
            writeln!(self.text, "{out}").unwrap();
        }
        if !err.is_empty() {
            writeln!(self.text, "(stderr)\n{err}").unwrap();
        }
        if run.exit() != Some(0) {
            writeln!(self.text, "(exit code {})", run.exit().unwrap()).unwrap();
        }
        self.text.push('\n');
    }

    fn run(&mut self, line: &str) {
        self.feed(line, "");
    }

    /// Holds all that was printed to what was accepted under this name.
    fn hold(&self, name: &str) {
        hold(name, &self.text);
    }
}

/// Holds a text to what was accepted under this name.
pub(super) fn hold(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn demo() -> Session {
    let scratch = Scratch::bare();
    Regtree::new(["demo", "-q"]).with([scratch.root()]).ok();
    Session::new(scratch, None)
}

/// What only looks at the demo's tree.
fn reading() -> Session {
    let mut session = demo();
    for line in [
        "repo list",
        "repo list --long",
        "tag list demo/app",
        "tag list demo/app --long",
        "tag get demo/app v1",
        "tag get demo/app missing",
        "tag history demo/app v1",
        "manifest list demo/app",
        "manifest list demo/app --long",
        "manifest list demo/app --untagged",
        "manifest get demo/app v1",
        "manifest stat demo/app v1",
        "manifest stat demo/app multi",
        "manifest verify demo/app v1",
        "manifest verify --all --content",
        "manifest referrers demo/app v1",
        "manifest signatures demo/app v1",
        "blob list demo/web",
        "blob list demo/web --long",
        "upload list",
        "upload status demo/web UPLOAD",
        "upload get demo/web UPLOAD",
        "quarantine list",
        "fsck",
        "fsck --content",
        "fsck -v",
        "gc -n",
        "gc -n --min-age 0",
        "gc -n --min-age 0 --sizes",
        "gc -n --min-age 0 --delete-untagged -v",
        "repair -n --all-safe",
        "du --apparent",
        "du --apparent --tags",
        "du --apparent --layers",
        "report -o report.html",
        "repo list nowhere",
        "tag list nowhere",
    ] {
        session.run(line);
    }
    for digest in [SHARED, ORPHAN, TRUNCATED] {
        session.run(&format!("blob stat demo/web {digest}"));
        session.run(&format!("blob stat --all-repos {digest}"));
        session.run(&format!("blob users {digest}"));
        session.run(&format!("gc -n --min-age 0 --explain {digest}"));
    }
    session.run(&format!("blob get demo/web {TRUNCATED} -o /dev/null"));
    session
}

/// What changes the demo's tree, dry and for good.
fn writing() -> Session {
    let mut session = demo();
    session.feed("blob put demo/web", "hello");
    session.feed("blob put demo/web - -v", "hello");
    session.run(&format!("blob mount --from demo/web --to demo/app {HELLO}"));
    for words in ["-n", "-v", ""] {
        session.run(format!("blob delete demo/app {HELLO} {words}").trim_end());
    }
    session.run(&format!("blob delete demo/app {SHARED}"));
    session.run("upload start demo/app");
    session.feed("upload resume demo/app UPLOAD", "hel");
    session.run("upload status demo/app UPLOAD");
    session.feed(&format!("upload commit demo/app UPLOAD - --digest {HELLO}"), "lo");
    session.run("upload start demo/app");
    session.run("upload cancel demo/app UPLOAD");
    session.run("upload purge --older-than 0 -n");
    session.run("upload purge --older-than 0");
    session.feed("manifest put demo/app --tag v2", "no manifest");
    let manifest = session.scratch.run(["manifest", "get", "demo/app", "v1"]).out();
    session.feed("manifest put demo/app --tag v2", &manifest);
    session.run("tag set demo/app v3 v1");
    session.run("tag set demo/app v3 nowhere");
    session.run("tag delete demo/app v2 v3 -n");
    session.run("tag prune demo/app");
    session.run("tag prune --keep-tag v1 --keep-within 365d --explain -n");
    session.run("tag prune --keep-tag v1");
    session.run("tag prune demo/app --only-tag v* --keep-tag v1 --keep-tag v3");
    session.run("tag delete demo/app v3");
    session.run(&format!("manifest delete demo/app {APP} -n"));
    session.run(&format!("manifest delete demo/app {APP}"));
    session.run("tag delete demo/app v1");
    session.run(&format!("manifest delete demo/app {APP}"));
    session.run("gc --min-age 0 --delete-untagged --quarantine");
    session.run("quarantine list");
    session.run("quarantine show RUN");
    session.run("quarantine restore RUN -n");
    session.run("quarantine restore RUN");
    session.run("gc --min-age 0 --delete-untagged");
    session.run("repair --all-safe");
    session.run("quarantine purge --older-than 0 -n");
    session.run("quarantine purge --older-than 0");
    for line in [
        "export demo/app:multi -o layout",
        "export demo/app:none -o layout",
        "import --list layout",
        "import layout --prefix mirror -n",
        "import layout --prefix mirror",
        "import layout --repository team/app --tag v1 --keep-existing-tags",
        "import nowhere",
        "copy demo/app:multi team/app:v2",
        "repo copy team/app team/copy",
        "repo rename team/copy team/moved -n",
        "repo rename team/copy team/moved",
        "repo rename team/copy team/moved",
    ] {
        session.run(line);
    }
    session.run("repo delete demo/web -n");
    session.run("repo delete demo/web");
    session.run("init another");
    session.run("init another");
    session
}

/// Every look at a damaged tree, then what is done about it.
fn damage(name: &str) {
    let mut session = Session::new(damaged(name), Some(NOW));
    for line in [
        "repo list",
        "repo list --long",
        "tag list lib --long",
        "tag list lib/app --long",
        "manifest list lib --long",
        "manifest get lib v1",
        "manifest verify lib v1",
        "manifest verify --all --content",
        "fsck",
        "fsck --content",
        "gc -n --min-age 0",
        "gc -n --min-age 0 --delete-untagged -v",
        "repair -n --all-safe",
        "repair -n --only tag-dangling,blob-missing,manifest-missing,link-malformed",
        "du --apparent",
        "gc --min-age 0 --quarantine",
        "quarantine list",
        "repair --all-safe",
        "fsck --content",
    ] {
        session.run(line);
    }
    session.hold(name);
}

#[test]
fn what_only_looks_at_the_demo() {
    reading().hold("demo-reading");
}

#[test]
fn what_changes_the_demo() {
    writing().hold("demo-writing");
}

#[test]
fn the_demo_itself() {
    let scratch = Scratch::bare();
    // The demo names the binary as the reader's shell would: from elsewhere, that is its whole path.
    let run = Regtree::new(["demo"]).with([scratch.root()]).within(scratch.root().parent().unwrap()).ok();
    // How much room content takes is the file system's.
    let is_room = |line: &str| line.starts_with("   ") && line.contains(" KiB  ") && !line.contains("sha256:");
    let roomless =
        |line: &str| if is_room(line) { line.replace(|c: char| c.is_ascii_digit(), "9") } else { line.to_owned() };
    let text = masked(&run.out(), &scratch).lines().map(roomless).collect::<Vec<_>>().join("\n");
    let session = Session { text, ..Session::new(scratch, None) };
    session.hold("demo");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no clock for tests")]
fn a_truncated_manifest() {
    damage("manifest-truncated");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no clock for tests")]
fn a_missing_layer() {
    damage("layer-missing");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no clock for tests")]
fn a_link_with_a_newline() {
    damage("revision-link-newline");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no clock for tests")]
fn a_tag_without_its_manifest() {
    damage("tag-missing-revision");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no clock for tests")]
fn a_symbolic_link_for_a_repository() {
    damage("symlink-repository");
}

/// Every command without commands below it, by its words.
fn commands(command: &clap::Command, above: &str, found: &mut BTreeSet<String>) {
    for inner in command.get_subcommands() {
        let words = format!("{above}{}", inner.get_name());
        if inner.has_subcommands() {
            commands(inner, &format!("{words} "), found);
        } else {
            found.insert(words);
        }
    }
}

#[test]
fn every_command_is_in_a_session() {
    let mut missing = BTreeSet::new();
    commands(&regtree::cli::command(), "", &mut missing);
    let text = reading().text + &writing().text;
    // `the_demo_itself` has one, tests of what is generated another, what `info` says depends on the machine, and `serve`
    // ends only by a signal.
    missing.retain(|words| {
        !text.contains(&format!("$ regtree {words} ")) && !text.contains(&format!("$ regtree {words}\n"))
    });
    assert_eq!(missing, BTreeSet::from(["completions", "demo", "info", "serve"].map(str::to_owned)));
}
