//! Named arrays and metadata, as `.safetensors` files hold them.

use std::collections::HashMap;

use ndarray::ArrayD;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use serde_json::{Map, Value};

use super::error::StoreError;
use crate::tensor::granularity::array;

/// The key under which the metadata of a file are.
pub const KEY: &str = "fewbit";

/// A tensor that a file can hold.
pub trait Store {
    /// What it is.
    fn metadata(&self) -> Map<String, Value>;
    /// What it consists of.
    fn arrays(&self) -> Vec<Stored>;
}

/// A named array with the bytes that a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub(super) name: &'static str,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Stored {
    /// Numbers of 32 bits.
    #[must_use]
    pub fn f32(name: &'static str, values: &ArrayD<f32>) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, dtype: Dtype::F32, shape: values.shape().to_vec(), bytes }
    }

    /// Numbers of 64 bits.
    #[must_use]
    pub fn f64(name: &'static str, values: &ArrayD<f64>) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, dtype: Dtype::F64, shape: values.shape().to_vec(), bytes }
    }

    /// Integers of 64 bits.
    #[must_use]
    pub fn i64(name: &'static str, values: &ArrayD<i64>) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, dtype: Dtype::I64, shape: values.shape().to_vec(), bytes }
    }

    /// Codes in the smallest unsigned type that holds `bits`.
    #[must_use]
    pub fn codes(name: &'static str, bits: u32, codes: &ArrayD<u32>) -> Self {
        let (dtype, size) = match code_type(bits) {
            Dtype::U8 => (Dtype::U8, 1),
            Dtype::U16 => (Dtype::U16, 2),
            wide => (wide, 4),
        };
        let bytes = codes.iter().flat_map(|code| code.to_le_bytes().into_iter().take(size));
        Self { name, dtype, shape: codes.shape().to_vec(), bytes: bytes.collect() }
    }

    /// Bytes as they are.
    #[must_use]
    pub fn bytes(name: &'static str, bytes: &ArrayD<u8>) -> Self {
        let shape = bytes.shape().to_vec();
        Self { name, dtype: Dtype::U8, shape, bytes: bytes.iter().copied().collect() }
    }
}

/// The smallest unsigned type that holds codes of so many bits.
pub(super) fn code_type(bits: u32) -> Dtype {
    match bits {
        ..=8 => Dtype::U8,
        9..=16 => Dtype::U16,
        _ => Dtype::U32,
    }
}

/// The bytes of a file of these arrays, with this text under `fewbit` in its metadata.
pub(super) fn encode(arrays: &[Stored], metadata: String) -> Result<Vec<u8>, StoreError> {
    let failed = |error: safetensors::SafeTensorError| StoreError::Write(error.to_string());
    for (i, a) in arrays.iter().enumerate() {
        if arrays[..i].iter().any(|b| b.name == a.name) {
            return Err(StoreError::Write(format!("two arrays have the name `{}`", a.name)));
        }
    }
    let views = arrays
        .iter()
        .map(|a| Ok((a.name, TensorView::new(a.dtype, a.shape.clone(), &a.bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(failed)?;
    let metadata = HashMap::from([(KEY.to_owned(), metadata)]);
    safetensors::serialize(views, Some(metadata)).map_err(failed)
}

/// What a file holds.
#[derive(Debug)]
pub struct Contents<'a> {
    arrays: SafeTensors<'a>,
    metadata: String,
}

impl<'a> Contents<'a> {
    /// The arrays and the metadata of a file.
    ///
    /// # Errors
    /// What is not a whole `.safetensors` file with metadata under `fewbit`.
    pub fn of(bytes: &'a [u8]) -> Result<Self, StoreError> {
        let not_one =
            |error: safetensors::SafeTensorError| StoreError::NotSafetensors(error.to_string());
        let arrays = SafeTensors::deserialize(bytes).map_err(not_one)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_one)?;
        let metadata = header.metadata().as_ref().and_then(|all| all.get(KEY)).cloned();
        Ok(Self { arrays, metadata: metadata.ok_or(StoreError::NoMetadata)? })
    }

    /// The text under `fewbit`.
    #[must_use]
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// Whether there is an array of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.arrays.tensor(name).is_ok()
    }

    /// An array of `f32`.
    ///
    /// # Errors
    /// No array of that name, or one of another type.
    pub fn f32(&self, name: &str) -> Result<ArrayD<f32>, StoreError> {
        self.numbers(name, Dtype::F32, "F32", |word| f32::from_le_bytes(*word))
    }

    /// An array of `f64`.
    ///
    /// # Errors
    /// As [`Self::f32`].
    pub fn f64(&self, name: &str) -> Result<ArrayD<f64>, StoreError> {
        self.numbers(name, Dtype::F64, "F64", |word| f64::from_le_bytes(*word))
    }

    /// An array of `i64`.
    ///
    /// # Errors
    /// As [`Self::f32`].
    pub fn i64(&self, name: &str) -> Result<ArrayD<i64>, StoreError> {
        self.numbers(name, Dtype::I64, "I64", |word| i64::from_le_bytes(*word))
    }

    /// An array of bytes.
    ///
    /// # Errors
    /// As [`Self::f32`].
    pub fn bytes(&self, name: &str) -> Result<ArrayD<u8>, StoreError> {
        self.numbers(name, Dtype::U8, "U8", |[byte]| *byte)
    }

    /// An array of codes, of any unsigned type of up to 32 bits.
    ///
    /// # Errors
    /// As [`Self::f32`].
    pub fn codes(&self, name: &str) -> Result<ArrayD<u32>, StoreError> {
        let array = self.array(name)?;
        match array.dtype() {
            Dtype::U8 => Ok(self.bytes(name)?.mapv(u32::from)),
            Dtype::U16 => {
                self.numbers(name, Dtype::U16, "U16", |word| u16::from_le_bytes(*word).into())
            }
            Dtype::U32 => self.numbers(name, Dtype::U32, "U32", |word| u32::from_le_bytes(*word)),
            other => Err(wrong_type(name, other, "U8, U16 or U32")),
        }
    }

    pub(super) fn array(&self, name: &str) -> Result<TensorView<'_>, StoreError> {
        self.arrays.tensor(name).map_err(|_| StoreError::Missing(name.to_owned()))
    }

    fn numbers<T, const N: usize>(
        &self,
        name: &str,
        dtype: Dtype,
        expected: &'static str,
        number: impl Fn(&[u8; N]) -> T,
    ) -> Result<ArrayD<T>, StoreError> {
        let stored = self.array(name)?;
        if stored.dtype() != dtype {
            return Err(wrong_type(name, stored.dtype(), expected));
        }
        let (words, _) = stored.data().as_chunks::<N>();
        Ok(array(stored.shape(), words.iter().map(number).collect())?)
    }
}

fn wrong_type(name: &str, found: Dtype, expected: &'static str) -> StoreError {
    StoreError::Type { name: name.to_owned(), found: found.to_string(), expected }
}
