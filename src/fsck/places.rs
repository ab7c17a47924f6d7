//! Where repositories are, and what lies between them.

use rayon::prelude::*;

use super::clue::{Cause, Clue};
use super::eye::Eye;
use crate::finding::{Code, Finding, Severity};
use crate::layout::{Area, Form, Place, TreePath};
use crate::repository::find;
use crate::stream::Interrupt;
use crate::tree::Kind;

/// Finds all repositories, sorted by path, level by level.
pub(super) fn find(eye: &Eye<'_>, interrupt: &Interrupt) -> (Vec<Place>, Vec<Clue>) {
    let (mut places, mut clues) = (Vec::new(), Vec::new());
    let mut level = vec![Area::Repositories.path()];
    while !level.is_empty() && interrupt.signal().is_none() {
        let visited: Vec<_> = level
            .par_iter()
            .map(|directory| {
                let mut eye = eye.another(None);
                let (places, below) = visit(&mut eye, directory);
                (places, below, eye.clues)
            })
            .collect();
        level.clear();
        for (found, below, told) in visited {
            places.extend(found);
            level.extend(below);
            clues.extend(told);
        }
    }
    places.sort();
    (places, clues)
}

fn visit(eye: &mut Eye<'_>, directory: &TreePath) -> (Vec<Place>, Vec<TreePath>) {
    let (mut places, mut below) = (Vec::new(), Vec::new());
    let Some((_, listed)) = eye.list(directory, Cause::None) else { return (places, below) };
    if listed.is_empty() && directory.parent().is_some() {
        eye.empty(directory);
    }
    let has = |form: Form| listed.iter().any(|entry| entry.text().is_some_and(|name| form.owns(name)));
    if has(Form::Current) {
        places.push(Place { directory: directory.clone(), form: Form::Current });
    }
    // What can't be listed for the answer is told when the walk comes to it.
    let is_alpha = has(Form::Alpha) && find::is_alpha(eye.tree, directory).unwrap_or_default();
    if is_alpha {
        places.push(Place { directory: directory.clone(), form: Form::Alpha });
        eye.repository = Some(directory.below_area().to_owned());
        let message = "a repository as the first alphas laid it out: no registry since reads it";
        let finding = eye.at(directory, Code::LegacyLayout, Severity::Info, message);
        eye.note(Cause::None, finding);
        eye.repository = None;
    }
    for entry in listed {
        let path = entry.text().filter(|_| entry.kind == Kind::Directory).and_then(|name| directory.child(name));
        match path {
            Some(path) if Form::Current.owns(path.file_name()) => {}
            Some(path) if is_alpha && Form::Alpha.owns(path.file_name()) => {}
            Some(path) if path.file_name().starts_with('_') => {
                let message = "a folder that no repository has: registries look into none that begins so";
                let finding = eye.at(&path, Code::FileUnexpected, Severity::Warning, message);
                eye.note(Cause::None, Finding { found: Some(Kind::Directory.describe().to_owned()), ..finding });
            }
            Some(path) => below.push(path),
            None => eye.stranger(directory, "", &entry),
        }
    }
    (places, below)
}
