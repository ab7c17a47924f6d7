//! Accepts connections, and keeps the limits that a client has.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

use super::access::{AccessLog, Entry};
use super::answer::{Answer, Content, answer};
use super::blob::ServeBlob;
use super::sending::{Sending, Transfers};
use crate::error::{Error, Result};
use crate::registry::Registry;
use crate::stream::Interrupt;

/// The most bytes of a request before its content. The longest that a client of a registry sends has some hundred.
const HEAD_MAX: usize = 32 * 1024;
/// The most threads that read for clients at a time.
const READERS: usize = 16;
/// The most requests for a part of a blob that read at a time.
const PARTS: usize = 4;
/// How long a thread that reads waits for work before it ends.
const KEPT: Duration = Duration::from_hours(24);
/// How often to check for a signal.
const LOOK: Duration = Duration::from_millis(50);
/// How long to wait after a connection could not be accepted, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// How a server works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Whether blobs are hashed on their way out. One that is damaged does not reach its client whole then.
    pub verify: bool,
    /// The most connections at a time. More wait until one ends.
    pub max_connections: usize,
    /// How long a client may take to send a request, or have none on an open connection.
    pub request_timeout: Duration,
    /// How long a client may take no byte of what is sent to it.
    pub send_timeout: Duration,
    /// How long requests may go on after a signal.
    pub finish_timeout: Duration,
}

impl Options {
    /// The most connections at a time, unless something else is set.
    pub const MAX_CONNECTIONS: usize = 1024;

    /// The defaults, with which content is verified.
    pub fn new() -> Self {
        Self {
            verify: true,
            max_connections: Self::MAX_CONNECTIONS,
            request_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_mins(1),
            finish_timeout: Duration::from_secs(30),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// Opens the tree for a request.
type Open = dyn Fn() -> Result<Registry> + Send + Sync;

/// What all requests share.
struct Shared {
    open: Box<Open>,
    serve: ServeBlob,
    transfers: Transfers,
    /// Lets few requests for a part of a blob read all of it at a time: each keeps a thread for long.
    parts: Semaphore,
    log: Arc<dyn AccessLog>,
}

/// A server that is ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    runtime: Runtime,
    options: Options,
}

impl Server {
    /// A server for the connections of `listener`. `Err(Io)` when the system gives no threads for it.
    pub fn new(listener: TcpListener, options: Options) -> Result<Self> {
        let failed = failed(&listener);
        listener.set_nonblocking(true).map_err(&failed)?;
        let mut runtime = Builder::new_multi_thread();
        // A thread that reads is kept: the system may refuse the next.
        runtime.worker_threads(threads().map_err(&failed)?).max_blocking_threads(READERS).thread_keep_alive(KEPT);
        let runtime = runtime.enable_all().build().map_err(failed)?;
        Ok(Self { listener, runtime, options })
    }

    /// Serves until a signal comes. `open` opens the tree for each request. Then the requests that have begun may go on
    /// for a while. `Err(Io)` when the system does not let it accept connections.
    pub fn serve(
        self,
        open: impl Fn() -> Result<Registry> + Send + Sync + 'static,
        log: Arc<dyn AccessLog>,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let Self { listener, runtime, options } = self;
        let failed = failed(&listener);
        let serve = if options.verify { ServeBlob::new() } else { ServeBlob::new().unverified() };
        let parts = Semaphore::new(PARTS);
        let shared = Arc::new(Shared { open: Box::new(open), serve, transfers: Transfers::default(), parts, log });
        let served = runtime.block_on(async {
            accept_all(tokio::net::TcpListener::from_std(listener)?, &options, &shared, interrupt).await;
            Ok(())
        });
        // Threads that still read are not waited for.
        runtime.shutdown_background();
        served.map_err(failed)
    }
}

/// The error for what the system refuses a server.
fn failed(listener: &TcpListener) -> impl Fn(io::Error) -> Error + use<> {
    let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    move |error| Error::io("listen on", &address, error)
}

/// How many threads to serve connections on: one for each processor, or as many as the system gives, but for one that
/// reads. tokio panics when it is refused one that it is told to start, and waits for ever for one that reads.
fn threads() -> io::Result<usize> {
    let wanted = 1 + thread::available_parallelism().map_or(1, usize::from);
    let mut waiting = Vec::new();
    for _ in 0..wanted {
        let (end, ended) = mpsc::channel::<()>();
        match thread::Builder::new().spawn(move || ended.recv().is_ok()) {
            Ok(thread) => waiting.push((end, thread)),
            Err(error) if waiting.len() < 2 => return Err(error),
            Err(_) => break,
        }
    }
    let given = waiting.len();
    for (end, thread) in waiting {
        drop(end);
        // The system has taken it back before tokio asks for it again.
        let _ = thread.join();
    }
    Ok(given - 1)
}

async fn accept_all(listener: tokio::net::TcpListener, options: &Options, shared: &Arc<Shared>, interrupt: &Interrupt) {
    let permits = Arc::new(Semaphore::new(options.max_connections));
    let connections = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(options.request_timeout);
    // A client may close its side once it has asked, as `nc` does.
    http.max_buf_size(HEAD_MAX).title_case_headers(true).half_close(true);
    while interrupt.signal().is_none() {
        let Ok(Ok(permit)) = timeout(LOOK, Arc::clone(&permits).acquire_owned()).await else { continue };
        let Ok(accepted) = timeout(LOOK, listener.accept()).await else { continue };
        let (stream, client) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                shared.log.not_accepted(&error.to_string());
                sleep(PAUSE).await;
                continue;
            }
        };
        let shared = Arc::clone(shared);
        let service = service_fn(move |request| respond(Arc::clone(&shared), client, request));
        let connection = connections.watch(http.serve_connection(patient(stream, options), service));
        tokio::spawn(async move {
            // It fails when the client breaks off or is too slow, and when content turns out damaged, which is logged.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    let _ = timeout(options.finish_timeout, connections.shutdown()).await;
}

/// A connection that breaks off when the client takes nothing for too long.
fn patient(stream: TcpStream, options: &Options) -> TokioIo<std::pin::Pin<Box<TimeoutStream<TcpStream>>>> {
    // A small answer need not wait for the client to acknowledge the one before. Without it answers are late, and right.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(options.send_timeout));
    TokioIo::new(Box::pin(stream))
}

/// Asks the work for a client to stop when its connection has ended, at the latest when the server ends. A client that
/// closes its side may still want the answer, so that does not count.
#[derive(Default)]
struct Client(Interrupt);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.cell().store(1, std::sync::atomic::Ordering::Relaxed);
    }
}

async fn respond(
    shared: Arc<Shared>,
    client: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Sending>, Infallible> {
    let (parts, _) = request.into_parts();
    let mut entry = Entry::begin(client, &parts, Arc::clone(&shared.log));
    let request = Request::from_parts(parts, ());
    let gone = Client::default();
    // A semaphore that is never closed gives a permit.
    let part = if shared.serve.reads_first(&request) { shared.parts.acquire().await.ok() } else { None };
    let interrupt = gone.0.clone();
    let server = Arc::clone(&shared);
    let work = move || answer((server.open)(), &request, server.serve, &interrupt);
    let Answer { response, reason } = tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| panicked());
    drop(part);
    let length = match response.body() {
        Content::Bytes(bytes) => bytes.len() as u64,
        Content::Blob(pieces) => pieces.left(),
    };
    entry.answers(response.status().as_u16(), length, reason);
    Ok(response.map(|content| Sending::new(content, entry, &shared.transfers)))
}

/// The answer to a request on which regtree fails. A release build ends instead, as on any other such mistake.
fn panicked() -> Answer {
    let mut response = Response::new(Content::Bytes(Vec::new()));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    Answer { response, reason: Some("a mistake in regtree: please report it".to_owned()) }
}
