//! What a registry's configuration says about its tree, and the tree itself need not show.

/// What the registry's configuration says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// Whether the registry is a pull-through cache: it fetches from another registry what it is asked for.
    pub(crate) is_cache: bool,
    /// Whether it takes an index although children of it are missing.
    pub(crate) is_sparse: bool,
    /// Whether it is the registry in a Harbor.
    pub(crate) is_harbor: bool,
}
