//! Fills a [`Document`] from bytes as Go's `json.Unmarshal` fills structs.
//!
//! Each method takes the first event of a value and leaves the reader after that value. The calls nest only as deep as
//! the structs do, five levels; everything else is skipped without a call. A value of the wrong type is noted and
//! skipped. Go does the same, and reports the first one at the end.

mod document;
mod field;
mod go_slice;
mod value;

use super::json::{Event, GO_MAX_DEPTH, Malformed, Match, Reader, Reason, Text};
use super::oddity::{Oddity, Sightings};
use go_slice::Slice;

pub(super) use document::{DescriptorSlot, Document, Mismatch, Pairs, PlatformSlot, Slot, to_map};
pub(super) use field::Field;

type Filled = Result<(), Malformed>;

/// Reads a whole document. `Err` only when it is not JSON, or is nested deeper than `max_depth`.
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
    // Only white space may follow.
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

    /// The next event, where the document must go on.
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
                _ => filler.data(&mut slot.data, NAMES[at], value),
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

    /// Reads an object with the fields `names`. For each field, `fill` is called with its position in `names`.
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

    fn pass_over(&mut self) -> Filled {
        let first = self.next()?;
        self.reader.skip(first)
    }

    /// Notes the oddities of a known key: another case, or a second occurrence.
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
}

/// The position of the name that a key matches. Names differ in more than case, so at most one matches.
fn find(key: Text<'_>, names: impl Iterator<Item = &'static str>) -> Option<(usize, Match)> {
    let matches = names.map(|name| key.matches(name)).enumerate();
    matches.into_iter().find(|(_, how)| *how != Match::No)
}
