//! A quantizer at work: parameters, codes, values.

use ndarray::{ArrayD, ArrayView, ArrayViewD, Dimension};

use crate::tensor::{
    AnyQuantTensor, Arrangement, Code, Dynamic, Granularity, QuantTensor, TensorError,
};

use super::QuantizeError;
use super::execute::Run;
use super::fused::{Fused, fused};
use super::parameters::Parameters;
use super::problem::Problem;
use super::quantization::Quantization;
use super::quantizer::Quantizer;
use super::scheme::TailPadding;

/// A group can be so long with zeros behind the end of its axis; a longer one would cost time and memory for nothing
/// but zeros.
const MOST_ZEROS: usize = 1 << 16;

impl Quantizer {
    /// The scales and zero points that this quantizer gives to a tensor.
    ///
    /// # Errors
    /// A tensor without elements or without the axis asked for; a percentile below the first element; given
    /// parameters of another shape.
    pub fn parameters<D: Dimension>(
        &self,
        x: &ArrayView<'_, f32, D>,
    ) -> Result<Parameters, QuantizeError> {
        self.parameters_of(&x.view().into_dyn())
    }

    /// The quantized tensor.
    ///
    /// # Errors
    /// As [`Self::parameters`], and a value that the policy refuses.
    pub fn quantize<D: Dimension>(
        &self,
        x: &ArrayView<'_, f32, D>,
    ) -> Result<AnyQuantTensor, QuantizeError> {
        let x = x.view().into_dyn();
        if let Some(scales) = self.group_scales() {
            return scales.encode(&self.scheme, self.policy, self.seed, &x);
        }
        Ok(match self.scheme.format.bits() {
            ..=8 => AnyQuantTensor::U8(self.whole(&x)?),
            9..=16 => AnyQuantTensor::U16(self.whole(&x)?),
            _ => AnyQuantTensor::U32(self.whole(&x)?),
        })
    }

    /// Parameters and codes.
    fn whole<C: Code>(
        &self,
        x: &ArrayViewD<'_, f32>,
    ) -> Result<QuantTensor<Dynamic<C>>, QuantizeError> {
        let arrangement = self.arrangement(x)?;
        let Some(fused) = fused::<C>(self, &arrangement, &arrangement.arrange(x.view())) else {
            let parameters = self.parameters_of(x)?;
            return self.typed(x, parameters);
        };
        let Fused { codes, scales } = fused?;
        self.tensor(arrangement.restore(codes)?, arrangement.restore_scales(scales)?, None)
    }

    fn encoded(
        &self,
        x: &ArrayViewD<'_, f32>,
        parameters: Parameters,
    ) -> Result<AnyQuantTensor, QuantizeError> {
        Ok(match self.scheme.format.bits() {
            ..=8 => AnyQuantTensor::U8(self.typed(x, parameters)?),
            9..=16 => AnyQuantTensor::U16(self.typed(x, parameters)?),
            _ => AnyQuantTensor::U32(self.typed(x, parameters)?),
        })
    }

    /// The quantized tensor, and its values as [`Self::simulate`] has them.
    pub(super) fn quantization(
        &self,
        x: &ArrayViewD<'_, f32>,
    ) -> Result<Quantization, QuantizeError> {
        if self.group_scales().is_some() {
            let tensor = self.quantize(x)?;
            return Ok(Quantization { values: tensor.dequantize(), tensor });
        }
        let parameters = self.parameters_of(x)?;
        let arrangement = self.arrangement(x)?;
        let elements = arrangement.arrange(x.view());
        let values = self.run(&arrangement, &parameters).simulate(&elements)?;
        let values = arrangement.restore(values)?;
        Ok(Quantization { tensor: self.encoded(x, parameters)?, values })
    }

    /// The values of the quantized tensor as a quantizer that works on floats alone computes them.
    ///
    /// They are [`AnyQuantTensor::dequantize`] of [`Self::quantize`] but for what
    /// [`reference::quantize::simulated`](crate::reference::quantize::simulated) lists: NaN stays NaN, and zeros have signs.
    ///
    /// # Errors
    /// As [`Self::quantize`].
    pub fn simulate<D: Dimension>(
        &self,
        x: &ArrayView<'_, f32, D>,
    ) -> Result<ArrayD<f32>, QuantizeError> {
        let x = x.view().into_dyn();
        if self.group_scales().is_some() {
            return Ok(self.quantize(&x)?.dequantize());
        }
        let parameters = self.parameters_of(&x)?;
        let arrangement = self.arrangement(&x)?;
        let elements = arrangement.arrange(x.view());
        let values = self.run(&arrangement, &parameters).simulate(&elements)?;
        Ok(arrangement.restore(values)?)
    }

    fn run<'a>(&'a self, arrangement: &'a Arrangement, parameters: &'a Parameters) -> Run<'a> {
        Run::new(arrangement, parameters, &self.scheme, self.policy, self.seed)
    }

    fn arrangement(&self, x: &ArrayViewD<'_, f32>) -> Result<Arrangement, QuantizeError> {
        if x.is_empty() {
            return Err(TensorError::Empty { shape: x.shape().to_vec() }.into());
        }
        let arrangement = Arrangement::new(x.shape(), self.scheme.granularity)?;
        match self.scheme.granularity {
            Granularity::Group { size, .. }
                if self.scheme.tail_padding == TailPadding::Zeros
                    && size > MOST_ZEROS
                    && size > arrangement.length =>
            {
                let length = arrangement.length;
                Err(QuantizeError::GroupOfZeros { size, length, most: MOST_ZEROS })
            }
            _ => Ok(arrangement),
        }
    }

    fn parameters_of(&self, x: &ArrayViewD<'_, f32>) -> Result<Parameters, QuantizeError> {
        let arrangement = self.arrangement(x)?;
        let elements = arrangement.arrange(x.view());
        let problem = Problem {
            scheme: &self.scheme,
            rule: &self.scale,
            policy: &self.policy,
            arrangement: &arrangement,
            x: &elements,
            seed: self.seed,
        };
        problem.solve()
    }

    fn typed<C: Code>(
        &self,
        x: &ArrayViewD<'_, f32>,
        parameters: Parameters,
    ) -> Result<QuantTensor<Dynamic<C>>, QuantizeError> {
        let arrangement = self.arrangement(x)?;
        let elements = arrangement.arrange(x.view());
        let codes = self.run(&arrangement, &parameters).encode(&elements)?;
        self.tensor(arrangement.restore(codes)?, parameters.scale, parameters.zero_point)
    }

    fn tensor<C: Code>(
        &self,
        codes: ArrayD<C>,
        scale: ArrayD<f32>,
        zero_point: Option<ArrayD<f32>>,
    ) -> Result<QuantTensor<Dynamic<C>>, QuantizeError> {
        let format = self.scheme.format;
        let granularity = self.scheme.granularity;
        Ok(QuantTensor::from_valid_codes(format, codes, scale, zero_point, granularity)?)
    }
}
