//! Quantized arrays in `.safetensors` files.

use std::path::Path;

use fewbit::tensor::{
    AnyQuantTensor, Granularity, GroupCodes, GroupTensor, TensorError, ggml_dequantize,
};
use fewbit_formats::{Format, GroupFormat, ZeroPoint};
use ndarray::{ArrayD, Dimension, IxDyn};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Quantized, Target};
use crate::error::CliError;
use crate::io::tensors::{Contents, File, Stored, encode};
use crate::output;

/// What stands under `fewbit` in a file's metadata.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Metadata {
    /// A group format, a scalar format, or `gguf:` and a kind of block.
    pub(crate) format: String,
    /// The axis along which groups run, counted from the front; none where one scale is all there is.
    pub(crate) axis: Option<usize>,
    /// Elements that share a scale; none where all do.
    pub(crate) group: Option<usize>,
    /// The seed of stochastic rounding.
    #[serde(default)]
    pub(crate) seed: u64,
    /// Every choice that was made.
    #[serde(default)]
    pub(crate) policy: Value,
}

/// The bytes of the file of a quantized array and its values, and of what else goes with it.
pub(crate) fn write(
    path: &Path,
    quantized: &Quantized,
    values: &ArrayD<f32>,
    metadata: &Metadata,
    extra: Vec<Stored>,
) -> Result<Vec<u8>, CliError> {
    let mut tensors = match quantized {
        Quantized::Groups(tensor) => groups(tensor),
        Quantized::Tensor(tensor) => {
            let (bits, codes, scale) = (tensor.bit_width(), tensor.codes(), tensor.scale());
            let mut tensors = vec![
                Stored::codes("codes", bits, tensor.shape(), &codes),
                Stored::f32("scale", scale.shape(), scale),
            ];
            if let Some(zero_point) = tensor.zero_point() {
                tensors.push(Stored::f32("zero_point", zero_point.shape(), zero_point));
            }
            tensors
        }
        Quantized::Blocks(blocks) => vec![Stored::bytes("blocks", blocks.shape(), blocks)],
    };
    tensors.push(Stored::f32("values", values.shape(), values));
    tensors.extend(extra);
    encode(path, &tensors, output::json(metadata)?)
}

/// Whether a scale is its own code.
fn is_f32(format: Format) -> bool {
    format == Format::F32
}

/// The name of the outer scales' tensor.
fn outer_name(format: &GroupFormat) -> &'static str {
    match format.scale().outer.map(|outer| outer.span) {
        Some(fewbit_formats::Span::Groups(_)) => "outer_scale",
        _ => "tensor_scale",
    }
}

fn groups(tensor: &GroupTensor) -> Vec<Stored> {
    let format = tensor.format();
    let (element, scale) = (format.element().bits(), tensor.scale());
    let codes = tensor.to_codes();
    let mut tensors = vec![
        Stored::codes("codes", element, tensor.shape(), &codes.elements),
        Stored::f32("scale", scale.shape(), scale),
    ];
    if !is_f32(format.scale().format) {
        let bits = format.scale().format.bits();
        tensors.push(Stored::codes("scale_codes", bits, codes.scales.shape(), &codes.scales));
    }
    if let Some(zero_points) = &codes.zero_points {
        tensors.push(Stored::codes("zero_point", element, zero_points.shape(), zero_points));
    }
    if let (Some(outer), Some(parts)) = (format.scale().outer, tensor.outer()) {
        tensors.push(Stored::f32(outer_name(format), parts.values.shape(), &parts.values));
        if !is_f32(outer.format) {
            let bits = outer.format.bits();
            tensors.push(Stored::codes(
                "outer_scale_codes",
                bits,
                parts.codes.shape(),
                &parts.codes,
            ));
        }
    }
    tensors
}

/// The format and the values of the quantized array in a file, from its codes and scales; the tensor `values` is not
/// read.
///
/// # Errors
/// Metadata, types, shapes or codes that are not those of a quantized array; scales that are not those of their codes.
pub(crate) fn read(path: &Path) -> Result<(Target, ArrayD<f32>), CliError> {
    let file = File::read(path)?;
    let contents = file.contents()?;
    let metadata: Metadata = serde_json::from_str(&contents.metadata).map_err(|error| {
        contents.wrong(format!(
            "the metadata under `fewbit` are not those of a quantized array: {error}"
        ))
    })?;
    let target: Target = metadata
        .format
        .parse()
        .map_err(|error| contents.wrong(format!("`format` in its metadata: {error}")))?;
    let wrong = |error: TensorError| contents.wrong(error.to_string());
    let values = match target {
        Target::Groups(format) => read_groups(&contents, format, &metadata)?,
        Target::Tensor(format) => read_tensor(&contents, format, &metadata)?,
        Target::Blocks(kind) => {
            let (shape, bytes) = contents.bytes("blocks")?;
            ggml_dequantize(kind, &array(&contents, "blocks", &shape, bytes)?.view())
                .map_err(wrong)?
        }
    };
    Ok((target, values))
}

fn read_tensor(
    contents: &Contents<'_>,
    format: Format,
    metadata: &Metadata,
) -> Result<ArrayD<f32>, CliError> {
    let (shape, codes) = contents.codes("codes")?;
    let codes = array(contents, "codes", &shape, codes)?;
    let parameter = |name: &str| -> Result<ArrayD<f32>, CliError> {
        let (shape, values) = contents.f32(name)?;
        array(contents, name, &shape, values)
    };
    let zero_point = if contents.has("zero_point") { Some(parameter("zero_point")?) } else { None };
    let granularity = match (metadata.axis, metadata.group) {
        (Some(axis), Some(size)) => {
            let axis = isize::try_from(axis)
                .map_err(|_| contents.wrong(format!("`axis` in its metadata is {axis}")))?;
            Granularity::Group { axis, size }
        }
        _ => Granularity::Tensor,
    };
    let scale = parameter("scale")?;
    let tensor = AnyQuantTensor::new(format, &codes.view(), scale, zero_point, granularity);
    Ok(tensor.map_err(|error| contents.wrong(error.to_string()))?.dequantize())
}

fn read_groups(
    contents: &Contents<'_>,
    format: GroupFormat,
    metadata: &Metadata,
) -> Result<ArrayD<f32>, CliError> {
    let axis = metadata.axis.and_then(|axis| isize::try_from(axis).ok());
    let axis =
        axis.ok_or_else(|| contents.wrong("its metadata have no `axis`, which groups need"))?;
    if let Some(group) = metadata.group.filter(|&group| group != format.size()) {
        return Err(contents.wrong(format!(
            "`group` in its metadata is {group}, but the groups of {format} have {} elements",
            format.size()
        )));
    }
    let codes = |name: &str| -> Result<ArrayD<u32>, CliError> {
        let (shape, codes) = contents.codes(name)?;
        array(contents, name, &shape, codes)
    };
    let own_codes = |name: &str| -> Result<ArrayD<u32>, CliError> {
        let (shape, values) = contents.f32(name)?;
        array(contents, name, &shape, values.iter().map(|value| value.to_bits()).collect())
    };
    let scales =
        if is_f32(format.scale().format) { own_codes("scale")? } else { codes("scale_codes")? };
    let zero_points = match format.zero_point() {
        ZeroPoint::None => None,
        ZeroPoint::Code => Some(codes("zero_point")?),
    };
    let outer = match format.scale().outer {
        None => None,
        Some(outer) if is_f32(outer.format) => Some(own_codes(outer_name(&format))?),
        Some(_) => Some(codes("outer_scale_codes")?),
    };
    let parts = GroupCodes { elements: codes("codes")?, scales, zero_points, outer };
    let tensor =
        GroupTensor::new(format, axis, parts).map_err(|error| contents.wrong(error.to_string()))?;
    agrees(contents, "scale", tensor.scale())?;
    if let Some(outer) = tensor.outer().filter(|_| contents.has(outer_name(&format))) {
        agrees(contents, outer_name(&format), &outer.values)?;
    }
    Ok(tensor.dequantize()?)
}

/// Whether the scales in the file are those that their codes stand for.
fn agrees(contents: &Contents<'_>, name: &str, computed: &ArrayD<f32>) -> Result<(), CliError> {
    let (shape, values) = contents.f32(name)?;
    if shape != computed.shape() {
        let expected = computed.shape();
        return Err(contents.wrong(format!("`{name}` has shape {shape:?}; {expected:?} is needed")));
    }
    let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    let differing = computed.indexed_iter().zip(&values).find(|((_, a), b)| !same(**a, **b));
    match differing {
        None => Ok(()),
        Some(((index, code), value)) => {
            let index: Vec<usize> = index.slice().to_vec();
            Err(contents.wrong(format!(
                "`{name}` is {value:e} at {index:?}, but its code stands for {code:e}"
            )))
        }
    }
}

fn array<T>(
    contents: &Contents<'_>,
    name: &str,
    shape: &[usize],
    elements: Vec<T>,
) -> Result<ArrayD<T>, CliError> {
    ArrayD::from_shape_vec(IxDyn(shape), elements)
        .map_err(|error| contents.wrong(format!("`{name}` of shape {shape:?}: {error}")))
}
