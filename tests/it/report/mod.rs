//! `regtree report`: its figures are those of `du`, `gc` and `fsck`, and its page does nothing that a hostile tree wants.

mod browser;
mod colours;
mod figures;
mod file;
mod page;

use std::fs;

use serde_json::Value;

use crate::support::{Regtree, Scratch};

/// After everything that the tests write, on whatever date they run.
const NOW: &str = "2100-01-01T00:00:00Z";

/// Text that would run as a script, or load an image and run what comes of it, if it were taken for HTML.
const HOSTILE: [&str; 4] = [
    "<script>document.title='owned'</script>",
    "\"><img src=x onerror=document.title='owned'>",
    "'><svg onload=document.title='owned'>",
    "</title></style></svg><iframe srcdoc=<script>parent.document.title='owned'<&#47;script>",
];

/// The report of a tree, with these words.
fn report(scratch: &Scratch, words: &[&str]) -> Regtree {
    scratch.regtree(["report"]).with(words).now(NOW)
}

/// The data of the page.
fn data(scratch: &Scratch) -> Value {
    report(scratch, &["--json"]).run().json()
}

/// The page.
fn page(scratch: &Scratch) -> String {
    report(scratch, &[]).run().out()
}

/// What stands between two texts.
fn between<'p>(page: &'p str, begin: &str, end: &str) -> &'p str {
    page.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).unwrap_or_else(|| panic!("no {begin}")).0
}

fn demo() -> Scratch {
    let scratch = Scratch::bare();
    Regtree::new(["demo", "-q"]).with([scratch.root()]).ok();
    scratch
}

/// A tree whose every name that a pusher or a vandal can choose is hostile.
fn hostile() -> Scratch {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "a good image").tag("v1");
    for (at, text) in HOSTILE.iter().enumerate() {
        fs::create_dir_all(scratch.repository(text).join("_layers")).unwrap();
        fs::create_dir_all(scratch.v2().join(text)).unwrap();
        let tag = scratch.repository("lib/app").join("_manifests/tags").join(text.replace('/', "-"));
        Scratch::plant(&tag.join("current/link"), image.digest.to_string());
        let broken = scratch.repository("lib/app").join(format!("_manifests/tags/broken{at}"));
        Scratch::plant(&broken.join("current/link"), text);
        let upload = scratch.repository("lib/app").join(format!("_uploads/11111111-2222-4333-8444-55555555555{at}"));
        Scratch::plant(&upload.join("startedat"), text);
        Scratch::plant(&upload.join("data"), text);
    }
    scratch
}
