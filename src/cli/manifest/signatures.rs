//! `regtree manifest signatures`.

use serde_json::json;

use crate::cli::reference::One;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::error::Error;
use crate::manifest::schema1::SignatureVerdict;
use crate::manifest::{self, signatures};
use crate::reference::Shortened;

/// List and verify the signatures of a schema1 manifest that a registry up to 2.4 has stored
///
/// A valid signature shows that the payload is unchanged. It does not show who signed it: anyone can make a key.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    all of them are valid
  2    malformed name, tag or digest
  3    this build of regtree can't verify them
  4    unknown repository, tag or manifest, or no signatures stored
  5    one is not valid, or can't be read
  10   no tree

Example:
  regtree manifest signatures library/app v1")]
pub(in crate::cli) struct Signatures {
    #[command(flatten)]
    image: One<crate::cli::reference::Manifest>,
}

impl Signatures {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let One { repository: name, target } = &self.image;
        let repository = registry.repository(name).about(name, None)?;
        let digest = target.resolve(&repository, Shortened::Expand).about(name, None)?.digest;
        let payload = manifest::get(&repository, digest).about_manifest(name, digest)?;
        let merged = signatures::merged(&repository, digest, payload).about_manifest(name, digest)?;
        let none = || Error::SignaturesUnknown { repository: name.clone(), digest };
        let verdicts = merged.ok_or_else(none)?.verify();
        for verdict in &verdicts {
            let fault = verdict.outcome.as_ref().err().map(ToString::to_string);
            let fields = json!({
                "key_id": verdict.key_id, "algorithm": verdict.algorithm, "time": verdict.time,
                "verified": verdict.was_checked(), "valid": fault.is_none(), "reason": fault,
            });
            let unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
            let (key, time) = (unknown(&verdict.key_id), unknown(&verdict.time));
            let said = match fault {
                None => "valid".to_owned(),
                Some(fault) if !verdict.was_checked() => fault,
                Some(fault) => format!("INVALID: {fault}"),
            };
            let header = format!("{:59}  ALGORITHM  {:20}  VERDICT", "KEY", "TIME");
            let row = format_args!("{key:59}  {:9}  {time:20}  {said}", verdict.algorithm);
            context.output.row(&header, row, "signature", || fields)?;
        }
        let is_bad = |verdict: &SignatureVerdict| verdict.was_checked() && verdict.outcome.is_err();
        if verdicts.iter().any(is_bad) {
            return Ok(Exit::Invalid);
        }
        Ok(Exit::damage_if(!verdicts.iter().all(SignatureVerdict::was_checked)))
    }
}
