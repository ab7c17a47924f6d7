//! Tags that were made for another image, such as those of its signatures.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::rules::Reason;
use crate::error::Result;
use crate::gc::{Foresight, TagOf};
use crate::stream::Watch;
use crate::tree::Tree;

/// Whether a tag was made for another image. Its name says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Companion {
    /// A collection sees that too.
    Certain,
    /// What it points to does not show it. Then it goes only if the rules do not keep it either.
    Doubtful,
}

/// Of `waiting`, the tags that stay although no rule keeps them, and why. All other tags of the tree are taken to stay.
///
/// A tag that stays leads to what it points to, which may be the subject of another tag: so they are looked at until no
/// more of them stay.
pub(super) fn that_stay(
    foresight: &mut Foresight,
    tree: &Tree,
    mut waiting: HashMap<TagOf, Companion>,
    now: Timestamp,
    watch: &Watch<'_>,
) -> Result<HashMap<TagOf, Reason>> {
    let mut stay = HashMap::new();
    if waiting.is_empty() {
        return Ok(stay);
    }
    let let_go = foresight.let_go(tree, now, watch)?;
    let is_kept = |tag: &TagOf, companion: &Companion| *companion == Companion::Certain && !let_go.contains(tag);
    for (tag, _) in waiting.extract_if(|tag, companion| is_kept(tag, companion)) {
        let reason = if foresight.has_subject(&tag) { Reason::Subject } else { Reason::SubjectUnknown };
        stay.insert(tag, reason);
    }
    let mut waiting: HashSet<TagOf> = waiting.into_keys().collect();
    loop {
        let led_to = foresight.led_to(tree, &waiting, now, watch)?;
        if led_to.is_empty() {
            return Ok(stay);
        }
        waiting.retain(|tag| !led_to.contains(tag));
        stay.extend(led_to.into_iter().map(|tag| (tag, Reason::Subject)));
    }
}
