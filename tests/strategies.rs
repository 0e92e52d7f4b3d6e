//! The strategies and comparisons for other people's models: right models hold, wrong ones are caught and shrunk, and what
//! is drawn reaches what it promises.
#![cfg(feature = "proptest")]

#[path = "../examples/datapath.rs"]
#[allow(dead_code, reason = "its main is for those who run it")]
mod datapath;

use datapath::{LowBits, check_adder, check_mac, check_requantizer, find};
use fewbit::formats::{Format, GroupFormat};
use fewbit::{Accumulator, strategies};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn acc(text: &str) -> Accumulator {
    text.parse().unwrap()
}

#[test]
fn right_models_hold() {
    assert_eq!(check_mac(2000), Ok(()));
    assert_eq!(check_adder(20_000, LowBits::Rounded), Ok(()));
    assert_eq!(check_requantizer(20_000), Ok(()));
}

/// All pairs of finite codes: that the example's adder is right does not hang on what is drawn.
#[test]
fn the_adder_of_the_example_is_right_everywhere() {
    use fewbit::formats::{Arithmetic, Overflow, Policy, Rounding};
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    let reference = Arithmetic::new(Format::E4M3FN, policy);
    let finite = || (0..256u32).filter(|code| code & 0x7f != 0x7f);
    for a in finite() {
        for b in finite() {
            let found = datapath::fp8_add(a, b, LowBits::Rounded);
            let [left, right] = [a, b].map(|code| Format::E4M3FN.decode_real(code));
            let expected = reference.add(left, right, 0).unwrap().code;
            assert_eq!(found, expected, "{a:#x} {b:#x}");
        }
    }
}

#[test]
fn an_adder_that_truncates_is_caught_and_shrunk() {
    let failure = check_adder(20_000, LowBits::CutOff).unwrap_err();
    assert!(failure.contains("expected") && failure.contains("e4m3fn of"), "{failure}");
    assert!(failure.contains("shortest case: ("), "{failure}");
}

/// A register that wraps where it should saturate: the shortest sums that leave 16 bits have a product or two more than
/// the bound, and the trace says where it overflows.
#[test]
fn a_unit_that_wraps_is_caught_with_its_trace() {
    let operands = strategies::integer_operands(-128..=127, -128..=127, 0..=64);
    let wraps = |left: &[i64], right: &[i64]| {
        let step = |sum: i64, (a, b): (&i64, &i64)| i64::from((sum + a * b) as i16);
        left.iter().zip(right).fold(0, step)
    };
    let saturates = acc("int16-sat");
    let failure = find(2000, &operands, |(left, right)| {
        strategies::hold_dot(&saturates, &left, &right, wraps(&left, &right))
    });
    let failure = failure.unwrap_err();
    assert!(failure.contains("overflow") && failure.contains("products through int16-sat"));
    let products: usize =
        failure.split(" products").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(products <= 8, "{failure}");
}

/// A model that sums in f32 what the register sums in half precision.
#[test]
fn a_wider_register_is_caught() {
    let operands = strategies::code_operands(Format::E4M3FN, Format::E5M2, 0..=40);
    let half = acc("e5m10-rne");
    let sum = |left: &[u32], right: &[u32]| {
        let product =
            |(&a, &b): (&u32, &u32)| (Format::E4M3FN.decode(a) * Format::E5M2.decode(b)) as f32;
        f64::from(left.iter().zip(right).map(product).fold(0f32, |sum, x| sum + x))
    };
    let failure = find(2000, &operands, |(left, right)| {
        let found = sum(&left, &right);
        strategies::hold_dot_codes(&half, (Format::E4M3FN, &left), (Format::E5M2, &right), found)
    });
    let failure = failure.unwrap_err();
    assert!(failure.contains("through f16-rne"), "{failure}");
}

/// A kind of value: its name, and whether one is of it.
type Kind<'a, T> = (&'a str, &'a dyn Fn(&T) -> bool);

/// Draws many and asks whether some are of each kind.
fn reaches<S: Strategy>(strategy: S, kinds: &[Kind<'_, S::Value>]) {
    let mut runner = TestRunner::deterministic();
    let drawn: Vec<S::Value> =
        (0..2000).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    for (name, is_of) in kinds {
        assert!(drawn.iter().any(is_of), "none is {name}");
    }
}

#[test]
fn what_is_drawn_reaches_what_it_promises() {
    let sums = |(left, right): &(Vec<i64>, Vec<i64>)| {
        let products = left.iter().zip(right).map(|(a, b)| a * b);
        products
            .scan(0, |sum, x| {
                *sum += x;
                Some(*sum)
            })
            .collect::<Vec<i64>>()
    };
    type Lists = (Vec<i64>, Vec<i64>);
    reaches(
        strategies::integer_operands(-128..=127, -8..=7, 0..=64),
        &[
            ("empty", &|x: &Lists| x.0.is_empty()),
            ("the longest", &|x: &Lists| x.0.len() == 64),
            ("all the way up", &|x: &Lists| sums(x).last() == Some(&(64 * 1024))),
            ("beyond 16 bits and back", &|x: &Lists| {
                let sums = sums(x);
                sums.iter().any(|&sum| sum > 32767) && sums.last().is_some_and(|&sum| sum < 32767)
            }),
            ("of both ends", &|x: &Lists| x.0.contains(&127) && x.0.contains(&-128)),
        ],
    );
    reaches(
        strategies::integer_accumulators(),
        &[
            ("of one stage", &|x: &Accumulator| x.stages().len() == 1),
            ("of four stages", &|x: &Accumulator| x.stages().len() == 4),
            ("wide", &|x: &Accumulator| x.to_string().contains('*')),
        ],
    );
    reaches(
        strategies::blocks(&GroupFormat::NVFP4),
        &[
            ("whole", &|x: &Vec<f32>| x.len() == 16),
            ("ragged", &|x: &Vec<f32>| x.len() == 3),
            ("subnormal", &|x: &Vec<f32>| x.iter().any(|x| x.is_subnormal())),
            ("huge", &|x: &Vec<f32>| x.iter().any(|x| x.abs() > 1e37)),
        ],
    );
    let codes = |x: &(Vec<u32>, Vec<u32>)| x.0.iter().all(|&code| code == 0x7e);
    reaches(
        strategies::code_operands(Format::E4M3FN, Format::E4M3FN, 0..=9),
        &[("all largest", &move |x: &(Vec<u32>, Vec<u32>)| !x.0.is_empty() && codes(x))],
    );
}

/// Every accumulator that is drawn gives what the reference gives, machine by machine.
#[test]
fn drawn_accumulators_step_as_the_reference() {
    let cases = (
        strategies::integer_accumulators(),
        strategies::integer_operands(-8..=7, -128..=127, 0..=50),
    );
    let found = find(500, &cases, |(acc, (left, right))| {
        let mut machine = acc.machine().map_err(|error| TestCaseError::fail(error.to_string()))?;
        for (&a, &b) in left.iter().zip(&right) {
            machine.push_product(a * b);
        }
        let value = machine.drain().value;
        strategies::hold_dot(&acc, &left, &right, value)
    });
    assert_eq!(found, Ok(()));
}
