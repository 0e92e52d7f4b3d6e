//! Quantized tensors in `.safetensors` files.
//!
//! A file has the arrays `codes` (unsigned, of the tensor's shape) and `scale` (f32), and where there are such `zero_point`,
//! `scale_codes`, `tensor_scale` or `outer_scale`, `outer_scale_codes`; integer tensors have `ints` (i64) and an f64 `scale`,
//! GGUF's blocks `blocks`. Its metadata have under `fewbit` a JSON object: `format` and `axis` (counted from the front), `group`
//! and `granularity` where they apply. More arrays and more entries can stand beside them.
//!
//! The metadata also state what the tensor consists of: `schema` (1), `tensors` (the dtype and the shape of each of the
//! arrays above) and a `digest` of them and of these entries. What is read is checked like any other input: every tensor
//! that is stated is there, none of the names above stands there beside, scales that have codes are what these stand for, and
//! the digest is that of the file. So an array or an entry that is missing or was changed is an error, and never another
//! value.
//!
//! Files of earlier versions state nothing. They are read where they have an array `values` that their codes give.

mod digest;
mod error;
mod file;
mod kinds;
mod saved;
mod statement;

use serde_json::{Map, Value};

pub use error::StoreError;
pub use file::{Contents, KEY, Store, Stored};
pub use kinds::GgmlBlocks;
pub use saved::Saved;

use self::statement::Statement;
use super::{AnyQuantTensor, IntTensor};

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
/// Two arrays of one name; an array beside the tensor's under a name that tensors have.
pub fn to_bytes(tensor: &impl Store, extra: Extra) -> Result<Vec<u8>, StoreError> {
    let mut arrays = tensor.arrays();
    if let Some(other) = extra.arrays.iter().find(|array| kinds::NAMES.contains(&array.name)) {
        let name = other.name;
        return Err(StoreError::Write(format!(
            "the name `{name}` is kept for the arrays of a tensor, and cannot stand beside one"
        )));
    }
    let mut own = tensor.metadata();
    statement::state(&mut own, &arrays);
    arrays.extend(extra.arrays);
    let mut metadata = extra.metadata;
    metadata.extend(own);
    let metadata = serde_json::to_string(&metadata);
    let metadata = metadata.map_err(|error| StoreError::Write(error.to_string()))?;
    file::encode(&arrays, metadata)
}

impl Saved {
    /// The tensor that a file holds.
    ///
    /// # Errors
    /// What is not a whole `.safetensors` file with metadata of ours; arrays that are missing, or of other types or shapes
    /// than it must have; codes that stand for nothing; scales that are not those of their codes; contents that were
    /// changed; contents of an earlier version that cannot be checked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let contents = Contents::of(bytes)?;
        let metadata: Map<String, Value> = serde_json::from_str(contents.metadata())
            .map_err(|error| StoreError::Metadata(error.to_string()))?;
        let statement = Statement::of(&metadata)?;
        let saved = Self::of_contents(&contents, &metadata)?;
        match statement {
            Some(statement) => statement.check(&contents, &metadata, &saved)?,
            None => statement::check_values(&contents, &saved)?,
        }
        Ok(saved)
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
    AnyQuantTensor => Tensor, "codes with scales";
    IntTensor => Ints, "integers";
}
