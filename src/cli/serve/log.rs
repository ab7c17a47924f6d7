//! The access log: a line on stderr for each request.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::escape::escaped;
use crate::cli::output::write_json;
use crate::cli::{Context, time::to_the_second};
use crate::json::applying;
use crate::serve::{Access, AccessLog};

/// How many lines may wait for whoever reads stderr. What comes then is lost: no client waits for the log.
const WAITING: usize = 1024;
/// How long to wait at the end for the last lines to be read.
const LAST: Duration = Duration::from_secs(1);

/// Writes the lines, as text or JSON.
pub(super) struct Lines {
    json: bool,
    /// The time when it began, and since when.
    now: jiff::Timestamp,
    begun: Instant,
    /// The thread that writes. `None` with --quiet, and at the end.
    give: Mutex<Option<SyncSender<Vec<u8>>>>,
    /// How many lines were lost since the last that was not.
    lost: AtomicU64,
    ended: Mutex<Receiver<()>>,
}

impl Lines {
    /// Starts the thread that writes. `Err` when the system refuses it.
    pub(super) fn start(context: &Context) -> std::io::Result<Self> {
        let (give, lines) = mpsc::sync_channel::<Vec<u8>>(WAITING);
        let (end, ended) = mpsc::channel::<()>();
        thread::Builder::new().spawn(move || {
            for line in lines {
                // A failure of stderr can't be reported anywhere, and ends no request.
                let _ = std::io::stderr().lock().write_all(&line);
            }
            drop(end);
        })?;
        let give = Mutex::new(Some(give).filter(|_| !context.output.is_quiet()));
        let (json, now, begun) = (context.output.is_json(), context.now, Instant::now());
        Ok(Self { json, now, begun, give, lost: AtomicU64::new(0), ended: Mutex::new(ended) })
    }

    /// Lets the last lines be written.
    pub(super) fn end(&self) {
        if let Ok(mut give) = self.give.lock() {
            *give = None;
        }
        if let Ok(ended) = self.ended.lock() {
            // It ends when the thread does.
            let _ = ended.recv_timeout(LAST);
        }
    }

    fn now(&self) -> jiff::Timestamp {
        self.now.saturating_add(self.begun.elapsed()).unwrap_or(self.now)
    }

    /// Writes a line, as text or as a document of some type.
    fn write(&self, kind: &str, text: &str, fields: Value) {
        let Ok(give) = self.give.lock() else { return };
        let Some(give) = &*give else { return };
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0
            && give.try_send(self.line("lost", &format!("{lost} lines are lost"), json!({ "lines": lost }))).is_ok()
        {
            self.lost.fetch_sub(lost, Ordering::Relaxed);
        }
        if let Err(TrySendError::Full(_)) = give.try_send(self.line(kind, text, fields)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn line(&self, kind: &str, text: &str, fields: Value) -> Vec<u8> {
        if !self.json {
            return format!("{} {}\n", to_the_second(self.now()), escaped(text)).into_bytes();
        }
        let mut document = json!({ "type": kind, "schema_version": 1, "time": self.now() });
        if let (Some(document), Value::Object(fields)) = (document.as_object_mut(), applying(fields)) {
            document.extend(fields);
        }
        let mut line = Vec::new();
        // Memory takes everything.
        let _ = write_json(&mut line, &document);
        line
    }
}

impl AccessLog for Lines {
    fn answered(&self, access: &Access) {
        let Access { client, method, target, user_agent, status, bytes, duration, reason, .. } = access;
        let milliseconds = duration.as_secs_f64() * 1000.0;
        let why = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let text = format!("{client} {method} {target} {status} {bytes} {milliseconds:.1} ms{why}");
        let fields = json!({
            "client": client.to_string(), "method": method, "target": target, "user_agent": user_agent, "status": status,
            "bytes": bytes, "milliseconds": milliseconds, "reason": reason,
        });
        self.write("request", &text, fields);
    }

    fn not_accepted(&self, reason: &str) {
        self.write("not_accepted", &format!("not accepted: {reason}"), json!({ "reason": reason }));
    }
}
