//! The `f32` line cut into segments on which a conversion has one answer.
//!
//! A conversion in a fixed mode is a step function of the input's magnitude. Whoever knows where it may step asks an
//! oracle at the first and last `f32` of every piece between two cuts, and at each `f32` that lies on a cut, and so
//! knows the answer to all 2^32 inputs.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use num_rational::BigRational;
use num_traits::ToPrimitive;

use super::exact;

/// Inputs with the same answer, by their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<A> {
    /// The bits of the first input.
    pub first: u32,
    /// The bits of the last input.
    pub last: u32,
    /// The answer to each of them.
    pub answer: A,
}

/// A piece between two cuts whose ends have different answers: a cut is missing or in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Varies<A> {
    /// Its first input.
    pub first: Segment<A>,
    /// Its last input.
    pub last: Segment<A>,
}

const SIGN: u32 = 1 << 31;

/// Cuts the inputs of a range of bits, all of one sign and finite, at the given magnitudes, in ascending order, and
/// asks for the answer on each segment.
///
/// # Errors
///
/// A segment whose ends have different answers.
///
/// # Panics
///
/// If the cuts do not ascend.
pub fn segments<A: Copy + PartialEq + Debug>(
    inputs: RangeInclusive<u32>,
    cuts: &[BigRational],
    mut ask: impl FnMut(u32) -> A,
) -> Result<Vec<Segment<A>>, Varies<A>> {
    assert!(cuts.is_sorted(), "the cuts do not ascend");
    let sign = inputs.start() & SIGN;
    let (mut next, end) = (inputs.start() & !SIGN, inputs.end() & !SIGN);
    let mut found = Vec::new();
    let mut open = |first: u32, last: u32| {
        let at = |bits: u32, answer| Segment { first: sign | bits, last: sign | bits, answer };
        let begin = at(first, ask(sign | first));
        let finish = if last == first { begin } else { at(last, ask(sign | last)) };
        if begin.answer != finish.answer {
            return Err(Varies { first: begin, last: finish });
        }
        found.push(Segment { last: sign | last, ..begin });
        Ok(())
    };
    for cut in cuts {
        let Some((at, exact)) = at_or_above(cut) else { break };
        if at > end {
            break;
        }
        if at > next {
            open(next, at - 1)?;
            next = at;
        }
        if exact && at == next {
            open(at, at)?;
            next = at + 1;
        }
    }
    if next <= end {
        open(next, end)?;
    }
    Ok(found)
}

/// The bits of the least `f32` that is not below a magnitude, and whether it is equal; `None` beyond the largest one.
fn at_or_above(cut: &BigRational) -> Option<(u32, bool)> {
    let largest = f32::MAX.to_bits();
    let near = cut.to_f64()?;
    if near.is_finite() && &exact(near) == cut {
        // Both are compared as f64, which is exact.
        let narrow = near as f32;
        let at = if f64::from(narrow) < near { narrow.next_up() } else { narrow };
        return at.is_finite().then(|| (at.to_bits(), f64::from(at) == near));
    }
    let value = |bits: u32| exact(f32::from_bits(bits).into());
    // A guess, which exact comparisons set right.
    let mut bits = (near as f32).to_bits().min(largest);
    while bits > 0 && &value(bits - 1) >= cut {
        bits -= 1;
    }
    while &value(bits) < cut {
        bits += 1;
        if bits > largest {
            return None;
        }
    }
    Some((bits, &value(bits) == cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step function: how many of 1, 2.5 and 4 a magnitude reaches, the last one not being reached by itself.
    fn steps(bits: u32) -> u32 {
        let x = f32::from_bits(bits).abs();
        u32::from(x >= 1.0) + u32::from(x >= 2.5) + u32::from(x > 4.0)
    }

    fn line(cuts: &[f64], ask: fn(u32) -> u32) -> Result<Vec<Segment<u32>>, Varies<u32>> {
        let cuts: Vec<_> = cuts.iter().map(|&cut| exact(cut)).collect();
        segments(1..=f32::MAX.to_bits(), &cuts, ask)
    }

    #[test]
    fn every_input_is_in_one_segment() {
        let found = line(&[1.0, 2.5, 4.0], steps).unwrap();
        let answers: Vec<_> = found.iter().map(|s| (f32::from_bits(s.first), s.answer)).collect();
        let one = f32::from_bits(1);
        let expected = [
            (one, 0),
            (1.0, 1),
            (1f32.next_up(), 1),
            (2.5, 2),
            (2.5f32.next_up(), 2),
            (4.0, 2),
            (4f32.next_up(), 3),
        ];
        assert_eq!(answers, expected);
        assert!(found.windows(2).all(|pair| pair[0].last + 1 == pair[1].first));
        assert_eq!(found[6].last, f32::MAX.to_bits());
    }

    #[test]
    fn negative_inputs_ascend_by_magnitude() {
        let cuts = [exact(1.0)];
        let found = segments(0x8000_0001..=0xff7f_ffff, &cuts, |bits| steps(bits).min(1)).unwrap();
        let firsts: Vec<_> = found.iter().map(|s| f32::from_bits(s.first)).collect();
        assert_eq!(firsts, [-f32::from_bits(1), -1.0, -(1f32.next_up())]);
    }

    #[test]
    fn a_cut_that_is_missing_or_one_ulp_off_is_found() {
        assert!(line(&[1.0, 4.0], steps).is_err());
        // The step at 2.5 includes it, that at 4 does not; so each objects to the other neighbour.
        let late = line(&[1.0, f64::from(2.5f32.next_up()), 4.0], steps).unwrap_err();
        assert_eq!((late.first.answer, f32::from_bits(late.last.first)), (1, 2.5));
        let early = line(&[1.0, 2.5, f64::from(4f32.next_down())], steps).unwrap_err();
        assert_eq!((f32::from_bits(early.first.first), early.last.answer), (4.0, 3));
        // Cuts between floats and beyond all of them divide nothing wrongly.
        let cuts = [0.0, 1e-300, 1.0, 1.0, 1.0 + 1e-12, 1.0 + 2e-12, 2.5, 4.0, 1e300];
        assert_eq!(line(&cuts, steps).unwrap().len(), 7);
    }

    #[test]
    #[should_panic(expected = "do not ascend")]
    fn cuts_ascend() {
        let _ = line(&[2.0, 1.0], steps);
    }
}
