//! Numbers in memory that begins where a cache line does: vectors that lie across two lines take twice as long.

use std::ops::{Deref, DerefMut};

/// Bytes of a line, and of the widest vector.
const LINE: usize = 64;

/// Numbers from the beginning of a line on.
pub(super) struct Lines {
    memory: Vec<f64>,
    from: usize,
    len: usize,
}

impl Lines {
    /// So many zeros.
    pub(super) fn zeros(len: usize) -> Self {
        let memory = vec![0.0; len + LINE / size_of::<f64>()];
        // At most a line further on; where no such place is known, any place will do.
        let from = memory.as_ptr().align_offset(LINE).min(memory.len() - len);
        Self { memory, from, len }
    }

    /// The same numbers.
    pub(super) fn of(numbers: &[f64]) -> Self {
        let mut lines = Self::zeros(numbers.len());
        lines.copy_from_slice(numbers);
        lines
    }
}

impl Deref for Lines {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.memory[self.from..self.from + self.len]
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.memory[self.from..self.from + self.len]
    }
}
