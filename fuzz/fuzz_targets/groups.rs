//! Every group encoded in lanes is what the specification makes of it: codes, scales, values, refusals.
#![no_main]

use arbitrary::Arbitrary;
use fewbit::convert::{Code, GroupDecoder, GroupEncoder, GroupLayout};
use fewbit::formats::{BlockScale, GroupFormat, GroupPolicy, PolicyPreset};
use fewbit::reference::group;
use libfuzzer_sys::fuzz_target;

const FORMATS: [&str; 16] = [
    "mxfp8e4m3",
    "mxfp8e5m2",
    "mxfp6e2m3",
    "mxfp6e3m2",
    "mxfp4",
    "mxint8",
    "nvfp4",
    "mx(int4,e8m0fnu,64)",
    "mx(bf16,e8m0fnu,16)",
    "mx(int4,f16,32)",
    "mx(uint8,bf16,100)",
    "mx(ternary,f32,24)",
    "mx(posit8,f16,16)",
    "mx(int4,uint6*f16/8,4)",
    "mx(e2m1fn,e5m3*f32/3,16)",
    "mx(uint4,f32,32,zero-point)",
];

#[derive(Arbitrary, Debug)]
struct Input {
    format: u8,
    preset: u8,
    length: u8,
    behind: u8,
    seed: u64,
    values: Vec<f32>,
}

fuzz_target!(|input: Input| {
    let name = FORMATS[usize::from(input.format) % FORMATS.len()];
    let format: GroupFormat = name.parse().expect("a format of the list");
    let presets = PolicyPreset::all();
    let policy = presets[usize::from(input.preset) % presets.len()].group_policy(&format);
    let (length, behind) = (usize::from(input.length).max(1), usize::from(input.behind % 5).max(1));
    let before = input.values.len() / (length * behind);
    let layout = GroupLayout { before, length, behind };
    let x = &input.values[..before * length * behind];
    match format.element().bits() {
        ..=8 => check::<u8>(&format, &policy, x, layout, input.seed),
        _ => check::<u16>(&format, &policy, x, layout, input.seed),
    }
});

fn check<C: Code>(
    format: &GroupFormat,
    policy: &GroupPolicy,
    x: &[f32],
    layout: GroupLayout,
    seed: u64,
) {
    let Ok(encoder) = GroupEncoder::new(*format, *policy) else { return };
    let encoder = encoder.with_seed(seed);
    let mut codes = vec![C::from_u32(1); x.len()];
    let mut scales = vec![BlockScale::default(); layout.groups(format)];
    let found = encoder.outer(x, layout).and_then(|outer| {
        encoder.encode(x, layout, &outer, &mut codes, &mut scales)?;
        Ok(outer)
    });
    let (found, expected) = match (found, group::encode(format, policy, x, layout, seed)) {
        (Ok(found), Ok(expected)) => (found, expected),
        (found, expected) => {
            assert_eq!(found.is_err(), expected.is_err());
            return;
        }
    };
    assert_eq!(found, expected.outer);
    let bits = |scale: &BlockScale| (scale.code, scale.value.to_bits(), scale.zero_point);
    assert_eq!(
        scales.iter().map(bits).collect::<Vec<_>>(),
        expected.scales.iter().map(bits).collect::<Vec<_>>()
    );
    assert_eq!(codes.iter().map(|code| code.to_u32()).collect::<Vec<_>>(), expected.codes);
    let mut values = vec![1.0; x.len()];
    let decoder = GroupDecoder::new(*format);
    decoder.decode(&codes, layout, &scales, &mut values).expect("what was encoded is decoded");
    let decoded = group::decode(format, &expected.codes, layout, &expected.scales);
    for (found, expected) in values.iter().zip(decoded) {
        assert!(found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan());
    }
}
