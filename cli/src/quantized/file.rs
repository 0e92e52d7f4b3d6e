//! Quantized arrays in `.safetensors` files.

use std::path::Path;

use fewbit::tensor::store::{self, Extra, GgmlBlocks, Saved, Stored};
use fewbit::tensor::{AnyQuantTensor, Granularity, TensorError};
use ndarray::ArrayD;
use safetensors::tensor::Metadata as SafeTensorsHeader;
use serde::Serialize;
use serde_json::Value;

use super::{Quantized, Target};
use crate::error::CliError;
use crate::io::input::Input;
use crate::io::log::InputLog;
use crate::provenance::Provenance;

/// What stands under `fewbit` in a file's metadata, beside what the library says of the tensor.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Metadata {
    /// A group format, a scalar format, or `gguf:` and a kind of block.
    pub(crate) format: String,
    /// The axis along which groups run, counted from the front; none where one scale is all there is.
    pub(crate) axis: Option<usize>,
    /// Elements that share a scale; none where all do.
    pub(crate) group: Option<usize>,
    /// The seed of stochastic rounding.
    pub(crate) seed: u64,
    /// Every choice that was made.
    pub(crate) policy: Value,
    /// Who shares a scale, where a quantizer says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) granularity: Option<Granularity>,
    /// The name of the quantizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preset: Option<String>,
    /// The whole quantizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recipe: Option<Value>,
    /// What made the file, from what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provenance: Option<Provenance>,
}

/// An error about a file.
fn wrong(path: &Path, reason: impl ToString) -> CliError {
    CliError::Array { path: path.to_owned(), reason: reason.to_string() }
}

/// The bytes of the file of a quantized array and its values, and of what else goes with it.
pub(crate) fn write(
    path: &Path,
    quantized: &Quantized,
    values: &ArrayD<f32>,
    metadata: &Metadata,
    beside: Vec<Stored>,
) -> Result<Vec<u8>, CliError> {
    let metadata = match serde_json::to_value(metadata) {
        Ok(Value::Object(metadata)) => metadata,
        Ok(_) => serde_json::Map::new(),
        Err(error) => return Err(wrong(path, error)),
    };
    let mut extra = Extra { arrays: vec![Stored::f32("values", values)], metadata };
    extra.arrays.extend(beside);
    let bytes = match quantized {
        Quantized::Tensor(tensor) => store::to_bytes(&**tensor, extra),
        Quantized::Simulated(tensor) => {
            let bit_width = ArrayD::from_elem(Vec::new(), tensor.bit_width() as f32);
            extra.arrays.push(Stored::f32("bit_width", &bit_width));
            store::to_bytes(&with_zero_point(tensor)?, extra)
        }
        Quantized::Blocks(bytes) => {
            let kind = extra.metadata.get("format").and_then(Value::as_str).unwrap_or_default();
            let Ok(Target::Blocks(kind)) = kind.parse() else {
                return Err(wrong(path, format!("`{kind}` is no kind of block")));
            };
            store::to_bytes(&GgmlBlocks { kind, bytes: bytes.clone() }, extra)
        }
    };
    bytes.map_err(|error| wrong(path, error))
}

/// The format and the values of the quantized array in a file, from its codes and scales; the tensor `values` is not
/// read.
///
/// # Errors
/// Metadata, types, shapes or codes that are not those of a quantized array, or were changed; scales that are not those
/// of their codes.
pub(crate) fn read(path: &Path, log: &InputLog) -> Result<(String, ArrayD<f32>), CliError> {
    let bytes = whole(Input::open(path, log)?)?;
    let saved = Saved::from_bytes(&bytes).map_err(|error| wrong(path, error))?;
    Ok((saved.format(), saved.values()?))
}

/// The tensor with zero points of 0 where it has none: whoever reads it finds both, whatever the quantizer.
fn with_zero_point(tensor: &AnyQuantTensor) -> Result<AnyQuantTensor, TensorError> {
    // The codes of a group format say it themselves.
    if tensor.zero_point().is_some() || tensor.scale_codes().is_some() {
        return Ok(tensor.clone());
    }
    let (codes, scale) = (tensor.codes(), tensor.scale().clone());
    let zeros = ArrayD::zeros(scale.raw_dim());
    AnyQuantTensor::new(tensor.format(), &codes.view(), scale, Some(zeros), tensor.granularity())
}

/// The bytes of a `.safetensors` file whose header says that they are as many as there are.
///
/// # Errors
/// What is no such file, as far as its first bytes tell; more than memory holds.
fn whole(mut input: Input) -> Result<Vec<u8>, CliError> {
    /// The longest header that the format allows.
    const LONGEST: u64 = 100_000_000;
    let not_one = |input: &Input, why: &str| input.wrong(format!("not a .safetensors file: {why}"));
    let mut bytes = Vec::new();
    input.read(input.length.min(9), &mut bytes)?;
    let Some((&length, [b'{'])) = bytes.split_first_chunk() else {
        return Err(not_one(&input, "it does not begin with the length of a header and a `{`"));
    };
    let length = u64::from_le_bytes(length);
    if !(2..=LONGEST).contains(&length) || length > input.length - 8 {
        return Err(not_one(&input, &format!("it has no header of {length} bytes")));
    }
    input.check_memory(length.saturating_mul(4))?;
    input.read(length - 1, &mut bytes)?;
    let header: SafeTensorsHeader = serde_json::from_slice(&bytes[8..])
        .map_err(|error| not_one(&input, &format!("its header: {error}")))?;
    let (data, found) = (header.data_len() as u64, input.length - 8 - length);
    if data != found {
        return Err(not_one(
            &input,
            &format!("{found} bytes of data where its header says {data}"),
        ));
    }
    // As they are, as codes and scales, and as values.
    input.check_memory(found.saturating_mul(10))?;
    input.read(found, &mut bytes)?;
    Ok(bytes)
}
