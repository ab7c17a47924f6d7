//! The keys of a site's file, and what each may be.

use std::path::Path;

use toml::de::DeValue;

use super::super::parse_span;
use crate::named::named;

named! {
    /// A key of a site's file.
    pub(in super::super) enum Setting {
        /// Where the tree is.
        Root = "root",
        /// How young `gc` keeps everything.
        MinAge = "min-age",
        /// How old an upload is that `gc` removes.
        UploadsOlderThan = "uploads-older-than",
        /// Whether what is removed goes to the quarantine.
        Quarantine = "quarantine",
        /// How many threads read.
        Jobs = "jobs",
        /// The rules by which tags go.
        Policy = "policy",
    }
}

impl Setting {
    /// The option that it sets the default of. The root is found by rules of its own.
    pub(in super::super) fn option(self) -> Option<&'static str> {
        match self {
            Self::Root => None,
            Self::MinAge => Some("min_age"),
            Self::UploadsOlderThan => Some("uploads_older_than"),
            Self::Quarantine => Some("quarantine"),
            Self::Jobs => Some("jobs"),
            Self::Policy => Some("policy"),
        }
    }

    /// The value as the option takes it. `Err` says what is wanted.
    pub(super) fn check(self, value: &DeValue<'_>) -> Result<String, &'static str> {
        match self {
            Self::Root | Self::Policy => {
                let path = value.as_str().filter(|path| Path::new(path).is_absolute());
                path.map(str::to_owned).ok_or("expected an absolute path")
            }
            Self::MinAge | Self::UploadsOlderThan => {
                let text = value.as_str().ok_or("expected a text such as \"7d\"")?;
                parse_span(text).map(|_| text.to_owned())
            }
            Self::Quarantine => value.as_bool().map(|is_on| is_on.to_string()).ok_or("expected true or false"),
            Self::Jobs => {
                let number = value.as_integer().filter(|number| number.radix() == 10);
                let number = number.and_then(|number| number.as_str().parse::<u16>().ok());
                let number = number.filter(|number| (1..=256).contains(number));
                number.map(|number| number.to_string()).ok_or("expected a number from 1 to 256")
            }
        }
    }
}
