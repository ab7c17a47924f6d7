//! Links a blob of one repository in another, without copying it.

use super::stat::{BlobStat, stat};
use super::store;
use crate::digest::Digest;
use crate::durable::Writer;
use crate::error::Result;
use crate::name::RepositoryName;
use crate::repository::Repository;

/// Links the content that `from` has as `digest` in `to` as well. The errors are those of `stat`.
///
/// The content is synced first: a registry that stored it did not sync its directories (layout.md §2), and **a crash
/// must never leave a link without its content**. The canonical link is made first and names itself. An alias
/// names the canonical digest, where a registry would write a link to a blob path that never exists (layout.md §4.3). A
/// tarsum alias is not copied to `to`; content stored under a tarsum is `Err(DigestUnusable)`.
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
