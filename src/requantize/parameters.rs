//! The numbers of a policy.

use super::error::RequantizeError;
use super::policy::ScaleKind;

/// One value for a whole tensor, or one for each channel, an index of the last axis.
///
/// ```
/// use fewbit::requantize::PerChannel;
/// let channels = PerChannel::Channels(vec![1, 2, 3]);
/// assert_eq!((channels.at(4), PerChannel::Tensor(7).at(4)), (Some(&2), Some(&7)));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PerChannel<T> {
    /// One for all.
    Tensor(T),
    /// One for each channel.
    Channels(Vec<T>),
}

impl<T> PerChannel<T> {
    /// That of an element, by its row-major index; `None` where there are no channels.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&T> {
        match self {
            Self::Tensor(value) => Some(value),
            Self::Channels(values) => values.get(index.checked_rem(values.len())?),
        }
    }

    /// How many channels there are; `None` where one value is for all.
    #[must_use]
    pub fn channels(&self) -> Option<usize> {
        match self {
            Self::Tensor(_) => None,
            Self::Channels(values) => Some(values.len()),
        }
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        match self {
            Self::Tensor(value) => std::slice::from_ref(value).iter(),
            Self::Channels(values) => values.iter(),
        }
    }

    /// The same of another type.
    #[must_use]
    pub fn map<U>(&self, of: impl Fn(&T) -> U) -> PerChannel<U> {
        match self {
            Self::Tensor(value) => PerChannel::Tensor(of(value)),
            Self::Channels(values) => PerChannel::Channels(values.iter().map(of).collect()),
        }
    }

    /// The same of another type, `of` knowing the channel.
    ///
    /// # Errors
    /// The first of `of`.
    pub fn try_map<U, E>(
        &self,
        of: impl Fn(usize, &T) -> Result<U, E>,
    ) -> Result<PerChannel<U>, E> {
        Ok(match self {
            Self::Tensor(value) => PerChannel::Tensor(of(0, value)?),
            Self::Channels(values) => {
                let values = values.iter().enumerate().map(|(channel, value)| of(channel, value));
                PerChannel::Channels(values.collect::<Result<_, _>>()?)
            }
        })
    }
}

/// The numbers of a policy, in its stack's own conventions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ScaleParameters {
    /// A multiplier and a shift, one of which may be for all channels.
    MultiplierShift {
        /// Multipliers.
        multiplier: PerChannel<i32>,
        /// Shifts: TOSA's to the right, TFLite's exponent.
        shift: PerChannel<i32>,
    },
    /// A shift to the right.
    Shift(PerChannel<i32>),
    /// A scale in f32.
    Float(PerChannel<f32>),
    /// A scale that is taken exactly.
    Exact(PerChannel<f64>),
    /// A scale, and a bias that is added after it.
    Affine {
        /// Scales.
        scale: PerChannel<f32>,
        /// Biases, in units of the output.
        bias: PerChannel<f32>,
    },
    /// Thresholds, in any order.
    Thresholds {
        /// Those of a channel.
        thresholds: PerChannel<Vec<i64>>,
        /// What each one that is reached counts.
        out_scale: i64,
        /// The output where none is.
        out_bias: i64,
    },
}

impl ScaleParameters {
    /// One multiplier and one shift for all.
    #[must_use]
    pub const fn multiplier_shift(multiplier: i32, shift: i32) -> Self {
        Self::MultiplierShift {
            multiplier: PerChannel::Tensor(multiplier),
            shift: PerChannel::Tensor(shift),
        }
    }

    /// Thresholds that real numbers `t` stand for: an integer is at least `t` where it is at least the next integer from
    /// `t` up, so these are kept; each counts 1, from 0.
    ///
    /// # Errors
    /// NaN.
    ///
    /// ```
    /// use fewbit::requantize::{PerChannel, ScaleParameters};
    /// let found = ScaleParameters::thresholds(&PerChannel::Tensor(vec![-0.5, 1.5, f64::INFINITY]))?;
    /// let ScaleParameters::Thresholds { thresholds, .. } = found else { panic!() };
    /// assert_eq!(thresholds.at(0), Some(&vec![0, 2])); // infinity is never reached
    /// # Ok::<(), fewbit::requantize::RequantizeError>(())
    /// ```
    pub fn thresholds(of: &PerChannel<Vec<f64>>) -> Result<Self, RequantizeError> {
        /// 2^63, which no integer of 64 bits reaches.
        const BEYOND: f64 = 9_223_372_036_854_775_808.0;
        let thresholds = of.try_map(|channel, list| {
            if list.iter().any(|t| t.is_nan()) {
                return Err(RequantizeError::Threshold { channel });
            }
            let reached = list.iter().map(|t| t.ceil()).filter(|t| *t < BEYOND);
            Ok(reached.map(|t| t as i64).collect())
        })?;
        Ok(Self::Thresholds { thresholds, out_scale: 1, out_bias: 0 })
    }

    /// What they are.
    #[must_use]
    pub const fn kind(&self) -> ScaleKind {
        match self {
            Self::MultiplierShift { .. } => ScaleKind::MultiplierShift,
            Self::Shift(_) => ScaleKind::Shift,
            Self::Float(_) => ScaleKind::Float,
            Self::Exact(_) => ScaleKind::Exact,
            Self::Affine { .. } => ScaleKind::Affine,
            Self::Thresholds { .. } => ScaleKind::Thresholds,
        }
    }

    /// The channels of each list, with what it is.
    pub(super) fn lists(&self) -> [(&'static str, Option<usize>); 2] {
        match self {
            Self::MultiplierShift { multiplier, shift } => {
                [("multiplier", multiplier.channels()), ("shift", shift.channels())]
            }
            Self::Shift(shift) => [("shift", shift.channels()), ("shift", None)],
            Self::Float(scale) => [("scale", scale.channels()), ("scale", None)],
            Self::Exact(scale) => [("scale", scale.channels()), ("scale", None)],
            Self::Affine { scale, bias } => {
                [("scale", scale.channels()), ("bias", bias.channels())]
            }
            Self::Thresholds { thresholds, .. } => {
                [("thresholds", thresholds.channels()), ("thresholds", None)]
            }
        }
    }
}
