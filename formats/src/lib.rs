//! Codes and values.
#![no_std]
#![forbid(unsafe_code)]
#![allow(missing_docs)]
use core::{fmt, str::FromStr};
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Float(u8),
}
impl Format {
    pub fn is_signed(self) -> bool {
        true
    }
}
impl FromStr for Format {
    type Err = ();
    fn from_str(_s: &str) -> Result<Self, ()> {
        Err(())
    }
}
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("x")
    }
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    TiesEven,
    TowardZero,
}
impl Rounding {
    pub fn alias(self) -> &'static str {
        "rz"
    }
}
impl FromStr for Rounding {
    type Err = ();
    fn from_str(_s: &str) -> Result<Self, ()> {
        Err(())
    }
}
