//! From metadata and tensors to files.

use std::collections::HashSet;
use std::io::Write;

use super::{Array, GgufError, MAGIC, Metadata, TensorInfo, Value};

/// The version that is written.
const VERSION: u32 = 3;
/// ggml keeps names in 64 bytes, the last of which is 0.
const LONGEST_NAME: usize = 63;

/// Writes a file: the metadata and the list of tensors at once, then each tensor's blocks in that order.
///
/// So no more than one tensor is in memory. [`Gguf`](super::Gguf) has an example.
#[derive(Debug)]
pub struct GgufWriter<W> {
    to: W,
    infos: Vec<(String, usize)>,
    written: usize,
    alignment: u64,
}

impl<W: Write> GgufWriter<W> {
    /// Writes everything that stands before the first tensor.
    ///
    /// # Errors
    /// A tensor without elements, with rows that are not whole blocks, or with more than 4 axes; a name that there already
    /// is or is longer than 63 bytes; an alignment (`general.alignment`) that is no power of two; what `to` refuses.
    pub fn new(to: W, metadata: &Metadata, tensors: &[TensorInfo]) -> Result<Self, GgufError> {
        let alignment = metadata.alignment()?;
        let (mut names, mut infos) = (HashSet::new(), Vec::with_capacity(tensors.len()));
        let mut head = Vec::from(MAGIC);
        put(&mut head, VERSION.to_le_bytes());
        put(&mut head, (tensors.len() as u64).to_le_bytes());
        put(&mut head, (metadata.len() as u64).to_le_bytes());
        for (key, entry) in metadata.iter() {
            text(&mut head, key);
            put(&mut head, entry.value_type().id().to_le_bytes());
            value(&mut head, entry);
        }
        let mut offset = 0u64;
        for info in tensors {
            let bytes = info.bytes()?;
            if info.name.len() > LONGEST_NAME {
                let problem = format!("the name has more than {LONGEST_NAME} bytes");
                return Err(GgufError::tensor(&info.name, problem));
            }
            if !names.insert(&info.name) {
                return Err(GgufError::tensor(&info.name, "there are two of this name"));
            }
            text(&mut head, &info.name);
            put(&mut head, (info.shape.len() as u32).to_le_bytes());
            info.shape.iter().rev().for_each(|&n| put(&mut head, (n as u64).to_le_bytes()));
            put(&mut head, info.kind.id().to_le_bytes());
            put(&mut head, offset.to_le_bytes());
            offset = (offset + bytes as u64).next_multiple_of(alignment);
            infos.push((info.name.clone(), bytes));
        }
        let mut writer = Self { to, infos, written: 0, alignment };
        writer.padded(&head)?;
        Ok(writer)
    }

    fn padded(&mut self, bytes: &[u8]) -> Result<(), GgufError> {
        let failed = |error: std::io::Error| GgufError::Io(error.to_string());
        self.to.write_all(bytes).map_err(failed)?;
        let length = bytes.len() as u64;
        let padding = length.next_multiple_of(self.alignment) - length;
        std::io::copy(&mut std::io::Read::take(std::io::repeat(0), padding), &mut self.to)
            .map_err(failed)?;
        Ok(())
    }

    /// The tensor that [`Self::write`] is to be called with next; `None` after the last one.
    #[must_use]
    pub fn next_tensor(&self) -> Option<&str> {
        self.infos.get(self.written).map(|(name, _)| name.as_str())
    }

    /// Writes the blocks of the next tensor.
    ///
    /// # Errors
    /// Another number of bytes than the tensor has; no tensor is left; what the destination refuses.
    pub fn write(&mut self, blocks: &[u8]) -> Result<(), GgufError> {
        let Some((name, expected)) = self.infos.get(self.written) else {
            return Err(GgufError::Io("all tensors are written already".into()));
        };
        if blocks.len() != *expected {
            let problem = format!("{} bytes were given, expected {expected}", blocks.len());
            return Err(GgufError::tensor(name, problem));
        }
        self.padded(blocks)?;
        self.written += 1;
        Ok(())
    }

    /// What was written to, flushed.
    ///
    /// # Errors
    /// A tensor that is not written yet; what the destination refuses.
    pub fn finish(mut self) -> Result<W, GgufError> {
        if let Some(name) = self.next_tensor() {
            return Err(GgufError::tensor(name, "its blocks were not written"));
        }
        self.to.flush().map_err(|error| GgufError::Io(error.to_string()))?;
        Ok(self.to)
    }
}

fn put<const N: usize>(to: &mut Vec<u8>, bytes: [u8; N]) {
    to.extend_from_slice(&bytes);
}

fn text(to: &mut Vec<u8>, text: &str) {
    put(to, (text.len() as u64).to_le_bytes());
    to.extend_from_slice(text.as_bytes());
}

fn value(to: &mut Vec<u8>, entry: &Value) {
    match entry {
        Value::U8(value) => put(to, value.to_le_bytes()),
        Value::I8(value) => put(to, value.to_le_bytes()),
        Value::U16(value) => put(to, value.to_le_bytes()),
        Value::I16(value) => put(to, value.to_le_bytes()),
        Value::U32(value) => put(to, value.to_le_bytes()),
        Value::I32(value) => put(to, value.to_le_bytes()),
        Value::F32(value) => put(to, value.to_le_bytes()),
        Value::Bool(value) => put(to, [u8::from(*value)]),
        Value::String(value) => text(to, value),
        Value::Array(value) => array(to, value),
        Value::U64(value) => put(to, value.to_le_bytes()),
        Value::I64(value) => put(to, value.to_le_bytes()),
        Value::F64(value) => put(to, value.to_le_bytes()),
    }
}

fn array(to: &mut Vec<u8>, entry: &Array) {
    put(to, entry.value_type().id().to_le_bytes());
    put(to, (entry.len() as u64).to_le_bytes());
    match entry {
        Array::U8(values) => values.iter().for_each(|value| put(to, value.to_le_bytes())),
        Array::I8(values) => values.iter().for_each(|value| put(to, value.to_le_bytes())),
        Array::U16(values) => values.iter().for_each(|value| put(to, value.to_le_bytes())),
        Array::I16(values) => values.iter().for_each(|value| put(to, value.to_le_bytes())),
        Array::U32(values) => values.iter().for_each(|value| put(to, value.to_le_bytes())),
        Array::I32(values) => values.iter().for_each(|value| put(to, value.to_le_bytes())),
        Array::F32(values) => values.iter().for_each(|value| put(to, value.to_le_bytes())),
        Array::Bool(values) => values.iter().for_each(|value| put(to, [u8::from(*value)])),
        Array::String(values) => values.iter().for_each(|value| text(to, value)),
        Array::Array(values) => values.iter().for_each(|value| array(to, value)),
        Array::U64(values) => values.iter().for_each(|value| put(to, value.to_le_bytes())),
        Array::I64(values) => values.iter().for_each(|value| put(to, value.to_le_bytes())),
        Array::F64(values) => values.iter().for_each(|value| put(to, value.to_le_bytes())),
    }
}
