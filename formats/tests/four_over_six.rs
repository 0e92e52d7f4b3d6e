//! The element that the largest magnitude of a block becomes, beside the definition of each rule in exact rationals.

mod common;

use common::{PLAIN, float_spec};
use fewbit_formats::{
    BlockMaximum, ExponentRule, Format, GroupError, GroupFormat, GroupPolicy, ScalePolicy, philox,
};
use fewbit_testkit::rounding::{FloatOracle, Mode, Overflow, exact};
use num_rational::BigRational;
use num_traits::{Signed, Zero};

fn policy(maximum: BlockMaximum) -> GroupPolicy {
    GroupPolicy::new(ScalePolicy::new(ExponentRule::Floor).with_maximum(maximum), PLAIN)
}

fn oracle(format: Format) -> FloatOracle {
    match format {
        Format::Float(float) => float_spec(float).oracle(),
        other => panic!("{other} is no float"),
    }
}

/// Codes and values by enumeration.
struct Nearest(Format, FloatOracle);

impl Nearest {
    fn code(&self, x: &BigRational) -> u32 {
        if x.is_zero() {
            return 0;
        }
        self.1.encode(&self.1.place(x), Mode::TiesEven, Overflow::Saturate, 0).code
    }

    fn value(&self, x: &BigRational) -> BigRational {
        exact(self.0.decode(self.code(x)))
    }
}

fn ratio(n: i64, d: i64) -> BigRational {
    BigRational::new(n.into(), d.into())
}

/// The scale under which the largest magnitude is this element, and the errors of the values: squared, absolute, largest.
fn candidate(
    x: &[f32],
    element: i64,
    scales: &Nearest,
    elements: &Nearest,
) -> (u32, [BigRational; 3]) {
    let values: Vec<BigRational> = x.iter().map(|&x| exact(x.into())).collect();
    let amax = values.iter().map(Signed::abs).max().unwrap();
    let code = scales.code(&(&amax / ratio(element, 1)));
    let scale = exact(scales.0.decode(code));
    let errors: Vec<BigRational> =
        values.iter().map(|x| (elements.value(&(x / &scale)) * &scale - x).abs()).collect();
    let squares = errors.iter().map(|e| e * e).sum();
    (code, [squares, errors.iter().sum(), errors.iter().max().unwrap().clone()])
}

/// Multiples of 1/64 of at most 18 bits, so that the errors and their sums are exact in `f64` too.
fn blocks() -> impl Iterator<Item = Vec<f32>> {
    (0..400u64).map(|block| {
        let word = |i: u64| philox::bits(31, block << 8 | i);
        let range = 1 << (4 + word(100) % 13);
        let element = |i: u64| {
            let whole = (word(i) >> 4) % range + u32::from(i == 0) * range;
            let size = whole as f32 / 64.0;
            if word(i) & 1 == 0 { size } else { -size }
        };
        (0..16).map(element).collect()
    })
}

#[test]
fn every_rule_takes_what_it_says() {
    let format: GroupFormat = "mx(e2m1fn,e4m3fn,16)".parse().unwrap();
    let scales = Nearest(Format::E4M3FN, oracle(Format::E4M3FN));
    let elements = Nearest(Format::E2M1FN, oracle(Format::E2M1FN));
    let mut fours = [0; 3];
    for x in blocks() {
        let (six, errors6) = candidate(&x, 6, &scales, &elements);
        let (four, errors4) = candidate(&x, 4, &scales, &elements);
        let found = |maximum| format.block_scale(&x, None, &policy(maximum)).unwrap().code;
        assert_eq!(found(BlockMaximum::Static6), six, "{x:?}");
        assert_eq!(found(BlockMaximum::Static4), four, "{x:?}");
        let adaptive = [BlockMaximum::Mse, BlockMaximum::Mae, BlockMaximum::AbsMax];
        for (index, rule) in adaptive.into_iter().enumerate() {
            let takes_four = errors4[index] < errors6[index];
            fours[index] += usize::from(takes_four);
            assert_eq!(found(rule), if takes_four { four } else { six }, "{rule} {x:?}");
        }
    }
    // Each rule takes both often enough.
    assert!(fours.iter().all(|count| (40..360).contains(count)), "{fours:?}");
}

/// Largest element times largest scale: 6 * 448, 4 * 448, and 6 * 256 where a scale half as large again may be taken.
#[test]
fn outer_scales_leave_room() {
    let outer = |maximum| {
        let outer = GroupFormat::NVFP4.outer_scale(10_752.0, &policy(maximum)).unwrap();
        outer.unwrap().value
    };
    assert_eq!(outer(BlockMaximum::Static6), 4.0);
    assert_eq!(outer(BlockMaximum::Static4), 6.0);
    for rule in [BlockMaximum::Mse, BlockMaximum::Mae, BlockMaximum::AbsMax] {
        assert_eq!(outer(rule), 7.0, "{rule}");
    }
}

/// 4 and 6 by hand: in units of a scale of 1, 3.5 lies between elements; the largest being 4 becomes 6 under 2/3.
#[test]
fn by_hand() {
    let format: GroupFormat = "mx(e2m1fn,f32,4)".parse().unwrap();
    let scale = |rule, x: &[f32]| format.block_scale(x, None, &policy(rule)).unwrap().value;
    // Under 1 nothing is lost: 4, 3, 2, 1. Under 2/3, 3 is 4.5 units, a tie between 4 and 6 of which 4 is taken.
    assert_eq!(scale(BlockMaximum::Mse, &[4.0, 3.0, 2.0, 1.0]), 1.0);
    assert_eq!(scale(BlockMaximum::Static6, &[4.0, 3.0, 2.0, 1.0]), 2.0 / 3.0);
    // Both are exact: the largest element is taken.
    assert_eq!(scale(BlockMaximum::Mse, &[6.0, 0.0, 0.0, 3.0]), 1.0);
    assert_eq!(scale(BlockMaximum::AbsMax, &[0.0; 4]), f32::from_bits(1));
}

#[test]
fn where_it_means_nothing() {
    for name in ["mxfp4", "hif4", "mx(uint4,f16,32,zero-point)"] {
        let format: GroupFormat = name.parse().unwrap();
        for &maximum in BlockMaximum::ALL {
            let found = format.block_scale(&[1.0, 2.0], None, &policy(maximum));
            let refused = matches!(found, Err(GroupError::Maximum(..)));
            assert_eq!(refused, maximum != BlockMaximum::Static6, "{name} {maximum}");
        }
    }
}
