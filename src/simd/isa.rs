//! The instruction sets, their detection, and the one dispatch.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use thiserror::Error;

use super::portable::Portable;
use super::{ByteLanes, IsaKernel, Simd, Tuning, Vectorized};
#[cfg(target_arch = "x86_64")]
use super::{amx::Amx, avx2::Avx2, avx512::Avx512, avx512bw::Avx512Bw};

/// An instruction set that the kernels are compiled for; every one gives the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// What every CPU of the target has.
    Portable,
    /// x86-64 with AVX2, FMA and F16C.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL.
    Avx512Bw,
    /// The same with VNNI.
    Avx512,
    /// The same with AMX for bytes, which sums exact products of bytes in tiles; all else runs as [`Self::Avx512`]. Linux
    /// alone lets a process ask for it.
    Amx,
}

/// Why an instruction set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IsaError {
    /// A name that no instruction set has.
    #[error("`{0}` is not an instruction set: expected {expected}", expected = Isa::names())]
    Unknown(String),
    /// One that this CPU lacks.
    #[error("this CPU does not have {0}; it has {available}", available = list(Isa::available(), ", "))]
    Unavailable(Isa),
}

/// The names of `sets`, with `last` before the last one.
fn list(sets: impl Iterator<Item = Isa>, last: &str) -> String {
    let names: Vec<_> = sets.map(Isa::name).collect();
    match names.split_last() {
        Some((end, [])) => (*end).into(),
        Some((end, names)) => format!("{}{last}{end}", names.join(", ")),
        None => String::new(),
    }
}

impl Isa {
    /// Every instruction set, the narrowest first.
    pub const ALL: [Self; 5] =
        [Self::Portable, Self::Avx2, Self::Avx512Bw, Self::Avx512, Self::Amx];

    /// What it is called where it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512Bw => "avx512bw",
            Self::Avx512 => "avx512",
            Self::Amx => "amx",
        }
    }

    /// The names of [`Self::ALL`], as a sentence has them.
    pub fn names() -> String {
        list(Self::ALL.into_iter(), " or ")
    }

    /// Whether this CPU has it.
    pub fn is_available(self) -> bool {
        self.detect().is_ok()
    }

    /// Those that this CPU has, the narrowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// The widest one that this CPU has.
    pub fn best() -> Self {
        Detected::best().isa()
    }

    /// The instruction set to run kernels with.
    ///
    /// # Errors
    /// Where this CPU lacks it.
    pub(crate) fn detect(self) -> Result<Detected, IsaError> {
        let token = match self {
            Self::Portable => Some(Tokens::Portable(Portable)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::detect().map(Tokens::Avx2),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bw => Avx512Bw::detect().map(Tokens::Avx512Bw),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::detect().map(Tokens::Avx512),
            #[cfg(target_arch = "x86_64")]
            Self::Amx => Amx::detect().map(Tokens::Amx),
            #[cfg(not(target_arch = "x86_64"))]
            _ => None,
        };
        token.map(|token| Detected { isa: self, token }).ok_or(IsaError::Unavailable(self))
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(text: &str) -> Result<Self, IsaError> {
        let named = Self::ALL.into_iter().find(|isa| isa.name() == text);
        named.ok_or_else(|| IsaError::Unknown(text.into()))
    }
}

/// Runs a body compiled with the widest vectors that this CPU has.
///
/// Results are those of the same body called plainly: no operation is contracted or reordered.
///
/// ```
/// use fewbit::{Vectorized, vectorize};
/// struct Double<'a>(&'a mut [f32]);
/// impl Vectorized for Double<'_> {
///     type Output = ();
///     #[inline(always)]
///     fn call(self) {
///         self.0.iter_mut().for_each(|x| *x *= 2.0);
///     }
/// }
/// let mut x = [1.0, 2.5];
/// vectorize(Double(&mut x));
/// assert_eq!(x, [2.0, 5.0]);
/// ```
pub fn vectorize<B: Vectorized>(body: B) -> B::Output {
    Detected::best().vectorize(body)
}

/// An instruction set that this CPU has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detected {
    isa: Isa,
    token: Tokens,
}

/// What was detected.
#[derive(Clone, Copy, Debug)]
enum Tokens {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512Bw(Avx512Bw),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Amx(Amx),
}

impl Detected {
    /// The widest one, which is looked for once.
    pub(crate) fn best() -> Self {
        static BEST: OnceLock<Detected> = OnceLock::new();
        *BEST.get_or_init(|| {
            let narrowest = Self { isa: Isa::Portable, token: Tokens::Portable(Portable) };
            Isa::ALL.into_iter().rev().find_map(|isa| isa.detect().ok()).unwrap_or(narrowest)
        })
    }

    /// The one that is asked for, or else the widest one.
    ///
    /// # Errors
    /// Where this CPU lacks it.
    pub(crate) fn or_best(isa: Option<Isa>) -> Result<Self, IsaError> {
        isa.map_or_else(|| Ok(Self::best()), Isa::detect)
    }

    /// Its name.
    pub(crate) fn isa(self) -> Isa {
        self.isa
    }

    /// Runs `kernel` with its instructions.
    pub(crate) fn run<K: IsaKernel>(self, kernel: K) -> K::Output {
        match self.token {
            #[cfg(target_arch = "x86_64")]
            Tokens::Avx512(token) => kernel.run(token),
            // Beside its tiles, it is that.
            #[cfg(target_arch = "x86_64")]
            Tokens::Amx(token) => kernel.run(token.avx512()),
            _ => self.run_without_vnni(kernel),
        }
    }

    /// Runs `kernel`, which sums no products of integers, with its instructions: VNNI has nothing else, so that what is
    /// compiled without it serves both sets that have AVX-512.
    pub(crate) fn run_without_vnni<K: IsaKernel>(self, kernel: K) -> K::Output {
        match self.token {
            Tokens::Portable(token) => kernel.run(token),
            #[cfg(target_arch = "x86_64")]
            Tokens::Avx2(token) => kernel.run(token),
            #[cfg(target_arch = "x86_64")]
            Tokens::Avx512Bw(token) => kernel.run(token),
            #[cfg(target_arch = "x86_64")]
            Tokens::Avx512(token) => kernel.run(Avx512Bw::of(token)),
            #[cfg(target_arch = "x86_64")]
            Tokens::Amx(token) => kernel.run(Avx512Bw::of(token.avx512())),
        }
    }

    /// Runs `body` compiled with its instructions, but for VNNI's.
    pub(crate) fn vectorize<B: Vectorized>(self, body: B) -> B::Output {
        struct Plain<B>(B);
        impl<B: Vectorized> IsaKernel for Plain<B> {
            type Output = B::Output;

            fn run<S: Simd>(self, simd: S) -> B::Output {
                simd.vectorize(self.0)
            }
        }
        self.run_without_vnni(Plain(body))
    }

    /// The sizes of its tiles.
    pub(crate) fn tuning(self) -> Tuning {
        struct Of;
        impl IsaKernel for Of {
            type Output = Tuning;

            fn run<S: Simd>(self, _: S) -> Tuning {
                S::TUNING
            }
        }
        self.run(Of)
    }

    /// Whether bits are counted faster than bytes are multiplied: not where bytes alone have an instruction.
    pub(crate) fn counts_bits(self) -> bool {
        struct Counts;
        impl IsaKernel for Counts {
            type Output = bool;

            fn run<S: Simd>(self, simd: S) -> bool {
                !<S::Int32 as ByteLanes>::DOTS_BYTES || simd.popcnt().is_some()
            }
        }
        self.run(Counts)
    }

    /// The tiles of sums of products of bytes, where it has them.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn tiles(self) -> Option<Amx> {
        match self.token {
            Tokens::Amx(token) => Some(token),
            _ => None,
        }
    }
}
