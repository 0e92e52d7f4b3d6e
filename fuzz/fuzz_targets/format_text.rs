//! Any text is a format that prints and parses back to itself, or an error; never a panic.
#![no_main]

use fewbit_formats::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(format) = text.parse::<Format>() {
        assert_eq!(format.to_string().parse(), Ok(format));
        let last = u32::try_from(format.code_count() - 1).unwrap_or(u32::MAX);
        for code in [0, 1, last / 2, last] {
            let _value: f64 = format.decode(code);
        }
    }
});
