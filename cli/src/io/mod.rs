//! Files in and out.

pub(crate) mod atomic;
pub(crate) mod codes;
pub(crate) mod input;
pub(crate) mod log;
pub(crate) mod names;
pub(crate) mod npy;
#[cfg(feature = "networks")]
pub(crate) mod npz;
pub(crate) mod numbers;
pub(crate) mod pending;
pub(crate) mod rows;
pub(crate) mod zip;
