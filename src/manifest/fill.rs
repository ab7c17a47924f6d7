//! Fills a [`Document`] from bytes the way Go's `json.Unmarshal` fills structs.
//!
//! Each method takes the first event of a value and leaves the reader behind that value. They call each other as deep
//! as the structs are nested, five levels, and pass over everything else without a call. A value of the wrong type is
//! noted and passed over, as in Go, which goes on and reports the first one at the end.

use super::document::{Document, Mismatch, Pairs, PlatformSlot, Slot};
use super::field::Field;
use super::go::Slice;
use super::json::{Event, GO_MAX_DEPTH, Malformed, Match, Reader, Reason, Text};
use super::oddity::{Oddity, Sightings};

type Filled = Result<(), Malformed>;

/// Reads a whole document. Only what is no JSON is an `Err`, or what is nested deeper than `max_depth`.
pub(super) fn document(bytes: &[u8], max_depth: usize) -> Result<Document<'_>, Malformed> {
    let mut filler = Filler::new(Reader::new(bytes).max_depth(max_depth));
    let mut document = Document::default();
    let first = filler.next()?;
    match first {
        Event::BeginObject => {
            document.is_object = true;
            filler.top(&mut document)?;
        }
        Event::Null => {}
        other => filler.mismatch(other, "document", "object")?,
    }
    // White space may follow, nothing else.
    filler.reader.next()?;
    if filler.reader.deepest() > GO_MAX_DEPTH {
        document.sightings.note(Oddity::DeepNesting, 0);
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        document.sightings.note(Oddity::InvalidUtf8, error.valid_up_to());
    }
    document.in_field = filler.in_field;
    document.mismatches = filler.mismatches;
    Ok(document)
}

struct Filler<'b> {
    reader: Reader<'b>,
    field: Field,
    in_field: [Sightings; Field::COUNT],
    mismatches: [Option<Mismatch>; Field::COUNT],
}

impl<'b> Filler<'b> {
    fn new(reader: Reader<'b>) -> Self {
        Self {
            reader,
            field: Field::SchemaVersion,
            in_field: std::array::from_fn(|_| Sightings::default()),
            mismatches: [None; Field::COUNT],
        }
    }

    /// The next event where the document can't be over.
    fn next(&mut self) -> Result<Event<'b>, Malformed> {
        let end = Malformed { offset: self.reader.offset(), reason: Reason::Truncated };
        self.reader.next()?.ok_or(end)
    }

    fn top(&mut self, document: &mut Document<'b>) -> Filled {
        let mut seen = 0_u32;
        loop {
            let Event::Key(key) = self.next()? else { return Ok(()) };
            let Some((at, how)) = find(key, Field::TOP.iter().map(|(name, _)| *name)) else {
                self.pass_over()?;
                continue;
            };
            let (name, field) = Field::TOP[at];
            self.field = field;
            self.met(at, how, &mut seen);
            let value = self.next()?;
            self.top_value(document, field, name, value)?;
        }
    }

    fn top_value(&mut self, document: &mut Document<'b>, field: Field, name: &'static str, value: Event<'b>) -> Filled {
        let is_something = value != Event::Null;
        match field {
            Field::SchemaVersion => self.integer(&mut document.schema_version, name, value),
            Field::MediaType => self.text(&mut document.media_type, name, value),
            Field::Config => {
                document.present.config = is_something;
                self.descriptor(&mut document.config, value)
            }
            Field::Layers => {
                document.present.layers = is_something;
                self.list(&mut document.layers, name, value, Self::descriptor)
            }
            Field::Manifests | Field::Features => {
                document.present.manifests = is_something;
                self.list(&mut document.manifests, name, value, Self::descriptor)
            }
            Field::Annotations => self.annotations(&mut document.annotations, value),
            Field::Subject => self.pointer(&mut document.subject, value, Self::descriptor),
            Field::ArtifactType => self.text(&mut document.artifact_type, name, value),
            Field::FsLayers => self.list(&mut document.fs_layers, name, value, Self::fs_layer),
            Field::History => self.list(&mut document.history, name, value, Self::history),
            Field::Name => self.text(&mut document.name, name, value),
            Field::Tag => self.text(&mut document.tag, name, value),
            Field::Architecture => self.text(&mut document.architecture, name, value),
        }
    }

    fn descriptor(&mut self, slot: &mut Slot<'b>, first: Event<'b>) -> Filled {
        const NAMES: [&str; 8] =
            ["mediaType", "digest", "size", "urls", "annotations", "platform", "artifactType", "data"];
        let offset = self.reader.offset();
        self.object("descriptor", &NAMES, first, |filler, at, value| {
            let slot = slot.get_or_insert_default();
            slot.offset = offset;
            match at {
                0 => filler.text(&mut slot.media_type, NAMES[at], value),
                1 => filler.text(&mut slot.digest, NAMES[at], value),
                2 => filler.integer(&mut slot.size, NAMES[at], value),
                3 => filler.texts(&mut slot.urls, NAMES[at], value),
                4 => filler.annotations(&mut slot.annotations, value),
                5 => filler.pointer(&mut slot.platform, value, |filler, slot, value| filler.platform(slot, value)),
                6 => filler.text(&mut slot.artifact_type, NAMES[at], value),
                _ => filler.data(NAMES[at], value),
            }
        })
    }

    fn platform(&mut self, slot: &mut PlatformSlot<'b>, first: Event<'b>) -> Filled {
        const NAMES: [&str; 6] = ["architecture", "os", "os.version", "variant", "os.features", "features"];
        self.object("platform", &NAMES, first, |filler, at, value| match at {
            0 => filler.text(&mut slot.architecture, NAMES[at], value),
            1 => filler.text(&mut slot.os, NAMES[at], value),
            2 => filler.text(&mut slot.os_version, NAMES[at], value),
            3 => filler.text(&mut slot.variant, NAMES[at], value),
            4 => filler.texts(&mut Slice::default(), NAMES[at], value),
            _ => {
                let outer = filler.field;
                if outer == Field::Manifests {
                    filler.field = Field::Features;
                    filler.texts(&mut Slice::default(), NAMES[at], value)?;
                    filler.field = outer;
                    return Ok(());
                }
                filler.reader.skip(value)
            }
        })
    }

    fn fs_layer(&mut self, slot: &mut Slot<'b>, first: Event<'b>) -> Filled {
        let offset = self.reader.offset();
        self.object("fsLayers", &["blobSum"], first, |filler, _, value| {
            let slot = slot.get_or_insert_default();
            slot.offset = offset;
            filler.text(&mut slot.digest, "blobSum", value)
        })
    }

    fn history(&mut self, (): &mut (), first: Event<'b>) -> Filled {
        self.object("history", &["v1Compatibility"], first, |filler, _, value| {
            filler.text(&mut None, "v1Compatibility", value)
        })
    }

    /// An object of the fields `names`, each of which `fill` is called for, by its place among them.
    fn object(
        &mut self,
        key: &'static str,
        names: &[&'static str],
        first: Event<'b>,
        mut fill: impl FnMut(&mut Self, usize, Event<'b>) -> Filled,
    ) -> Filled {
        match first {
            Event::BeginObject => {}
            Event::Null => return self.null(),
            other => return self.mismatch(other, key, "object"),
        }
        let mut seen = 0;
        while let Event::Key(key) = self.next()? {
            let Some((at, how)) = find(key, names.iter().copied()) else {
                self.pass_over()?;
                continue;
            };
            self.met(at, how, &mut seen);
            let value = self.next()?;
            fill(self, at, value)?;
        }
        Ok(())
    }

    /// A value behind a pointer: `null` takes it away, anything else is decoded into what is there.
    fn pointer<T: Default>(
        &mut self,
        slot: &mut Option<T>,
        first: Event<'b>,
        fill: impl FnOnce(&mut Self, &mut T, Event<'b>) -> Filled,
    ) -> Filled {
        if first == Event::Null {
            *slot = None;
            return self.null();
        }
        fill(self, slot.get_or_insert_default(), first)
    }

    fn list<T: Default>(
        &mut self,
        list: &mut Slice<T>,
        key: &'static str,
        first: Event<'b>,
        mut fill: impl FnMut(&mut Self, &mut T, Event<'b>) -> Filled,
    ) -> Filled {
        match first {
            Event::BeginArray => {}
            Event::Null => {
                list.clear();
                return self.null();
            }
            other => return self.mismatch(other, key, "array"),
        }
        let mut length = 0;
        loop {
            match self.next()? {
                Event::EndArray => break,
                element => fill(self, list.slot(length), element)?,
            }
            length += 1;
        }
        list.end(length);
        Ok(())
    }

    fn texts(&mut self, list: &mut Slice<Option<Text<'b>>>, key: &'static str, first: Event<'b>) -> Filled {
        self.list(list, key, first, |filler, slot, element| filler.text(slot, key, element))
    }

    /// A map of texts. An element that is none, or `null`, becomes empty text.
    fn annotations(&mut self, pairs: &mut Pairs<'b>, first: Event<'b>) -> Filled {
        const KEY: &str = "annotations";
        match first {
            Event::BeginObject => {}
            Event::Null => {
                pairs.clear();
                return self.null();
            }
            other => return self.mismatch(other, KEY, "object"),
        }
        while let Event::Key(key) = self.next()? {
            let (value, mut text) = (self.next()?, None);
            self.text(&mut text, KEY, value)?;
            pairs.push((key, text));
        }
        Ok(())
    }

    fn text(&mut self, slot: &mut Option<Text<'b>>, key: &'static str, value: Event<'b>) -> Filled {
        match value {
            Event::String(text) => *slot = Some(text),
            Event::Null => return self.null(),
            other => return self.mismatch(other, key, "string"),
        }
        Ok(())
    }

    fn integer(&mut self, slot: &mut Option<i64>, key: &'static str, value: Event<'b>) -> Filled {
        match value {
            Event::Number(digits) => match digits.parse() {
                Ok(number) => *slot = Some(number),
                Err(_) => return self.mismatch(value, key, "64-bit integer"),
            },
            Event::Null => return self.null(),
            other => return self.mismatch(other, key, "64-bit integer"),
        }
        Ok(())
    }

    /// Content inside a descriptor, which is checked and not kept: base64, or a list of bytes, which Go takes, too.
    fn data(&mut self, key: &'static str, value: Event<'b>) -> Filled {
        match value {
            Event::String(text) if is_base64(&text.decode()) => Ok(()),
            Event::BeginArray => {
                self.list(&mut Slice::<()>::default(), key, value, |filler, (), element| match element {
                    Event::Number(digits) if digits.parse::<u8>().is_ok() => Ok(()),
                    Event::Null => filler.null(),
                    other => filler.mismatch(other, key, "byte"),
                })
            }
            Event::Null => self.null(),
            other => self.mismatch(other, key, "base64 text"),
        }
    }

    fn pass_over(&mut self) -> Filled {
        let first = self.next()?;
        self.reader.skip(first)
    }

    /// A known key: whether it is odd that it stands here, and so.
    fn met(&mut self, at: usize, how: Match, seen: &mut u32) {
        if how == Match::Folded {
            self.note(Oddity::DifferentlyCasedKey);
        }
        if *seen >> at & 1 == 1 {
            self.note(Oddity::DuplicateKey);
        }
        *seen |= 1 << at;
    }

    fn note(&mut self, oddity: Oddity) {
        let offset = self.reader.offset();
        self.in_field[self.field as usize].note(oddity, offset);
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends a value, as its neighbours do")]
    fn null(&mut self) -> Filled {
        self.note(Oddity::NullValue);
        Ok(())
    }

    fn mismatch(&mut self, value: Event<'b>, key: &'static str, wanted: &'static str) -> Filled {
        self.note(Oddity::WrongType);
        let (field, offset) = (self.field, self.reader.offset());
        let mismatch = Mismatch { field, key, offset, wanted, found: name(value) };
        self.mismatches[field as usize].get_or_insert(mismatch);
        self.reader.skip(value)
    }
}

/// The place of the name that a key matches. Names differ in more than case, so at most one does.
fn find(key: Text<'_>, names: impl Iterator<Item = &'static str>) -> Option<(usize, Match)> {
    let matches = names.map(|name| key.matches(name)).enumerate();
    matches.into_iter().find(|(_, how)| *how != Match::No)
}

fn name(value: Event<'_>) -> &'static str {
    match value {
        Event::BeginObject | Event::EndObject => "object",
        Event::BeginArray | Event::EndArray => "array",
        Event::Key(_) | Event::String(_) => "string",
        Event::Number(_) => "number",
        Event::Bool(_) => "bool",
        Event::Null => "null",
    }
}

/// Padded base64 as Go's decoder takes it: line ends anywhere, loose bits at the end.
fn is_base64(text: &str) -> bool {
    let mut count = 0_usize;
    let mut padding = 0_usize;
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        match byte {
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
        count += 1;
    }
    count.is_multiple_of(4) && padding <= 2
}
