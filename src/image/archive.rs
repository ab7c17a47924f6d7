//! Reads a tar archive once, from front to back.
//!
//! **An archive may be hostile.** So each member has a plain name below the archive's root, of a bounded length, and
//! occurs once; links lead to other members; devices and sparse files are refused. What a header says of a size is
//! believed only as far as content follows. The archive must end as POSIX says (pax, "ustar Interchange Format").

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tar::{EntryType, Header, PaxExtensions};

use super::invalid;
use crate::count;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::stream::{BUFFER, Interrupt};

/// The size of a header, and the unit to which content is padded, in bytes.
const BLOCK: usize = 512;
/// The most bytes of a name. Linux opens no longer one.
const NAME_MAX: u64 = 4096;
/// The most bytes of a header with pax records, which may hold attributes of a file too.
const PAX_MAX: u64 = 1024 * 1024;
/// The most bytes after the end mark: tape archivers fill up their last record.
const PADDING_MAX: u64 = 16 * 1024 * 1024;

/// A tar archive that is being read.
pub(super) struct Archive {
    stream: Shared,
    interrupt: Interrupt,
    /// What errors call it.
    name: PathBuf,
    /// The fingerprints of the names of the files and links so far.
    seen: HashSet<u128>,
}

/// A file or link in an archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its path below the root of the archive, without `.` and `..`.
    pub(super) name: String,
    pub(super) kind: MemberKind,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum MemberKind {
    /// A file of so many bytes.
    File { size: u64 },
    /// A symbolic or hard link to another member, by its path below the root of the archive.
    Link { target: String },
}

/// The bytes of the archive, and how many of them belong to the member that was read last.
struct Stream {
    source: Box<dyn Read + Send>,
    /// The rest of the content of the member, in bytes.
    content: u64,
    /// What follows its content up to the next block, in bytes.
    padding: u64,
}

type Shared = Arc<Mutex<Stream>>;

/// The content of the member that was read last. It ends with the member; an archive that ends before it is an error.
pub(super) struct Content(Shared);

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stream = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = usize::try_from(stream.content).unwrap_or(usize::MAX).min(buffer.len());
        if room == 0 {
            return Ok(0);
        }
        let n = stream.source.read(&mut buffer[..room])?;
        if n == 0 {
            let missing = count::bytes(stream.content);
            let reason = format!("the archive ends {missing} before the end of this entry");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
        }
        stream.content -= n as u64;
        Ok(n)
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What headers before that of a member say of it.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Archive {
    /// An archive of these bytes, which errors call `name`.
    pub(super) fn new(source: Box<dyn Read + Send>, name: &Path, interrupt: &Interrupt) -> Self {
        let stream = Arc::new(Mutex::new(Stream { source, content: 0, padding: 0 }));
        Self { stream, interrupt: interrupt.clone(), name: name.to_owned(), seen: HashSet::new() }
    }

    /// The next file or link, after the rest of the one before. `None` at the end.
    ///
    /// `Err(SourceInvalid)` when the archive is malformed, ends too early, or has something that is refused.
    pub(super) fn next(&mut self) -> Result<Option<Member>> {
        let mut extended = Extended::default();
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            let kind = header.entry_type();
            let size = header.entry_size().map_err(|error| self.malformed(error.to_string()))?;
            match kind {
                EntryType::XHeader => self.read_pax(size, &mut extended)?,
                EntryType::GNULongName => extended.path = Some(self.read_name(size)?),
                EntryType::GNULongLink => extended.link = Some(self.read_name(size)?),
                // Of the archive as a whole, such as the commit that it was made from.
                EntryType::XGlobalHeader => drop(self.read_extension(size, PAX_MAX)?),
                _ => {
                    if let Some(member) = self.member(&header, kind, size, std::mem::take(&mut extended))? {
                        return Ok(Some(member));
                    }
                }
            }
        }
    }

    /// The content of the member that was read last.
    pub(super) fn content(&self) -> Content {
        Content(Arc::clone(&self.stream))
    }

    /// An error about an entry of this archive.
    pub(super) fn invalid(&self, entry: &str, reason: impl Into<String>) -> Error {
        invalid(&self.name, format!("entry {entry:?}"), reason)
    }

    /// An error of reading the archive. What the system did not report is a fault of the archive.
    pub(super) fn failed(&self, entry: &str, error: io::Error) -> Error {
        if error.raw_os_error().is_some() || self.interrupt.signal().is_some() {
            return self.interrupt.or(Error::io("read", &self.name, error));
        }
        let reason = error.to_string();
        if entry.is_empty() { self.malformed(reason) } else { self.invalid(entry, reason) }
    }

    fn malformed(&self, reason: impl Into<String>) -> Error {
        invalid(&self.name, "tar archive", reason)
    }

    /// A member from its header. `None` for a directory, which needs no entry of its own.
    fn member(&mut self, header: &Header, kind: EntryType, size: u64, extended: Extended) -> Result<Option<Member>> {
        let path = extended.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let is_directory = kind == EntryType::Directory || kind.is_file() && path.ends_with(b"/");
        let text = self.text(&path)?;
        let Some(name) = self.below_root(&text, &text)? else {
            return if is_directory {
                self.skip(size).map(|()| None)
            } else {
                Err(self.invalid(&text, "it has no name"))
            };
        };
        if is_directory {
            return self.skip(size).map(|()| None);
        }
        let kind = match kind {
            EntryType::Regular | EntryType::Continuous => MemberKind::File { size: extended.size.unwrap_or(size) },
            EntryType::Symlink | EntryType::Link => {
                let target = extended.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
                let target = self.text(&target.unwrap_or_default())?;
                let target = self.target(&name, &target, kind == EntryType::Symlink)?;
                self.begin(size)?;
                MemberKind::Link { target }
            }
            other => return Err(self.invalid(&name, format!("it is {}, which is refused", describe(other)))),
        };
        if !self.seen.insert(fingerprint(&name)) {
            return Err(self.invalid(&name, "the archive has two entries of this name"));
        }
        if let MemberKind::File { size } = kind {
            self.begin(size)?;
        }
        Ok(Some(Member { name, kind }))
    }

    /// Notes that so many bytes of content follow.
    fn begin(&self, size: u64) -> Result<()> {
        let block = BLOCK as u64;
        // A size that leaves no room for its padding is no size.
        let end = size.checked_next_multiple_of(block).filter(|end| i64::try_from(*end).is_ok());
        let end = end.ok_or_else(|| self.malformed(format!("an entry says that it has {}", count::bytes(size))))?;
        let mut stream = self.lock();
        (stream.content, stream.padding) = (size, end - size);
        Ok(())
    }

    fn skip(&self, size: u64) -> Result<()> {
        self.begin(size)?;
        self.skip_rest()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Stream> {
        // A thread that reads never leaves it half-changed.
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes over what is left of the last member.
    fn skip_rest(&self) -> Result<()> {
        let mut content = self.interrupt.stops(self.content());
        let mut buffer = vec![0; BUFFER];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed("", error)),
            }
        }
        let padding = std::mem::take(&mut self.lock().padding);
        let mut block = [0; BLOCK];
        let padding = usize::try_from(padding).unwrap_or(BLOCK).min(BLOCK);
        self.read_exact(&mut block[..padding])
    }

    fn read_exact(&self, buffer: &mut [u8]) -> Result<()> {
        let read = self.lock().source.read_exact(buffer);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof if error.raw_os_error().is_none() => {
                self.malformed("it ends too early: it is not a tar archive, or was cut off")
            }
            _ => self.failed("", error),
        })
    }

    /// The next header. `None` at the mark of the end, and after nothing but padding to the end of the source.
    fn header(&mut self) -> Result<Option<Header>> {
        self.skip_rest()?;
        let mut block = [0; BLOCK];
        self.read_exact(&mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            self.read_end()?;
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block).clone();
        if header.cksum().ok() != Some(checksum(&block)) {
            return Err(self.malformed("a header has a wrong checksum: it is not a tar archive, or is damaged"));
        }
        Ok(Some(header))
    }

    /// Reads on to the end of the source: a pipe's writer wants to end, and a decoder checks what it read at the end.
    fn read_end(&self) -> Result<()> {
        let (mut buffer, mut left) = (vec![0; BUFFER], PADDING_MAX);
        loop {
            self.interrupt.check()?;
            let read = self.lock().source.read(&mut buffer);
            let n = match read {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed("", error)),
            };
            let Some(rest) = left.checked_sub(n as u64).filter(|_| buffer[..n].iter().all(|byte| *byte == 0)) else {
                return Err(self.malformed("it continues after its end mark"));
            };
            left = rest;
        }
    }

    fn read_extension(&self, size: u64, limit: u64) -> Result<Vec<u8>> {
        if size > limit {
            let [size, limit] = [size, limit].map(count::bytes);
            return Err(self.malformed(format!("a name or an extended header has {size}, {limit} at most are read")));
        }
        self.begin(size)?;
        let mut content = Vec::new();
        self.content().read_to_end(&mut content).map_err(|error| self.failed("", error))?;
        Ok(content)
    }

    fn read_name(&self, size: u64) -> Result<Vec<u8>> {
        let mut name = self.read_extension(size, NAME_MAX + 1)?;
        name.pop_if(|last| *last == 0);
        Ok(name)
    }

    fn read_pax(&self, size: u64, extended: &mut Extended) -> Result<()> {
        let content = self.read_extension(size, PAX_MAX)?;
        for record in PaxExtensions::new(&content) {
            let record = record.map_err(|error| self.malformed(error.to_string()))?;
            let value = record.value_bytes();
            match record.key_bytes() {
                b"path" => extended.path = Some(value.to_vec()),
                b"linkpath" => extended.link = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    let text = String::from_utf8_lossy(value);
                    extended.size = Some(size.ok_or_else(|| self.malformed(format!("{text:?} is not a size")))?);
                }
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(self.malformed("it has a sparse file, which is refused"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn text(&self, bytes: &[u8]) -> Result<String> {
        if bytes.len() as u64 > NAME_MAX {
            let size = count::bytes(bytes.len() as u64);
            return Err(self.malformed(format!("a name has {size}, {} at most are read", count::bytes(NAME_MAX))));
        }
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let shown = || format!("the name {:?} is not UTF-8", String::from_utf8_lossy(bytes));
        text.map(str::to_owned).ok_or_else(|| self.malformed(shown()))
    }

    /// The path that a link leads to.
    fn target(&self, name: &str, target: &str, is_symbolic: bool) -> Result<String> {
        // A symbolic link starts from its own directory, a hard link from the root.
        let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
        let mut steps: Vec<&str> = directory.split('/').filter(|step| is_symbolic && !step.is_empty()).collect();
        let outside = || self.invalid(name, format!("it is a link to {target:?}, which is outside of the archive"));
        if target.starts_with('/') {
            return Err(outside());
        }
        for step in target.split('/') {
            match step {
                "" | "." => {}
                ".." => drop(steps.pop().ok_or_else(outside)?),
                step => steps.push(step),
            }
        }
        if steps.is_empty() { Err(outside()) } else { Ok(steps.join("/")) }
    }

    /// The path below the root of the archive; `None` for the root itself.
    fn below_root(&self, entry: &str, path: &str) -> Result<Option<String>> {
        if path.starts_with('/') {
            return Err(self.invalid(entry, "its name is absolute"));
        }
        let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
        if steps.contains(&"..") {
            return Err(self.invalid(entry, "its name leads out of the archive"));
        }
        Ok(Some(steps.join("/")).filter(|name| !name.is_empty()))
    }
}

/// The sum of the bytes of a header, with spaces in the place of the sum.
fn checksum(header: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&header[..148]) + 8 * u32::from(b' ') + sum(&header[156..])
}

/// What stands for a name: the first bytes of its SHA-256, so that many long names take no memory.
pub(super) fn fingerprint(name: &str) -> u128 {
    let hash = Digest::of(name.as_bytes()).hex().to_string();
    u128::from_str_radix(&hash[..32], 16).expect("a digest has hex digits")
}

fn describe(kind: EntryType) -> String {
    let known = match kind {
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a named pipe",
        EntryType::GNUSparse => "a sparse file",
        other => return format!("of the unknown type {:?}", char::from(other.as_byte())),
    };
    known.to_owned()
}
