//! Copies bytes from a reader to a writer and hashes them, all three at the same time.
//!
//! One thread reads, the caller's thread writes, and another thread hashes. They pass a few buffers around, so memory
//! is constant however long the content is. Hashing is the slowest part (1.4 GB/s a core), so reading and writing must
//! not wait for it, nor it for them. Reading has its own thread so that a signal can end the copy while a read hangs.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::iter;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use crate::digest::hash::Hashed;
use crate::digest::{Digest, Hasher};
use crate::error::Error;

/// The size of a buffer in bytes: large enough that passing it on costs nothing, small enough to stay in a cache.
pub(crate) const BUFFER: usize = 256 * 1024;
/// The number of buffers: two for each thread, so that no thread waits for another to finish.
const BUFFERS: usize = 6;
/// How often to check for a signal while a read hangs.
const LOOK: Duration = Duration::from_millis(50);
/// How often counted items are reported.
const REPORTED: Duration = Duration::from_millis(50);

/// Observes the progress of a long task. The front end shows it.
pub trait Progress: Sync {
    /// A task begins. It has `total` bytes, if that is known.
    fn begin(&self, task: &str, total: Option<u64>);
    /// The task has done `bytes` more bytes.
    fn advance(&self, bytes: u64);
    /// The task has done `done` items, of `total` if that is known.
    fn items(&self, _done: u64, _total: Option<u64>) {}
    /// Lines are about to be printed. What is shown makes room for them until the task goes on.
    fn make_room(&self) {}
    /// The task has ended, with or without success.
    fn end(&self);
}

/// A progress that reports nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _task: &str, _total: Option<u64>) {}
    fn advance(&self, _bytes: u64) {}
    fn end(&self) {}
}

/// A flag that a signal sets to ask for a stop. Long tasks check it, and leave nothing half-done when they stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// The cell that a signal handler stores the signal's number in.
    pub fn cell(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    /// The signal that asked to stop, if there was one.
    pub fn signal(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }

    /// `Err(Interrupted)` once a signal has asked to stop.
    pub(crate) fn check(&self) -> crate::error::Result<()> {
        self.signal().map_or(Ok(()), |signal| Err(Error::Interrupted { signal }))
    }

    /// Wraps `inner` so that a read fails once a signal has come. [`Interrupt::or`] then gives the reason.
    pub(crate) fn stops<R>(&self, inner: R) -> Stopping<'_, R> {
        Stopping { inner, interrupt: self }
    }

    /// An error for the signal that has come; `error` if none has.
    pub(crate) fn or(&self, error: Error) -> Error {
        self.signal().map_or(error, |signal| Error::Interrupted { signal })
    }
}

/// A reader that fails once a signal has come.
pub(crate) struct Stopping<'i, R> {
    inner: R,
    interrupt: &'i Interrupt,
}

impl<R: Read> Read for Stopping<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.interrupt.signal() {
            Some(_) => Err(io::Error::other("a signal came")),
            None => self.inner.read(buffer),
        }
    }
}

/// Where a long task reports its progress, and what can stop it.
#[derive(Clone)]
pub struct Watch<'a> {
    /// Receives the progress.
    pub progress: &'a dyn Progress,
    /// Asks the task to stop.
    pub interrupt: Interrupt,
}

impl<'a> Watch<'a> {
    /// Begins a task of `total` items, if that is known. The task ends when the value is dropped.
    pub(crate) fn count(&self, task: &str, total: Option<usize>) -> Counting<'a> {
        self.progress.begin(task, None);
        let (total, begun) = (total.map(|total| total as u64), Instant::now());
        Counting { progress: self.progress, total, done: AtomicU64::new(0), begun, reported: AtomicU64::new(0) }
    }

    /// No progress is shown, and nothing stops the task.
    pub fn none() -> Self {
        Self::silent(&Interrupt::default())
    }

    /// No progress is shown, and a signal stops the task.
    pub fn silent(interrupt: &Interrupt) -> Self {
        Self { progress: &Silent, interrupt: interrupt.clone() }
    }
}

/// A task whose items threads count while they do them.
pub(crate) struct Counting<'a> {
    progress: &'a dyn Progress,
    total: Option<u64>,
    done: AtomicU64,
    begun: Instant,
    /// When the progress was reported last, in parts of a second since the beginning.
    reported: AtomicU64,
}

impl Counting<'_> {
    /// So many more items are done. Reports that a few times in a second, because there may be millions.
    pub(crate) fn add(&self, items: usize) {
        self.done.fetch_add(items as u64, Ordering::Relaxed);
        let now = u64::try_from(self.begun.elapsed().as_millis() / REPORTED.as_millis()).unwrap_or(u64::MAX);
        if self.reported.load(Ordering::Relaxed) < now && self.reported.fetch_max(now, Ordering::Relaxed) < now {
            self.progress.items(self.done.load(Ordering::Relaxed), self.total);
        }
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.progress.end();
    }
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("interrupt", &self.interrupt).finish_non_exhaustive()
    }
}

/// Hashes `source` to its end, for a comparison with `digests`. A signal stops it with an error, and [`Interrupt::or`]
/// then says why.
pub(crate) fn hash_file(
    source: impl Read,
    digests: impl IntoIterator<Item = Digest>,
    interrupt: &Interrupt,
) -> io::Result<Hashed> {
    let watch = Watch { interrupt: interrupt.clone(), ..Watch::none() };
    hash(source, Hasher::of(digests), &mut vec![0; BUFFER], &watch).map(Hasher::finish)
}

/// Does what [`hash_file`] does, with a hasher and a buffer of the caller.
pub(crate) fn hash(source: impl Read, mut hasher: Hasher, buffer: &mut [u8], watch: &Watch<'_>) -> io::Result<Hasher> {
    let mut source = watch.interrupt.stops(source);
    loop {
        match source.read(buffer) {
            Ok(0) => return Ok(hasher),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                watch.progress.advance(n as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Copies `source` to `sink` to its end, and returns how many bytes that were. A signal stops it as [`hash_file`].
pub(crate) fn copy(source: impl Read, sink: &mut impl Write, interrupt: &Interrupt) -> Result<u64, StreamError> {
    let (mut source, mut buffer, mut copied) = (interrupt.stops(source), vec![0; BUFFER], 0);
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(n) => {
                sink.write_all(&buffer[..n]).map_err(StreamError::Write)?;
                copied += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(interrupt.signal().map_or(StreamError::Read(error), StreamError::Interrupted)),
        }
    }
}

/// A line of a file that others may have written.
pub(crate) enum Line {
    /// A whole line, without its newline.
    Whole(Vec<u8>),
    /// The last line, which has no newline.
    Cut,
    /// A line of more bytes than are read of one.
    TooLong,
}

/// The lines of a file, of which none has more than `limit` bytes in memory.
pub(crate) fn lines(file: impl Read, limit: u64) -> impl Iterator<Item = io::Result<Line>> {
    let mut reader = BufReader::new(file);
    iter::from_fn(move || next_line(&mut reader, limit).transpose())
}

fn next_line(reader: &mut impl BufRead, limit: u64) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    reader.by_ref().take(limit + 1).read_until(b'\n', &mut line)?;
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(Some(Line::Whole(line)));
    }
    if line.is_empty() {
        return Ok(None);
    }
    if line.len() as u64 <= limit {
        return Ok(Some(Line::Cut));
    }
    reader.skip_until(b'\n')?;
    Ok(Some(Line::TooLong))
}

/// Why a copy failed.
#[derive(Debug)]
pub(crate) enum StreamError {
    /// The source failed.
    Read(io::Error),
    /// The sink failed.
    Write(io::Error),
    /// A signal came.
    Interrupted(usize),
}

impl StreamError {
    /// The error for a copy from `source` to `sink`.
    pub(crate) fn between(self, source: impl Into<PathBuf>, sink: impl Into<PathBuf>) -> Error {
        match self {
            Self::Read(error) => Error::io("read", source, error),
            Self::Write(error) => Error::io("write", sink, error),
            Self::Interrupted(signal) => Error::Interrupted { signal },
        }
    }
}

/// A buffer with `len` bytes of content. The bytes past them are left over from an earlier read.
struct Filled {
    buffer: Vec<u8>,
    len: usize,
}

impl Filled {
    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

/// Copies `source` to `sink` until it ends, and returns `hasher` with all bytes written.
///
/// After an error the sink holds some part of the source from its start.
pub(crate) fn copy_hashed(
    source: impl Read + Send + 'static,
    sink: &mut impl Write,
    hasher: Hasher,
    watch: &Watch<'_>,
) -> Result<Hasher, StreamError> {
    let (give_free, free) = mpsc::sync_channel::<Vec<u8>>(BUFFERS);
    let (give_full, full) = mpsc::sync_channel::<io::Result<Filled>>(BUFFERS);
    let (give_written, written) = mpsc::sync_channel::<Filled>(BUFFERS);
    let (Ok((reading, _)), Ok((hash, hashing))) = (waiting(read_all), waiting(hash_all)) else {
        return copy_alone(source, sink, hasher, watch);
    };
    for _ in 0..BUFFERS {
        give_free.send(vec![0; BUFFER]).expect("the receiver is here");
    }
    reading.send((source, free, give_full)).expect("the thread waits for it");
    hash.send((hasher, written, give_free)).expect("the thread waits for it");
    let outcome = write_all(sink, &full, &give_written, watch);
    drop(give_written);
    let hasher = hashing.join().expect("hashing does not panic").expect("it was given a hasher");
    outcome.map(|()| hasher)
}

/// A thread that works on what it is sent. `Err` when the system has no thread left; nothing was given away then.
fn waiting<I: Send + 'static, O: Send + 'static>(
    work: fn(I) -> O,
) -> io::Result<(mpsc::Sender<I>, thread::JoinHandle<Option<O>>)> {
    let (give, given) = mpsc::channel();
    // Not `thread::spawn`, which panics when the system refuses.
    let thread = thread::Builder::new().spawn(move || given.recv().ok().map(work))?;
    Ok((give, thread))
}

/// Reads `source` on a thread of its own, ahead of the caller. A signal then ends a read that hangs, with an error.
pub(crate) fn read_ahead(source: impl Read + Send + 'static, interrupt: &Interrupt) -> Box<dyn Read + Send> {
    let (give_free, free) = mpsc::sync_channel::<Vec<u8>>(BUFFERS);
    let (give_full, full) = mpsc::sync_channel::<io::Result<Filled>>(BUFFERS);
    let Ok((reading, _)) = waiting(read_all) else { return Box::new(source) };
    for _ in 0..BUFFERS {
        give_free.send(vec![0; BUFFER]).expect("the receiver is here");
    }
    reading.send((source, free, give_full)).expect("the thread waits for it");
    Box::new(ReadAhead { full: Some(full), free: give_free, current: None, interrupt: interrupt.clone() })
}

/// What another thread reads ahead.
struct ReadAhead {
    /// `None` once the source has ended or failed.
    full: Option<Receiver<io::Result<Filled>>>,
    free: SyncSender<Vec<u8>>,
    /// A buffer that was not read to its end, and where to go on.
    current: Option<(Filled, usize)>,
    interrupt: Interrupt,
}

impl ReadAhead {
    /// The next buffer. `None` at the end.
    fn receive(&mut self) -> io::Result<Option<Filled>> {
        let Some(full) = &self.full else { return Ok(None) };
        loop {
            if self.interrupt.signal().is_some() {
                return Err(io::Error::other("a signal came"));
            }
            match full.recv_timeout(LOOK) {
                Ok(Ok(filled)) => return Ok(Some(filled)),
                Ok(Err(error)) => {
                    self.full = None;
                    return Err(error);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.full = None;
                    return Ok(None);
                }
            }
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (filled, begin) = match self.current.take() {
            Some(current) => current,
            None => match self.receive()? {
                Some(filled) => (filled, 0),
                None => return Ok(0),
            },
        };
        let rest = &filled.bytes()[begin..];
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        if n < rest.len() {
            self.current = Some((filled, begin + n));
        } else {
            // This fails once the source has ended, because the reading thread is gone.
            let _ = self.free.send(filled.buffer);
        }
        Ok(n)
    }
}

/// Copies on this thread alone, where the system has no other.
fn copy_alone(
    source: impl Read,
    sink: &mut impl Write,
    mut hasher: Hasher,
    watch: &Watch<'_>,
) -> Result<Hasher, StreamError> {
    let (mut source, mut buffer) = (source, vec![0; BUFFER]);
    loop {
        if let Some(signal) = watch.interrupt.signal() {
            return Err(StreamError::Interrupted(signal));
        }
        let bytes = match source.read(&mut buffer) {
            Ok(0) => return Ok(hasher),
            Ok(len) => &buffer[..len],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(StreamError::Read(error)),
        };
        sink.write_all(bytes).map_err(StreamError::Write)?;
        hasher.update(bytes);
        watch.progress.advance(bytes.len() as u64);
    }
}

/// Fills free buffers until the source ends or the writing thread stops.
fn read_all<S: Read>((mut source, free, full): (S, Receiver<Vec<u8>>, SyncSender<io::Result<Filled>>)) {
    for mut buffer in free {
        let read = loop {
            match source.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let done = match read {
            Ok(0) => return,
            Ok(len) => full.send(Ok(Filled { buffer, len })),
            Err(error) => full.send(Err(error)),
        };
        if done.is_err() {
            return;
        }
    }
}

fn write_all(
    sink: &mut impl Write,
    full: &Receiver<io::Result<Filled>>,
    written: &SyncSender<Filled>,
    watch: &Watch<'_>,
) -> Result<(), StreamError> {
    loop {
        if let Some(signal) = watch.interrupt.signal() {
            return Err(StreamError::Interrupted(signal));
        }
        let filled = match full.recv_timeout(LOOK) {
            Ok(filled) => filled.map_err(StreamError::Read)?,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        sink.write_all(filled.bytes()).map_err(StreamError::Write)?;
        watch.progress.advance(filled.len as u64);
        written.send(filled).expect("hashing continues until we stop");
    }
}

/// Hashes the written buffers in order and gives them back.
fn hash_all((mut hasher, written, free): (Hasher, Receiver<Filled>, SyncSender<Vec<u8>>)) -> Hasher {
    for filled in written {
        hasher.update(filled.bytes());
        // This fails once the source has ended, because the reading thread is gone.
        let _ = free.send(filled.buffer);
    }
    hasher
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::digest::Algorithm;

    fn hasher() -> Hasher {
        Hasher::new([Algorithm::Sha512])
    }

    #[test]
    fn every_byte_arrives_once_and_is_hashed() {
        for size in [0, 1, BUFFER - 1, BUFFER, BUFFER + 1, 20 * BUFFER + 7] {
            let content: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let mut sink = Vec::new();
            let copied = copy_hashed(Cursor::new(content.clone()), &mut sink, hasher(), &Watch::none()).unwrap();
            let hashed = copied.finish();
            assert!(sink == content);
            assert_eq!(hashed.size, size as u64);
            assert_eq!(hashed.canonical(), Digest::of(&content));
        }
    }

    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or_else(|| io::Error::other("gone"))?;
            buffer.fill(7);
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_source_that_fails_is_told_from_a_sink_that_fails() {
        let read = copy_hashed(Failing(9), &mut Vec::new(), hasher(), &Watch::none());
        assert!(matches!(read, Err(StreamError::Read(_))));
        let mut room = [0; 10];
        let write = copy_hashed(Failing(9), &mut &mut room[..], hasher(), &Watch::none());
        assert!(matches!(write, Err(StreamError::Write(_))));
    }

    #[test]
    fn a_signal_ends_a_read_that_hangs() {
        let (reader, _writer) = io::pipe().unwrap();
        let watch = Watch::none();
        watch.interrupt.cell().store(15, Ordering::Relaxed);
        let outcome = copy_hashed(reader, &mut Vec::new(), hasher(), &watch);
        assert!(matches!(outcome, Err(StreamError::Interrupted(15))));
    }
}
