//! `regtree blob users`.

use serde_json::json;

use crate::cli::reference::Content;
use crate::cli::{Context, Exit, interrupt};
use crate::digest::Digest;
use crate::registry;
use crate::users::{self, User};

/// List the images that need a blob or manifest
///
/// Prints the repository, tag, platform and digest of each manifest that names the content, or is the content. A -
/// stands for an untagged manifest, or for a manifest to which no index gives a platform. Follows indexes, and other
/// digests of the same content. A link alone is not a need: blob stat --all-repos lists the links.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    listed, or nothing needs it
  2    malformed, or a shortened digest that is ambiguous
  3    listed, but something can't be followed, which may need it
  4    the tree neither has nor needs it
  5    the tag points to another digest than the reference has
  10   no tree
  130, 143 interrupted

Examples:
  regtree blob users sha256:…
  regtree blob users 456bf45 --json | jq -r '\"\\(.repository):\\(.tag)\"'")]
pub(in crate::cli) struct Users {
    /// The content: its digest or the first 7 or more hex digits; or an image, REPO:TAG or REPO@DIGEST
    #[arg(value_name = "DIGEST|REPO:TAG")]
    content: Content,
}

impl Users {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let digest = self.content.resolve(&registry)?;
        let found = users::users(registry.tree(), digest, context.now, &interrupt::catch()?)?;
        let (linked, unread) =
            if found.all.is_empty() { registry::linked_in(&registry, digest) } else { Default::default() };
        let is_known = found.is_there || !found.all.is_empty() || !linked.is_empty();
        if !is_known && found.findings.is_empty() {
            return Err(registry::linked_nowhere(&registry, digest)?.into());
        }
        print(&found.all, context)?;
        for finding in &found.findings {
            context.output.unfollowed(finding)?;
        }
        // The users come before what is said of them.
        context.output.flush()?;
        for finding in &found.findings {
            context.output.warn(format_args!("{}: {}", finding.code, finding.message));
        }
        let names: Vec<&str> = linked.iter().map(|(name, _)| name.as_str()).collect();
        note(digest, &found, &names, context);
        let exit = context.output.all_damage(&unread)?;
        Ok(match is_known {
            false => Exit::Unknown,
            true if found.findings.is_empty() => exit,
            true => Exit::Damage,
        })
    }
}

fn print(users: &[User], context: &mut Context) -> anyhow::Result<()> {
    let width = |header: &str, of: fn(&User) -> &str| {
        users.iter().map(|user| of(user).chars().count()).chain([header.len()]).max().unwrap_or_default()
    };
    let repositories = width("REPOSITORY", |user| &user.repository);
    let (tags, platforms) = (width("TAG", tag), width("PLATFORM", platform));
    let header = format!("{:repositories$}  {:tags$}  {:platforms$}  MANIFEST", "REPOSITORY", "TAG", "PLATFORM");
    for user in users {
        let User { repository, manifest, root, .. } = user;
        let (tag, platform) = (tag(user), platform(user));
        let shown = context.output.digest(manifest);
        let row = format_args!("{repository:repositories$}  {tag:tags$}  {platform:platforms$}  {shown}");
        let fields = || {
            json!({
                "repository": repository, "tag": user.tag, "platform": user.platform, "manifest": manifest, "root": root,
            })
        };
        context.output.row(&header, row, "user", fields)?;
    }
    Ok(())
}

fn tag(user: &User) -> &str {
    user.tag.as_deref().unwrap_or("-")
}

fn platform(user: &User) -> &str {
    user.platform.as_deref().unwrap_or("-")
}

/// Says what the list does not show: that the content is missing, or that nothing needs it.
fn note(digest: Digest, found: &users::Users, linked: &[&str], context: &Context) {
    let output = &context.output;
    if !found.is_there && !found.all.is_empty() {
        output.note(format_args!("the tree lacks the content of {digest}, so these can't be pulled"));
    }
    if !found.all.is_empty() {
        return;
    }
    let linked = match linked.join(", ") {
        names if names.is_empty() => "no repository links it".to_owned(),
        names => format!("only links to it are in {names}"),
    };
    output.note(format_args!("no manifest needs {digest}; {linked}"));
}
