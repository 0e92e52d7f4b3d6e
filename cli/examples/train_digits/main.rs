//! Trains the network that `fewbit sweep` carries, and writes it to `data/digits/mlp.safetensors`.
//!
//! ```text
//! cargo run --release --example train_digits [-- OUT.safetensors]
//! ```
//!
//! The same bits come out on every machine: the arithmetic is additions, multiplications, divisions and square roots in
//! a fixed order, which IEEE 754 defines to the last bit.

mod training;

use std::error::Error;
use std::path::PathBuf;

use fewbit_cli::digits;

fn main() -> Result<(), Box<dyn Error>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/digits/mlp.safetensors");
    let path = std::env::args_os().nth(1).map_or_else(|| default.into(), PathBuf::from);
    let split = digits::split()?;
    let network = training::train(&split.training, &training::Params::default());
    for (what, part) in [("training", &split.training), ("held-out", &split.held_out)] {
        let right = training::count_right(&network, part);
        let share = 100.0 * right as f64 / part.labels.len() as f64;
        println!("{what}: {right} of {} right ({share:.2} %)", part.labels.len());
    }
    std::fs::write(&path, training::to_safetensors(&network)?)?;
    println!("wrote {}", path.display());
    Ok(())
}
