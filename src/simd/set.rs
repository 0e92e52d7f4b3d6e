//! What every instruction set offers a kernel.

use super::{AlignLanes, BitLanes, ByteLanes, FloatLanes, IntLanes, Lanes, StepLanes, Token};

/// An instruction set: its types of lanes.
pub(crate) trait Simd: Token {
    /// Lanes of 32 bits; an operand word is a pair of 16-bit integers, the earlier one in the low half, or four bytes.
    type Int32: ByteLanes<Token = Self>;
    /// Lanes of 64 bits; an operand word is one integer of at most 32 bits, sign extended.
    type Int64: IntLanes<Token = Self, Element = i64>;
    /// Lanes of 64 bits that are counted.
    type Bits: BitLanes<Token = Self>;
    /// The same by an instruction that not every CPU of the set has; [`Self::Bits`] where there is none.
    type Popcnt: BitLanes;
    /// Lanes of `f32` that multiply and add with one rounding.
    type Fma: StepLanes<Token = Self>;
    /// Lanes of `f32`.
    type F32: AlignLanes<Token = Self>;
    /// Lanes of `f64`.
    type F64: FloatLanes<Token = Self, Element = f64>;

    /// [`Self::Popcnt`], where this CPU has the instruction.
    #[inline(always)]
    fn popcnt(self) -> Option<Self::Popcnt> {
        None
    }

    /// [`Self::Int32`]
    #[inline(always)]
    fn int32(self) -> Self::Int32 {
        Self::Int32::new(self)
    }

    /// [`Self::Int64`]
    #[inline(always)]
    fn int64(self) -> Self::Int64 {
        Self::Int64::new(self)
    }

    /// [`Self::Bits`]
    #[inline(always)]
    fn bits(self) -> Self::Bits {
        Self::Bits::new(self)
    }

    /// [`Self::Fma`]
    #[inline(always)]
    fn fma(self) -> Self::Fma {
        Self::Fma::new(self)
    }

    /// [`Self::F32`]
    #[inline(always)]
    fn f32(self) -> Self::F32 {
        Self::F32::new(self)
    }

    /// [`Self::F64`]
    #[inline(always)]
    fn f64(self) -> Self::F64 {
        Self::F64::new(self)
    }
}

/// Work that is instantiated once per instruction set.
pub(crate) trait IsaKernel {
    /// What it gives.
    type Output;

    /// Does it with the vectors of `simd`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}
