//! The carried weights are what the committed program makes.

#[path = "../examples/train_digits/training.rs"]
mod training;

use fewbit_cli::digits;

#[test]
fn training_gives_the_carried_weights_bit_for_bit() {
    let split = digits::split().expect("the carried digits");
    let network = training::train(&split.training, &training::Params::default());
    let made = training::to_safetensors(&network).expect("a file");
    let carried = include_bytes!("../../data/digits/mlp.safetensors");
    assert!(made == carried, "the carried weights differ from what train_digits makes");
    assert!(training::count_right(&network, &split.held_out) >= 580);
}
