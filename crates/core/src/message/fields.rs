//! One JSON object, read field by field without building a tree.

use alloc::borrow::Cow;
use core::fmt;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};

/// The value of a field, as far as this protocol's fields go.
#[derive(Debug, Default)]
pub(super) enum Value<'a> {
    #[default]
    Absent,
    Null,
    Flag(bool),
    Whole(u64),
    Text(Cow<'a, str>),
    /// A negative or broken number, a list or an object.
    Other,
}

/// Why a text has no fields.
pub(super) enum Wrong {
    Syntax,
    NotAnObject,
}

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
        match serde_json::from_str(json) {
            Ok(Top::Object(fields)) => Ok(fields),
            Ok(Top::Other) => Err(Wrong::NotAnObject),
            Err(error) => match error.classify() {
                Category::Data | Category::Io | Category::Syntax | Category::Eof => {
                    Err(Wrong::Syntax)
                }
            },
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
        while let Some(Name(name)) = map.next_key()? {
            if name == "id" {
                let json: &RawValue = map.next_value()?;
                if fields.id.replace(json.get()).is_some() {
                    fields.duplicate = Some("id");
                }
            } else if let Some((name, place)) = fields.place(&name) {
                if matches!(place, Value::Absent) {
                    *place = map.next_value()?;
                } else {
                    map.next_value::<IgnoredAny>()?;
                    fields.duplicate = Some(name);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

/// A field's name, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

/// Any JSON text, of which only an object is looked into.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack for the length of one call"
)]
enum Top<'a> {
    Object(Fields<'a>),
    Other,
}

/// Reads a scalar by what it is, and passes over the rest.
struct Any;

impl<'a> Visitor<'a> for Any {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Whole(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.into())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

struct TopVisitor;

impl<'a> Visitor<'a> for TopVisitor {
    type Value = Top<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Any.expecting(f)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Top::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Top::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Top::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Top::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Top::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Top::Other)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, list: A) -> Result<Self::Value, A::Error> {
        Any.visit_seq(list).map(|_| Top::Other)
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<Self::Value, A::Error> {
        Fields::read(map).map(Top::Object)
    }
}

struct NameVisitor;

impl<'a> Visitor<'a> for NameVisitor {
    type Value = Name<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_borrowed_str<E>(self, name: &'a str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Owned(name.into())))
    }
}

impl<'a> Deserialize<'a> for Value<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

impl<'a> Deserialize<'a> for Top<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TopVisitor)
    }
}

impl<'a> Deserialize<'a> for Name<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}
