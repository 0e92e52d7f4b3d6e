//! Codes in the place of sums.

/// What makes codes of the sums of a convolution.
pub trait Finish: Sync {
    /// Writes the codes of the sums of an output channel at all positions of an image, row by row; `false` where it cannot.
    fn finish(&self, channel: usize, sums: &[i32], codes: &mut [u8]) -> bool;
}
