//! Finds the entries of a tar archive, whose bytes come in pieces.

use std::collections::BTreeMap;
use std::io;

use sha2::Digest;

use super::header::{BLOCK, Header, Pax, up_to_nul};
use super::summing::Summing;
use super::{Fault, Reason, Sums, Version};

/// The most bytes that are read of a pax header or a long name.
pub(super) const MAX_META: u64 = 1024 * 1024;

/// An archive that is being read.
pub(super) struct Archive<H: Digest> {
    state: State,
    /// What is known of the next header.
    block: Box<[u8; BLOCK]>,
    /// The number of bytes so far.
    offset: u64,
    pax: Option<Pax>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    summing: Summing<H>,
    fault: Option<Fault>,
}

/// What comes next.
enum State {
    /// A header, of which so many bytes are known.
    Header(usize),
    /// The block after one of zeros, of which so many bytes are known.
    AfterZeros(usize),
    /// What is said about the next entry.
    Meta(Meta),
    /// So many bytes of content, and then so much padding.
    Content { left: u64, padding: usize },
    /// So many bytes of padding.
    Padding(usize),
    /// Nothing that counts.
    End,
}

/// What is said about the next entry, by a header of type `kind`.
struct Meta {
    kind: u8,
    left: usize,
    padding: usize,
    bytes: Vec<u8>,
}

impl<H: Digest> Archive<H> {
    pub(super) fn new(summing: Summing<H>) -> Self {
        Self {
            state: State::Header(0),
            block: Box::new([0; BLOCK]),
            offset: 0,
            pax: None,
            long_name: None,
            long_link: None,
            summing,
            fault: None,
        }
    }

    /// Whether no further bytes count.
    pub(super) fn is_over(&self) -> bool {
        self.fault.is_some() || matches!(self.state, State::End)
    }

    /// The archive, of which nothing is left here.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(Summing::new(Version::V0)))
    }

    /// Takes in the next bytes.
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_over() {
            let begin = self.offset;
            match self.step(bytes) {
                Ok(taken) => {
                    self.offset += taken as u64;
                    bytes = &bytes[taken..];
                }
                Err((offset, reason)) => {
                    self.fault = Some(Fault { offset: offset.unwrap_or(begin), is_packed: false, reason });
                }
            }
        }
    }

    /// Takes in some of `bytes`, and returns how many.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, (Option<u64>, Reason)> {
        match &mut self.state {
            State::Header(known) | State::AfterZeros(known) => {
                let taken = bytes.len().min(BLOCK - *known);
                self.block[*known..*known + taken].copy_from_slice(&bytes[..taken]);
                *known += taken;
                if *known == BLOCK {
                    let begin = (self.offset + taken as u64).saturating_sub(BLOCK as u64);
                    self.header().map_err(|reason| (Some(begin), reason))?;
                }
                Ok(taken)
            }
            State::Meta(meta) => {
                let taken = bytes.len().min(meta.left);
                meta.bytes.extend_from_slice(&bytes[..taken]);
                meta.left -= taken;
                if meta.left == 0 {
                    self.meta().map_err(|reason| (None, reason))?;
                }
                Ok(taken)
            }
            State::Content { left, padding } => {
                let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.summing.content(&bytes[..taken]);
                *left -= taken as u64;
                if *left == 0 {
                    self.state = after(*padding);
                    self.summing.end();
                }
                Ok(taken)
            }
            State::Padding(left) => {
                let taken = bytes.len().min(*left);
                self.state = after(*left - taken);
                Ok(taken)
            }
            State::End => Ok(bytes.len()),
        }
    }

    /// Reads a header, which is whole.
    fn header(&mut self) -> Result<(), Reason> {
        let is_zero = self.block.iter().all(|byte| *byte == 0);
        match (&self.state, is_zero) {
            (State::AfterZeros(_), true) => self.state = State::End,
            (State::AfterZeros(_), false) => return Err(Reason::AfterZeros),
            (_, true) => self.state = State::AfterZeros(0),
            (_, false) => return self.entry(),
        }
        Ok(())
    }

    fn entry(&mut self) -> Result<(), Reason> {
        let header = Header::new(&self.block)?;
        let kind = header.kind();
        if matches!(kind, b'x' | b'L' | b'K') {
            let size = header.size(None)?;
            if size > MAX_META {
                return Err(Reason::Long(size));
            }
            let left = usize::try_from(size).map_err(|_| Reason::Long(size))?;
            let meta = Meta { kind, left, padding: padding(size), bytes: Vec::new() };
            self.state = State::Meta(meta);
            return if left == 0 { self.meta() } else { Ok(()) };
        }
        let pax = self.pax.take();
        // A global header is an entry like any other, and no records are about it.
        let pax = pax.filter(|_| kind != b'g');
        if kind == b'S' || pax.as_ref().is_some_and(|pax| pax.keys().any(|key| key.starts_with(b"GNU.sparse."))) {
            return Err(Reason::Sparse);
        }
        let left = header.size(pax.as_ref())?;
        if left > 0 && matches!(kind, b'1'..=b'6') {
            return Err(Reason::Disputed(left));
        }
        let (name, link) = (self.long_name.take(), self.long_link.take());
        self.summing.begin(&header.with(pax.as_ref(), name.as_deref(), link.as_deref()))?;
        if left == 0 {
            self.summing.end();
            self.state = State::Header(0);
        } else {
            self.state = State::Content { left, padding: padding(left) };
        }
        Ok(())
    }

    /// Keeps what is said about the next entry.
    fn meta(&mut self) -> Result<(), Reason> {
        let State::Meta(Meta { kind, padding, bytes, .. }) = std::mem::replace(&mut self.state, State::Header(0))
        else {
            return Ok(());
        };
        match kind {
            b'x' => self.pax = Some(records(&bytes).ok_or(Reason::Pax)?),
            b'L' => self.long_name = Some(up_to_nul(&bytes).to_vec()),
            _ => self.long_link = Some(up_to_nul(&bytes).to_vec()),
        }
        self.state = after(padding);
        Ok(())
    }

    /// The sums of the archive, which has no more bytes. Without blocks of zeros it may end where a header may begin.
    pub(super) fn finish(self) -> Result<Sums, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let cut = match self.state {
            State::Header(0) | State::AfterZeros(0) | State::Padding(_) | State::End => {
                return Ok(self.summing.finish());
            }
            State::Header(_) | State::AfterZeros(_) => "header",
            State::Meta(_) => "pax header or long name",
            State::Content { .. } => "content of an entry",
        };
        Err(Fault { offset: self.offset, is_packed: false, reason: Reason::Cut(cut) })
    }
}

impl<H: Digest> Archive<H> {
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }
}

impl<H: Digest> io::Write for Archive<H> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        // The decoder need not go on. What is wrong is asked for by whoever feeds it.
        if self.fault.is_some() { Err(io::Error::other("no archive")) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many bytes fill the last block of so many.
fn padding(size: u64) -> usize {
    let last = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    (BLOCK - last) % BLOCK
}

/// What comes after so much padding.
fn after(padding: usize) -> State {
    if padding == 0 { State::Header(0) } else { State::Padding(padding) }
}

/// The records of a pax header. Of two with one key the last counts.
fn records(mut bytes: &[u8]) -> Option<Pax> {
    let mut records = BTreeMap::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
        let record = bytes.get(space + 1..length.checked_sub(1)?)?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        records.insert(record[..equals].to_vec(), record[equals + 1..].to_vec());
        bytes = bytes.get(length..)?;
    }
    Some(records)
}
