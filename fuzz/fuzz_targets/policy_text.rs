//! Any text is a policy of some kind that prints and parses back to itself, or an error; never a panic.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use fewbit::algorithms::layer::{
    AccumulatorConstraint, LayerRotation, LayerSolver, ScaleSharing, WeightScale,
};
use fewbit::quantize::CodeFormat;
use fewbit::requantize::RequantizePolicy;
use fewbit::sweep::AccumulatorTemplate;
use fewbit_formats::{NanPolicy, Overflow, PolicyPreset, Rounding};
use libfuzzer_sys::fuzz_target;

/// What parses prints a text that parses to the same.
fn round_trip<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let printed = value.to_string();
        match printed.parse::<T>() {
            Ok(again) => assert_eq!(again, value, "{text} prints {printed}"),
            Err(_) => panic!("{text} prints {printed}, which does not parse"),
        }
    }
}

fuzz_target!(|text: &str| {
    round_trip::<RequantizePolicy>(text);
    round_trip::<Rounding>(text);
    round_trip::<Overflow>(text);
    round_trip::<NanPolicy>(text);
    round_trip::<PolicyPreset>(text);
    round_trip::<CodeFormat>(text);
    round_trip::<AccumulatorTemplate>(text);
    round_trip::<AccumulatorConstraint>(text);
    round_trip::<LayerRotation>(text);
    round_trip::<LayerSolver>(text);
    round_trip::<ScaleSharing>(text);
    round_trip::<WeightScale>(text);
});
