//! Registers, stages and accumulators as values.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

use fewbit_formats::{Format, Rounding};

use super::interleave;
use super::overflow::{FloatOverflow, RegisterOverflow};
use super::{AccumulatorError, Datapath};

/// Where a stage keeps its running sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Register {
    /// `int<P>-wrap` or `int<P>-sat`: two's complement, range `[-2^(P-1), 2^(P-1) - 1]`, `2 <= P <= 64`.
    Int {
        /// The width `P`.
        bits: u32,
        /// What happens outside the range.
        overflow: RegisterOverflow,
    },
    /// `exact`: unbounded, never rounds, never overflows.
    Exact,
    /// `<float>[-<rounding>][-sat|-special]`: a floating-point register, rounded once at every step.
    Float {
        /// The register's format.
        format: Format,
        /// The rounding of each step; `rne` if not written.
        rounding: Rounding,
        /// What happens beyond the largest value.
        overflow: FloatOverflow,
    },
    /// `aligned<F>[-<rounding>][:<float>[-<rounding>][-sat|-special]]`: the inputs of a step and the register's own value are
    /// aligned to the largest exponent among them with `F` fraction bits, cut there, summed exactly, and the sum is
    /// rounded to the result format.
    Aligned {
        /// Fraction bits kept below the largest exponent.
        fraction_bits: u32,
        /// How an addend is cut when it is aligned; `rz` if not written.
        alignment: Rounding,
        /// The format of the result; `f32` if not written.
        format: Format,
        /// The rounding of the result; `rne` if not written.
        rounding: Rounding,
        /// What happens beyond the largest value.
        overflow: FloatOverflow,
    },
    /// `preset:<name>`: the dot unit of a machine. It takes as many inputs in one step as the machine's, if no `*width`
    /// says otherwise.
    Datapath(&'static Datapath),
}

impl Register {
    /// The format of the register's values; `None` for integer and exact registers.
    pub fn format(self) -> Option<Format> {
        match self {
            Self::Int { .. } | Self::Exact => None,
            Self::Float { format, .. } | Self::Aligned { format, .. } => Some(format),
            Self::Datapath(datapath) => Some(datapath.register()),
        }
    }

    /// The width of a step where none is written.
    pub const fn default_width(self) -> NonZeroU32 {
        match self {
            Self::Datapath(datapath) => match NonZeroU32::new(datapath.width) {
                Some(width) => width,
                None => NonZeroU32::MIN,
            },
            _ => NonZeroU32::MIN,
        }
    }

    /// Whether an accumulator can have this register.
    pub(crate) fn check(self) -> Result<(), AccumulatorError> {
        match self {
            Self::Int { bits, .. } if !(2..=64).contains(&bits) => {
                Err(AccumulatorError::Bits(bits.into()))
            }
            Self::Aligned { fraction_bits, .. } if fraction_bits > 64 => {
                Err(AccumulatorError::FractionBits(fraction_bits.into()))
            }
            Self::Float { format, .. } | Self::Aligned { format, .. }
                if !matches!(format, Format::Float(_)) || !format.is_signed() =>
            {
                Err(AccumulatorError::NotAFloat(format.to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// One stage: a register, how many inputs it takes in one step, and how many it sums before it hands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stage {
    /// Where the running sum is kept.
    pub register: Register,
    /// `*width`: the inputs summed exactly with the register's value before the one check or rounding of a step.
    pub width: NonZeroU32,
    /// `%registers`: how many registers take turns, step by step; see [`Turn`](super::Turn).
    pub interleave: NonZeroU32,
    /// `/count`: the inputs summed before the value is handed to the next stage and the register restarts at zero.
    /// `None` for the last stage.
    pub count: Option<NonZeroU64>,
}

impl Stage {
    /// A stage that takes one input per step (a [`Register::Datapath`] its own number) and never hands on.
    pub const fn new(register: Register) -> Self {
        let (width, interleave) = (register.default_width(), NonZeroU32::MIN);
        Self { register, width, interleave, count: None }
    }

    /// The same stage with steps of `width` inputs.
    pub const fn with_width(self, width: NonZeroU32) -> Self {
        Self { width, ..self }
    }

    /// The same stage with so many registers that take turns.
    pub const fn with_interleave(self, interleave: NonZeroU32) -> Self {
        Self { interleave, ..self }
    }

    /// Whether several registers take turns.
    pub const fn is_interleaved(&self) -> bool {
        self.interleave.get() > 1
    }

    /// The same stage as an inner one that hands on after `count` inputs.
    pub const fn with_count(self, count: NonZeroU64) -> Self {
        Self { count: Some(count), ..self }
    }
}

/// An accumulator: stages from the multiplier outward.
///
/// Text form: `stage ("," stage)*` with
/// `stage := register ["*" width] ["%" registers] ["/" count]`.
///
/// What stages can express together: products rounded before they are summed (`bf16/1,f32`: the first stage takes one exact
/// product, rounds it as its register says, overflow included, and hands it on; `e4m3fn-rne-sat/1,f32` clamps it), chunks (`f16/64,f16`),
/// pairwise trees (`f32*2/2,f32*2/2,f32`), the exact sum with one rounding (`exact/1024,f32`, Kulisch),
/// the partial sums of an adder with a pipeline (`f32%4`: product k meets product k - 4, and four sums are added at the end; see
/// [`Turn`](super::Turn)).
///
/// ```
/// use fewbit::Accumulator;
/// let acc: Accumulator = "int16-wrap/64,int24-sat".parse()?;
/// assert_eq!(acc.stages().len(), 2);
/// assert_eq!(acc.to_string(), "int16-wrap/64,int24-sat");
/// # Ok::<(), fewbit::accumulate::AccumulatorError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Accumulator {
    stages: Vec<Stage>,
}

impl Accumulator {
    /// An accumulator of these stages, innermost first.
    ///
    /// # Errors
    /// Where there is no stage, an inner stage has no count, the last one has a count, a width lies outside 2..=64, more
    /// than [`MAX_INTERLEAVE`](super::MAX_INTERLEAVE) registers take turns, or a register format is not a signed float.
    pub fn new(stages: Vec<Stage>) -> Result<Self, AccumulatorError> {
        validate(&stages)?;
        Ok(Self { stages })
    }

    /// `exact`: one register that holds every sum.
    pub fn exact() -> Self {
        Self { stages: vec![Stage::new(Register::Exact)] }
    }

    /// The stages, innermost first; never empty.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Whether registers of some stage take turns.
    pub fn is_interleaved(&self) -> bool {
        self.stages.iter().any(Stage::is_interleaved)
    }

    /// Whether every stage is an integer or an exact register, so that integer operands give integers.
    pub fn is_integer(&self) -> bool {
        self.stages.iter().all(|s| matches!(s.register, Register::Int { .. } | Register::Exact))
    }
}

fn validate(stages: &[Stage]) -> Result<(), AccumulatorError> {
    let Some((last, inner)) = stages.split_last() else {
        return Err(AccumulatorError::Empty);
    };
    if let Some(stage) = inner.iter().find(|s| s.count.is_none()) {
        return Err(AccumulatorError::MissingCount(stage.to_string()));
    }
    if last.count.is_some() {
        return Err(AccumulatorError::LastCount(last.to_string()));
    }
    stages.iter().try_for_each(|stage| {
        stage.register.check()?;
        interleave::check(stage.interleave.get())
    })
}

impl fmt::Display for Accumulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, stage) in self.stages.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{stage}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.register)?;
        if self.width != self.register.default_width() {
            write!(f, "*{}", self.width)?;
        }
        if self.is_interleaved() {
            write!(f, "%{}", self.interleave)?;
        }
        match self.count {
            Some(count) => write!(f, "/{count}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int { bits, overflow: RegisterOverflow::Wrap } => write!(f, "int{bits}-wrap"),
            Self::Int { bits, overflow: RegisterOverflow::Saturate } => write!(f, "int{bits}-sat"),
            Self::Exact => f.write_str("exact"),
            Self::Float { format, rounding, overflow } => {
                write!(f, "{format}-{}{overflow}", rounding.alias())
            }
            Self::Aligned { fraction_bits, alignment, format, rounding, overflow } => {
                let (alignment, rounding) = (alignment.alias(), rounding.alias());
                write!(f, "aligned{fraction_bits}-{alignment}:{format}-{rounding}{overflow}")
            }
            Self::Datapath(datapath) => datapath.fmt(f),
        }
    }
}
