//! The elements that a scale may bring the largest magnitude of a block to.

use super::format::GroupFormat;
use crate::real::Real;
use crate::scale::BlockMaximum;

/// The element that the largest magnitude becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The largest one.
    Largest,
    /// The greatest power of two.
    Power,
}

impl Target {
    /// That of a rule which does not look at the values, and the first one of a rule that does.
    pub(super) const fn of(maximum: BlockMaximum) -> Self {
        match maximum {
            BlockMaximum::Static4 => Self::Power,
            _ => Self::Largest,
        }
    }
}

/// The greatest power of two that is not above a value.
const fn power_below(x: Real) -> Real {
    Real::from_scaled(false, 1, x.exponent())
}

impl GroupFormat {
    /// The element as a number.
    pub(super) const fn element_of(&self, target: Target) -> Real {
        let largest = Real::from_f64(self.measure().max_finite());
        match target {
            Target::Largest => largest,
            Target::Power => power_below(largest),
        }
    }

    /// The element that an outer scale reckons with.
    pub(super) const fn target_of_outer(&self, maximum: BlockMaximum) -> Real {
        self.element_of(Target::of(maximum))
    }

    /// The block scale that an outer scale reckons with.
    pub(super) const fn largest_scale(&self, maximum: BlockMaximum) -> Real {
        let largest = Real::from_f64(self.scale.format.max_finite());
        if maximum.is_adaptive() { power_below(largest) } else { largest }
    }
}
