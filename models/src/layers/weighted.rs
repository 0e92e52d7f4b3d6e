//! Layers with weights.

use fewbit::{Accumulator, ReportLevel};
use ndarray::{Array1, Array2, ArrayD};

use crate::exec::integer::{Datum, Job, Sums, biased, codes};
use crate::graph::ProductLayout;
use crate::ops::{Conv, Gemm, Inputs, Op};
use crate::tensor::Tensor;

use super::quantizers::{apply, apply_bias};
use super::{LayerError, LayerQuantizers, QuantValue};

/// Declares a layer with weights: its operator, and how the weights lie.
macro_rules! layer {
    ($(#[$doc:meta])* $name:ident, $op:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            /// The operator.
            pub op: $op,
            /// The weights.
            pub weight: ArrayD<f32>,
            /// One per output channel.
            pub bias: Option<Array1<f32>>,
            /// The quantizers.
            pub quantizers: LayerQuantizers,
        }

        impl $name {
            /// The outputs in floats.
            ///
            /// # Errors
            /// Shapes that do not fit; what a quantizer refuses.
            pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
                self.parts().forward(x)
            }

            /// The sums of codes times codes through an accumulator, with the bias behind it, and the overflow events of its
            /// stages; the output quantizer is left to whoever requantizes.
            ///
            /// # Errors
            /// As [`Self::forward`]; an input or weights that are no codes of integers with one scale, or one per output
            /// channel of the weights.
            pub fn forward_integer(
                &self,
                x: &QuantValue,
                accumulator: &Accumulator,
            ) -> Result<(Sums, Vec<u64>), LayerError> {
                self.parts().forward_integer(x, accumulator)
            }
        }
    };
}

layer! {
    /// A linear layer, `y = x wᵀ + b`: weights `[out, in]`, inputs `[samples, in]`.
    ///
    /// ```
    /// use fewbit_models::layers::{LayerQuantizers, QuantLinear, QuantValue};
    /// use ndarray::array;
    /// let quantizers = LayerQuantizers::new().weight("Int8WeightPerTensorFloat")?.set_weight("bit_width", 3.into())?;
    /// let layer = QuantLinear::new(array![[3.0, -1.2]], None, quantizers); // narrow int3: -3 to 3, scale 1
    /// let y = layer.forward(&QuantValue::from(array![[1.0f32, 2.0]]))?;
    /// assert_eq!(y.values, array![[1.0]].into_dyn()); // 3 - 2
    /// # Ok::<(), fewbit_models::layers::LayerError>(())
    /// ```
    QuantLinear, Gemm
}
layer! {
    /// A convolution of one to three spatial axes: weights `[out, in / groups, kernel...]`, inputs `[samples, in, ...]`.
    QuantConv, Conv
}

impl QuantLinear {
    /// A layer of these weights.
    #[must_use]
    pub fn new(
        weight: Array2<f32>,
        bias: Option<Array1<f32>>,
        quantizers: LayerQuantizers,
    ) -> Self {
        let op = Gemm { transpose_b: true, ..Gemm::default() };
        Self { op, weight: weight.into_dyn(), bias, quantizers }
    }

    fn parts(&self) -> Parts<'_> {
        let Self { op, weight, bias, quantizers } = self;
        let bias = bias.as_ref();
        Parts { op: op.clone().into(), layout: ProductLayout::Rows, weight, bias, quantizers }
    }
}

impl QuantConv {
    /// A layer of these weights.
    #[must_use]
    pub fn new(
        op: Conv,
        weight: ArrayD<f32>,
        bias: Option<Array1<f32>>,
        quantizers: LayerQuantizers,
    ) -> Self {
        Self { op, weight, bias, quantizers }
    }

    fn parts(&self) -> Parts<'_> {
        let Self { op, weight, bias, quantizers } = self;
        let bias = bias.as_ref();
        Parts { op: op.clone().into(), layout: ProductLayout::Conv, weight, bias, quantizers }
    }
}

/// A layer as both executions take it.
struct Parts<'a> {
    op: Op,
    layout: ProductLayout,
    weight: &'a ArrayD<f32>,
    bias: Option<&'a Array1<f32>>,
    quantizers: &'a LayerQuantizers,
}

/// What the operator takes.
struct Operands {
    input: QuantValue,
    weight: QuantValue,
    bias: Option<QuantValue>,
}

impl Parts<'_> {
    fn operands(&self, x: &QuantValue) -> Result<Operands, LayerError> {
        let quantizers = self.quantizers;
        let input = apply("input", quantizers.input.as_ref(), x)?;
        let plain = QuantValue::from(self.weight.clone());
        let weight = apply("weight", quantizers.weight.as_ref(), &plain)?;
        let bias = match self.bias {
            None => None,
            Some(bias) => {
                let bias = bias.clone().into_dyn();
                Some(apply_bias(quantizers.bias.as_ref(), &bias, &input, &weight)?)
            }
        };
        Ok(Operands { input, weight, bias })
    }

    fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let Operands { input, weight, bias } = self.operands(x)?;
        let tensors: Vec<Tensor> = [Some(input), Some(weight), bias]
            .into_iter()
            .flatten()
            .map(|value| value.values.into())
            .collect();
        let views: Vec<Option<&Tensor>> = tensors.iter().map(Some).collect();
        let output = self.op.run(Inputs::new(&views))?.swap_remove(0);
        let values: ArrayD<f32> = output.try_into()?;
        apply("output", self.quantizers.output.as_ref(), &QuantValue::from(values))
    }

    fn forward_integer(
        &self,
        x: &QuantValue,
        accumulator: &Accumulator,
    ) -> Result<(Sums, Vec<u64>), LayerError> {
        let Operands { input, weight, bias } = self.operands(x)?;
        let integers = |what: &str, value: &QuantValue| {
            let missing = || {
                LayerError::Integer(format!(
                    "the {what} is no tensor of codes: give it a quantizer"
                ))
            };
            let tensor = value.codes.as_ref().ok_or_else(missing)?;
            let found = codes(tensor).map_err(LayerError::Integer)?;
            found.ok_or_else(|| {
                LayerError::Integer(format!(
                    "the {what} has codes of {} that do not sum as integers",
                    tensor.format()
                ))
            })
        };
        let (inputs, weights) = (integers("input", &input)?, integers("weight", &weight)?);
        let conv = match &self.op {
            Op::Conv(conv) => Some(conv),
            _ => None,
        };
        let job = Job {
            layout: self.layout,
            conv,
            input: &inputs,
            weights: &weights,
            accumulator,
            report: ReportLevel::Events,
        };
        let done = job.run().map_err(LayerError::Integer)?;
        let events = done.events.iter().flatten().map(|stage| stage.events).collect();
        let sums = match bias {
            None => done.sums,
            Some(bias) => {
                let codes = integers("bias", &bias)?;
                match biased(done.sums, &Datum::Codes(codes)).map_err(LayerError::Integer)? {
                    Datum::Sums(sums) => sums,
                    _ => {
                        return Err(LayerError::Integer(
                            "the bias is not in the scale of the sums: quantize it with Int32Bias"
                                .into(),
                        ));
                    }
                }
            }
        };
        Ok((sums, events))
    }
}
