//! Works on many items on all threads, a few at a time, and gives the results in the order of the items.

use std::iter;

use rayon::prelude::*;

/// Takes the items piece by piece: `each` for every thread that works on them.
pub(crate) fn pieces<T>(items: impl Iterator<Item = T>, each: usize) -> impl Iterator<Item = Vec<T>> {
    let (mut items, most) = (items.fuse(), each * rayon::current_num_threads());
    iter::from_fn(move || Some(items.by_ref().take(most).collect::<Vec<_>>()).filter(|piece| !piece.is_empty()))
}

/// Maps the items on all threads. Only the results of one piece are in memory.
pub(crate) fn map<T: Send, R: Send>(
    items: impl Iterator<Item = T>,
    each: usize,
    act: impl Fn(T) -> R + Sync,
) -> impl Iterator<Item = R> {
    pieces(items, each).flat_map(move |piece| piece.into_par_iter().map(&act).collect::<Vec<R>>())
}
