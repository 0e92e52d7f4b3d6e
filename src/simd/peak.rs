//! What the machine does at most: dot products of registers, without a load or a store.

use std::hint::black_box;

use super::{ByteLanes, FmaLanes, Isa, IsaError, IsaKernel, Lanes, Simd, Vectorized};

/// Computes products of bytes in independent sums, `rounds` times 24 vectors of them, and says how many they were.
///
/// Benches divide it by its time to get the limit of a kernel that sums products of bytes.
///
/// # Errors
/// Where this CPU lacks `isa`.
#[doc(hidden)]
pub fn byte_products(isa: Isa, rounds: usize) -> Result<u64, IsaError> {
    Ok(isa.detect()?.run(Peak { rounds }))
}

/// The same of products of `f32`, each multiplied and added with one rounding.
///
/// # Errors
/// Where this CPU lacks `isa`.
#[doc(hidden)]
pub fn float_products(isa: Isa, rounds: usize) -> Result<u64, IsaError> {
    Ok(isa.detect()?.run_without_vnni(FloatPeak { rounds }))
}

const SUMS: usize = 24;

struct Peak {
    rounds: usize,
}

impl IsaKernel for Peak {
    type Output = u64;

    fn run<S: Simd>(self, simd: S) -> u64 {
        let lanes = simd.int32();
        lanes.vectorize(Loop { lanes, rounds: self.rounds });
        (self.rounds * SUMS * 4 * <S::Int32 as Lanes>::N) as u64
    }
}

struct Loop<L> {
    lanes: L,
    rounds: usize,
}

impl<L: ByteLanes> Vectorized for Loop<L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, rounds } = self;
        let (a, b) = (lanes.splat(black_box(0x0102_0304)), lanes.splat(black_box(0x0506_0708)));
        let mut sums = [lanes.splat(black_box(0)); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = lanes.dot_bytes(*sum, a, b);
            }
        }
        let mut out = vec![0; L::N];
        for sum in sums {
            lanes.store(sum, &mut out);
            black_box(&out);
        }
    }
}

struct FloatPeak {
    rounds: usize,
}

impl IsaKernel for FloatPeak {
    type Output = u64;

    fn run<S: Simd>(self, simd: S) -> u64 {
        let lanes = simd.fma();
        lanes.vectorize(FloatLoop { lanes, rounds: self.rounds });
        (self.rounds * SUMS * <S::Fma as Lanes>::N) as u64
    }
}

struct FloatLoop<L> {
    lanes: L,
    rounds: usize,
}

impl<L: FmaLanes> Vectorized for FloatLoop<L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, rounds } = self;
        let (a, b) = (lanes.splat(black_box(0.5)), lanes.splat(black_box(0.25)));
        let mut sums = [lanes.splat(0.0); SUMS];
        for sum in &mut sums {
            *sum = lanes.splat(black_box(1.0));
        }
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = lanes.fma_even(a, b, *sum);
            }
        }
        let mut out = [0.0; 16];
        for sum in sums {
            lanes.store(sum, &mut out);
            black_box(&out);
        }
    }
}
