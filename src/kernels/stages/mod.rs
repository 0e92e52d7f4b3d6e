//! What happens at a step, and behind the innermost stage, of vectors of outputs.

pub(crate) mod outer;
pub(crate) mod overflow;
pub(crate) mod result;
pub(crate) mod statistics;
