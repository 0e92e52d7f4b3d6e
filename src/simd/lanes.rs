//! What all lanes have in common, and what stands for the instruction set behind them.

use std::marker::PhantomData;

use bytemuck::Pod;

/// A body that is compiled with the instructions of a set: plain loops over slices, which then become its vectors.
///
/// All that is called in it should be `#[inline(always)]`: what is not inlined is compiled without them.
pub trait Vectorized {
    /// What it gives.
    type Output;

    /// Runs it; implementations are `#[inline(always)]`, so that [`vectorize`](crate::vectorize) compiles them.
    fn call(self) -> Self::Output;
}

/// Proof that the CPU has an instruction set: made by its detection alone.
pub(crate) trait Token: Copy + Send + Sync {
    /// What tiles its kernels work on.
    const TUNING: Tuning;

    /// Runs `body` compiled with the instructions of the set.
    fn vectorize<B: Vectorized>(self, body: B) -> B::Output;
}

/// Vector registers of a set: they bound the tile of sums that a micro-kernel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registers {
    /// Sixteen that hold half a vector each.
    Eight,
    Sixteen,
    ThirtyTwo,
}

impl Registers {
    /// Whether there are 32. In an `if const`, only the branch that is taken is compiled.
    pub(crate) const fn are_many(self) -> bool {
        matches!(self, Self::ThirtyTwo)
    }

    /// Whether there are but eight; see [`Self::are_many`].
    pub(crate) const fn are_few(self) -> bool {
        matches!(self, Self::Eight)
    }
}

/// The sizes of tiles of an instruction set, which packing has to know before a kernel runs, and the limits that were
/// measured in `benches/products.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tuning {
    /// Vector registers.
    pub(crate) registers: Registers,
    /// Bytes of a vector.
    pub(crate) vector: usize,
    /// The least K from which on products of binary codes are counted as bits and not multiplied as bytes: below, making
    /// the bits takes as long.
    pub(crate) binary_from: usize,
    /// The same where both operands have zeros, so that twice as much is counted.
    pub(crate) ternary_from: usize,
}

impl Tuning {
    /// NR, in vectors, of a tile of four rows: with its operands it fills the registers.
    pub(crate) const fn vectors(self) -> usize {
        match self.registers {
            Registers::Eight | Registers::Sixteen => 2,
            Registers::ThirtyTwo => 4,
        }
    }

    /// NR, in bytes, of the same tile.
    pub(crate) const fn panel(self) -> usize {
        self.vectors() * self.vector
    }
}

/// How a set holds values of one type in its vectors.
///
/// # Safety
/// `V` is nothing but `E`s: all of its bytes belong to them, and any values of them are a `V`.
pub(crate) unsafe trait Vector<E: Pod>: Token {
    /// The vector.
    type V: Copy + Send + Sync;

    /// `x` in every lane.
    fn splat(self, x: E) -> Self::V;
}

/// Vectors of one instruction set whose lanes hold one type: what all families of lanes can do.
pub(crate) trait Lanes: Copy + Send + Sync {
    /// The instruction set.
    type Token: Token;
    /// What a lane holds.
    type Element: Pod + Send + Sync;
    /// The vector: [`Self::N`] elements.
    type V: Copy + Send + Sync;

    /// Lanes in a vector.
    const N: usize = size_of::<Self::V>() / size_of::<Self::Element>();

    /// Vector registers of the set.
    const REGISTERS: Registers = Self::Token::TUNING.registers;

    /// The lanes of the set that `token` stands for.
    fn new(token: Self::Token) -> Self;

    /// What stands for the set.
    fn token(self) -> Self::Token;

    /// `x` in every lane.
    fn splat(self, x: Self::Element) -> Self::V;

    /// Runs `body` compiled with the instructions of the set.
    #[inline(always)]
    fn vectorize<B: Vectorized>(self, body: B) -> B::Output {
        self.token().vectorize(body)
    }

    /// The first `N` elements of `from`, which has at least as many.
    fn load(self, from: &[Self::Element]) -> Self::V;

    /// Writes the lanes to the first `N` elements of `to`, which has at least as many.
    fn store(self, v: Self::V, to: &mut [Self::Element]);
}

/// Lanes of `E`s in the vectors of the set that `T` stands for.
#[derive(Clone, Copy)]
pub(crate) struct LanesOf<T, E> {
    pub(super) token: T,
    element: PhantomData<E>,
}

impl<T: Vector<E>, E: Pod + Send + Sync> Lanes for LanesOf<T, E> {
    type Token = T;
    type Element = E;
    type V = T::V;

    #[inline(always)]
    fn new(token: T) -> Self {
        Self { token, element: PhantomData }
    }

    #[inline(always)]
    fn token(self) -> T {
        self.token
    }

    #[inline(always)]
    fn splat(self, x: E) -> T::V {
        self.token.splat(x)
    }

    #[inline(always)]
    fn load(self, from: &[E]) -> T::V {
        let from = &from[..Self::N];
        // SAFETY: `from` has as many elements as a vector, and any values of them are one.
        unsafe { from.as_ptr().cast::<T::V>().read_unaligned() }
    }

    #[inline(always)]
    fn store(self, v: T::V, to: &mut [E]) {
        let to = &mut to[..Self::N];
        // SAFETY: `to` has as many elements as a vector, which is nothing but elements.
        unsafe { to.as_mut_ptr().cast::<T::V>().write_unaligned(v) }
    }
}
