//! What layers with weights have in common.

use fewbit::Accumulator;
use fewbit::formats::{Format, Signedness};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use ndarray::{Array1, ArrayD, arr0};

use crate::exec::integer::{Datum, Job, Sums, Weights, biased};
use crate::graph::ProductLayout;
use crate::ops::{Conv, Op};

use super::products::{integers, run};
use super::quantizers::{apply, apply_bias, apply_to};
use super::value::sum_codes;
use super::{LayerError, LayerQuantizers, QuantValue};

/// What the operator takes, quantized.
pub(super) struct Operands {
    pub(super) input: QuantValue,
    pub(super) weight: QuantValue,
    pub(super) bias: Option<QuantValue>,
}

impl Operands {
    /// Input, weights and bias by a layer's quantizers, in Brevitas's order.
    pub(super) fn new(
        quantizers: &LayerQuantizers,
        x: &QuantValue,
        weight: ArrayD<f32>,
        bias: Option<&Array1<f32>>,
    ) -> Result<Self, LayerError> {
        let input = apply("input", quantizers.input.as_ref(), x)?;
        let weight = apply_to("weight", quantizers.weight.as_ref(), weight)?;
        let bias = match bias {
            None => None,
            Some(bias) => {
                let bias = bias.clone().into_dyn();
                Some(apply_bias(quantizers.bias.as_ref(), &bias, &input, &weight)?)
            }
        };
        Ok(Self { input, weight, bias })
    }

    /// The operator's output in floats.
    pub(super) fn product(&self, op: &Op) -> Result<ArrayD<f32>, LayerError> {
        let all = [Some(&self.input), Some(&self.weight), self.bias.as_ref()];
        let all: Vec<&ArrayD<f32>> = all.into_iter().flatten().map(|value| &value.values).collect();
        run(op, &all)
    }

    /// The sums of codes times codes through an accumulator, with the bias behind it, and the events of its stages.
    pub(super) fn integer_product(
        &self,
        layout: ProductLayout,
        conv: Option<&Conv>,
        accumulator: &Accumulator,
    ) -> Result<(Sums, Vec<u64>), LayerError> {
        let (input, weights) = (integers("input", &self.input)?, integers("weight", &self.weight)?);
        let weights = Weights::new(layout, Some(Datum::Codes(weights)));
        let report = fewbit::ReportLevel::Events;
        let job = Job { layout, conv, input: &input, weights: &weights, accumulator, report };
        let done = job.run().map_err(LayerError::Integer)?;
        let events = done.events.iter().flatten().map(|stage| stage.events).collect();
        let Some(bias) = &self.bias else { return Ok((done.sums, events)) };
        let bias = Datum::Codes(integers("bias", bias)?);
        match biased(done.sums, &bias).map_err(LayerError::Integer)? {
            Datum::Sums(sums) => Ok((sums, events)),
            _ => Err(LayerError::Integer(
                "the bias is not in the scale of the sums: quantize it with Int32Bias".into(),
            )),
        }
    }

    /// Values by the output quantizer; where there is none, the sums that they are as codes of the scale of the products.
    pub(super) fn output(
        &self,
        quantizers: &LayerQuantizers,
        values: ArrayD<f32>,
        channels: usize,
    ) -> Result<QuantValue, LayerError> {
        if quantizers.output.is_some() {
            return apply_to("output", quantizers.output.as_ref(), values);
        }
        let codes = self.sum_codes(&values, channels)?;
        Ok(QuantValue { values, codes })
    }

    /// Sums as integers of `ceil(log2((2^a - 1)(2^w - 1) K))` bits for `K` products of codes of `a` and `w` bits, and one more
    /// than that and the bias's where there is a bias: the width that Brevitas states, but at most 32 bits.
    fn sum_codes(
        &self,
        values: &ArrayD<f32>,
        channels: usize,
    ) -> Result<Option<AnyQuantTensor>, LayerError> {
        let (Some(input), Some(weight)) = (&self.input.codes, &self.weight.codes) else {
            return Ok(None);
        };
        let (Format::Int(a), Format::Int(w)) = (input.format(), weight.format()) else {
            return Ok(None);
        };
        let by_channel = match weight.granularity() {
            Granularity::Tensor => false,
            Granularity::Channel { axis: 0 } => true,
            _ => return Ok(None),
        };
        let [input_scale] = input.scale().iter().copied().collect::<Vec<_>>()[..] else {
            return Ok(None);
        };
        let shifted =
            |zero: Option<&ArrayD<f32>>| zero.is_some_and(|z| z.iter().any(|&z| z != 0.0));
        if shifted(input.zero_point()) || shifted(weight.zero_point()) {
            return Ok(None);
        }
        let scales: Vec<f32> = weight.scale().iter().map(|scale| scale * input_scale).collect();
        let outputs = weight.shape().first().copied().unwrap_or(1);
        let terms = weight.codes().len().checked_div(outputs).unwrap_or(0);
        let greatest = |bits: u32| 2f32.powi(bits as i32) - 1.0;
        let most = greatest(a.bits()) * greatest(w.bits()) * terms as f32;
        let mut bits = most.max(2.0).log2().ceil() as u32;
        if let Some(bias) = &self.bias {
            match &bias.codes {
                Some(codes) if codes.scale().iter().eq(&scales) => {
                    bits = (bits.max(codes.bit_width()) + 1).min(32);
                }
                _ => return Ok(None),
            }
        }
        let (scale, granularity) = if by_channel {
            let mut shape = vec![1; values.ndim()];
            shape[channels] = scales.len();
            let scale = ArrayD::from_shape_vec(shape, scales);
            let scale = scale.map_err(|error| LayerError::Shape(error.to_string()))?;
            (scale, Granularity::Channel { axis: channels as isize })
        } else {
            (arr0(scales[0]).into_dyn(), Granularity::Tensor)
        };
        let signed = a.is_signed() || w.is_signed();
        let signedness = if signed { Signedness::Signed } else { Signedness::Unsigned };
        sum_codes(values, (scale, granularity), None, (bits, signedness))
    }
}
