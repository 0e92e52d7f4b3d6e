//! Every preset computes what Brevitas 0.12.1 computes: values, scales, zero points and widths, bit for bit.
//!
//! `tests/golden/brevitas/presets.jsonl` was written by `generate.py` beside it; its first line says with which versions.
//! What differs is on the list of `differences`; a line that a case shows and that is equal by now fails too.

use std::collections::{BTreeMap, BTreeSet};

use fewbit::quantize::{Preset, Recipe};
use fewbit_formats::Format;
use ndarray::{ArrayD, IxDyn};
use serde::Deserialize;
use serde_json::Value;

use crate::differences::DIFFERENCES;

const GOLDEN: &str = include_str!("../golden/brevitas/presets.jsonl");

#[derive(Deserialize)]
struct Input {
    name: String,
    shape: Vec<usize>,
    bits: String,
}

#[derive(Deserialize)]
struct Case {
    preset: String,
    input: String,
    #[serde(default)]
    set: serde_json::Map<String, Value>,
    error: Option<String>,
    values: Option<String>,
    scale: Option<String>,
    zero_point: Option<String>,
    bits: Option<u32>,
}

impl Case {
    fn name(&self) -> String {
        let set: Vec<String> =
            self.set.iter().map(|(key, value)| format!("{key}={value}")).collect();
        [&[self.preset.clone(), self.input.clone()], &set[..]].concat().join(" ")
    }

    fn recipe(&self) -> Recipe {
        recipe(&self.preset, &self.set)
    }
}

/// A preset with fields changed, in the order of Brevitas's generator: a format first, since others depend on it.
pub(crate) fn recipe(preset: &str, set: &serde_json::Map<String, Value>) -> Recipe {
    let preset = preset.parse::<&Preset>().unwrap_or_else(|_| panic!("no preset {preset}"));
    let format = set.get("format").and_then(Value::as_str);
    let mut recipe = match (preset.format, format) {
        (None, Some(format)) => preset.recipe_in(format.parse().unwrap()).unwrap(),
        _ => preset.recipe().unwrap(),
    };
    let mut fields: Vec<(&String, &Value)> = set.iter().collect();
    fields.sort_by_key(|(key, _)| *key != "format");
    for (key, value) in fields {
        recipe = recipe
            .set(key, value.clone())
            .unwrap_or_else(|error| panic!("{}: {error}", preset.name));
    }
    recipe
}

fn lines<T: for<'a> Deserialize<'a>>() -> Vec<T> {
    GOLDEN.lines().skip(1).filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn floats(text: &str) -> Vec<f32> {
    let words = text.as_bytes().chunks(8).map(|word| std::str::from_utf8(word).unwrap());
    words.map(|word| f32::from_bits(u32::from_str_radix(word, 16).unwrap())).collect()
}

pub(crate) fn arrays() -> BTreeMap<String, ArrayD<f32>> {
    lines::<Input>()
        .into_iter()
        .map(|i| (i.name, ArrayD::from_shape_vec(IxDyn(&i.shape), floats(&i.bits)).unwrap()))
        .collect()
}

/// Where two lists differ: equal bits, any NaN like any other, one number for as many as there are.
fn difference(what: &str, ours: &[f32], theirs: &[f32]) -> Option<String> {
    let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    let broadcast = theirs.len() == 1 || ours.len() == 1;
    if ours.len() != theirs.len() && !broadcast {
        return Some(format!("{what}: {} numbers, expected {}", ours.len(), theirs.len()));
    }
    let count = ours.len().max(theirs.len());
    let at = |list: &[f32], i: usize| list[if list.len() == 1 { 0 } else { i }];
    let differing: Vec<usize> = (0..count).filter(|&i| !same(at(ours, i), at(theirs, i))).collect();
    let first = *differing.first()?;
    let (ours, theirs) = (at(ours, first), at(theirs, first));
    Some(format!(
        "{what}: {} of {count}, at {first} {ours:e}, expected {theirs:e}",
        differing.len()
    ))
}

fn compare(case: &Case, x: &ArrayD<f32>) -> Option<String> {
    let q = match case.recipe().quantize(&x.view()) {
        Ok(q) => q,
        Err(error) => return Some(format!("error: {error}")),
    };
    let flat = |array: &ArrayD<f32>| array.iter().copied().collect::<Vec<f32>>();
    let theirs = floats(case.values.as_deref().unwrap());
    // A scale of the other side may have a trailing or a leading extent of 1; the order is the same.
    if let Some(scale) = &case.scale
        && let Some(found) = difference("scale", &flat(q.tensor.scale()), &floats(scale))
    {
        return Some(found);
    }
    if let Some(zero_point) = &case.zero_point {
        let ours = q.tensor.zero_point().map_or_else(|| vec![0.0], flat);
        if let Some(found) = difference("zero point", &ours, &floats(zero_point)) {
            return Some(found);
        }
    }
    if let Some(bits) = case.bits.filter(|&bits| bits != q.tensor.bit_width()) {
        return Some(format!("bits: {}, expected {bits}", q.tensor.bit_width()));
    }
    difference("values", &flat(&q.values), &theirs)
}

#[test]
fn every_case_has_brevitas_bits_but_for_the_list() {
    let arrays = arrays();
    let mut found = BTreeMap::new();
    let mut equal = 0;
    for case in lines::<Case>().iter().filter(|case| case.error.is_none()) {
        match compare(case, &arrays[&case.input]) {
            None => equal += 1,
            Some(difference) => drop(found.insert(case.name(), difference)),
        }
    }
    let shown = DIFFERENCES.iter().map(|difference| difference.shown_by);
    let listed: BTreeSet<&str> = shown.filter(|case| !case.is_empty()).collect();
    let new: Vec<String> = found
        .iter()
        .filter(|(name, _)| !listed.contains(name.as_str()))
        .map(|(name, difference)| format!("{name}: {difference}"))
        .collect();
    assert!(new.is_empty(), "{equal} equal, {} differ:\n{}", new.len(), new.join("\n"));
    let gone: Vec<&&str> = listed.iter().filter(|name| !found.contains_key(**name)).collect();
    assert!(gone.is_empty(), "equal by now: {gone:?}");
    assert!(equal > 540, "{equal}");
}

#[test]
fn what_brevitas_cannot_compute_is_computed_here() {
    let arrays = arrays();
    for case in lines::<Case>().iter().filter(|case| case.error.is_some()) {
        let recipe = case.recipe();
        assert!(recipe.quantize(&arrays[&case.input].view()).is_ok(), "{}", case.name());
    }
}

#[test]
fn every_preset_is_compared_with_brevitas() {
    let cases: BTreeSet<String> = lines::<Case>().into_iter().map(|case| case.preset).collect();
    let presets: BTreeSet<String> = Preset::all().iter().map(|p| p.name.to_owned()).collect();
    assert_eq!(cases, presets);
}

#[test]
fn the_comparison_sees_a_wrong_bit() {
    let arrays = arrays();
    let case =
        lines::<Case>().into_iter().find(|case| case.preset == "Int8WeightPerTensorFloat").unwrap();
    assert_eq!(compare(&case, &arrays[&case.input]), None);
    for part in ["values", "scale"] {
        let mut wrong = lines::<Case>().into_iter().find(|c| c.name() == case.name()).unwrap();
        let text = if part == "values" { &mut wrong.values } else { &mut wrong.scale };
        let last = text.as_mut().unwrap();
        let flipped = u32::from_str_radix(&last[last.len() - 8..], 16).unwrap() ^ 1;
        last.truncate(last.len() - 8);
        last.push_str(&format!("{flipped:08x}"));
        assert!(compare(&wrong, &arrays[&case.input]).is_some(), "{part}");
    }
    let mut wrong = case;
    wrong.bits = Some(7);
    assert!(compare(&wrong, &arrays[&wrong.input]).is_some());
}

#[test]
fn codes_have_the_values_but_for_signs_of_zeros_and_nan() {
    let arrays = arrays();
    for case in
        lines::<Case>().iter().filter(|case| case.error.is_none() && case.input != "special")
    {
        let q = case.recipe().quantize(&arrays[&case.input].view()).unwrap();
        if q.tensor.format() == Format::F32 {
            continue;
        }
        let values = q.tensor.dequantize();
        for (a, b) in values.iter().zip(&q.values) {
            // A scale of 0 gives values that no code has.
            assert!(a == b || b.is_nan(), "{}: {a:e} {b:e}", case.name());
        }
    }
}
