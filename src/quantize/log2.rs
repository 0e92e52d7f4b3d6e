//! Rounded logarithms and powers of two, without a logarithm for most numbers.

use std::sync::LazyLock;

use fewbit_formats::Rounding;

use crate::reference::log2::{exp2_integer, log2, round_log2 as specified};

/// For each exponent field of a normal f32 the fractions at which its rounded logarithm leaves the lower whole number,
/// and at which it reaches the upper one.
static TURNS: LazyLock<[(u32, u32); 255]> = LazyLock::new(|| {
    std::array::from_fn(|field| {
        let below = field as f32 - 127.0;
        let first = |is_there: &dyn Fn(f32) -> bool| {
            let (mut low, mut high) = (0, 1 << 23);
            while low < high {
                let middle = (low + high) / 2;
                let x = f32::from_bits((field as u32) << 23 | middle);
                if is_there(log2(x)) { high = middle } else { low = middle + 1 }
            }
            low
        };
        (first(&|log| log > below), first(&|log| log >= below + 1.0))
    })
});

/// `round(log2 x)` with the logarithm rounded to f32 first.
#[inline]
pub(crate) fn round_log2(x: f32, rounding: Rounding) -> f32 {
    let field = (x.to_bits() >> 23) as usize;
    // Positive, normal and finite: the sign is the top bit of the field.
    if (1..255).contains(&field) {
        let (leaves, reaches) = TURNS[field];
        let (fraction, below) = (x.to_bits() & 0x7f_ffff, field as f32 - 127.0);
        match rounding {
            Rounding::Down => return below + f32::from(u8::from(fraction >= reaches)),
            Rounding::Up => return below + f32::from(u8::from(fraction >= leaves)),
            _ => {}
        }
    }
    specified(x, rounding)
}

/// `2^round_log2(x)` of each number.
pub(crate) fn powers_of_two<'a>(x: impl Iterator<Item = &'a mut f32>, rounding: Rounding) {
    let turns = &*TURNS;
    let up = rounding == Rounding::Up;
    let directed = up || rounding == Rounding::Down;
    for x in x {
        let (field, fraction) = ((x.to_bits() >> 23) as usize, x.to_bits() & 0x7f_ffff);
        *x = if directed && (1..254).contains(&field) {
            let (leaves, reaches) = turns[field];
            let turn = if up { leaves } else { reaches };
            f32::from_bits((field as u32 + u32::from(fraction >= turn)) << 23)
        } else {
            exp2_integer(round_log2(*x, rounding))
        };
    }
}

/// `round(log2 x)` of the exact logarithm, for a positive finite `x`; as [`round_log2`] for all others.
pub(crate) fn round_log2_exact(x: f32, rounding: Rounding) -> f32 {
    if !(x > 0.0 && x.is_finite()) {
        return round_log2(x, rounding);
    }
    // Exact in f64, where every f32 is a normal number.
    let bits = f64::from(x).to_bits();
    let (exponent, fraction) = ((bits >> 52) as i32 - 1023, bits & ((1 << 52) - 1));
    // Of sqrt(2), whose fraction no f32 has.
    const SQRT_2: u64 = 0x6_a09e_667f_3bcd;
    let up = match rounding {
        Rounding::Down => false,
        Rounding::Up => fraction != 0,
        _ => fraction > SQRT_2,
    };
    (exponent + i32::from(up)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_where_the_rounded_logarithm_turns() {
        for field in 0..=255u32 {
            let start = field << 23;
            let near =
                (0..200).flat_map(|d| [start.wrapping_sub(d), start + d, start + d * 41_017]);
            for x in near.map(f32::from_bits) {
                for rounding in [Rounding::Down, Rounding::Up, Rounding::TiesEven] {
                    let (fast, slow) = (round_log2(x, rounding), specified(x, rounding));
                    assert!(fast == slow || fast.is_nan() && slow.is_nan(), "{x:e}: {fast} {slow}");
                    let (mut power, exact) = ([x], exp2_integer(slow));
                    powers_of_two(power.iter_mut(), rounding);
                    let same = power[0] == exact || power[0].is_nan() && exact.is_nan();
                    assert!(same, "{x:e}: {:e} {exact:e}", power[0]);
                }
            }
        }
    }
}
