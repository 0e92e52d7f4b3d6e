//! The orders that have a Hadamard matrix here.

use ndarray::Array2;

use super::circulant::{FirstRows, ROWS_39, ROWS_43, goethals_seidel};
use super::field::Field;
use super::paley::{paley_one, paley_two};
use crate::algorithms::AlgorithmError;

/// How a base matrix is made.
#[derive(Clone, Copy)]
enum Construction {
    /// Order `p^k + 1`.
    PaleyOne(usize, usize),
    /// Order `2 (p^k + 1)`.
    PaleyTwo(usize, usize),
    /// Order four times the length of the rows.
    GoethalsSeidel(FirstRows),
    /// Twice the order of another base: `H ⊗ [1 1; 1 -1]`.
    Doubled(usize),
}

/// Base orders and how each is made, one for each odd factor and those that double one of them.
const CONSTRUCTIONS: [(usize, Construction); 12] = [
    (12, Construction::PaleyOne(11, 1)),
    (20, Construction::PaleyOne(19, 1)),
    (28, Construction::PaleyOne(3, 3)),
    (36, Construction::PaleyTwo(17, 1)),
    (40, Construction::Doubled(20)),
    (52, Construction::PaleyTwo(5, 2)),
    (60, Construction::PaleyOne(59, 1)),
    (108, Construction::PaleyOne(107, 1)),
    (140, Construction::PaleyOne(139, 1)),
    (152, Construction::PaleyOne(151, 1)),
    (156, Construction::GoethalsSeidel(ROWS_39)),
    (172, Construction::GoethalsSeidel(ROWS_43)),
];

/// The v of the orders `v * 2^k`, besides 1.
pub const HADAMARD_BASES: [usize; 12] = {
    let mut bases = [0; 12];
    let mut i = 0;
    while i < bases.len() {
        bases[i] = CONSTRUCTIONS[i].0;
        i += 1;
    }
    bases
};

/// An order `base * 2^log2` that has a Hadamard matrix here.
///
/// ```
/// use fewbit::algorithms::rotate::HadamardOrder;
/// let order = HadamardOrder::new(11008)?; // 172 * 64
/// assert_eq!((order.base(), order.log2()), (172, 6));
/// assert!(HadamardOrder::new(44).is_err());
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HadamardOrder {
    base: usize,
    log2: u32,
}

impl HadamardOrder {
    /// The order n with the smallest base that serves it.
    ///
    /// # Errors
    /// [`AlgorithmError::HadamardOrder`] where none does.
    pub fn new(n: usize) -> Result<Self, AlgorithmError> {
        [1].iter()
            .chain(&HADAMARD_BASES)
            .find(|&&base| n.is_multiple_of(base) && (n / base).is_power_of_two())
            .map(|&base| Self { base, log2: (n / base).trailing_zeros() })
            .ok_or(AlgorithmError::HadamardOrder { order: n })
    }

    /// The order of the base matrix, 1 or one of [`HADAMARD_BASES`].
    pub fn base(self) -> usize {
        self.base
    }

    /// How often it is doubled.
    pub fn log2(self) -> u32 {
        self.log2
    }

    /// `base * 2^log2`.
    pub fn order(self) -> usize {
        self.base << self.log2
    }

    /// The base matrix.
    pub(super) fn base_matrix(self) -> Array2<i8> {
        base_matrix(self.base)
    }
}

fn base_matrix(base: usize) -> Array2<i8> {
    let construction = CONSTRUCTIONS.iter().find(|(order, _)| *order == base);
    match construction.map(|(_, construction)| *construction) {
        None => Array2::ones((1, 1)),
        Some(Construction::PaleyOne(p, k)) => paley_one(&Field::new(p, k)),
        Some(Construction::PaleyTwo(p, k)) => paley_two(&Field::new(p, k)),
        Some(Construction::GoethalsSeidel(rows)) => goethals_seidel(rows),
        Some(Construction::Doubled(half)) => times_sylvester(&base_matrix(half), 1),
    }
}

/// The Hadamard matrix of order n used here: `H Hᵀ = n I` in integers.
///
/// `H_n = H_v ⊗ S` with S the matrix of Sylvester of order 2^k, `S[i, j] = (-1)^popcount(i & j)`, and H_v the base matrix:
/// Paley's constructions for 12, 20, 28, 36, 52, 60, 108, 140, 152; four circulants for 156 and 172.
///
/// ```
/// use fewbit::algorithms::rotate::hadamard_matrix;
/// use ndarray::array;
/// assert_eq!(hadamard_matrix(2)?, array![[1, 1], [1, -1]]);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// [`AlgorithmError::HadamardOrder`] where no base serves n.
pub fn hadamard_matrix(n: usize) -> Result<Array2<i8>, AlgorithmError> {
    let order = HadamardOrder::new(n)?;
    Ok(times_sylvester(&order.base_matrix(), order.log2))
}

fn times_sylvester(base: &Array2<i8>, log2: u32) -> Array2<i8> {
    let (n, run) = (base.nrows() << log2, 1 << log2);
    Array2::from_shape_fn((n, n), |(i, j)| {
        let odd = ((i % run) & (j % run)).count_ones() % 2;
        base[[i / run, j / run]] * (1 - 2 * odd as i8)
    })
}

/// To which orders an expansion may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Orders {
    /// `v * 2^k` with v one of [`HADAMARD_BASES`], without the powers of two: the rule of the published experiments
    /// (arXiv 2503.17513), so that 14336 goes to 15360 and 17920.
    #[default]
    Published,
    /// Powers of two as well: 14336 goes to 15360 and 16384.
    All,
}

/// The order that `steps` expansions lead to from n: each goes to the next greater order.
///
/// ```
/// use fewbit::algorithms::rotate::{Orders, expanded_order};
/// assert_eq!(expanded_order(8192, 1, Orders::Published)?, 8960); // 35 * 256
/// assert_eq!(expanded_order(8192, 7, Orders::Published)?, 12288);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// An order beyond 2^40.
pub fn expanded_order(n: usize, steps: usize, orders: Orders) -> Result<usize, AlgorithmError> {
    let one: &[usize] = if orders == Orders::All { &[1] } else { &[] };
    let mut n = n;
    for _ in 0..steps {
        if n >= 1 << 40 {
            return Err(AlgorithmError::HadamardOrder { order: n });
        }
        // The least base * 2^k above n, for each base.
        let above = |base: &usize| base * (n / base + 1).next_power_of_two();
        n = one.iter().chain(&HADAMARD_BASES).map(above).min().unwrap_or(n);
    }
    Ok(n)
}
