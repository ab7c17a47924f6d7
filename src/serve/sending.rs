//! The content of an answer on its way to a client.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::access::Entry;
use super::answer::{Content, told};
use crate::blob::Pieces;
use crate::error::Result;

/// Content that is sent piece by piece. A piece is read when the client has taken the one before, by a thread that may
/// wait for the disk; a client that is slow keeps no thread.
pub(super) struct Sending {
    state: State,
    entry: Entry,
}

/// A blob, and its next piece.
type Read = (Box<Pieces>, Result<Option<Vec<u8>>>);

enum State {
    Bytes(Bytes),
    Blob(Box<Pieces>),
    /// The next piece is being read.
    Reading(JoinHandle<Read>),
    Ended,
}

/// Content is not sent to its end. The connection is closed for it.
#[derive(Debug, thiserror::Error)]
#[error("the content is cut off")]
pub(super) struct Cut;

impl Sending {
    pub(super) fn new(content: Content, entry: Entry) -> Self {
        let state = match content {
            Content::Bytes(bytes) if bytes.is_empty() => State::Ended,
            Content::Bytes(bytes) => State::Bytes(bytes.into()),
            // Of an empty one all that can be checked was checked.
            Content::Blob(pieces) if pieces.left() == 0 => State::Ended,
            Content::Blob(pieces) => State::Blob(pieces),
        };
        Self { state, entry }
    }

    fn cut(&mut self, why: &str) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.entry.note(format!("cut off: {why}"));
        Poll::Ready(Some(Err(Cut)))
    }

    fn give(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.entry.sent(bytes.len());
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = self.get_mut();
        loop {
            match std::mem::replace(&mut this.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Bytes(bytes) => return this.give(bytes),
                State::Blob(mut pieces) => {
                    this.state = State::Reading(spawn_blocking(move || {
                        let piece = pieces.next_piece();
                        (pieces, piece)
                    }));
                }
                State::Reading(mut reading) => {
                    let Poll::Ready(read) = Pin::new(&mut reading).poll(context) else {
                        this.state = State::Reading(reading);
                        return Poll::Pending;
                    };
                    let Ok((pieces, piece)) = read else { return this.cut("it could not be read") };
                    match piece {
                        Err(error) => return this.cut(&told(&error)),
                        Ok(None) => return Poll::Ready(None),
                        Ok(Some(piece)) => {
                            if let Some(why) = pieces.unverified() {
                                this.entry.note(format!("not verified: {why}"));
                            }
                            if pieces.left() > 0 {
                                this.state = State::Blob(pieces);
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
            State::Blob(pieces) => SizeHint::with_exact(pieces.left()),
            State::Reading(_) => SizeHint::default(),
        }
    }
}
