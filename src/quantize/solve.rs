//! Scales and zero points of a tensor, by the scheme and the rule.

use fewbit_formats::Format;
use ndarray::ArrayD;

use crate::reference;

use super::QuantizeError;
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
            ScaleSource::Given(scale) => (None, self.given("scale", scale)?),
            source => {
                let statistics = match source {
                    ScaleSource::Statistic(statistic) => self.statistics(*statistic)?,
                    ScaleSource::Constant(value) => vec![*value; self.arrangement.scales()],
                    ScaleSource::He => vec![self.he(); self.arrangement.scales()],
                    ScaleSource::Collected(array) => collected(array)?,
                    ScaleSource::Logarithm(array) => reference::torch::exp2(&collected(array)?),
                    ScaleSource::Mse(search) => search::mse_scales(search, self)?,
                    ScaleSource::Hqo(params) => search::hqo_scales(params, self)?,
                    ScaleSource::Given(_) => Vec::new(),
                };
                (Some(statistics.clone()), self.finish(statistics)?)
            }
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
