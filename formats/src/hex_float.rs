//! Numbers in C's hexadecimal notation, in which every binary number is exact.

use core::fmt;

use crate::real::{Class, Real};

/// Prints a number as C's `%a` does, `0x1.8p+1` for 3: a leading one, the digits that are needed, the exponent of two.
///
/// ```
/// use fewbit_formats::{HexFloat, Real};
/// assert_eq!(HexFloat(Real::from_f64(-6.5)).to_string(), "-0x1.ap+2"); // 1.625 * 4
/// assert_eq!(HexFloat(Real::from_f64(0.0)).to_string(), "0x0p+0");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HexFloat(pub Real);

impl fmt::Display for HexFloat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let x = self.0;
        if x.is_negative() {
            f.write_str("-")?;
        }
        match x.class() {
            Class::Zero => f.write_str("0x0p+0"),
            Class::Infinite => f.write_str("inf"),
            Class::Nan => f.write_str("nan"),
            Class::Subnormal | Class::Normal => {
                f.write_str("0x1")?;
                let mut fraction = x.significand() << 1;
                if fraction != 0 {
                    f.write_str(".")?;
                }
                while fraction != 0 {
                    write!(f, "{:x}", fraction >> 60)?;
                    fraction <<= 4;
                }
                write!(f, "p{:+}", x.exponent())
            }
        }
    }
}
