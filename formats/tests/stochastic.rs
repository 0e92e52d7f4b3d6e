//! Stochastic rounding: its distribution is exact over all random numbers, and its replay depends on seed and index
//! alone.

use fewbit_formats::{Format, Overflow, Policy, Rounding, philox};

/// Neighbours of a format, the code toward zero first, by the codes of their magnitudes.
const STEPS: &[(&str, u32, u32)] = &[
    ("int8", 1, 2),
    ("int8", 100, 101),
    ("fix8.4", 0, 1),
    ("e4m3fn", 0x38, 0x39),
    // Between subnormals, and from the last of them to the smallest normal value.
    ("e4m3fn", 0x00, 0x01),
    ("e4m3fn", 0x07, 0x08),
    // From one binade to the next.
    ("e5m2", 0x3b, 0x3c),
    ("bf16", 0x4049, 0x404a),
    // A posit's ends of the fraction; there the string of bits is the value's.
    ("posit8", 0x40, 0x41),
];

/// Which of all `2^bits` random numbers round a magnitude away from zero that is `part / 2^16` of the way from one code to
/// the next: the least of them; larger ones do too.
fn least_that_rounds_away(
    mode: Rounding,
    bits: u32,
    step: (&str, u32, u32),
    part: u32,
    negative: bool,
) -> u32 {
    let (name, low, high) = step;
    let format: Format = name.parse().unwrap();
    let policy = Policy::new(mode, Overflow::Saturate);
    let [low, high] = [low, high].map(|code| format.decode(code));
    let x = low + (high - low) * f64::from(part) / 65536.0;
    let away = |random: u32| {
        let signed = if negative { -x } else { x };
        let code = format.encode(signed, &policy, random).unwrap().code;
        let value = format.decode(code).abs();
        assert!(value == low || value == high, "{name} {signed:e} {mode}: {value:e}");
        value == high
    };
    let least = (0..1 << bits).find(|&random| away(random)).unwrap_or(1 << bits);
    assert!((least..1 << bits).all(away), "{name} {x:e} {mode}: not the largest numbers");
    least
}

/// Exact, without statistics: of all random numbers of n bits, as many round away as the definition says.
#[test]
fn the_number_of_ups_is_the_part_cut_off() {
    let parts = |dense: u32| {
        (0..65536u32).step_by(dense as usize).chain([1, 0x7fff, 0x8000, 0x8001, 0xffff])
    };
    for &step in STEPS {
        for n in 1..=12u32 {
            // Fewer parts where there are more random numbers.
            for part in parts(257 << (n / 2)) {
                let scaled = f64::from(part) / 65536.0 * f64::from(1 << n);
                let floor = scaled.floor();
                let odd = if scaled - floor == 0.5 {
                    floor + f64::from(floor % 2.0 == 0.0)
                } else {
                    scaled.round()
                };
                let bits = n as u8;
                let expected = [
                    (Rounding::Stochastic { bits }, floor),
                    // The middle of the step: the nearest, a tie up.
                    (Rounding::StochasticMiddle { bits }, (scaled + 0.5).floor()),
                    (Rounding::StochasticNearest { bits }, scaled.round_ties_even()),
                    (Rounding::StochasticOdd { bits }, odd),
                ];
                for (mode, ups) in expected {
                    let negative = (part ^ n) % 2 == 1;
                    let least = least_that_rounds_away(mode, n, step, part, negative);
                    assert_eq!(
                        (1 << n) - least,
                        ups as u32,
                        "{step:?} {mode} {part:#x} {negative}"
                    );
                }
            }
        }
    }
}

/// An element's result depends on seed and index alone: the same whatever else is converted, in whatever order.
#[test]
fn a_single_element_can_be_replayed() {
    let policy = Policy::new(Rounding::StochasticNearest { bits: 8 }, Overflow::Saturate);
    let x = |index: u64| (index as f32 * 0.618).fract() * 4.0 - 2.0;
    let convert =
        |index| Format::E2M1FN.encode(x(index), &policy, philox::bits(11, index)).unwrap().code;
    let forward: Vec<u32> = (0..10_000).map(convert).collect();
    let mut backward: Vec<u32> = (0..10_000).rev().map(convert).collect();
    backward.reverse();
    assert_eq!(forward, backward);
    assert_eq!(convert(7321), forward[7321]);
    // Another seed gives other roundings, and only between the same neighbours.
    let other =
        |index| Format::E2M1FN.encode(x(index), &policy, philox::bits(12, index)).unwrap().code;
    let changed = (0..10_000).filter(|&index| other(index) != forward[index as usize]).count();
    assert!((2_000..6_000).contains(&changed), "{changed}");
    // Beyond 2^32 elements the index still counts in full.
    assert_ne!(
        (0..64).map(|i| philox::bits(11, i)).collect::<Vec<_>>(),
        (0..64).map(|i| philox::bits(11, i + (1 << 32))).collect::<Vec<_>>()
    );
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
