//! The text of a progress bar, with the parts for which the terminal has room.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, HumanDuration};

/// The widths of a bar, where there is room for it and where there is little.
const BARS: [u64; 2] = [30, 10];

/// How many items are done, and how many there are. That is 0 where it is not known, and both are where items are not
/// counted.
#[derive(Debug, Default)]
pub(super) struct Items {
    done: AtomicU64,
    total: AtomicU64,
}

impl Items {
    pub(super) fn set(&self, done: u64, total: Option<u64>) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total.unwrap_or_default(), Ordering::Relaxed);
    }

    /// How many are done, and the text for that; `None` where items are not counted.
    fn shown(&self) -> Option<(u64, String)> {
        match (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed)) {
            (0, 0) => None,
            (done, 0) => Some((done, done.to_string())),
            (done, total) => Some((done, format!("{done}/{total}"))),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) bytes: u64,
    pub(super) total: Option<u64>,
    pub(super) elapsed: Duration,
    pub(super) left: Duration,
}

/// The parts of the line, each with its rank: where there is no room, the part with the highest rank is left out first.
pub(super) fn parts(name: &str, state: State, items: &Items) -> Vec<(u8, Part)> {
    let State { bytes, total, elapsed, left } = state;
    let text = |text: String| Part::Text(text);
    let mut parts = vec![(0, text(name.to_owned()))];
    let items = items.shown();
    if let (0, None, Some((done, items))) = (bytes, total, &items) {
        parts.push((2, text(items.clone())));
        parts.push((5, text(format!("{}/s", done / elapsed.as_secs().max(1)))));
        parts.push((3, text(format!("{:#}", HumanDuration(elapsed)))));
        return parts;
    }
    if let Some(total) = total {
        parts.push((4, Part::Bar { bytes, total }));
        parts.push((1, text(format!("{}/{}", HumanBytes(bytes), HumanBytes(total)))));
    } else if bytes > 0 {
        parts.push((1, text(HumanBytes(bytes).to_string())));
    }
    if bytes > 0 {
        parts.push((5, text(format!("{}/s", HumanBytes(bytes / elapsed.as_secs().max(1))))));
    }
    let time = if total.is_some() {
        format!("{:#} left", HumanDuration(left))
    } else {
        format!("{:#}", HumanDuration(elapsed))
    };
    parts.push((3, text(time)));
    parts.extend(items.map(|(_, items)| (2, text(items))));
    parts
}

#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    Bar { bytes: u64, total: u64 },
}

/// The parts that fit in a line of `columns`. A bar becomes shorter before a part is left out.
pub(super) fn fit(parts: &[(u8, Part)], columns: usize) -> String {
    let joined = |below: u8, width: u64| {
        let shown = parts.iter().filter(|(rank, _)| *rank < below).map(|(_, part)| match part {
            Part::Text(text) => text.clone(),
            Part::Bar { bytes, total } => bar(*bytes, *total, width),
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    let [wide, narrow] = BARS;
    let lines = std::iter::once((6, wide)).chain((1..=6).rev().map(|below| (below, narrow)));
    let fitting = lines.map(|(below, width)| joined(below, width)).find(|line| line.chars().count() <= columns);
    fitting.unwrap_or_else(|| joined(1, narrow).chars().take(columns).collect())
}

fn bar(bytes: u64, total: u64, width: u64) -> String {
    let filled = (u128::from(bytes.min(total)) * u128::from(width)).checked_div(total.into()).unwrap_or(0);
    let filled = usize::try_from(filled).unwrap_or_default();
    let all = usize::try_from(width).unwrap_or_default();
    format!("{}{}", "█".repeat(filled), "░".repeat(all.saturating_sub(filled)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_up_what_matters_least_until_it_fits() {
        let items = Items::default();
        items.set(3, Some(16));
        let (elapsed, left) = (Duration::from_secs(4), Duration::from_secs(12));
        let parts = parts("storing", State { bytes: 4096, total: Some(16384), elapsed, left }, &items);
        let [wide, narrow] = BARS.map(|width| bar(4096, 16384, width));
        assert_eq!(wide, format!("{}{}", "█".repeat(7), "░".repeat(23)));
        for (columns, line) in [
            (120, format!("storing {wide} 4.00 KiB/16.00 KiB 1.00 KiB/s 12s left 3/16")),
            (76, format!("storing {narrow} 4.00 KiB/16.00 KiB 1.00 KiB/s 12s left 3/16")),
            (55, format!("storing {narrow} 4.00 KiB/16.00 KiB 12s left 3/16")),
            (40, "storing 4.00 KiB/16.00 KiB 12s left 3/16".to_owned()),
            (32, "storing 4.00 KiB/16.00 KiB 3/16".to_owned()),
            (28, "storing 4.00 KiB/16.00 KiB".to_owned()),
            (9, "storing".to_owned()),
            (4, "stor".to_owned()),
        ] {
            assert_eq!(fit(&parts, columns), line, "{columns}");
        }
    }

    #[test]
    fn a_bar_fits_on_a_terminal_of_80_columns() {
        let items = Items::default();
        items.set(17083, Some(30062));
        let (elapsed, left) = (Duration::from_secs(1), Duration::from_secs(2));
        let state = State { bytes: 1_181_116_006, total: Some(3_350_074_490), elapsed, left };
        let line = fit(&parts("hashing content", state, &items), 79);
        assert_eq!(line, "hashing content ███░░░░░░░ 1.10 GiB/3.12 GiB 1.10 GiB/s 2s left 17083/30062");
    }

    #[test]
    fn items_are_shown_with_their_rate_and_with_a_total_where_that_is_known() {
        let items = Items::default();
        let state = State { bytes: 0, total: None, elapsed: Duration::from_secs(4), left: Duration::ZERO };
        let line = |items: &Items| fit(&parts("reading", state, items), 79);
        assert_eq!(line(&items), "reading 4s");
        items.set(41, None);
        assert_eq!(line(&items), "reading 41 10/s 4s");
        items.set(41, Some(100));
        assert_eq!(line(&items), "reading 41/100 10/s 4s");
    }

    #[test]
    fn a_total_of_nothing_is_a_bar_of_nothing() {
        assert_eq!(bar(0, 0, 30), "░".repeat(30));
        assert_eq!(bar(u64::MAX, 1, 30), "█".repeat(30));
    }
}
