//! What runs: the one place that decides.
//!
//! A plan is an accumulator in its shortest form for what is reported; see [`plan`](super::plan). The first row that holds:
//!
//! | plan | operands | kernel |
//! |---|---|---|
//! | initial values that cannot be added at the end | any | [`Kernel::Reference`] |
//! | registers that take turns, of which more is asked than one exact sum | any | [`Kernel::Reference`] |
//! | one exact sum, or its low bits | at most 16 bits | [`Kernel::Exact`] |
//! | a full report of sums below 2^29, in whole blocks | bytes, one operand signed | [`Kernel::Trajectory`] |
//! | a register of at most 30 bits in steps that fit blocks, and no output overflows in the worst case | bytes, one operand signed | [`Kernel::Exact`] |
//! | a register of at most 30 bits in steps that fit blocks | bytes, one operand signed | [`Kernel::Guarded`] |
//! | all values within 32 bits | at most 16 bits | [`Kernel::Stepped`] in 32-bit lanes |
//! | all values within 64 bits | at most 32 bits | [`Kernel::Stepped`] in 64-bit lanes |
//! | any other | any | [`Kernel::Reference`] |
//!
//! Which kernel sums exactly is told by the operands, and by what is fastest on the instruction set; again the first row:
//!
//! | operands | k and instruction set | kernel |
//! |---|---|---|
//! | -1, 0 and 1 | long enough, bits are counted, no AMX tiles | [`ExactKernel::Ternary`] |
//! | bytes, columns in lanes | enough rows for AMX tiles | [`ExactKernel::Amx`] |
//! | bytes | any | [`ExactKernel::Int8`] |
//! | at most 16 bits | any | [`ExactKernel::Int16`] |

use ndarray::ArrayView2;

use super::exact::product::ExactKernel;
use super::guarded::worst_case::WorstCase;
use super::operand::geometry::{Orientation, Side};
use super::operand::matrix::Matrix;
use super::operand::packed::{ByteOperands, Int16Operands, PackedMatrix};
use super::operand::step_words::WordKind;
use super::operand::{int8, ternary};
use super::output::StoreMode;
use super::plan::bounds::Bounds;
use super::plan::shortest::Plan;
use super::plan::stage::{StagePlan, StageRegister};
use super::product::ReportLevel;
use super::reference::Problem;
use super::{guarded, trajectory};
use crate::simd::Detected;
#[cfg(target_arch = "x86_64")]
use crate::simd::amx::Amx;

/// What computes a product.
pub(crate) enum Kernel<'a> {
    /// Exact sums, of which the mode is stored.
    Exact(ExactKernel<'a>, StoreMode),
    /// Blocks of k are summed, and stepped where bounds do not rule out overflow.
    Guarded(ByteOperands<'a>, WorstCase),
    /// The exact trajectory, and the real one of tiles in which a register overflows.
    Trajectory(ByteOperands<'a>),
    /// Every step is checked, in lanes of such words.
    Stepped(WordKind),
    /// The scalar reference.
    Reference,
}

/// What a product is chosen by.
pub(crate) struct Request<'a, 'm> {
    pub(crate) problem: Problem<'a, 'm>,
    pub(crate) bounds: Bounds,
    /// The accumulator's stages.
    pub(crate) stages: Vec<StagePlan>,
    /// The form in which they are run.
    pub(crate) plan: Plan,
    pub(crate) isa: Detected,
}

impl<'a> Kernel<'a> {
    /// The kernel of the table's first row that holds.
    pub(crate) fn select(request: &Request<'a, '_>) -> Self {
        let &Request { problem: Problem { a, b, init, .. }, bounds, ref plan, isa, .. } = request;
        if init.is_some_and(|init| !request.adds(init)) {
            return Self::Reference;
        }
        if request.problem.acc.is_interleaved()
            && (plan.report != ReportLevel::None || plan.stored_sum().is_none())
        {
            return Self::Reference;
        }
        if let Some(store) = plan.stored_sum()
            && let Some(kernel) = exact_kernel(a, b, isa)
        {
            return Self::Exact(kernel, store);
        }
        if plan.word == Some(WordKind::Pair16)
            && let Some(operands) = ByteOperands::new(a, b)
            && (operands.a.fits_i8() || operands.b.fits_i8())
        {
            let full = plan.report == ReportLevel::Full;
            if full && trajectory::product::takes(&plan.stages, bounds) {
                return Self::Trajectory(operands);
            }
            if !full && guarded::product::takes(&plan.stages, bounds.k) {
                let worst_case = WorstCase::new(operands, &plan.stages);
                return if worst_case.rules_out_overflow() {
                    Self::Exact(byte_kernel(operands, isa), StoreMode::Whole)
                } else {
                    Self::Guarded(operands, worst_case)
                };
            }
        }
        plan.word.map_or(Self::Reference, Self::Stepped)
    }
}

impl Request<'_, '_> {
    /// Whether the initial values may be added to the values at the end.
    fn adds(&self, init: ArrayView2<'_, i64>) -> bool {
        if self.plan.report != ReportLevel::None || self.plan.stored_sum().is_none() {
            return false;
        }
        match self.stages.last().map(|stage| stage.register) {
            Some(StageRegister::Saturate { bits }) => {
                let greatest = init.iter().map(|x| u128::from(x.unsigned_abs())).max().unwrap_or(0);
                // With the initial value nothing saturates, or else the steps are needed.
                let reach = self.bounds.greatest(&self.stages).saturating_add(greatest);
                reach < 1 << (bits - 1)
            }
            _ => true,
        }
    }
}

/// The kernel of exact sums, if there is one for these operands.
fn exact_kernel<'a>(
    a: &'a Matrix<'_>,
    b: &'a PackedMatrix,
    isa: Detected,
) -> Option<ExactKernel<'a>> {
    match ByteOperands::new(a, b) {
        Some(operands) => Some(byte_kernel(operands, isa)),
        None => Int16Operands::new(a, b).map(ExactKernel::Int16),
    }
}

/// The kernel of exact sums of bytes.
fn byte_kernel(operands: ByteOperands<'_>, isa: Detected) -> ExactKernel<'_> {
    if is_faster_as_bits(operands, isa) {
        return ExactKernel::Ternary(operands);
    }
    #[cfg(target_arch = "x86_64")]
    if let (m, _, n) = operands.dim()
        && let Some(amx) = amx(isa, m)
        && int8::GEOMETRY.orientation(m, n) == Orientation::ColumnsInLanes
    {
        return ExactKernel::Amx(operands, amx);
    }
    ExactKernel::Int8(operands)
}

/// Whether the codes are -1, 0 and 1, and faster counted as bits than multiplied as bytes.
fn is_faster_as_bits(operands: ByteOperands<'_>, isa: Detected) -> bool {
    let (ByteOperands { a, b, .. }, (m, k, _)) = (operands, operands.dim());
    let tuning = isa.tuning();
    ternary::is_ternary(b)
        && ternary::is_ternary(a)
        && k >= tuning.binary_from
        && isa.counts_bits()
        && !has_amx(isa, m)
        && (k >= tuning.ternary_from
            || !operands.ternary_columns(Side::Lanes).has_zeros()
            || !ternary::has_zeros(a))
}

/// Fewer rows leave too much of an AMX tile empty.
#[cfg(target_arch = "x86_64")]
const LEAST_AMX_ROWS: usize = 8;

/// The proof that there are AMX tiles, if `m` rows are multiplied in them by `isa`.
#[cfg(target_arch = "x86_64")]
fn amx(isa: Detected, m: usize) -> Option<Amx> {
    isa.tiles().filter(|_| m >= LEAST_AMX_ROWS)
}

/// Whether `m` rows of bytes are multiplied in AMX tiles, which is faster than to count bits.
fn has_amx(isa: Detected, m: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    return amx(isa, m).is_some();
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (isa, m);
        false
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::Isa;
    use crate::accumulate::Accumulator;
    use crate::kernels::plan::stage::stages;

    /// The kernel for 16 x 600 times 600 x 64, whose elements go from `low` to `high`, on the portable instruction set.
    fn selected(acc: &str, report: ReportLevel, a: (i64, i64), b: (i64, i64)) -> &'static str {
        let between = |shape, (low, high): (i64, i64)| {
            Array2::from_shape_fn(shape, |(i, j)| if (i + j) % 7 == 0 { high } else { low })
        };
        let (a, b) = (between((16, 600), a), between((600, 64), b));
        let (a, b) = (Matrix::new(a.view()), PackedMatrix::new(b.view()));
        name(acc, report, &a, &b)
    }

    fn name(acc: &str, report: ReportLevel, a: &Matrix<'_>, b: &PackedMatrix) -> &'static str {
        let acc: Accumulator = acc.parse().unwrap();
        let (stages, bounds) = (stages(&acc).unwrap(), Bounds::new(a, &b.matrix));
        let plan = Plan::new(&stages, bounds, report);
        let problem = Problem { a, b, acc: &acc, init: None };
        let isa = Isa::Portable.detect().unwrap();
        match Kernel::select(&Request { problem, bounds, stages, plan, isa }) {
            Kernel::Exact(ExactKernel::Ternary(_), _) => "ternary",
            Kernel::Exact(ExactKernel::Int8(_), _) => "int8",
            Kernel::Exact(ExactKernel::Int16(_), _) => "int16",
            #[cfg(target_arch = "x86_64")]
            Kernel::Exact(ExactKernel::Amx(..), _) => "amx",
            Kernel::Guarded(..) => "guarded",
            Kernel::Trajectory(_) => "trajectory",
            Kernel::Stepped(WordKind::Pair16) => "stepped 32",
            Kernel::Stepped(WordKind::One64) => "stepped 64",
            Kernel::Reference => "reference",
        }
    }

    #[test]
    fn every_row_of_the_table() {
        use ReportLevel::{Events, Full, None};
        let (byte, unsigned, word) = ((-128, 127), (0, 255), (-9000, 9000));
        assert_eq!(selected("exact", None, (-1, 1), (0, 1)), "ternary");
        assert_eq!(selected("exact", None, unsigned, byte), "int8");
        assert_eq!(selected("int40-sat", Events, unsigned, unsigned), "int8");
        assert_eq!(selected("int16-wrap", None, word, byte), "int16");
        assert_eq!(selected("int16-sat", None, unsigned, byte), "guarded");
        assert_eq!(selected("int16-wrap", Events, byte, byte), "guarded");
        assert_eq!(selected("int16-wrap", Full, byte, unsigned), "trajectory");
        assert_eq!(selected("int16-sat", None, unsigned, unsigned), "stepped 32");
        assert_eq!(selected("int16-sat*3", None, byte, byte), "stepped 32");
        assert_eq!(selected("int40-sat", None, (0, 1 << 20), (0, 1 << 24)), "stepped 64");
        assert_eq!(selected("int40-sat", None, (0, 1 << 40), byte), "reference");
    }

    #[test]
    fn what_cannot_overflow_in_the_worst_case_is_exact() {
        let a = Array2::from_elem((16, 600), 3u8);
        let mut b = Array2::<i8>::zeros((600, 64));
        b.row_mut(5).fill(100);
        let name = |b: &Array2<i8>| {
            let (a, b) = (Matrix::new(a.view()), PackedMatrix::new(b.view()));
            name("int10-sat", ReportLevel::Events, &a, &b)
        };
        assert_eq!(name(&b), "int8");
        b.column_mut(9).fill(100);
        assert_eq!(name(&b), "guarded");
    }
}
