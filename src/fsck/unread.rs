//! Reports what could not be looked at. A later look may have succeeded, but what lies behind the place was not checked
//! by the look that failed.

use std::collections::HashSet;
use std::io::ErrorKind;

use super::Options;
use super::blobs::Blobs;
use super::candidate::{Blocks, Candidate};
use super::inspect::Inspector;
use super::pass::Pass;
use crate::error::Error;
use crate::finding::{Code, Finding, Harm};
use crate::judge::content::reason;
use crate::layout::{Area, Entry, TreePath};
use crate::tree::Moment;

/// The findings about what could not be read since `moment` and is not in `reported`; and whether there was anything at
/// all that could not be read.
pub(super) fn find(
    inspector: &Inspector<'_>,
    moment: Moment,
    reported: &[Candidate],
    is_wanted: impl Fn(&TreePath) -> bool,
) -> (Vec<Candidate>, bool) {
    let tree = inspector.tree;
    let places = |chosen: fn(Code) -> bool| -> HashSet<TreePath> {
        let reported = reported.iter().map(|candidate| &candidate.finding);
        reported.filter(|finding| chosen(finding.code)).filter_map(Finding::place).collect()
    };
    let unread = places(|code| code == Code::Unreadable);
    let refused = places(|code| matches!(code, Code::Permissions | Code::Symlink));
    let (mut found, mut is_partial) = (Vec::new(), false);
    for error in tree.unread_since(moment) {
        let place = error.path().and_then(|path| tree.find(path)).unwrap_or_else(|| Area::Repositories.path());
        if !is_wanted(&place) {
            continue;
        }
        is_partial = true;
        let is_refused = place.ancestors().any(|place| refused.contains(&place)) && is_denied(&error);
        if !is_refused && !place.ancestors().any(|place| unread.contains(&place)) {
            let message = format!("a look at it failed, so not everything was checked: {}", reason(&error));
            let finding = inspector.at(&place, Code::NotChecked, Harm::Certain, message);
            found.push(Candidate::new(finding, Blocks::None));
        }
    }
    (found, is_partial)
}

fn is_denied(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied)
}

/// Whether a place is in the repositories that were asked for, or is or hides content that they need.
pub(super) fn is_wanted(place: &TreePath, options: &Options, blobs: &Blobs<'_>, first: &Pass) -> bool {
    let only = &options.only;
    match place.area() {
        _ if only.is_empty() => true,
        Area::Repositories => {
            only.could_hold(place.below_area()) || place.ancestors().any(|above| only.is_match(above.below_area()))
        }
        Area::Blobs => match Entry::parse(place).or_else(|| Entry::parse(&place.data())) {
            Some(Entry::Blob(digest)) => first.needed.contains(blobs, &digest),
            _ => first.needed.is_any_below(place),
        },
    }
}
