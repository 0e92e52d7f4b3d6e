//! Why an algorithm refuses its input.

use thiserror::Error;

use crate::ConvShapeError;
use crate::quantize::QuantizeError;
use crate::simd::{Vectorized, vectorize};
use crate::tasks;

/// Why an algorithm refuses its input.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum AlgorithmError {
    /// Two matrices that do not fit together.
    #[error(
        "{what} is {found_rows}x{found_cols}, but {expected_rows}x{expected_cols} was expected"
    )]
    Shape {
        /// Which matrix.
        what: &'static str,
        /// Rows found.
        found_rows: usize,
        /// Columns found.
        found_cols: usize,
        /// Rows expected.
        expected_rows: usize,
        /// Columns expected.
        expected_cols: usize,
    },
    /// NaN or an infinity where a finite number is needed.
    #[error("{what} holds {value} at row {row}, column {col}; only finite values can be used")]
    NotFinite {
        /// Which matrix.
        what: &'static str,
        /// Row of the value.
        row: u64,
        /// Column of the value.
        col: usize,
        /// The value, NaN or an infinity.
        value: f64,
    },
    /// Statistics of no sample.
    #[error("the statistics hold no sample; calibrate with at least one row of inputs")]
    NoSamples,
    /// A matrix without rows or without columns.
    #[error("{what} is {rows}x{cols}; at least one row and one column are needed")]
    Empty {
        /// Which matrix.
        what: &'static str,
        /// Its rows.
        rows: usize,
        /// Its columns.
        cols: usize,
    },
    /// A group size that does not divide the inputs.
    #[error("a group of {group} does not divide the {inputs} inputs of {what}")]
    Group {
        /// The group size.
        group: usize,
        /// The number that it should divide.
        inputs: usize,
        /// What is cut into groups.
        what: &'static str,
    },
    /// A granularity that weights cannot have.
    #[error("{0}: weights have one scale per matrix, output, input, or group of inputs")]
    Granularity(String),
    /// A Gram matrix that cannot be factored.
    #[error(
        "the damped Gram matrix is not positive definite (its factorisation stops at input {column}); raise the damping"
    )]
    NotPositiveDefinite {
        /// The first column without a positive pivot, in processing order.
        column: usize,
    },
    /// A parameter out of its range.
    #[error("{name} is {value}, but must be {expected}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The range, in words.
        expected: &'static str,
    },
    /// A mismatch that needs both inputs.
    #[error(
        "{0} needs statistics that were collected with both the float and the quantized inputs"
    )]
    NeedsPairs(&'static str),
    /// An accumulator constraint that this grid cannot keep.
    #[error("{0}")]
    Constraint(String),
    /// A convolution that does not fit its images.
    #[error(transparent)]
    Convolution(#[from] ConvShapeError),
    /// A quantizer that cannot be made or applied.
    #[error(transparent)]
    Quantizer(#[from] QuantizeError),
    /// No known construction of this order.
    #[error(
        "there is no Hadamard matrix of order {order} here: the order must be 2^k times one of 1, 12, 20, 28, 36, 40, 52, 60, 108, 140, 152, 156, 172"
    )]
    HadamardOrder {
        /// The order asked for.
        order: usize,
    },
    /// A file of statistics that cannot be read or written.
    #[error("{path}, as a file of statistics: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

impl AlgorithmError {
    /// Compares the shape of a matrix with what is expected.
    pub(crate) fn check_shape(
        what: &'static str,
        found: (usize, usize),
        expected: (usize, usize),
    ) -> Result<(), Self> {
        if found == expected {
            return Ok(());
        }
        Err(Self::Shape {
            what,
            found_rows: found.0,
            found_cols: found.1,
            expected_rows: expected.0,
            expected_cols: expected.1,
        })
    }
}

/// The first value of `matrix` that is NaN or infinite, as an error; rows are counted from `first_row`.
pub(crate) fn check_finite(
    what: &'static str,
    matrix: ndarray::ArrayView2<'_, f32>,
    first_row: u64,
) -> Result<(), AlgorithmError> {
    /// Elements of a parallel task; fewer are looked at at once.
    const SHARE: usize = 1 << 16;
    let are_finite = |values: &[f32]| match values.len() > SHARE {
        true => {
            let shares = tasks::map(values.chunks(SHARE), |values| vectorize(AreFinite(values)));
            shares.into_iter().all(|finite| finite)
        }
        false => vectorize(AreFinite(values)),
    };
    if matrix.as_slice().is_some_and(are_finite) {
        return Ok(());
    }
    for (row, values) in (first_row..).zip(matrix.rows()) {
        for (col, &value) in values.iter().enumerate() {
            if !value.is_finite() {
                return Err(AlgorithmError::NotFinite { what, row, col, value: value.into() });
            }
        }
    }
    Ok(())
}

/// Whether all numbers are finite.
struct AreFinite<'a>(&'a [f32]);

impl Vectorized for AreFinite<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        // Of magnitudes as integers, infinity and what is no number are the greatest.
        let bits = self.0.iter().map(|x| (x.to_bits() & 0x7fff_ffff) as i32);
        bits.fold(0, |most, bits| if bits > most { bits } else { most }) < 0x7f80_0000
    }
}

impl AlgorithmError {
    /// Refuses a damping that is negative or not finite.
    pub(crate) fn check_damping(damping: f64) -> Result<(), Self> {
        if damping >= 0.0 && damping.is_finite() {
            return Ok(());
        }
        Err(Self::Parameter {
            name: "the damping",
            value: damping,
            expected: "a finite number of at least 0",
        })
    }
}
