//! AMX: products of bytes in tiles of 16 by 16 sums.
//!
//! ```text
//! tile of A: 16 outputs, 64 bytes of k each
//! tile of B: 16 words of k, 16 outputs each, four bytes a word
//! sums:      16 by 16
//! ```
//! The compiler knows nothing of these registers. So whatever depends on their contents is one block of assembly, and
//! their shape is set up by a guard that must be there for it.

use std::arch::asm;
use std::marker::PhantomData;
use std::sync::LazyLock;

use super::avx512::Avx512;

/// Outputs of a block of A, and of a panel of B: two tiles each.
pub(crate) const OUTPUTS: usize = 32;
/// Products along k that one tile takes.
pub(crate) const DEPTH: usize = 64;
/// Bytes of both tiles that one step along k takes of an operand.
pub(crate) const STEP: usize = OUTPUTS * DEPTH;

/// This CPU has AVX-512 with VNNI and AMX for bytes, and the system lets this process use it: made by
/// [`Amx::detect`] alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amx(Avx512);

/// What the bytes of A and of B are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signs {
    /// Both 0 to 255.
    UnsignedUnsigned,
    /// A 0 to 255, B -128 to 127.
    UnsignedSigned,
    /// A -128 to 127, B 0 to 255.
    SignedUnsigned,
    /// Both -128 to 127.
    SignedSigned,
}

impl Amx {
    /// The token, where the CPU has the instructions and the system allows them.
    pub(super) fn detect() -> Option<Self> {
        static ALLOWED: LazyLock<bool> = LazyLock::new(|| has_amx() && request_tiles());
        Avx512::detect().filter(|_| *ALLOWED).map(Self)
    }

    /// The set that it adds tiles to.
    pub(crate) fn avx512(self) -> Avx512 {
        self.0
    }
}

/// Whether the CPU has tiles and their products of bytes.
fn has_amx() -> bool {
    use std::arch::x86_64::__cpuid_count;
    const AMX_TILE: u32 = 1 << 24;
    const AMX_INT8: u32 = 1 << 25;
    let wanted = AMX_TILE | AMX_INT8;
    let cpuid = |leaf| {
        #[allow(
            unused_unsafe,
            reason = "newer compilers know that it is safe, the oldest supported one does not"
        )]
        // SAFETY: every x86-64 has the instruction, and it touches no memory.
        unsafe {
            __cpuid_count(leaf, 0)
        }
    };
    cpuid(0).eax >= 7 && cpuid(7).edx & wanted == wanted
}

/// Whether the system lets this process use them; where it is not known how to ask, it does not.
fn request_tiles() -> bool {
    #[cfg(target_os = "linux")]
    return super::linux::request_tiles();
    #[cfg(not(target_os = "linux"))]
    return false;
}

/// What `ldtilecfg` reads: palette 1, bytes per row and rows of each of eight tiles.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}
const _: () = assert!(size_of::<Shapes>() == 64);

/// Eight tiles of 16 rows of 64 bytes, on this thread, while this lives.
pub(crate) struct Tiles {
    before: Shapes,
    /// Registers belong to a thread.
    thread: PhantomData<*const ()>,
}

impl Tiles {
    pub(crate) fn new(_: Amx) -> Self {
        let first = |n: usize| n < 8;
        let shapes = Shapes {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: std::array::from_fn(|tile| if first(tile) { 64 } else { 0 }),
            rows: std::array::from_fn(|tile| if first(tile) { 16 } else { 0 }),
        };
        let mut before = shapes;
        // SAFETY: the token proves AMX; 64 bytes are written to `before`, and 64 read of `shapes`, which palette 1 allows.
        unsafe {
            asm!(
                "sttilecfg [{before}]",
                "ldtilecfg [{shapes}]",
                before = in(reg) &raw mut before,
                shapes = in(reg) &raw const shapes,
                options(nostack, preserves_flags),
            );
        }
        Self { before, thread: PhantomData }
    }

    /// Writes `Σ a b` of 32 by 32 outputs over all steps of [`DEPTH`] products.
    ///
    /// Per step, `a` has 32 outputs of 64 bytes, and `b` two tiles of 16 words of 16 outputs. `sums` has at least 32
    /// rows of 32; sums are modulo 2^32.
    pub(crate) fn sum(&self, a: &[u8], b: &[u8], signs: Signs, sums: &mut [i32]) {
        let steps = (a.len() / STEP).min(b.len() / STEP);
        let sums = &mut sums[..OUTPUTS * OUTPUTS];
        if steps == 0 {
            sums.fill(0);
            return;
        }
        macro_rules! sum {
            ($product:literal) => {
                // SAFETY: `self` proves AMX and the tiles' shapes on this thread. Each step reads 2048 bytes of `a` and of
                // `b`, which have as many for each; 32 rows of 128 bytes are written to `sums`, which has them.
                unsafe {
                    asm!(
                        "tilezero tmm0",
                        "tilezero tmm1",
                        "tilezero tmm2",
                        "tilezero tmm3",
                        "2:",
                        "tileloadd tmm4, [{a} + {row}]",
                        "tileloadd tmm6, [{b} + {row}]",
                        concat!($product, " tmm0, tmm4, tmm6"),
                        "tileloadd tmm5, [{a} + {row} + 1024]",
                        concat!($product, " tmm2, tmm5, tmm6"),
                        "tileloadd tmm7, [{b} + {row} + 1024]",
                        concat!($product, " tmm1, tmm4, tmm7"),
                        concat!($product, " tmm3, tmm5, tmm7"),
                        "add {a}, 2048",
                        "add {b}, 2048",
                        "dec {steps}",
                        "jnz 2b",
                        "tilestored [{sums} + {line}], tmm0",
                        "tilestored [{sums} + {line} + 64], tmm1",
                        "tilestored [{sums} + {line} + 2048], tmm2",
                        "tilestored [{sums} + {line} + 2112], tmm3",
                        a = inout(reg) a.as_ptr() => _,
                        b = inout(reg) b.as_ptr() => _,
                        steps = inout(reg) steps => _,
                        sums = in(reg) sums.as_mut_ptr(),
                        row = in(reg) 64usize,
                        line = in(reg) size_of::<[i32; OUTPUTS]>(),
                        options(nostack),
                    );
                }
            };
        }
        match signs {
            Signs::UnsignedUnsigned => sum!("tdpbuud"),
            Signs::UnsignedSigned => sum!("tdpbusd"),
            Signs::SignedUnsigned => sum!("tdpbsud"),
            Signs::SignedSigned => sum!("tdpbssd"),
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: `self` proves AMX; what was in force before is 64 bytes that `sttilecfg` wrote.
        unsafe {
            asm!(
                "ldtilecfg [{before}]",
                before = in(reg) &raw const self.before,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_bytes_at_every_place() {
        let Some(amx) = Amx::detect() else { return };
        let tiles = Tiles::new(amx);
        let mut random = 1u64;
        let mut next = || {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            match random >> 61 {
                0 => 0x80,
                1 => 0xff,
                2 => 0x7f,
                _ => (random >> 40) as u8,
            }
        };
        let value = |byte: u8, signed: bool| match signed {
            true => i32::from(byte.cast_signed()),
            false => i32::from(byte),
        };
        for steps in [0, 1, 2, 7] {
            let a: Vec<u8> = (0..steps * STEP).map(|_| next()).collect();
            let b: Vec<u8> = (0..steps * STEP).map(|_| next()).collect();
            for (signs, [left, right]) in [
                (Signs::UnsignedUnsigned, [false, false]),
                (Signs::UnsignedSigned, [false, true]),
                (Signs::SignedUnsigned, [true, false]),
                (Signs::SignedSigned, [true, true]),
            ] {
                let mut sums = vec![7; OUTPUTS * OUTPUTS];
                tiles.sum(&a, &b, signs, &mut sums);
                for (at, &sum) in sums.iter().enumerate() {
                    let (row, col) = (at / OUTPUTS, at % OUTPUTS);
                    let product = |k: usize| {
                        let (step, k) = (k / DEPTH, k % DEPTH);
                        let a = a[step * STEP + row * DEPTH + k];
                        let b = &b[step * STEP + col / 16 * 1024..][..1024];
                        value(a, left) * value(b[k / 4 * 64 + col % 16 * 4 + k % 4], right)
                    };
                    let expected: i32 = (0..steps * DEPTH).map(product).sum();
                    assert_eq!(sum, expected, "{signs:?}, {steps} steps, output {row}, {col}");
                }
            }
        }
    }

    #[test]
    fn guards_nest() {
        let Some(amx) = Amx::detect() else { return };
        let outer = Tiles::new(amx);
        drop(Tiles::new(amx));
        let mut sums = vec![7; OUTPUTS * OUTPUTS];
        outer.sum(&[1; STEP], &[2; STEP], Signs::SignedSigned, &mut sums);
        assert!(sums.iter().all(|&sum| sum == 128));
    }
}
