//! The values that a code may stand for, before scaling.

use fewbit_formats::Format;

use crate::algorithms::AlgorithmError;

/// Finite values in ascending order, at least two.
///
/// ```
/// use fewbit::algorithms::scale::Codebook;
/// use fewbit::formats::Format;
/// let fp4 = Codebook::of_format(Format::E2M1FN)?;
/// assert_eq!(fp4.values().len(), 15);
/// assert_eq!((fp4.nearest(2.4), fp4.nearest(-9.0), fp4.largest()), (2.0, -6.0, 6.0));
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Codebook {
    values: Vec<f64>,
    /// Between neighbours.
    midpoints: Vec<f64>,
}

impl Codebook {
    /// These values; duplicates count once.
    ///
    /// # Errors
    /// [`AlgorithmError::Parameter`] where one is not finite, or fewer than two are different.
    pub fn new(mut values: Vec<f64>) -> Result<Self, AlgorithmError> {
        if let Some(&value) = values.iter().find(|v| !v.is_finite()) {
            let (name, expected) = ("a value of the codebook", "finite");
            return Err(AlgorithmError::Parameter { name, value, expected });
        }
        values.sort_by(f64::total_cmp);
        values.dedup();
        if values.len() < 2 {
            return Err(AlgorithmError::Parameter {
                name: "the number of values of the codebook",
                value: values.len() as f64,
                expected: "at least 2",
            });
        }
        let midpoints = values.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0).collect();
        Ok(Self { values, midpoints })
    }

    /// The finite values of a format of at most 16 bits.
    ///
    /// # Errors
    /// [`AlgorithmError::Parameter`] for wider formats.
    pub fn of_format(format: Format) -> Result<Self, AlgorithmError> {
        if format.bits() > 16 {
            return Err(AlgorithmError::Parameter {
                name: "the width of the format whose values are listed",
                value: format.bits().into(),
                expected: "at most 16 bits",
            });
        }
        let all = (0..format.code_count() as u32).map(|code| format.decode(code));
        // -0 and 0 are one value.
        Self::new(all.filter(|v| v.is_finite()).map(|v| v + 0.0).collect())
    }

    /// The values.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The greatest magnitude.
    pub fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |most, v| v.abs().max(most))
    }

    /// Halfway between neighbours, ascending.
    pub(super) fn midpoints(&self) -> &[f64] {
        &self.midpoints
    }

    /// The value nearest to x, of two equally near ones the lower.
    pub fn nearest(&self, x: f64) -> f64 {
        self.values[self.index(x)]
    }

    pub(super) fn index(&self, x: f64) -> usize {
        self.midpoints.partition_point(|&m| m < x)
    }
}
