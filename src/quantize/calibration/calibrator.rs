//! Batches in, a statistic per group out.

use ndarray::{ArrayD, ArrayView, Dimension};

use super::state::State;
use super::{Average, CalibrationError, Method};
use crate::quantize::execute::groups_of_task;
use crate::tasks;
use crate::tensor::{Arrangement, Granularity, TensorError};

/// Collects a statistic over batches.
///
/// Batches may differ in shape as far as the scales do not: with one scale they can have any shape, with one per channel
/// as many channels, with one per row or group the same shape throughout.
///
/// ```
/// use fewbit::quantize::calibration::{Calibrator, Method};
/// use fewbit::quantize::Statistic;
/// use fewbit::tensor::Granularity;
/// use ndarray::array;
///
/// let method = Method::Pooled(Statistic::AbsMax);
/// let mut calibrator = Calibrator::new(method, Granularity::Channel { axis: 1 })?;
/// calibrator.observe(&array![[1f32, -2.0], [0.5, 0.0]].view())?;
/// calibrator.observe(&array![[-3f32, 1.0]].view())?;
/// assert_eq!(calibrator.finish()?.statistic, array![[3f32, 2.0]].into_dyn());
/// # Ok::<(), fewbit::quantize::calibration::CalibrationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Calibrator {
    method: Method,
    granularity: Granularity,
    /// Shape of the scales and states of their groups, arranged; none before the first batch.
    groups: Option<Groups>,
    batches: u64,
    elements: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Groups {
    /// Of the first batch: it arranges the scales.
    arrangement: Arrangement,
    states: Vec<State>,
}

/// What a calibration has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// What the threshold of the format is to stand for, of the shape of the granularity.
    pub statistic: ArrayD<f32>,
    /// `|min(x, 0)|`, the magnitude of the lower end, for a zero point: `offset / scale + lowest code`. None where the
    /// method has no lower end.
    pub offset: Option<ArrayD<f32>>,
    /// Which elements share a scale.
    pub granularity: Granularity,
    /// How many batches were observed.
    pub batches: u64,
    /// How many elements.
    pub elements: u64,
}

impl Calibration {
    /// The scales that a threshold gives: `statistic / threshold` in f32.
    #[must_use]
    pub fn scale(&self, threshold: f32) -> ArrayD<f32> {
        self.statistic.mapv(|statistic| statistic / threshold)
    }
}

impl Calibrator {
    /// A calibrator that has seen nothing.
    ///
    /// # Errors
    /// A percentage, a momentum or a number of bins outside its range; a quantizer of several scales.
    pub fn new(method: Method, granularity: Granularity) -> Result<Self, CalibrationError> {
        method.check()?;
        State::new(&method)?;
        Ok(Self { method, granularity, groups: None, batches: 0, elements: 0 })
    }

    /// What is made of the batches.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Takes one more batch.
    ///
    /// # Errors
    /// A batch without elements or without the axis of the scales; scales of another shape than those of the batches
    /// before; a percentile below the first element of a batch. The calibrator is then as before.
    pub fn observe<D: Dimension>(
        &mut self,
        batch: &ArrayView<'_, f32, D>,
    ) -> Result<(), CalibrationError> {
        let batch = batch.view().into_dyn();
        if batch.is_empty() {
            return Err(TensorError::Empty { shape: batch.shape().to_vec() }.into());
        }
        let arrangement = Arrangement::new(batch.shape(), self.granularity)?;
        let elements = arrangement.arrange(batch.view());
        let parts: Vec<&[f32]> = arrangement.split(&elements).collect();
        let (method, before) = (&self.method, self.batches);
        let mut groups = match self.groups.take() {
            None => {
                let state = State::new(method)?;
                Groups { arrangement, states: vec![state; parts.len()] }
            }
            Some(groups) if groups.arrangement.scale_shape() == arrangement.scale_shape() => groups,
            Some(groups) => {
                let expected = groups.arrangement.scale_shape().to_vec();
                self.groups = Some(groups);
                return Err(CalibrationError::Scales {
                    shape: batch.shape().to_vec(),
                    found: arrangement.scale_shape().to_vec(),
                    expected,
                });
            }
        };
        // Only a statistic of a batch can fail, and it fails for every group of that size: before anything has changed.
        let observed: Result<(), _> = match (method, parts.iter().min_by_key(|part| part.len())) {
            (Method::Batches { statistic, .. }, Some(least)) => statistic.of(least).map(|_| ()),
            _ => Ok(()),
        };
        let observed = observed.and_then(|()| {
            let task = groups_of_task(&groups.arrangement);
            let pairs = groups.states.chunks_mut(task).zip(parts.chunks(task));
            tasks::try_for_each(pairs, |(states, parts)| {
                let mut pairs = states.iter_mut().zip(parts);
                pairs.try_for_each(|(state, part)| state.observe(method, part, before))
            })
        });
        let is_first = before == 0;
        if observed.is_ok() || !is_first {
            self.groups = Some(groups);
        }
        observed?;
        self.batches += 1;
        self.elements += batch.len() as u64;
        Ok(())
    }

    /// Takes what another calibrator of the same method has seen.
    ///
    /// # Errors
    /// Another method or granularity, scales of another shape, an average that depends on the order. The calibrator is then
    /// as before.
    pub fn merge(&mut self, other: &Self) -> Result<(), CalibrationError> {
        if self.method != other.method || self.granularity != other.granularity {
            return Err(CalibrationError::Different);
        }
        if let Method::Batches { average, .. } = self.method
            && average != Average::Mean
        {
            return Err(CalibrationError::Order(average));
        }
        let Some(theirs) = &other.groups else {
            return Ok(());
        };
        match &mut self.groups {
            None => self.groups = Some(theirs.clone()),
            Some(ours) => {
                let (found, expected) =
                    (theirs.arrangement.scale_shape(), ours.arrangement.scale_shape());
                if found != expected {
                    return Err(CalibrationError::Scales {
                        shape: theirs.arrangement.shape().to_vec(),
                        found: found.to_vec(),
                        expected: expected.to_vec(),
                    });
                }
                for (state, other) in ours.states.iter_mut().zip(&theirs.states) {
                    state.merge(other)?;
                }
            }
        }
        self.batches += other.batches;
        self.elements += other.elements;
        Ok(())
    }

    /// The statistics of what has been observed; more can be observed afterwards.
    ///
    /// # Errors
    /// No batch; a percentile below the first element; a quantizer that refuses an element.
    pub fn finish(&self) -> Result<Calibration, CalibrationError> {
        let groups = self.groups.as_ref().ok_or(CalibrationError::NoBatch)?;
        let outcome = |state: &State| state.finish(&self.method, self.batches);
        let outcomes = tasks::try_map(&groups.states, outcome)?;
        let restore = |values: Vec<f32>| groups.arrangement.restore_scales(values);
        let statistic = restore(outcomes.iter().map(|outcome| outcome.statistic).collect())?;
        let offset = self.method.has_offset();
        let offset =
            offset.then(|| restore(outcomes.iter().map(|outcome| outcome.offset).collect()));
        Ok(Calibration {
            statistic,
            offset: offset.transpose()?,
            granularity: self.granularity,
            batches: self.batches,
            elements: self.elements,
        })
    }
}
