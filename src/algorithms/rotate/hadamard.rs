//! Hadamard transforms of matrices, in place.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};

use super::order::HadamardOrder;
use super::reference::Direction;
use super::transform::{Plan, ROWS, Rotatable, Rows};
use crate::Isa;
use crate::algorithms::AlgorithmError;
use crate::simd::Detected;
use crate::tasks;

/// Columns that are transformed together: a multiple of a few cache lines, more where columns are short.
const STRIP: usize = 32;
/// Numbers of a strip, about: what the second-level cache holds.
const STRIP_NUMBERS: usize = 1 << 18;
/// Columns of a strip at most.
const WIDEST: usize = 512;
/// Numbers of a parallel task, about.
const TASK: usize = 1 << 16;

/// The Hadamard matrix of one order, as a fast transform without a factor: `H Hᵀ = n I`.
///
/// A row of n numbers takes `n (k + v)` additions for `n = v * 2^k` (none for v of 1), with the operations of
/// [`transform_reference`](super::transform_reference) and the same bits, for every instruction set and number of threads.
#[derive(Clone, Debug)]
pub struct Hadamard {
    order: HadamardOrder,
    base: Array2<i8>,
}

/// Factors by position along the transformed axis.
#[derive(Clone, Copy)]
pub(super) struct Factors<'a, T> {
    pub(super) before: Option<&'a [T]>,
    pub(super) after: Option<&'a [T]>,
}

impl<T> Factors<'_, T> {
    const NONE: Self = Self { before: None, after: None };
}

impl Hadamard {
    /// The transform of order n.
    ///
    /// # Errors
    /// [`AlgorithmError::HadamardOrder`] where there is no matrix of this order.
    pub fn new(n: usize) -> Result<Self, AlgorithmError> {
        let order = HadamardOrder::new(n)?;
        Ok(Self { order, base: order.base_matrix() })
    }

    /// n.
    pub fn order(&self) -> usize {
        self.order.order()
    }

    /// `M <- M H` or `M Hᵀ`; where M has a multiple of n columns, each block of n by itself.
    ///
    /// ```
    /// use fewbit::algorithms::rotate::{Direction, Hadamard};
    /// use ndarray::array;
    /// let mut m = array![[1.0f32, 2.0, 3.0, 4.0]];
    /// Hadamard::new(2)?.transform_rows(m.view_mut(), Direction::Forward)?;
    /// assert_eq!(m, array![[3.0, -1.0, 7.0, -1.0]]);
    /// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
    /// ```
    ///
    /// # Errors
    /// [`AlgorithmError::Group`] where n does not divide the columns.
    pub fn transform_rows<T: Rotatable>(
        &self,
        m: ArrayViewMut2<'_, T>,
        direction: Direction,
    ) -> Result<(), AlgorithmError> {
        self.rows(m, direction, Factors::NONE, Detected::best())
    }

    /// `M <- Hᵀ M` (forward) or `H M`; where M has a multiple of n rows, each block of n by itself.
    ///
    /// # Errors
    /// [`AlgorithmError::Group`] where n does not divide the rows.
    pub fn transform_columns<T: Rotatable>(
        &self,
        m: ArrayViewMut2<'_, T>,
        direction: Direction,
    ) -> Result<(), AlgorithmError> {
        self.columns(m, direction, Factors::NONE, Detected::best())
    }

    /// As [`Self::transform_rows`] with the instructions of `isa`, where the CPU has them; for comparisons.
    #[doc(hidden)]
    pub fn transform_rows_with<T: Rotatable>(
        &self,
        isa: Isa,
        m: ArrayViewMut2<'_, T>,
        direction: Direction,
    ) -> Result<(), AlgorithmError> {
        let isa = isa.detect().unwrap_or_else(|_| Detected::best());
        self.rows(m, direction, Factors::NONE, isa)
    }

    pub(super) fn rows<T: Rotatable>(
        &self,
        mut m: ArrayViewMut2<'_, T>,
        direction: Direction,
        factors: Factors<'_, T>,
        isa: Detected,
    ) -> Result<(), AlgorithmError> {
        self.check(m.ncols(), "the columns of a matrix")?;
        if m.is_empty() {
            return Ok(());
        }
        let plan = self.plan(direction, 1);
        let Factors { before, after } = factors;
        let rows = (TASK / m.ncols()).max(1);
        tasks::for_each(m.axis_chunks_iter_mut(Axis(0), rows), |mut rows| {
            if let Some(data) = rows.as_slice_mut() {
                return T::transform(Rows { plan: &plan, data, before, after, isa });
            }
            let mut copy = vec![T::zero(); rows.ncols()];
            for mut row in rows.rows_mut() {
                copy.iter_mut().zip(&row).for_each(|(to, from)| *to = *from);
                T::transform(Rows { plan: &plan, data: &mut copy, before, after, isa });
                row.iter_mut().zip(&copy).for_each(|(to, from)| *to = *from);
            }
        });
        Ok(())
    }

    pub(super) fn columns<T: Rotatable>(
        &self,
        mut m: ArrayViewMut2<'_, T>,
        direction: Direction,
        factors: Factors<'_, T>,
        isa: Detected,
    ) -> Result<(), AlgorithmError> {
        self.check(m.nrows(), "the rows of a matrix")?;
        if m.is_empty() {
            return Ok(());
        }
        let length = m.nrows();
        let strip = (STRIP_NUMBERS / length / STRIP * STRIP).clamp(STRIP, WIDEST);
        let plan = self.plan(direction, strip);
        let factor = |factors: Option<&[T]>, i: usize| factors.map_or(T::one(), |f| f[i]);
        tasks::for_each(m.axis_chunks_iter_mut(Axis(1), strip), |mut columns| {
            let mut copy = vec![T::zero(); length * strip];
            for (i, (to, from)) in copy.chunks_exact_mut(strip).zip(columns.rows()).enumerate() {
                let f = factor(factors.before, i);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from * f);
            }
            let data = Rows { plan: &plan, data: &mut copy, before: None, after: None, isa };
            T::transform(data);
            for (i, (from, mut to)) in copy.chunks_exact(strip).zip(columns.rows_mut()).enumerate()
            {
                let f = factor(factors.after, i);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from * f);
            }
        });
        Ok(())
    }

    fn check(&self, inputs: usize, what: &'static str) -> Result<(), AlgorithmError> {
        if inputs.is_multiple_of(self.order()) {
            return Ok(());
        }
        Err(AlgorithmError::Group { group: self.order(), inputs, what })
    }

    fn plan<T: Rotatable>(&self, direction: Direction, columns: usize) -> Plan<T> {
        let matrix: ArrayView2<'_, i8> = match direction {
            Direction::Forward => self.base.t(),
            Direction::Backward => self.base.view(),
        };
        Plan {
            base: self.order.base(),
            log2: self.order.log2(),
            columns,
            signs: matrix
                .axis_chunks_iter(Axis(0), ROWS)
                .flat_map(|rows| {
                    let column = |j: usize| std::array::from_fn(|r| rows.get([r, j]).copied());
                    let signs = |j| column(j).map(|sign| T::of(sign.unwrap_or(0).into()));
                    (0..rows.ncols()).map(signs).collect::<Vec<_>>()
                })
                .collect(),
        }
    }
}
