//! A2Q and A2Q+: the projection against its definition, the guarantee against the emulated accumulator.

mod guarantee;
mod projection;
