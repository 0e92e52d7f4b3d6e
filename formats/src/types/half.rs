//! The types of the crate `half`: the same codes.

use super::{BF16, F16};

/// Conversions in both directions, bit for bit.
macro_rules! same_codes {
    ($($ours:ident = $theirs:ty),+) => {$(
        impl From<$theirs> for $ours {
            /// The same code.
            #[inline]
            fn from(x: $theirs) -> Self {
                Self::from_bits(x.to_bits())
            }
        }

        impl From<$ours> for $theirs {
            /// The same code.
            #[inline]
            fn from(x: $ours) -> Self {
                Self::from_bits(x.to_bits())
            }
        }
    )+};
}

same_codes!(F16 = ::half::f16, BF16 = ::half::bf16);
