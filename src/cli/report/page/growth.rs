//! Growth by month, from the times of blobs.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};

use super::{number, size};
use crate::cli::count::human_bytes;
use crate::du::Month;

/// How many months are drawn. What is older or later is a bar of its own.
const DRAWN: i32 = 24;
/// The width of the drawing, and the height of the highest bar.
const WIDTH: u64 = 800;
const HEIGHT: u64 = 160;

/// What was written in a month, or before or after those that are drawn.
#[derive(Debug, Default, PartialEq, Eq)]
struct Bar {
    name: String,
    bytes: u64,
}

pub(super) fn of(months: &[Month], now: Timestamp) -> Markup {
    let bars = bars(months, now);
    let most = bars.iter().map(|bar| bar.bytes).max().unwrap_or_default();
    html! {
        section #growth {
            h2 { "Growth" }
            p { "The content that is there, by the month in which it was written. What was removed since is not in it." }
            div.map { svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT + 20) } role="img" aria-label="Bytes by month: the table below has them" {
                @for (at, bar) in bars.iter().enumerate() { (draw(bar, at as u64, bars.len() as u64, most)) }
            } }
            details { summary { "By month, as a table" } div.scroll { (table(months)) } }
        }
    }
}

/// A bar for each of the months up to now, and one for all that is older or later, if anything is.
fn bars(months: &[Month], now: Timestamp) -> Vec<Bar> {
    let last = TimeZone::UTC.to_datetime(now).date().first_of_month();
    let names = (0..DRAWN).rev().filter_map(|back| last.checked_sub(back.months()).ok());
    let names: Vec<String> = names.map(|month| month.strftime("%Y-%m").to_string()).collect();
    let (Some(first), Some(last)) = (names.first().cloned(), names.last().cloned()) else { return Vec::new() };
    let sum = |is_in: &dyn Fn(&str) -> bool| {
        months.iter().filter(|month| is_in(&month.name)).map(|month| month.bytes).sum::<u64>()
    };
    let mut bars = vec![Bar { name: "before".to_owned(), bytes: sum(&|month| *month < *first) }];
    bars.extend(names.into_iter().map(|name| Bar { bytes: sum(&|month| *month == *name), name }));
    bars.push(Bar { name: "later".to_owned(), bytes: sum(&|month| *month > *last) });
    bars.retain(|bar| bar.bytes > 0 || bar.name.contains('-'));
    bars
}

fn draw(bar: &Bar, at: u64, count: u64, most: u64) -> Markup {
    let scaled = (u128::from(bar.bytes) * u128::from(HEIGHT)).checked_div(most.into()).unwrap_or_default();
    // A bar of anything can be seen.
    let height = u64::try_from(scaled).unwrap_or(HEIGHT).max(u64::from(bar.bytes > 0));
    let (slot, x) = (WIDTH / count, at * WIDTH / count);
    html! {
        g {
            title { (bar.name) ": " (human_bytes(bar.bytes)) }
            rect.bar x=(x + 1) y=(HEIGHT - height) width=(slot.saturating_sub(3)) height=(height) {}
            @if is_named(at, count) || !bar.name.contains('-') { text x=(x) y=(HEIGHT + 14) font-size="11" { (bar.name) } }
        }
    }
}

/// Whether a month has its name below it. The last bar may have a name of its own, for which the one before leaves room.
fn is_named(at: u64, count: u64) -> bool {
    at.is_multiple_of(3) && at + 2 < count
}

fn table(months: &[Month]) -> Markup {
    let sums = months.iter().scan(0, |sum, month| {
        *sum += month.bytes;
        Some(*sum)
    });
    html! {
        table {
            thead { tr { th { "Month" } th.number { "Blobs" } th.number { "Size" } th.number { "Up to then" } } }
            tbody { @for (month, sum) in months.iter().zip(sums) {
                tr { th scope="row" { (month.name) } (number(month.blobs)) (size(month.bytes)) (size(sum)) }
            } }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn months_without_content_have_a_place_and_what_is_out_of_sight_is_summed() {
        let month = |month: &str, bytes| Month { name: month.to_owned(), blobs: 1, bytes };
        let now = "2026-11-30T12:00:00Z".parse().unwrap();
        let months = [("1970-01", 1), ("2024-11", 2), ("2024-12", 4), ("2026-11", 8), ("2026-12", 16), ("9999-12", 32)];
        let bars = bars(&months.map(|(name, bytes)| month(name, bytes)), now);
        assert_eq!(bars.len(), 26);
        let found = |at: usize| (&*bars[at].name, bars[at].bytes);
        assert_eq!([found(0), found(1), found(2)], [("before", 3), ("2024-12", 4), ("2025-01", 0)]);
        assert_eq!([found(24), found(25)], [("2026-11", 8), ("later", 48)]);
        assert_eq!(super::bars(&[], now).len(), 24);
    }

    #[test]
    fn names_of_months_have_room() {
        let month = |month: &str| Month { name: month.to_owned(), blobs: 1, bytes: 1 };
        let now = "2026-11-30T12:00:00Z".parse().unwrap();
        let page = of(&["1970-01", "2026-11", "2026-12"].map(month), now).into_string();
        let named = |name: &str| page.contains(&format!(">{name}</text>"));
        assert!(named("before") && named("2026-08") && named("later") && !named("2026-11"), "{page}");
    }
}
