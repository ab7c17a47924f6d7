//! The content of an answer on its way to a client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::access::Entry;
use super::answer::{Content, told};
use crate::blob::Pieces;
use crate::error::Result;

/// The least and the most bytes of a piece.
const PIECE_LEAST: usize = 16 * 1024;
const PIECE_MOST: usize = 1024 * 1024;
/// How many bytes the pieces of all blobs have together, about: each blob has one that is being sent, and the next.
const MEMORY: usize = 2 * 1024 * 1024;

/// Content that is sent piece by piece. While the client takes one, the next is read by a thread that may wait for the
/// disk. A client that is slow keeps no thread.
pub(super) struct Sending {
    state: State,
    entry: Entry,
}

/// A blob, and its next piece.
type Read = (Box<Transfer>, Result<Option<Vec<u8>>>);

enum State {
    Bytes(Bytes),
    Blob(Box<Transfer>),
    /// The next piece is being read.
    Reading(JoinHandle<Read>),
    /// There is no next piece that may be sent.
    CutOff,
    Ended,
}

/// The blobs that are being sent. Each has a clone.
#[derive(Clone, Default)]
pub(super) struct Transfers(Arc<()>);

/// A blob that is being sent.
struct Transfer {
    pieces: Pieces,
    others: Transfers,
}

impl Transfer {
    /// The next piece. The more blobs are being sent, the smaller it is: few clients get their blobs with few waits, and
    /// many that take nothing keep little memory.
    fn next_piece(&mut self) -> Result<Option<Vec<u8>>> {
        let share = MEMORY / Arc::strong_count(&self.others.0);
        self.pieces.next_piece(share.clamp(PIECE_LEAST, PIECE_MOST))
    }
}

/// Content is not sent to its end. The connection is closed for it.
#[derive(Debug, thiserror::Error)]
#[error("the content is cut off")]
pub(super) struct Cut;

impl Sending {
    pub(super) fn new(content: Content, entry: Entry, transfers: &Transfers) -> Self {
        let state = match content {
            Content::Bytes(bytes) if bytes.is_empty() => State::Ended,
            Content::Bytes(bytes) => State::Bytes(bytes.into()),
            // Of an empty one all that can be checked was checked.
            Content::Blob(pieces) if pieces.left() == 0 => State::Ended,
            Content::Blob(pieces) => State::Blob(Box::new(Transfer { pieces: *pieces, others: transfers.clone() })),
        };
        Self { state, entry }
    }

    /// Cuts the content off, but not at once: what was given before is sent first, at least the head.
    fn cut(&mut self, why: &str, context: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.entry.note(format!("cut off: {why}"));
        self.state = State::CutOff;
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn give(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.entry.sent(bytes.len());
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

/// Lets a thread read the next piece.
fn read(mut transfer: Box<Transfer>) -> JoinHandle<Read> {
    spawn_blocking(move || {
        let piece = transfer.next_piece();
        (transfer, piece)
    })
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = self.get_mut();
        loop {
            match std::mem::replace(&mut this.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::CutOff => return Poll::Ready(Some(Err(Cut))),
                State::Bytes(bytes) => return this.give(bytes),
                State::Blob(transfer) => this.state = State::Reading(read(transfer)),
                State::Reading(mut reading) => {
                    let Poll::Ready(done) = Pin::new(&mut reading).poll(context) else {
                        this.state = State::Reading(reading);
                        return Poll::Pending;
                    };
                    let Ok((transfer, piece)) = done else { return this.cut("it could not be read", context) };
                    match piece {
                        Err(error) => return this.cut(&told(&error), context),
                        Ok(None) => return Poll::Ready(None),
                        Ok(Some(piece)) => {
                            if let Some(why) = transfer.pieces.unverified() {
                                this.entry.note(format!("not verified: {why}"));
                            }
                            if transfer.pieces.left() > 0 {
                                this.state = State::Reading(read(transfer));
                            }
                            return this.give(piece.into());
                        }
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Ended => SizeHint::with_exact(0),
            State::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            State::Blob(transfer) => SizeHint::with_exact(transfer.pieces.left()),
            State::Reading(_) | State::CutOff => SizeHint::default(),
        }
    }
}
