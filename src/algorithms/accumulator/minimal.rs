//! The narrowest accumulator for weights as they are.

use ndarray::ArrayView2;

use crate::accumulate::Accumulator;
use crate::accumulate::bounds::{BoundsError, Inputs, Layer};

/// The least P that no input overflows, in the worst case over all inputs and all steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinimalBits {
    /// Of each row.
    pub rows: Vec<u32>,
    /// Of the layer: that of its worst row, at least 2.
    pub layer: u32,
}

/// The widths that integer weights `[out, in]` need, with `tile` consecutive products summed in the register (all, if none).
///
/// This is what A2Q calls post-training minimisation, with the exact worst case in place of the norm.
///
/// # Errors
/// As [`Layer::bounds`].
///
/// ```
/// use fewbit::accumulate::bounds::{InputRange, Inputs};
/// use fewbit::algorithms::minimal_bits;
/// use ndarray::array;
/// let weights = array![[3, -2, 1], [0, 1, 0]];
/// let bits = minimal_bits(weights.view(), Inputs::Same(InputRange::unsigned(4)), None)?;
/// assert_eq!((bits.rows, bits.layer), (vec![7, 5], 7)); // 4 * 15 = 60, 15
/// # Ok::<(), fewbit::accumulate::bounds::BoundsError>(())
/// ```
pub fn minimal_bits(
    weights: ArrayView2<'_, i64>,
    inputs: Inputs<'_>,
    tile: Option<usize>,
) -> Result<MinimalBits, BoundsError> {
    let bounds = Layer::new(weights, inputs)?.bounds(&register(64, tile)?)?;
    let rows = bounds.rows().iter().map(|row| row.stages[0].required_bits).collect();
    Ok(MinimalBits { rows, layer: bounds.required_bits(0).max(2) })
}

/// A register of P bits over tiles, and behind it one that holds every sum.
pub(super) fn register(bits: u32, tile: Option<usize>) -> Result<Accumulator, BoundsError> {
    let text = match tile {
        None => format!("int{bits}-wrap"),
        Some(tile) => format!("int{bits}-wrap/{tile},exact"),
    };
    text.parse().map_err(BoundsError::from)
}
