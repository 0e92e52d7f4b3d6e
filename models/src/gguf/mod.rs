//! GGUF files: metadata and tensors of blocks, read one at a time and written one after the other.
//!
//! ```text
//! magic "GGUF" | version u32 | tensors u64 | entries u64 | entries: key, type, value | tensors: name, axes, extents, type, offset
//! padding to the alignment | bytes of each tensor at its offset, each padded to the alignment
//! ```
//!
//! All numbers are little-endian; extents are stored from the last axis to the first, and are here in row-major order, the
//! contiguous axis last. Version 2 and 3 are read (they differ in nothing on little-endian machines), 3 is written. Files are
//! untrusted: counts, lengths and offsets are held against the file's length before anything is allocated. Source: the GGUF
//! specification of the ggml project (`docs/gguf.md`) and the PyPI package `gguf` 0.19.0.
//!
//! | part | what it is |
//! |---|---|
//! | [`Gguf`] | a file: its metadata, its list of tensors, each tensor's bytes or values |
//! | [`Metadata`], [`Value`], [`Array`] | entries by key, in the file's order |
//! | [`TensorType`] | a table of element types: block, bytes, and the decoder of those that are read |
//! | [`encode`], [`encode_codes`] | values to blocks by ggml's reference rounding; codes and scales to blocks, exactly |
//! | [`GgufWriter`] | a file, tensor by tensor |

mod blocks;
mod encode;
mod error;
mod info;
mod metadata;
mod read;
mod tensor_type;
mod value;
mod write;

pub use encode::{encode, encode_codes};
pub use error::GgufError;
pub use info::TensorInfo;
pub use metadata::Metadata;
pub use read::Gguf;
pub use tensor_type::TensorType;
pub use value::{Array, Value, ValueType};
pub use write::GgufWriter;

/// The first bytes of a file.
const MAGIC: [u8; 4] = *b"GGUF";
/// The key of the alignment.
const ALIGNMENT_KEY: &str = "general.alignment";
/// The alignment where the metadata have none.
const DEFAULT_ALIGNMENT: u64 = 32;
/// The most axes of a tensor.
const MAX_AXES: usize = 4;
