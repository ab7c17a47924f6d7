//! The access log: a line on stderr for each request.

use std::io::Write;
use std::time::Instant;

use anstyle::Style;
use serde_json::json;

use crate::cli::escape::escaped;
use crate::cli::output::{say, write_json};
use crate::cli::{Context, time::to_the_second};
use crate::json::applying;
use crate::serve::{Access, AccessLog};

/// Writes the lines, as text or JSON.
pub(super) struct Lines {
    json: bool,
    quiet: bool,
    /// The time when it began, and since when.
    now: jiff::Timestamp,
    begun: Instant,
}

impl Lines {
    pub(super) fn new(context: &Context) -> Self {
        let (json, quiet) = (context.output.is_json(), context.output.is_quiet());
        Self { json, quiet, now: context.now, begun: Instant::now() }
    }

    fn now(&self) -> jiff::Timestamp {
        self.now.saturating_add(self.begun.elapsed()).unwrap_or(self.now)
    }
}

impl AccessLog for Lines {
    fn answered(&self, access: &Access) {
        if self.quiet {
            return;
        }
        let Access { client, method, target, user_agent, status, bytes, duration, reason, .. } = access;
        let milliseconds = duration.as_secs_f64() * 1000.0;
        // A failure of stderr can't be reported anywhere, and ends no request.
        let mut stderr = std::io::stderr().lock();
        if self.json {
            let line = applying(json!({
                "type": "request", "schema_version": 1, "time": self.now(), "client": client.to_string(),
                "method": method, "target": target, "user_agent": user_agent, "status": status, "bytes": bytes,
                "milliseconds": milliseconds, "reason": reason,
            }));
            let _ = write_json(&mut stderr, &line);
            return;
        }
        let time = to_the_second(self.now());
        let line = format!("{time} {client} {method} {target} {status} {bytes} {milliseconds:.1} ms");
        let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let _ = writeln!(stderr, "{}", escaped(&format!("{line}{reason}")));
    }

    fn not_accepted(&self, reason: &str) {
        if self.quiet {
            return;
        }
        if self.json {
            let line = json!({ "type": "not_accepted", "schema_version": 1, "time": self.now(), "reason": reason });
            let _ = write_json(&mut std::io::stderr().lock(), &line);
            return;
        }
        say(Style::new(), "not accepted", &reason);
    }
}
