//! What each kind of tensor has in its file.

use fewbit_formats::ggml::GgmlType;
use fewbit_formats::{Format, GroupFormat, GroupZeroPoint, Span};
use ndarray::{ArrayD, Dimension};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::StoreError;
use super::file::{Contents, Store, Stored};
use crate::accumulate::bounds::{DataType, Sign};
use crate::tensor::parts::resolved;
use crate::tensor::{AnyQuantTensor, Granularity, IntTensor, ScaleCodes};

/// What stands before the type of integers that are no format.
pub(super) const INTEGERS: &str = "integers:";
/// What stands before the name of a block of GGUF files.
pub(super) const GGUF: &str = "gguf:";

/// Every name that a tensor's own arrays can have.
pub(super) const NAMES: [&str; 9] = [
    "codes",
    "scale",
    "scale_codes",
    "zero_point",
    "tensor_scale",
    "outer_scale",
    "outer_scale_codes",
    "ints",
    "blocks",
];

/// The blocks of GGUF files: rows of bytes along the last axis.
#[derive(Clone, Debug, PartialEq)]
pub struct GgmlBlocks {
    /// Their kind.
    pub kind: GgmlType,
    /// The shape of the tensor with its last extent in bytes.
    pub bytes: ArrayD<u8>,
}

fn entries<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// A granularity as metadata, with its axis counted from the front; the axis and the size of groups stand beside it.
fn granularity_entries(granularity: Granularity, shape: &[usize]) -> [(&'static str, Value); 3] {
    let granularity = resolved(granularity, shape).unwrap_or(granularity);
    let (axis, group) = match granularity {
        Granularity::Tensor | Granularity::Row => (Value::Null, Value::Null),
        Granularity::Channel { axis } => (json!(axis), Value::Null),
        Granularity::Group { axis, size } => (json!(axis), json!(size)),
    };
    [("granularity", json!(granularity)), ("axis", axis), ("group", group)]
}

/// The granularity that metadata describe; one scale where they say nothing.
fn read_granularity(metadata: &Map<String, Value>) -> Result<Granularity, StoreError> {
    match metadata.get("granularity") {
        None | Some(Value::Null) => Ok(Granularity::Tensor),
        Some(value) => Granularity::deserialize(value)
            .map_err(|error| StoreError::Metadata(format!("`granularity` is {value}: {error}"))),
    }
}

impl Store for AnyQuantTensor {
    fn metadata(&self) -> Map<String, Value> {
        let [granularity, axis, group] = granularity_entries(self.granularity(), self.shape());
        match self.scale_codes() {
            Some(ScaleCodes { format, .. }) => {
                entries([("format", json!(format.to_string())), axis, group])
            }
            None => {
                entries([("format", json!(self.format().to_string())), granularity, axis, group])
            }
        }
    }

    fn arrays(&self) -> Vec<Stored> {
        let mut arrays = vec![
            Stored::codes("codes", self.bit_width(), &self.codes()),
            Stored::f32("scale", self.scale()),
        ];
        let Some(codes) = self.scale_codes() else {
            arrays.extend(self.zero_point().map(|zero| Stored::f32("zero_point", zero)));
            return arrays;
        };
        let format = codes.format;
        if !is_f32(format.scale().format) {
            let bits = format.scale().format.bits();
            arrays.push(Stored::codes("scale_codes", bits, &codes.scales));
        }
        if let Some(zero_points) = &codes.zero_points {
            arrays.push(Stored::codes("zero_point", self.bit_width(), zero_points));
        }
        if let (Some(outer), Some(outer_codes), Some(values)) =
            (format.scale().outer, &codes.outer, codes.outer_values())
        {
            arrays.push(Stored::f32(outer_name(&format), &values));
            if !is_f32(outer.format) {
                arrays.push(Stored::codes("outer_scale_codes", outer.format.bits(), outer_codes));
            }
        }
        arrays
    }
}

pub(super) fn read_tensor(
    contents: &Contents<'_>,
    format: Format,
    metadata: &Map<String, Value>,
) -> Result<AnyQuantTensor, StoreError> {
    let zero_point = contents.has("zero_point").then(|| contents.f32("zero_point")).transpose()?;
    let granularity = read_granularity(metadata)?;
    let (codes, scale) = (contents.codes("codes")?, contents.f32("scale")?);
    Ok(AnyQuantTensor::new(format, &codes.view(), scale, zero_point, granularity)?)
}

impl Store for IntTensor {
    fn metadata(&self) -> Map<String, Value> {
        let DataType { bits, sign } = self.data_type();
        let sign = if sign == Sign::Unsigned { "u" } else { "" };
        let mut metadata = entries([
            ("format", json!(format!("{INTEGERS}{sign}int{bits}"))),
            // As text: they may be wider than numbers of JSON are read.
            ("least", json!(self.range().0.to_string())),
            ("greatest", json!(self.range().1.to_string())),
        ]);
        metadata.extend(
            granularity_entries(self.granularity(), self.shape())
                .map(|(key, value)| (key.to_owned(), value)),
        );
        metadata
    }

    fn arrays(&self) -> Vec<Stored> {
        let mut arrays = vec![Stored::i64("ints", self.ints()), Stored::f64("scale", self.scale())];
        arrays.extend(self.zero_point().map(|zero_point| Stored::f64("zero_point", zero_point)));
        arrays
    }
}

pub(super) fn read_ints(
    contents: &Contents<'_>,
    data_type: &str,
    metadata: &Map<String, Value>,
) -> Result<IntTensor, StoreError> {
    let (sign, bits) = match data_type.strip_prefix('u') {
        Some(rest) => (Sign::Unsigned, rest),
        None => (Sign::Signed, data_type),
    };
    let bits = bits.strip_prefix("int").and_then(|bits| bits.parse().ok()).ok_or_else(|| {
        StoreError::Format(format!(
            "`{data_type}` is no type of integers: expected int<N> or uint<N>"
        ))
    })?;
    let zero_point = contents.has("zero_point").then(|| contents.f64("zero_point")).transpose()?;
    let granularity = read_granularity(metadata)?;
    let (ints, scale) = (contents.i64("ints")?, contents.f64("scale")?);
    let tensor = IntTensor::new(ints, DataType { bits, sign }, scale, zero_point, granularity)?;
    let end = |key: &str| metadata.get(key).and_then(Value::as_str)?.parse::<i128>().ok();
    match end("least").zip(end("greatest")) {
        Some((least, greatest)) => Ok(tensor.with_range(least, greatest)?),
        None => Ok(tensor),
    }
}

impl Store for GgmlBlocks {
    fn metadata(&self) -> Map<String, Value> {
        entries([
            ("format", json!(format!("{GGUF}{}", self.kind))),
            ("axis", self.bytes.ndim().checked_sub(1).map_or(Value::Null, |axis| json!(axis))),
            ("group", json!(self.kind.elements())),
        ])
    }

    fn arrays(&self) -> Vec<Stored> {
        vec![Stored::bytes("blocks", &self.bytes)]
    }
}

/// Whether a scale is its own code.
pub(super) fn is_f32(format: Format) -> bool {
    format == Format::F32
}

/// The name of the outer scales' tensor.
pub(super) fn outer_name(format: &GroupFormat) -> &'static str {
    match format.scale().outer.map(|outer| outer.span) {
        Some(Span::Groups(_)) => "outer_scale",
        _ => "tensor_scale",
    }
}

pub(super) fn read_groups(
    contents: &Contents<'_>,
    format: GroupFormat,
    metadata: &Map<String, Value>,
) -> Result<AnyQuantTensor, StoreError> {
    let axis = number(metadata, "axis")?.and_then(|axis| isize::try_from(axis).ok());
    let axis = axis.ok_or(StoreError::NoAxis)?;
    if let Some(found) = number(metadata, "group")?.filter(|&group| group != format.size()) {
        let expected = format.size();
        return Err(StoreError::Group { found, format: format.to_string(), expected });
    }
    let own_codes = |name: &str| Ok::<_, StoreError>(contents.f32(name)?.mapv(f32::to_bits));
    let scales = match is_f32(format.scale().format) {
        true => own_codes("scale")?,
        false => contents.codes("scale_codes")?,
    };
    let zero_points = match format.zero_point() {
        GroupZeroPoint::None => None,
        GroupZeroPoint::Code => Some(contents.codes("zero_point")?),
    };
    let outer = match format.scale().outer {
        None => None,
        Some(outer) if is_f32(outer.format) => Some(own_codes(outer_name(&format))?),
        Some(_) => Some(contents.codes("outer_scale_codes")?),
    };
    let elements = contents.codes("codes")?;
    let scales = ScaleCodes { format, scales, zero_points, outer };
    let tensor = AnyQuantTensor::of_scale_codes(&elements.view(), axis, scales)?;
    agrees(contents, "scale", tensor.scale())?;
    let outer = tensor.scale_codes().and_then(ScaleCodes::outer_values);
    if let Some(outer) = outer.filter(|_| contents.has(outer_name(&format))) {
        agrees(contents, outer_name(&format), &outer)?;
    }
    Ok(tensor)
}

/// A count in the metadata; none where it is missing or null.
fn number(metadata: &Map<String, Value>, key: &str) -> Result<Option<usize>, StoreError> {
    match metadata.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            value.as_u64().and_then(|number| usize::try_from(number).ok()).map(Some).ok_or_else(
                || StoreError::Metadata(format!("`{key}` is {value}: expected a count")),
            )
        }
    }
}

/// Whether the scales in the file are those that their codes stand for.
fn agrees(contents: &Contents<'_>, name: &str, computed: &ArrayD<f32>) -> Result<(), StoreError> {
    let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    compare(contents, name, computed, same)
}

/// Whether numbers in the file are `same` as those that were computed.
pub(super) fn compare(
    contents: &Contents<'_>,
    name: &str,
    computed: &ArrayD<f32>,
    same: impl Fn(f32, f32) -> bool,
) -> Result<(), StoreError> {
    let values = contents.f32(name)?;
    let name = name.to_owned();
    if values.shape() != computed.shape() {
        let (found, expected) = (values.shape().to_vec(), computed.shape().to_vec());
        return Err(StoreError::Shape { name, found, expected });
    }
    match computed.indexed_iter().zip(&values).find(|((_, a), b)| !same(**a, **b)) {
        None => Ok(()),
        Some(((index, &expected), &found)) => {
            let index = index.slice().to_vec();
            Err(StoreError::Disagreement { name, found, index, expected })
        }
    }
}
