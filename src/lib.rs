//! fewbit.
