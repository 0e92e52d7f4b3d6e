//! Bundles of cases with expected outputs, and the comparison with what is computed.

use std::collections::BTreeMap;
use std::io::Read;

use fewbit_models::exec::run_float;
use fewbit_models::graph::Graph;
use fewbit_models::onnx::read_bytes;
use fewbit_models::tensor::Tensor;

/// A model, its inputs and expected outputs.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) model: Vec<u8>,
    pub(crate) inputs: BTreeMap<String, Tensor>,
    pub(crate) outputs: BTreeMap<String, Tensor>,
}

/// The cases of a bundle, as `models/tests/golden/bundle.py` writes them.
pub(crate) fn cases(compressed: &[u8]) -> Vec<Case> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(compressed).read_to_end(&mut bytes).unwrap();
    let mut rest = &bytes[..];
    let mut part = || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (part, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        rest = after;
        Some(part.to_vec())
    };
    let mut cases = Vec::new();
    while let (Some(name), Some(model), Some(data)) = (part(), part(), part()) {
        let name = String::from_utf8(name).unwrap();
        let (mut inputs, mut outputs) = (BTreeMap::new(), BTreeMap::new());
        let data = match read_bytes(data, None) {
            Ok(data) => data,
            Err(error) => {
                println!("{name}: its data cannot be read: {error}");
                continue;
            }
        };
        for &id in data.outputs() {
            let (kind, own) = data.name_of(id).split_once(':').unwrap();
            let named = if kind == "in" { &mut inputs } else { &mut outputs };
            named.insert(own.to_owned(), data.data(id).unwrap().clone());
        }
        cases.push(Case { name, model, inputs, outputs });
    }
    cases
}

/// What the graph computes, by the names of its outputs.
pub(crate) fn run(
    graph: &Graph,
    inputs: &BTreeMap<String, Tensor>,
) -> Result<BTreeMap<String, Tensor>, String> {
    let given = graph.inputs().iter().map(|&id| {
        let name = graph.name_of(id);
        Ok((id, inputs.get(name).ok_or(format!("no input `{name}`"))?.clone()))
    });
    let given = given.collect::<Result<BTreeMap<_, _>, String>>()?;
    let outputs = run_float(graph, &given).map_err(|error| error.to_string())?;
    let names = graph.outputs().iter().map(|&id| graph.name_of(id).to_owned());
    Ok(names.zip(outputs).collect())
}

/// What differs between an output and what was expected: floats up to a tolerance, relative above 1; all others not at all.
pub(crate) fn difference(found: &Tensor, expected: &Tensor, tolerance: f32) -> Option<String> {
    if found.shape() != expected.shape() {
        return Some(format!("shape {:?}, expected {:?}", found.shape(), expected.shape()));
    }
    if found.element_type() != expected.element_type() {
        return Some(format!("{}, expected {}", found.element_type(), expected.element_type()));
    }
    let (Tensor::F32(a), Tensor::F32(b)) = (found, expected) else {
        return (found != expected).then(|| short(found, expected));
    };
    let same = |a: f32, b: f32| {
        a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * b.abs().max(1.0)
    };
    let at = a.iter().zip(b).position(|(&a, &b)| !same(a, b))?;
    let pair = (a.iter().nth(at), b.iter().nth(at));
    Some(format!("element {at} of {:?}: {:?}, expected {:?}", found.shape(), pair.0, pair.1))
}

fn short(found: &Tensor, expected: &Tensor) -> String {
    let cut = |tensor: &Tensor| format!("{tensor:?}").chars().take(300).collect::<String>();
    format!("{}, expected {}", cut(found), cut(expected))
}

/// What differs in a case.
pub(crate) fn failure(case: &Case, tolerance: f32) -> Option<String> {
    let graph = match read_bytes(case.model.clone(), None) {
        Ok(graph) => graph,
        Err(error) => return Some(error.to_string()),
    };
    let found = match run(&graph, &case.inputs) {
        Ok(found) => found,
        Err(error) => return Some(error),
    };
    case.outputs.iter().find_map(|(name, expected)| {
        let found = found.get(name)?;
        difference(found, expected, tolerance).map(|difference| format!("{name}: {difference}"))
    })
}
