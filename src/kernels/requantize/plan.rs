//! What runs: the lane of a requantization, and its constants.

use fewbit_formats::Overflow;

use super::chunk::{Chunk, Ends, LaneInput, OddBlocks, Sink};
use super::columns::{BLOCK, Columns, Constants, row_of};
use super::lane::{
    Doubled, DoubledConstants, Float, Narrowed, Rounded, ScaleLane, Single, SingleConstants,
    float_constants,
    quotient::{BOUNDED, CHECKED, FITS, WRAPS},
};
use super::product::{Product, Width};
use super::thresholds::{COMPARED, Count, Planes};
use crate::requantize::{Excess, PerChannel, Requantization, RequantizePolicy, ScaleParameters};
use crate::simd::Detected;

/// A lane with the constants of each channel.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    lane: AnyLane,
    /// The last of the constants is the bias.
    pub(super) columns: Columns,
    /// The least and the greatest sum of value and bias that the lane takes.
    pub(super) takes: (i64, i64),
    pub(super) ends: Ends,
}

/// Sums that lanes for all of 64 bits take: below 2^62.
const WIDEST: i64 = (1 << 62) - 1;

macro_rules! lanes {
    ($($name:ident: $lane:ty,)*) => {
        /// The lanes.
        #[derive(Clone, Debug)]
        enum AnyLane {
            $($name($lane),)*
            Thresholds(Planes),
        }

        impl Plan {
            /// Scales a chunk; says which of its blocks have to go through the specification.
            pub(super) fn scale<X: LaneInput, S: Sink>(&self, isa: Detected, chunk: Chunk<'_, X, S>) -> OddBlocks {
                match &self.lane {
                    $(AnyLane::$name(lane) => self.by(isa, *lane, chunk),)*
                    AnyLane::Thresholds(planes) => {
                        let Chunk { x, scaled, sink, first } = chunk;
                        isa.vectorize(Count { planes, x, scaled, sink, first });
                        0
                    }
                }
            }
        }

        $(impl From<$lane> for AnyLane {
            fn from(lane: $lane) -> Self {
                Self::$name(lane)
            }
        })*
    };
}

lanes! {
    SingleFits: Single<false, FITS>,
    SingleWraps: Single<false, WRAPS>,
    SingleChecked: Single<false, CHECKED>,
    SingleBounded: Single<false, BOUNDED>,
    SignedFits: Single<true, FITS>,
    SignedWraps: Single<true, WRAPS>,
    SignedChecked: Single<true, CHECKED>,
    SignedBounded: Single<true, BOUNDED>,
    DoubledRight: Doubled<FITS>,
    DoubledWraps: Doubled<WRAPS>,
    DoubledChecked: Doubled<CHECKED>,
    NarrowedWraps: Narrowed<WRAPS>,
    NarrowedChecked: Narrowed<CHECKED>,
    RoundedConstant: Rounded<false, false>,
    RoundedVaries: Rounded<true, false>,
    WideConstant: Rounded<false, true>,
    WideVaries: Rounded<true, true>,
    Float: Float<false>,
    FloatBiased: Float<true>,
}

impl Plan {
    fn by<L: ScaleLane, X: LaneInput, S: Sink>(
        &self,
        isa: Detected,
        lane: L,
        chunk: Chunk<'_, X, S>,
    ) -> OddBlocks {
        match self.columns.uniform() {
            Some(constants) => chunk.uniform(isa, lane, constants),
            None => chunk.each(isa, lane, self.columns.each()),
        }
    }

    /// Whether values of 32 bits without a bias may go to the lane as they are.
    pub(super) fn takes_any_i32(&self) -> bool {
        self.takes.0 <= i32::MIN.into() && self.takes.1 >= i32::MAX.into()
    }

    /// `None` where no lane has it.
    pub(super) fn new(job: &Requantization) -> Option<Self> {
        let (format, zero_point) = (job.format(), i32::try_from(job.zero_point()).ok()?);
        let lowest = match job.overflow() {
            Overflow::Saturate => format.min(),
            Overflow::SaturateSymmetric if format.is_signed() => -format.max(),
            _ => return None,
        };
        let least = i32::try_from(lowest - job.zero_point()).ok()?;
        let most = i32::try_from(format.max() - job.zero_point()).ok()?;
        if format.bits() == 32 && zero_point != 0 {
            return None;
        }
        let biases = job.bias().map(PerChannel::iter).into_iter().flatten();
        if biases.into_iter().any(|bias| bias.unsigned_abs() > WIDEST.unsigned_abs()) {
            return None;
        }
        let Choice { lane, mut takes, of } = choose(job, (least, most))?;
        let (lowest, highest) = job.policy().value_range();
        takes = (takes.0.max(lowest), takes.1.min(highest));
        let with_bias = |channel: usize| {
            let mut constants = of(channel);
            let bias = job.bias().and_then(|bias| bias.at(channel));
            if let (Some(bias), [.., last]) = (bias, &mut constants) {
                *last = *bias;
            }
            constants
        };
        let columns = Columns::new(job.channels(), with_bias);
        let ends = Ends { least, most, zero_point };
        Some(Self { lane, columns, takes, ends })
    }
}

/// A lane, what it takes, and the constants of a channel.
struct Choice<'a> {
    lane: AnyLane,
    takes: (i64, i64),
    of: Box<dyn Fn(usize) -> Constants + 'a>,
}

fn choose(job: &Requantization, ends: (i32, i32)) -> Option<Choice<'_>> {
    let all = (-WIDEST, WIDEST);
    let (least, most) = ends;
    match job.scale() {
        ScaleParameters::MultiplierShift { multiplier, shift } => {
            let lane = by_multiplier(job.policy(), multiplier, shift)?;
            let policy = job.policy();
            let of = move |channel| {
                let numbers = multiplier.at(channel).zip(shift.at(channel));
                numbers.map_or([0; 8], |(&m, &s)| multiplier_constants(policy, m, s))
            };
            Some(Choice { lane, takes: all, of: Box::new(of) })
        }
        ScaleParameters::Shift(shift) => {
            let RequantizePolicy::Shift(mode) = job.policy() else { return None };
            rounded(Product::shift(shift, mode), ends)
        }
        ScaleParameters::Exact(scale) => {
            let RequantizePolicy::Exact(mode) = job.policy() else { return None };
            rounded(Product::exact(scale, mode), ends)
        }
        ScaleParameters::Float(scale) => {
            let of = |channel| float_constants(scale.at(channel).copied().unwrap_or(1.0), 0.0);
            let lane = Float::<false> { least: least as f32, most: most as f32 };
            (job.format().bits() <= 16).then(|| Choice {
                lane: lane.into(),
                takes: all,
                of: Box::new(of),
            })
        }
        ScaleParameters::Affine { scale, bias } => {
            let number = |list: &PerChannel<f32>, channel| list.at(channel).copied().unwrap_or(0.0);
            let of = move |channel| float_constants(number(scale, channel), number(bias, channel));
            let lane = Float::<true> { least: least as f32, most: most as f32 };
            (job.format().bits() <= 16).then(|| Choice {
                lane: lane.into(),
                takes: all,
                of: Box::new(of),
            })
        }
        ScaleParameters::Thresholds { thresholds, out_scale, out_bias } => {
            let small = out_scale.unsigned_abs() < 1 << 40 && out_bias.unsigned_abs() < 1 << 60;
            let longest = thresholds.iter().map(Vec::len).max().unwrap_or(0);
            if !small || longest > COMPARED {
                return None;
            }
            // Channels with fewer have some that are never reached.
            let plane = |number: usize| {
                let of = |channel| {
                    thresholds
                        .at(channel)
                        .and_then(|list| list.get(number))
                        .copied()
                        .unwrap_or(i64::MAX)
                };
                let kept = match job.channels() {
                    None => 1,
                    Some(channels) => row_of(channels).next_multiple_of(BLOCK),
                };
                (0..kept).map(of).collect()
            };
            let planes = Planes {
                planes: (0..longest).map(plane).collect(),
                out_scale: *out_scale,
                out_bias: *out_bias,
                least: least.into(),
                most: most.into(),
            };
            let lane = AnyLane::Thresholds(planes);
            Some(Choice { lane, takes: all, of: Box::new(|_| [0; 8]) })
        }
    }
}

/// The lane of a policy with multipliers and shifts.
fn by_multiplier(
    policy: RequantizePolicy,
    multiplier: &PerChannel<i32>,
    shift: &PerChannel<i32>,
) -> Option<AnyLane> {
    let least = shift.iter().copied().min().unwrap_or(0);
    let most = shift.iter().copied().max().unwrap_or(0);
    let single = |fits: bool, excess: Excess| match (fits, excess) {
        (true, _) => AnyLane::from(Single::<false, FITS>),
        (_, Excess::Wrap) => Single::<false, WRAPS>.into(),
        _ => Single::<false, CHECKED>.into(),
    };
    Some(match policy {
        // A value below 2^31 is below 2^(shift-1).
        RequantizePolicy::Tosa32(Excess::Refuse) if least < 32 => Single::<false, BOUNDED>.into(),
        RequantizePolicy::Tosa32Double(Excess::Refuse) if least < 32 => {
            Single::<true, BOUNDED>.into()
        }
        // A product is below 2^62.
        RequantizePolicy::Tosa32(excess) => single(least >= 31, excess),
        RequantizePolicy::Tosa32Double(excess) => match (least >= 31, excess) {
            (true, _) => Single::<true, FITS>.into(),
            (_, Excess::Wrap) => Single::<true, WRAPS>.into(),
            _ => Single::<true, CHECKED>.into(),
        },
        RequantizePolicy::TfliteSingle(excess) => single(most <= 0, excess),
        // A product of 48 and 16 bits is below 2^63.
        RequantizePolicy::Tosa16(excess) => single(least >= 32, excess),
        RequantizePolicy::Tflite16(excess) => single(15 - most >= 32, excess),
        RequantizePolicy::Gemmlowp(excess)
        | RequantizePolicy::Cmsis(excess)
        | RequantizePolicy::Ruy(excess) => {
            // The one product that saturates or wraps.
            if multiplier.iter().any(|&m| m == i32::MIN) {
                return None;
            }
            match (most <= 0, excess) {
                (true, _) => Doubled::<FITS>.into(),
                (_, Excess::Wrap) => Doubled::<WRAPS>.into(),
                _ => Doubled::<CHECKED>.into(),
            }
        }
        RequantizePolicy::CmsisSingle(Excess::Wrap) => Narrowed::<WRAPS>.into(),
        RequantizePolicy::CmsisSingle(_) => Narrowed::<CHECKED>.into(),
        _ => return None,
    })
}

/// The constants of that lane.
fn multiplier_constants(policy: RequantizePolicy, multiplier: i32, shift: i32) -> Constants {
    let single = |multiplier: i32, shift: i32, negative: i64, more: i64| {
        let half = 1i64 << (shift - 1);
        let (multiplier, shift, base) = (multiplier.into(), shift.into(), half + more);
        SingleConstants { multiplier, shift, base, negative, bound: half }.into()
    };
    match policy {
        RequantizePolicy::Tosa32Double(_) if shift > 31 => {
            single(multiplier, shift, -(1 << 31), 1 << 30)
        }
        RequantizePolicy::TfliteSingle(_) => single(multiplier, 31 - shift, 0, 0),
        RequantizePolicy::Tflite16(_) => {
            let reduced =
                if multiplier < 0x7fff_0000 { (multiplier + (1 << 15)) >> 16 } else { 0x7fff };
            single(reduced, 15 - shift, 0, 0)
        }
        RequantizePolicy::Gemmlowp(_) | RequantizePolicy::Cmsis(_) | RequantizePolicy::Ruy(_) => {
            let right = (-shift).max(0);
            let ties_up = right == 0 || matches!(policy, RequantizePolicy::Ruy(_));
            DoubledConstants {
                multiplier: multiplier.into(),
                left: shift.max(0).into(),
                right: right.into(),
                half: (1 << right) >> 1,
                away: if ties_up { 0 } else { -1 },
            }
            .into()
        }
        RequantizePolicy::CmsisSingle(_) => {
            [multiplier.into(), (30 - shift).into(), 0, 0, 0, 0, 0, 0]
        }
        _ => single(multiplier, shift, 0, 0),
    }
}

/// The lane of a product that is rounded in any mode.
fn rounded<'a>(found: Option<Product>, (least, most): (i32, i32)) -> Option<Choice<'a>> {
    let Product { width, varies, takes, constants } = found?;
    let (least, most) = (least.into(), most.into());
    let lane = match (width, varies) {
        (Width::Narrow, false) => AnyLane::from(Rounded::<false, false> { least, most }),
        (Width::Narrow, true) => Rounded::<true, false> { least, most }.into(),
        (Width::Wide, false) => Rounded::<false, true> { least, most }.into(),
        (Width::Wide, true) => Rounded::<true, true> { least, most }.into(),
    };
    let of = move |channel| constants.at(channel).copied().unwrap_or([0; 8]);
    Some(Choice { lane, takes: (-takes, takes), of: Box::new(of) })
}
