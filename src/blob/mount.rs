//! Granting one repository what another has, without copying.

use super::stat::{BlobStat, stat};
use super::store;
use crate::digest::Digest;
use crate::durable::Writer;
use crate::error::Result;
use crate::name::RepositoryName;
use crate::repository::Repository;

/// Links what `from` has as `digest` in `to` as well.
///
/// The content is synced first: a registry that stored it did not sync its directories (layout.md §2), and a link must
/// not outlive it. The canonical link always comes first and names itself; an alias names the canonical digest, where a registry
/// would write a link to a blob path that never exists (layout.md §4.3). A tarsum is not passed on. Errors as `stat`'s.
pub fn mount(writer: &Writer<'_>, digest: Digest, from: &Repository<'_>, to: &RepositoryName) -> Result<BlobStat> {
    let stat = stat(from, digest)?;
    let target = stat.descriptor.digest;
    if target.is_tarsum() {
        return Err(crate::error::Error::DigestUnusable { digest: target, action: "link content" });
    }
    store::sync_content(writer, target)?;
    let alias = Some(digest).filter(|_| stat.alias && !digest.is_tarsum());
    store::stage_links(writer, to, target, alias)?.place()?;
    Ok(stat)
}
