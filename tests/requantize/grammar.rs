//! Names of policies.

use fewbit::requantize::{Excess, RequantizePolicy};

use crate::jobs::policies;

#[test]
fn what_is_printed_parses_to_the_same() {
    for policy in policies() {
        assert_eq!(policy.to_string().parse::<RequantizePolicy>(), Ok(policy), "{policy}");
    }
}

#[test]
fn a_suffix_is_the_choice_and_the_default_has_none() {
    let of = |text: &str| text.parse::<RequantizePolicy>();
    assert_eq!(of("tosa32"), Ok(RequantizePolicy::Tosa32(Excess::Refuse)));
    assert_eq!(of("tosa32-wrap"), Ok(RequantizePolicy::Tosa32(Excess::Wrap)));
    assert_eq!(of("tosa32-double-refuse").unwrap().to_string(), "tosa32-double");
    assert_eq!(of("cmsis-single-saturate"), Ok(RequantizePolicy::CmsisSingle(Excess::Saturate)));
    assert_eq!(of("cmsis-wrap").unwrap().to_string(), "cmsis");
    assert_eq!(of("exact-rne").unwrap().to_string(), "exact-ties-even");
    assert_eq!(of("shift-AP_RND").unwrap().to_string(), "shift-ties-up");
    assert_eq!(of("shift-sr7").unwrap().to_string(), "shift-stochastic7");
}

#[test]
fn other_names_are_refused() {
    for text in [
        "",
        "tosa",
        "TOSA32",
        "tosa32-",
        "tosa32-double-",
        "tosa32-wrap-wrap",
        "onnx-wrap",
        "exact",
        "exact-",
        "exact-nearest",
        "shift-sr0",
        "shift-sr33",
        "finn ",
        "thresholds-wrap",
        "gemmlowp-wrapp",
    ] {
        assert!(text.parse::<RequantizePolicy>().is_err(), "{text}");
    }
    let error = "tflite".parse::<RequantizePolicy>().unwrap_err().to_string();
    assert!(error.contains("`tflite`") && error.contains("tflite-single"), "{error}");
}
