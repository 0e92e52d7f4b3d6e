//! Functions of codes as tables.

use std::sync::Arc;

use fewbit::formats::IntFormat;
use ndarray::{ArcArray, ArrayD, IxDyn};

use super::ints::{Ints, each};

/// Codes and a function of each: `value = values[code - least code]`.
///
/// The function is computed once for every code, by the float operators that the graph has, so that what is read from the table
/// is what these compute of each element, to the last bit; several functions of the same codes are one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The codes.
    pub ints: Ints,
    /// Their format, of at most 16 bits.
    pub format: IntFormat,
    /// The function of every code, from the least to the greatest.
    pub values: Arc<Vec<f32>>,
}

impl Table {
    /// The values.
    #[must_use]
    pub fn values(&self) -> ArrayD<f32> {
        let low = self.format.min();
        each!(&self.ints, array => array.mapv(|code| self.values[(i64::from(code) - low) as usize]))
    }

    /// What these are at the places of the codes.
    pub(super) fn looked_up<T: Copy>(&self, of: &ArcArray<T, IxDyn>) -> ArcArray<T, IxDyn> {
        let (of, low): (Vec<T>, _) = (of.iter().copied().collect(), self.format.min());
        each!(&self.ints, array => array.mapv(|code| of[(i64::from(code) - low) as usize]).into_shared())
    }

    /// The same table for other elements.
    pub(super) fn moved(&self, ints: Ints) -> Self {
        Self { ints, ..self.clone() }
    }

    /// Whether both are functions of the same codes, element by element.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.format == other.format && self.ints.is_same(&other.ints)
    }
}
