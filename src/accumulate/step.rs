//! One step of one integer register: the definition that the reference's run and every machine share.

use super::{Register, RegisterOverflow, int_range};

/// What one step of an integer register did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntStep {
    /// Register and input summed exactly.
    pub exact: i128,
    /// The register after.
    pub after: i128,
    /// Whether `exact` lay outside the register's range: an overflow event.
    pub event: bool,
}

impl Register {
    /// The step of an integer register that holds `before` and takes `input`, the exact sum of a step's inputs.
    ///
    /// ```text
    /// exact = before + input
    /// event = exact < -2^(P-1) or exact > 2^(P-1) - 1
    /// after = exact, wrapped modulo 2^P or clamped to the range
    /// ```
    ///
    /// `None` for a register that is no integer one of 2 to 64 bits and not `exact`; of any other,
    /// [`Register::step_float`](Register::step_float) has the step. A sum beyond 127 bits is taken modulo 2^128: fewer
    /// than 2^62 products of integers of 32 bits never come there.
    ///
    /// ```
    /// use fewbit::accumulate::{IntStep, Register};
    /// let register: Register = "int4-sat".parse()?;
    /// assert_eq!(register.step(5, 5), Some(IntStep { exact: 10, after: 7, event: true }));
    /// let register: Register = "int4-wrap".parse()?;
    /// assert_eq!(register.step(5, 5), Some(IntStep { exact: 10, after: -6, event: true }));
    /// assert_eq!("f32".parse::<Register>()?.step(5, 5), None);
    /// # Ok::<(), fewbit::accumulate::AccumulatorError>(())
    /// ```
    #[inline]
    pub const fn step(self, before: i128, input: i128) -> Option<IntStep> {
        match self.integer() {
            Some(register) => Some(register.step(before, input)),
            None => None,
        }
    }

    /// The integer register that this one is, if it is one.
    pub(crate) const fn integer(self) -> Option<IntRegister> {
        match self {
            Self::Exact => Some(IntRegister::EXACT),
            Self::Int { bits: bits @ 2..=64, overflow } => {
                let (low, high) = int_range(bits);
                Some(IntRegister { low, high, overflow })
            }
            _ => None,
        }
    }
}

/// An integer register by its range, for those who step it often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IntRegister {
    low: i128,
    high: i128,
    overflow: RegisterOverflow,
}

impl IntRegister {
    /// `exact`: every sum is within its range.
    pub(crate) const EXACT: Self =
        Self { low: i128::MIN, high: i128::MAX, overflow: RegisterOverflow::Wrap };

    /// [`Register::step`]
    #[inline(always)]
    pub(crate) const fn step(self, before: i128, input: i128) -> IntStep {
        let Self { low, high, overflow } = self;
        let exact = before.wrapping_add(input);
        if exact >= low && exact <= high {
            return IntStep { exact, after: exact, event: false };
        }
        let after = match overflow {
            RegisterOverflow::Saturate if exact < low => low,
            RegisterOverflow::Saturate => high,
            // The distance from the least value modulo 2^P, whose bits those of `high - low` are.
            RegisterOverflow::Wrap => (exact.wrapping_sub(low) & high.wrapping_sub(low)) + low,
        };
        IntStep { exact, after, event: true }
    }
}
