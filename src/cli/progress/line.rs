//! The text of a progress bar, with the parts for which the terminal has room.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, HumanDuration};

const BAR: u64 = 30;

/// How many items are done, and how many there are; both are 0 where items are not counted.
#[derive(Debug, Default)]
pub(super) struct Items {
    done: AtomicU64,
    total: AtomicU64,
}

impl Items {
    pub(super) fn set(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
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
pub(super) fn parts(name: &str, state: State, items: &Items) -> Vec<(u8, String)> {
    let State { bytes, total, elapsed, left } = state;
    let mut parts = vec![(0, name.to_owned())];
    if let Some(total) = total {
        parts.push((5, bar(bytes, total)));
        parts.push((1, format!("{}/{}", HumanBytes(bytes), HumanBytes(total))));
    } else if bytes > 0 {
        parts.push((1, HumanBytes(bytes).to_string()));
    }
    if bytes > 0 {
        parts.push((4, format!("{}/s", HumanBytes(bytes / elapsed.as_secs().max(1)))));
    }
    let time = if total.is_some() {
        format!("{:#} left", HumanDuration(left))
    } else {
        format!("{:#}", HumanDuration(elapsed))
    };
    parts.push((3, time));
    let (done, all) = (items.done.load(Ordering::Relaxed), items.total.load(Ordering::Relaxed));
    if all > 0 {
        parts.push((2, format!("{done}/{all}")));
    }
    parts
}

/// The parts that fit in a line of `columns`.
pub(super) fn fit(parts: &[(u8, String)], columns: usize) -> String {
    let joined = |below: u8| {
        let shown = parts.iter().filter(|(rank, _)| *rank < below).map(|(_, text)| text.as_str());
        shown.collect::<Vec<_>>().join(" ")
    };
    let lines = (1..=6).rev().map(joined);
    let fitting = lines.into_iter().find(|line| line.chars().count() <= columns);
    fitting.unwrap_or_else(|| joined(1).chars().take(columns).collect())
}

fn bar(bytes: u64, total: u64) -> String {
    let filled = (u128::from(bytes.min(total)) * u128::from(BAR)).checked_div(total.into()).unwrap_or(0);
    let filled = usize::try_from(filled).unwrap_or_default();
    let all = usize::try_from(BAR).unwrap_or_default();
    format!("{}{}", "█".repeat(filled), "░".repeat(all.saturating_sub(filled)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_up_what_matters_least_until_it_fits() {
        let items = Items::default();
        items.set(3, 16);
        let (elapsed, left) = (Duration::from_secs(4), Duration::from_secs(12));
        let parts = parts("storing", State { bytes: 4096, total: Some(16384), elapsed, left }, &items);
        let bar = format!("{}{}", "█".repeat(7), "░".repeat(23));
        for (columns, line) in [
            (120, format!("storing {bar} 4.00 KiB/16.00 KiB 1.00 KiB/s 12s left 3/16")),
            (76, "storing 4.00 KiB/16.00 KiB 1.00 KiB/s 12s left 3/16".to_owned()),
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
    fn a_total_of_nothing_is_a_bar_of_nothing() {
        assert_eq!(bar(0, 0), "░".repeat(30));
        assert_eq!(bar(u64::MAX, 1), "█".repeat(30));
    }
}
