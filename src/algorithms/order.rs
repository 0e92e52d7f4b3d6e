//! The order in which a solver rounds the inputs.

/// The order in which a solver rounds the inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// As they come.
    #[default]
    Natural,
    /// "act-order": by descending `H_tt = |X̃_t|²`; of equal ones the first first. Scales and tiles stay those of the
    /// original columns ("static groups").
    Descending,
}

impl Order {
    /// The columns in the order of processing.
    pub fn columns(self, diagonal: &[f64]) -> Vec<usize> {
        let mut columns: Vec<usize> = (0..diagonal.len()).collect();
        if self == Self::Descending {
            columns.sort_by(|&a, &b| diagonal[b].total_cmp(&diagonal[a]));
        }
        columns
    }
}
