//! Values, or codes and scales, to blocks.

use fewbit::tensor::AnyQuantTensor;
use fewbit_formats::Format;
use fewbit_formats::ggml::{BlockMxfp4, BlockQ4_0, BlockQ4_1, BlockQ8_0, GgmlType};
use half::{bf16, f16};
use ndarray::{ArrayD, ArrayViewD};
use rayon::prelude::*;

use super::{GgufError, TensorInfo, TensorType};

/// Elements of a block of the types that are written.
const BLOCK: usize = 32;
/// Elements of one task.
const TASK: usize = 1 << 16;

fn wrong(kind: TensorType, problem: String) -> GgufError {
    GgufError::Encode { kind: kind.name(), problem }
}

/// The type among [`fewbit_formats::ggml`]'s blocks.
fn ggml(kind: TensorType) -> Result<GgmlType, GgufError> {
    match kind {
        TensorType::Q4_0 => Ok(GgmlType::Q4_0),
        TensorType::Q4_1 => Ok(GgmlType::Q4_1),
        TensorType::Q8_0 => Ok(GgmlType::Q8_0),
        TensorType::MXFP4 => Ok(GgmlType::Mxfp4),
        TensorType::TQ2_0 => Ok(GgmlType::Tq2_0),
        kind => {
            let problem =
                "it is not written: expected F32, F16, BF16, Q8_0, Q4_0, Q4_1, MXFP4 or TQ2_0";
            Err(wrong(kind, problem.into()))
        }
    }
}

/// A tensor's rows as blocks, by ggml's reference rounding (`quantize_row_*_ref`; to nearest even for `F16` and `BF16`).
///
/// The blocks are cut along the last axis.
///
/// # Errors
/// A type that is not written; rows that are not whole blocks; an array without axes or elements.
///
/// ```
/// use fewbit_models::gguf::{TensorType, encode};
/// use ndarray::ArrayD;
/// let x = ArrayD::from_shape_vec(vec![1, 2], vec![1.0f32, 1.0 + 2f32.powi(-11)]).unwrap();
/// // The second lies half-way between two f16 and goes to the even one.
/// assert_eq!(encode(TensorType::F16, &x.view())?, [0x00, 0x3c, 0x00, 0x3c]);
/// # Ok::<(), fewbit_models::gguf::GgufError>(())
/// ```
pub fn encode(kind: TensorType, x: &ArrayViewD<'_, f32>) -> Result<Vec<u8>, GgufError> {
    let mut bytes = vec![0; size(kind, x.shape())?];
    let standard = x.as_standard_layout();
    let values = standard.as_slice().unwrap_or_default();
    let pairs = |bytes: &mut [u8], convert: fn(f32) -> [u8; 2]| {
        let (to, _) = bytes.as_chunks_mut();
        to.par_iter_mut().zip(values).for_each(|(to, x)| *to = convert(*x));
    };
    match kind {
        TensorType::F32 => {
            let (to, _) = bytes.as_chunks_mut();
            to.iter_mut().zip(values).for_each(|(to, x)| *to = x.to_le_bytes());
        }
        TensorType::F16 => pairs(&mut bytes, |x| f16::from_f32(x).to_le_bytes()),
        TensorType::BF16 => pairs(&mut bytes, |x| bf16::from_f32(x).to_le_bytes()),
        kind => {
            let block = ggml(kind)?;
            let task = TASK / kind.block_elements() * kind.block_bytes();
            values
                .par_chunks(TASK)
                .zip(bytes.par_chunks_mut(task))
                .try_for_each(|(x, bytes)| block.quantize(x, bytes))
                .map_err(|error| wrong(kind, error.to_string()))?;
        }
    }
    Ok(bytes)
}

/// The bytes of a tensor, which must be one that files can have.
fn size(kind: TensorType, shape: &[usize]) -> Result<usize, GgufError> {
    let info = TensorInfo { name: String::new(), shape: shape.to_vec(), kind };
    info.bytes().map_err(|error| match error {
        GgufError::Tensor { problem, .. } => wrong(kind, problem),
        other => other,
    })
}

/// A quantized tensor's rows as blocks of the same codes, exactly: the blocks' values are the tensor's to the last bit.
///
/// | type | codes | scale of a block | zero point |
/// |---|---|---|---|
/// | `Q8_0` | integers, -128 to 127 without the zero point | an `f16` | any integer |
/// | `Q4_0` | integers, -8 to 7 without the zero point | an `f16` | any integer |
/// | `Q4_1` | integers of 4 bits | an `f16`, and so the value of the least code | any |
/// | `MXFP4` | `e2m1fn` | a power of two | none |
/// | `F32`, `F16`, `BF16` | any whose values the type holds | | |
///
/// A scale may be shared by more than a block: it is written into each. Nothing is rounded, so what does not fit is an error.
///
/// # Errors
/// Codes, scales or zero points that the type's blocks do not hold; scales that change within a block; rows that are not
/// whole blocks; another type.
pub fn encode_codes(kind: TensorType, tensor: &AnyQuantTensor) -> Result<Vec<u8>, GgufError> {
    let values = tensor.dequantize();
    size(kind, values.shape())?;
    let bytes = match kind {
        TensorType::F32 | TensorType::F16 | TensorType::BF16 => encode(kind, &values.view())?,
        TensorType::Q8_0 | TensorType::Q4_0 | TensorType::Q4_1 | TensorType::MXFP4 => {
            Codes::of(kind, tensor).blocks()?
        }
        kind => {
            let problem = "codes are written as Q8_0, Q4_0, Q4_1, MXFP4, F32, F16 or BF16";
            return Err(wrong(kind, problem.into()));
        }
    };
    // What the table above promises, of every element.
    let written = kind.decode(&bytes)?;
    match values.iter().zip(&written).position(|(x, y)| x != y) {
        None => Ok(bytes),
        Some(i) => {
            let x = values.iter().nth(i).copied().unwrap_or_default();
            let problem =
                format!("element {i} is {x:?}, and its block would hold {:?}", written[i]);
            Err(wrong(kind, problem))
        }
    }
}

/// A tensor's elements before scales and zero points, and these two for each element; in row-major order.
struct Codes {
    kind: TensorType,
    format: Format,
    elements: Vec<f32>,
    scales: Vec<f32>,
    zero_points: Option<Vec<f32>>,
}

impl Codes {
    fn of(kind: TensorType, tensor: &AnyQuantTensor) -> Self {
        let flat = |array: ArrayD<f32>| array.iter().copied().collect();
        Self {
            kind,
            format: tensor.format(),
            elements: flat(tensor.decoded()),
            scales: flat(tensor.expand(tensor.scale())),
            zero_points: tensor.zero_point().map(|zero_point| flat(tensor.expand(zero_point))),
        }
    }

    /// What all elements of a block have.
    fn shared(&self, of: &[f32], what: &str, start: usize) -> Result<f32, GgufError> {
        let block = &of[start..start + BLOCK];
        match block.iter().find(|value| **value != block[0]) {
            None => Ok(block[0]),
            Some(other) => {
                let problem = format!(
                    "the {what} changes from {:?} to {other:?} within the block at element {start}: \
                     use groups that are a multiple of {BLOCK}",
                    block[0]
                );
                Err(wrong(self.kind, problem))
            }
        }
    }

    fn half(&self, x: f32, what: &str, start: usize) -> Result<[u8; 2], GgufError> {
        let half = f16::from_f32(x);
        if half.to_f32() == x {
            return Ok(half.to_le_bytes());
        }
        let problem = format!(
            "the {what} {x:?} of the block at element {start} is no f16: use a quantizer whose scales are"
        );
        Err(wrong(self.kind, problem))
    }

    fn blocks(&self) -> Result<Vec<u8>, GgufError> {
        let starts = (0..self.elements.len()).step_by(BLOCK).collect::<Vec<_>>();
        let blocks: Result<Vec<_>, _> =
            starts.into_par_iter().map(|start| self.block(start)).collect();
        Ok(blocks?.concat())
    }

    fn block(&self, start: usize) -> Result<Vec<u8>, GgufError> {
        let scale = self.shared(&self.scales, "scale", start)?;
        let zero = match &self.zero_points {
            Some(zero_points) => self.shared(zero_points, "zero point", start)?,
            None => 0.0,
        };
        Ok(match self.kind {
            TensorType::Q8_0 => {
                let codes = self.integers(start, zero, -128, 127)?;
                let d = self.half(scale, "scale", start)?;
                BlockQ8_0 { d, qs: codes.map(|code| code as i8) }.to_bytes().to_vec()
            }
            TensorType::Q4_0 => {
                let codes = self.integers(start, zero, -8, 7)?;
                let d = self.half(scale, "scale", start)?;
                BlockQ4_0 { d, qs: packed(codes.map(|code| (code + 8) as u8)) }.to_bytes().to_vec()
            }
            TensorType::Q4_1 => {
                // The least code is 0; what it stands for is the minimum.
                let least = self.format.min_finite() as f32;
                let codes = self.integers(start, least, 0, 15)?;
                let d = self.half(scale, "scale", start)?;
                let m = self.half((least - zero) * scale, "minimum", start)?;
                BlockQ4_1 { d, m, qs: packed(codes.map(|code| code as u8)) }.to_bytes().to_vec()
            }
            _ => {
                if self.zero_points.is_some() {
                    return Err(wrong(self.kind, "it has no zero points".into()));
                }
                let e = self.power_of_two(scale, start)?;
                let block = &self.elements[start..start + BLOCK];
                let mut codes = [0; BLOCK];
                for (code, x) in codes.iter_mut().zip(block) {
                    *code = e2m1(*x).ok_or_else(|| {
                        wrong(self.kind, format!("{x:?} is no element of e2m1fn"))
                    })?;
                }
                BlockMxfp4 { e, qs: packed(codes) }.to_bytes().to_vec()
            }
        })
    }

    /// The elements of a block without a zero point.
    fn integers(
        &self,
        start: usize,
        zero: f32,
        min: i32,
        max: i32,
    ) -> Result<[i32; BLOCK], GgufError> {
        let mut codes = [0; BLOCK];
        for (code, x) in codes.iter_mut().zip(&self.elements[start..start + BLOCK]) {
            let number = x - zero;
            if number.fract() != 0.0 || !(min as f32..=max as f32).contains(&number) {
                let problem = format!(
                    "the code {number:?} in the block at element {start} is no integer from {min} to {max}"
                );
                return Err(wrong(self.kind, problem));
            }
            *code = number as i32;
        }
        Ok(codes)
    }

    /// The code of an `e8m0fnu` scale.
    fn power_of_two(&self, scale: f32, start: usize) -> Result<u8, GgufError> {
        let (exponent, fraction) = (scale.to_bits() >> 23, scale.to_bits() & 0x007f_ffff);
        match (exponent, fraction) {
            // 2^-127 is subnormal.
            (0, 0x0040_0000) => Ok(0),
            (1..=254, 0) => Ok(exponent as u8),
            _ => {
                let problem = format!(
                    "the scale {scale:?} of the block at element {start} is no power of two: \
                     use a quantizer whose scales are"
                );
                Err(wrong(self.kind, problem))
            }
        }
    }
}

/// The code of a value of `e2m1fn`; 0 for both zeros, as ggml's table has it.
fn e2m1(x: f32) -> Option<u8> {
    if x == 0.0 {
        return Some(0);
    }
    (0u8..16).find(|&code| Format::E2M1FN.decode(code.into()) as f32 == x)
}

/// Codes `i` and `i + 16` in byte `i`, the first one low.
fn packed(codes: [u8; BLOCK]) -> [u8; BLOCK / 2] {
    std::array::from_fn(|i| codes[i] | codes[i + BLOCK / 2] << 4)
}
