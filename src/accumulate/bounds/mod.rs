//! What an accumulator needs for given weights, whatever the inputs are.
//!
//! A row of weights `w[0..K]` meets inputs `x[k]` that may take every value of `[low_k, high_k]`. Its products are
//! independent of each other, `w[k] x[k]` lies in `[d[k], u[k]]` with both ends reached, so every value that a
//! register takes on the exact trajectory has the sharp range
//!
//! ```text
//! [ sum d[k], sum u[k] ]    over the products that the register has summed at that step
//! ```
//!
//! Of registers that take turns each has some of the products of a tile, and the fold more and more of them; the sums are
//! over these. The extremes of a stage are those of these sums over all its tiles and all steps of a tile. Where `0` lies in every
//! input range, `d <= 0 <= u` and the longest sums are the extreme ones: `u` collects the positive weights times `high`
//! and the negative ones times `low`. Where it does not, a prefix can reach further than the total.
//!
//! If the extremes of all stages fit their registers, no input causes an event: up to the first event the real
//! trajectory is the exact one, so there is no first event. Conversely a stage that does not fit, with all stages
//! inside it fitting, overflows for the *witness*: the inputs that take `u[k]` (or `d[k]`) everywhere.

mod error;
mod layer;
mod norm;
mod range;
mod result;
mod side;
mod steps;

pub use error::BoundsError;
pub use layer::{Layer, RowBias};
pub use norm::{a2q_bits, a2q_plus_bits, data_type_bits};
pub use range::{DataType, InputRange, Inputs, Sign};
pub use result::{Bounds, Guarantee, RowBounds, StageBounds};
pub use side::Side;
