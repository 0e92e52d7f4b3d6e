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
/// | floats with a scale of 1 | `FLOAT<exponent,mantissa,bias>` |
/// | all else | `FLOAT32` |
///
/// Values of a type of integers are integers: `qonnx` rounds them when it runs the network. All but `FIXED` is what `qonnx` 1.0.0
/// infers itself (`InferDataTypes`).
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
            one(3).filter(|_| centred).and_then(|bits| match (is_unit(1), op.signed, bits) {
                (true, true, 1) => Some("BIPOLAR".to_owned()),
                (true, false, 1) => Some("BINARY".to_owned()),
                (true, true, _) => Some(format!("INT{bits}")),
                (true, false, _) => Some(format!("UINT{bits}")),
                (false, true, _) => {
                    let places = places(&all(1).unwrap_or_default())?;
                    Some(format!("FIXED<{bits},{}>", bits - places))
                }
                (false, false, _) => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{BipolarQuant, FloatQuant, MultiThreshold, Quant};
    use crate::tensor::Tensor;

    /// The type of a quantizer with these constants behind its first input.
    fn of(op: impl Into<Op>, constants: Vec<Vec<f32>>) -> Option<String> {
        let mut graph = Graph::new("one");
        let x = graph.add_value("x", crate::ops::Fact::default());
        let mut inputs = vec![x];
        inputs.extend(constants.into_iter().map(|c| graph.add_constant("c", Tensor::vector(c))));
        graph.add("q", op, &inputs);
        finn_datatypes(&graph).into_iter().next().map(|(_, name)| name)
    }

    #[test]
    fn types_are_those_of_the_table() {
        let quant = |signed, scale: &[f32], zero, bits| {
            let op = Quant { signed, narrow: false, ..Quant::default() };
            of(op, vec![scale.to_vec(), vec![zero], vec![bits]]).unwrap_or_default()
        };
        assert_eq!(quant(true, &[1.0], 0.0, 4.0), "INT4");
        assert_eq!(quant(false, &[1.0], 0.0, 8.0), "UINT8");
        assert_eq!(quant(true, &[1.0], 0.0, 1.0), "BIPOLAR");
        assert_eq!(quant(true, &[0.03125, 0.03125], 0.0, 8.0), "FIXED<8,3>");
        assert_eq!(quant(false, &[0.03125], 0.0, 8.0), "FLOAT32");
        assert_eq!(quant(true, &[0.25, 0.5], 0.0, 8.0), "FLOAT32");
        assert_eq!(quant(true, &[2.0], 0.0, 8.0), "FLOAT32");
        assert_eq!(quant(true, &[1.0], 3.0, 8.0), "FLOAT32");
        let bipolar = |scale| of(BipolarQuant::default(), vec![vec![scale]]);
        assert_eq!(bipolar(1.0).as_deref(), Some("BIPOLAR"));
        assert_eq!(bipolar(0.5).as_deref(), Some("FLOAT32"));
        let float = |scale: f32| {
            of(FloatQuant::default(), [scale, 4.0, 3.0, 7.0, 448.0].map(|x| vec![x]).to_vec())
        };
        assert_eq!(float(1.0).as_deref(), Some("FLOAT<4,3,7>"));
        assert_eq!(float(2.0).as_deref(), Some("FLOAT32"));
        let steps = MultiThreshold { output: "UINT2".into(), ..MultiThreshold::default() };
        assert_eq!(of(steps, vec![vec![0.5, 1.5, 2.5]]).as_deref(), Some("UINT2"));
        assert_eq!(of(crate::ops::Relu {}, vec![]), None);
    }
}
