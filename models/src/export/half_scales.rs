//! Scales of weights as numbers of 16 bits, which the blocks of GGUF files have.

use fewbit::formats::Format;
use fewbit::quantize::Parameters;
use fewbit::tensor::AnyQuantTensor;
use half::f16;
use ndarray::ArrayD;

use crate::graph::{Graph, products};
use crate::ops::{Op, Quantize};

use super::ExportError;

/// The significant bits of an `f16`.
const BITS: u32 = 11;
/// The least positive `f16`, `2^-24`.
const LEAST: f32 = 5.960_464_5e-8;

/// Rounds the scales of all quantized weights to `f16`, and with a zero point so far that the value of code 0 is an `f16` too; codes stay,
/// values change with their scales. How many weights changed.
///
/// ```text
/// scale' = the scale rounded to p significant bits, p <= 11 the greatest with which scale' and (least code - zero point) scale' are f16
/// ```
///
/// Blocks of GGUF files have such scales ([`to_gguf`](super::to_gguf)). Done before a model is evaluated, what is evaluated is what the
/// file holds. Scales that are codes of a group format, such as powers of two, stay.
///
/// # Errors
/// A quantizer that refuses its weights; scales beyond `f16`; zero points that are no integers; a quantizer that gives other codes
/// with the new scales.
pub fn round_scales_to_f16(graph: &mut Graph) -> Result<usize, ExportError> {
    let mut changed = 0;
    let mut done = Vec::new();
    for product in products(graph) {
        let Some(id) = product.weight_quantizer.filter(|id| !done.contains(id)) else { continue };
        done.push(id);
        let Op::Quantize(op) = graph.node(id).op.clone() else { continue };
        let name = graph.name_of(product.weight).to_owned();
        let failed = |problem: String| ExportError::Weight { name: name.clone(), problem };
        let data = graph.data(product.weight).map(|data| data.get::<f32>());
        let Some(Ok(data)) = data else { continue };
        let tensor = op.codes(data).map_err(|error| failed(error.to_string()))?;
        if is_for_mxfp4(&tensor) {
            continue;
        }
        let scale = rounded(&tensor).map_err(failed)?;
        if scale == *tensor.scale() {
            continue;
        }
        let zero_point = tensor.zero_point().cloned();
        let new = AnyQuantTensor::new(
            tensor.format(),
            &tensor.codes().view(),
            scale.clone(),
            zero_point.clone(),
            tensor.granularity(),
        );
        let new = new.map_err(|error| failed(error.to_string()))?;
        let quantizer = op.quantizer.clone().with_parameters(Parameters { scale, zero_point });
        let quantizer = quantizer.map_err(|error| failed(error.to_string()))?;
        let op = Quantize { quantizer, ..op };
        let values = new.dequantize();
        let again = op.codes(&values.clone().into_shared());
        if again.ok().as_ref() != Some(&new) {
            let problem =
                "its quantizer gives other codes with scales of 16 bits: round to nearest";
            return Err(failed(problem.into()));
        }
        // What others use of the weights stays as it is.
        match graph.consumers(product.weight).len() {
            1 => graph.set_data(product.weight, values),
            _ => {
                let own = graph.add_constant(&name, values);
                graph.node_mut(id).inputs[0] = Some(own);
            }
        }
        graph.node_mut(id).op = op.into();
        changed += 1;
    }
    Ok(changed)
}

/// Whether scales are codes of a group format, or powers of two beside `e2m1fn`, which `MXFP4` holds as they are.
fn is_for_mxfp4(tensor: &AnyQuantTensor) -> bool {
    let powers = tensor.scale().iter().all(|scale| scale.to_bits() & 0x007f_ffff == 0);
    tensor.scale_codes().is_some() || powers && tensor.format() == Format::E2M1FN
}

/// The scales of a tensor, rounded.
fn rounded(tensor: &AnyQuantTensor) -> Result<ArrayD<f32>, String> {
    let least = match tensor.format() {
        Format::Int(int) => int.min() as f32,
        _ => 0.0,
    };
    let mut scales = tensor.scale().clone();
    match tensor.zero_point() {
        None => {
            for scale in &mut scales {
                *scale = half(*scale, 0.0)?;
            }
        }
        Some(zeros) => {
            for (scale, zero) in scales.iter_mut().zip(zeros) {
                *scale = half(*scale, least - zero)?;
            }
        }
    }
    Ok(scales)
}

/// A scale that is an `f16`, and `steps` times it too.
fn half(scale: f32, steps: f32) -> Result<f32, String> {
    let is_half = |x: f32| f16::from_f32(x).to_f32() == x;
    let first = f16::from_f32(scale).to_f32().max(LEAST);
    let found = (1..=BITS).rev().map(|bits| significant(first, bits));
    let mut found = found.filter(|&x| x.is_finite() && is_half(x) && is_half(steps * x));
    found.next().ok_or_else(|| {
        format!(
            "its scale {scale:?} with the zero point at {steps:?} scales is no f16, however it is rounded"
        )
    })
}

/// A positive number rounded to so many significant bits, to nearest even.
fn significant(x: f32, bits: u32) -> f32 {
    let lost = 24 - bits;
    let unit = 1u32 << lost;
    let odd = x.to_bits() >> lost & 1;
    f32::from_bits((x.to_bits() + unit / 2 - 1 + odd) & !(unit - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_rounded_as_far_as_zero_points_ask_for() {
        // 1 + 2^-10 is an f16; five times it has 13 significant bits, and three bits go.
        let x = 1.0 + 2f32.powi(-10);
        assert_eq!(half(x, 0.0), Ok(x));
        assert_eq!(half(x, -1.0), Ok(x));
        assert_eq!(half(x, -8.0), Ok(x));
        assert_eq!(half(x, -5.0), Ok(1.0));
        assert_eq!(half(1.0 + 2f32.powi(-8), -5.0), Ok(1.0 + 2f32.powi(-8)));
        // A tie, to even; and what is less than any f16.
        assert_eq!(half(1.0 + 2f32.powi(-11), 0.0), Ok(1.0));
        assert_eq!(half(1e-12, 0.0), Ok(LEAST));
        assert!(half(1e6, 0.0).is_err() && half(1.0, 0.3).is_err());
    }
}
