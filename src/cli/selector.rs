//! Repositories as arguments: by name, or by pattern.

use super::subject::About;
use crate::error::Error;
use crate::name::RepositoryName;
use crate::pattern::{Pattern, Patterns};
use crate::registry::Registry;

/// A repository by name, or several by a pattern.
#[derive(Clone, Debug)]
pub(super) enum Selector {
    Name(RepositoryName),
    Pattern(Pattern),
}

pub(super) fn parse(text: &str) -> Result<Selector, Box<dyn std::error::Error + Send + Sync>> {
    if !text.contains(['*', '?', '[', '{']) {
        return super::parse_repository(text).map(Selector::Name);
    }
    Ok(Selector::Pattern(text.parse()?))
}

impl Selector {
    pub(super) fn selects(&self, repository: &str) -> bool {
        match self {
            Self::Name(name) => name.as_str() == repository,
            Self::Pattern(pattern) => pattern.is_match(repository),
        }
    }
}

/// Returns an error for the first name that is not a repository.
pub(super) fn check_names(selectors: &[Selector], registry: &Registry) -> anyhow::Result<()> {
    for selector in selectors {
        if let Selector::Name(name) = selector {
            registry.repository(name).about(name, None)?;
        }
    }
    Ok(())
}

/// The patterns among the selectors.
pub(super) fn patterns(selectors: &[Selector]) -> Patterns {
    let patterns = selectors.iter().filter_map(|selector| match selector {
        Selector::Pattern(pattern) => Some(pattern.clone()),
        Selector::Name(_) => None,
    });
    patterns.collect::<Vec<_>>().into()
}

/// The repositories that the selectors choose, each once.
pub(super) struct Selected {
    pub(super) repositories: Vec<RepositoryName>,
    /// The first pattern that chooses several, and how many.
    pub(super) several: Option<(Pattern, usize)>,
    /// What could not be looked at while repositories were matched.
    pub(super) damage: Vec<Error>,
}

/// Finds the repositories that the selectors choose, in the order of the selectors. A name need not exist. Returns an
/// error for a pattern that chooses none.
pub(super) fn select(selectors: &[Selector], registry: &Registry) -> anyhow::Result<Selected> {
    let mut selected = Selected { repositories: Vec::new(), several: None, damage: Vec::new() };
    let patterns = patterns(selectors);
    let mut all = Vec::new();
    if !patterns.is_empty() {
        let found = registry.repositories();
        (all, selected.damage) = (found.repositories, found.damage);
        patterns.check(|pattern| all.iter().any(|name| pattern.is_match(name.as_str())))?;
    }
    for selector in selectors {
        let chosen: Vec<RepositoryName> = match selector {
            Selector::Name(name) => vec![name.clone()],
            Selector::Pattern(pattern) => all.iter().filter(|name| pattern.is_match(name.as_str())).cloned().collect(),
        };
        if let (Selector::Pattern(pattern), true) = (selector, chosen.len() > 1) {
            selected.several.get_or_insert((pattern.clone(), chosen.len()));
        }
        for name in chosen {
            if !selected.repositories.contains(&name) {
                selected.repositories.push(name);
            }
        }
    }
    Ok(selected)
}
