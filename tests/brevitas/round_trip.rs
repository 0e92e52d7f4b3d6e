//! Every preset on arrays of odd shapes: codes go through a file and have the values of the simulation.

use fewbit::quantize::{Preset, QuantizeError, Recipe};
use fewbit::tensor::AnyQuantTensor;
use fewbit_formats::Format;
use ndarray::{ArrayD, Dimension, IxDyn};

/// A preset with whatever it must be given.
fn recipe(preset: &Preset, shape: &[usize]) -> Option<Recipe> {
    let mut recipe = match preset.format {
        Some(_) => preset.recipe().ok()?,
        None => preset.recipe_in(Format::E4M3FN).ok()?,
    };
    let given = [
        ("input_scale", serde_json::json!(0.25)),
        ("weight_scale", serde_json::json!(0.5)),
        ("input_bits", serde_json::json!(10)),
    ];
    let x = ArrayD::from_elem(IxDyn(shape), 1f32);
    if let Err(QuantizeError::Missing { .. }) = recipe.quantize(&x.view()) {
        for (field, value) in given {
            recipe = recipe.set(field, value).unwrap_or(recipe);
        }
    }
    Some(recipe)
}

#[test]
fn every_preset_comes_back_from_its_file_with_its_values() {
    let (mut equal, mut refused) = (0, Vec::new());
    for shape in [&[5, 7][..], &[3, 1, 65], &[1], &[1, 1, 1], &[2, 33], &[0, 4]] {
        let x = ArrayD::from_shape_fn(IxDyn(shape), |index| {
            let place = index.slice().iter().fold(1usize, |place, i| place * 31 + i);
            (place * 7919 % 1009) as f32 / 211.0 - 2.3
        });
        for preset in Preset::all() {
            let name = format!("{} {shape:?}", preset.name);
            let Some(recipe) = recipe(preset, shape) else {
                refused.push(format!("{name}: no recipe"));
                continue;
            };
            let done = match recipe.quantize(&x.view()) {
                Ok(done) => done,
                Err(error) => {
                    refused.push(format!("{name}: {error}"));
                    continue;
                }
            };
            let bytes = done.tensor.to_safetensors().unwrap();
            let again = AnyQuantTensor::from_safetensors(&bytes).unwrap();
            assert_eq!(again.codes(), done.tensor.codes(), "{name}");
            let values = again.dequantize();
            assert_eq!(values.shape(), shape, "{name}");
            let same = |(a, b): (&f32, &f32)| a == b || b.is_nan();
            assert!(values.iter().zip(&done.values).all(same), "{name}");
            equal += 1;
        }
    }
    // An array without elements has no statistic; some presets want an axis that one number has not.
    let other: Vec<&String> = refused
        .iter()
        .filter(|text| !text.contains("[0, 4]") && !text.contains("does not exist"))
        .collect();
    assert!(other.is_empty(), "{other:#?}");
    assert!(equal > 700, "{equal}");
}
