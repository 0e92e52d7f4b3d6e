//! The layout of a `.safetensors` file, before its elements are written.

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::Range;

use fewbit::formats::Format;
use serde_json::{Map, Value, json};

use crate::onnx::raw_bytes;
use crate::ops::data_type;
use crate::tensor::{ElementType, Tensor};

/// Tensors in the order of a file: those of wide elements first, so that all are aligned, then by name.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    header: Vec<u8>,
    tensors: Vec<Tensor>,
    places: HashMap<String, Range<u64>>,
    length: u64,
}

impl Layout {
    /// The layout of tensors with these names, and what else the header says (texts by key).
    pub(super) fn new(tensors: Vec<(String, Tensor)>, metadata: &Map<String, Value>) -> Self {
        let mut sorted = tensors;
        sorted.sort_by(|(a, x), (b, y)| alignment(y).cmp(&alignment(x)).then_with(|| a.cmp(b)));
        let mut header = Map::new();
        header.insert("__metadata__".into(), Value::Object(metadata.clone()));
        let mut places: HashMap<String, Range<u64>> = HashMap::new();
        let mut end = 0;
        for (name, tensor) in &sorted {
            let (dtype, shape) = described(tensor);
            let place = end..end + bytes(tensor);
            end = place.end;
            let entry = json!({
                "dtype": dtype, "shape": shape, "data_offsets": [place.start, place.end],
            });
            header.insert(name.clone(), entry);
            places.insert(name.clone(), place);
        }
        let mut text = Value::Object(header).to_string().into_bytes();
        // Data begin at a multiple of 8.
        text.resize(text.len().next_multiple_of(8), b' ');
        let mut header = (text.len() as u64).to_le_bytes().to_vec();
        header.append(&mut text);
        let start = header.len() as u64;
        for place in places.values_mut() {
            *place = place.start + start..place.end + start;
        }
        let tensors = sorted.into_iter().map(|(_, tensor)| tensor).collect();
        Self { header, tensors, places, length: start + end }
    }

    /// The bytes of the file that each tensor has.
    pub(super) fn places(&self) -> &HashMap<String, Range<u64>> {
        &self.places
    }

    /// The bytes of the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Writes the file, tensor after tensor.
    pub(super) fn write_to(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(&self.header)?;
        self.tensors.iter().try_for_each(|tensor| to.write_all(&raw_bytes(tensor)))
    }
}

/// The bits of an element in a file.
fn width(tensor: &Tensor) -> usize {
    data_type::number(tensor.element_type()).map_or(8, data_type::width)
}

fn alignment(tensor: &Tensor) -> usize {
    width(tensor).div_ceil(8)
}

fn bytes(tensor: &Tensor) -> u64 {
    (tensor.len() as u64 * width(tensor) as u64).div_ceil(8)
}

/// The type's name and the shape; codes of less than 8 bits are bytes, along the last axis where it has whole ones.
fn described(tensor: &Tensor) -> (&'static str, Vec<usize>) {
    let shape = tensor.shape().to_vec();
    let dtype = match tensor.element_type() {
        ElementType::F32 => "F32",
        ElementType::I64 => "I64",
        ElementType::I32 => "I32",
        ElementType::I16 => "I16",
        ElementType::I8 => "I8",
        ElementType::U64 => "U64",
        ElementType::U32 => "U32",
        ElementType::U16 => "U16",
        ElementType::Bool => "BOOL",
        ElementType::Code(Format::E4M3FN) => "F8_E4M3",
        ElementType::Code(Format::E5M2) => "F8_E5M2",
        _ => "U8",
    };
    let bits = width(tensor);
    match shape.split_last() {
        _ if bits >= 8 => (dtype, shape),
        Some((&last, first)) if (last * bits).is_multiple_of(8) => {
            (dtype, first.iter().copied().chain([last * bits / 8]).collect())
        }
        _ => (dtype, vec![bytes(tensor) as usize]),
    }
}
