//! Reads links. Every command reads them with this module.
//!
//! A link contains a digest and nothing else (layout.md §1.2). Its path decides which digest that may be. The link of a
//! manifest contains the digest of its path. The link of a layer contains the digest of its path too; if that is no
//! sha256, the link may be an alias, and contains the sha256 under which the content is stored.

use std::os::fd::{AsFd, BorrowedFd};

use crate::count;
use crate::digest::Digest;
use crate::error::{LinkFault, Result};
use crate::layout::TreePath;
use crate::tree::{self, Tree};

/// How many bytes of a link are read. The longest digest has 135 bytes, so no link is that long.
const LINK_MAX: usize = 256;
/// How much of a malformed link an error shows, in characters.
const SHOWN: usize = 160;

/// What a link says, not yet compared with its path.
pub(crate) type Said = Result<Digest, LinkFault>;

/// Reads the link at `path`. `None` when there is none.
pub(crate) fn read(tree: &Tree, path: &TreePath) -> Result<Option<Said>> {
    let Some(file) = tree.open_file(path)? else { return Ok(None) };
    read_file(file).map(Some).map_err(|errno| tree.failed("read", path, errno))
}

/// Reads the link `below` an open directory: the fast way to read many.
pub(crate) fn read_below(directory: BorrowedFd<'_>, below: &str) -> rustix::io::Result<Said> {
    tree::open_small(directory, below).and_then(read_file)
}

/// Reads an open link.
pub(crate) fn read_file(file: impl AsFd) -> rustix::io::Result<Said> {
    let mut buffer = [0; LINK_MAX];
    let content = tree::read_start(file.as_fd(), &mut buffer)?;
    match parse(content, content.len() as u64) {
        Err(LinkFault::Malformed { .. }) => {
            let stat = rustix::fs::fstat(&file)?;
            // The file may have grown, or shrunk, since it was read.
            let length = u64::try_from(stat.st_size).unwrap_or_default().max(content.len() as u64);
            // A file with another name may be any file of its file system, and a link of a registry has one.
            let found = if stat.st_nlink > 1 { unshown(length) } else { quote(content, length) };
            Ok(Err(LinkFault::Malformed { found }))
        }
        said => Ok(said),
    }
}

/// Describes text that is not shown.
pub(crate) fn unshown(length: u64) -> String {
    format!("{} of a file with several hard links, which are not shown", count::bytes(length))
}

/// The digest in a malformed link, if only white space around it is wrong, as `echo` leaves it. A file with several hard
/// links may be any file of its file system, and means nothing.
pub(crate) fn meant(file: impl AsFd) -> rustix::io::Result<Option<Digest>> {
    let mut buffer = [0; LINK_MAX];
    let content = tree::read_start(file.as_fd(), &mut buffer)?;
    let has_one_name = rustix::fs::fstat(&file)?.st_nlink == 1;
    let text = std::str::from_utf8(content).ok().filter(|_| has_one_name);
    Ok(text.and_then(|text| text.trim_ascii().parse().ok()))
}

/// Checks that a layer link with `key` in its path may say `target`, and returns what it links.
pub(crate) fn check_layer(key: &Digest, target: Digest) -> Said {
    if target == *key && (key.is_canonical() || key.is_tarsum()) {
        return Ok(target);
    }
    if key.is_canonical() {
        return Err(LinkFault::Mismatch { found: target });
    }
    if target.is_canonical() { Ok(target) } else { Err(LinkFault::Alias { found: target }) }
}

/// Checks that a manifest's link with `key` in its path may say `target`. A blob may have an alias under another
/// algorithm; a manifest may not.
pub(crate) fn check_manifest(key: &Digest, target: Digest) -> Said {
    if target == *key { Ok(target) } else { Err(LinkFault::Mismatch { found: target }) }
}

/// Reads the digest in `content`, which is the beginning of a file of `length` bytes.
fn parse(content: &[u8], length: u64) -> Said {
    if content.is_empty() {
        return Err(LinkFault::Empty);
    }
    let target: Option<Digest> = std::str::from_utf8(content).ok().and_then(|text| text.parse().ok());
    target.ok_or_else(|| LinkFault::Malformed { found: quote(content, length) })
}

fn quote(content: &[u8], length: u64) -> String {
    let text = String::from_utf8_lossy(content);
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().count() > SHOWN {
        return format!("\"{shown}…\" ({})", count::bytes(length));
    }
    format!("\"{shown}\"")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn whole(content: &[u8]) -> Said {
        parse(content, content.len() as u64)
    }

    #[test]
    fn a_layer_s_link_says_its_own_digest_or_the_one_it_stands_for() {
        let sha256 = Digest::of(b"content");
        let other = Digest::of(b"other");
        let sha512: Digest = format!("sha512:{}", "ab".repeat(64)).parse().unwrap();
        let tarsum: Digest = format!("tarsum.v1+sha256:{}", "cd".repeat(32)).parse().unwrap();
        let says = |key: &Digest, content: &str| whole(content.as_bytes()).and_then(|target| check_layer(key, target));
        for (key, target) in [(sha256, sha256), (sha512, sha256), (tarsum, sha256), (tarsum, tarsum)] {
            assert_eq!(says(&key, &target.to_string()), Ok(target));
        }
        assert_eq!(says(&sha256, ""), Err(LinkFault::Empty));
        assert_eq!(says(&sha256, &other.to_string()), Err(LinkFault::Mismatch { found: other }));
        assert_eq!(says(&sha256, &sha512.to_string()), Err(LinkFault::Mismatch { found: sha512 }));
        assert_eq!(says(&sha512, &sha512.to_string()), Err(LinkFault::Alias { found: sha512 }));
        for junk in [format!("{sha256}\n"), format!(" {sha256}"), "x".to_owned(), sha256.to_string()[..40].to_owned()] {
            assert!(matches!(says(&sha256, &junk), Err(LinkFault::Malformed { .. })), "{junk:?}");
        }
        assert!(matches!(whole(&[0xff; 71]), Err(LinkFault::Malformed { .. })));
        assert_eq!(check_manifest(&sha512, sha512), Ok(sha512));
        assert_eq!(check_manifest(&sha256, other), Err(LinkFault::Mismatch { found: other }));
    }

    #[test]
    fn what_a_bad_link_holds_is_shown_safely() {
        assert_eq!(quote(b"a\x1b[2J\n", 6), "\"a\\u{1b}[2J\\n\"");
        assert!(quote(&[b'x'; LINK_MAX], 5000).ends_with("…\" (5000 bytes)"));
    }
}
