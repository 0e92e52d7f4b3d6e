//! The carried weights are what the committed program makes.

#[cfg(feature = "networks")]
#[path = "../examples/train_digits/convolutional.rs"]
mod convolutional;
#[cfg(feature = "networks")]
#[path = "../examples/train_digits/graph.rs"]
mod graph;
#[path = "../examples/train_digits/optimizer.rs"]
mod optimizer;
#[path = "../examples/train_digits/training.rs"]
mod training;

use fewbit_cli::digits::{self, Perceptron};

#[test]
fn training_gives_the_carried_weights_bit_for_bit() {
    let split = digits::split().expect("the carried digits");
    for perceptron in Perceptron::ALL {
        let widths = perceptron.widths();
        let network = training::train(widths, &split.training, &training::PARAMS);
        let made = training::to_safetensors(&network).expect("a file");
        let (name, carried) = perceptron.file();
        assert!(made == carried, "{name} differs from what train_digits makes");
        assert!(training::count_right(&network, &split.held_out) >= 570, "{name}");
    }
}

#[cfg(feature = "networks")]
#[test]
fn training_gives_the_carried_convolutional_network_bit_for_bit() {
    let split = digits::split().expect("the carried digits");
    let network = convolutional::train(&split.training, &convolutional::PARAMS);
    let made = graph::graph(&network).expect("a graph");
    // The file says which version wrote it.
    let again = |bytes: Vec<u8>| fewbit_models::onnx::read_bytes(bytes, None).expect("a network");
    let made = fewbit_models::onnx::write_bytes(&made, graph::OPSET).expect("a file");
    let (name, carried) = digits::CNN;
    assert!(again(made) == again(carried.to_vec()), "{name} differs from what train_digits makes");
    assert!(convolutional::count_right(&network, &split.held_out) >= 579);
}
