//! The instruction sets, their detection, and the one dispatch.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::Simd;
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::{amx::Amx, avx2::Avx2, avx512::Avx512};

/// An instruction set that the kernels are compiled for; every one gives the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// What every CPU of the target has.
    Portable,
    /// x86-64 with AVX2, FMA and F16C.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ, VL and VNNI.
    Avx512,
    /// The same with AMX for bytes, which sums exact products of bytes in tiles; all else runs as [`Self::Avx512`]. Linux
    /// alone lets a process ask for it.
    Amx,
}

/// Why an instruction set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IsaError {
    /// A name that no instruction set has.
    #[error("`{0}` is not an instruction set: expected portable, avx2, avx512 or amx")]
    Unknown(String),
    /// One that this CPU lacks.
    #[error("this CPU does not have {0}; it has {available}", available = list(Isa::available()))]
    Unavailable(Isa),
}

fn list(all: impl Iterator<Item = Isa>) -> String {
    all.map(|isa| isa.to_string()).collect::<Vec<_>>().join(", ")
}

impl Isa {
    /// Every instruction set, the narrowest first.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::Avx512, Self::Amx];

    /// Whether this CPU has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Amx => Amx::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 | Self::Amx => false,
        }
    }

    /// Those that this CPU has, the narrowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// Whether its vectors are those of AVX-512.
    pub(crate) fn is_avx512(self) -> bool {
        matches!(self, Self::Avx512 | Self::Amx)
    }

    /// The widest one that this CPU has.
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::Portable)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Amx => "amx",
        })
    }
}

impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(text: &str) -> Result<Self, IsaError> {
        let named = Self::ALL.into_iter().find(|isa| isa.to_string() == text);
        named.ok_or_else(|| IsaError::Unknown(text.into()))
    }
}

/// Work that is instantiated once per instruction set.
pub(crate) trait Task {
    /// What it gives.
    type Output;

    /// Does it with the vectors of `simd`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs `task` with the instructions of `isa`.
///
/// # Errors
/// Where this CPU lacks `isa`.
pub(crate) fn run<T: Task>(isa: Isa, task: T) -> Result<T::Output, IsaError> {
    let unavailable = IsaError::Unavailable(isa);
    match isa {
        Isa::Portable => Ok(task.run(Portable)),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => Avx2::detect().map(|s| task.run(s)).ok_or(unavailable),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => Avx512::detect().map(|s| task.run(s)).ok_or(unavailable),
        #[cfg(target_arch = "x86_64")]
        Isa::Amx => {
            let both = Amx::detect().and(Avx512::detect());
            both.map(|s| task.run(s)).ok_or(unavailable)
        }
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Avx2 | Isa::Avx512 | Isa::Amx => Err(unavailable),
    }
}

/// Runs `task` with the instructions of the widest vectors that this CPU has.
pub(crate) fn run_best<T: Task>(task: T) -> T::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = Avx512::detect() {
        return task.run(simd);
    } else if let Some(simd) = Avx2::detect() {
        return task.run(simd);
    }
    task.run(Portable)
}
