//! The text form of accumulators: what is written is what is read, and every mistake has its own sentence.

use fewbit::Accumulator;
use fewbit::accumulate::{AccumulatorError, Datapath, Register, RegisterOverflow, Stage};
use fewbit_testkit::accumulate::any_spec;
use proptest::prelude::*;

fn error(text: &str) -> AccumulatorError {
    text.parse::<Accumulator>().expect_err(text)
}

proptest! {
    #[test]
    fn integer_stages_round_trip(spec in any_spec()) {
        let text = spec.to_string();
        let acc: Accumulator = text.parse().unwrap();
        prop_assert_eq!(acc.stages().len(), spec.0.len());
        prop_assert_eq!(acc.to_string(), text);
        prop_assert!(acc.is_integer());
    }

    #[test]
    fn no_text_panics(text in "[a-z0-9*%/,:-]{0,40}") {
        if let Ok(acc) = text.parse::<Accumulator>() {
            prop_assert_eq!(acc.to_string().parse::<Accumulator>(), Ok(acc));
        }
    }
}

#[test]
fn a_stage_is_what_its_text_says() {
    let acc: Accumulator = " int16-wrap*4/64 , exact".parse().unwrap();
    let register = Register::Int { bits: 16, overflow: RegisterOverflow::Wrap };
    let inner =
        Stage::new(register).with_width(4.try_into().unwrap()).with_count(64.try_into().unwrap());
    assert_eq!(acc.stages(), [inner, Stage::new(Register::Exact)]);
    assert_eq!(acc.to_string(), "int16-wrap*4/64,exact");
    assert_eq!(Accumulator::new(vec![inner, Stage::new(Register::Exact)]), Ok(acc));
}

#[test]
fn registers_may_take_turns() {
    for (text, printed) in [
        ("e5m10-rne%4", "f16-rne%4"),
        ("int16-sat%4", "int16-sat%4"),
        ("int13-sat*8%2/64,int24-wrap", "int13-sat*8%2/64,int24-wrap"),
        ("preset:a100-f16%2", "preset:a100-f16%2"),
        ("f32%1", "f32-rne"),
        ("exact%1024", "exact%1024"),
    ] {
        let acc: Accumulator = text.parse().unwrap();
        assert_eq!(acc.to_string(), printed);
        assert_eq!(acc.is_interleaved(), printed.contains('%'));
        assert_eq!(printed.parse::<Accumulator>(), Ok(acc));
    }
    assert_eq!(error("f32%1025"), AccumulatorError::Interleave(1025));
    assert_eq!(
        error("int8-sat%1025/2,exact").to_string(),
        "1025 registers that take turns are more than the 1024 that a stage can have"
    );
    for text in ["f32%0", "f32%", "f32%-1", "f32%2%2", "f32%2*3", "f32%5000000000"] {
        assert!(
            matches!(
                error(text),
                AccumulatorError::Number { .. } | AccumulatorError::Interleave(_)
            ),
            "{text}"
        );
    }
}

#[test]
fn a_float_register_may_name_its_overflow() {
    for (text, printed) in [
        ("e4m3fn-sat", "e4m3fn-rne-sat"),
        ("e4m3fn-rz-special*4/2,f32", "e4m3fn-rz-special*4/2,f32-rne"),
        ("e5m2-sr8-sat", "e5m2-sr8-sat"),
        ("bf16-ties-even-sat", "bf16-rne-sat"),
        ("aligned13:e8m13-rz-sat*32", "aligned13-rz:e8m13-rz-sat*32"),
        ("aligned13:f16-special", "aligned13-rz:f16-rne-special"),
        // What names none prints none.
        ("e4m3fn", "e4m3fn-rne"),
        ("aligned13", "aligned13-rz:f32-rne"),
    ] {
        let acc: Accumulator = text.parse().unwrap();
        assert_eq!(acc.to_string(), printed);
        assert_eq!(printed.parse::<Accumulator>(), Ok(acc));
    }
    for text in [
        "e4m3fn-sat-rne",
        "e4m3fn-sat-sat",
        "e4m3fn-wrap",
        "exact-sat",
        "aligned13-rz-sat:f32",
        "preset:a100-f16-sat",
    ] {
        assert!(text.parse::<Accumulator>().is_err(), "{text}");
    }
}

#[test]
fn nothing_is_no_accumulator() {
    assert_eq!(error(""), AccumulatorError::Empty);
    assert_eq!(error("  "), AccumulatorError::Empty);
    assert_eq!(Accumulator::new(vec![]), Err(AccumulatorError::Empty));
}

#[test]
fn unknown_registers_are_named() {
    for text in ["int-sat", "int+8-sat", "sat", "int8-sat-wrap", "int8m3", "q8"] {
        assert_eq!(error(text), AccumulatorError::Register(text.into()), "{text}");
    }
    assert_eq!(error("int8-sat/4,,int9-sat"), AccumulatorError::Register("".into()));
    assert_eq!(error("int8-sat,"), AccumulatorError::Register("".into()));
    assert_eq!(
        error("int99999999999999999999-sat"),
        AccumulatorError::Register("int99999999999999999999-sat".into())
    );
    assert!(error("q8").to_string().starts_with("`q8` is not a register: expected int<P>-wrap"));
}

#[test]
fn near_misses_name_what_was_probably_meant() {
    for (text, meant) in [
        ("int20", "int20-sat or int20-wrap"),
        ("int20-", "int20-sat or int20-wrap"),
        ("int20-frob", "int20-sat or int20-wrap"),
        ("i20", "int20-sat or int20-wrap"),
        ("int20-saturate", "int20-sat"),
        ("int20_sat", "int20-sat"),
        ("int20sat", "int20-sat"),
        ("int 20-sat", "int20-sat"),
        ("int20-clip", "int20-sat"),
        ("sat20", "int20-sat"),
        ("INT20-SAT", "int20-sat"),
        ("Int20-Wrapping", "int20-wrap"),
        ("wrap-20", "int20-wrap"),
        ("uint20-wrap", "int20-wrap"),
        ("EXACT", "exact"),
        ("ALIGNED13-RZ:F32", "aligned13-rz:f32"),
        ("h100-wgmma-fp8", "preset:h100-wgmma-fp8"),
    ] {
        let expected = AccumulatorError::Near { text: text.into(), meant: meant.into() };
        assert_eq!(error(text), expected);
        for meant in meant.split(" or ") {
            assert!(meant.parse::<Accumulator>().is_ok(), "{meant}");
        }
    }
    assert_eq!(
        error("int20").to_string(),
        "`int20` is not a register: did you mean int20-sat or int20-wrap?"
    );
    for (text, bits) in [("int1", 1), ("int1sat", 1), ("INT65-SAT", 65), ("int0-saturate", 0)] {
        assert_eq!(error(text), AccumulatorError::Bits(bits), "{text}");
    }
}

#[test]
fn widths_outside_2_to_64_are_refused() {
    for bits in [0u64, 1, 65, 128, u64::from(u32::MAX) + 1] {
        assert_eq!(error(&format!("int{bits}-sat")), AccumulatorError::Bits(bits));
        assert_eq!(error(&format!("int{bits}-wrap/3,exact")), AccumulatorError::Bits(bits));
    }
    for bits in [2, 64] {
        assert!(format!("int{bits}-sat").parse::<Accumulator>().is_ok());
    }
    assert_eq!(
        error("int1-sat").to_string(),
        "an integer register of 1 bits is outside the supported widths of 2 to 64 bits"
    );
}

#[test]
fn numbers_must_be_positive_integers() {
    let number = |text: &str, stage: &str| AccumulatorError::Number {
        text: text.into(),
        stage: stage.into(),
    };
    assert_eq!(error("int8-sat*0"), number("0", "int8-sat*0"));
    assert_eq!(error("int8-sat*x"), number("x", "int8-sat*x"));
    assert_eq!(error("int8-sat*+1"), number("+1", "int8-sat*+1"));
    assert_eq!(error("int8-sat*4294967296"), number("4294967296", "int8-sat*4294967296"));
    assert_eq!(error("int8-sat*"), number("", "int8-sat*"));
    assert_eq!(error("int8-sat*-1"), number("-1", "int8-sat*-1"));
    assert_eq!(error("int8-sat/0,exact"), number("0", "int8-sat/0"));
    assert_eq!(error("int8-sat/4*2,exact"), number("4*2", "int8-sat/4*2"));
    assert_eq!(
        error("int8-sat/99999999999999999999,exact").to_string(),
        "`99999999999999999999` in `int8-sat/99999999999999999999` must be a positive integer"
    );
}

#[test]
fn only_and_all_inner_stages_have_a_count() {
    assert_eq!(error("int8-sat,int9-sat"), AccumulatorError::MissingCount("int8-sat".into()));
    assert_eq!(error("int8-sat/4"), AccumulatorError::LastCount("int8-sat/4".into()));
    assert_eq!(error("int8-sat/4,int9-sat/4"), AccumulatorError::LastCount("int9-sat/4".into()));
}

#[test]
fn float_and_aligned_stages_round_trip() {
    let canonical = [
        ("e5m10-rne", "f16-rne"),
        ("f16", "f16-rne"),
        ("bf16-ties-even", "bf16-rne"),
        ("e8m13-toward-zero", "e8m13-rz"),
        ("e5m2-sr8*4/16,f32", "e5m2-sr8*4/16,f32-rne"),
        ("aligned24", "aligned24-rz:f32-rne"),
        ("aligned0-rd:e4m3fn", "aligned0-rd:e4m3fn-rne"),
        ("aligned13-rz:e8m13-rz*32/128,f32", "aligned13-rz:e8m13-rz*32/128,f32-rne"),
    ];
    for (text, expected) in canonical {
        let acc: Accumulator = text.parse().expect(text);
        assert_eq!(acc.to_string(), expected);
        assert_eq!(expected.parse(), Ok(acc.clone()));
        assert!(!acc.is_integer());
    }
}

#[test]
fn what_is_no_float_register_is_refused() {
    for text in [
        "aligned",
        "aligned-rz",
        "alignedx",
        "aligned24-up-up",
        "aligned24:",
        "f32-",
        "f32-nearest",
    ] {
        assert_eq!(error(text), AccumulatorError::Register(text.into()), "{text}");
    }
    assert_eq!(error("aligned65"), AccumulatorError::FractionBits(65));
    for text in ["e8m0fnu", "uint8-rne", "fix8.4-rne", "ternary", "aligned24:int8"] {
        assert!(
            matches!(error(text), AccumulatorError::NotAFloat(_) | AccumulatorError::Register(_)),
            "{text}"
        );
    }
}

#[test]
fn presets_are_found_by_name() {
    let mut names: Vec<&str> = Datapath::table().iter().map(|row| row.name).collect();
    for row in Datapath::table() {
        let text = format!("preset:{}", row.name);
        let acc: Accumulator = text.parse().unwrap();
        assert_eq!(acc.to_string(), text);
        assert_eq!(acc.stages(), [Stage::new(Register::Datapath(row))]);
        assert_eq!(acc.stages()[0].width.get(), row.width);
        assert!(!acc.is_integer() && row.register().is_signed());
        assert!(!row.source.is_empty());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Datapath::table().len());
    let text = "preset:h100-wgmma-fp8/128,f32-rne";
    assert_eq!(text.parse::<Accumulator>().unwrap().to_string(), text);
    let narrow = "preset:a100-f16*4";
    assert_eq!(narrow.parse::<Accumulator>().unwrap().to_string(), narrow);
    let unknown = error("preset:h100").to_string();
    assert!(unknown.starts_with("there is no preset `h100`; there are v100-f16, "), "{unknown}");
}
