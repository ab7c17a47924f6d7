//! Finds the repositories, and reports what else is between them.

use rayon::prelude::*;

use super::candidate::{Blocks, Candidate};
use super::inspect::Inspector;
use crate::finding::{Code, Harm};
use crate::layout::{self, Area, Form, Place, TreePath};
use crate::repository::find::{Role, Sight, may_be_repository};
use crate::stream::Interrupt;
use crate::tree::EntryKind;

/// Finds all repositories, sorted by path, level by level.
pub(super) fn find(inspector: &Inspector<'_>, interrupt: &Interrupt) -> (Vec<Place>, Vec<Candidate>) {
    let (mut places, mut candidates) = (Vec::new(), Vec::new());
    let mut level = vec![Area::Repositories.path()];
    while !level.is_empty() && interrupt.signal().is_none() {
        let visited: Vec<_> = level
            .par_iter()
            .map(|directory| {
                let mut inspector = inspector.another(None);
                let (places, below) = visit(&mut inspector, directory);
                (places, below, inspector.candidates)
            })
            .collect();
        level.clear();
        for (found, below, reported) in visited {
            places.extend(found);
            level.extend(below);
            candidates.extend(reported);
        }
    }
    places.sort();
    (places, candidates)
}

fn visit(inspector: &mut Inspector<'_>, directory: &TreePath) -> (Vec<Place>, Vec<TreePath>) {
    let reported = inspector.candidates.len();
    let listed = inspector.list(directory, Blocks::None);
    if !may_be_repository(directory) {
        inspector.foreign(reported, "repository", listed.is_some());
    }
    let Some((_, listed)) = listed else { return (Vec::new(), Vec::new()) };
    if listed.is_empty() && directory.parent().is_some() {
        inspector.empty(directory);
    }
    // A directory that can't be listed is reported when the walk reaches it.
    let sight = Sight::of(inspector.tree, directory, &listed).unwrap_or_else(|(sight, _)| sight);
    let places = sight.places(directory);
    if places.iter().any(|place| place.form == Form::Alpha) {
        inspector.repository = Some(directory.below_area().to_owned());
        let message = "a repository in the layout of the first alphas: no later registry reads it";
        let finding = inspector.at(directory, Code::LegacyLayout, Harm::None, message);
        inspector.note(Blocks::None, finding);
        inspector.repository = None;
    }
    let mut below = Vec::new();
    for entry in listed {
        match sight.role(directory, &entry) {
            // Reading the repository reports this.
            Role::Own(_) => {}
            Role::Below(path) => below.push(path),
            // The quarantine of an area is regtree's own.
            Role::Hidden(path) if layout::is_in_quarantine(&path) => {}
            Role::Hidden(path) => {
                let message = "an unknown directory: registries ignore those whose names begin with _";
                let finding = inspector.at(&path, Code::FileUnexpected, Harm::Possible, message);
                inspector.note(Blocks::None, finding.found(&EntryKind::Directory.describe()));
            }
            // A registry follows the link, and finds a repository there or nothing.
            Role::Odd(path) if Form::Current.owns(path.file_name()) => drop(inspector.list(&path, Blocks::Repository)),
            Role::InTheWay(_) | Role::File | Role::Odd(_) | Role::Nameless => inspector.stranger(directory, "", &entry),
        }
    }
    (places, below)
}
