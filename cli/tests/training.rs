//! The carried weights are what the committed program makes.

#[path = "../examples/train_digits/training.rs"]
mod training;

use fewbit_cli::digits::{self, Perceptron};

#[test]
fn training_gives_the_carried_weights_bit_for_bit() {
    let split = digits::split().expect("the carried digits");
    for perceptron in Perceptron::ALL {
        let widths = perceptron.widths();
        let network = training::train(widths, &split.training, &training::Params::default());
        let made = training::to_safetensors(&network).expect("a file");
        let (name, carried) = perceptron.file();
        assert!(made == carried, "{name} differs from what train_digits makes");
        assert!(training::count_right(&network, &split.held_out) >= 570, "{name}");
    }
}
