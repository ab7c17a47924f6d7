//! Looking at some repositories only: those whose names match a pattern.

use globset::{GlobBuilder, GlobMatcher};

use super::blobs::check_signal;
use super::eye::Eye;
use super::places;
use crate::error::Result;
use crate::finding::Code;
use crate::layout::{Area, TreePath};
use crate::stream::Interrupt;
use crate::tree::Tree;

/// Whether a pattern matches a repository, or may match one that can't be seen.
pub fn matches_any(tree: &Tree, only: &GlobMatcher, interrupt: &Interrupt) -> Result<bool> {
    // Nothing can be seen of a disk that isn't mounted.
    if tree.area(Area::Repositories)?.is_none() {
        return Ok(true);
    }
    let (places, clues) = places::find(&Eye::new(tree)?, interrupt);
    check_signal(interrupt)?;
    let hides = |place: &TreePath, code| may_hide(only, code, place);
    let is_match = places.iter().any(|place| only.is_match(place.directory.below_area()));
    Ok(is_match
        || clues.iter().any(|clue| clue.finding.place.as_ref().is_some_and(|place| hides(place, clue.finding.code))))
}

/// Whether what is wrong with a directory may hide repositories that match.
pub(super) fn may_hide(only: &GlobMatcher, code: Code, place: &TreePath) -> bool {
    let hides = matches!(code, Code::Unreadable | Code::Permissions | Code::Symlink | Code::RepositoriesMissing);
    hides && place.area() == Area::Repositories && could_hold(only.glob().glob(), place.below_area())
}

/// Whether a directory is, or could be above, one that matches. In doubt it could.
fn could_hold(pattern: &str, directory: &str) -> bool {
    let mut pattern = pattern.split('/');
    for name in directory.split('/').filter(|name| !name.is_empty()) {
        let Some(part) = pattern.next() else { return false };
        // An alternative may have several parts, and a class may look like a separator.
        if part.contains("**") || part.contains(['{', '[', '\\']) {
            return true;
        }
        if !GlobBuilder::new(part).build().is_ok_and(|glob| glob.compile_matcher().is_match(name)) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::could_hold;

    #[test]
    fn a_directory_could_hold_what_its_pattern_may_come_to() {
        for (pattern, directory, expected) in [
            ("ns/app", "ns", true),
            ("ns/app", "ns/app", true),
            ("ns/app", "ns/app/below", false),
            ("ns/app", "other", false),
            ("ns/app", "", true),
            ("*", "ns", true),
            ("*", "ns/app", false),
            ("**", "ns/app/below", true),
            ("n?/**/app", "ns/app/below", true),
            ("n?/**/app", "other", false),
            ("{a/b,c}", "a", true),
            ("{a/b,c}/d", "c/d", true),
        ] {
            assert_eq!(could_hold(pattern, directory), expected, "{pattern} {directory}");
        }
    }
}
