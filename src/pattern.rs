//! Choosing repositories by patterns of their names.

use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

use crate::error::{Error, Result};

/// A pattern of repositories' names: `*` and `?` stay within a part of a name, `**` does not.
#[derive(Clone, Debug)]
pub struct Pattern(GlobMatcher);

impl FromStr for Pattern {
    type Err = globset::Error;

    fn from_str(text: &str) -> Result<Self, globset::Error> {
        Ok(Self(GlobBuilder::new(text).literal_separator(true).build()?.compile_matcher()))
    }
}

impl Pattern {
    /// Whether a repository is chosen, by its path.
    pub fn is_match(&self, name: &str) -> bool {
        self.0.is_match(name)
    }

    /// Whether a directory is, or could be above, one that is chosen. In doubt it could.
    pub(crate) fn could_hold(&self, directory: &str) -> bool {
        let mut parts = self.0.glob().glob().split('/');
        for name in directory.split('/').filter(|name| !name.is_empty()) {
            let Some(part) = parts.next() else { return false };
            // An alternative may have several parts, and a class may look like a separator.
            if part.contains("**") || part.contains(['{', '[', '\\']) {
                return true;
            }
            if !part.parse::<Self>().is_ok_and(|part| part.is_match(name)) {
                return false;
            }
        }
        true
    }
}

/// Patterns of which any may choose; without any, all is chosen.
#[derive(Clone, Debug, Default)]
pub struct Patterns(Vec<Pattern>);

impl From<Vec<Pattern>> for Patterns {
    fn from(patterns: Vec<Pattern>) -> Self {
        Self(patterns)
    }
}

impl Patterns {
    /// Whether all is chosen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a repository is chosen, by its path.
    pub fn is_match(&self, name: &str) -> bool {
        self.is_empty() || self.0.iter().any(|pattern| pattern.is_match(name))
    }

    /// As [`Pattern::could_hold`], for any of them.
    pub(crate) fn could_hold(&self, directory: &str) -> bool {
        self.is_empty() || self.0.iter().any(|pattern| pattern.could_hold(directory))
    }

    /// `Err(NoMatch)`, naming it, when one of them chooses nothing: it is mistyped, and nothing would be looked at for it.
    pub fn check(&self, chooses: impl Fn(&Pattern) -> bool) -> Result<()> {
        match self.0.iter().find(|pattern| !chooses(pattern)) {
            Some(idle) => Err(Error::NoMatch { pattern: idle.0.glob().glob().to_owned() }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Patterns {
        texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>().into()
    }

    #[test]
    fn any_of_several_chooses_whatever_is_in_them() {
        let several = patterns(&["ns/*", "a,b", "{c,d{e,f}}"]);
        for (name, expected) in [("ns/app", true), ("ns/app/x", false), ("a,b", true), ("a", false), ("df", true)] {
            assert_eq!(several.is_match(name), expected, "{name}");
        }
        assert!(patterns(&[]).is_match("anything") && patterns(&[]).check(|_| false).is_ok());
    }

    #[test]
    fn the_one_that_chooses_nothing_is_named() {
        let error = patterns(&["ns/*", "app"]).check(|pattern| pattern.is_match("ns/app")).unwrap_err();
        assert!(matches!(error, Error::NoMatch { pattern } if pattern == "app"));
    }

    #[test]
    fn a_directory_could_hold_what_a_pattern_may_come_to() {
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
            assert_eq!(patterns(&[pattern]).could_hold(directory), expected, "{pattern} {directory}");
        }
    }
}
