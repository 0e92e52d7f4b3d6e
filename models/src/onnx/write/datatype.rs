//! The types of quantized values in the words of FINN and of `qonnx`, as annotations of tensors.

use crate::graph::{Graph, Node, ValueId};
use crate::ops::Op;

/// The key of a type among a tensor's annotations.
pub(super) const KEY: &str = "finn_datatype";

/// What type the output of a quantizer has, if the node is one; `qonnx` reads it from `quantization_annotation`.
///
/// | numbers | type |
/// |---|---|
/// | integers: a scale of 1, no zero point | `INT4`, `UINT8`, `BIPOLAR`, `BINARY` |
/// | signed integers times one scale `2^-f`, `f > 0` | `FIXED<bits,bits - f>` |
/// | integers times other scales | `SCALEDINT<bits>` |
/// | floats with a scale of 1 | `FLOAT<exponent,mantissa,bias>` |
/// | all else | `FLOAT32` |
///
/// Values of a type of integers are integers: `qonnx` rounds them when it runs the network.
pub(super) fn finn_datatype(graph: &Graph, node: &Node) -> Option<String> {
    let all = |place: usize| -> Option<Vec<f32>> {
        let data = graph.data(node.input(place)?)?.get::<f32>().ok()?;
        Some(data.iter().copied().collect())
    };
    let one = |place: usize| -> Option<i64> {
        match all(place)?[..] {
            [one] if one.fract() == 0.0 => Some(one as i64),
            _ => None,
        }
    };
    let is_unit = |place: usize| all(place).is_some_and(|all| all.iter().all(|&x| x == 1.0));
    let known = match &node.op {
        Op::Quant(op) => {
            let centred = all(2).is_some_and(|zeros| zeros.iter().all(|&zero| zero == 0.0));
            one(3).filter(|_| centred).map(|bits| match (is_unit(1), op.signed, bits) {
                (true, true, 1) => "BIPOLAR".to_owned(),
                (true, false, 1) => "BINARY".to_owned(),
                (true, true, _) => format!("INT{bits}"),
                (true, false, _) => format!("UINT{bits}"),
                (false, signed, _) => match places(&all(1).unwrap_or_default()) {
                    Some(places) if signed => format!("FIXED<{bits},{}>", bits - places),
                    _ => format!("SCALEDINT<{bits}>"),
                },
            })
        }
        Op::BipolarQuant(_) => is_unit(1).then(|| "BIPOLAR".to_owned()),
        Op::FloatQuant(_) => match (one(2), one(3), one(4)) {
            (Some(exponent), Some(mantissa), Some(bias)) if is_unit(1) => {
                Some(format!("FLOAT<{exponent},{mantissa},{bias}>"))
            }
            _ => None,
        },
        Op::MultiThreshold(op) => {
            let whole = op.scale.fract() == 0.0 && op.bias.fract() == 0.0;
            Some(op.output.clone()).filter(|name| whole && !name.is_empty())
        }
        Op::Trunc(_) => None,
        _ => return None,
    };
    Some(known.unwrap_or_else(|| "FLOAT32".into()))
}

/// How many binary places behind the point a scale is, if all are one power of two below 1.
fn places(scales: &[f32]) -> Option<i64> {
    let (&first, rest) = scales.split_first()?;
    let power = first.is_normal() && first > 0.0 && first.to_bits() << 9 == 0;
    let exponent = i64::from(first.to_bits() >> 23) - 127;
    (power && exponent < 0 && rest.iter().all(|&x| x == first)).then_some(-exponent)
}

/// The outputs of the quantizers of a graph with their types.
pub(super) fn finn_datatypes(graph: &Graph) -> Vec<(ValueId, String)> {
    let of = |(_, node): (_, &Node)| Some((node.output(0)?, finn_datatype(graph, node)?));
    graph.nodes().filter_map(of).collect()
}
