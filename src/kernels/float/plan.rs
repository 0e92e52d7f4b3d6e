//! What runs: the one place that decides which lanes compute an accumulator's values, if any do.
//!
//! 1. Leading exact stages are wider steps of the float register behind them.
//! 2. The innermost stage is one fused multiply-add per product in `f32`, or exact sums of steps in `f64`, or aligned sums
//!    in `f32` or `f64`: the first of them whose digits hold what the extents of the operands say.
//! 3. The stages behind it are float registers that take one value per step.
//! 4. Whatever is not of that form runs through the reference: a register that names its overflow, too, and registers
//!    that take turns.
//!
//! **When rounding to nearest twice is harmless.** Let a register of `t <= 11` digits hold `r`, let the product `p`
//! have at most `t` digits, and let `E` be the exponent of `r + p`. If `f32` (24 digits) does not hold the sum, the
//! last digit of one of the two, `x`, lies below `2^(E - 23)`, so `|x| < 2^(E - 24 + t) <= 2^(E - 13)`. The other, `y`,
//! then has the exponent `E` (or is the power of two above), and with at most `t` digits is a number of the register's
//! format, whose neighbours are at least `2^(E - t)` away, so that ties are at least `2^(E - t - 1) >= 2^(E - 12)` away.
//! The sum and its `f32` are both nearer to `y`: both round to `y`. That `y` is one of the format's numbers also where
//! its numbers are subnormal is asked for below: where `E` may be below the smallest normal exponent, `f32` must hold
//! the sum. Where this is not given, the sum is rounded to odd.

use ndarray::ArrayView2;

use fewbit_formats::{FloatFormat, Format, Rounding};

use super::aligned::{AlignedPlan, Aligns, ShortPlan, Sums, Zeros};
use super::chain::OuterPlan;
use super::extent::Extent;
use super::fma::{FmaPlan, Keep, ProductSize, Sum};
use super::grouped::{GroupedPlan, Held};
use super::operand::{PackedOperand, ProductOrder};
use super::round::{Beyond, FAR, Mode, Rounder, ieee};
use super::trace::plan::{ExactStage, InnerTrace, Products, inner_trace};
use crate::accumulate::datapath::{Addends, Aligned, SplitHalves, Unit, ZeroExponent};
use crate::accumulate::{Accumulator, Datapath, FloatOverflow, Register, Stage};
use crate::kernels::product::ReportLevel;
use crate::simd::NarrowFloat;

/// The innermost stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum InnerPlan {
    /// One product per step, in `f32`.
    Fma(FmaPlan),
    /// In `f64`.
    Grouped(GroupedPlan),
    /// Aligned, in `f32`.
    Single(AlignedPlan),
    /// The register too.
    Short(ShortPlan),
    /// Aligned, in `f64`.
    Double(AlignedPlan),
}

/// All stages.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) order: ProductOrder,
    pub(super) inner: InnerPlan,
    /// Products of a tile.
    pub(super) count: Option<usize>,
    pub(super) outer: Vec<OuterPlan>,
    /// How the innermost stage reports, where a report is asked for.
    pub(super) trace: Option<InnerTrace>,
}

/// What is known of products and starting values.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    a: Extent,
    b: Extent,
    k: usize,
    init: Extent,
    /// Whether the registers start at zero, or at values of the last register's format.
    init_held: bool,
}

impl Bounds {
    /// Digits of a product.
    fn digits(&self) -> u32 {
        self.a.digits + self.b.digits
    }

    /// Products are multiples of 2 to this power, and below 2 to the other.
    fn range(&self) -> (i32, i32) {
        (self.a.least.saturating_add(self.b.least), self.a.most.saturating_add(self.b.most) + 2)
    }

    /// What holds every product.
    fn product(&self) -> ProductSize {
        let (least, most) = self.range();
        if self.digits() <= 24 && least >= -149 && most <= 128 {
            ProductSize::Single
        } else {
            ProductSize::Double
        }
    }

    /// Digits that hold every sum of `width` products, in tiles of `count`, if that many are needed.
    fn sum_digits(&self, width: usize, count: Option<usize>) -> i32 {
        if width == 1 {
            return 0;
        }
        let (least, most) = self.range();
        let any = most - least + bits(width);
        let (a, b) = (self.a.element, self.b.element);
        let aligned = count.is_none_or(|count| count.is_multiple_of(width));
        if !(aligned && a.shares(width) && b.shares(width)) {
            return any;
        }
        // The products of a step have one scale in common, of so many digits.
        let least = a.least.saturating_add(b.least);
        let most = a.most.saturating_add(b.most) + 2;
        any.min(most - least + bits(width) + (a.scale_digits + b.scale_digits) as i32)
    }

    /// The register, where `f64` holds every number that it and `width` products can sum to, in any order.
    fn held(&self, format: Format, mode: Mode, width: usize) -> Option<Held> {
        let float = ieee(format)?;
        let fraction_bits = float.fraction_bits();
        let exponents = (float.min_exponent(), float.largest_exponent());
        let (least, most) = self.range();
        let least = least.min(exponents.0 - fraction_bits as i32).min(self.init.least);
        let most = (most.saturating_add(bits(width))).max(exponents.1 + 1).max(self.init.most + 1);
        let format = || NarrowFloat::new(fraction_bits, exponents, format.max_finite(), 52);
        let fits = fraction_bits > 0 && most.saturating_sub(least) < 52;
        fits.then(|| Held { format: format(), mode })
    }

    /// Whether `extent` lies within `f32`.
    fn single(extent: Extent) -> bool {
        extent.digits <= 24 && extent.least >= -149 && extent.most <= 127
    }

    /// Whether nothing comes near the ends of the range of `f64`.
    fn near(&self) -> bool {
        let extents = [self.a, self.b, self.init];
        let (least, most) = self.range();
        least >= -FAR && most <= FAR && extents.iter().all(|e| e.least >= -FAR && e.most <= FAR)
    }
}

impl Plan {
    /// `None` where no lane computes what the reference does, or, at a `level` that reports, says what it says.
    pub(super) fn new(
        acc: &Accumulator,
        left: &PackedOperand<'_>,
        right: &PackedOperand<'_>,
        init: Option<ArrayView2<'_, f64>>,
        level: ReportLevel,
    ) -> Option<Self> {
        if acc.is_interleaved() {
            return None;
        }
        let stages = exact_tiles_as_width(acc.stages());
        let (last, first) = (stages.last()?, stages.first()?);
        let held = |format: Format| {
            let rounder = Rounder::new(format, Mode::Even, Beyond::Ieee);
            let held = |&x: &f64| rounder.is_some_and(|r| r.round(x).to_bits() == x.to_bits());
            init.is_none_or(|init| init.iter().all(held))
        };
        let bounds = Bounds {
            a: left.extent,
            b: right.extent,
            k: left.dim().0,
            init: init.map_or(Extent::EMPTY, Extent::of),
            init_held: last.register.format().is_some_and(held),
        };
        // A NaN that comes with another fraction would leave with it.
        if !bounds.near() || init.is_some_and(|init| init.iter().any(|x| x.is_nan())) {
            return None;
        }
        if level != ReportLevel::None {
            return Self::traced(acc, &stages, &bounds);
        }
        if let Some(unit) = lowered(first) {
            return Self::lowered(unit, first.width.get() as usize, &bounds, stages.len() == 1);
        }
        let inner = inner(first, &bounds, stages.len() == 1)?;
        let (count, order) = (products(first), ProductOrder::Ascending);
        let outer = stages[1..].iter().map(outer).collect::<Option<_>>()?;
        Some(Self { order, inner, count, outer, trace: None })
    }

    /// The same with a report. A step of halves is one step there, and two in lanes: the reference reports it.
    fn traced(acc: &Accumulator, stages: &[Stage], bounds: &Bounds) -> Option<Self> {
        let (first, only) = (stages.first()?, stages.len() == 1);
        let exact = match (acc.stages(), acc.stages().len() - stages.len()) {
            (_, 0) => None,
            (&[Stage { width, count: Some(count), .. }, ..], 1) => {
                let count = usize::try_from(count.get()).ok()?;
                Some(ExactStage { count, width: width.get() as usize })
            }
            // Of several exact stages only the outer one would be seen.
            _ => return None,
        };
        let (inner, trace) = match inner(first, bounds, only)? {
            InnerPlan::Fma(plan) => {
                let format = first.register.format()?;
                let start = if only { bounds.init.least } else { i32::MAX };
                let least = bounds.range().0.min(start);
                match inner_trace(plan, format, least).filter(|_| exact.is_none()) {
                    Some(trace) => (InnerPlan::Fma(plan), InnerTrace::Fma(trace)),
                    None => {
                        let mode = if plan.sum == Sum::Zero { Mode::Zero } else { Mode::Even };
                        let plan = grouped(format, mode, 1, products(first), bounds)?;
                        (InnerPlan::Grouped(plan), InnerTrace::Grouped(exact))
                    }
                }
            }
            inner @ InnerPlan::Grouped(_) => (inner, InnerTrace::Grouped(exact)),
            inner @ (InnerPlan::Single(plan)
            | InnerPlan::Short(ShortPlan { aligned: plan, .. })
            | InnerPlan::Double(plan)) => {
                let inner = match inner {
                    // Steps are shown of registers in `f64`.
                    InnerPlan::Short(_) => InnerPlan::Single(plan),
                    inner => inner,
                };
                let (least, most) = bounds.range();
                let products = match bounds.sum_digits(plan.width, products(first)) {
                    // Of a step that is one product, it says nothing.
                    digits if digits <= 53 && plan.width > 1 => Products::Whole,
                    _ => Products::new(least, most, plan.width)?,
                };
                (inner, InnerTrace::Aligned(products))
            }
        };
        let outer = stages[1..].iter().map(outer).collect::<Option<_>>()?;
        let (order, count) = (ProductOrder::Ascending, products(first));
        Some(Self { order, inner, count, outer, trace: Some(trace) })
    }

    /// Each half of an instruction is a step of the inner stage, and their sum a step of the register behind it.
    fn lowered(unit: Aligned, width: usize, bounds: &Bounds, only: bool) -> Option<Self> {
        if !only || !width.is_multiple_of(4) {
            return None;
        }
        let inner = aligned(&unit, width / 2, &Bounds { k: width, ..*bounds })?;
        let rounder = Rounder::new(unit.format, Mode::Even, Beyond::Ieee)?;
        let outer = vec![OuterPlan { rounder, count: None }];
        let order = ProductOrder::Halves(width);
        Some(Self { order, inner, count: Some(width), outer, trace: None })
    }

    /// Whether outputs that infinities or NaN of an operand enter need the reference.
    pub(super) fn needs_finite(&self) -> bool {
        matches!(self.inner, InnerPlan::Single(_) | InnerPlan::Short(_) | InnerPlan::Double(_))
    }

    /// How many k a tile takes before the tiles beside it take them, too: what they all read of a panel stays in the cache
    /// then. Whole steps, of registers that can be left and taken up again.
    pub(super) fn depth(&self) -> usize {
        const DEPTH: usize = 1024;
        match (self.inner, self.count) {
            (InnerPlan::Single(plan) | InnerPlan::Double(plan), None)
            | (InnerPlan::Short(ShortPlan { aligned: plan, .. }), None) => {
                (DEPTH / plan.width).max(1) * plan.width
            }
            _ => usize::MAX,
        }
    }
}

/// The unit of an instruction that is computed in halves.
fn lowered(stage: &Stage) -> Option<Aligned> {
    match stage.register {
        Register::Datapath(Datapath { unit: Unit::SplitHalves(SplitHalves { unit }), .. }) => {
            Some(*unit)
        }
        _ => None,
    }
}

/// The same sums without leading `exact/count` stages: they are wider steps of the float register behind them.
fn exact_tiles_as_width(stages: &[Stage]) -> Vec<Stage> {
    let mut stages = stages.to_vec();
    while let [Stage { register: Register::Exact, count: Some(inner), .. }, next, ..] = stages[..] {
        let float = matches!(next.register, Register::Float { .. });
        let width = u32::try_from(inner.get())
            .ok()
            .and_then(|n| next.width.checked_mul(n.try_into().ok()?));
        let count = next.count.map(|count| count.checked_mul(inner));
        let (Some(width), true, false) = (width, float, count == Some(None)) else {
            break;
        };
        stages.remove(0);
        stages[0] = Stage { width, count: count.flatten(), ..next };
    }
    stages
}

/// Products of a tile.
fn products(stage: &Stage) -> Option<usize> {
    stage.count.map(|count| usize::try_from(count.get()).unwrap_or(usize::MAX))
}

fn outer(stage: &Stage) -> Option<OuterPlan> {
    match stage.register {
        Register::Float { format, rounding, overflow: FloatOverflow::Own }
            if stage.width.get() == 1 =>
        {
            let rounder = Rounder::new(format, Mode::new(rounding)?, Beyond::Ieee)?;
            Some(OuterPlan { rounder, count: stage.count.map(|count| count.get()) })
        }
        _ => None,
    }
}

/// `only`: it is the only stage, so that it starts from the starting values.
fn inner(stage: &Stage, bounds: &Bounds, only: bool) -> Option<InnerPlan> {
    let (width, count) = (stage.width.get() as usize, products(stage));
    match stage.register {
        Register::Float { format, rounding, overflow: FloatOverflow::Own } => {
            float(format, rounding, width, count, bounds, only)
        }
        Register::Aligned { fraction_bits, alignment, format, rounding, overflow } => {
            let zero = ZeroExponent::None;
            let addends = Addends::Products;
            let unit =
                Aligned { fraction_bits, alignment, zero, addends, format, rounding, overflow };
            aligned(&unit, width, bounds)
        }
        Register::Datapath(datapath) => match datapath.unit {
            Unit::Fused { format, rounding } => float(format, rounding, width, count, bounds, only),
            Unit::Aligned(unit) => aligned(&unit, width, bounds),
            Unit::Cdna2 | Unit::Cdna3(_) | Unit::SplitHalves(_) | Unit::Vdpbf16ps => None,
        },
        Register::Float { .. } | Register::Int { .. } | Register::Exact => None,
    }
}

fn float(
    format: Format,
    rounding: Rounding,
    width: usize,
    count: Option<usize>,
    bounds: &Bounds,
    only: bool,
) -> Option<InnerPlan> {
    let mode = Mode::new(rounding)?;
    if width == 1
        && let Some(plan) = fma(format, mode, bounds, only)
    {
        return Some(InnerPlan::Fma(plan));
    }
    grouped(format, mode, width, count, bounds).map(InnerPlan::Grouped)
}

fn grouped(
    format: Format,
    mode: Mode,
    width: usize,
    count: Option<usize>,
    bounds: &Bounds,
) -> Option<GroupedPlan> {
    let rounder = Rounder::new(format, mode, Beyond::Ieee)?;
    let width = width.min(bounds.k.max(1));
    let held = bounds.digits() <= 53 && bounds.sum_digits(width, count) <= 53;
    held.then(|| GroupedPlan { rounder, width, held: bounds.held(format, mode, width) })
}

/// The bits of a number that counts up to `n`.
fn bits(n: usize) -> i32 {
    (usize::BITS - n.leading_zeros()) as i32
}

fn fma(format: Format, mode: Mode, bounds: &Bounds, only: bool) -> Option<FmaPlan> {
    let float = ieee(format)?;
    let fraction_bits = float.fraction_bits();
    let keep = if format == Format::F16 {
        Keep::Half
    } else if float.exponent_bits() == 8 && float.bias() == 127 {
        match 23u32.checked_sub(fraction_bits)? {
            0 => Keep::All,
            cut => Keep::Cut(cut),
        }
    } else {
        Keep::Narrow(narrow(float, format)?)
    };
    let singles = Bounds::single(bounds.a) && Bounds::single(bounds.b);
    if !singles || only && !Bounds::single(bounds.init) {
        return None;
    }
    let sum = match (mode, keep) {
        (Mode::Zero, _) => Sum::Zero,
        (Mode::Even, Keep::All) => Sum::Even,
        (Mode::Even, _) if harmless(float, bounds, only) => Sum::Even,
        (Mode::Even, _) if fraction_bits <= 21 => Sum::Odd,
        (Mode::Even, _) => return None,
    };
    Some(FmaPlan { sum, keep, product: bounds.product() })
}

/// A format whose digits and exponents leave `f32` the room to round to it.
fn narrow(float: FloatFormat, format: Format) -> Option<NarrowFloat<f32>> {
    let (fraction_bits, exponents) =
        (float.fraction_bits(), (float.min_exponent(), float.largest_exponent()));
    let magic = 23u32.checked_sub(fraction_bits)? as i32;
    let fits = (1..=21).contains(&fraction_bits)
        && exponents.0 - fraction_bits as i32 >= -120
        && exponents.1 + magic < 126;
    fits.then(|| NarrowFloat::new(fraction_bits, exponents, format.max_finite(), 23))
}

/// Whether rounding to nearest in `f32` in between does no harm; see above.
fn harmless(float: FloatFormat, bounds: &Bounds, only: bool) -> bool {
    let digits = float.fraction_bits() + 1;
    let last_digit = (float.min_exponent() - float.fraction_bits() as i32).min(bounds.range().0);
    let held = !only || bounds.init_held;
    let exact_where_subnormal = last_digit + 24 >= float.min_exponent();
    digits <= 11 && bounds.digits() <= digits && held && exact_where_subnormal
}

fn aligned(unit: &Aligned, width: usize, bounds: &Bounds) -> Option<InnerPlan> {
    if unit.alignment != Rounding::TowardZero || unit.overflow != FloatOverflow::Own {
        return None;
    }
    let float = ieee(unit.format)?;
    let rounder = Rounder::new(unit.format, Mode::new(unit.rounding)?, Beyond::Infinity)?;
    let width = width.min(bounds.k.max(1));
    let power = |exponent: i32| 2f64.powi(exponent);
    let least = bounds.a.least_exponent.saturating_add(bounds.b.least_exponent);
    let (aligns, addends, whole) = match unit.addends {
        // A product lies below 4 where its exponent is 0.
        Addends::Products => (Aligns::Products, width, 2),
        Addends::ScaledGroups(size) => {
            let size = size as usize;
            let elements = bounds.a.element.most.saturating_add(bounds.b.element.most) + 2;
            // Both scales have a significand below 2.
            (Aligns::Groups(size), width.div_ceil(size), elements + 2 + bits(size))
        }
    };
    let zeros = match unit.zero {
        ZeroExponent::None => Zeros::Ignored,
        // A zero register has this exponent, and any other a greater one: no step has a smaller.
        ZeroExponent::Fixed(zero) if float.min_exponent() >= zero => Zeros::At(power(zero)),
        ZeroExponent::Fixed(_) => return None,
    };
    let fraction_bits = i32::try_from(unit.fraction_bits).ok()?;
    // The register is an addend too.
    let digits = fraction_bits + whole.max(1) + bits(addends + 1);
    let plan = AlignedPlan {
        rounder,
        width,
        aligns,
        zeros,
        scale: power(fraction_bits),
        least: power(least.clamp(-FAR, FAR)),
        least_register: power(float.min_exponent()),
        sums: Sums::Numbers,
    };
    // What remains of f32's exponents is enough for any unit of products.
    let small =
        |extent: Extent| extent.least >= -24 && extent.most <= 24 && extent.least_exponent >= -24;
    let single = bounds.digits() <= 24 && small(bounds.a) && small(bounds.b);
    if single && aligns == Aligns::Products {
        // Products lie below so many units, and all of a step together below 2^31.
        let whole = (0..=27).contains(&fraction_bits) && width <= 1 << (29 - fraction_bits);
        let sums = if digits <= 24 { Some(Sums::Numbers) } else { whole.then_some(Sums::Whole) };
        if let Some(sums) = sums {
            let plan = AlignedPlan { sums, ..plan };
            let init = &bounds.init;
            let stays = init.least >= -75 && init.most <= 100 && !init.special;
            let wide = float.exponent_bits() == 8 && float.bias() == 127;
            let zero = Mode::new(unit.rounding) == Some(Mode::Zero);
            let short = match u32::try_from(fraction_bits) {
                Ok(bits) if whole && wide && zero && stays => {
                    ShortPlan::new(plan, bits, float.fraction_bits())
                }
                _ => None,
            };
            return Some(short.map_or(InnerPlan::Single(plan), InnerPlan::Short));
        }
    }
    (digits <= 53 && bounds.digits() <= 53).then_some(InnerPlan::Double(plan))
}
