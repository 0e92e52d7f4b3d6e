//! What runs: which form of the accumulator, in which lanes, as the bounds of the values allow.
//!
//! With `p` the greatest magnitude of a product, an input of the first stage is at most `p`, a tile of `c` inputs of
//! magnitude `x` sums to at most `c x`, and saturating or wrapping to `P` bits leaves at most `2^(P-1)`. These bounds
//! hold for every value on the way, in every order.

use super::pack::WordKind;
use crate::accumulate::{Accumulator, Register, RegisterOverflow, Stage};

/// What an integer register does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StageRegister {
    /// Holds every sum.
    Keep,
    /// Saturates to `bits`.
    Saturate { bits: u32 },
    /// Wraps to `bits`.
    Wrap { bits: u32 },
}

/// A stage as the kernels run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StagePlan {
    pub(super) register: StageRegister,
    pub(super) width: u64,
    pub(super) count: Option<u64>,
}

/// How a register is stepped in lanes of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NarrowForm {
    /// Shifted up, so that the lane's range is the register's.
    Scaled,
    /// As it is, within the lane's range.
    Within,
}

/// Stages and the words that hold all their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) stages: Vec<StagePlan>,
    /// `None`: no lane is wide enough.
    pub(super) word: Option<WordKind>,
}

/// What is known of the operands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) k: usize,
    /// The greatest magnitude of a product.
    pub(super) product: u128,
    /// The narrowest word that holds both operands.
    pub(super) operands: Option<WordKind>,
}

impl StagePlan {
    /// `None` where the stage is not an integer one.
    pub(super) fn new(stage: &Stage) -> Option<Self> {
        let register = match stage.register {
            Register::Exact => StageRegister::Keep,
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

    /// How lanes of 16 bits step it, one product at a time and none of a magnitude above `product`; `None` where they do
    /// not.
    pub(super) fn narrow(&self, product: u128) -> Option<NarrowForm> {
        let (StageRegister::Saturate { bits } | StageRegister::Wrap { bits }) = self.register
        else {
            return None;
        };
        let lane = i16::BITS;
        if bits > lane || self.width > 1 {
            None
        } else if product < 1 << (bits - 1) {
            Some(NarrowForm::Scaled)
        } else if product < 1 << (lane - 1) {
            Some(NarrowForm::Within)
        } else {
            None
        }
    }

    /// The same stage with a register that holds every sum.
    pub(super) fn exact(self) -> Self {
        Self { register: StageRegister::Keep, ..self }
    }
}

impl StagePlan {
    /// This stage and `inner` before it as one, if that is an exact stage of tiles: as wider steps.
    fn joined(self, inner: Self) -> Option<Self> {
        let (StageRegister::Keep, Some(count)) = (inner.register, inner.count) else {
            return None;
        };
        let width = self.width.saturating_mul(count);
        Some(Self { width, count: self.count.map(|own| own.saturating_mul(count)), ..self })
    }
}

/// The stages of an integer accumulator; `None` for others.
pub(super) fn stages(acc: &Accumulator) -> Option<Vec<StagePlan>> {
    acc.stages().iter().map(StagePlan::new).collect()
}

impl Plan {
    /// The accumulator without any overflow, step by step.
    pub(super) fn exact(stages: &[StagePlan], bounds: Bounds) -> Self {
        let stages: Vec<_> = stages.iter().map(|s| s.exact()).collect();
        let word = word_for(&stages, bounds);
        Self { stages, word }
    }

    /// The shortest accumulator with the same events, and which stage each of its stages stands for: registers that hold
    /// every sum have no events, and are wider steps of those behind them.
    pub(super) fn events(stages: &[StagePlan], bounds: Bounds) -> (Self, Vec<usize>) {
        let mut merged: Vec<(StagePlan, usize)> = Vec::with_capacity(stages.len());
        let held = hold(stages, bounds);
        for (index, mut stage) in held.into_iter().enumerate() {
            if stage.register == StageRegister::Keep {
                stage.width = u64::MAX;
            }
            if let Some(&(inner, _)) = merged.last()
                && let Some(joined) = stage.joined(inner)
            {
                stage = joined;
                merged.pop();
            }
            merged.push((stage, index));
        }
        let (stages, places): (Vec<_>, _) = merged.into_iter().unzip();
        let word = word_for(&stages, bounds);
        (Self { stages, word }, places)
    }

    /// The shortest accumulator that gives the same values, if nobody looks at the way.
    pub(super) fn values(stages: &[StagePlan], bounds: Bounds) -> Self {
        let stages = shorten(stages, bounds);
        let word = match stages[..] {
            // Arithmetic in lanes is modulo 2^32 or 2^64, and so is the result.
            [StagePlan { register: StageRegister::Wrap { bits }, .. }] => {
                bounds.operands.map(|word| if bits > 32 { WordKind::One64 } else { word })
            }
            _ => word_for(&stages, bounds),
        };
        Self { stages, word }
    }
}

/// Whether every output fits two's complement of `bits` bits. What 64 bits do not hold is found out elsewhere.
pub(super) fn fits(stages: &[StagePlan], bounds: Bounds, bits: u32) -> bool {
    let range = 1u128 << (bits - 1);
    match stages.last().map(|stage| stage.register) {
        _ if bits >= 64 => true,
        Some(StageRegister::Saturate { bits: own } | StageRegister::Wrap { bits: own })
            if own <= bits =>
        {
            true
        }
        _ => magnitudes(stages, bounds).last().is_none_or(|&(_, kept)| kept < range),
    }
}

/// The greatest magnitude of a sum in the last stage.
pub(super) fn greatest(stages: &[StagePlan], bounds: Bounds) -> u128 {
    magnitudes(stages, bounds).last().map_or(0, |&(sum, _)| sum)
}

/// The greatest magnitude of a sum before the check, and of what is handed on, per stage.
fn magnitudes(stages: &[StagePlan], bounds: Bounds) -> Vec<(u128, u128)> {
    let (mut inputs, mut input) = (bounds.k as u128, bounds.product);
    let mut all = Vec::with_capacity(stages.len());
    for stage in stages {
        let tile = stage.count.map_or(inputs, |count| inputs.min(count.into()));
        let exact = tile.saturating_mul(input);
        let kept = match stage.register {
            StageRegister::Keep => exact,
            StageRegister::Saturate { bits } | StageRegister::Wrap { bits } => {
                exact.min(1 << (bits - 1))
            }
        };
        let stepped = u128::from(stage.width).saturating_mul(input).saturating_add(kept);
        all.push((exact.min(stepped), kept));
        (inputs, input) = (inputs.div_ceil(tile.max(1)), kept);
    }
    all
}

fn word_for(stages: &[StagePlan], bounds: Bounds) -> Option<WordKind> {
    let greatest = magnitudes(stages, bounds).into_iter().map(|(sum, _)| sum).max().unwrap_or(0);
    let operands = bounds.operands?;
    if greatest <= i32::MAX as u128 && operands == WordKind::Pair16 {
        Some(WordKind::Pair16)
    } else if greatest <= i64::MAX as u128 {
        Some(WordKind::One64)
    } else {
        None
    }
}

/// Registers that hold every sum as what they are: exact.
fn hold(stages: &[StagePlan], bounds: Bounds) -> Vec<StagePlan> {
    let held = |(stage, (sum, _)): (&StagePlan, (u128, u128))| match stage.register {
        StageRegister::Saturate { bits } | StageRegister::Wrap { bits }
            if sum < 1 << (bits - 1) =>
        {
            stage.exact()
        }
        _ => *stage,
    };
    stages.iter().zip(magnitudes(stages, bounds)).map(held).collect()
}

/// Fewer and wider steps with the same values.
fn shorten(stages: &[StagePlan], bounds: Bounds) -> Vec<StagePlan> {
    let mut stages = hold(stages, bounds);
    // A wrap that only a narrower wrap sees is exact: only the low bits count.
    let mut seen_bits = None;
    for stage in stages.iter_mut().rev() {
        match stage.register {
            StageRegister::Keep => {}
            StageRegister::Saturate { .. } => seen_bits = None,
            StageRegister::Wrap { bits } => match seen_bits {
                Some(seen) if seen <= bits => *stage = stage.exact(),
                _ => seen_bits = Some(bits),
            },
        }
    }
    // An exact stage need not be stepped, and a wrapping one need only wrap what it hands on.
    for stage in &mut stages {
        if !matches!(stage.register, StageRegister::Saturate { .. }) {
            stage.width = u64::MAX;
        }
    }
    // An exact stage of tiles is a wider step of the stage behind it.
    let mut shortened: Vec<StagePlan> = Vec::with_capacity(stages.len());
    for mut stage in stages {
        if let Some(joined) = shortened.last().and_then(|&inner| stage.joined(inner)) {
            stage = joined;
            shortened.pop();
        }
        shortened.push(stage);
    }
    shortened
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(acc: &str) -> String {
        let bounds = Bounds { k: 4096, product: 1 << 14, operands: Some(WordKind::Pair16) };
        let acc: Accumulator = acc.parse().unwrap();
        let plans = shorten(&stages(&acc).unwrap(), bounds);
        let one = |stage: &StagePlan| {
            let register = match stage.register {
                StageRegister::Keep => "exact".into(),
                StageRegister::Saturate { bits } => format!("sat{bits}"),
                StageRegister::Wrap { bits } => format!("wrap{bits}"),
            };
            let width =
                if stage.width == u64::MAX { String::new() } else { format!("*{}", stage.width) };
            let count = stage.count.map_or(String::new(), |count| format!("/{count}"));
            register + &width + &count
        };
        plans.iter().map(one).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn lanes_of_16_bits_where_products_fit() {
        let form = |acc: &str, product| {
            let acc: Accumulator = acc.parse().unwrap();
            stages(&acc).unwrap()[0].narrow(product)
        };
        for register in ["sat", "wrap"] {
            for bits in 2..=16 {
                let acc = format!("int{bits}-{register}");
                let end = 1 << (bits - 1);
                assert_eq!(form(&acc, end - 1), Some(NarrowForm::Scaled));
                let beyond = (bits < 16).then_some(NarrowForm::Within);
                assert_eq!(form(&acc, end), beyond);
                assert!(form(&acc, (1 << 15) - 1).is_some());
                assert_eq!(form(&acc, 1 << 15), None);
                assert_eq!(form(&format!("{acc}*2"), 1), None);
            }
            assert_eq!(form(&format!("int17-{register}"), 1), None);
        }
        assert_eq!(form("exact", 1), None);
    }

    #[test]
    fn the_shortest_accumulator_with_the_same_values() {
        assert_eq!(shortened("int16-wrap"), "wrap16");
        assert_eq!(shortened("int28-sat"), "exact");
        assert_eq!(shortened("int27-sat"), "sat27*1");
        assert_eq!(shortened("exact/8,int20-sat*2"), "sat20*16");
        assert_eq!(shortened("int20-wrap/8,int16-wrap"), "wrap16");
        assert_eq!(shortened("int16-wrap/8,int20-wrap"), "wrap16/8,wrap20");
        assert_eq!(shortened("int16-wrap/8,exact"), "wrap16/8,exact");
        assert_eq!(
            shortened("int16-sat/8,exact/16,int18-sat/2,int32-wrap"),
            "sat16*1/8,sat18*16/32,exact"
        );
        assert_eq!(
            shortened("int24-sat/4,int20-wrap/8,int16-wrap/2,int16-sat"),
            "wrap16/64,sat16*1"
        );
    }
}
