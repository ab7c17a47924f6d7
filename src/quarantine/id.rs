//! Defines the names of the quarantine's runs.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const FORM: &str = "%Y%m%dT%H%M%SZ";
const TIME: usize = "20261121T123000Z".len();
const RANDOM: usize = 8;

/// The name of a run: the time when it began, in UTC, and random digits that make it unique. Names sort by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Box<str>);

/// The text is not the name of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a run, such as 20261121T123000Z-0123abcd")]
pub struct RunIdError;

impl RunId {
    /// Makes the name of a run that begins at `now`.
    pub(super) fn random(now: Timestamp) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        Self(format!("{}-{}", now.strftime(FORM), &random[..RANDOM]).into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the run began.
    pub fn began(&self) -> Timestamp {
        time(&self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

fn time(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime(FORM, text.get(..TIME)?).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let (when, random) = text.split_once('-').ok_or(RunIdError)?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        // The text becomes a path, so only a name that we could have written passes.
        let plain = when.len() == TIME && random.len() == RANDOM && random.bytes().all(is_hex);
        let again = time(text).map(|time| time.strftime(FORM).to_string());
        if plain && again.as_deref() == Some(when) { Ok(Self(text.into())) } else { Err(RunIdError) }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_and_is_nothing_else() {
        let now: Timestamp = "2026-11-21T12:30:00Z".parse().unwrap();
        let id = RunId::random(now);
        assert_eq!(id.began(), now);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for text in ["", "..", "a/b", "20261121T123000Z", "20261121T123000Z-0123abc/", "20261121T123000Z-0123ABCD"] {
            assert_eq!(text.parse::<RunId>(), Err(RunIdError), "{text}");
        }
        for text in ["20261321T123000Z-0123abcd", "../61121T123000Z-0123abcd", "20261121T123000Zé-0123abc"] {
            assert_eq!(text.parse::<RunId>(), Err(RunIdError), "{text}");
        }
    }
}
