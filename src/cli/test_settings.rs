//! Settings that tests make by the environment. Release builds refuse them: gc with a wrong time could remove content.

use std::time::Duration;

use jiff::Timestamp;

use super::root::Places;
use crate::fsck;

/// The current time, in RFC 3339.
const NOW: &str = "REGTREE_TEST_NOW";
/// `none` lets fsck check its findings again without a pause.
const PAUSES: &str = "REGTREE_TEST_PAUSES";
/// The directory that takes the place of `/` where configurations and roots are looked for.
const PLACES: &str = "REGTREE_TEST_PLACES";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct TestSettings {
    pub(super) now: Timestamp,
    pub(super) pauses: Vec<Duration>,
    pub(super) places: Places,
}

impl TestSettings {
    /// Reads the settings from the environment; without one, the time is the clock's. `Err` says what is wrong.
    pub(super) fn read() -> Result<Self, String> {
        let set =
            [NOW, PAUSES, PLACES].map(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()));
        Self::parse(set, cfg!(debug_assertions))
    }

    fn parse([now, pauses, places]: [Option<String>; 3], is_test_build: bool) -> Result<Self, String> {
        let set =
            [(NOW, &now), (PAUSES, &pauses), (PLACES, &places)].map(|(name, value)| value.as_ref().and(Some(name)));
        if let Some(name) = set.into_iter().flatten().next()
            && !is_test_build
        {
            return Err(format!("{name} is for tests; this program was built for use and refuses it: unset {name}"));
        }
        let now = match now {
            Some(text) => text.parse().map_err(|error| format!("{NOW}: {error}"))?,
            None => clock(),
        };
        let pauses = match pauses.as_deref() {
            None => fsck::PAUSES.to_vec(),
            Some("none") => vec![Duration::ZERO],
            Some(other) => return Err(format!("{PAUSES}: expected none, not {other}")),
        };
        Ok(Self { now, pauses, places: places.map_or_else(Places::default, Places::below) })
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the time; all else is given it")]
fn clock() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn parse(now: Option<&str>, pauses: Option<&str>, is_test_build: bool) -> Result<TestSettings, String> {
        TestSettings::parse([now, pauses, None].map(|value| value.map(str::to_owned)), is_test_build)
    }

    #[test]
    fn a_test_chooses_where_configurations_are_looked_for_and_a_build_for_use_does_not() {
        let parse = |is_test_build| TestSettings::parse([None, None, Some("/tmp/x".to_owned())], is_test_build);
        assert_eq!(parse(true).unwrap().places, Places::below("/tmp/x"));
        assert!(parse(false).unwrap_err().contains(PLACES));
    }

    #[test]
    fn a_test_sets_the_time_and_the_pauses() {
        let set = parse(Some("2026-11-22T00:00:00Z"), Some("none"), true).unwrap();
        assert_eq!((set.now.to_string(), set.pauses), ("2026-11-22T00:00:00Z".to_owned(), vec![Duration::ZERO]));
        for is_test_build in [true, false] {
            assert_eq!(parse(None, None, is_test_build).unwrap().pauses, fsck::PAUSES);
        }
    }

    #[test]
    fn what_is_malformed_is_refused_and_all_is_in_a_build_for_use() {
        for (now, pauses, is_test_build, name) in [
            (Some("yesterday"), None, true, NOW),
            (Some(""), None, true, NOW),
            (None, Some("0"), true, PAUSES),
            (Some("2026-11-22T00:00:00Z"), None, false, NOW),
            (Some(""), None, false, NOW),
            (None, Some("none"), false, PAUSES),
        ] {
            let error = parse(now, pauses, is_test_build).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }
}
