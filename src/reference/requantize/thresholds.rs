//! FINN's `MultiThreshold`.

use super::sum::Sum;

/// How many thresholds the value reaches.
pub(super) fn reached(sum: Sum, thresholds: &[i64]) -> i128 {
    thresholds.iter().filter(|&&threshold| sum.value >= i128::from(threshold)).count() as i128
}
