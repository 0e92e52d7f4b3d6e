//! What the machine does at most: dot products of registers, without a load or a store.

use std::hint::black_box;

use super::{ByteLanes, FmaLanes, Isa, IsaError, IsaKernel, Lanes, Simd, Vectorized};

/// Computes products of bytes in independent sums, `rounds` times as many as fit the registers, and says how many they were:
/// each step is the instruction that sums four products, or else the two multiplications and two additions that do.
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

/// Sums that fit 32 registers, beside operands.
const SUMS: usize = 24;
/// Those that fit 16, beside products too.
const FEW: usize = 10;

struct Peak {
    rounds: usize,
}

impl IsaKernel for Peak {
    type Output = u64;

    fn run<S: Simd>(self, simd: S) -> u64 {
        let lanes = simd.int32();
        let vectors = self.rounds * 4 * <S::Int32 as Lanes>::N;
        let sums = if const { <S::Int32 as ByteLanes>::DOTS_BYTES } {
            lanes.vectorize(Loop::<_, SUMS> { lanes, rounds: self.rounds });
            SUMS
        } else {
            lanes.vectorize(Loop::<_, FEW> { lanes, rounds: self.rounds });
            FEW
        };
        (vectors * sums) as u64
    }
}

struct Loop<L, const S: usize> {
    lanes: L,
    rounds: usize,
}

impl<L: ByteLanes, const S: usize> Vectorized for Loop<L, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, rounds } = self;
        let (a, b) = (lanes.splat(black_box(0x0102_0304)), lanes.splat(black_box(0x0506_0708)));
        let mut sums = [lanes.splat(black_box(0)); S];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = if const { L::DOTS_BYTES } {
                    lanes.dot_bytes(*sum, a, b)
                } else {
                    // Of a sum: products of constants would be computed once.
                    let half = lanes.dot(*sum, *sum, a);
                    lanes.dot(half, half, b)
                };
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
