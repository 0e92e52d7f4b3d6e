//! Integer stages.

use crate::accumulate::{Accumulator, Register, RegisterOverflow, Stage};

/// What an integer register does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StageRegister {
    /// Holds every sum.
    Exact,
    /// Saturates to `bits`.
    Saturate { bits: u32 },
    /// Wraps to `bits`.
    Wrap { bits: u32 },
}

/// A stage as the kernels run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StagePlan {
    pub(crate) register: StageRegister,
    /// Inputs per step.
    pub(crate) width: u64,
    /// Inputs per tile, after which the register is handed on and starts again; `None` for all there are.
    pub(crate) count: Option<u64>,
}

/// A register of at most 16 bits that is stepped in lanes of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lanes16Plan {
    pub(crate) overflow: RegisterOverflow,
    pub(crate) bits: u32,
    pub(crate) form: Lanes16Form,
}

/// How such a register stands in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lanes16Form {
    /// Shifted up, so that the lane's range is the register's.
    Scaled,
    /// As it is, within the lane's range.
    Within,
}

/// A register of more than 16 bits that is stepped in lanes of 32, shifted up so that the lane's range is its own.
///
/// A product in its lane is that of two 16-bit integers, which stand there times powers of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lanes32Plan {
    pub(crate) overflow: RegisterOverflow,
    /// Places that values are shifted up by.
    pub(crate) shift: u32,
    /// Of these, the broadcast codes by so many: codes of 8 bits and a sign, at most 7.
    pub(crate) broadcast: u32,
    /// And the bytes in lanes by so many, at most 8.
    pub(crate) lanes: u32,
}

impl StagePlan {
    /// `None` where the stage is not an integer one.
    pub(crate) fn new(stage: &Stage) -> Option<Self> {
        let register = match stage.register {
            Register::Exact => StageRegister::Exact,
            Register::Int { bits, overflow: RegisterOverflow::Saturate } => {
                StageRegister::Saturate { bits }
            }
            Register::Int { bits, overflow: RegisterOverflow::Wrap } => {
                StageRegister::Wrap { bits }
            }
            _ => return None,
        };
        let count = stage.count.map(|count| count.get());
        Some(Self { register, width: stage.width.get().into(), count })
    }

    /// What the register holds, as far as 64 bits say.
    pub(crate) fn range(&self) -> (i64, i64) {
        match self.register {
            StageRegister::Saturate { bits } | StageRegister::Wrap { bits } if bits < 64 => {
                let half = 1i64 << (bits - 1);
                (-half, half - 1)
            }
            _ => (i64::MIN, i64::MAX),
        }
    }

    /// Products of a tile of `k` products at most; at least 1.
    pub(crate) fn tile(&self, k: usize) -> usize {
        let k = k.max(1);
        self.count.map_or(k, |count| usize::try_from(count).unwrap_or(usize::MAX).min(k))
    }

    /// How lanes of 16 bits step it, one product at a time and none of a magnitude above `product`; `None` where they do
    /// not.
    pub(crate) fn lanes16(&self, product: u128) -> Option<Lanes16Plan> {
        let (overflow, bits) = match self.register {
            StageRegister::Exact => return None,
            StageRegister::Saturate { bits } => (RegisterOverflow::Saturate, bits),
            StageRegister::Wrap { bits } => (RegisterOverflow::Wrap, bits),
        };
        let lane = i16::BITS;
        let form = if bits > lane || self.width > 1 {
            return None;
        } else if product < 1 << (bits - 1) {
            Lanes16Form::Scaled
        } else if product < 1 << (lane - 1) {
            Lanes16Form::Within
        } else {
            return None;
        };
        Some(Lanes16Plan { overflow, bits, form })
    }

    /// How lanes of 32 bits step it, one product of bytes at a time; `None` where they do not.
    pub(crate) fn lanes32(&self) -> Option<Lanes32Plan> {
        let (overflow, bits) = match self.register {
            StageRegister::Saturate { bits } => (RegisterOverflow::Saturate, bits),
            StageRegister::Wrap { bits } => (RegisterOverflow::Wrap, bits),
            StageRegister::Exact => return None,
        };
        let shift = i32::BITS.checked_sub(bits)?;
        let lanes = shift.min(8);
        let broadcast = shift - lanes;
        let takes = self.width == 1 && broadcast <= 7;
        takes.then_some(Lanes32Plan { overflow, shift, broadcast, lanes })
    }

    /// The same stage with a register that holds every sum.
    pub(crate) fn exact(self) -> Self {
        Self { register: StageRegister::Exact, ..self }
    }

    /// This stage and `inner` before it as one, if that is an exact stage of tiles: as wider steps.
    pub(crate) fn joined(self, inner: Self) -> Option<Self> {
        let (StageRegister::Exact, Some(count)) = (inner.register, inner.count) else {
            return None;
        };
        let width = self.width.saturating_mul(count);
        Some(Self { width, count: self.count.map(|own| own.saturating_mul(count)), ..self })
    }
}

/// The stages of an integer accumulator; `None` for others.
pub(crate) fn stages(acc: &Accumulator) -> Option<Vec<StagePlan>> {
    acc.stages().iter().map(StagePlan::new).collect()
}

/// The same stages with registers that hold every sum.
pub(crate) fn exact(stages: &[StagePlan]) -> Vec<StagePlan> {
    stages.iter().map(|stage| stage.exact()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_of_32_bits_where_factors_fit() {
        let plan = |acc: &str| stages(&acc.parse().unwrap()).unwrap()[0].lanes32();
        for bits in 17..=32 {
            let Some(plan) = plan(&format!("int{bits}-sat")) else { panic!("{bits} bits") };
            assert_eq!((plan.shift, plan.broadcast + plan.lanes), (32 - bits, 32 - bits));
            // Any code and any byte, shifted up, are 16-bit integers.
            assert!(255 << plan.broadcast < 1 << 15 && 128 << plan.lanes <= 1 << 15);
        }
        assert_eq!(
            [plan("int16-sat"), plan("int33-sat"), plan("int20-sat*2"), plan("exact")],
            [None; 4]
        );
    }

    #[test]
    fn lanes_of_16_bits_where_products_fit() {
        let form = |acc: &str, product| {
            let acc: Accumulator = acc.parse().unwrap();
            stages(&acc).unwrap()[0].lanes16(product).map(|plan| plan.form)
        };
        for register in ["sat", "wrap"] {
            for bits in 2..=16 {
                let acc = format!("int{bits}-{register}");
                let end = 1 << (bits - 1);
                assert_eq!(form(&acc, end - 1), Some(Lanes16Form::Scaled));
                let beyond = (bits < 16).then_some(Lanes16Form::Within);
                assert_eq!(form(&acc, end), beyond);
                assert!(form(&acc, (1 << 15) - 1).is_some());
                assert_eq!(form(&acc, 1 << 15), None);
                assert_eq!(form(&format!("{acc}*2"), 1), None);
            }
            assert_eq!(form(&format!("int17-{register}"), 1), None);
        }
        assert_eq!(form("exact", 1), None);
    }
}
