//! The shortest accumulator that gives what is reported.

use super::bounds::Bounds;
use super::stage::{StagePlan, StageRegister, exact};
use crate::kernels::operand::step_words::WordKind;
use crate::kernels::output::StoreMode;
use crate::kernels::product::ReportLevel;

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
        let word = bounds.word(&exact(stages));
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
        let word = bounds.word(&stages);
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
            _ => bounds.word(&stages),
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
    stages.iter().zip(bounds.magnitudes(stages)).map(held).collect()
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
    use super::super::stage::stages;
    use super::*;
    use crate::accumulate::Accumulator;

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
