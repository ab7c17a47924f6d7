//! Chooses repositories and tags by patterns for their names.

use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};
use regex::bytes::{Regex, RegexBuilder};

use crate::error::{Error, Result};
use crate::name::RepositoryName;

/// A pattern for repository names: `*` and `?` match within one part of a name, `**` matches across parts.
#[derive(Clone, Debug)]
pub struct Pattern(GlobMatcher);

/// What is wrong with the text of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        glob.map(|glob| Self(glob.compile_matcher())).map_err(|error| PatternError(error.to_string()))
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.glob().glob())
    }
}

impl Pattern {
    /// Whether the repository at the path `name` is chosen.
    pub(crate) fn is_match(&self, name: &str) -> bool {
        self.0.is_match(name)
    }

    /// Whether a repository may have a name that this matches. Where that is hard to tell, it may.
    pub(crate) fn may_match(&self) -> bool {
        let text = self.0.glob().glob();
        // A letter is right wherever a wildcard is. `**` may be several parts of a name, or none.
        let filled = |text: &str, several: &str| text.replace("**", several).replace(['*', '?'], "a");
        let names = [filled(text, "a"), filled(text, "a/a"), filled(&text.replace("**/", ""), "a")];
        text.contains(['{', '[', '\\']) || names.iter().any(|name| name.parse::<RepositoryName>().is_ok())
    }

    /// Whether `directory` is a repository that is chosen, or could contain one. When that can't be decided, it could.
    pub(crate) fn could_hold(&self, directory: &str) -> bool {
        let mut parts = self.0.glob().glob().split('/');
        for name in directory.split('/').filter(|name| !name.is_empty()) {
            let Some(part) = parts.next() else { return false };
            // An alternative may have several parts, and a class may contain a separator.
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

/// A pattern for tags: a glob, or a regular expression between two slashes, which may match any part of the tag.
#[derive(Clone, Debug)]
pub(crate) enum TagPattern {
    /// A glob.
    Glob(Pattern),
    /// A regular expression.
    Regex(Regex),
}

impl FromStr for TagPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let wrong = |reason: &str| Err(PatternError(reason.to_owned()));
        let Some(expression) = text.strip_prefix('/').and_then(|text| text.strip_suffix('/')) else {
            return match text {
                "" => wrong("it is empty"),
                _ if text.contains('/') => {
                    wrong("no tag has a slash; a regular expression stands between two: /REGEX/")
                }
                _ if has_comma_outside_braces(text) => wrong("no tag has a comma; give each pattern by itself"),
                glob => glob.parse().map(Self::Glob),
            };
        };
        if expression.is_empty() {
            return wrong("the regular expression is empty");
        }
        // No tag has other letters than those of ASCII.
        let regex = RegexBuilder::new(expression).unicode(false).build();
        regex.map(Self::Regex).map_err(|error| PatternError(error.to_string()))
    }
}

fn has_comma_outside_braces(text: &str) -> bool {
    let mut depth = 0_usize;
    text.chars().any(|char| {
        match char {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char == ',' && depth == 0
    })
}

impl TagPattern {
    /// Whether the tag is chosen.
    pub(crate) fn is_match(&self, tag: &str) -> bool {
        match self {
            Self::Glob(pattern) => pattern.is_match(tag),
            Self::Regex(regex) => regex.is_match(tag.as_bytes()),
        }
    }
}

/// Patterns, any of which may choose a repository. Without patterns every repository is chosen.
#[derive(Clone, Debug, Default)]
pub struct Patterns(Vec<Pattern>);

impl From<Vec<Pattern>> for Patterns {
    fn from(patterns: Vec<Pattern>) -> Self {
        Self(patterns)
    }
}

impl Patterns {
    /// Whether there are no patterns, so that every repository is chosen.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the repository at the path `name` is chosen.
    pub(crate) fn is_match(&self, name: &str) -> bool {
        self.is_empty() || self.0.iter().any(|pattern| pattern.is_match(name))
    }

    /// As [`Pattern::could_hold`], for any of the patterns.
    pub(crate) fn could_hold(&self, directory: &str) -> bool {
        self.is_empty() || self.0.iter().any(|pattern| pattern.could_hold(directory))
    }

    /// Returns `Err(NoMatch)` with the first pattern that chooses nothing: it is mistyped, and would silently do
    /// nothing.
    pub(crate) fn check(&self, chooses: impl Fn(&Pattern) -> bool) -> Result<()> {
        match self.0.iter().find(|pattern| !chooses(pattern)) {
            Some(idle) => Err(Error::NoMatch { pattern: idle.to_string() }),
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
    fn a_tag_is_chosen_by_a_glob_or_by_a_part_that_an_expression_matches() {
        for (pattern, tag, expected) in [
            ("v*", "v1.2", true),
            ("v*", "nov1", false),
            ("1.?", "1.2", true),
            ("1.?", "1.20", false),
            ("{latest,stable}", "stable", true),
            ("/rc/", "1.0-rc1", true),
            (r"/^v\d+$/", "v12", true),
            (r"/^v\d+$/", "v1.2", false),
            ("/./", "anything", true),
            ("/^v{1,2}$/", "vv", true),
        ] {
            assert_eq!(pattern.parse::<TagPattern>().unwrap().is_match(tag), expected, "{pattern} {tag}");
        }
        for wrong in ["[a", "/(/", "/[z-a]/", "", "/", "//", "/^v1", "v1/", "a/b", "v1,v2", ",", "{a,b},c"] {
            assert!(wrong.parse::<TagPattern>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pattern_that_no_name_can_match_is_told_apart() {
        for (pattern, expected) in [
            ("ns/*", true),
            ("**", true),
            ("{a,b}/app", true),
            ("[!a]?/x_y.z-1", true),
            ("{App,b}", true),
            ("a*_?/**/b", true),
            ("Host/**", true),
            ("**/Host/x", true),
            ("Host", false),
            ("*/App", false),
            ("*.", false),
            ("/ns/*", false),
            ("ns/", false),
            ("ns//app", false),
            ("a,b", false),
            ("a b", false),
            ("", false),
        ] {
            assert_eq!(pattern.parse::<Pattern>().unwrap().may_match(), expected, "{pattern:?}");
        }
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
