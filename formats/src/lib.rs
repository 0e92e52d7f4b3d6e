//! Codes and values.
#![no_std]
#![forbid(unsafe_code)]
