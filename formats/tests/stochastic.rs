//! Stochastic rounding: its distribution is exact over all random numbers, and its replay depends on seed and index
//! alone.

use fewbit_formats::{Format, Overflow, Policy, Rounding, philox};

/// How many of all `2^bits` random numbers round a magnitude 1 + part / 2^16 of int8 up.
fn ups(mode: Rounding, bits: u32, part: u32, negative: bool) -> u32 {
    let policy = Policy::new(mode, Overflow::Saturate);
    let x = 1.0 + f64::from(part) / 65536.0;
    let x = if negative { -x } else { x };
    let up = |random| {
        Format::INT8.decode(Format::INT8.encode(x, &policy, random).unwrap().code).abs() == 2.0
    };
    (0..1 << bits).filter(|&random| up(random)).count() as u32
}

#[test]
fn the_number_of_ups_is_the_part_cut_off() {
    for negative in [false, true] {
        for bits in [1u8, 4, 8] {
            for part in (0..65536u32).step_by(1021).chain([1, 0x7fff, 0x8000, 0x8001, 0xffff]) {
                let n = u32::from(bits);
                let scaled = f64::from(part) / 65536.0 * f64::from(1 << n);
                let truncated = scaled.floor() as u32;
                assert_eq!(ups(Rounding::Stochastic { bits }, n, part, negative), truncated);
                // The middle of the step: the nearest, a tie up.
                let middle = (scaled + 0.5).floor() as u32;
                assert_eq!(ups(Rounding::StochasticMiddle { bits }, n, part, negative), middle);
                let even = scaled.round_ties_even() as u32;
                assert_eq!(ups(Rounding::StochasticNearest { bits }, n, part, negative), even);
            }
        }
    }
}

#[test]
fn exact_values_stay() {
    for bits in 1..=32 {
        let policy = Policy::new(Rounding::Stochastic { bits }, Overflow::Saturate);
        let encoded = Format::E4M3FN.encode(1.25f32, &policy, u32::MAX).unwrap();
        assert_eq!(Format::E4M3FN.decode(encoded.code), 1.25);
    }
}

#[test]
fn no_random_bits_round_toward_zero() {
    let policy = Policy::new(Rounding::Stochastic { bits: 0 }, Overflow::Saturate);
    assert_eq!(Format::INT8.encode(1.99f32, &policy, u32::MAX).unwrap().code, 1);
    let policy = Policy::new(Rounding::Stochastic { bits: 200 }, Overflow::Saturate);
    assert_eq!(Format::INT8.encode(1.5f32, &policy, u32::MAX).unwrap().code, 2);
}

/// Random123's known answers for philox4x32-10.
#[test]
fn philox_known_answers() {
    let answers = [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];
    for (counter, key, expected) in answers {
        assert_eq!(philox::philox4x32(counter, key), expected);
    }
}

#[test]
fn bits_depend_on_seed_and_index() {
    let draw = |seed| (0..4096).map(|index| philox::bits(seed, index)).collect::<Vec<_>>();
    let (a, b) = (draw(7), draw(8));
    assert_eq!(philox::bits(7, 4095), a[4095], "in any order");
    assert_eq!(a[..4], philox::philox4x32([0; 4], [7, 0]));
    assert!(a.iter().zip(&b).filter(|(a, b)| a == b).count() < 3);
    let mut sorted = a.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert!(sorted.len() > 4090);
    // Half the bits are ones, within six standard deviations.
    let ones: u32 = a.iter().map(|word| word.count_ones()).sum();
    assert!((65536 - 1086..65536 + 1086).contains(&ones), "{ones}");
}

/// Over many elements the mean is the value.
#[test]
fn it_is_unbiased() {
    let policy = Policy::new(Rounding::Stochastic { bits: 32 }, Overflow::Saturate);
    let x = 1.3f32;
    let sum: f64 = (0..100_000)
        .map(|index| {
            let random = philox::bits(1, index);
            Format::E2M1FN.decode(Format::E2M1FN.encode(x, &policy, random).unwrap().code)
        })
        .sum();
    // Standard deviation of the mean: 0.5 * sqrt(0.6 * 0.4 / 100000) = 0.00077.
    assert!((sum / 100_000.0 - f64::from(x)).abs() < 6.0 * 0.00078, "{}", sum / 100_000.0);
}
