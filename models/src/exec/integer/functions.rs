//! What functions and quantizers make of codes, by tables.

use std::sync::Arc;

use crate::graph::Node;
use crate::ops::Inputs;
use crate::tensor::Tensor;

use super::datum::{Codes, Datum};
use super::ints::{Ints, map_ints};
use super::table::Table;

/// The greatest width of codes whose functions are tables.
const BITS: u32 = 16;

/// What the codes stand for, as a function of them; `None` for several scales and for more than 16 bits.
fn table(codes: &Codes) -> Option<Table> {
    let scale = codes.scales.single()?;
    if codes.format.bits() > BITS {
        return None;
    }
    let zero = codes.zero_point as f32;
    let all = codes.format.min()..=codes.format.max();
    let value = |code: i64| match codes.zero_point {
        0 => code as f32 * scale,
        _ => (code as f32 - zero) * scale,
    };
    let values = Arc::new(all.map(value).collect());
    Some(Table { ints: codes.ints.clone(), format: codes.format, values })
}

/// The table's codes under the codes of its values.
pub(super) fn quantized(table: &Table, codes: &Codes) -> Codes {
    let ints = match &codes.ints {
        Ints::I8(of) => Ints::I8(table.looked_up(of)),
        Ints::U8(of) => Ints::U8(table.looked_up(of)),
        Ints::I32(of) => Ints::I32(table.looked_up(of)),
    };
    Codes { ints, ..codes.clone() }
}

/// The output of a function of one number, or of arithmetic between functions of the same codes and constants, as a table; `None`
/// for anything else.
pub(super) fn run(node: &Node, inputs: &[Option<&Datum>]) -> Result<Option<Vec<Datum>>, String> {
    let function_of = |datum: &Datum| match datum {
        Datum::Codes(codes) => table(codes),
        Datum::Table(table) => Some(table.clone()),
        _ => None,
    };
    let is_binary = node.op.is_arithmetic();
    if !is_binary && !node.op.is_function() {
        return Ok(None);
    }
    let mut first: Option<Table> = None;
    let mut tensors: Vec<Option<Tensor>> = Vec::new();
    for (place, input) in inputs.iter().enumerate() {
        let Some(input) = input else {
            tensors.push(None);
            continue;
        };
        let function = if is_binary || place == 0 { function_of(input) } else { None };
        match (function, &first) {
            (Some(function), None) => {
                tensors.push(Some(Tensor::vector(function.values.to_vec())));
                first = Some(function);
            }
            (Some(function), Some(first)) if function.is_of(first) => {
                tensors.push(Some(Tensor::vector(function.values.to_vec())));
            }
            _ => {
                let constant = input.tensor();
                if constant.len() != 1 {
                    return Ok(None);
                }
                let scalar = constant.reshaped(&[]).map_err(|error| error.to_string())?;
                tensors.push(Some(scalar));
            }
        }
    }
    let Some(first) = first else { return Ok(None) };
    let rank = first.ints.shape().len();
    let deeper = |input: &Option<&Datum>| input.is_some_and(|datum| datum.rank() > rank);
    if inputs.iter().any(deeper) {
        return Ok(None);
    }
    let views: Vec<Option<&Tensor>> = tensors.iter().map(Option::as_ref).collect();
    let output =
        node.op.run(Inputs::new(&views)).map_err(|error| error.to_string())?.swap_remove(0);
    let Ok(values) = output.get::<f32>() else { return Ok(None) };
    let values = Arc::new(values.iter().copied().collect());
    Ok(Some(vec![Datum::Table(Table { values, ..first })]))
}

/// Codes no less than that of zero.
pub(super) fn relu(codes: &Codes) -> Codes {
    let zero = codes.zero_point;
    let ints = map_ints!(&codes.ints, a => a.mapv(|x| x.max(zero as _)).into_shared());
    Codes { ints, ..codes.clone() }
}
