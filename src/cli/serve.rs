//! `regtree serve`.

mod log;

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;

use serde_json::json;

use super::{Context, Exit, interrupt, root};
use crate::error::Error;
use crate::json::applying;
use crate::registry::Registry;
use crate::serve::{AccessLog, Options, Server};

/// Serve the tree's images over HTTP, for pulls only
///
/// Answers what clients ask a registry when they pull: manifests, blobs, the lists of repositories and tags, and also
/// referrers. Whatever would change something is refused. It takes no lock, writes nothing, and reads the tree anew for
/// each request, so it also works on a read-only mount, while a registry is down, and beside other commands.
///
/// The address is printed on stdout, and each request is a line on stderr. Blobs are hashed on their way out. If one is
/// damaged, the connection is closed before its last byte. Other damage is answered with 404.
///
/// There is no authentication and no TLS: put it behind a proxy if other machines are to reach it. SIGTERM and Ctrl-C let
/// the requests that have begun go on for 30 seconds; a second one ends it at once.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    stopped by SIGTERM or Ctrl-C
  1    the address is in use or can't be used
  2    malformed address
  10   no tree

Examples:
  regtree serve
  regtree serve --listen 127.0.0.1:0 -q
  skopeo copy --src-tls-verify=false docker://127.0.0.1:5000/library/app:v1 dir:app")]
pub(super) struct Serve {
    /// Listen on ADDRESS, which is HOST:PORT; port 0 chooses a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5000", value_parser = parse_address)]
    listen: SocketAddr,
    /// Do not hash blobs on their way out: faster, and clients have to find damage themselves
    #[arg(long)]
    no_verify: bool,
    /// Accept at most N connections at a time; more wait
    #[arg(long, value_name = "N", default_value_t = Options::MAX_CONNECTIONS as u32,
          value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
}

impl Serve {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let interrupt = interrupt::catch()?;
        let root = root::find(&context.global)?;
        let registry = context.registry()?;
        let address = self.listen.to_string();
        let listener = TcpListener::bind(self.listen).map_err(|error| Error::io("listen on", &address, error))?;
        let listen = listener.local_addr().map_err(|error| Error::io("listen on", &address, error))?;
        let mut options = Options::new();
        options.verify = !self.no_verify;
        options.max_connections = usize::try_from(self.max_connections)?;
        // The log's thread comes first: the server takes note of how many the system still gives.
        let log = Arc::new(log::Lines::start(context).map_err(|error| Error::io("listen on", &address, error))?);
        let server = Server::new(listener, options)?;
        let warning = (!listen.ip().to_canonical().is_loopback())
            .then(|| format!("whoever can reach {listen} can pull everything: there is no authentication and no TLS"));
        if let Some(warning) = &warning {
            context.output.warn(warning);
        }
        let root_path = registry.tree().root().to_string_lossy();
        let fields = || applying(json!({ "address": listen.to_string(), "root": root_path, "warning": warning }));
        context.output.answer(listen, "listening", fields)?;
        context.output.flush()?;
        context.output.note(format_args!(
            "serving {} for pulls at http://{listen}; Ctrl-C stops it",
            registry.tree().root().display()
        ));
        // Each request opens the tree anew, by the path that was found now.
        let (root, configuration) = (std::path::absolute(root.root)?, root.configuration);
        let open = move || {
            let mut registry = Registry::open(&root)?;
            if let Some(configuration) = configuration {
                registry.configure(configuration);
            }
            Ok(registry)
        };
        drop(registry);
        let served = server.serve(open, Arc::clone(&log) as Arc<dyn AccessLog>, &interrupt);
        log.end();
        served?;
        Ok(Exit::Done)
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let expected = "expected HOST:PORT, such as 127.0.0.1:5000, or 0.0.0.0:5000 for all addresses";
    if text.starts_with(':') {
        return Err(expected.to_owned());
    }
    let found = text.to_socket_addrs().map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => expected.to_owned(),
        _ => error.to_string(),
    });
    found?.next().ok_or_else(|| "the host has no address".to_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for (text, address) in [
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:5000", "[::1]:5000"),
        ] {
            assert_eq!(parse_address(text), Ok(address.parse().unwrap()));
        }
        assert!(parse_address("localhost:5000").unwrap().ip().is_loopback());
        for text in ["", "5000", ":5000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "::1:5000x"] {
            assert!(parse_address(text).is_err(), "{text}");
        }
    }
}
