//! The encoder over runs of inputs, compiled once per format so that its constants are folded.

use std::ops::RangeInclusive;

use fewbit_formats::{Format, Policy, Real, Rounding};

use crate::packed;
use crate::subject::{Pair, Stretch, Subject};

/// A format of the table whose every conversion is judged: at most 8 bits, or 16 of the usual floats.
pub(crate) const fn is_judged(format: Format) -> bool {
    matches!(format, Format::BF16 | Format::F16) || format.bits() <= 8
}

/// An input whose result is not the oracle's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Its bits.
    pub(crate) input: u32,
    /// What the oracle answers.
    pub(crate) expected: Pair,
    /// What the encoder gives.
    pub(crate) found: Pair,
}

/// The encoder of one row of the table, applied to each input of runs; the first fault, if there is one.
pub(crate) type Sweep = fn(Rounding, u32, &[Stretch]) -> Option<Fault>;

/// The policies of a row under a mode.
#[inline(always)]
fn encode<const ROW: usize>(input: u32, rounding: Rounding, random: u32) -> Pair {
    let x = Real::from_f32(f32::from_bits(input));
    let format = const { Format::table()[ROW].format };
    let [first, second] = const { Subject::overflows(Format::table()[ROW].format) };
    // Two calls, not one in a closure: it would not be inlined.
    [
        packed::result(format.encode_real(x, &Policy::new(rounding, first), random)),
        packed::result(format.encode_real(x, &Policy::new(rounding, second), random)),
    ]
}

/// The sweep of one row.
fn sweep<const ROW: usize>(rounding: Rounding, random: u32, line: &[Stretch]) -> Option<Fault> {
    const BINADE: u32 = 1 << 23;
    for stretch in line {
        let mut first = stretch.first;
        for &(inputs, expected) in
            std::iter::repeat_n(&stretch.runs, stretch.repeats as usize).flatten()
        {
            let mut left = inputs;
            while left > 0 {
                // One sign and exponent at a time: what depends on these alone is computed once.
                let (upper, fraction) = (first & !(BINADE - 1), first & (BINADE - 1));
                let count = left.min(BINADE - fraction);
                let mut differences = 0;
                for fraction in fraction..fraction + count {
                    let input = upper | fraction & (BINADE - 1);
                    let [a, b] = encode::<ROW>(input, rounding, random);
                    differences |= (a ^ expected[0]) | (b ^ expected[1]);
                }
                if differences != 0 {
                    return first_fault(
                        encode::<ROW>,
                        rounding,
                        random,
                        first..=first + (count - 1),
                        expected,
                    );
                }
                first = first.wrapping_add(count);
                left -= count;
            }
        }
    }
    None
}

/// The first input of a range whose result differs.
#[cold]
fn first_fault(
    encode: fn(u32, Rounding, u32) -> Pair,
    rounding: Rounding,
    random: u32,
    mut inputs: RangeInclusive<u32>,
    expected: Pair,
) -> Option<Fault> {
    inputs.find_map(|input| {
        let found = encode(input, rounding, random);
        (found != expected).then_some(Fault { input, expected, found })
    })
}

/// The sweep of each row that is judged, for the first rows of the table.
macro_rules! sweeps {
    ($($row:literal)+) => {
        const SWEEPS: &[Option<Sweep>] = &[$(const {
            // Rows that the table has not, or that are not judged, need no code.
            if $row < Format::table().len() && is_judged(Format::table()[$row].format) {
                Some(sweep::<{ if $row < Format::table().len() { $row } else { 0 } }> as Sweep)
            } else {
                None
            }
        }),+];
    };
}

sweeps! {
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39
    40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77
}

const _: () = assert!(Format::table().len() <= SWEEPS.len(), "the list of rows is too short");

/// Every format that is judged, with its sweep, in the order of the table.
pub(crate) fn judged() -> Vec<(Format, Sweep)> {
    let rows = Format::table().iter().zip(SWEEPS);
    rows.filter_map(|(row, sweep)| Some((row.format, (*sweep)?))).collect()
}
