//! The options that choose between removing and quarantining. A site can set the default.

/// Whether what goes is removed, or moved to the quarantine.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(in super::super) struct Choice {
    /// Move everything to the quarantine instead of removing it, so that it can be put back
    #[arg(long, overrides_with = "no_quarantine")]
    quarantine: bool,
    /// Remove everything for good, even if the site's configuration has quarantine = true
    #[arg(long, overrides_with = "quarantine")]
    no_quarantine: bool,
}

impl Choice {
    pub(in super::super) fn is_quarantine(self) -> bool {
        self.quarantine && !self.no_quarantine
    }
}
