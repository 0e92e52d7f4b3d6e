//! How large the L1 norm of integer weights may be.

use crate::accumulate::bounds::{DataType, InputRange};
use crate::algorithms::AlgorithmError;
use crate::quantize::Centring;
use crate::quantize::a2q::published_budget;

/// The L1 norm that keeps P bits from overflowing, for inputs of a range that holds 0:
///
/// ```text
/// A2Q   T = (2^(P-1) - 1) / max|x|
/// A2Q+  T = (2^P - 2) / (hi - lo)        for weights whose positive and negative parts weigh at most T / 2 each
/// ```
///
/// Infinite where every input is 0.
///
/// # Errors
/// P below 2 or above 64; a range without 0.
///
/// ```
/// use fewbit::accumulate::bounds::InputRange;
/// use fewbit::algorithms::l1_budget;
/// use fewbit::quantize::Centring;
/// // 15 bits hold 16383 = 64 * 255 + 63
/// assert_eq!(l1_budget(15, InputRange::unsigned(8), Centring::None)?.floor(), 64.0);
/// assert_eq!(l1_budget(15, InputRange::unsigned(8), Centring::Mean)?.floor(), 128.0);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
pub fn l1_budget(bits: u32, input: InputRange, centring: Centring) -> Result<f64, AlgorithmError> {
    if input.low > 0 || input.high < 0 {
        return Err(AlgorithmError::Constraint(
            "A2Q needs an input range that holds 0; fold the zero point first".into(),
        ));
    }
    check(bits)?;
    let half = ((1u64 << (bits - 1)) - 1) as f64;
    let (low, high) = (i128::from(input.low), i128::from(input.high));
    Ok(match centring {
        Centring::None => half / (-low).max(high) as f64,
        Centring::Mean => 2.0 * half / (high - low) as f64,
    })
}

/// The same for the inputs of an integer type as the papers state it, and Brevitas computes it:
///
/// ```text
/// A2Q   T = (2^(P-1) - 1) 2^(signed(x) - N)
/// A2Q+  T = (2^P - 2) / (2^N - 1)
/// ```
///
/// It differs from [`l1_budget`] for A2Q and unsigned inputs, where the greatest is `2^N - 1` and not `2^N`. Source: Colbert et
/// al., arXiv 2308.13504 and 2401.10432.
///
/// # Errors
/// P below 2 or above 64; a type of no bits or of more than 62.
///
/// ```
/// use fewbit::accumulate::bounds::{DataType, Sign};
/// use fewbit::algorithms::published_l1_budget;
/// use fewbit::quantize::Centring;
/// let eight = DataType { bits: 8, sign: Sign::Unsigned };
/// assert_eq!(published_l1_budget(15, eight, Centring::None)?, 16383.0 / 256.0);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
pub fn published_l1_budget(
    bits: u32,
    input: DataType,
    centring: Centring,
) -> Result<f64, AlgorithmError> {
    check(bits)?;
    if !(1..=62).contains(&input.bits) {
        return Err(AlgorithmError::Parameter {
            name: "the inputs' width",
            value: input.bits.into(),
            expected: "1 to 62",
        });
    }
    Ok(published_budget(bits, input, centring))
}

fn check(bits: u32) -> Result<(), AlgorithmError> {
    if (2..=64).contains(&bits) {
        return Ok(());
    }
    Err(AlgorithmError::Parameter {
        name: "the accumulator's width",
        value: bits.into(),
        expected: "2 to 64",
    })
}
