//! Lanes that every CPU has: eight numbers, one after the other or as the compiler sees fit.

use std::array::from_fn;

use super::super::Call;
use super::{FusedLanes, scalar};

/// 8 lanes.
#[derive(Clone, Copy)]
pub(crate) struct PortableFused;

type V = [f32; 8];

/// Methods that do one thing to each lane.
macro_rules! each {
    ($(fn $name:ident($($arg:ident),* $(; $cut:ident)?);)*) => {
        $(
            #[inline(always)]
            fn $name(self, $($arg: V),* $(, $cut: u32)?) -> V {
                from_fn(|i| scalar::$name($($arg[i]),* $(, $cut)?))
            }
        )*
    };
}

impl FusedLanes for PortableFused {
    type V = V;

    const N: usize = 8;

    #[inline(never)]
    fn vectorize<C: Call>(self, call: C) -> C::Output {
        call.call()
    }

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        [x; 8]
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> V {
        let mut lanes = [0.0; 8];
        lanes.copy_from_slice(&from[..8]);
        lanes
    }

    #[inline(always)]
    fn store(self, v: V, to: &mut [f32]) {
        to[..8].copy_from_slice(&v);
    }

    each! {
        fn even(a, b, c);
        fn zero(a, b, c);
        fn odd(a, b, c);
        fn half_even(v);
        fn half_zero(v);
        fn cut_even(v; cut);
        fn cut_zero(v; cut);
    }
}
