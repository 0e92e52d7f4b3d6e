//! How much the error of each weight counts.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView2, s};

use crate::algorithms::AlgorithmError;

/// How much the error of each weight counts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Importance<'a> {
    /// All alike: `|w - s q|²`.
    Equal,
    /// By a factor `h_j >= 0` per input, such as the diagonal of the Gram matrix.
    Diagonal(ArrayView1<'a, f64>),
    /// `(w - s q)ᵀ H (w - s q)` with the Gram matrix H `[in, in]` of the inputs, so that it is the error of the output; of
    /// a run of columns the block on the diagonal. With `g`, `|X w - s X̃ q|²` up to what does not depend on s and q:
    /// `s² qᵀ H q - 2 s qᵀ G w`.
    Full {
        /// `H = X̃ᵀX̃`.
        h: ArrayView2<'a, f64>,
        /// `G = X̃ᵀX`; `None` where X̃ is X.
        g: Option<ArrayView2<'a, f64>>,
    },
}

impl<'a> Importance<'a> {
    /// The part for a run of columns.
    pub(super) fn part(self, columns: Range<usize>) -> Self {
        let block = |m: ArrayView2<'a, f64>| m.slice_move(s![columns.clone(), columns.clone()]);
        match self {
            Self::Equal => Self::Equal,
            Self::Diagonal(h) => Self::Diagonal(h.slice_move(s![columns])),
            Self::Full { h, g } => Self::Full { h: block(h), g: g.map(block) },
        }
    }

    pub(super) fn check(&self, inputs: usize) -> Result<(), AlgorithmError> {
        let finite =
            |what, m: ArrayView2<'_, f64>| match m.indexed_iter().find(|(_, x)| !x.is_finite()) {
                None => Ok(()),
                Some(((row, col), &value)) => {
                    Err(AlgorithmError::NotFinite { what, row: row as u64, col, value })
                }
            };
        match self {
            Self::Equal => Ok(()),
            Self::Diagonal(h) => {
                let row = h.insert_axis(ndarray::Axis(0));
                AlgorithmError::check_shape("the importance", row.dim(), (1, inputs))?;
                finite("the importance", row)?;
                match h.iter().find(|&&x| x < 0.0) {
                    None => Ok(()),
                    Some(&value) => Err(AlgorithmError::Parameter {
                        name: "an importance",
                        value,
                        expected: "at least 0",
                    }),
                }
            }
            Self::Full { h, g } => {
                for (what, m) in [("the Gram matrix H", Some(*h)), ("the Gram matrix G", *g)] {
                    let Some(m) = m else { continue };
                    AlgorithmError::check_shape(what, m.dim(), (inputs, inputs))?;
                    finite(what, m)?;
                }
                Ok(())
            }
        }
    }

    /// `G w`, the vector that q is held against.
    pub(super) fn target(&self, w: &[f64]) -> Vec<f64> {
        match self {
            Self::Equal => w.to_vec(),
            Self::Diagonal(h) => w.iter().zip(h).map(|(w, h)| w * h).collect(),
            Self::Full { h, g } => g.unwrap_or(*h).dot(&ArrayView1::from(w)).to_vec(),
        }
    }

    /// `H q`.
    pub(super) fn image(&self, q: &[f64]) -> Vec<f64> {
        match self {
            Self::Equal => q.to_vec(),
            Self::Diagonal(h) => q.iter().zip(h).map(|(q, h)| q * h).collect(),
            Self::Full { h, .. } => h.dot(&ArrayView1::from(q)).to_vec(),
        }
    }
}
