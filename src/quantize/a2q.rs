//! A2Q and A2Q+: weights as a norm times a direction, with a norm that no accumulator of `P` bits overflows on (Colbert et al.,
//! arXiv 2308.13504 and 2401.10432).
//!
//! ```text
//! v <- v - mean(v)                                        A2Q+
//! q = clip(trunc(min(g / step, T) v / |v|_1))             |q|_1 <= T
//!
//! A2Q   T = (2^(P-1) - 1) 2^(signed(x) - N)
//! A2Q+  T = (2^P - 2) / (2^N - 1)
//! ```
//!
//! [`A2qBits`] says in whose arithmetic. A recipe ([`Normalization::Accumulator`](super::Normalization)) and the trainable form
//! ([`WeightNorm`](crate::algorithms::WeightNorm)) both come here.

use num_traits::Float;
use serde::{Deserialize, Serialize};

use crate::accumulate::bounds::{DataType, Sign};
use crate::reference::torch;

/// Whether the mean is taken off before the norm is bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Centring {
    /// A2Q: `|q|_1 max|x| <= 2^(P-1) - 1`.
    None,
    /// A2Q+: the mean is subtracted, then `|q|_1 (hi - lo) <= 2^P - 2`: twice the norm for unsigned inputs.
    #[default]
    Mean,
}

/// In whose arithmetic A2Q's quantizer is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum A2qBits {
    /// The papers' formula in f64, the norm held a hair inside the budget, so that no rounding of the sums can matter.
    #[default]
    Paper,
    /// Brevitas 0.12.1: f32 operation by operation, the mean divided and added after the weights, sums in PyTorch's order.
    Brevitas,
}

/// T for the inputs of a type, every operation rounded to `F`; 2 to 64 bits, inputs of 1 to 62.
pub(crate) fn published_budget<F: Float>(bits: u32, input: DataType, centring: Centring) -> F {
    let power = |exponent: u32| (F::one() + F::one()).powi(exponent as i32);
    let one = F::one();
    match centring {
        Centring::None => {
            let magnitude = input.bits - u32::from(input.sign == Sign::Signed);
            (power(bits - 1) - one) / power(magnitude)
        }
        Centring::Mean => (power(bits) - (one + one)) / (power(input.bits) - one),
    }
}

/// `min(norm, budget) v / |v|_1` in [`A2qBits::Paper`], not yet truncated; zeros for a direction of zeros. `norm` is in steps.
pub(crate) fn paper(v: &[f64], norm: f64, budget: f64, centring: Centring) -> Vec<f64> {
    let mut v = v.to_vec();
    if centring == Centring::Mean {
        centre(&mut v);
    }
    let length: f64 = v.iter().map(|v| v.abs()).sum();
    let ratio = if length == 0.0 { 0.0 } else { norm.min(budget) / (length * hair(v.len())) };
    v.iter_mut().for_each(|v| *v *= ratio);
    v
}

/// The same in [`A2qBits::Brevitas`]; NaN for a direction of zeros.
pub(crate) fn brevitas(v: &[f32], norm: f32, budget: f32, centring: Centring) -> Vec<f32> {
    let norm = if norm > budget { budget } else { norm };
    let (divisor, shift) = match centring {
        Centring::None => (torch::l1_norm(v) / norm, 0.0),
        Centring::Mean => {
            let centre = -torch::mean(v);
            let moved: Vec<f32> = v.iter().map(|v| v + centre).collect();
            let divisor = torch::l1_norm(&moved) / norm;
            (divisor, centre / divisor)
        }
    };
    v.iter().map(|v| v / divisor + shift).collect()
}

/// What sums of this many rounded terms are divided by, so that they cannot come out too small.
pub(crate) fn hair(terms: usize) -> f64 {
    1.0 + (terms + 8) as f64 * 2f64.powi(-50)
}

/// Takes the mean off.
pub(crate) fn centre(v: &mut [f64]) {
    let mean = v.iter().sum::<f64>() / v.len().max(1) as f64;
    v.iter_mut().for_each(|v| *v -= mean);
}
