//! Any text is an accumulator that prints and parses back to itself, or an error; never a panic.
#![no_main]

use fewbit::Accumulator;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(acc) = text.parse::<Accumulator>() {
        assert_eq!(acc.to_string().parse(), Ok(acc));
    }
});
