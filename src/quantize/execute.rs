//! Every element of a tensor through the quantizer.

use std::borrow::Cow;

use fewbit_formats::{EncodeError, Format, Policy, philox};
use ndarray::ArrayD;

use crate::reference;
use crate::tensor::{Arrangement, Code, array, unravel};

use super::QuantizeError;
use super::parameters::Parameters;

/// What all elements of one tensor have in common.
pub(crate) struct Run<'a> {
    arrangement: &'a Arrangement,
    scale: Cow<'a, [f32]>,
    zero_point: Option<Cow<'a, [f32]>>,
    format: Format,
    policy: Policy,
    seed: u64,
}

/// The parameters of one element.
struct Place {
    scale: f32,
    zero_point: f32,
    random: u32,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        arrangement: &'a Arrangement,
        parameters: &'a Parameters,
        format: Format,
        policy: Policy,
        seed: u64,
    ) -> Self {
        let arranged = |parameter: &'a ArrayD<f32>| arrangement.arrange(parameter.view());
        Self {
            arrangement,
            scale: arranged(&parameters.scale),
            zero_point: parameters.zero_point.as_ref().map(arranged),
            format,
            policy,
            seed,
        }
    }

    /// The codes of arranged elements, one by one as the reference says.
    pub(crate) fn encode<C: Code>(&self, x: &[f32]) -> Result<Vec<C>, QuantizeError> {
        self.each(x, |x, place| {
            let Place { scale, zero_point, random } = place;
            reference::quantize::code(x, scale, zero_point, self.format, &self.policy, random)
                .map(|encoded| C::from_u32(encoded.code))
        })
    }

    /// The values of arranged elements, one by one as the reference says.
    pub(crate) fn simulate(&self, x: &[f32]) -> Result<Vec<f32>, QuantizeError> {
        self.each(x, |x, place| {
            let Place { scale, zero_point, random } = place;
            reference::quantize::simulated(x, scale, zero_point, self.format, &self.policy, random)
        })
    }

    fn each<T>(
        &self,
        x: &[f32],
        element: impl Fn(f32, Place) -> Result<T, EncodeError>,
    ) -> Result<Vec<T>, QuantizeError> {
        let indices = self.indices(x.len())?;
        let mut results = Vec::with_capacity(x.len());
        for (group, x) in self.arrangement.split(x).enumerate() {
            let scale = self.scale[group];
            let zero_point = self.zero_point.as_ref().map_or(0.0, |zero_points| zero_points[group]);
            for &x in x {
                let random =
                    indices.as_ref().map_or(0, |i| philox::bits(self.seed, i[results.len()]));
                let result = element(x, Place { scale, zero_point, random });
                results.push(result.map_err(|source| self.refused(results.len(), source))?);
            }
        }
        Ok(results)
    }

    /// The row-major index of each arranged element, where random bits are needed.
    fn indices(&self, elements: usize) -> Result<Option<Vec<u64>>, QuantizeError> {
        if self.policy.rounding.random_bits().is_none() {
            return Ok(None);
        }
        let row_major = array(self.arrangement.shape(), (0..elements as u64).collect())?;
        Ok(Some(self.arrangement.arrange(row_major.view()).into_owned()))
    }

    fn refused(&self, arranged: usize, source: EncodeError) -> QuantizeError {
        let places = array(self.arrangement.shape(), (0..self.elements()).collect::<Vec<usize>>());
        let flat = match places {
            Ok(places) => self.arrangement.arrange(places.view())[arranged],
            Err(_) => arranged,
        };
        QuantizeError::Encode { index: unravel(flat, self.arrangement.shape()), source }
    }

    fn elements(&self) -> usize {
        self.arrangement.shape().iter().product()
    }
}
