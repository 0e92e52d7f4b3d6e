//! Quantized tensors in `.safetensors` files.
//!
//! A file has the arrays `codes` (unsigned, of the tensor's shape) and `scale` (f32), and where there are such `zero_point`,
//! `scale_codes`, `tensor_scale` or `outer_scale`, `outer_scale_codes`; integer tensors have `ints` (i64) and an f64 `scale`,
//! GGUF's blocks `blocks`. Its metadata have under `fewbit` a JSON object: `format` and `axis` (counted from the front), `group`
//! and `granularity` where they apply. More arrays and more entries can stand beside them.
//!
//! What is read is checked like any other input, and scales that have codes must be what these stand for.

mod error;
mod file;
mod kinds;

use fewbit_formats::{GroupFormat, GroupFormatError};
use serde_json::{Map, Value};

pub use error::StoreError;
pub use file::{Contents, Stored};
pub use kinds::GgmlBlocks;

use super::{AnyQuantTensor, GroupTensor, IntTensor};

/// The key under which the metadata of a file are.
pub const KEY: &str = "fewbit";

/// A tensor that a file can hold.
pub trait Store {
    /// What it is.
    fn metadata(&self) -> Map<String, Value>;
    /// What it consists of.
    fn arrays(&self) -> Vec<Stored>;
}

/// What stands in a file beside a tensor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra {
    /// Arrays, under other names than the tensor's.
    pub arrays: Vec<Stored>,
    /// Entries of the metadata; the tensor's own win.
    pub metadata: Map<String, Value>,
}

/// The bytes of a file that holds a tensor, and beside it whatever else.
///
/// # Errors
/// Two arrays of one name.
pub fn to_bytes(tensor: &impl Store, extra: Extra) -> Result<Vec<u8>, StoreError> {
    let mut arrays = tensor.arrays();
    arrays.extend(extra.arrays);
    let mut metadata = extra.metadata;
    metadata.extend(tensor.metadata());
    let metadata = serde_json::to_string(&metadata);
    let metadata = metadata.map_err(|error| StoreError::Write(error.to_string()))?;
    file::encode(&arrays, metadata)
}

/// A tensor that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved {
    /// Codes of a scalar format.
    Tensor(Box<AnyQuantTensor>),
    /// Groups whose scales are codes.
    Groups(Box<GroupTensor>),
    /// Integers of any width.
    Ints(Box<IntTensor>),
    /// The blocks of GGUF files.
    Blocks(GgmlBlocks),
}

impl Saved {
    /// The tensor that a file holds.
    ///
    /// # Errors
    /// What is not a whole `.safetensors` file with metadata of ours; arrays of other types or shapes than it must have;
    /// codes that stand for nothing; scales that are not those of their codes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let contents = Contents::of(bytes)?;
        let metadata: Map<String, Value> = serde_json::from_str(contents.metadata())
            .map_err(|error| StoreError::Metadata(error.to_string()))?;
        let format = metadata.get("format").and_then(Value::as_str);
        let format = format.ok_or_else(|| StoreError::Metadata("missing field `format`".into()))?;
        let unknown = |error: String| StoreError::Format(error);
        if let Some(data_type) = format.strip_prefix(kinds::INTEGERS) {
            return kinds::read_ints(&contents, data_type, &metadata)
                .map(|t| Self::Ints(Box::new(t)));
        }
        if let Some(kind) = format.strip_prefix(kinds::GGUF) {
            let kind =
                kind.parse().map_err(|e: fewbit_formats::UnknownName| unknown(e.to_string()))?;
            return Ok(Self::Blocks(GgmlBlocks { kind, bytes: contents.bytes("blocks")? }));
        }
        match format.parse::<GroupFormat>() {
            Ok(format) => {
                kinds::read_groups(&contents, format, &metadata).map(|t| Self::Groups(Box::new(t)))
            }
            Err(GroupFormatError::Unknown(_)) => {
                let format = format.parse().map_err(|_| {
                    unknown(format!("`{format}` is neither a scalar format nor a group format"))
                })?;
                kinds::read_tensor(&contents, format, &metadata).map(|t| Self::Tensor(Box::new(t)))
            }
            Err(error) => Err(unknown(error.to_string())),
        }
    }

    /// The format as the metadata name it: a scalar or a group format, `integers:` and a type, `gguf:` and a kind of block.
    #[must_use]
    pub fn format(&self) -> String {
        let metadata = match self {
            Self::Tensor(tensor) => tensor.metadata(),
            Self::Groups(tensor) => tensor.metadata(),
            Self::Ints(tensor) => tensor.metadata(),
            Self::Blocks(blocks) => blocks.metadata(),
        };
        metadata.get("format").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Tensor(_) => "codes of a scalar format",
            Self::Groups(_) => "groups with scale codes",
            Self::Ints(_) => "integers",
            Self::Blocks(_) => "GGUF's blocks",
        }
    }
}

macro_rules! of_kind {
    ($($tensor:ty => $variant:ident, $expected:literal;)*) => {$(
        impl $tensor {
            /// The bytes of a `.safetensors` file: see [`store`](crate::tensor::store).
            ///
            /// # Errors
            /// None in practice.
            pub fn to_safetensors(&self) -> Result<Vec<u8>, StoreError> {
                to_bytes(self, Extra::default())
            }

            /// The tensor that [`Self::to_safetensors`] has written.
            ///
            /// # Errors
            /// Those of [`Saved::from_bytes`]; another kind of tensor.
            pub fn from_safetensors(bytes: &[u8]) -> Result<Self, StoreError> {
                match Saved::from_bytes(bytes)? {
                    Saved::$variant(tensor) => Ok(*tensor),
                    other => Err(StoreError::Kind { found: other.kind(), expected: $expected }),
                }
            }
        }
    )*};
}

of_kind! {
    AnyQuantTensor => Tensor, "codes of a scalar format";
    GroupTensor => Groups, "groups with scale codes";
    IntTensor => Ints, "integers";
}
