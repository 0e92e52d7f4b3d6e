//! The execution in integers.
