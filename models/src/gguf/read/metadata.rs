//! Entries of metadata.

use std::io::Read;

use super::bounded::Bounded;
use crate::gguf::{Array, GgufError, Metadata, Value, ValueType};

/// How deeply arrays may lie in arrays.
const DEEPEST: usize = 4;

/// The entries, as many as the file says.
pub(super) fn metadata<R: Read>(
    source: &mut Bounded<R>,
    count: u64,
) -> Result<Metadata, GgufError> {
    // A key's length, a type, a value of one byte.
    source.expect(count, 13, || format!("the list of {count} metadata entries"))?;
    let mut metadata = Metadata::default();
    for place in 0..count {
        let key = source.text(&format!("the key of metadata entry {place}"))?;
        if metadata.get(&key).is_some() {
            return Err(GgufError::metadata(&key, "the file has it twice"));
        }
        let value = Entry { key: &key }.value(source)?;
        metadata.insert(&key, value);
    }
    Ok(metadata)
}

/// The entry that is read, for messages.
struct Entry<'a> {
    key: &'a str,
}

/// A type of fixed width.
trait Fixed: Sized {
    fn read<R: Read>(source: &mut Bounded<R>, entry: &Entry<'_>) -> Result<Self, GgufError>;
}

macro_rules! fixed {
    ($($rust:ty),+) => {$(
        impl Fixed for $rust {
            fn read<R: Read>(source: &mut Bounded<R>, entry: &Entry<'_>) -> Result<Self, GgufError> {
                entry.take(source).map(<$rust>::from_le_bytes)
            }
        }
    )+};
}
fixed!(u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);

impl Fixed for bool {
    fn read<R: Read>(source: &mut Bounded<R>, entry: &Entry<'_>) -> Result<Self, GgufError> {
        match u8::read(source, entry)? {
            0 => Ok(false),
            1 => Ok(true),
            other => {
                Err(GgufError::metadata(entry.key, format!("{other} is no bool: expected 0 or 1")))
            }
        }
    }
}

impl Entry<'_> {
    fn what(&self) -> String {
        format!("the value of metadata `{}`", self.key.escape_debug())
    }

    fn take<const N: usize, R: Read>(&self, source: &mut Bounded<R>) -> Result<[u8; N], GgufError> {
        source.expect(1, N, || self.what())?;
        source.take("a value")
    }

    fn value_type<R: Read>(&self, source: &mut Bounded<R>) -> Result<ValueType, GgufError> {
        let id = u32::read(source, self)?;
        ValueType::from_id(id).ok_or_else(|| {
            GgufError::metadata(self.key, format!("{id} is no type of value: expected 0 to 12"))
        })
    }

    fn text<R: Read>(&self, source: &mut Bounded<R>) -> Result<String, GgufError> {
        source.text("a text").map_err(|error| match error {
            GgufError::Truncated { at, needed, length, .. } => {
                GgufError::Truncated { what: self.what(), at, needed, length }
            }
            GgufError::Io(problem) => GgufError::metadata(self.key, problem),
            other => other,
        })
    }

    fn value<R: Read>(&self, source: &mut Bounded<R>) -> Result<Value, GgufError> {
        Ok(match self.value_type(source)? {
            ValueType::U8 => Value::U8(Fixed::read(source, self)?),
            ValueType::I8 => Value::I8(Fixed::read(source, self)?),
            ValueType::U16 => Value::U16(Fixed::read(source, self)?),
            ValueType::I16 => Value::I16(Fixed::read(source, self)?),
            ValueType::U32 => Value::U32(Fixed::read(source, self)?),
            ValueType::I32 => Value::I32(Fixed::read(source, self)?),
            ValueType::F32 => Value::F32(Fixed::read(source, self)?),
            ValueType::Bool => Value::Bool(Fixed::read(source, self)?),
            ValueType::String => Value::String(self.text(source)?),
            ValueType::Array => Value::Array(self.array(source, 1)?),
            ValueType::U64 => Value::U64(Fixed::read(source, self)?),
            ValueType::I64 => Value::I64(Fixed::read(source, self)?),
            ValueType::F64 => Value::F64(Fixed::read(source, self)?),
        })
    }

    fn fixed<T: Fixed, R: Read>(
        &self,
        source: &mut Bounded<R>,
        count: u64,
    ) -> Result<Vec<T>, GgufError> {
        let count = source.expect(count, size_of::<T>(), || self.what())?;
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(T::read(source, self)?);
        }
        Ok(values)
    }

    fn array<R: Read>(&self, source: &mut Bounded<R>, depth: usize) -> Result<Array, GgufError> {
        let kind = self.value_type(source)?;
        let count = u64::read(source, self)?;
        Ok(match kind {
            ValueType::U8 => Array::U8(self.fixed(source, count)?),
            ValueType::I8 => Array::I8(self.fixed(source, count)?),
            ValueType::U16 => Array::U16(self.fixed(source, count)?),
            ValueType::I16 => Array::I16(self.fixed(source, count)?),
            ValueType::U32 => Array::U32(self.fixed(source, count)?),
            ValueType::I32 => Array::I32(self.fixed(source, count)?),
            ValueType::F32 => Array::F32(self.fixed(source, count)?),
            ValueType::Bool => Array::Bool(self.fixed(source, count)?),
            ValueType::U64 => Array::U64(self.fixed(source, count)?),
            ValueType::I64 => Array::I64(self.fixed(source, count)?),
            ValueType::F64 => Array::F64(self.fixed(source, count)?),
            ValueType::String => {
                // Each has its length before it.
                let count = source.expect(count, 8, || self.what())?;
                let mut texts = Vec::with_capacity(count);
                for _ in 0..count {
                    texts.push(self.text(source)?);
                }
                Array::String(texts)
            }
            ValueType::Array if depth < DEEPEST => {
                // Each has its type and its count before it.
                let count = source.expect(count, 12, || self.what())?;
                let mut arrays = Vec::with_capacity(count);
                for _ in 0..count {
                    arrays.push(self.array(source, depth + 1)?);
                }
                Array::Array(arrays)
            }
            ValueType::Array => {
                let problem = format!("arrays lie in arrays more than {DEEPEST} deep");
                return Err(GgufError::metadata(self.key, problem));
            }
        })
    }
}
