//! A tensor whose scales and zero points are looked for: what the rules and the searches for them ask of it.

use std::borrow::Cow;

use fewbit_formats::{Format, IntFormat, Policy};
use ndarray::{ArrayD, ArrayViewD};

use crate::reference;
use crate::tasks;
use crate::tensor::{Arrangement, Granularity, TensorError, resolve_axis};

use super::execute::{Run, groups_of_task};
use super::scheme::{TailPadding, ZeroPoint, ZeroPointRounding, ZeroPointSource};
use super::search::Trial;
use super::statistic::{abs_max, clamp_above, extremes, low_percentile};
use super::{QuantizeError, ScaleRule, Scheme, Statistic};

/// A tensor whose parameters are looked for.
pub(crate) struct Problem<'a> {
    pub(crate) scheme: &'a Scheme,
    pub(crate) rule: &'a ScaleRule,
    pub(crate) policy: &'a Policy,
    pub(crate) arrangement: &'a Arrangement,
    /// The arranged elements.
    pub(crate) x: &'a [f32],
    pub(crate) seed: u64,
}

/// What the zero points are made of while a scale is searched; it does not depend on the scale.
pub(crate) enum FirstZeroPoint {
    /// There are none.
    None,
    /// They are these.
    Given(Vec<f32>),
    /// The magnitudes of what lies below zero.
    Offsets(Vec<f32>),
}

impl Problem<'_> {
    /// What the zero points are made of while a scale is searched.
    pub(crate) fn first_zero_point(&self) -> Result<FirstZeroPoint, QuantizeError> {
        let ZeroPoint::Shifted { source, .. } = &self.scheme.zero_point else {
            return Ok(FirstZeroPoint::None);
        };
        let least = match source {
            ZeroPointSource::Given(zero_point) => {
                return self.given("zero point", zero_point).map(FirstZeroPoint::Given);
            }
            ZeroPointSource::Offset(offset) => self.given("offset of the zero point", offset)?,
            ZeroPointSource::Mse(_) | ZeroPointSource::Hqo(_) => self.least(),
            _ => self.lowest(source)?,
        };
        Ok(FirstZeroPoint::Offsets(least.iter().map(|least| least.abs()).collect()))
    }

    /// The zero points of these scales while they are searched.
    pub(crate) fn of_first(
        &self,
        first: &FirstZeroPoint,
        scales: &[f32],
    ) -> Result<Option<Vec<f32>>, QuantizeError> {
        match first {
            FirstZeroPoint::None => Ok(None),
            FirstZeroPoint::Given(zero_points) => Ok(Some(zero_points.clone())),
            FirstZeroPoint::Offsets(offsets) => self.zero_points(offsets, scales).map(Some),
        }
    }

    /// `min(x, 0)` of each group, by the source's idea of a minimum.
    pub(super) fn lowest(&self, source: &ZeroPointSource) -> Result<Vec<f32>, QuantizeError> {
        self.padded(|group| match source {
            ZeroPointSource::Percentile { low } => low_percentile(group, *low).map(clamp_above),
            _ => Ok(clamp_above(extremes(group).0)),
        })
    }

    /// `min(min x, 0)` of each group.
    pub(crate) fn least(&self) -> Vec<f32> {
        let groups = self.arrangement.split(self.x);
        groups.map(|group| clamp_above(extremes(group).0)).collect()
    }

    /// The zero points that put values of these magnitudes below zero on the lowest code.
    pub(crate) fn zero_points(
        &self,
        offsets: &[f32],
        scales: &[f32],
    ) -> Result<Vec<f32>, QuantizeError> {
        let (Format::Int(format), ZeroPoint::Shifted { rounding, .. }) =
            (self.scheme.format, &self.scheme.zero_point)
        else {
            return Ok(vec![0.0; scales.len()]);
        };
        let quantized;
        let offsets = match rounding {
            ZeroPointRounding::Quantized(quantizer) => {
                let offsets = self.arrangement.restore_scales(offsets.to_vec())?;
                let values = quantizer.simulate(&offsets.view())?;
                quantized = self.arrangement.arrange(values.view()).into_owned();
                &quantized
            }
            _ => offsets,
        };
        let zero_point = |(offset, scale): (&f32, &f32)| {
            self.zero_point(offset / scale + format.min() as f32, format, rounding)
        };
        Ok(offsets.iter().zip(scales).map(zero_point).collect())
    }

    fn zero_point(&self, exact: f32, format: IntFormat, rounding: &ZeroPointRounding) -> f32 {
        let (low, high) = (format.min() as f32, format.max() as f32);
        match rounding {
            ZeroPointRounding::Code => {
                let rounded = reference::quantize::round(exact, self.policy.rounding, 0);
                reference::quantize::clamp(rounded, low, high)
            }
            _ => exact,
        }
    }

    /// The arranged scales that arranged statistics become.
    pub(crate) fn finish(&self, statistics: Vec<f32>) -> Result<Vec<f32>, QuantizeError> {
        let scales =
            self.rule.finish(self.arrangement.restore_scales(statistics)?, self.scheme.format)?;
        Ok(self.arrangement.arrange(scales.view()).into_owned())
    }

    /// The arranged scales that candidates are tried in.
    pub(crate) fn trial_scales(
        &self,
        statistics: Vec<f32>,
        trial: Trial,
    ) -> Result<Vec<f32>, QuantizeError> {
        match trial {
            Trial::Restricted => self.finish(statistics),
            Trial::Unrestricted => {
                let statistics = self.arrangement.restore_scales(statistics)?;
                let scales = self.rule.unrestricted(statistics, self.scheme.format);
                Ok(self.arrangement.arrange(scales.view()).into_owned())
            }
        }
    }

    /// The values that the elements get with these arranged parameters.
    pub(crate) fn simulate(
        &self,
        scales: &[f32],
        zero_points: Option<&[f32]>,
    ) -> Result<Vec<f32>, QuantizeError> {
        let run = Run {
            arrangement: self.arrangement,
            scale: Cow::Borrowed(scales),
            zero_point: zero_points.map(Cow::Borrowed),
            scheme: self.scheme,
            policy: *self.policy,
            seed: self.seed,
            first_group: 0,
        };
        run.simulate(self.x)
    }

    /// A statistic of every group.
    pub(crate) fn statistics(&self, statistic: Statistic) -> Result<Vec<f32>, QuantizeError> {
        let Some(axis) = statistic.channels() else {
            return self.padded(|group| statistic.of(group));
        };
        if self.arrangement.granularity() != Granularity::Tensor {
            return Err(QuantizeError::Statistic {
                statistic: statistic.to_string(),
                granularity: self.arrangement.granularity().to_string(),
                expected: "one scale for the whole tensor",
            });
        }
        let shape = self.arrangement.shape();
        let channels = Arrangement::new(shape, Granularity::Channel { axis })?;
        let x = ArrayViewD::from_shape(shape, self.x)
            .map_err(|_| TensorError::Elements { shape: shape.to_vec(), found: self.x.len() })?;
        let maxima: Vec<f32> = channels.split(&channels.arrange(x)).map(abs_max).collect();
        Ok(vec![statistic.of(&maxima)?])
    }

    /// `sqrt(2 / fan_in)`.
    pub(super) fn he(&self) -> f32 {
        let fan_in: usize = self.arrangement.shape().iter().skip(1).product();
        (2.0 / fan_in as f64).sqrt() as f32
    }

    /// Something of every group, with zeros where a shorter one ends if the scheme says so.
    pub(super) fn padded(
        &self,
        of: impl Fn(&[f32]) -> Result<f32, QuantizeError>,
    ) -> Result<Vec<f32>, QuantizeError> {
        self.arrangement.split(self.x).map(|group| of(&self.filled(group))).collect()
    }

    fn filled<'b>(&self, group: &'b [f32]) -> Cow<'b, [f32]> {
        let size = match self.arrangement.granularity() {
            Granularity::Group { size, .. } if self.scheme.tail_padding == TailPadding::Zeros => {
                size
            }
            _ => 0,
        };
        if group.len() >= size {
            return Cow::Borrowed(group);
        }
        let mut filled = group.to_vec();
        filled.resize(size, 0.0);
        Cow::Owned(filled)
    }

    /// The sum of each group of arranged numbers, in the order of PyTorch's kernels.
    pub(crate) fn sums(&self, arranged: &[f32]) -> Vec<f32> {
        let shape = self.arrangement.shape();
        // Groups along another axis than the last lie side by side in memory as columns.
        let columns = match self.arrangement.granularity() {
            Granularity::Group { axis, .. } => resolve_axis(axis, shape)
                .map_or(1, |axis| shape.iter().skip(axis + 1).product::<usize>().max(1)),
            _ => 1,
        };
        let row_groups = self.arrangement.length.div_ceil(self.arrangement.group).max(1);
        let sum = |index: usize, group: &[f32]| {
            let group = self.filled(group);
            match columns {
                1 => reference::torch::sum(&group),
                _ => reference::torch::column_sum(&group, index / row_groups % columns, columns),
            }
        };
        let groups: Vec<&[f32]> = self.arrangement.split(arranged).collect();
        let mut sums = vec![0.0; groups.len()];
        let task = groups_of_task(self.arrangement);
        tasks::for_each(
            groups.chunks(task).zip(sums.chunks_mut(task)).enumerate(),
            |(index, (groups, sums))| {
                for ((index, group), to) in (index * task..).zip(groups).zip(sums) {
                    *to = sum(index, group);
                }
            },
        );
        sums
    }

    /// The mean of each group, as [`Self::sums`].
    pub(crate) fn means(&self, arranged: &[f32]) -> Vec<f32> {
        let sums = self.sums(arranged);
        let lengths = self.arrangement.split(arranged).map(|group| self.filled(group).len());
        sums.into_iter().zip(lengths).map(|(sum, length)| sum / length as f32).collect()
    }

    /// Given parameters, arranged, if they have the shape they must have; a single number stands for all.
    pub(super) fn given(
        &self,
        what: &'static str,
        parameter: &ArrayD<f32>,
    ) -> Result<Vec<f32>, QuantizeError> {
        let arrangement = self.arrangement;
        if let (0, Some(&value)) = (parameter.ndim(), parameter.first()) {
            return Ok(vec![value; arrangement.scales()]);
        }
        if parameter.shape() != arrangement.scale_shape() {
            return Err(TensorError::ParameterShape {
                what,
                found: parameter.shape().to_vec(),
                expected: arrangement.scale_shape().to_vec(),
                shape: arrangement.shape().to_vec(),
                granularity: arrangement.granularity().to_string(),
            }
            .into());
        }
        Ok(arrangement.arrange(parameter.view()).into_owned())
    }
}
