//! A unit in the grammar of accumulators.

use std::num::NonZeroU32;

use super::{Addends, Aligned, Datapath, Unit};
use crate::accumulate::{FloatOverflow, Register, Stage};

impl Datapath {
    /// The unit in the grammar of accumulators, apart from the exponent of zero addends; `None` where the grammar has no
    /// such stage.
    ///
    /// ```
    /// use fewbit::accumulate::Datapath;
    /// assert_eq!("a100-f16".parse::<&Datapath>()?.grammar().as_deref(), Some("aligned24-rz:f32-rz*8"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn grammar(&self) -> Option<String> {
        let register = match self.unit {
            Unit::Aligned(Aligned {
                addends: Addends::Products,
                fraction_bits,
                alignment,
                format,
                rounding,
                overflow,
                ..
            }) => Register::Aligned { fraction_bits, alignment, format, rounding, overflow },
            Unit::Fused { format, rounding } => {
                Register::Float { format, rounding, overflow: FloatOverflow::Own }
            }
            Unit::Aligned(_)
            | Unit::Cdna2
            | Unit::Cdna3(_)
            | Unit::SplitHalves(_)
            | Unit::Vdpbf16ps => return None,
        };
        Some(Stage::new(register).with_width(NonZeroU32::new(self.width)?).to_string())
    }
}
