//! JSON as it is sent.
//!
//! The types of a request write themselves, straight into the buffer that goes out: a conversation
//! of half a megabyte is written at every turn of an agent, and serde's general way spends most of
//! its time looking at each byte of the text for an escape. The bytes are the same as serde_json's,
//! which a test holds.

use crate::json::{Json, Members, Raw, Str};

/// A value that writes itself as JSON.
pub(crate) trait Write {
    fn write(&self, out: &mut Vec<u8>);
}

/// Writes `{`, and `,` before every member but the first.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    begun: bool,
}

impl<'o> Object<'o> {
    pub(crate) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Object { out, begun: false }
    }

    /// A member whose quoted name and colon are `key`.
    pub(crate) fn member<T: Write + ?Sized>(&mut self, key: &str, value: &T) {
        if self.begun {
            self.out.push(b',');
        }
        self.begun = true;
        self.out.extend_from_slice(key.as_bytes());
        value.write(self.out);
    }

    pub(crate) fn others(&mut self, members: &Members) {
        for (name, value) in members.iter() {
            if self.begun {
                self.out.push(b',');
            }
            self.begun = true;
            text(name, self.out);
            self.out.push(b':');
            value.write(self.out);
        }
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

/// Writes `text` as a JSON string, escaped as serde_json does.
pub(crate) fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut left = text.as_bytes();
    while !left.is_empty() {
        let plain = plain_length(left);
        out.extend_from_slice(&left[..plain]);
        left = &left[plain..];
        if let Some((&byte, rest)) = left.split_first() {
            escape(byte, out);
            left = rest;
        }
    }
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// How many bytes come before the first that needs an escape.
fn plain_length(bytes: &[u8]) -> usize {
    let length = plain_lanes::<32>(bytes);
    let length = length + plain_lanes::<8>(&bytes[length..]);
    let rest = &bytes[length..];
    length + rest.iter().position(|byte| needs_escape(*byte)).unwrap_or(rest.len())
}

/// How many bytes come before the first group of `LANE` with one that needs an escape. A loop over so
/// many without an early exit is made of vector instructions.
fn plain_lanes<const LANE: usize>(bytes: &[u8]) -> usize {
    let (lanes, _) = bytes.as_chunks::<LANE>();
    let plain = |lane: &[u8; LANE]| !lane.iter().fold(false, |any, byte| any | needs_escape(*byte));
    lanes.iter().take_while(|lane| plain(lane)).count() * LANE
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

impl Write for Str<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        text(self, out);
    }
}

impl Write for Raw<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.get().as_bytes());
    }
}

impl Write for Json {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.get().as_bytes());
    }
}

impl Write for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl Write for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        // Writing to memory never fails.
        let _ = serde_json::to_writer(out, self);
    }
}

impl Write for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        // Writing to memory never fails.
        let _ = serde_json::to_writer(out, self);
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            item.write(out);
        }
        out.push(b']');
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

/// A `record!` that writes itself.
macro_rules! record_sent {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$lt:lifetime>)? {
            $( $(#[$field_meta:meta])* $field:ident: $ty:ty = $wire:literal, )*
        }
    ) => {
        $crate::vocabulary::record! {
            $(#[$meta])*
            pub struct $name $(<$lt>)? {
                $( $(#[$field_meta])* $field: $ty = $wire, )*
            }
        }

        impl $(<$lt>)? $crate::writing::Write for $name $(<$lt>)? {
            fn write(&self, out: &mut Vec<u8>) {
                let mut object = $crate::writing::Object::begin(out);
                $(
                    if !$crate::vocabulary::Member::is_absent(&self.$field) {
                        object.member(concat!("\"", $wire, "\":"), &self.$field);
                    }
                )*
                object.others(&self.other);
                object.end();
            }
        }
    };
}

/// A `union!` that writes itself.
macro_rules! union_sent {
    (
        $(#[$meta:meta])*
        pub enum $name:ident $(<$lt:lifetime>)? {
            $( $(#[$variant_meta:meta])* $variant:ident($ty:ty) = $wire:literal, )*
        }
    ) => {
        $crate::vocabulary::union! {
            $(#[$meta])*
            pub enum $name $(<$lt>)? {
                $( $(#[$variant_meta])* $variant($ty) = $wire, )*
            }
        }

        impl $(<$lt>)? $crate::writing::Write for $name $(<$lt>)? {
            fn write(&self, out: &mut Vec<u8>) {
                let mut object = $crate::writing::Object::begin(out);
                match self {
                    $( Self::$variant(value) => object.member(concat!("\"", $wire, "\":"), value), )*
                    Self::Unknown { name, value } if !name.is_empty() => {
                        let mut key = Vec::new();
                        $crate::writing::text(name, &mut key);
                        key.push(b':');
                        object.member(&String::from_utf8_lossy(&key), value);
                    }
                    Self::Unknown { .. } => {}
                }
                object.end();
            }
        }
    };
}

pub(crate) use {record_sent, union_sent};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_is_escaped_as_serde_json_does(text in any::<String>()) {
            let mut ours = Vec::new();
            super::text(&text, &mut ours);
            prop_assert_eq!(ours, serde_json::to_vec(&text).unwrap());
        }
    }

    #[test]
    fn every_ascii_byte_is_escaped_as_serde_json_does_in_every_place_of_a_lane() {
        for byte in 0..=0x7f_u8 {
            for place in 0..70 {
                let mut text = "é".repeat(50);
                text.insert_str(place / 2 * 2, &char::from(byte).to_string().repeat(1 + place % 3));
                let mut ours = Vec::new();
                super::text(&text, &mut ours);
                assert_eq!(ours, serde_json::to_vec(&text).unwrap(), "byte {byte} at {place}");
            }
        }
    }
}
