//! The names of repositories, tags and uploads.
//!
//! Names are checked once, when they are made. The grammar is what registries from 2.4 to main store on disk
//! (layout.md §3). It is a little narrower than what they accept over HTTP: a port or an IPv6 address in the first
//! component passes their name check, but the storage driver then refuses it. So no tree has such a name.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::count::plural;

/// The most bytes that a name may have. 3.x does not count a first component that looks like a host name (§3.1).
const NAME_MAX: usize = 255;
/// The most bytes that a directory entry may have on the file systems that registries run on.
const COMPONENT_MAX: usize = 255;
const TAG_MAX: usize = 128;

/// The rule that a name breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// The text has more bytes than allowed.
    #[error("it has {}, {max} are allowed", plural(*found, "byte"))]
    TooLong {
        /// How many bytes there are.
        found: usize,
        /// How many bytes are allowed.
        max: usize,
    },
    /// There is a slash at the start or the end, or two in a row.
    #[error("it has an empty component (a '/' at the start or the end, or two in a row)")]
    EmptyComponent,
    /// A character that no name may have.
    #[error("{character:?} is not allowed ({allowed})")]
    Character {
        /// The first such character.
        character: char,
        /// Which characters are allowed.
        allowed: &'static str,
    },
    /// An upper-case letter, which only a host name may have.
    #[error(
        "{component:?} has upper case, which only the first of several components may have, and only as a host name"
    )]
    UpperCase {
        /// The component that has it.
        component: String,
    },
    /// A component begins or ends with a separator.
    #[error("{component:?} must begin and end with a letter or a digit")]
    Edge {
        /// The component.
        component: String,
    },
    /// Separators that may not follow each other.
    #[error("{component:?} must separate by one '.', one or two '_', or any number of '-'")]
    Separator {
        /// The component.
        component: String,
    },
    /// A tag begins with a dot or a dash.
    #[error("it must begin with a letter, a digit or '_'")]
    TagStart,
    /// The text is `.` or `..`, which no file can have as its name.
    #[error("it names a directory itself (. or ..)")]
    Dots,
}

const IN_NAMES: &str = "a name is made of a-z, 0-9, '.', '_', '-' and '/'";
const IN_TAGS: &str = "a tag is made of letters, digits, '_', '.' and '-'";
const IN_UPLOADS: &str = "an upload id is made of letters, digits, '-', '_', '.' and '='";

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                $check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

text_type! {
    /// A repository's name, such as `library/alpine` (layout.md §3.1); its slashes are directories on disk.
    RepositoryName, check_repository
}
text_type! {
    /// A tag, such as `v1.2` (layout.md §3.2).
    Tag, check_tag
}
text_type! {
    /// The id of an upload session (layout.md §3.4). Registries and regtree make UUIDs, but regtree reads every id that
    /// the registry's route lets through.
    UploadId, check_upload_id
}

impl UploadId {
    /// A new random id: a version 4 UUID, as registries up to 3.0 make them.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string().into())
    }

    /// Whether it is a UUID, as all ids are that registries and regtree make.
    pub(crate) fn is_uuid(&self) -> bool {
        uuid::Uuid::try_parse(self.as_str()).is_ok()
    }
}

fn check_repository(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    let (counted, host) = match name.split_once('/') {
        Some((first, rest)) if is_host(first) => (rest, Some(first)),
        _ => (name, None),
    };
    if let Some(host) = host {
        check_component_length(host)?;
    }
    counted.split('/').try_for_each(check_component)?;
    if counted.len() > NAME_MAX {
        return Err(NameError::TooLong { found: counted.len(), max: NAME_MAX });
    }
    Ok(())
}

/// Whether the component is host-name labels joined by dots. Labels may have upper case and inner dashes.
fn is_host(component: &str) -> bool {
    component.split('.').all(|label| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !label.is_empty() && inner && !label.starts_with('-') && !label.ends_with('-')
    })
}

fn check_component_length(component: &str) -> Result<(), NameError> {
    if component.len() > COMPONENT_MAX {
        return Err(NameError::TooLong { found: component.len(), max: COMPONENT_MAX });
    }
    Ok(())
}

fn check_component(component: &str) -> Result<(), NameError> {
    if component.is_empty() {
        return Err(NameError::EmptyComponent);
    }
    let separates = |c: char| matches!(c, '.' | '_' | '-');
    if let Some(character) = component.chars().find(|&c| !c.is_ascii_alphanumeric() && !separates(c)) {
        return Err(NameError::Character { character, allowed: IN_NAMES });
    }
    if component.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(NameError::UpperCase { component: component.into() });
    }
    if component.starts_with(separates) || component.ends_with(separates) {
        return Err(NameError::Edge { component: component.into() });
    }
    let runs = component.split(|c: char| c.is_ascii_alphanumeric());
    for run in runs {
        if !(matches!(run, "" | "." | "_" | "__") || run.bytes().all(|b| b == b'-')) {
            return Err(NameError::Separator { component: component.into() });
        }
    }
    check_component_length(component)
}

fn check_tag(tag: &str) -> Result<(), NameError> {
    if tag.is_empty() {
        return Err(NameError::Empty);
    }
    if let Some(character) = tag.chars().find(|&c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))) {
        return Err(NameError::Character { character, allowed: IN_TAGS });
    }
    if tag.starts_with(['.', '-']) {
        return Err(NameError::TagStart);
    }
    if tag.len() > TAG_MAX {
        return Err(NameError::TooLong { found: tag.len(), max: TAG_MAX });
    }
    Ok(())
}

fn check_upload_id(id: &str) -> Result<(), NameError> {
    if id.is_empty() {
        return Err(NameError::Empty);
    }
    if let Some(character) = id.chars().find(|&c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '='))) {
        return Err(NameError::Character { character, allowed: IN_UPLOADS });
    }
    if matches!(id, "." | "..") {
        return Err(NameError::Dots);
    }
    check_component_length(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn repository(name: &str) -> Result<(), NameError> {
        name.parse::<RepositoryName>().map(drop)
    }

    #[test]
    fn names_that_registries_store_are_names() {
        let long = format!("a/{}", "b".repeat(255));
        let deep = vec!["a"; 128].join("/");
        for name in [
            "a",
            "0",
            "lib",
            "lib/app",
            "a/b/c/d",
            "a.b",
            "a_b",
            "a__b",
            "a-b",
            "a----b",
            "Foo/bar",
            "FOO.com/bar",
            "x-Y.z9/bar",
            "layers/manifests",
            "a_b/c",
            &long,
            &deep,
        ] {
            assert_eq!(repository(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn tags_follow_the_route() {
        let tag = |text: &str| text.parse::<Tag>().map(drop);
        for good in ["latest", "v1.2", "_x", "A", "0", "sha256-abc.sig", &"t".repeat(128)] {
            assert_eq!(tag(good), Ok(()), "{good}");
        }
        assert_eq!(tag(""), Err(NameError::Empty));
        assert_eq!(tag(".."), Err(NameError::TagStart));
        assert_eq!(tag("-x"), Err(NameError::TagStart));
        assert_eq!(tag("a/b"), Err(NameError::Character { character: '/', allowed: IN_TAGS }));
        assert_eq!(tag(&"t".repeat(129)), Err(NameError::TooLong { found: 129, max: 128 }));
    }

    #[test]
    fn upload_ids_follow_the_route_less_the_dots() {
        let id = |text: &str| text.parse::<UploadId>().map(drop);
        for good in ["8561c5ca-cd39-4df9-95c5-bf9a1ba2792b", "not_a.uuid=", "...", "-"] {
            assert_eq!(id(good), Ok(()), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "../x", "a\0", "a b"] {
            assert!(id(bad).is_err(), "{bad:?}");
        }
        assert_eq!(UploadId::random().as_str().len(), 36);
    }

    proptest! {
        #[test]
        fn a_name_never_leads_out_of_its_directory(text in "[a-zA-Z./_:\\-\\x00 ]{0,20}") {
            if repository(&text).is_ok() {
                for component in text.split('/') {
                    prop_assert!(!component.is_empty() && !component.starts_with(['.', '_']));
                }
            }
        }
    }
}
