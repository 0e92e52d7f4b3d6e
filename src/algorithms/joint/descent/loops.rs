//! The loops over all columns of a row, compiled for the instruction set that there is; element by element, so that every set
//! gives the same bits.

use crate::simd::Vectorized;

/// Numbers that are compared side by side.
const LANES: usize = 16;
/// The gain of what cannot be.
pub(super) const NEVER: f32 = f32::NEG_INFINITY;

/// `to <- to - by h`.
pub(super) struct Subtract<'a> {
    pub(super) to: &'a mut [f32],
    pub(super) by: f32,
    pub(super) h: &'a [f32],
}

impl Vectorized for Subtract<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (to, h) in self.to.iter_mut().zip(self.h) {
            *to -= self.by * h;
        }
    }
}

/// `to <- from - by h`.
pub(super) struct Difference<'a> {
    pub(super) to: &'a mut [f32],
    pub(super) from: &'a [f32],
    pub(super) by: f32,
    pub(super) h: &'a [f32],
}

impl Vectorized for Difference<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for ((to, from), h) in self.to.iter_mut().zip(self.from).zip(self.h) {
            *to = from - self.by * h;
        }
    }
}

/// What is added to a gain: 0, or [`NEVER`] where the move is closed.
#[derive(Clone, Copy, Default)]
pub(super) struct Penalties {
    pub(super) raise_positive: f32,
    pub(super) raise_negative: f32,
    pub(super) lower_positive: f32,
    pub(super) lower_negative: f32,
}

/// The greater gain of both directions, and the step there.
pub(super) struct Gains<'a> {
    pub(super) gains: &'a mut [f32],
    pub(super) chosen: &'a mut [f32],
    pub(super) up: &'a [f32],
    pub(super) down: &'a [f32],
    pub(super) sign: &'a [f32],
    pub(super) gradient: &'a [f32],
    pub(super) diagonal: &'a [f32],
    pub(super) penalties: Penalties,
}

impl Vectorized for Gains<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let penalties = self.penalties;
        let steps = self.up.iter().zip(self.down);
        let slopes = self.gradient.iter().zip(self.diagonal);
        let found = self.gains.iter_mut().zip(self.chosen);
        for (((gain, chosen), sign), ((up, down), (g, h))) in
            found.zip(self.sign).zip(steps.zip(slopes))
        {
            let (rise, fall) = (penalties.raise_positive, penalties.lower_negative);
            let rise = if *sign < 0.0 { penalties.raise_negative } else { rise };
            let fall = if *sign > 0.0 { penalties.lower_positive } else { fall };
            let raised = up * (2.0 * g - up * h) + rise;
            let lowered = down * (2.0 * g - down * h) + fall;
            let raised = if *up == 0.0 { NEVER } else { raised };
            let lowered = if *down == 0.0 { NEVER } else { lowered };
            *gain = if raised > lowered { raised } else { lowered };
            *chosen = if raised > lowered { *up } else { *down };
        }
    }
}

/// The greatest gain and its column, of several the first; `None` where there is none.
pub(super) struct Greatest<'a>(pub(super) &'a [f32]);

impl Vectorized for Greatest<'_> {
    type Output = Option<(usize, f32)>;

    #[inline(always)]
    fn call(self) -> Option<(usize, f32)> {
        let mut most = [NEVER; LANES];
        let (blocks, rest) = self.0.as_chunks::<LANES>();
        for block in blocks {
            for (most, gain) in most.iter_mut().zip(block) {
                *most = if *gain > *most { *gain } else { *most };
            }
        }
        let mut greatest = NEVER;
        for gain in most.iter().chain(rest) {
            greatest = if *gain > greatest { *gain } else { greatest };
        }
        if greatest == NEVER {
            return None;
        }
        for (index, block) in blocks.iter().enumerate() {
            let mut hit = false;
            for gain in block {
                hit |= *gain == greatest;
            }
            if hit {
                let at = block.iter().position(|gain| *gain == greatest)?;
                return Some((index * LANES + at, greatest));
            }
        }
        let at = rest.iter().position(|gain| *gain == greatest)?;
        Some((blocks.len() * LANES + at, greatest))
    }
}
