//! What is known about a request once it is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A request and how it was answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Access {
    /// Who asked.
    pub client: SocketAddr,
    /// The method, such as `GET`.
    pub method: String,
    /// What was asked for, as the client wrote it.
    pub target: String,
    /// What the client calls itself, if it does.
    pub user_agent: Option<String>,
    /// The status of the answer. 499 when the client went away before there was one.
    pub status: u16,
    /// The bytes of content that were sent.
    pub bytes: u64,
    /// How long it took, to the last byte.
    pub duration: Duration,
    /// Why it was not answered as the client wished, or what was found damaged.
    pub reason: Option<String>,
}

/// Takes down each request. It is called from any thread, and must not wait.
pub trait AccessLog: Send + Sync {
    /// A request was answered, or its client went away.
    fn answered(&self, access: &Access);
    /// A connection could not be accepted.
    fn not_accepted(&self, reason: &str);
}

/// The status of a request that was not answered, by the custom of other servers.
pub(super) const NOT_ANSWERED: u16 = 499;

/// A request that is being answered. It is logged when it is dropped.
pub(super) struct Entry {
    access: Access,
    begun: Instant,
    /// The number of bytes that the answer has.
    length: u64,
    log: Arc<dyn AccessLog>,
}

impl Entry {
    pub(super) fn begin(client: SocketAddr, request: &http::request::Parts, log: Arc<dyn AccessLog>) -> Self {
        let agent = request.headers.get(http::header::USER_AGENT);
        let access = Access {
            client,
            method: request.method.to_string(),
            target: request.uri.to_string(),
            user_agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
            status: NOT_ANSWERED,
            bytes: 0,
            duration: Duration::ZERO,
            reason: None,
        };
        Self { access, begun: Instant::now(), length: 0, log }
    }

    /// The answer has this status, and content of so many bytes.
    pub(super) fn answers(&mut self, status: u16, length: u64, reason: Option<String>) {
        self.access.status = status;
        self.access.reason = reason;
        self.length = length;
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.access.bytes += bytes as u64;
    }

    pub(super) fn note(&mut self, reason: String) {
        self.access.reason = Some(reason);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.access.duration = self.begun.elapsed();
        let is_whole = self.access.status != NOT_ANSWERED && self.access.bytes == self.length;
        if !is_whole && self.access.reason.is_none() {
            self.access.reason = Some("the client went away".to_owned());
        }
        self.log.answered(&self.access);
    }
}
