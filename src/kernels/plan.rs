//! The accumulator as it is run: the shortest form with the same results, and the narrowest lanes that hold its values.
//!
//! 1. [`stages`] translates an accumulator's stages.
//! 2. [`Bounds`] says what is known of the operands.
//! 3. [`Plan::new`] drops checks that no sum can fail, joins stages that nothing tells apart, and picks the lane width.
//!
//! With `p` the greatest magnitude of a product, an input of the first stage is at most `p`, a tile of `c` inputs of
//! magnitude `x` sums to at most `c x`, and saturating or wrapping to `P` bits leaves at most `2^(P-1)`. These bounds
//! hold for every value on the way, in every order.

use super::operand::matrix::{Matrix, magnitude};
use super::operand::step_words::WordKind;
use super::output::StoreMode;
use super::product::ReportLevel;
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

/// An accumulator as it is run for a report level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) report: ReportLevel,
    pub(crate) stages: Vec<StagePlan>,
    /// Lanes that hold all values: of [`Self::stages`], and for a full report those of the exact sums; `None` where no
    /// lane is wide enough.
    pub(crate) word: Option<WordKind>,
    /// Which stage of the accumulator each stage stands for, where those that are missing have no events.
    pub(crate) places: Vec<usize>,
}

/// What is known of the operands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) k: usize,
    /// The greatest magnitude of a product.
    pub(crate) product: u128,
    /// The narrowest word that holds both operands.
    pub(crate) operands: Option<WordKind>,
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

    /// The same stage with a register that holds every sum.
    pub(crate) fn exact(self) -> Self {
        Self { register: StageRegister::Exact, ..self }
    }

    /// This stage and `inner` before it as one, if that is an exact stage of tiles: as wider steps.
    fn joined(self, inner: Self) -> Option<Self> {
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

impl Bounds {
    /// Those of two matrices.
    pub(crate) fn new(a: &Matrix<'_>, b: &Matrix<'_>) -> Self {
        let operands = if a.int16().is_some() && b.int16().is_some() {
            Some(WordKind::Pair16)
        } else if a.fits_i32() && b.fits_i32() {
            Some(WordKind::One64)
        } else {
            None
        };
        Self { k: a.dim().1, product: a.magnitude() * b.magnitude(), operands }
    }

    /// What the types of bytes say, without a look at the values; `None` for wider operands.
    pub(crate) fn of_types(a: &Matrix<'_>, b: &Matrix<'_>) -> Option<Self> {
        let (ours, theirs) = (a.bytes()?.known_range(), b.bytes()?.known_range());
        let product = magnitude(ours) * magnitude(theirs);
        Some(Self { k: a.dim().1, product, operands: Some(WordKind::Pair16) })
    }
}

impl Plan {
    /// The plan of `stages` that shows what `report` asks for.
    pub(crate) fn new(stages: &[StagePlan], bounds: Bounds, report: ReportLevel) -> Self {
        match report {
            ReportLevel::None => Self::values(stages, bounds),
            ReportLevel::Events => Self::events(stages, bounds),
            ReportLevel::Full => Self::full(stages, bounds),
        }
    }

    /// The accumulator as it is, in lanes that hold the exact sums.
    fn full(stages: &[StagePlan], bounds: Bounds) -> Self {
        let word = word_for(&exact(stages), bounds);
        let places = (0..stages.len()).collect();
        Self { report: ReportLevel::Full, stages: stages.to_vec(), word, places }
    }

    /// The shortest accumulator with the same events: registers that hold every sum have none, and are wider steps of
    /// those behind them.
    fn events(stages: &[StagePlan], bounds: Bounds) -> Self {
        let mut merged: Vec<(StagePlan, usize)> = Vec::with_capacity(stages.len());
        let held = hold(stages, bounds);
        for (index, mut stage) in held.into_iter().enumerate() {
            if stage.register == StageRegister::Exact {
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
        Self { report: ReportLevel::Events, stages, word, places }
    }

    /// The shortest accumulator that gives the same values, if nobody looks at the way.
    fn values(stages: &[StagePlan], bounds: Bounds) -> Self {
        let stages = shorten(stages, bounds);
        let word = match stages[..] {
            // Arithmetic in lanes is modulo 2^32 or 2^64, and so is the result.
            [StagePlan { register: StageRegister::Wrap { bits }, .. }] => {
                bounds.operands.map(|word| if bits > 32 { WordKind::One64 } else { word })
            }
            _ => word_for(&stages, bounds),
        };
        Self { report: ReportLevel::None, stages, word, places: Vec::new() }
    }

    /// What is stored of exact sums, where they are all that the plan needs.
    pub(crate) fn stored_sum(&self) -> Option<StoreMode> {
        match (self.report, &self.stages[..]) {
            (
                ReportLevel::None | ReportLevel::Events,
                [StagePlan { register: StageRegister::Exact, .. }],
            ) => Some(StoreMode::Whole),
            (ReportLevel::None, &[StagePlan { register: StageRegister::Wrap { bits }, .. }]) => {
                Some(StoreMode::LowBits(bits))
            }
            _ => None,
        }
    }

    /// The stages with registers that hold every sum.
    pub(crate) fn exact(&self) -> Vec<StagePlan> {
        exact(&self.stages)
    }
}

/// The same stages with registers that hold every sum.
pub(crate) fn exact(stages: &[StagePlan]) -> Vec<StagePlan> {
    stages.iter().map(|stage| stage.exact()).collect()
}

/// Whether every output fits two's complement of `bits` bits. What 64 bits do not hold is found out elsewhere.
pub(crate) fn fits(stages: &[StagePlan], bounds: Bounds, bits: u32) -> bool {
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
pub(crate) fn greatest(stages: &[StagePlan], bounds: Bounds) -> u128 {
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
            StageRegister::Exact => exact,
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
            StageRegister::Exact => {}
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
                StageRegister::Exact => "exact".into(),
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
