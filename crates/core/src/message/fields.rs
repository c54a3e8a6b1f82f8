//! One JSON object, read field by field without building a tree.

use alloc::borrow::Cow;
use core::fmt;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The value of a field, as far as this protocol's fields go.
#[derive(Debug, Default)]
pub(super) enum Value<'a> {
    #[default]
    Absent,
    Null,
    Flag(bool),
    Whole(u64),
    Text(Cow<'a, str>),
    /// An object, as its JSON text.
    Object(&'a str),
    /// A negative, broken or huge number, a list, or a string that is no Unicode text.
    Other,
}

/// Why a text has no fields.
pub(super) enum Wrong {
    Syntax,
    NotAnObject,
}

/// What may stand before a JSON text (RFC 8259 section 2).
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Every field that any request has.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) kind: Value<'a>,
    pub(super) id: Option<&'a str>,
    pub(super) username: Value<'a>,
    pub(super) password: Value<'a>,
    pub(super) key: Value<'a>,
    pub(super) token: Value<'a>,
    pub(super) attempt: Value<'a>,
    pub(super) proof: Value<'a>,
    pub(super) generation: Value<'a>,
    pub(super) everywhere: Value<'a>,
    pub(super) session: Value<'a>,
    pub(super) old_password: Value<'a>,
    pub(super) new_password: Value<'a>,
    /// A field that stood there more than once. Which of its values counts would be anybody's guess.
    pub(super) duplicate: Option<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn parse(json: &'a str) -> Result<Self, Wrong> {
        if json.trim_start_matches(WHITE_SPACE).starts_with('{') {
            serde_json::from_str(json).map_err(|_| Wrong::Syntax)
        } else {
            let any: Result<IgnoredAny, _> = serde_json::from_str(json);
            Err(any.map_or(Wrong::Syntax, |IgnoredAny| Wrong::NotAnObject))
        }
    }

    fn place(&mut self, name: &str) -> Option<(&'static str, &mut Value<'a>)> {
        Some(match name {
            "type" => ("type", &mut self.kind),
            "username" => ("username", &mut self.username),
            "password" => ("password", &mut self.password),
            "key" => ("key", &mut self.key),
            "token" => ("token", &mut self.token),
            "attempt" => ("attempt", &mut self.attempt),
            "proof" => ("proof", &mut self.proof),
            "generation" => ("generation", &mut self.generation),
            "everywhere" => ("everywhere", &mut self.everywhere),
            "session" => ("session", &mut self.session),
            "old_password" => ("old_password", &mut self.old_password),
            "new_password" => ("new_password", &mut self.new_password),
            _ => return None,
        })
    }

    fn read<A: MapAccess<'a>>(mut map: A) -> Result<Self, A::Error> {
        let mut fields = Self::default();
        while let Some(Text(name)) = map.next_key()? {
            if name == "id" {
                let json: &RawValue = map.next_value()?;
                if fields.id.replace(json.get()).is_some() {
                    fields.duplicate = Some("id");
                }
            } else if let Some((name, place)) = fields.place(&name) {
                let json: &RawValue = map.next_value()?;
                if matches!(place, Value::Absent) {
                    *place = Value::of(json.get());
                } else {
                    fields.duplicate = Some(name);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

impl<'a> Value<'a> {
    /// The value of a JSON text that is known to be one. It is looked at as far as this protocol goes: a number that no
    /// type of ours could hold is still a number.
    fn of(json: &'a str) -> Self {
        match json.as_bytes().first() {
            Some(b'"') => {
                serde_json::from_str(json).map_or(Self::Other, |Text(text)| Self::Text(text))
            }
            Some(b'{') => Self::Object(json),
            Some(b't') => Self::Flag(true),
            Some(b'f') => Self::Flag(false),
            Some(b'n') => Self::Null,
            Some(_) => json.parse().map_or(Self::Other, Self::Whole),
            None => Self::Other,
        }
    }
}

/// A string, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

struct TextVisitor;

impl<'a> Visitor<'a> for TextVisitor {
    type Value = Text<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.into())))
    }
}

impl<'a> Deserialize<'a> for Text<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct FieldsVisitor;

impl<'a> Visitor<'a> for FieldsVisitor {
    type Value = Fields<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<Self::Value, A::Error> {
        Fields::read(map)
    }
}

impl<'a> Deserialize<'a> for Fields<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}
