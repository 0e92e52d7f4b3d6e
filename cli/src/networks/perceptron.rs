//! A chain of linear layers in a `.safetensors` file as a network: `fc1.weight` `[out, in]`, `fc1.bias`, and so on, with ReLU
//! between them.

use std::path::Path;

use fewbit_models::graph::Graph;
use fewbit_models::ops::{Dim, Fact, Gemm, Relu};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{Array1, Array2};
use safetensors::{Dtype, SafeTensors};

use crate::error::CliError;
use crate::io::input::Input;
use crate::io::log::InputLog;

/// The network of a `.safetensors` file.
///
/// # Errors
/// A file that cannot be read; layers that are missing, no floats, or do not fit each other.
pub(super) fn read(path: &Path, log: &InputLog) -> Result<Graph, CliError> {
    let mut input = Input::open(path, log)?;
    let (mut bytes, length) = (Vec::new(), input.length);
    input.check_memory(length)?;
    input.read(length, &mut bytes)?;
    let file = SafeTensors::deserialize(&bytes);
    let file = file.map_err(|error| input.wrong(format!("is no .safetensors file: {error}")))?;
    let mut graph = Graph::new(path.file_stem().map(|n| n.to_string_lossy()).unwrap_or_default());
    let mut x = None;
    let mut width = 0;
    for number in 1.. {
        let name = format!("fc{number}");
        let Some((shape, weights)) = floats(&file, &format!("{name}.weight")) else { break };
        let wrong =
            |what: &str| input.wrong(format!("`{name}.{what}` does not fit the layer before it"));
        let weights = match shape[..] {
            [out, depth] if number == 1 || depth == width => {
                Array2::from_shape_vec((out, depth), weights).map_err(|_| wrong("weight"))?
            }
            _ => return Err(wrong("weight")),
        };
        let before = match x {
            None => {
                let shape = vec![Dim::Named("batch".into()), weights.ncols().into()];
                graph.add_input("input", Fact::new(ElementType::F32, shape))
            }
            Some(value) => graph.add(&format!("relu{}", number - 1), Relu {}, &[value]),
        };
        width = weights.nrows();
        let bias = match floats(&file, &format!("{name}.bias")) {
            Some((shape, bias)) if shape == [width] => Some(bias),
            None => None,
            Some(_) => return Err(wrong("bias")),
        };
        let mut inputs = vec![before, graph.add_constant(&format!("{name}.weight"), weights)];
        if let Some(bias) = bias {
            inputs.push(
                graph.add_constant(&format!("{name}.bias"), Tensor::from(Array1::from(bias))),
            );
        }
        let gemm = Gemm { transpose_b: true, ..Gemm::default() };
        x = Some(graph.add(&name, gemm, &inputs));
    }
    let output = x.ok_or_else(|| input.wrong("has no layer `fc1.weight`".into()))?;
    graph.add_output(output);
    graph.sort().and_then(|()| graph.infer()).map_err(|error| input.wrong(error.to_string()))?;
    Ok(graph)
}

fn floats(file: &SafeTensors<'_>, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
    let tensor = file.tensor(name).ok().filter(|tensor| tensor.dtype() == Dtype::F32)?;
    let (words, _) = tensor.data().as_chunks::<4>();
    let numbers = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    Some((tensor.shape().to_vec(), numbers))
}
