//! How far a descent goes.

/// How far a descent goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// Columns whose partners are looked for; 0 for single moves alone.
    pub(super) partners: usize,
    /// Whether scales move.
    pub(super) refit: Refit,
}

/// Whether scales move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refit {
    /// They are given.
    Fixed,
    /// They are free, and each may take its optimum, or the nearest that the grid has.
    Free,
}
