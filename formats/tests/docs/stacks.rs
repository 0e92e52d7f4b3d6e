//! Presets, and where the stacks that they follow disagree: found by running each preset on inputs that tell them apart.

use fewbit_formats::{Format, PolicyPreset};

use crate::common::divergences::DIVERGENCES;
use crate::{code, codes, table};

pub(crate) fn presets() -> String {
    let rows = PolicyPreset::all().iter().map(|preset| {
        [code(preset.name), preset.description.to_owned(), preset.differs.to_owned()]
    });
    table(["preset", "follows", "where it differs from what it follows, or chooses"], rows)
}

/// Groups presets by their answer; the largest group is what all others do.
fn by_answer(what: &str, answer: impl Fn(&PolicyPreset) -> String) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for preset in PolicyPreset::all() {
        let answer = answer(preset);
        match groups.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, names)) => names.push(preset.name),
            None => groups.push((answer, vec![preset.name])),
        }
    }
    assert!(groups.len() > 1, "the presets agree on {what}, which does not belong here");
    groups.sort_by_key(|(_, names)| names.len());
    let (usual, _) = groups.pop().expect("at least two");
    let cell = |(answer, names): (String, Vec<&str>)| format!("{answer}: {}", codes(names));
    let unusual = groups.into_iter().map(cell).collect::<Vec<_>>().join("; ");
    format!("{unusual}; all others {usual}")
}

/// Inputs that tell presets apart, by format.
const INPUTS: &[(&str, &[f32])] = &[
    ("e4m3fn", &[465.0, f32::INFINITY, -f32::NAN]),
    ("e5m2", &[61440.0, f32::INFINITY, f32::NAN]),
    ("e4m3fnuz", &[248.0, f32::INFINITY]),
    ("e2m1fn", &[f32::INFINITY, f32::NAN, -f32::NAN]),
    ("e8m0fnu", &[0.0, -1.0, f32::INFINITY, 3.0]),
    ("bf16", &[f32::MAX, f32::INFINITY, -f32::NAN]),
    ("f16", &[65520.0, f32::from_bits(0x7fd5_5555)]),
    ("binary8p4se", &[1000.0, f32::INFINITY]),
    ("int8", &[2.75, 200.0, f32::INFINITY, f32::NAN]),
];

fn input(x: f32) -> String {
    match x.to_bits() {
        0x7fc0_0000 => "NaN".into(),
        0xffc0_0000 => "-NaN".into(),
        bits if x.is_nan() => format!("NaN {bits:#x}"),
        _ if x == f32::MAX => "largest f32".into(),
        _ => x.to_string(),
    }
}

pub(crate) fn conversions() -> String {
    let rows = INPUTS.iter().flat_map(|&(name, inputs)| {
        let format: Format = name.parse().expect("a format");
        let digits = format.bits().div_ceil(4) as usize;
        inputs.iter().map(move |&x| {
            let answers = by_answer(&format!("{name} {x}"), |preset| {
                match format.encode(x, &preset.policy(format), 0) {
                    Ok(encoded) => format!("{:#0width$x}", encoded.code, width = digits + 2),
                    Err(_) => "refused".into(),
                }
            });
            [code(name), input(x), answers]
        })
    });
    table(["format", "input", "code"], rows)
}

/// Largest magnitudes of a block that tell scale rules apart.
const LARGEST: &[(&str, &[f32])] = &[
    ("e2m1fn", &[5.5, 6.0, 6.5, 7.5, 8.0, f32::INFINITY]),
    ("e4m3fn", &[448.0, 449.0, 480.0, 500.0, f32::INFINITY]),
];

pub(crate) fn scales() -> String {
    let rows = LARGEST.iter().flat_map(|&(name, inputs)| {
        let element: Format = name.parse().expect("a format");
        inputs.iter().map(move |&amax| {
            let answers = by_answer(&format!("{name} {amax}"), |preset| {
                match preset.scale.e8m0(amax, element) {
                    Some(255) => "NaN".into(),
                    Some(scale) => format!("2^{}", i32::from(scale) - 127),
                    None => "refused".into(),
                }
            });
            [code(name), input(amax), answers]
        })
    });
    table(["element", "largest magnitude", "scale"], rows)
}

pub(crate) fn divergences() -> String {
    let rows = DIVERGENCES.iter().map(|d| {
        [
            d.stack.to_owned(),
            d.preset.map(code).unwrap_or_default(),
            d.name.to_owned(),
            d.theirs.to_owned(),
            d.ours.to_owned(),
        ]
    });
    table(["stack", "compared with", "what", "there", "here"], rows)
}
