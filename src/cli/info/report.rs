//! What `regtree info` says of a tree, as text and as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::count::{human_bytes as size, plural};
use crate::info::{FileSystem, Info, Mark, OpenIn};

/// Shown for what can't be read. The error follows.
const UNKNOWN: &str = "unknown: it can't be read";

/// Adds what a tree is to a document.
pub(super) fn add(document: &mut Value, info: &Info) {
    let contents = &info.contents;
    let mut add = |key: &str, value: Value| document[key] = value;
    add("file_system", file_system(&info.file_system));
    add("blobs_file_system", info.of_blobs.as_ref().map(file_system).into());
    add("repositories_file_system", info.of_repositories.as_ref().map(file_system).into());
    let marks = info.marks.iter().map(|mark| json!({ "mark": mark, "versions": mark.versions() }));
    add("written_by", marks.collect());
    add("repositories", contents.repositories.into());
    add("tags", contents.tags.into());
    add("manifests", contents.manifests.into());
    add("blobs", contents.blobs.into());
    add("bytes", contents.bytes.into());
    add("damaged_places", contents.damaged.into());
    let uploads = contents.uploads;
    add("uploads", json!({ "count": uploads.count, "bytes": uploads.bytes, "oldest": uploads.oldest.map(time) }));
    let quarantine = info.quarantine.map(
        |held| json!({ "runs": held.runs, "items": held.items, "bytes": held.bytes, "oldest": held.oldest.map(time) }),
    );
    add("quarantine", quarantine.into());
    let staged = info.staged.as_ref().map(|staged| json!({ "files": staged.files, "bytes": staged.bytes }));
    add("staged_imports", staged.into());
    let verified = info.verified.map(|verified| {
        json!({ "right": verified.right, "wrong": verified.wrong, "first": time(verified.first), "last": time(verified.last) })
    });
    add("verified", verified.into());
    add("holders", json!(info.holders));
    let open: Vec<Value> = info
        .open_in
        .processes
        .iter()
        .map(|process| json!({ "pid": process.pid, "command": process.command }))
        .collect();
    add("open_in", open.into());
    add("processes_unseen", info.open_in.unseen.into());
    add("database", info.database.as_ref().map(|(database, _)| *database).into());
    add("cache", info.is_cache.into());
    add("writable", info.is_writable.into());
    add("owner", info.owner.into());
}

fn file_system(found: &FileSystem) -> Value {
    json!({
        "type": found.kind,
        "mount_point": found.mount_point.as_ref().map(|point| point.to_string_lossy()),
        "size": found.size,
        "available": found.available,
        "inodes": found.inodes,
        "inodes_available": found.inodes_available,
        "read_only": found.read_only,
    })
}

/// A time to the second.
fn time(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// The lines about a tree.
pub(super) fn lines(info: &Info) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |label: &str, text: String| lines.push(format!("{:<15}{text}", format!("{label}:")));
    add("file system", room(&info.file_system));
    for (label, other) in [("blobs on", &info.of_blobs), ("repos on", &info.of_repositories)] {
        if let Some(other) = other {
            add(label, room(other));
        }
    }
    add("written by", writers(&info.marks));
    add("content", content(info));
    add("uploads", uploads(info));
    add("quarantine", quarantine(info));
    match &info.staged {
        None => add("imports", UNKNOWN.to_owned()),
        Some(staged) if staged.files > 0 => {
            let what = format!("{} of {}", plural(staged.files, "file"), size(staged.bytes));
            add("imports", format!("{what} left by imports that were killed; upload purge removes them"));
        }
        Some(_) => {}
    }
    add("hashed", hashed(info));
    add("lock", lock(info));
    add("open in", open_in(&info.open_in));
    if let Some((_, reason)) = &info.database {
        add("database", reason.clone());
    }
    if info.is_cache {
        add("cache", "this is the tree of a pull-through cache".to_owned());
    }
    add("writable", writable(info));
    lines
}

fn room(found: &FileSystem) -> String {
    let kind = found.kind.as_deref().unwrap_or("of unknown type");
    let place = found.mount_point.as_ref().map(|point| format!(" on {}", point.display())).unwrap_or_default();
    let inodes = match (found.inodes_available, found.inodes) {
        (Some(available), Some(inodes)) => format!(", {available} of {inodes} inodes free"),
        _ => String::new(),
    };
    let read_only = if found.read_only { ", read-only" } else { "" };
    format!("{kind}{place}, {} of {} free{inodes}{read_only}", size(found.available), size(found.size))
}

fn writers(marks: &[Mark]) -> String {
    if marks.is_empty() {
        return "unknown version, 2.0 or later".to_owned();
    }
    let shown = marks.iter().map(|mark| format!("{} ({mark})", mark.versions()));
    format!("at least {}", shown.collect::<Vec<_>>().join(", "))
}

fn content(info: &Info) -> String {
    let contents = &info.contents;
    let bytes = contents.bytes.map(|bytes| format!(" of {}", size(bytes))).unwrap_or_default();
    let damaged = match contents.damaged {
        0 => String::new(),
        places => format!(
            "; {} can't be read or {} damaged: run fsck",
            plural(places, "place"),
            if places == 1 { "is" } else { "are" }
        ),
    };
    format!(
        "{}, {}, {}, {}{bytes}{damaged}",
        plural(contents.repositories, "repository"),
        plural(contents.tags, "tag"),
        plural(contents.manifests, "manifest"),
        plural(contents.blobs, "blob")
    )
}

fn since(oldest: Option<Timestamp>) -> String {
    oldest.map(|oldest| format!(", the oldest of {}", time(oldest))).unwrap_or_default()
}

fn uploads(info: &Info) -> String {
    let uploads = info.contents.uploads;
    match uploads.count {
        0 => "none unfinished".to_owned(),
        count => format!("{} unfinished, {}{}", count, size(uploads.bytes), since(uploads.oldest)),
    }
}

fn quarantine(info: &Info) -> String {
    let Some(held) = info.quarantine else { return UNKNOWN.to_owned() };
    match held.runs {
        0 => "empty".to_owned(),
        runs => {
            let what = [plural(runs, "run"), plural(held.items, "item")].join(" with ");
            format!("{what} of {}{}", size(held.bytes), since(held.oldest))
        }
    }
}

fn hashed(info: &Info) -> String {
    let Some(verified) = info.verified else {
        let text = if info.unread.is_empty() { "never: fsck --content hashes all content" } else { UNKNOWN };
        return text.to_owned();
    };
    let wrong = match verified.wrong {
        0 => String::new(),
        wrong => format!("; {} did not match", plural(wrong, "blob")),
    };
    let all = plural(info.contents.blobs, "blob");
    format!(
        "{} of {all}, first {}, last {}{wrong}",
        verified.right + verified.wrong,
        time(verified.first),
        time(verified.last)
    )
}

fn lock(info: &Info) -> String {
    if info.holders.is_empty() {
        return "no known holder".to_owned();
    }
    info.holders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn open_in(found: &OpenIn) -> String {
    let mut text = match found.processes.as_slice() {
        // A registry opens a file for a request, and closes it again.
        [] => "no process; an idle registry has nothing open".to_owned(),
        processes => {
            let named = processes.iter().map(|process| format!("{} (process {})", process.command, process.pid));
            named.collect::<Vec<_>>().join(", ")
        }
    };
    if found.unseen > 0 {
        text.extend(["; only root can check ", &found.unseen.to_string(), " more"]);
    }
    text
}

fn writable(info: &Info) -> String {
    if info.is_writable { "yes".to_owned() } else { format!("no; the tree belongs to uid {}", info.owner) }
}
