//! Scales and zero points of a tensor, by the scheme and the rule.

use fewbit_formats::Format;
use ndarray::ArrayD;

use crate::reference;

use super::QuantizeError;
use super::group_scales::GroupScales;
use super::parameters::Parameters;
use super::problem::Problem;
use super::scale::ScaleSource;
use super::scheme::{ZeroPoint, ZeroPointSource};
use super::search::{self, Trial};

impl Problem<'_> {
    /// The parameters that the scheme and the rule give to the elements.
    pub(crate) fn solve(&self) -> Result<Parameters, QuantizeError> {
        let collected = |array: &ArrayD<f32>| self.given("collected statistic", array);
        // What the scales are made of, and the scales.
        let (statistics, scales) = match &self.rule.source {
            ScaleSource::Codes(scales) => return self.coded(scales),
            ScaleSource::Given(scale) => (None, self.given("scale", scale)?),
            ScaleSource::Statistic(statistic) => self.made_of(self.statistics(*statistic)?)?,
            ScaleSource::Constant(value) => {
                self.made_of(vec![*value; self.arrangement.scales()])?
            }
            ScaleSource::He => self.made_of(vec![self.he(); self.arrangement.scales()])?,
            ScaleSource::Collected(array) => self.made_of(collected(array)?)?,
            ScaleSource::Logarithm(array) => {
                self.made_of(reference::torch::exp2(&collected(array)?))?
            }
            ScaleSource::Mse(search) => self.made_of(search::mse_scales(search, self)?)?,
            ScaleSource::Hqo(params) => self.made_of(search::hqo_scales(params, self)?)?,
        };
        let zero_point = match (&self.scheme.zero_point, self.scheme.format) {
            (ZeroPoint::Shifted { source, .. }, Format::Int(_)) => {
                Some(self.shifted(source, statistics, &scales)?)
            }
            _ => None,
        };
        let restored = |parameter| self.arrangement.restore_scales(parameter);
        Ok(Parameters {
            scale: restored(scales)?,
            zero_point: zero_point.map(restored).transpose()?,
        })
    }

    /// The values of the codes that a group format has for scales and zero points.
    fn coded(&self, scales: &GroupScales) -> Result<Parameters, QuantizeError> {
        let x = self.arrangement.restore(self.x.to_vec())?;
        let tensor = scales.encode(self.scheme, *self.policy, self.seed, &x.view())?;
        Ok(Parameters { scale: tensor.scale().clone(), zero_point: tensor.zero_point().cloned() })
    }

    /// Statistics, and the scales that they become.
    fn made_of(&self, statistics: Vec<f32>) -> Result<(Option<Vec<f32>>, Vec<f32>), QuantizeError> {
        Ok((Some(statistics.clone()), self.finish(statistics)?))
    }

    /// The zero points.
    fn shifted(
        &self,
        source: &ZeroPointSource,
        statistics: Option<Vec<f32>>,
        scales: &[f32],
    ) -> Result<Vec<f32>, QuantizeError> {
        // A search takes place in the scales that candidates were tried in.
        let trial = |trial: Trial| match &statistics {
            Some(statistics) => self.trial_scales(statistics.clone(), trial),
            None => Ok(scales.to_vec()),
        };
        let least = match source {
            ZeroPointSource::Given(zero_point) => return self.given("zero point", zero_point),
            ZeroPointSource::Offset(offset) => {
                let offsets = self.given("offset of the zero point", offset)?;
                return self.zero_points(&offsets, scales);
            }
            ZeroPointSource::Minimum | ZeroPointSource::Percentile { .. } => self.lowest(source)?,
            ZeroPointSource::Mse(search) => {
                search::mse_zero_points(search, self, &trial(search.trial)?)?
            }
            ZeroPointSource::Hqo(params) => {
                search::hqo_zero_points(params, self, &trial(params.trial)?)?
            }
        };
        let offsets: Vec<f32> = least.iter().map(|least| least.abs()).collect();
        self.zero_points(&offsets, scales)
    }
}
