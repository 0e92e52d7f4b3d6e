//! Any text is a group format that prints and parses back to itself, or an error; never a panic.
#![no_main]

use fewbit_formats::GroupFormat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(format) = text.parse::<GroupFormat>() {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
});
