//! How a network runs.

/// How a network runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Execution {
    /// In floats, quantizers left out
    Float,
    /// In floats, each quantizer rounds
    Fake,
    /// In integers, every product through its accumulator; what runs in floats between codes is named
    Integer,
}
