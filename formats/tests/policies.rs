//! What each policy does where the mathematics leaves a choice, by cases that can be checked by hand.

#![allow(clippy::unusual_byte_groupings, reason = "bit patterns are grouped by field")]

use fewbit_formats::{
    EncodeError, Encoded, Format, InfinityPolicy, NanPayload, NanPolicy, NanSign, Overflow, Policy,
    PolicyPreset, Rounding, Status, SubnormalInput, SubnormalOutput, ZeroSign,
};

const SATURATE: Policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
const SPECIAL: Policy = Policy::new(Rounding::TiesEven, Overflow::Special);

fn encode(name: &str, x: f32, policy: Policy) -> Result<Encoded, EncodeError> {
    name.parse::<Format>().unwrap().encode(x, &policy, 0)
}

fn code(name: &str, x: f32, policy: Policy) -> u32 {
    encode(name, x, policy).unwrap().code
}

#[test]
fn canonical_nans_are_ml_dtypes_nans() {
    let expected = [
        ("e4m3fn", 0x7f, 0xff),
        ("e5m2", 0x7e, 0xfe),
        ("e4m3", 0x7c, 0xfc),
        ("e3m4", 0x78, 0xf8),
        ("e4m3fnuz", 0x80, 0x80),
        ("e5m2fnuz", 0x80, 0x80),
        ("e4m3b11fnuz", 0x80, 0x80),
        ("bf16", 0x7fc0, 0xffc0),
        ("f16", 0x7e00, 0xfe00),
        ("f32", 0x7fc0_0000, 0xffc0_0000),
        ("e8m0fnu", 0xff, 0xff),
        ("binary8p4se", 0x80, 0x80),
        ("posit8", 0x80, 0x80),
        ("takum16", 0x8000, 0x8000),
        ("hif8", 0x80, 0x80),
        ("binary8p4ue", 0xff, 0xff),
    ];
    for (name, positive, negative) in expected {
        assert_eq!(
            encode(name, f32::NAN, SATURATE),
            Ok(Encoded { code: positive, status: Status::NONE }),
            "{name}"
        );
        assert_eq!(
            encode(name, -f32::NAN, SATURATE),
            Ok(Encoded { code: negative, status: Status::NONE }),
            "{name}"
        );
    }
}

#[test]
fn nan_sign_and_payload() {
    let positive = SATURATE.with_nan_sign(NanSign::Positive);
    assert_eq!(
        [code("e4m3fn", -f32::NAN, positive), code("bf16", -f32::NAN, positive)],
        [0x7f, 0x7fc0]
    );
    let ones = SATURATE.with_nan_payload(NanPayload::AllOnes);
    assert_eq!([code("e5m2", f32::NAN, ones), code("f16", -f32::NAN, ones)], [0x7f, 0xffff]);
    let truncate = SATURATE.with_nan_payload(NanPayload::Truncate);
    // Payload 0b1_0110_0000_..._1 of f32: its leading ten bits, the quiet one set.
    let payload = f32::from_bits(0b0_1111_1111_001_0110_0000_0000_0000_0001);
    assert_eq!(encode("f16", payload, truncate).unwrap().code, 0b0_11111_10_1011_0000);
    assert_eq!(
        encode("f16", payload, truncate).unwrap().status,
        Status::INVALID,
        "it was a signaling one"
    );
    assert_eq!(code("f32", f32::from_bits(0x7fc1_2345), truncate), 0x7fc1_2345);
}

#[test]
fn nan_without_a_code() {
    let nan =
        |name, x, policy| encode(name, x, SATURATE.with_nan(policy)).map(|e| (e.code, e.status));
    let float = "e2m1fn".parse().unwrap();
    assert_eq!(nan("e2m1fn", f32::NAN, NanPolicy::Error), Err(EncodeError::Nan { format: float }));
    let codes = |name, x| {
        NanPolicy::ALL[1..].iter().map(move |&p| nan(name, x, p).unwrap().0).collect::<Vec<_>>()
    };
    // zero, negative-zero, ml-dtypes, largest, smallest
    assert_eq!(codes("e2m1fn", f32::NAN), [0x0, 0x8, 0x8, 0x7, 0xf]);
    assert_eq!(codes("e2m1fn", -f32::NAN), [0x0, 0x8, 0x0, 0x7, 0xf]);
    assert_eq!(codes("e3m2fn", f32::NAN), [0x00, 0x20, 0x20, 0x1f, 0x3f]);
    assert_eq!(codes("e2m1fnu", f32::NAN), [0x0, 0x0, 0x0, 0x7, 0x0]);
    assert_eq!(codes("int8", f32::NAN), [0, 0, 0, 0x7f, 0x80]);
    assert_eq!(codes("uint4", f32::NAN), [0, 0, 0, 15, 0]);
    assert_eq!(codes("ternary", f32::NAN), [0, 0, 0, 1, 3]);
    assert_eq!(codes("binary", f32::NAN), [1, 1, 1, 1, 0]);
    assert_eq!(nan("int8", f32::NAN, NanPolicy::Zero).unwrap().1, Status::INVALID);
}

#[test]
fn infinities() {
    let inf = f32::INFINITY;
    let flagged = Status::OVERFLOW | Status::INEXACT;
    // Where the format has infinities, one given is no overflow, unless it is clamped.
    assert_eq!(encode("e5m2", -inf, SPECIAL), Ok(Encoded { code: 0xfc, status: Status::NONE }));
    assert_eq!(encode("e5m2", -inf, SATURATE), Ok(Encoded { code: 0xfb, status: flagged }));
    assert_eq!(encode("e4m3fn", inf, SPECIAL), Ok(Encoded { code: 0x7f, status: flagged }));
    assert_eq!(encode("e2m1fn", inf, SPECIAL), Ok(Encoded { code: 0x7, status: flagged }));
    let keep = SATURATE.with_infinity(InfinityPolicy::Keep);
    assert_eq!(
        [code("e5m2", inf, keep), code("e5m2", 1e9, keep), code("e4m3fn", inf, keep)],
        [0x7c, 0x7b, 0x7e]
    );
    let nan = SATURATE.with_infinity(InfinityPolicy::Nan);
    assert_eq!([code("e5m2", inf, nan), code("e4m3fn", -inf, nan)], [0x7e, 0xff]);
    assert!(matches!(encode("e2m1fn", inf, nan), Err(EncodeError::Nan { .. })));
    let refuse = SATURATE.with_infinity(InfinityPolicy::Error);
    for name in ["e5m2", "int8", "fix8.4", "binary", "ternary", "posit8", "takum8", "hif8"] {
        let error = encode(name, inf, refuse).unwrap_err();
        assert_eq!(error, EncodeError::Infinity { format: name.parse().unwrap() });
    }
    // No rounding mode brings an infinity back into the range.
    let truncate = Policy::new(Rounding::TowardZero, Overflow::Ieee);
    assert_eq!([code("f16", inf, truncate), code("f16", 1e9, truncate)], [0x7c00, 0x7bff]);
    assert_eq!([code("int8", inf, SATURATE), code("int8", -inf, SATURATE)], [0x7f, 0x80]);
    assert!(encode("int8", inf, SATURATE.with_overflow(Overflow::Wrap)).is_err());
    assert_eq!(
        code("binary8p4ue", -inf, SPECIAL),
        0xff,
        "there is no negative infinity without a sign"
    );
}

#[test]
fn zeros_and_signs() {
    assert_eq!([code("e4m3fn", -0.0, SATURATE), code("e4m3fn", -1e-9, SATURATE)], [0x80, 0x80]);
    let positive = SATURATE.with_zero_sign(ZeroSign::Positive);
    assert_eq!([code("e4m3fn", -0.0, positive), code("e4m3fn", -1e-9, positive)], [0, 0]);
    assert_eq!([code("e4m3fnuz", -0.0, SATURATE), code("e4m3fnuz", -1e-9, SATURATE)], [0, 0]);
    assert_eq!([code("posit8", -0.0, SATURATE), code("int8", -0.3, SATURATE)], [0, 0]);
    // Zero where there is none.
    assert_eq!(encode("e8m0fnu", 0.0, SATURATE).unwrap().code, 0x00);
    assert_eq!(encode("e8m0fnu", 0.0, SPECIAL).unwrap().code, 0xff);
    assert_eq!([code("binary", 0.0, SATURATE), code("binary", -0.0, SATURATE)], [1, 1]);
    // Negative where there is no sign: out of range, unless it is rounded to zero.
    assert_eq!([code("e4m3fnu", -0.0001, SATURATE), code("e4m3fnu", -1.0, SATURATE)], [0, 0]);
    assert_eq!(
        encode("e4m3fnu", -0.0001, SATURATE).unwrap().status,
        Status::INEXACT | Status::UNDERFLOW
    );
    assert_eq!(encode("e4m3fnu", -1.0, SPECIAL).unwrap().code, 0x7f);
    assert_eq!(
        encode("e4m3fnu", -1.0, SPECIAL).unwrap().status,
        Status::INEXACT | Status::OVERFLOW
    );
}

#[test]
fn subnormals() {
    let tiny = f32::from_bits(0x0040_0000); // 2^-127
    let flush_in = SATURATE.with_subnormal_input(SubnormalInput::Flush);
    assert_eq!([code("bf16", tiny, SATURATE), code("bf16", tiny, flush_in)], [0x0040, 0]);
    assert_eq!(code("bf16", -tiny, flush_in), 0x8000);
    assert_eq!(
        [code("takum16", tiny, SATURATE) == 0, code("takum16", tiny, flush_in) == 0],
        [false, true]
    );
    assert_eq!([code("binary", -tiny, SATURATE), code("binary", -tiny, flush_in)], [0, 1]);
    // e4m3fn: normal from 2^-6. 2^-6 * (1 - 2^-5) is rounded up to it; 2^-6 * (1 - 2^-4) is the last subnormal's tie.
    let before = SATURATE.with_subnormal_output(SubnormalOutput::FlushBefore);
    let after = SATURATE.with_subnormal_output(SubnormalOutput::FlushAfter);
    let normal = 2f32.powi(-6);
    let [below, tie, last] =
        [1.0 - 2f32.powi(-5), 1.0 - 2f32.powi(-4), 0.875].map(|part| part * normal);
    assert_eq!([below, tie, last].map(|x| code("e4m3fn", x, SATURATE)), [0x08, 0x08, 0x07]);
    assert_eq!([below, tie, last, normal].map(|x| code("e4m3fn", x, before)), [0, 0, 0, 0x08]);
    // To four digits without a least exponent, 1 - 2^-5 is a tie between 0.9375 and 1, and goes to 1; 1 - 2^-4 is
    // 0.9375 itself.
    assert_eq!([below, tie, last, normal].map(|x| code("e4m3fn", x, after)), [0x08, 0, 0, 0x08]);
    assert_eq!(encode("e4m3fn", below, SATURATE).unwrap().status, Status::INEXACT);
    assert_eq!(
        encode("e4m3fn", tie, SATURATE).unwrap().status,
        Status::INEXACT | Status::UNDERFLOW
    );
    assert_eq!(encode("e4m3fn", last, SATURATE).unwrap().status, Status::NONE);
    assert_eq!(encode("e4m3fn", last, after).unwrap().status, Status::INEXACT | Status::UNDERFLOW);
}

/// HiF8 through every axis: zero, infinities, the ends of its range and its denormal mode, from 2^-22 to 2^-16.
#[test]
fn hif8() {
    let inf = f32::INFINITY;
    let flags = |x: f32, policy| encode("hif8", x, policy).unwrap().status;
    assert_eq!([0.0, -0.0, 1.0, -1.0].map(|x| code("hif8", x, SATURATE)), [0, 0, 0x08, 0x88]);
    assert_eq!([inf, -inf].map(|x| code("hif8", x, SPECIAL)), [0x6f, 0xef]);
    assert_eq!(flags(inf, SPECIAL), Status::NONE);
    assert_eq!([inf, -inf].map(|x| code("hif8", x, SATURATE)), [0x6e, 0xee]);
    assert_eq!(flags(inf, SATURATE), Status::OVERFLOW | Status::INEXACT);
    let keep = SATURATE.with_infinity(InfinityPolicy::Keep);
    assert_eq!([code("hif8", -inf, keep), code("hif8", 1e9, keep)], [0xef, 0x6e]);
    assert_eq!(code("hif8", inf, SPECIAL.with_infinity(InfinityPolicy::Nan)), 0x80);
    assert_eq!(code("hif8", 1e9, SPECIAL.with_overflow(Overflow::Zero)), 0);
    // The last value is 2^15; infinity stands where 1.5 * 2^15 would. The tie goes to the even code.
    assert_eq!([40960.0, 40960f32.next_up()].map(|x| code("hif8", x, SPECIAL)), [0x6e, 0x6f]);
    let truncate = Policy::new(Rounding::TowardZero, Overflow::Ieee);
    assert_eq!([code("hif8", 1e9, truncate), code("hif8", inf, truncate)], [0x6e, 0x6f]);
    // 2^-22 has code 1, 2^-16 code 7; half of the first is a tie. Beyond 2^-15 there is nothing to underflow.
    let power = |exponent| 2f32.powi(exponent);
    let tie = power(-23);
    assert_eq!([tie, tie.next_up()].map(|x| code("hif8", x, SATURATE)), [0, 1]);
    assert_eq!(flags(tie, SATURATE), Status::UNDERFLOW | Status::INEXACT);
    assert_eq!(
        (code("hif8", power(-16), SATURATE), flags(power(-16), SATURATE)),
        (7, Status::NONE)
    );
    assert_eq!(flags(1.7 * power(-16), SATURATE), Status::INEXACT, "it becomes 2^-15");
    let before = SATURATE.with_subnormal_output(SubnormalOutput::FlushBefore);
    let after = SATURATE.with_subnormal_output(SubnormalOutput::FlushAfter);
    let around = [power(-16), 1.7 * power(-16), power(-15)];
    assert_eq!(around.map(|x| code("hif8", x, before)), [0, 0, 0x7e]);
    assert_eq!(around.map(|x| code("hif8", x, after)), [0, 0x7e, 0x7e]);
    assert_eq!(flags(power(-16), before), Status::UNDERFLOW | Status::INEXACT);
    let flush = SATURATE.with_subnormal_input(SubnormalInput::Flush);
    let operand = Format::HIF8.decode_real(7);
    assert_eq!(Format::HIF8.encode(operand, &flush, 0).unwrap().code, 0);
    assert_eq!(
        [0x00, 0x80, 0x08, 0xef].map(|c| Format::HIF8.negate(c)),
        [0, 0x80, 0x88, 0x6f].map(Some)
    );
    // In the order of the values, NaN below all.
    let mut codes: Vec<u32> = (0..256).collect();
    codes.sort_by(|&a, &b| Format::HIF8.total_cmp(a, b));
    let values: Vec<f64> = codes.into_iter().map(|code| Format::HIF8.decode(code)).collect();
    assert!(values[0].is_nan() && values[1..].windows(2).all(|pair| pair[0] < pair[1]));
}

/// The thresholds that the OFP8 text and its users quote.
#[test]
fn ofp8_thresholds() {
    let next = |x: f32| x.next_up();
    assert_eq!([464.0, next(464.0)].map(|x| code("e4m3fn", x, SPECIAL)), [0x7e, 0x7f]);
    assert_eq!([464.0, next(464.0)].map(|x| code("e4m3fn", x, SATURATE)), [0x7e, 0x7e]);
    assert_eq!([61440f32.next_down(), 61440.0].map(|x| code("e5m2", x, SPECIAL)), [0x7b, 0x7c]);
    assert_eq!([248f32.next_down(), 248.0].map(|x| code("e4m3fnuz", x, SPECIAL)), [0x7f, 0x80]);
    assert_eq!([5.0, 0.25, 7.0].map(|x| code("e2m1fn", x, SATURATE)), [0x6, 0x0, 0x7]);
}

/// P3109's three projections, and round-to-odd at the end of the range.
#[test]
fn p3109_saturation() {
    let none = Policy::new(Rounding::TiesEven, Overflow::SatNone);
    let inf = f32::INFINITY;
    // Binary8p4se: max 224 (0x7e), infinity 0x7f. 232 is the tie to 240, whose code is odd.
    assert_eq!(
        [224.0, 232.0, 233.0, inf, -1e9].map(|x| code("binary8p4se", x, none)),
        [0x7e, 0x7e, 0x7f, 0x7f, 0xff]
    );
    assert_eq!([232.0, 1e9, inf].map(|x| code("binary8p4sf", x, none)), [0x7e, 0x7f, 0x7f]);
    let propagate: PolicyPreset = "p3109-satpropagate".parse().unwrap();
    let propagate = propagate.policy(Format::BINARY8P4SE);
    assert_eq!([1e9, inf, -inf].map(|x| code("binary8p4se", x, propagate)), [0x7e, 0x7f, 0xff]);
    let odd = none.with_rounding(Rounding::Odd);
    assert_eq!([225.0, 1e9].map(|x| code("binary8p4se", x, odd)), [0x7f, 0x7f]);
    // Unsigned: the largest value has an odd code.
    let max = "binary8p4ue".parse::<Format>().unwrap().max_finite() as f32;
    assert_eq!(code("binary8p4ue", 2.0 * max, odd), 0xfd);
    assert_eq!(code("binary8p4ue", -1.0, none), 0xff, "below zero there is only NaN");
    assert_eq!(code("binary8p4ue", 2.0 * max, none.with_rounding(Rounding::Down)), 0xfd);
    // 2.0 = 0x48.
    assert_eq!(code("binary8p4se", 2.0, none), 0x48);
}

/// One value between two through every mode: 2.5 in 8-bit integers, and its negative.
#[test]
fn modes_by_hand() {
    let expected = [
        ("ties-even", 2, -2),
        ("ties-odd", 3, -3),
        ("ties-away", 3, -3),
        ("ties-zero", 2, -2),
        ("ties-up", 3, -2),
        ("ties-down", 2, -3),
        ("ties-dpu", 2, -2),
        ("toward-zero", 2, -2),
        ("up", 3, -2),
        ("down", 2, -3),
        ("away", 3, -3),
        ("odd", 3, -3),
        ("AP_RND", 3, -2),
        ("AP_RND_ZERO", 2, -2),
        ("AP_RND_MIN_INF", 2, -3),
        ("AP_RND_INF", 3, -3),
        ("AP_RND_CONV", 2, -2),
        ("AP_TRN", 2, -3),
        ("AP_TRN_ZERO", 2, -2),
    ];
    for (name, up, down) in expected {
        let policy = SATURATE.with_rounding(name.parse().unwrap());
        let value = |x: f32| Format::INT8.decode(code("int8", x, policy));
        assert_eq!((value(2.5), value(-2.5)), (f64::from(up), f64::from(down)), "{name}");
    }
}

#[test]
fn hls_overflow_modes_by_hand() {
    // ap_fixed<4,4>: -8 to 7. 19 = 0b10011, -19 = 0b101101.
    let expected = [
        ("AP_SAT", 7, -8),
        ("AP_SAT_ZERO", 0, 0),
        ("AP_SAT_SYM", 7, -7),
        ("AP_WRAP", 3, -3),
        ("AP_WRAP_SM", -4, 2),
    ];
    for (name, up, down) in expected {
        let policy = SATURATE.with_overflow(name.parse().unwrap());
        let format: Format = "ap_fixed<4,4>".parse().unwrap();
        let value = |x: f32| format.decode(format.encode(x, &policy, 0).unwrap().code);
        assert_eq!((value(19.0), value(-19.0)), (f64::from(up), f64::from(down)), "{name}");
    }
    // -128 lies within int8 but not within its symmetric range.
    assert_eq!(code("int8", -128.0, SATURATE.with_overflow(Overflow::SaturateSymmetric)), 0x81);
}

/// A value one bit above a tie of a narrow format, given as f64, is not rounded twice.
#[test]
fn f64_is_rounded_once() {
    for (format, one) in [
        (Format::F16, 0x3c00),
        (Format::BF16, 0x3f80),
        (Format::E4M3FN, 0x38),
        (Format::E2M1FN, 0x2),
    ] {
        let half_step = (format.decode(one + 1) - 1.0) / 2.0;
        let tie = 1.0 + half_step;
        let above = 1.0 + half_step + 2f64.powi(-50);
        let code = |x: f64| format.encode(x, &SATURATE, 0).unwrap().code;
        assert_eq!(
            [code(tie), code(above), code(-above) & !(1 << (format.bits() - 1))],
            [one, one + 1, one + 1],
            "{format}"
        );
    }
}

/// Integers given are exact, whatever their width.
#[test]
fn integers_in() {
    let wrap = SATURATE.with_overflow(Overflow::Wrap);
    let int8 = |code: u32| Format::INT8.decode(code);
    assert_eq!(int8(Format::INT8.encode(i64::MIN + 5, &wrap, 0).unwrap().code), 5.0);
    assert_eq!(int8(Format::INT8.encode(u64::MAX - 2, &wrap, 0).unwrap().code), -3.0);
    assert_eq!(Format::UINT32.encode(u32::MAX, &SATURATE, 0).unwrap().code, u32::MAX);
    assert_eq!(Format::F32.encode((1i64 << 40) + 1, &SATURATE, 0).unwrap().status, Status::INEXACT);
    assert_eq!(Format::INT8.encode(-128i8, &SATURATE, 0).unwrap().code, 0x80);
}
