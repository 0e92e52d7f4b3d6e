//! How far the work on a layer is.

/// A step of the work on a layer; a phase begins with `done == 0` and ends with `done == total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerProgress {
    /// What is done.
    pub phase: LayerPhase,
    /// Pieces that are done: blocks of samples, or algorithms.
    pub done: usize,
    /// Pieces that there are.
    pub total: usize,
}

/// A phase of the work on a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerPhase {
    /// A pass over the inputs for their greatest magnitudes, or for their ends.
    InputRange,
    /// A pass over the inputs for their statistics.
    Statistics,
    /// Formats of activations that have been tried.
    DataTypes,
    /// The algorithms.
    Solving,
    /// A pass over the inputs for the errors of the outputs, and through the accumulator.
    Outputs,
}

impl LayerPhase {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InputRange => "range of the inputs",
            Self::Statistics => "statistics",
            Self::DataTypes => "data types",
            Self::Solving => "solving",
            Self::Outputs => "outputs",
        }
    }
}
