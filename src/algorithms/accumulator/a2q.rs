//! A2Q and A2Q+ as projections of given weights (Colbert et al., arXiv 2308.13504 and 2401.10432).

use ndarray::{Array2, ArrayView2};

use super::l1_budget;
use super::minimal::register;
use super::weight_norm::project;
use crate::accumulate::bounds::{BoundsError, InputRange, Inputs, Layer};
use crate::algorithms::constraint::Limits;
use crate::algorithms::error::check_finite;
use crate::algorithms::grid::{Chosen, Grid};
use crate::algorithms::{AlgorithmError, Solution};
use crate::quantize::Centring;
use crate::quantize::a2q::{centre, hair};

/// Parameters of [`a2q`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct A2qParams {
    /// P of the accumulator.
    pub bits: u32,
    /// The inputs; it must hold 0.
    pub input: InputRange,
    /// Columns summed in the P bits; `None` for all.
    pub tile: Option<usize>,
    /// A2Q or A2Q+.
    pub centring: Centring,
}

/// Weights that no input overflows: per row and tile
///
/// ```text
/// v = w / step                A2Q+: v <- v - mean(v)
/// v <- projection of v onto the L1 ball of radius T
/// A2Q+: v <- v - mean(v), scaled back to norm T where it has grown: positive and negative parts weigh T / 2 each
/// q = clip(trunc(v))
/// T = (2^(P-1) - 1) / max|x|  (A2Q)      T = (2^P - 2) / (hi - lo)  (A2Q+)
/// ```
///
/// The projection is the papers' EP-init: what is left to learn there is lost here. Rounding is toward zero, which cannot
/// raise the norm; rounding to nearest would break the guarantee.
///
/// The guarantee does not rest on floating-point sums: the integers are checked against their exact worst case
/// ([`accumulate::bounds`](crate::accumulate::bounds)) before they are returned.
///
/// # Errors
/// A grid without integers, or with a zero point; P below 2 or above 64; an input range without 0; weights of another shape.
///
/// ```
/// use fewbit::accumulate::bounds::InputRange;
/// use fewbit::algorithms::{A2qParams, Grid, a2q};
/// use fewbit::quantize::Centring;
/// use fewbit_formats::Format;
/// use ndarray::array;
/// let grid = Grid::new(Format::INT4N, 3, array![[1.0]], None, 3)?;
/// // 7 bits hold 63 = 4 * 15 + 3: the norm may be 4.2, and 5 - 0.9 + 1 - 0.9 is.
/// let params =
///     A2qParams { bits: 7, input: InputRange::unsigned(4), tile: None, centring: Centring::None };
/// let q = a2q(array![[5.0, -1.0, 0.0]].view(), &grid, &params)?;
/// assert_eq!(q.values, array![[4.0, 0.0, 0.0]]);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
pub fn a2q(
    weights: ArrayView2<'_, f32>,
    grid: &Grid,
    params: &A2qParams,
) -> Result<Solution, AlgorithmError> {
    let fail = |reason: &str| Err(AlgorithmError::Constraint(reason.into()));
    let radius = l1_budget(params.bits, params.input, params.centring)?;
    if !grid.has_levels() {
        return fail("A2Q needs weights that are integers");
    }
    AlgorithmError::check_shape("the weight matrix", weights.dim(), grid.dim())?;
    check_finite("the weight matrix", weights, 0)?;
    let cols = weights.ncols();
    let tile = params.tile.unwrap_or(cols).clamp(1, cols.max(1));
    let mut rounded = Solution::zeros(weights.dim());
    let mut levels = Array2::zeros(weights.dim());
    for (row, w) in weights.rows().into_iter().enumerate() {
        for start in (0..cols).step_by(tile) {
            let columns = start..(start + tile).min(cols);
            let mut v: Vec<f64> =
                columns.clone().map(|col| f64::from(w[col]) / grid.step(row, col)).collect();
            project(&mut v, radius, params.centring);
            if params.centring == Centring::Mean {
                centre(&mut v);
            }
            // A hair inside, so that no rounding error of these sums can matter.
            let norm = v.iter().map(|v| v.abs()).sum::<f64>() * hair(v.len());
            if norm > radius {
                v.iter_mut().for_each(|v| *v *= radius / norm);
            }
            for (col, v) in columns.zip(v) {
                let (code, value, level) = truncated(grid, row, col, v)?;
                rounded.codes[[row, col]] = code;
                rounded.values[[row, col]] = value;
                levels[[row, col]] = level;
            }
        }
    }
    match is_guaranteed(levels.view(), params) {
        Ok(true) => Ok(rounded),
        Ok(false) => fail("the projected weights exceed their budget: please report these weights"),
        Err(error) => fail(&error.to_string()),
    }
}

/// Whether no input of the range makes the register overflow.
fn is_guaranteed(levels: ArrayView2<'_, i64>, params: &A2qParams) -> Result<bool, BoundsError> {
    let acc = register(params.bits, params.tile.map(|tile| tile.max(1)))?;
    let bounds = Layer::new(levels, Inputs::Same(params.input))?.bounds(&acc)?;
    Ok(bounds.guarantees(&acc)?.all())
}

/// Code, value and level of `trunc(v)`, or of the level next to it toward zero.
fn truncated(
    grid: &Grid,
    row: usize,
    col: usize,
    v: f64,
) -> Result<(u32, f32, i64), AlgorithmError> {
    if grid.value(row, col, 0) != 0.0 {
        return Err(AlgorithmError::Constraint("A2Q needs a grid without zero points".into()));
    }
    let level = v.trunc() as i64;
    let (mut code, mut value, mut chosen) = ([0], [0.0], [0i64]);
    let limits = Limits { low: &[level.min(0)], high: &[level.max(0)] };
    let y = [grid.value(row, col, level)];
    grid.round_within(
        row,
        col,
        &y,
        limits,
        Chosen { codes: &mut code, values: &mut value, levels: &mut chosen },
    );
    Ok((code[0], value[0] as f32, chosen[0]))
}
