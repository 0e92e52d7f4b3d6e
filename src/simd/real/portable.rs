//! Lanes that every CPU has, through `wide`.

use wide::{f32x8, f64x4};

use super::RealLanes;

/// 8 lanes of `f32`.
#[derive(Clone, Copy)]
pub(crate) struct PortableSingle;

/// 4 lanes of `f64`.
#[derive(Clone, Copy)]
pub(crate) struct PortableDouble;

/// `$bits`: at and beyond 2 to this power all numbers are whole.
macro_rules! portable {
    ($lanes:ident, $number:ident, $v:ident, $n:literal, $bits:literal) => {
        impl RealLanes for $lanes {
            type Number = $number;
            type V = $v;

            const N: usize = $n;

            #[inline(always)]
            fn narrow(x: f64) -> $number {
                x as $number
            }

            #[inline(always)]
            fn splat(self, x: $number) -> $v {
                $v::splat(x)
            }

            #[inline(always)]
            fn load(self, from: &[$number]) -> $v {
                let mut lanes = [0.0; $n];
                lanes.copy_from_slice(&from[..$n]);
                $v::new(lanes)
            }

            #[inline(always)]
            fn store(self, v: $v, to: &mut [$number]) {
                to[..$n].copy_from_slice(&v.to_array());
            }

            #[inline(always)]
            fn add(self, a: $v, b: $v) -> $v {
                a + b
            }

            #[inline(always)]
            fn sub(self, a: $v, b: $v) -> $v {
                a - b
            }

            #[inline(always)]
            fn mul(self, a: $v, b: $v) -> $v {
                a * b
            }

            #[inline(always)]
            fn greater(self, a: $v, b: $v) -> $v {
                a.simd_gt(b).select(a, b)
            }

            #[inline(always)]
            fn truncated(self, v: $v) -> $v {
                let whole = $v::splat((1u64 << $bits) as $number);
                let magnitude = v.abs();
                // The nearest whole number; one less where that is beyond.
                let nearest = (magnitude + whole) - whole;
                let one = $v::splat(1.0);
                let below = nearest.simd_gt(magnitude).select(nearest - one, nearest);
                magnitude.simd_gt(whole).select(v, below.copysign(v))
            }
        }
    };
}

portable!(PortableSingle, f32, f32x8, 8, 23);
portable!(PortableDouble, f64, f64x4, 4, 52);
