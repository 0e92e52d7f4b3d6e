//! What a file says of a tensor.

use super::{GgufError, MAX_AXES, TensorType};

/// A tensor of a file: its name, shape and type of elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// The extent of each axis, the contiguous one last.
    pub shape: Vec<usize>,
    /// The type of its elements.
    pub kind: TensorType,
}

impl TensorInfo {
    /// The number of elements.
    ///
    /// # Errors
    /// No axes or more than 4, an extent of 0, or more elements than a machine can address.
    pub fn elements(&self) -> Result<usize, GgufError> {
        let wrong = |problem: String| Err(GgufError::tensor(&self.name, problem));
        if self.shape.is_empty() || self.shape.len() > MAX_AXES {
            return wrong(format!("it has {} axes, expected 1 to {MAX_AXES}", self.shape.len()));
        }
        if self.shape.contains(&0) {
            return wrong(format!("the shape {:?} has no elements", self.shape));
        }
        let count = self.shape.iter().try_fold(1usize, |count, &extent| count.checked_mul(extent));
        // Also as f32 they must be addressable.
        match count.filter(|count| *count <= isize::MAX as usize / size_of::<f32>()) {
            Some(count) => Ok(count),
            None => wrong(format!("the shape {:?} has too many elements", self.shape)),
        }
    }

    /// The bytes of its elements.
    ///
    /// # Errors
    /// As [`Self::elements`]; rows that are not a whole number of blocks.
    pub fn bytes(&self) -> Result<usize, GgufError> {
        let (elements, row) = (self.elements()?, self.shape.last().copied().unwrap_or_default());
        let block = self.kind.block_elements();
        if !row.is_multiple_of(block) {
            let problem =
                format!("rows of {row} elements are not whole {} blocks of {block}", self.kind);
            return Err(GgufError::tensor(&self.name, problem));
        }
        (elements / block)
            .checked_mul(self.kind.block_bytes())
            .ok_or_else(|| GgufError::tensor(&self.name, "it has too many bytes"))
    }
}
