//! Which element the largest magnitude of a block becomes.

use super::error::GroupError;
use super::format::{GroupFormat, GroupZeroPoint, has_powers_alone};
use super::outer::OuterScale;
use super::policy::GroupPolicy;
use super::scale::BlockScale;
use super::target::Target;
use crate::rounding::Rounding;
use crate::scale::BlockMaximum;

impl GroupFormat {
    /// The scale of a block of these finite values, which lie between `low` and `high`.
    pub(super) fn scale_of_values(
        &self,
        x: &[f32],
        (low, high): (f32, f32),
        outer: Option<&OuterScale>,
        policy: &GroupPolicy,
    ) -> Result<BlockScale, GroupError> {
        let maximum = policy.scale.maximum;
        let applies =
            !has_powers_alone(self.scale.format) && matches!(self.zero_point, GroupZeroPoint::None);
        if !applies && maximum != BlockMaximum::Static6 {
            return Err(GroupError::Maximum(maximum, self.scale.format));
        }
        let first = self.scale_of_extremes(low, high, outer, policy)?;
        if !maximum.is_adaptive() {
            return Ok(first);
        }
        let second = self.scale_to(Target::Power, low, high, outer, policy)?;
        let is_better = self.error(x, &second, policy)? < self.error(x, &first, policy)?;
        Ok(if is_better { second } else { first })
    }

    /// The error of a block's values under a scale, in `f64` and in order; elements that are rounded at random are rounded
    /// to nearest even here, and those that are not finite do not count.
    fn error(
        &self,
        x: &[f32],
        scale: &BlockScale,
        policy: &GroupPolicy,
    ) -> Result<f64, GroupError> {
        let mut policy = *policy;
        if policy.element.rounding.random_bits().is_some() {
            policy.element.rounding = Rounding::TiesEven;
        }
        let mut error = 0f64;
        for (index, &x) in x.iter().enumerate().filter(|(_, x)| x.is_finite()) {
            let encoded = self
                .encode_element(x, scale, &policy, 0)
                .map_err(|source| GroupError::Element { index, source })?;
            let value = self.decode_element(encoded.code, scale);
            let distance = (f64::from(value) - f64::from(x)).abs();
            match policy.scale.maximum {
                BlockMaximum::Mse => error += distance * distance,
                BlockMaximum::AbsMax => error = if distance > error { distance } else { error },
                _ => error += distance,
            }
        }
        Ok(error)
    }
}
