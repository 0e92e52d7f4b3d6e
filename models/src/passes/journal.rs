//! What is chosen already, of a run that was interrupted.

use ndarray::Array2;

use super::PassError;

/// What an algorithm chose for a product.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The values of the codes, `[out, in / groups * kernel]`.
    pub values: Array2<f32>,
    /// The scales, where the algorithm chose them as well.
    pub scale: Option<Array2<f32>>,
    /// What it counted: inputs that are always zero (solvers), codes that are not the nearest (learned rounding).
    pub count: usize,
    /// What was added to the diagonal of the Gram matrix.
    pub damping: f64,
}

/// Keeps what algorithms choose, product by product, so that a run that is interrupted need not choose it again.
pub trait Journal {
    /// What an algorithm chose for a product, if that is known.
    ///
    /// # Errors
    /// A record that cannot be read.
    fn chosen(&mut self, algorithm: &str, product: &str) -> Result<Option<Chosen>, PassError>;

    /// Keeps it.
    ///
    /// # Errors
    /// A record that cannot be written.
    fn keep(&mut self, algorithm: &str, product: &str, chosen: &Chosen) -> Result<(), PassError>;
}

/// A journal that keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn chosen(&mut self, _: &str, _: &str) -> Result<Option<Chosen>, PassError> {
        Ok(None)
    }

    fn keep(&mut self, _: &str, _: &str, _: &Chosen) -> Result<(), PassError> {
        Ok(())
    }
}
