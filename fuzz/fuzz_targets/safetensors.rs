//! Any bytes are a quantized tensor or statistics that are written and read back as themselves, or an error; never a
//! panic.
#![no_main]

use fewbit::algorithms::Statistics;
use fewbit::tensor::store::Saved;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(saved) = Saved::from_bytes(bytes) {
        let _format = saved.format();
        let _values = saved.values();
    }
    if let Ok(statistics) = Statistics::from_bytes(bytes) {
        let written = statistics.to_bytes().expect("statistics are written");
        let again = Statistics::from_bytes(&written).expect("what was written is read");
        assert_eq!(again.to_bytes().expect("statistics are written"), written);
    }
});
