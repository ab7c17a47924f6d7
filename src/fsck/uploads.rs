//! Judges uploads: when they began, what they received, and whether their hash states match that.

use std::os::fd::AsFd;

use rustix::fs::AtFlags;

use super::Options;
use super::candidate::Blocks;
use super::inspect::Inspector;
use crate::count;
use crate::finding::{Code, Harm, Repair, Subject};
use crate::layout::{Place, TreePath};
use crate::tree::{EntryKind, Listed};
use crate::upload::hash_state;

/// The maximum size of `startedat`. A registry writes 20 bytes; a longer file is no time.
const STARTED_MAX: usize = 64;
/// One byte more than the longest state, to notice one that is too long.
const STATE_MAX: usize = 513;
/// A piece that was not written to for this long is not being sent.
const PIECE: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// Judges all uploads of a repository, and reports those that began long ago. Returns whether one of them is named as
/// registries from 3.1 on name them.
pub(super) fn check(inspector: &mut Inspector<'_>, place: &Place, base: &TreePath, options: &Options) -> bool {
    let Some((_, listed)) = inspector.list(base, Blocks::None) else { return false };
    let is_modern = |entry: &Listed| {
        let id = entry.text().and_then(|name| uuid::Uuid::try_parse(name).ok());
        id.is_some_and(|id| id.get_version_num() == 7)
    };
    let has_modern = listed.iter().any(is_modern);
    for entry in listed {
        match entry.text().filter(|_| entry.kind == EntryKind::Directory).and_then(|name| base.child(name)) {
            // Folders of a repository of today that is called `…/uploads`.
            Some(path) if place.form == crate::layout::Form::Alpha && !is_alphas(inspector, &path) => {}
            Some(path) => check_one(inspector, &path, options),
            None => inspector.stranger(base, "", &entry),
        }
    }
    has_modern
}

fn is_alphas(inspector: &Inspector<'_>, path: &TreePath) -> bool {
    let started = path.started_at();
    inspector.tree.metadata(&started).is_ok_and(|found| found.is_some())
}

fn check_one(inspector: &mut Inspector<'_>, path: &TreePath, options: &Options) {
    let Some((handle, listed)) = inspector.list(path, Blocks::None) else { return };
    if listed.is_empty() {
        return inspector.empty(path);
    }
    let kind = |name: &str| listed.iter().find(|entry| entry.name == name).map(|entry| entry.kind);
    for entry in &listed {
        let expected = match entry.text() {
            Some("startedat" | "data") => EntryKind::File,
            Some("hashstates") => EntryKind::Directory,
            _ => EntryKind::Other,
        };
        if entry.kind != expected {
            inspector.stranger(path, "startedat", entry);
        }
    }
    check_start(inspector, path, handle.as_fd(), kind("startedat"), options);
    if kind("hashstates") == Some(EntryKind::Directory) {
        let received = match kind("data") {
            None => Some(0),
            Some(EntryKind::File) => size(inspector, &path.data()),
            Some(_) => None,
        };
        check_states(inspector, path, received, options.now);
    }
}

fn size(inspector: &Inspector<'_>, path: &TreePath) -> Option<u64> {
    inspector.tree.metadata(path).ok().flatten().map(|found| found.size)
}

fn check_start(
    inspector: &mut Inspector<'_>,
    path: &TreePath,
    handle: std::os::fd::BorrowedFd<'_>,
    kind: Option<EntryKind>,
    options: &Options,
) {
    let started = path.started_at();
    let without = |inspector: &Inspector<'_>, message: &str| {
        let subject = Subject::UploadStart(path.clone());
        inspector
            .at(subject, Code::UploadWithoutStartedat, Harm::Possible, message)
            .repaired_by(Repair::QuarantineUpload)
    };
    match kind {
        None => {
            let finding = without(inspector, "the upload has no start time: no registry ever purges it");
            return inspector.note(Blocks::None, finding);
        }
        Some(EntryKind::File) => {}
        Some(_) => return,
    }
    let mut buffer = [0; STARTED_MAX];
    let content = match inspector.read(handle, "startedat", &mut buffer, Blocks::None, || started.clone()) {
        Ok(content) => content,
        Err(rustix::io::Errno::NOENT) => return,
        Err(errno) => return inspector.refused(Blocks::None, &started, errno),
    };
    let text = std::str::from_utf8(content).ok();
    let Some(since) = text.and_then(crate::upload::parse_time) else {
        let finding = without(inspector, "it is not a time: no registry ever purges the upload");
        // A file with another name may be any file of its file system, so its text is not shown.
        let stat = rustix::fs::statat(handle, "startedat", AtFlags::SYMLINK_NOFOLLOW);
        let finding = match stat {
            Ok(stat) if stat.st_nlink == 1 => finding.found(&format!("{:?}", String::from_utf8_lossy(content))),
            _ => finding,
        };
        return inspector.note(Blocks::None, finding);
    };
    if crate::finding::is_in_future(since, options.now) {
        let message = format!("the upload says that it began at {since}, in the future: nothing purges it until then");
        let finding = inspector.at(Subject::UploadStart(path.clone()), Code::TimeInFuture, Harm::Possible, message);
        return inspector.note(Blocks::None, finding.found(&since));
    }
    if since >= options.uploads_began_before {
        return;
    }
    let is_uuid = uuid::Uuid::try_parse(path.file_name()).is_ok();
    let (harm, why) = if is_uuid {
        (Harm::None, "")
    } else {
        (Harm::Possible, "; its name is not a UUID, so no registry ever purges it")
    };
    let message = format!("the upload began at {since}{why}");
    let finding = inspector.at(Subject::Upload(path.clone()), Code::UploadStale, harm, message);
    inspector.note(Blocks::None, finding.found(&since).repaired_by(Repair::QuarantineUpload));
}

fn check_states(inspector: &mut Inspector<'_>, path: &TreePath, received: Option<u64>, now: jiff::Timestamp) {
    let base = path.hash_states();
    let Some((_, algorithms)) = inspector.list(&base, Blocks::None) else { return };
    for entry in algorithms {
        let algorithm = entry.text().filter(|name| entry.kind == EntryKind::Directory && *name == "sha256");
        match algorithm.and_then(|name| base.child(name)) {
            Some(states) => check_sha256(inspector, path, &states, received, now),
            None => inspector.stranger(&base, "", &entry),
        }
    }
}

fn check_sha256(
    inspector: &mut Inspector<'_>,
    upload: &TreePath,
    states: &TreePath,
    received: Option<u64>,
    now: jiff::Timestamp,
) {
    let Some((handle, listed)) = inspector.list(states, Blocks::None) else { return };
    let mut last = None;
    for entry in listed {
        let Some(offset) = offset(&entry) else {
            inspector.stranger(states, entry.text().and_then(crate::layout::temporary_of).unwrap_or_default(), &entry);
            continue;
        };
        last = last.max(Some(offset));
        let path = states.child(&offset.to_string()).expect("digits are a plain name");
        let mut buffer = [0; STATE_MAX];
        let content = match inspector.read(handle.as_fd(), path.file_name(), &mut buffer, Blocks::None, || path.clone())
        {
            Ok(content) => content,
            Err(rustix::io::Errno::NOENT) => continue,
            Err(errno) => {
                inspector.refused(Blocks::None, &path, errno);
                continue;
            }
        };
        let fault = match hash_state::decode(content) {
            Err(error) => Some(error.to_string()),
            Ok(state) if state.length() != offset => Some(format!("it covers {}", count::bytes(state.length()))),
            Ok(_) if received.is_some_and(|received| offset > received) => {
                Some(format!("the upload has received only {}", count::bytes(received.unwrap_or_default())))
            }
            Ok(_) => None,
        };
        if let Some(fault) = fault {
            invalid(inspector, &path, format!("the hash state of {} can't be used: {fault}", count::bytes(offset)));
        }
    }
    let (Some(last), Some(received)) = (last, received) else { return };
    let data = upload.data();
    if received > last && !is_in_progress(inspector, &data, now) {
        invalid(inspector, &data, format!("it has {}, and the last hash state covers {last}", count::bytes(received)));
    }
}

/// Whether a piece is being sent: a registry writes the state when a piece is complete.
fn is_in_progress(inspector: &Inspector<'_>, data: &TreePath, now: jiff::Timestamp) -> bool {
    let modified = inspector.tree.metadata(data).ok().flatten().map(|found| found.modified);
    modified.is_some_and(|modified| now.duration_since(modified) < PIECE)
}

fn invalid(inspector: &mut Inspector<'_>, path: &TreePath, message: String) {
    let finding = inspector.at(path, Code::HashStateInvalid, Harm::Possible, message);
    inspector.note(Blocks::None, finding);
}

/// The offset in the name of a state's file.
fn offset(entry: &Listed) -> Option<u64> {
    let name = entry.text().filter(|_| entry.kind == EntryKind::File)?;
    let offset: u64 = name.parse().ok()?;
    (offset.to_string() == name).then_some(offset)
}
