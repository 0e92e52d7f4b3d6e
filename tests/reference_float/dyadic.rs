//! Exact binary fractions against rational arithmetic.

use fewbit::reference::Dyadic;
use fewbit_formats::Rounding;
use fewbit_testkit::accumulate::real::power;
use num_rational::BigRational;
use num_traits::Zero;
use proptest::prelude::*;

use crate::oracle::rational;

fn any_dyadic() -> impl Strategy<Value = Dyadic> {
    let part = (any::<i128>(), 0u32..127, -1200i32..1200)
        .prop_map(|(significand, shift, exponent)| Dyadic::new(significand >> shift, exponent));
    prop_oneof![
        4 => part.clone(),
        // Wider than 127 bits.
        2 => (part.clone(), part).prop_map(|(a, b)| &a + &b),
        1 => Just(Dyadic::ZERO),
    ]
}

proptest! {
    #[test]
    fn arithmetic_is_exact(a in any_dyadic(), b in any_dyadic()) {
        let (x, y) = (rational(&a), rational(&b));
        prop_assert_eq!(rational(&(&a + &b)), &x + &y);
        prop_assert_eq!(rational(&(&a - &b)), &x - &y);
        prop_assert_eq!(rational(&(&a * &b)), &x * &y);
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        prop_assert_eq!(&a - &a, Dyadic::ZERO);
        prop_assert_eq!(&(&a + &b) - &b, a);
    }

    #[test]
    fn cuts_are_multiples_on_the_right_side(a in any_dyadic(), position in -1400i32..1400) {
        let (x, unit) = (rational(&a), power(position.into()));
        let (down, inexact) = a.cut(position, Rounding::Down, 0);
        prop_assert_eq!(rational(&down), (&x / &unit).floor() * &unit);
        prop_assert_eq!(inexact, down != a);
        let (up, _) = a.cut(position, Rounding::Up, 0);
        prop_assert_eq!(rational(&up), (&x / &unit).ceil() * &unit);
        let (truncated, _) = a.cut(position, Rounding::TowardZero, 0);
        prop_assert_eq!(&truncated, if a.is_negative() { &up } else { &down });
        let (nearest, _) = a.cut(position, Rounding::TiesEven, 0);
        let distance = |other: &Dyadic| { let d = rational(other) - &x; if d < BigRational::zero() { -d } else { d } };
        let (below, above) = (distance(&down), distance(&up));
        prop_assert_eq!(distance(&nearest), below.clone().min(above.clone()));
        if below == above && inexact {
            prop_assert!((rational(&nearest) / &unit / BigRational::from_integer(2.into())).is_integer());
        }
    }

    #[test]
    fn every_f64_makes_the_way_there_and_back(bits in any::<u64>()) {
        let x = f64::from_bits(bits);
        match Dyadic::from_f64(x) {
            Some(exact) => prop_assert_eq!(exact.to_f64(), x),
            None => prop_assert!(!x.is_finite()),
        }
    }

    #[test]
    fn the_nearest_f64_is_what_the_processor_adds(a in any::<f64>(), b in any::<f64>()) {
        prop_assume!(a.is_finite() && b.is_finite());
        let sum = Dyadic::from_f64(a).unwrap() + Dyadic::from_f64(b).unwrap();
        prop_assert_eq!(sum.to_f64(), a + b);
        let product = Dyadic::from_f64(a).unwrap() * Dyadic::from_f64(b).unwrap();
        prop_assert_eq!(product.to_f64(), a * b);
    }
}

#[test]
fn text_and_json() {
    let text = |significand, exponent| Dyadic::new(significand, exponent).to_string();
    assert_eq!(text(0, 5), "0x0p+0");
    assert_eq!(text(1, -149), "0x1p-149");
    assert_eq!(text(-255, 0), "-0x1.fep+7");
    assert_eq!(text(0x1001, 0), "0x1.001p+12");
    let json = |x: &Dyadic| serde_json::to_string(x).unwrap();
    assert_eq!(json(&Dyadic::new(3, 2)), "12");
    assert_eq!(json(&Dyadic::new(-3, -2)), "-0.75");
    assert_eq!(
        json(&(Dyadic::new(1, 0) + Dyadic::new(1, -100))),
        "\"0x1.0000000000000000000000001p+0\""
    );
}
