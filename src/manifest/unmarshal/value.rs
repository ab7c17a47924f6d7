//! Fills the values that structs are made of: lists, maps, pointers, text and numbers.

use super::super::json::{Event, Text};
use super::super::oddity::Oddity;
use super::super::schema1::decode_standard;
use super::document::{Mismatch, Pairs};
use super::go_slice::Slice;
use super::{Filled, Filler};

impl<'b> Filler<'b> {
    /// Reads a value behind a pointer. `null` clears the pointer; anything else is decoded into what is already there.
    pub(super) fn pointer<T: Default>(
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

    pub(super) fn list<T: Default>(
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

    pub(super) fn texts(&mut self, list: &mut Slice<Option<Text<'b>>>, key: &'static str, first: Event<'b>) -> Filled {
        self.list(list, key, first, |filler, slot, element| filler.text(slot, key, element))
    }

    /// Reads a map of texts. An element that is `null` or not text becomes empty text.
    pub(super) fn annotations(&mut self, pairs: &mut Pairs<'b>, first: Event<'b>) -> Filled {
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

    pub(super) fn text(&mut self, slot: &mut Option<Text<'b>>, key: &'static str, value: Event<'b>) -> Filled {
        match value {
            Event::String(text) => *slot = Some(text),
            Event::Null => return self.null(),
            other => return self.mismatch(other, key, "string"),
        }
        Ok(())
    }

    pub(super) fn integer(&mut self, slot: &mut Option<i64>, key: &'static str, value: Event<'b>) -> Filled {
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

    /// Reads the content inside a descriptor: base64, or a list of bytes, which Go accepts too.
    pub(super) fn data(&mut self, slot: &mut Option<Vec<u8>>, key: &'static str, value: Event<'b>) -> Filled {
        match value {
            Event::String(text) => match decode_standard(&text.decode()) {
                Some(bytes) => *slot = Some(bytes),
                None => return self.mismatch(value, key, "base64 text"),
            },
            Event::BeginArray => {
                let mut bytes = Vec::new();
                self.list(&mut Slice::<()>::default(), key, value, |filler, (), element| match element {
                    Event::Number(digits) if digits.parse::<u8>().is_ok() => {
                        bytes.extend(digits.parse::<u8>());
                        Ok(())
                    }
                    Event::Null => {
                        bytes.push(0);
                        filler.null()
                    }
                    other => filler.mismatch(other, key, "byte"),
                })?;
                *slot = Some(bytes);
            }
            Event::Null => {
                *slot = None;
                return self.null();
            }
            other => return self.mismatch(other, key, "base64 text"),
        }
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends a value, as its neighbours do")]
    pub(super) fn null(&mut self) -> Filled {
        self.note(Oddity::NullValue);
        Ok(())
    }

    pub(super) fn mismatch(&mut self, value: Event<'b>, key: &'static str, wanted: &'static str) -> Filled {
        self.note(Oddity::WrongType);
        let (field, offset) = (self.field, self.reader.offset());
        let mismatch = Mismatch { field, key, offset, wanted, found: name(value) };
        self.mismatches[field as usize].get_or_insert(mismatch);
        self.reader.skip(value)
    }
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
