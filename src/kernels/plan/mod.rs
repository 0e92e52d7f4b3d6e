//! The accumulator as it is run.
//!
//! 1. [`stage`] translates its stages.
//! 2. [`bounds`] is what is known of the operands, and of every sum on the way.
//! 3. [`shortest`] drops checks that no sum can fail, joins stages that nothing tells apart, and picks the narrowest lanes
//!    that hold the values.

pub(crate) mod bounds;
pub(crate) mod shortest;
pub(crate) mod stage;
