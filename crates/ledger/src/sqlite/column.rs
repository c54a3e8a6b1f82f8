//! Values of ours as SQLite's, and back.

use handfast_core::time::Timestamp;
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

/// A value of ours in a column.
pub(crate) struct Column<T>(pub(crate) T);

impl FromSql for Column<u64> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        let unsigned = u64::try_from(number).map(Self);
        unsigned.map_err(|_| FromSqlError::OutOfRange(number))
    }
}

impl ToSql for Column<u64> {
    /// SQLite's integers end at 2^63 - 1; of what is counted here, only the end of time is beyond it.
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Column<Timestamp> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let Column(seconds) = Column::column_result(value)?;
        Ok(Self(Timestamp::from_unix(seconds)))
    }
}

impl ToSql for Column<Timestamp> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0.as_unix()).unwrap_or(i64::MAX).into())
    }
}

impl<const N: usize> FromSql for Column<[u8; N]> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let blob = value.as_blob()?;
        let bytes = <[u8; N]>::try_from(blob).map(Self);
        bytes.map_err(|_| FromSqlError::InvalidBlobSize {
            expected_size: N,
            blob_size: blob.len(),
        })
    }
}
