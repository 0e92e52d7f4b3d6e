//! The optional features.

#[cfg(feature = "bytemuck")]
mod bytemuck_feature {
    use bytemuck::TransparentWrapper;
    use fewbit_formats::types::{BF16, E2M1FN, E4M3FN};

    #[test]
    fn slices_of_codes_are_slices_of_numbers() {
        let mut codes = [0x38u8, 0xb8, 0x7f];
        let numbers: &mut [E4M3FN] = bytemuck::cast_slice_mut(&mut codes);
        assert_eq!([numbers[0].to_f32(), numbers[1].to_f32()], [1.0, -1.0]);
        numbers[2] = E4M3FN::MAX;
        assert_eq!(codes[2], 0x7e);
        assert_eq!(BF16::peel_slice(&[BF16::ONE]), [0x3f80]);
        assert_eq!(bytemuck::cast::<BF16, [u8; 2]>(BF16::ONE), 0x3f80u16.to_ne_bytes());
        let zero: E4M3FN = bytemuck::Zeroable::zeroed();
        assert_eq!(zero, E4M3FN::ZERO);
    }

    /// Every byte is a valid number of a type of four bits: the high bits count nowhere.
    #[test]
    fn every_pattern_is_valid() {
        let bytes: Vec<u8> = (0..=255).collect();
        let numbers: &[E2M1FN] = bytemuck::cast_slice(&bytes);
        for (byte, &x) in bytes.iter().zip(numbers) {
            let clean = E2M1FN::from_bits(byte & 0xf);
            assert_eq!((x.to_bits(), x), (byte & 0xf, clean));
            assert_eq!((x + x, -x, x.to_string()), (clean + clean, -clean, clean.to_string()));
            assert_eq!(x.total_cmp(&clean), core::cmp::Ordering::Equal);
            assert_eq!(x.cmp(&clean), core::cmp::Ordering::Equal);
        }
    }
}

#[cfg(feature = "half")]
#[test]
fn half_has_the_same_codes() {
    use fewbit_formats::types::{BF16, F16};
    for bits in 0..=u16::MAX {
        assert_eq!(half::f16::from(F16::from_bits(bits)).to_bits(), bits);
        assert_eq!(F16::from(half::f16::from_bits(bits)).to_bits(), bits);
        assert_eq!(half::bf16::from(BF16::from_bits(bits)).to_bits(), bits);
        assert_eq!(BF16::from(half::bf16::from_bits(bits)).to_bits(), bits);
    }
}

#[cfg(feature = "num-traits")]
mod num_traits_feature {
    use fewbit_formats::types::{BF16, E2M1FN, E4M3FN, E8M0FNU, F16, Posit16};
    use fewbit_formats::{Format, ParseNumberError};
    use num_traits::{
        Bounded, FromPrimitive, MulAdd, Num, NumCast, One, Signed, ToPrimitive, Zero,
    };

    fn polynomial<T: Num + Copy>(x: T) -> T {
        x * x - x + T::one()
    }

    #[test]
    fn generic_functions_take_the_types() {
        assert_eq!(polynomial(E4M3FN::from_f32(1.5)).to_f32(), 1.75);
        assert_eq!(polynomial(Posit16::from_f32(3.0)).to_f32(), 7.0);
        assert_eq!(polynomial(E2M1FN::from_f32(2.0)).to_f32(), 3.0);
        assert!(F16::zero().is_zero() && F16::NEG_ZERO.is_zero() && E8M0FNU::one().is_one());
        assert_eq!(
            (E4M3FN::min_value().to_f32(), E8M0FNU::max_value().to_f64()),
            (-448.0, 2f64.powi(127))
        );
        let fused = MulAdd::mul_add(F16::ONE, F16::ONE, F16::ONE);
        assert_eq!(fused.to_f32(), 2.0);
        let x = F16::from_f32(-2.5);
        assert_eq!((Signed::abs(&x).to_f32(), Signed::signum(&x)), (2.5, F16::NEG_ONE));
        assert!(x.is_negative() && x.abs_sub(&F16::ONE).is_zero());
        assert_eq!(F16::ONE.abs_sub(&x).to_f32(), 3.5);
    }

    #[test]
    fn casts_are_rounded_once() {
        assert_eq!(F16::from_i64(2049), Some(F16::from_f32(2048.0)));
        // Half an epsilon of bf16 above 2^60, and one: a tie as an f64, above it as an i64.
        let above = (1i64 << 60) + (1 << 52) + 1;
        assert_eq!(BF16::from_f64(above as f64), BF16::from_f64(2f64.powi(60)));
        let expected = BF16::from_f64(2f64.powi(60) + 2f64.powi(53));
        assert_eq!(BF16::from_i64(above), Some(expected));
        assert_eq!(<BF16 as NumCast>::from(above), Some(expected));
        assert_eq!(<BF16 as NumCast>::from(-above), Some(-expected));
        assert_eq!(<BF16 as NumCast>::from(1e300), Some(BF16::INFINITY));
        assert!(<BF16 as NumCast>::from(f64::NAN).is_some_and(BF16::is_nan));
        assert_eq!(<F16 as NumCast>::from(0.1f32), Some(F16::from_f32(0.1)));
        assert_eq!(F16::from_u128(u128::MAX), Some(F16::INFINITY));
        assert_eq!((F16::from_f32(-3.7).to_i32(), F16::NAN.to_i32()), (Some(-3), None));
        assert_eq!(ToPrimitive::to_f32(&E4M3FN::MAX), Some(448.0));
    }

    #[test]
    fn text_in_any_radix() {
        let read = |text: &str, radix| F16::from_str_radix(text, radix).map(F16::to_f64);
        assert_eq!(read("1.1", 2), Ok(1.5));
        assert_eq!(read("-ff.8", 16), Ok(-255.5));
        assert_eq!(read("0.1", 3), Ok(F16::from_f64(1.0 / 3.0).to_f64()));
        assert_eq!(read("1e-3", 2), Ok(0.125));
        assert_eq!(read("z", 36), Ok(35.0));
        // A tie between 2048 and 2050, and the smallest step above it.
        assert_eq!(read(&format!("100000000001.{}", "0".repeat(2000)), 2), Ok(2048.0));
        assert_eq!(read(&format!("100000000001.{}1", "0".repeat(9000)), 2), Ok(2050.0));
        assert_eq!(read(&format!("0.{}1", "0".repeat(9000)), 3), Ok(0.0));
        assert_eq!(read(&"2".repeat(9000), 3), Ok(f64::INFINITY));
        assert!(matches!(read("12", 2), Err(ParseNumberError::Invalid(_))));
        assert_eq!(read("1", 37), Err(ParseNumberError::Radix(37)));
        assert!(E2M1FN::from_str_radix("nan", 10).is_err());
    }

    /// The sum of all codes, over the types that a generic function takes, is what their values say.
    #[test]
    fn sums() {
        fn sum<T: Zero + Copy>(xs: impl Iterator<Item = T>) -> T {
            xs.fold(T::zero(), |a, b| a + b)
        }
        let all = (0..8).map(E2M1FN::from_bits);
        assert_eq!(sum(all).to_f32(), 6.0, "it saturates");
        assert_eq!(Format::E2M1FN.max_finite(), 6.0);
    }
}

#[cfg(feature = "serde")]
mod serde_feature {
    use fewbit_formats::types::{E2M1FN, E4M3FN, E5M2, Number, Posit32, TF32, Takum16};
    use serde::{Serialize, de::DeserializeOwned};
    use serde_test::{Configure, Token, assert_de_tokens_error, assert_tokens};

    #[test]
    fn numbers_in_json() {
        let xs = [E5M2::from_f32(1.5), E5M2::INFINITY, E5M2::NEG_ZERO, E5M2::NAN];
        let text = serde_json::to_string(&xs).unwrap();
        assert_eq!(text, r#"[1.5,"inf",-0.0,"NaN"]"#);
        let back: [E5M2; 4] = serde_json::from_str(&text).unwrap();
        assert_eq!(back[..3], xs[..3]);
        assert!(back[3].is_nan() && back[2].is_sign_negative());
        // Numbers of others are rounded, integers taken, and what cannot be is refused.
        let read: Vec<E4M3FN> = serde_json::from_str(r#"[0.1, 3, -7, "1.0625000001"]"#).unwrap();
        assert_eq!(
            read.iter().map(|x| x.to_f32()).collect::<Vec<_>>(),
            [0.1015625, 3.0, -7.0, 1.125]
        );
        let error = serde_json::from_str::<E2M1FN>(r#""NaN""#).unwrap_err().to_string();
        assert!(error.starts_with("NaN has no counterpart in e2m1fn"), "{error}");
        let error = serde_json::from_str::<E2M1FN>("[]").unwrap_err().to_string();
        assert!(error.contains("expected a number or a text such as NaN, for e2m1fn"), "{error}");
    }

    #[test]
    fn every_code_survives_json() {
        fn check<T: Number + Serialize + DeserializeOwned>() {
            let step = (T::FORMAT.code_count() / 4096).max(1) | 1;
            for code in (0..T::FORMAT.code_count()).step_by(step as usize) {
                let x = T::from_code(code as u32);
                let back: T = serde_json::from_str(&serde_json::to_string(&x).unwrap()).unwrap();
                let both_nan =
                    T::FORMAT.decode(x.code()).is_nan() && T::FORMAT.decode(back.code()).is_nan();
                assert!(back.code() == x.code() || both_nan, "{x}");
            }
        }
        check::<E2M1FN>();
        check::<E4M3FN>();
        check::<E5M2>();
        check::<TF32>();
        check::<Takum16>();
        check::<Posit32>();
    }

    #[test]
    fn codes_in_binary_formats() {
        assert_tokens(&E2M1FN::MAX.compact(), &[Token::U8(7)]);
        assert_tokens(&TF32::ONE.compact(), &[Token::U32(127 << 10)]);
        assert_tokens(&E4M3FN::MAX.readable(), &[Token::F64(448.0)]);
        assert_de_tokens_error::<serde_test::Compact<E2M1FN>>(
            &[Token::U8(0x17)],
            "invalid value: integer `23`, expected a code of e2m1fn, which has 4 bits",
        );
    }
}

#[cfg(feature = "proptest")]
mod proptest_feature {
    use fewbit_formats::types::strategies::{boundaries, cancelling_pairs, codes, finite, ties};
    use fewbit_formats::types::{BF16, E2M1FN, E4M3FN, E8M0FNU, F16, Number, Posit16, Takum8};
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use std::collections::BTreeSet;

    fn drawn<T: Clone + core::fmt::Debug>(
        strategy: impl Strategy<Value = T>,
        count: usize,
    ) -> Vec<T> {
        let mut runner = TestRunner::deterministic();
        (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
    }

    #[test]
    fn codes_are_all_drawn() {
        let seen: BTreeSet<u32> = drawn(codes::<E4M3FN>(), 4000).iter().map(|x| x.code()).collect();
        assert_eq!(seen.len(), 256);
        let seen: BTreeSet<u32> =
            drawn(finite::<E4M3FN>(), 4000).iter().map(|x| x.code()).collect();
        assert_eq!(seen.len(), 254);
        let seen: BTreeSet<u32> = drawn(any::<E2M1FN>(), 400).iter().map(|x| x.code()).collect();
        assert_eq!(seen.len(), 16);
    }

    #[test]
    fn boundaries_hold_the_ends() {
        let seen: BTreeSet<u32> =
            drawn(boundaries::<F16>(), 5000).iter().map(|x| x.code()).collect();
        for code in
            [0, 0x8000, 1, 0x3ff, 0x400, 0x3c00, 0x7bff, 0x7c00, 0x7e00, 0xfbff, 0xfc00, 0xffff]
        {
            assert!(seen.contains(&code), "{code:#x}");
        }
        assert!(seen.len() < 400, "{}", seen.len());
    }

    /// A value drawn is a tie or an f64 beside one: two steps below it and above it are rounded to two neighbours.
    #[test]
    fn ties_are_where_rounding_turns() {
        fn check<T: Number>() {
            let code = |x: f64| {
                let policy = fewbit_formats::Policy::new(
                    fewbit_formats::Rounding::TiesEven,
                    fewbit_formats::Overflow::Saturate,
                );
                T::FORMAT.encode(x, &policy, 0).unwrap().code
            };
            for x in drawn(ties::<T>(), 600) {
                let (above, below) = (x.next_up().next_up(), x.next_down().next_down());
                assert_ne!(code(above), code(below), "{} {x:e}", T::FORMAT);
            }
        }
        check::<E4M3FN>();
        check::<F16>();
        check::<BF16>();
        check::<Posit16>();
        check::<Takum8>();
        check::<E8M0FNU>();
    }

    #[test]
    fn cancelling_pairs_cancel() {
        for (a, b) in drawn(cancelling_pairs::<BF16>(), 1000) {
            let (sum, larger) = (a.to_f64() + b.to_f64(), a.to_f64().abs().max(b.to_f64().abs()));
            assert!(sum.abs() <= larger / 32.0 || larger < 1e-37, "{a} {b}");
        }
    }

    proptest! {
        /// What a sum loses is at most half of what the neighbours are apart.
        #[test]
        fn cancelling_sums_are_exact((a, b) in cancelling_pairs::<F16>()) {
            // Sterbenz: the difference of two numbers within a factor of two is exact.
            let exact = a.to_f64() + b.to_f64();
            prop_assert!((a + b).to_f64() == exact || a.to_f64().abs().max(b.to_f64().abs()) > 2.0 * a.to_f64().abs().min(b.to_f64().abs()));
        }

        #[test]
        fn a_tie_goes_to_the_even_code(x in ties::<F16>()) {
            let code = F16::from_f64(x).to_bits();
            let (below, above) = (F16::from_f64(x.next_down()), F16::from_f64(x.next_up()));
            let tie = (below.to_f64() + above.to_f64()) / 2.0 == x;
            prop_assert!(!tie || code & 1 == 0);
        }
    }
}
