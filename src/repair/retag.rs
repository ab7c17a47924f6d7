//! Finds what a tag that has lost its link pointed to last.

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::name::{RepositoryName, Tag};
use crate::repository::Repository;
use crate::tag;
use crate::tree::Tree;

/// The newest manifest of the history of the tag that a finding is about, or why it is not known.
pub(super) fn newest(tree: &Tree, finding: &Finding) -> Result<Result<Digest, String>> {
    let name = finding.repository().and_then(|name| name.parse::<RepositoryName>().ok());
    let tag = finding.tag().and_then(|tag| tag.parse::<Tag>().ok());
    let Some((name, tag)) = name.zip(tag) else {
        return Ok(Err("the name of its repository, or its own, is invalid".to_owned()));
    };
    let refuse = |reason: &str| {
        let choose =
            format!("regtree tag history {name} {tag} shows them, and regtree tag set {name} {tag} DIGEST chooses");
        Ok(Err(format!("{reason}; {choose}")))
    };
    let (past, damage) = match tag::history(&Repository::new(tree, name.clone()), &tag) {
        Err(Error::TagUnknown { .. }) => return Ok(Err("the tag no longer exists".to_owned())),
        history => history?,
    };
    match &past[..] {
        _ if !damage.is_empty() => refuse("not all of its history can be read"),
        [] => refuse("its history names no manifest"),
        [first, second, ..] if first.since == second.since => refuse("two manifests of its history are equally new"),
        [newest, ..] if newest.missing => refuse("the newest manifest of its history has no link or no content here"),
        [newest, ..] => Ok(Ok(newest.digest)),
    }
}
