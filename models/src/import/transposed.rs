//! Quantized constants that are transposed before a product takes them, as exporters write linear layers.

use fewbit::quantize::{Quantizer, ScaleRule, ScaleSource, ZeroPoint, ZeroPointSource};
use fewbit::tensor::Granularity;
use ndarray::ArrayD;

use crate::graph::{Graph, Node, NodeId};
use crate::ops::{Op, Quantize};
use crate::tensor::Tensor;

/// Turns every `Transpose` of a quantized constant into a quantizer of the transposed constant.
pub(super) fn transpose_constants(graph: &mut Graph) {
    for id in graph.order().to_vec() {
        let _ = transposed(graph, id);
    }
}

fn transposed(graph: &mut Graph, id: NodeId) -> Option<()> {
    let node = graph.node(id).clone();
    let Op::Transpose(op) = &node.op else { return None };
    let (quantizer, _) = graph.producer(node.input(0)?)?;
    let source = graph.node(quantizer).clone();
    let Op::Quantize(quantize) = &source.op else { return None };
    let constant = source.input(0)?;
    let data = graph.data(constant)?.get::<f32>().ok()?.to_owned();
    let axes = data.ndim();
    let order = op.order(axes).ok()?;
    let moved = permuted(&quantize.quantizer, &order)?;
    let data: Tensor = data.permuted_axes(order).as_standard_layout().into_owned().into();
    let name = format!("{}.transposed", graph.name_of(constant));
    let constant = graph.add_constant(&name, data);
    graph.remove(id);
    graph.add_node(Node {
        name: node.name,
        op: Quantize { quantizer: moved, shared_scale: None }.into(),
        inputs: vec![Some(constant)],
        outputs: node.outputs,
    });
    Some(())
}

/// The quantizer of the tensor with its axes in this order; `None` where it has scales in groups.
fn permuted(quantizer: &Quantizer, order: &[usize]) -> Option<Quantizer> {
    let scheme = quantizer.scheme().clone();
    let granularity = match scheme.granularity {
        Granularity::Tensor => Granularity::Tensor,
        Granularity::Channel { axis } => {
            let axis = usize::try_from(axis).ok()?;
            let place = order.iter().position(|&from| from == axis)?;
            Granularity::Channel { axis: place as isize }
        }
        _ => return None,
    };
    let moved = |values: &ArrayD<f32>| {
        let values = values.clone();
        match values.ndim() == order.len() {
            true => values.permuted_axes(order.to_vec()).as_standard_layout().into_owned(),
            false => values,
        }
    };
    let ScaleSource::Given(scale) = &quantizer.scale_rule().source else { return None };
    let zero_point = match &scheme.zero_point {
        ZeroPoint::Shifted { source: ZeroPointSource::Given(zero), rounding } => {
            let source = ZeroPointSource::Given(moved(zero));
            ZeroPoint::Shifted { source, rounding: rounding.clone() }
        }
        ZeroPoint::Zero => ZeroPoint::Zero,
        _ => return None,
    };
    let rule =
        ScaleRule { source: ScaleSource::Given(moved(scale)), ..quantizer.scale_rule().clone() };
    let scheme = scheme.with_granularity(granularity).with_zero_point(zero_point);
    quantizer.clone().with_scheme(scheme).and_then(|q| q.with_scale_rule(rule)).ok()
}
