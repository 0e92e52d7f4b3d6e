//! Trains the networks that `fewbit sweep` carries, and writes them to `data/digits/`: perceptrons, and `cnn.onnx` where the
//! feature `networks` is on.
//!
//! ```text
//! cargo run --release --example train_digits [-- FOLDER]
//! ```
//!
//! The same bits come out on every machine: the arithmetic is additions, multiplications, divisions and square roots in
//! a fixed order, which IEEE 754 defines to the last bit.

#[cfg(feature = "networks")]
mod convolutional;
#[cfg(feature = "networks")]
mod graph;
mod optimizer;
mod training;

use std::error::Error;
use std::path::{Path, PathBuf};

use fewbit_cli::digits::{self, Perceptron};

fn main() -> Result<(), Box<dyn Error>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/digits");
    let folder = std::env::args_os().nth(1).map_or_else(|| default.into(), PathBuf::from);
    let split = digits::split()?;
    for perceptron in Perceptron::ALL {
        let widths = perceptron.widths();
        let network = training::train(widths, &split.training, &training::PARAMS);
        for (what, part) in [("training", &split.training), ("held-out", &split.held_out)] {
            let right = training::count_right(&network, part);
            let share = 100.0 * right as f64 / part.labels.len() as f64;
            println!("{perceptron}, {what}: {right} of {} right ({share:.2} %)", part.labels.len());
        }
        let name = Path::new(perceptron.file().0).file_name().unwrap_or_default();
        let path = folder.join(name);
        std::fs::write(&path, training::to_safetensors(&network)?)?;
        println!("wrote {}", path.display());
    }
    #[cfg(feature = "networks")]
    {
        let network = convolutional::train(&split.training, &convolutional::PARAMS);
        for (what, part) in [("training", &split.training), ("held-out", &split.held_out)] {
            let right = convolutional::count_right(&network, part);
            let share = 100.0 * right as f64 / part.labels.len() as f64;
            println!("cnn, {what}: {right} of {} right ({share:.2} %)", part.labels.len());
        }
        let path = folder.join("cnn.onnx");
        fewbit_models::onnx::write(&graph::graph(&network)?, graph::OPSET, &path)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
