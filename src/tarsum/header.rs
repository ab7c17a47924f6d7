//! Reads the fields of an entry that count for a tarsum, as the programs of some year read them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Reading, Reason, Version};

/// The records of a pax header, by key.
pub(super) type Pax = BTreeMap<Vec<u8>, Vec<u8>>;

/// The size of a header, and the unit to which content is padded.
pub(super) const BLOCK: usize = 512;
/// What the key of an extended attribute begins with.
const XATTR: &[u8] = b"SCHILY.xattr.";
/// Go's zero time, in seconds since 1970. A program built with Go 1.11 or later gives it to global pax headers.
const NO_TIME: i64 = -62_135_596_800;

const NAME: Range<usize> = 0..100;
const MODE: Range<usize> = 100..108;
const UID: Range<usize> = 108..116;
const GID: Range<usize> = 116..124;
const SIZE: Range<usize> = 124..136;
const MTIME: Range<usize> = 136..148;
const CHECKSUM: Range<usize> = 148..156;
const KIND: usize = 156;
const LINK_NAME: Range<usize> = 157..257;
const MAGIC: Range<usize> = 257..265;
const UNAME: Range<usize> = 265..297;
const GNAME: Range<usize> = 297..329;
const DEV_MAJOR: Range<usize> = 329..337;
const DEV_MINOR: Range<usize> = 337..345;
const PREFIX: Range<usize> = 345..500;
const STAR_PREFIX: Range<usize> = 345..476;
const STAR: Range<usize> = 508..512;

/// A header whose checksum is right.
pub(super) struct Header<'h> {
    block: &'h [u8; BLOCK],
}

/// Who wrote a header, as far as its fields depend on that.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    V7,
    Posix,
    Star,
    Gnu,
}

/// A header, with what was said about the entry before.
pub(super) struct Entry<'e> {
    header: &'e Header<'e>,
    pax: Option<&'e Pax>,
    long_name: Option<&'e [u8]>,
    long_link: Option<&'e [u8]>,
}

/// What is hashed of an entry.
#[derive(PartialEq, Eq)]
pub(super) struct Text {
    /// The fields that count.
    pub(super) fields: Vec<u8>,
    /// Whether the content counts.
    pub(super) has_content: bool,
}

impl<'h> Header<'h> {
    /// The header in a block. Some programs added up the bytes as signed numbers.
    pub(super) fn new(block: &'h [u8; BLOCK]) -> Result<Self, Reason> {
        let given = number(&block[CHECKSUM], false).ok_or(Reason::Checksum)?;
        let byte = |at: usize| if CHECKSUM.contains(&at) { b' ' } else { block[at] };
        let unsigned: i64 = (0..BLOCK).map(|at| i64::from(byte(at))).sum();
        let signed: i64 = (0..BLOCK).map(|at| i64::from(byte(at).cast_signed())).sum();
        if given == unsigned || given == signed { Ok(Self { block }) } else { Err(Reason::Checksum) }
    }

    /// The type of the entry.
    pub(super) fn kind(&self) -> u8 {
        self.block[KIND]
    }

    /// How many bytes of content follow.
    pub(super) fn size(&self, pax: Option<&Pax>) -> Result<u64, Reason> {
        let size = match pax.and_then(|pax| pax.get(&b"size"[..])).filter(|size| !size.is_empty()) {
            Some(size) => decimal(size),
            None => number(&self.block[SIZE], false),
        };
        size.and_then(|size| u64::try_from(size).ok()).ok_or(Reason::Number("size"))
    }

    pub(super) fn with<'e>(
        &'e self,
        pax: Option<&'e Pax>,
        long_name: Option<&'e [u8]>,
        long_link: Option<&'e [u8]>,
    ) -> Entry<'e> {
        Entry { header: self, pax, long_name, long_link }
    }

    fn format(&self) -> Format {
        match &self.block[MAGIC] {
            b"ustar  \0" => Format::Gnu,
            magic if magic.starts_with(b"ustar\0") && &self.block[STAR] == b"tar\0" => Format::Star,
            magic if magic.starts_with(b"ustar\0") => Format::Posix,
            _ => Format::V7,
        }
    }

    fn text(&self, range: Range<usize>) -> &[u8] {
        up_to_nul(&self.block[range])
    }

    /// The name, joined from its two parts. The programs of 2014 took something else for a prefix in GNU's headers.
    fn name(&self, modern: bool) -> Vec<u8> {
        let prefix = match self.format() {
            Format::Posix => self.text(PREFIX),
            Format::Gnu if !modern => self.text(PREFIX),
            Format::Star => self.text(STAR_PREFIX),
            Format::Gnu | Format::V7 => b"",
        };
        let name = self.text(NAME);
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    /// A device number. The programs of 2014 read it only of devices.
    fn device(&self, range: Range<usize>, modern: bool) -> Result<i64, Reason> {
        let counts = self.format() != Format::V7 && (modern || matches!(self.kind(), b'3' | b'4'));
        if counts { number(&self.block[range], modern).ok_or(Reason::Number("device number")) } else { Ok(0) }
    }
}

impl Entry<'_> {
    /// What is hashed of it before its content.
    pub(super) fn text(&self, version: Version, reading: Reading) -> Result<Text, Reason> {
        let Reading { owners, modern } = reading;
        let header = self.header;
        // Newer programs show nothing of a global pax header but its name and type.
        let is_bare = modern && header.kind() == b'g';
        let mut fields = Fields(Vec::new());
        fields.add(b"name", &self.name(modern));
        for (key, range, what) in
            [(&b"mode"[..], MODE, "mode"), (b"uid", UID, "user id"), (b"gid", GID, "group id"), (b"size", SIZE, "size")]
        {
            let number = self.number(key, range, modern).ok_or(Reason::Number(what))?;
            fields.number(key, if is_bare { 0 } else { number });
        }
        if version == Version::V0 {
            let time = self.time(modern).ok_or(Reason::Number("time"))?;
            fields.number(b"mtime", if is_bare { NO_TIME } else { time });
        }
        fields.add(b"typeflag", &[self.kind(modern)]);
        let owner = |key: &[u8], range| self.record(key, modern).unwrap_or_else(|| self.owner(range));
        let (link, uname, gname) = (self.link_name(modern), owner(b"uname", UNAME), owner(b"gname", GNAME));
        fields.add(b"linkname", if is_bare { b"" } else { link });
        fields.add(b"uname", if owners && !is_bare { uname } else { b"" });
        fields.add(b"gname", if owners && !is_bare { gname } else { b"" });
        for (key, range) in [(b"devmajor", DEV_MAJOR), (b"devminor", DEV_MINOR)] {
            let number = header.device(range, modern)?;
            fields.number(key, if is_bare { 0 } else { number });
        }
        if version != Version::V0 {
            self.attributes(&mut fields);
        }
        Ok(Text { fields: fields.0, has_content: !is_bare })
    }

    /// Adds the extended attributes, by key.
    fn attributes(&self, fields: &mut Fields) {
        let records = self.pax.into_iter().flatten();
        let attributes = records.filter_map(|(key, value)| Some((key.strip_prefix(XATTR)?, value.as_slice())));
        let attributes: Vec<(&[u8], &[u8])> = attributes.collect();
        // Docker's list of keys began with as many empty ones as there are attributes.
        if let Some((key, value)) = attributes.first().filter(|(key, _)| key.is_empty()) {
            for _ in &attributes {
                fields.add(key, value);
            }
        }
        for (key, value) in &attributes {
            fields.add(key, value);
        }
    }

    /// The pax record with this key. Newer programs pass over an empty one.
    fn record(&self, key: &[u8], modern: bool) -> Option<&[u8]> {
        let record = self.pax?.get(key)?;
        (!modern || !record.is_empty()).then_some(record)
    }

    pub(super) fn name(&self, modern: bool) -> Vec<u8> {
        let long = self.long_name.filter(|name| !modern || !name.is_empty());
        let long = long.or_else(|| self.record(b"path", modern));
        long.map_or_else(|| self.header.name(modern), <[u8]>::to_vec)
    }

    fn link_name(&self, modern: bool) -> &[u8] {
        let long = self.long_link.filter(|name| !modern || !name.is_empty());
        let long = long.or_else(|| self.record(b"linkpath", modern));
        long.unwrap_or_else(|| self.header.text(LINK_NAME))
    }

    fn owner(&self, range: Range<usize>) -> &[u8] {
        if self.header.format() == Format::V7 { b"" } else { self.header.text(range) }
    }

    fn number(&self, key: &[u8], range: Range<usize>, modern: bool) -> Option<i64> {
        match self.record(key, modern).filter(|_| key != b"mode") {
            Some(record) => decimal(record),
            None => number(&self.header.block[range], modern),
        }
    }

    /// The time in whole seconds, rounded down. The programs of 2014 took -1.5 for -1 and a half more.
    fn time(&self, modern: bool) -> Option<i64> {
        let Some(record) = self.record(b"mtime", modern) else { return number(&self.header.block[MTIME], modern) };
        let Some(point) = record.iter().position(|byte| *byte == b'.') else { return decimal(record) };
        let (whole, fraction) = (decimal(&record[..point])?, &record[point + 1..]);
        if !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let is_part = fraction.iter().any(|digit| *digit != b'0');
        if modern && is_part && record.starts_with(b"-") { whole.checked_sub(1) } else { Some(whole) }
    }

    /// The type. Newer programs write out what a NUL means.
    fn kind(&self, modern: bool) -> u8 {
        match self.header.kind() {
            0 if modern && self.name(modern).ends_with(b"/") => b'5',
            0 if modern => b'0',
            kind => kind,
        }
    }
}

/// Keys and values, with nothing between them.
struct Fields(Vec<u8>);

impl Fields {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.0.extend_from_slice(key);
        self.0.extend_from_slice(value);
    }

    fn number(&mut self, key: &[u8], value: i64) {
        self.add(key, value.to_string().as_bytes());
    }
}

/// The bytes before the first NUL.
pub(super) fn up_to_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number in a field: octal digits, or big-endian bytes after a mark. The programs of 2014 knew no negative ones.
fn number(field: &[u8], modern: bool) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => Some(binary(field, modern && first & 0x40 != 0)),
        _ => octal(field),
    }
}

/// The lowest 64 bits of a number after its mark, which is all that the programs kept.
fn binary(field: &[u8], is_negative: bool) -> i64 {
    let first = if is_negative { field[0] } else { field[0] & 0x7f };
    let sign = if is_negative { -1_i64 } else { 0 };
    let bytes = std::iter::once(first).chain(field[1..].iter().copied());
    bytes.fold(sign, |number, byte| number << 8 | i64::from(byte))
}

fn octal(field: &[u8]) -> Option<i64> {
    let is_blank = |byte: &u8| matches!(byte, 0 | b' ');
    let begin = field.iter().position(|byte| !is_blank(byte)).unwrap_or(field.len());
    let end = field.iter().rposition(|byte| !is_blank(byte)).map_or(begin, |last| last + 1);
    let digits = up_to_nul(&field[begin..end]);
    digits.iter().try_fold(0_i64, |number, digit| {
        let digit = matches!(digit, b'0'..=b'7').then(|| i64::from(digit - b'0'))?;
        number.checked_mul(8)?.checked_add(digit)
    })
}

/// A decimal number, as Go reads it: with a sign, if any.
fn decimal(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
