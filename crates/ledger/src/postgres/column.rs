//! Values of ours as PostgreSQL's, and back.

use bytes::BytesMut;
use handfast_core::time::Timestamp;
use std::{error::Error, fmt};
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked},
};

/// A column of many rows as one parameter: an array that is written as it travels, so that a row costs no allocation.
#[derive(Default)]
pub(super) struct Array {
    elements: Vec<u8>,
    length: i32,
    has_nulls: bool,
}

impl Array {
    pub(super) fn push(&mut self, value: &[u8]) {
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self.elements.extend(length.to_be_bytes());
        self.elements.extend(value);
        self.length += 1;
    }

    pub(super) fn push_number(&mut self, number: u64) {
        self.push(&signed(number).to_be_bytes());
    }

    pub(super) fn push_null(&mut self) {
        self.elements.extend((-1_i32).to_be_bytes());
        self.length += 1;
        self.has_nulls = true;
    }

    pub(super) fn push_or_null(&mut self, value: Option<&[u8]>) {
        match value {
            Some(value) => self.push(value),
            None => self.push_null(),
        }
    }

    /// The text without what PostgreSQL's texts cannot hold: NUL, which no honest client sends.
    pub(super) fn push_text(&mut self, text: &str) {
        if text.contains('\0') {
            self.push(text.replace('\0', "\u{fffd}").as_bytes());
        } else {
            self.push(text.as_bytes());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.length).unwrap_or_default()
    }
}

impl ToSql for Array {
    /// PostgreSQL's binary format of an array of one dimension, which begins to count at 1.
    fn to_sql(
        &self,
        array: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Kind::Array(element) = array.kind() else {
            return Err("the parameter is no array".into());
        };
        let dimensions: i32 = if self.is_empty() { 0 } else { 1 };
        out.extend_from_slice(&dimensions.to_be_bytes());
        out.extend_from_slice(&i32::from(self.has_nulls).to_be_bytes());
        out.extend_from_slice(&element.oid().to_be_bytes());
        if dimensions == 1 {
            out.extend_from_slice(&self.length.to_be_bytes());
            out.extend_from_slice(&1_i32.to_be_bytes());
        }
        out.extend_from_slice(&self.elements);
        Ok(IsNull::No)
    }

    fn accepts(parameter: &Type) -> bool {
        matches!(parameter.kind(), Kind::Array(_))
    }

    to_sql_checked!();
}

/// The bytes of a value, whatever its type: `uuid` and `bytea` are what they are.
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(column: &Type) -> bool {
        matches!(*column, Type::UUID | Type::BYTEA)
    }
}

impl ToSql for Raw<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0);
        Ok(IsNull::No)
    }

    fn accepts(parameter: &Type) -> bool {
        matches!(*parameter, Type::UUID | Type::BYTEA)
    }

    to_sql_checked!();
}

/// A text that is nobody's business: the driver shows the parameters of its statements to whoever reads its log.
pub(crate) struct Secret<'a>(pub(crate) &'a str);

impl ToSql for Secret<'_> {
    fn to_sql(
        &self,
        parameter: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.to_sql(parameter, out)
    }

    fn accepts(parameter: &Type) -> bool {
        <&str as ToSql>::accepts(parameter)
    }

    to_sql_checked!();
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Array({})", self.length)
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raw(…)")
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A value of ours in a column.
pub(super) struct Column<T>(pub(super) T);

impl FromSql<'_> for Column<u64> {
    fn from_sql(column: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(u64::try_from(i64::from_sql(column, raw)?)?))
    }

    fn accepts(column: &Type) -> bool {
        <i64 as FromSql<'_>>::accepts(column)
    }
}

impl<const N: usize> FromSql<'_> for Column<[u8; N]> {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.try_into()?))
    }

    fn accepts(column: &Type) -> bool {
        <Raw<'_> as FromSql<'_>>::accepts(column)
    }
}

/// The number in a column.
pub(super) fn number(row: &Row, index: usize) -> Result<u64, tokio_postgres::Error> {
    let Column(number) = row.try_get(index)?;
    Ok(number)
}

/// The time in a column.
pub(crate) fn time(row: &Row, index: usize) -> Result<Timestamp, tokio_postgres::Error> {
    number(row, index).map(Timestamp::from_unix)
}

/// PostgreSQL's integers end at 2^63 - 1; of what is counted here, only the end of time is beyond it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
