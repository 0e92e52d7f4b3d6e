//! Why something cannot be requantized.

use fewbit_formats::{EncodeError, IntFormat, Overflow, UnknownName};
use thiserror::Error;

use super::policy::RequantizePolicy;

/// Why a text is no policy, or why numbers do not fit one.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum RequantizeError {
    /// A name that no policy has.
    #[error(
        "`{0}` is not a requantization policy: expected {expected}, those of a stack perhaps with -wrap, -saturate or -refuse",
        expected = RequantizePolicy::names().collect::<Vec<_>>().join(", ")
    )]
    Policy(String),
    /// A rounding mode that there is not.
    #[error(transparent)]
    Rounding(UnknownName),
    /// Numbers of another kind than the policy's.
    #[error("`{policy}` takes {expected}, not {found}")]
    Kind {
        /// The policy.
        policy: RequantizePolicy,
        /// What it takes.
        expected: &'static str,
        /// What was given.
        found: &'static str,
    },
    /// A policy that has no multiplier to be derived.
    #[error("`{policy}` has no multiplier and shift to be derived from a scale")]
    NoMultiplier {
        /// The policy.
        policy: RequantizePolicy,
    },
    /// A multiplier out of range.
    #[error(
        "the multiplier {multiplier} of channel {channel} is outside of {least} to {most}, those of `{policy}`"
    )]
    Multiplier {
        /// The policy.
        policy: RequantizePolicy,
        /// The channel; 0 where there is one for all.
        channel: usize,
        /// The multiplier.
        multiplier: i32,
        /// The least one.
        least: i32,
        /// The greatest one.
        most: i32,
    },
    /// A shift out of range.
    #[error(
        "the shift {shift} of channel {channel} is outside of {least} to {most}, those of `{policy}`"
    )]
    Shift {
        /// The policy.
        policy: RequantizePolicy,
        /// The channel; 0 where there is one for all.
        channel: usize,
        /// The shift.
        shift: i32,
        /// The least one.
        least: i32,
        /// The greatest one.
        most: i32,
    },
    /// A scale whose shift is out of range.
    #[error(
        "the scale {scale:e} of channel {channel} needs a shift of {shift}, outside of {least} to {most}, those of `{policy}`"
    )]
    DerivedShift {
        /// The policy.
        policy: RequantizePolicy,
        /// The channel; 0 where there is one for all.
        channel: usize,
        /// The scale.
        scale: f64,
        /// Its shift.
        shift: i32,
        /// The least one.
        least: i32,
        /// The greatest one.
        most: i32,
    },
    /// A scale, or a bias behind it, that the policy does not take.
    #[error(
        "the scale or bias {scale:e} of channel {channel} does not suit `{policy}`: expected {expected}"
    )]
    Scale {
        /// The policy.
        policy: RequantizePolicy,
        /// The channel; 0 where there is one for all.
        channel: usize,
        /// The scale.
        scale: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// A threshold that is NaN.
    #[error("a threshold of channel {channel} is NaN: expected numbers")]
    Threshold {
        /// The channel; 0 where there is one for all.
        channel: usize,
    },
    /// Lists of different lengths, or of none.
    #[error("the {what} has {found} channels where {expected} are needed")]
    Channels {
        /// Which list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// That of another, or what it must have.
        expected: String,
    },
    /// A zero point that the output does not have.
    #[error("the zero point {zero_point} is outside of {format}, {least} to {most}", least = IntFormat::min(*format), most = IntFormat::max(*format))]
    ZeroPoint {
        /// The zero point.
        zero_point: i64,
        /// The output's format.
        format: IntFormat,
    },
    /// An overflow policy that the policy or the output's format does not have.
    #[error(
        "an output of {format} by `{policy}` cannot have the overflow policy `{overflow}`: expected `saturate`"
    )]
    Overflow {
        /// The policy.
        policy: RequantizePolicy,
        /// The output's format.
        format: IntFormat,
        /// The overflow policy.
        overflow: Overflow,
    },
}

/// Why a value cannot be requantized.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequantizeValueError {
    /// A value, with its bias, that is outside of what the policy takes.
    #[error("the value {value} is outside of {least} to {most}, what `{policy}` takes")]
    Value {
        /// The policy.
        policy: RequantizePolicy,
        /// The value with its bias.
        value: i128,
        /// The least one.
        least: i64,
        /// The greatest one.
        most: i64,
    },
    /// A value that TOSA's specification excludes for its shift.
    #[error(
        "the value {value} is outside of -2^{bit} to 2^{bit} - 1, what `{policy}` takes with a shift of {shift}; \
         `{policy}` with -wrap or -saturate takes it",
        bit = *shift - 1
    )]
    ForShift {
        /// The policy.
        policy: RequantizePolicy,
        /// The value with its bias.
        value: i128,
        /// The shift.
        shift: i32,
    },
    /// An intermediate value that 32 bits do not hold.
    #[error(
        "the value {value} becomes {intermediate}, which 32 bits do not hold, on its way through `{policy}`"
    )]
    Excess {
        /// The policy.
        policy: RequantizePolicy,
        /// The value with its bias.
        value: i128,
        /// What it becomes.
        intermediate: i128,
    },
    /// A result that the output's format refuses.
    #[error(transparent)]
    Output(#[from] EncodeError),
}
