//! The end of an encoder: from a rounded magnitude to a code.

use super::{INFINITY, MAGNITUDE};

/// A number for each sign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BySign {
    positive: u32,
    /// Positive xor negative.
    change: u32,
}

impl BySign {
    pub(crate) fn new(positive: u32, negative: u32) -> Self {
        Self { positive, change: positive ^ negative }
    }

    /// The one for a mask of the sign: all ones if negative.
    #[inline(always)]
    pub(crate) fn of(self, negative: u32) -> u32 {
        self.positive ^ (negative & self.change)
    }
}

/// All ones where the sign bit of an `f32` is set.
#[inline(always)]
pub(crate) fn negative(bits: u32) -> u32 {
    ((bits as i32) >> 31) as u32
}

/// From a rounded magnitude to a code.
pub(crate) trait End: Copy + Send + Sync {
    /// The code of a rounded magnitude of the value with these bits.
    fn finish(self, bits: u32, magnitude: u32) -> u32;
}

/// The end of an encoder whose special codes are alike for both signs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symmetric {
    /// Magnitudes beyond the largest become this: the largest, or the one above it.
    pub(crate) over: u32,
    /// The code of a positive NaN; that of a negative one has the sign bit inverted.
    pub(crate) nan: u32,
    /// The sign bit.
    pub(crate) sign_mask: u32,
    /// Brings the sign of an `f32` there.
    pub(crate) sign_shift: u32,
}

impl End for Symmetric {
    #[inline(always)]
    fn finish(self, bits: u32, magnitude: u32) -> u32 {
        let magnitude = magnitude.min(self.over);
        let code = if bits & MAGNITUDE > INFINITY { self.nan } else { magnitude };
        code ^ (bits >> self.sign_shift & self.sign_mask)
    }
}

/// The end of an encoder with one zero and one NaN, such as those of FNUZ formats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OneZero {
    /// Magnitudes beyond the largest become this: the largest, or the sign bit alone, which either sign leaves as it is.
    pub(crate) over: u32,
    /// The code of NaN.
    pub(crate) nan: u32,
    /// The sign bit.
    pub(crate) sign_mask: u32,
    /// Brings the sign of an `f32` there.
    pub(crate) sign_shift: u32,
}

impl End for OneZero {
    #[inline(always)]
    fn finish(self, bits: u32, magnitude: u32) -> u32 {
        let magnitude = magnitude.min(self.over);
        let sign = if magnitude == 0 { 0 } else { bits >> self.sign_shift & self.sign_mask };
        if bits & MAGNITUDE > INFINITY { self.nan } else { magnitude | sign }
    }
}

/// The end of any other encoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    /// Rounded magnitudes above overflow.
    pub(crate) most: BySign,
    /// The codes of overflow, infinity, NaN and zero.
    pub(crate) over: BySign,
    pub(crate) infinity: BySign,
    pub(crate) nan: BySign,
    pub(crate) zero: BySign,
    /// The sign bit.
    pub(crate) sign_mask: u32,
    /// Brings the sign of an `f32` there.
    pub(crate) sign_shift: u32,
}

impl End for Ends {
    #[inline(always)]
    fn finish(self, bits: u32, magnitude: u32) -> u32 {
        let (a, negative) = (bits & MAGNITUDE, negative(bits));
        let mut code = magnitude | (bits >> self.sign_shift & self.sign_mask);
        code = if magnitude > self.most.of(negative) { self.over.of(negative) } else { code };
        code = if magnitude == 0 { self.zero.of(negative) } else { code };
        code = if a == INFINITY { self.infinity.of(negative) } else { code };
        if a > INFINITY { self.nan.of(negative) } else { code }
    }
}
