//! The three shapes that both vocabularies are made of, as macros.
//!
//! * `record!`: an object with known members, written in the order of the fields; the members it
//!   does not know are kept in `other`. serde's `flatten` would do the same but buffers, and a
//!   buffered value loses its raw text.
//! * `union!`: an object with exactly one member, Smithy's union; a member of another name is kept
//!   as `Unknown`.
//! * `words!`: a string out of a list; a word that is not in the list is kept as `Other`.
//!
//! So a new member or value of the service, or of OpenAI, never breaks a message and never vanishes.

use std::marker::PhantomData;

use crate::json::{Json, Members, Raw, Str};

/// Whether a member is left out when its object is written: an `Option` that is `None`.
pub(crate) trait Member {
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> Member for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Member for Vec<T> {}
impl Member for String {}
impl Member for Str<'_> {}
impl Member for Raw<'_> {}
impl Member for Json {}
impl Member for Members {}
impl Member for bool {}
impl Member for i64 {}
impl Member for u64 {}

/// The visitor that builds a `T`.
pub(crate) struct Build<T>(pub(crate) PhantomData<T>);

macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$lt:lifetime>)? {
            $( $(#[$field_meta:meta])* $field:ident: $ty:ty = $wire:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name $(<$lt>)? {
            $( $(#[$field_meta])* pub $field: $ty, )*
            /// Members that this version does not know, untouched.
            pub other: $crate::json::Members,
        }

        impl $(<$lt>)? $name $(<$lt>)? {
            /// The names of the members that this version knows, as they are on the wire.
            pub const MEMBERS: &'static [&'static str] = &[$( $wire, )*];
        }

        impl $(<$lt>)? $crate::vocabulary::Member for $name $(<$lt>)? {}

        impl<'de $(: $lt, $lt)?> serde::Deserialize<'de> for $name $(<$lt>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map($crate::vocabulary::Build(std::marker::PhantomData::<Self>))
            }
        }

        impl<'de $(: $lt, $lt)?> serde::de::Visitor<'de>
            for $crate::vocabulary::Build<$name $(<$lt>)?>
        {
            type Value = $name $(<$lt>)?;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut record = $name::default();
                while let Some(key) = map.next_key::<$crate::json::Str<'de>>()? {
                    match &*key {
                        $( $wire => record.$field = map.next_value()?, )*
                        _ => record.other.push(key.into_owned(), map.next_value()?),
                    }
                }
                Ok(record)
            }
        }

        impl $(<$lt>)? serde::Serialize for $name $(<$lt>)? {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(
                    if !$crate::vocabulary::Member::is_absent(&self.$field) {
                        map.serialize_entry($wire, &self.$field)?;
                    }
                )*
                self.other.write(&mut map)?;
                map.end()
            }
        }
    };
}

macro_rules! union {
    (
        $(#[$meta:meta])*
        pub enum $name:ident $(<$lt:lifetime>)? {
            $( $(#[$variant_meta:meta])* $variant:ident($ty:ty) = $wire:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum $name $(<$lt>)? {
            $( $(#[$variant_meta])* $variant($ty), )*
            /// A member that this version does not know.
            Unknown {
                /// The member's name; empty when the object had no member.
                name: String,
                /// Its value, untouched.
                value: $crate::json::Json,
            },
        }

        impl $(<$lt>)? $crate::vocabulary::Member for $name $(<$lt>)? {}

        impl $(<$lt>)? Default for $name $(<$lt>)? {
            fn default() -> Self {
                Self::Unknown { name: String::new(), value: Default::default() }
            }
        }

        impl<'de $(: $lt, $lt)?> serde::Deserialize<'de> for $name $(<$lt>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map($crate::vocabulary::Build(std::marker::PhantomData::<Self>))
            }
        }

        impl<'de $(: $lt, $lt)?> serde::de::Visitor<'de>
            for $crate::vocabulary::Build<$name $(<$lt>)?>
        {
            type Value = $name $(<$lt>)?;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object with one member")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut known: Option<Self::Value> = None;
                let mut unknown: Option<Self::Value> = None;
                while let Some(key) = map.next_key::<$crate::json::Str<'de>>()? {
                    match &*key {
                        $(
                            $wire => {
                                let Some(value) = map.next_value::<Option<$ty>>()? else { continue };
                                if known.is_some() {
                                    return Err(serde::de::Error::custom(concat!(
                                        "two members where one belongs, the second is ", $wire
                                    )));
                                }
                                known = Some($name::$variant(value));
                            }
                        )*
                        _ => {
                            let value = map.next_value()?;
                            unknown = Some($name::Unknown { name: key.into_owned(), value });
                        }
                    }
                }
                Ok(known.or(unknown).unwrap_or_default())
            }
        }

        impl $(<$lt>)? serde::Serialize for $name $(<$lt>)? {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(Some(1))?;
                match self {
                    $( Self::$variant(value) => map.serialize_entry($wire, value)?, )*
                    Self::Unknown { name, value } => {
                        if !name.is_empty() {
                            map.serialize_entry(name, value)?;
                        }
                    }
                }
                map.end()
            }
        }
    };
}

macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $wire:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
            /// A word that this version does not know.
            Other(String),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $wire, )*
                    Self::Other(word) => word,
                }
            }
        }

        impl $crate::vocabulary::Member for $name {}

        impl $crate::writing::Write for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $crate::writing::text(self.as_str(), out);
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $( $wire => Self::$variant, )*
                    _ => Self::Other(word.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$crate::json::Str<'de>>::deserialize(deserializer).map(|word| Self::from(&*word))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use {record, union, words};
