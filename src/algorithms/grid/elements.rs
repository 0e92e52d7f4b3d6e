//! The elements of a grid in units of its scale: which there are, and which one is nearest.

use fewbit_formats::{Format, NanPolicy, Overflow, Policy, Rounding};

/// The side on which a neighbour lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::algorithms) enum Direction {
    /// The next greater level.
    Up,
    /// The next smaller level.
    Down,
}

/// How the elements are rounded.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Elements {
    /// Whole numbers from `min` to `max`; codes in the low bits given by `mask`.
    Integer { min: f32, max: f32, mask: u32 },
    /// Everything else, by the format's own encoder; `table` has the levels and codes of all finite values in ascending order.
    Encoded { unit: f64, table: Vec<(i64, u32)> },
}

impl Elements {
    pub(super) fn new(format: Format) -> Self {
        match format {
            Format::Int(int) if int.bits() <= 22 => Self::Integer {
                min: int.min() as f32,
                max: int.max() as f32,
                mask: ((1u64 << int.bits()) - 1) as u32,
            },
            _ => Self::Encoded { unit: format.smallest_positive(), table: levels(format) },
        }
    }

    /// Whether every value is a whole number of units.
    pub(super) fn has_levels(&self) -> bool {
        !matches!(self, Self::Encoded { table, .. } if table.is_empty())
    }

    /// What a level is a multiple of.
    pub(super) fn unit(&self) -> f64 {
        match self {
            Self::Integer { .. } => 1.0,
            Self::Encoded { unit, .. } => *unit,
        }
    }

    /// The least and the greatest level; zeros where there are none.
    pub(super) fn level_range(&self) -> (i64, i64) {
        match self {
            Self::Integer { min, max, .. } => (*min as i64, *max as i64),
            Self::Encoded { table, .. } => {
                let level = |entry: Option<&(i64, u32)>| entry.map_or(0, |entry| entry.0);
                (level(table.first()), level(table.last()))
            }
        }
    }

    /// The level next to another one; `None` at the end.
    pub(super) fn next_level(&self, level: i64, direction: Direction) -> Option<i64> {
        match (self, direction) {
            (Self::Integer { max, .. }, Direction::Up) => (level < *max as i64).then(|| level + 1),
            (Self::Integer { min, .. }, Direction::Down) => {
                (level > *min as i64).then(|| level - 1)
            }
            (Self::Encoded { table, .. }, Direction::Up) => {
                table.get(table.partition_point(|entry| entry.0 <= level)).map(|entry| entry.0)
            }
            (Self::Encoded { table, .. }, Direction::Down) => {
                let below = table.partition_point(|entry| entry.0 < level);
                table.get(below.wrapping_sub(1)).map(|entry| entry.0)
            }
        }
    }

    /// Level and code of the element between 0 and `level` that is nearest to `level`.
    pub(super) fn toward_zero(&self, level: i64) -> (i64, u32) {
        match self {
            Self::Integer { min, max, mask } => {
                let level = level.clamp(*min as i64, *max as i64);
                (level, level as u32 & mask)
            }
            Self::Encoded { table, .. } if level >= 0 => {
                let above = table.partition_point(|entry| entry.0 <= level);
                table.get(above.wrapping_sub(1)).copied().unwrap_or((0, 0))
            }
            Self::Encoded { table, .. } => {
                let at = table.partition_point(|entry| entry.0 < level);
                table.get(at).copied().unwrap_or((0, 0))
            }
        }
    }

    /// Levels and codes of the elements on both sides of `x`, as [`Grid::neighbours`](super::Grid::neighbours) has them; level 0
    /// for elements that are not whole numbers of units.
    pub(super) fn around(
        &self,
        format: Format,
        x: f64,
        allowed: Option<(i64, i64)>,
    ) -> [(i64, u32); 2] {
        let (low, high) = allowed.unwrap_or((i64::MIN, i64::MAX));
        match self {
            Self::Integer { min, max, mask } => {
                let (min, max) = (low.max(*min as i64), high.min(*max as i64));
                // `as` saturates.
                [x.floor(), x.ceil()].map(|x| {
                    let level = (x as i64).max(min).min(max);
                    (level, level as u32 & mask)
                })
            }
            Self::Encoded { unit, table } if !table.is_empty() => {
                let first = table.partition_point(|entry| entry.0 < low);
                let end = table.partition_point(|entry| entry.0 <= high);
                let allowed = table.get(first..end).unwrap_or(&[]);
                let above = allowed.partition_point(|entry| entry.0 as f64 * unit < x);
                let below = allowed.partition_point(|entry| entry.0 as f64 * unit <= x);
                [below.saturating_sub(1), above.min(allowed.len().saturating_sub(1))]
                    .map(|at| allowed.get(at).copied().unwrap_or((0, 0)))
            }
            Self::Encoded { .. } => {
                [Rounding::Down, Rounding::Up].map(|rounding| (0, encode(format, x, rounding)))
            }
        }
    }
}

/// The code of a number, saturated.
pub(super) fn encode(format: Format, y: f64, rounding: Rounding) -> u32 {
    let policy = Policy::new(rounding, Overflow::Saturate).with_nan(NanPolicy::Zero);
    // Infinity, NaN: the solvers' sums of finite numbers have neither unless they overflow, and then any code will do.
    let y = if y.is_nan() { 0.0 } else { y.clamp(-f64::MAX, f64::MAX) };
    // Saturation is defined for every format: nothing is left to refuse.
    format.encode(y, &policy, 0).map_or(0, |encoded| encoded.code)
}

/// All finite values of a narrow format as multiples of its smallest, ascending; empty where they are too many or too far
/// apart for `i64`.
fn levels(format: Format) -> Vec<(i64, u32)> {
    let unit = format.smallest_positive();
    let reach = format.max_finite().max(-format.min_finite()) / unit;
    // A format without a positive value gives NaN here.
    let too_far = reach.is_nan() || reach >= 1e18;
    if format.bits() > 16 || too_far || !format.has_zero() {
        return Vec::new();
    }
    let values = (0..format.code_count() as u32).map(|code| (format.decode(code), code));
    let mut table: Vec<(i64, u32)> =
        values.filter(|(v, _)| v.is_finite()).map(|(v, code)| ((v / unit) as i64, code)).collect();
    table.sort_unstable();
    table.dedup_by_key(|entry| entry.0);
    table
}
