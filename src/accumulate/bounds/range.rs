//! What inputs can be.

use fewbit_formats::Format;

use super::BoundsError;
use crate::accumulate::required_bits_of_range;

/// Every integer of `low..=high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InputRange {
    /// The least input.
    pub low: i64,
    /// The greatest input.
    pub high: i64,
}

impl InputRange {
    /// `low..=high`
    pub const fn new(low: i64, high: i64) -> Self {
        Self { low, high }
    }

    /// `[0, 2^bits - 1]`, for `bits` up to 62.
    pub const fn unsigned(bits: u32) -> Self {
        Self { low: 0, high: (1 << bits) - 1 }
    }

    /// `[-2^(bits-1), 2^(bits-1) - 1]`, for `bits` of 1 to 62.
    pub const fn signed(bits: u32) -> Self {
        Self { low: -(1 << (bits - 1)), high: (1 << (bits - 1)) - 1 }
    }

    /// The narrowest integer type that holds the range: two's complement where `low < 0`.
    pub const fn data_type(self) -> DataType {
        let signed_bits = required_bits_of_range(self.low as i128, self.high as i128);
        if self.low < 0 {
            DataType { bits: signed_bits, sign: Sign::Signed }
        } else {
            DataType { bits: signed_bits - 1, sign: Sign::Unsigned }
        }
    }

    /// The input of `self` that makes `weight * input` greatest: always an end, so that it is an input of formats with
    /// gaps (binary) too.
    pub(super) const fn best(self, weight: i64) -> i64 {
        if weight > 0 { self.high } else { self.low }
    }
}

/// The codes of an integer or fixed-point format as integers; -1 and 1 for binary and ternary.
///
/// ```
/// use fewbit::accumulate::bounds::InputRange;
/// let range = InputRange::try_from("int8n".parse::<fewbit_formats::Format>()?)?;
/// assert_eq!(range, InputRange::new(-127, 127));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl TryFrom<Format> for InputRange {
    type Error = BoundsError;

    fn try_from(format: Format) -> Result<Self, BoundsError> {
        match format {
            Format::Int(int) => Ok(Self::new(int.min(), int.max())),
            Format::Fixed(fixed) => Ok(Self::new(fixed.integer().min(), fixed.integer().max())),
            Format::Binary | Format::Ternary => Ok(Self::new(-1, 1)),
            _ => Err(BoundsError::NotAnIntegerFormat(format.to_string())),
        }
    }
}

/// Whether a type has negative values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Two's complement.
    Signed,
    /// None below zero.
    Unsigned,
}

/// An integer type: `N` bits, signed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataType {
    /// Width.
    pub bits: u32,
    /// Signedness.
    pub sign: Sign,
}

/// The ranges of all input channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inputs<'a> {
    /// One range for all.
    Same(InputRange),
    /// One range per column of the weights.
    PerChannel(&'a [InputRange]),
}

impl Inputs<'_> {
    /// The range of channel `k`.
    pub(super) fn at(&self, k: usize) -> InputRange {
        match self {
            Self::Same(range) => *range,
            Self::PerChannel(ranges) => ranges[k],
        }
    }

    /// The narrowest integer type that holds every channel's range.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Same(range) => range.data_type(),
            Self::PerChannel(ranges) => {
                let low = ranges.iter().map(|r| r.low).min().unwrap_or(0);
                let high = ranges.iter().map(|r| r.high).max().unwrap_or(0);
                InputRange { low, high }.data_type()
            }
        }
    }

    pub(super) fn check(&self, channels: usize) -> Result<(), BoundsError> {
        let ranges = match self {
            Self::Same(range) => std::slice::from_ref(range),
            Self::PerChannel(ranges) if ranges.len() == channels => ranges,
            Self::PerChannel(ranges) => {
                return Err(BoundsError::Channels { ranges: ranges.len(), channels });
            }
        };
        match ranges.iter().enumerate().find(|(_, r)| r.low > r.high) {
            Some((channel, &InputRange { low, high })) => {
                Err(BoundsError::EmptyRange { channel, low, high })
            }
            None => Ok(()),
        }
    }
}
