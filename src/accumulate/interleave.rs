//! Registers that take turns: the partial sums of a pipelined adder.
//!
//! An adder that takes `L` cycles and starts a sum in each of them keeps `L` sums apart: what enters in cycle `t` meets
//! what entered in cycle `t - L`. A stage `register%L` is that adder:
//!
//! ```text
//! step t of a tile        register t mod L takes the step's inputs       one check or rounding each
//! at the end of a tile    for j in 1..L:  register 0 takes register j    one check or rounding each: the fold
//! ```
//!
//! A step is counted in steps, not in products: with `*width` it has `width` inputs. The fold adds all `L` registers, those
//! too that a short tile never reached, so that it always has `L - 1` steps. They are steps of the stage like others: events,
//! extremes, counts and the required width (of the exact trajectory) include them; the first product of such a step is the
//! first one of the tile, the last one the tile's last. Afterwards register 0 is handed on, and all `L` restart at zero, the
//! next tile with register 0. The last stage's tile is the whole output; its register 0 starts from the starting value.
//! Where no step was made there is nothing to fold.
//!
//! Stochastic rounding in a fold step of register `j` counts addends from `j * 2^20`.

use super::AccumulatorError;

/// Most registers that take turns in one stage.
pub const MAX_INTERLEAVE: u32 = 1024;

/// What a step of a stage takes, and which of its registers takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Turn {
    /// Inputs enter this register; 0 where the stage has one.
    Inputs(u32),
    /// Register 0 takes the value of this register.
    Fold(u32),
}

pub(super) fn check(interleave: u32) -> Result<(), AccumulatorError> {
    if interleave > MAX_INTERLEAVE {
        return Err(AccumulatorError::Interleave(interleave.into()));
    }
    Ok(())
}
