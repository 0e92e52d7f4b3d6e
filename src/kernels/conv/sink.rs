//! Where the sums of output channels go.

use super::codes::{CodeSink, Plane};
use super::words::Field;
use crate::simd::ByteLanes;

/// Takes the sums of output channels, in the rows of a field.
pub(super) enum Sink<'a> {
    /// As they are.
    Sums(Box<dyn FnMut(Plane<'_>) + 'a>),
    /// As codes.
    Codes(CodeSink<'a>),
}

impl Sink<'_> {
    /// Takes some planes, in ascending order.
    pub(super) fn take<'p, L: ByteLanes>(
        &mut self,
        lanes: L,
        planes: impl Iterator<Item = Plane<'p>> + Clone,
    ) {
        match self {
            Self::Sums(take) => planes.for_each(take),
            Self::Codes(sink) => sink.take(lanes, planes),
        }
    }
}

/// What takes the sums of a convolution to outputs of a type.
pub(super) trait Sinks<T>: Sync {
    /// The sink of output channels from the `first` one of all images on, whose outputs are kept in `out`.
    fn sink<'s>(&'s self, field: &'s Field, first: usize, out: &'s mut [T]) -> Sink<'s>;

    /// Is told what became of a sink.
    fn done(&self, _: Sink<'_>) {}
}
