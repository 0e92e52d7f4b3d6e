//! Any tensor that a file holds.

use fewbit_formats::{GroupFormat, GroupFormatError, GroupZeroPoint};
use ndarray::ArrayD;
use safetensors::tensor::Dtype;
use serde_json::{Map, Value};

use super::error::StoreError;
use super::file::{Contents, Store, code_type};
use super::kinds::{self, GgmlBlocks};
use crate::tensor::{AnyQuantTensor, IntTensor, ScaleCodes, TensorError, ggml_dequantize};

/// A tensor that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved {
    /// Codes with their scales.
    Tensor(Box<AnyQuantTensor>),
    /// Integers of any width.
    Ints(Box<IntTensor>),
    /// The blocks of GGUF files.
    Blocks(GgmlBlocks),
}

impl Saved {
    /// The tensor that arrays and metadata describe.
    pub(super) fn of_contents(
        contents: &Contents<'_>,
        metadata: &Map<String, Value>,
    ) -> Result<Self, StoreError> {
        let format = metadata.get("format").and_then(Value::as_str);
        let format = format.ok_or_else(|| StoreError::Metadata("missing field `format`".into()))?;
        let unknown = |error: String| StoreError::Format(error);
        if let Some(data_type) = format.strip_prefix(kinds::INTEGERS) {
            return kinds::read_ints(contents, data_type, metadata)
                .map(|t| Self::Ints(Box::new(t)));
        }
        if let Some(kind) = format.strip_prefix(kinds::GGUF) {
            let kind =
                kind.parse().map_err(|e: fewbit_formats::UnknownName| unknown(e.to_string()))?;
            return Ok(Self::Blocks(GgmlBlocks { kind, bytes: contents.bytes("blocks")? }));
        }
        match format.parse::<GroupFormat>() {
            Ok(format) => {
                kinds::read_groups(contents, format, metadata).map(|t| Self::Tensor(Box::new(t)))
            }
            Err(GroupFormatError::Unknown(_)) => {
                let format = format.parse().map_err(|_| {
                    unknown(format!("`{format}` is neither a scalar format nor a group format"))
                })?;
                kinds::read_tensor(contents, format, metadata).map(|t| Self::Tensor(Box::new(t)))
            }
            Err(error) => Err(unknown(error.to_string())),
        }
    }

    /// The format as the metadata name it: a scalar or a group format, `integers:` and a type, `gguf:` and a kind of block.
    #[must_use]
    pub fn format(&self) -> String {
        self.metadata().get("format").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The values in f32; those of integers are computed in f64 and rounded once.
    ///
    /// # Errors
    /// Blocks whose last extent is no whole number of them.
    pub fn values(&self) -> Result<ArrayD<f32>, TensorError> {
        match self {
            Self::Tensor(tensor) => Ok(tensor.dequantize()),
            Self::Ints(tensor) => Ok(tensor.dequantize().mapv(|value| value as f32)),
            Self::Blocks(blocks) => ggml_dequantize(blocks.kind, &blocks.bytes.view()),
        }
    }

    /// Its own entries of the metadata.
    pub(super) fn metadata(&self) -> Map<String, Value> {
        match self {
            Self::Tensor(tensor) => tensor.metadata(),
            Self::Ints(tensor) => tensor.metadata(),
            Self::Blocks(blocks) => blocks.metadata(),
        }
    }

    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Tensor(tensor) if tensor.scale_codes().is_some() => "groups with scale codes",
            Self::Tensor(_) => "codes of a scalar format",
            Self::Ints(_) => "integers",
            Self::Blocks(_) => "GGUF's blocks",
        }
    }

    /// The names and types of the arrays that the tensor has in its file: those of [`Store::arrays`].
    pub(super) fn parts(&self) -> Vec<(&'static str, Dtype)> {
        let zero_point = |has: bool, dtype| has.then_some(("zero_point", dtype));
        match self {
            Self::Tensor(tensor) => {
                let element = code_type(tensor.bit_width());
                let mut parts = vec![("codes", element), ("scale", Dtype::F32)];
                let Some(ScaleCodes { format, .. }) = tensor.scale_codes() else {
                    parts.extend(zero_point(tensor.zero_point().is_some(), Dtype::F32));
                    return parts;
                };
                if !kinds::is_f32(format.scale().format) {
                    parts.push(("scale_codes", code_type(format.scale().format.bits())));
                }
                let has = format.zero_point() == GroupZeroPoint::Code;
                parts.extend(zero_point(has, element));
                if let Some(outer) = format.scale().outer {
                    parts.push((kinds::outer_name(format), Dtype::F32));
                    if !kinds::is_f32(outer.format) {
                        parts.push(("outer_scale_codes", code_type(outer.format.bits())));
                    }
                }
                parts
            }
            Self::Ints(tensor) => {
                let mut parts = vec![("ints", Dtype::I64), ("scale", Dtype::F64)];
                parts.extend(zero_point(tensor.zero_point().is_some(), Dtype::F64));
                parts
            }
            Self::Blocks(_) => vec![("blocks", Dtype::U8)],
        }
    }
}
