//! Any text, as JSON and as YAML, is a recipe that is written and read back as itself and quantizes or refuses, or an
//! error; never a panic.
#![no_main]

use fewbit::quantize::Recipe;
use libfuzzer_sys::{Corpus, fuzz_target};
use ndarray::Array2;

fuzz_target!(|text: &str| -> Corpus {
    let json = serde_json::from_str::<Recipe>(text).ok();
    let yaml = || serde_saphyr::from_str::<Recipe>(text).ok();
    let Some(recipe) = json.or_else(yaml) else { return Corpus::Keep };
    let written = serde_json::to_string(&recipe).expect("a recipe is written");
    let again = serde_json::from_str::<Recipe>(&written).expect("what was written is read");
    assert_eq!(serde_json::to_string(&again).expect("a recipe is written"), written);
    let x = Array2::from_shape_fn((3, 8), |(row, column)| (row as f32 - 1.25) * column as f32);
    let _quantized = recipe.quantize(&x.view());
    Corpus::Keep
});
