//! Batches in pieces: where no image meets another one in any node, a few at a time go through all of them.

use std::collections::HashSet;

use ndarray::{Axis, concatenate};

use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Dim, Op};
use crate::tensor::Tensor;

/// Bytes that the largest value of a piece has at most, about, in floats: a few of them fit into a core's own cache.
pub(super) const FLOATS: usize = 1 << 19;
/// The same where most values are codes, whose bytes are a quarter of these.
pub(super) const CODES: usize = 1 << 20;

/// The inputs in pieces along their first axis, if there is more than one and no output depends on how they are cut.
pub(super) fn pieces(graph: &Graph, inputs: &[Tensor], bytes: usize) -> Option<Vec<Vec<Tensor>>> {
    let images = inputs.first()?.shape().first().copied()?;
    let size = (bytes / bytes_per_image(graph)?.max(1)).max(1);
    if images <= size {
        return None;
    }
    // Pieces of nearly the same size.
    let size = images.div_ceil(images.div_ceil(size));
    let starts = (0..images).step_by(size);
    let piece = |start: usize| {
        let end = (start + size).min(images);
        inputs.iter().map(|input| input.part(0, start..end)).collect()
    };
    Some(starts.map(piece).collect())
}

/// The same of inputs that two networks of floats take side by side, which both must keep images apart.
pub(crate) fn float_pieces([a, b]: [&Graph; 2], inputs: &[Tensor]) -> Option<Vec<Vec<Tensor>>> {
    bytes_per_image(a)?;
    pieces(b, inputs, FLOATS)
}

/// Outputs of pieces put together; `None` where they are of several types or shapes.
pub(super) fn joined(pieces: &[Vec<Tensor>]) -> Option<Vec<Tensor>> {
    let outputs = pieces.first()?.len();
    (0..outputs)
        .map(|at| {
            let parts = pieces.iter().map(|piece| piece.get(at)?.get::<f32>().ok());
            let parts: Option<Vec<_>> = parts.collect();
            let parts = parts?;
            let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
            Some(concatenate(Axis(0), &views).ok()?.into())
        })
        .collect()
}

/// Bytes of the largest value per image, if every value that depends on the inputs has the images along its first axis and each
/// image's part follows from that image alone.
fn bytes_per_image(graph: &Graph) -> Option<usize> {
    let shape = |id: ValueId| graph.value(id).fact.shape.as_deref();
    let images = shape(*graph.inputs().first()?)?.first()?;
    if !matches!(images, Dim::Named(_)) {
        return None;
    }
    let mut most = 0;
    let mut measure = |id: ValueId| {
        let [first, rest @ ..] = shape(id)? else { return None };
        let elements =
            rest.iter().map(Dim::size).try_fold(1usize, |n, size| n.checked_mul(size?))?;
        most = most.max(elements.checked_mul(size_of::<f32>())?);
        (first == images).then_some(())
    };
    let mut of_images: HashSet<ValueId> = HashSet::new();
    for &input in graph.inputs() {
        measure(input)?;
        of_images.insert(input);
    }
    for (_, node) in graph.nodes() {
        if !node.inputs.iter().flatten().any(|input| of_images.contains(input)) {
            continue;
        }
        let rank = |id: ValueId| shape(id).map(<[Dim]>::len);
        if !keeps_apart(graph, node, |id| of_images.contains(&id), rank) {
            return None;
        }
        for &output in node.outputs.iter().flatten() {
            measure(output)?;
            of_images.insert(output);
        }
    }
    graph.outputs().iter().all(|output| of_images.contains(output)).then_some(most)
}

/// Whether a node computes each image's part of its output from that image's part of its inputs.
fn keeps_apart(
    graph: &Graph,
    node: &Node,
    is_of_images: impl Fn(ValueId) -> bool,
    rank: impl Fn(ValueId) -> Option<usize>,
) -> bool {
    let input = |place: usize| node.input(place);
    let first = input(0).is_some_and(&is_of_images);
    let only_first = || first && !node.inputs[1..].iter().flatten().any(|&id| is_of_images(id));
    match &node.op {
        Op::Conv(_)
        | Op::ConvTranspose(_)
        | Op::MaxPool(_)
        | Op::AveragePool(_)
        | Op::GlobalAveragePool(_)
        | Op::GlobalMaxPool(_)
        | Op::Relu(_)
        | Op::LeakyRelu(_)
        | Op::Elu(_)
        | Op::Gelu(_)
        | Op::Swish(_)
        | Op::Sigmoid(_)
        | Op::Tanh(_)
        | Op::HardSigmoid(_)
        | Op::HardSwish(_)
        | Op::Clip(_)
        | Op::Identity(_) => only_first(),
        Op::BatchNormalization(_) => only_first() && node.outputs.len() == 1,
        Op::Quantize(op) => only_first() && op.is_static(),
        Op::Gemm(gemm) => {
            let summand = input(2).and_then(&rank);
            only_first() && !gemm.transpose_a && summand.is_none_or(|rank| rank <= 1)
        }
        // Of more axes, those before the last two must not broadcast.
        Op::MatMul(_) => {
            let left = input(0).and_then(&rank).is_some_and(|rank| rank >= 2);
            only_first() && left && input(1).and_then(&rank) == Some(2)
        }
        Op::Flatten(flatten) => only_first() && flatten.axis == 1,
        Op::Reshape(_) => {
            let wanted = input(1).and_then(|id| graph.data(id)?.integers().ok());
            let keeps = |wanted: Vec<i64>| matches!(wanted.first(), Some(-1 | 0));
            only_first() && wanted.is_some_and(keeps)
        }
        Op::Add(_) | Op::Sub(_) | Op::Mul(_) | Op::Div(_) => {
            let ranks = (input(0).and_then(&rank), input(1).and_then(&rank));
            let (Some(a), Some(b)) = (input(0), input(1)) else { return false };
            match (is_of_images(a), is_of_images(b), ranks) {
                (true, true, (Some(a), Some(b))) => a == b,
                (true, false, (Some(a), Some(b))) => b < a,
                (false, true, (Some(a), Some(b))) => a < b,
                _ => false,
            }
        }
        Op::Concat(concat) => {
            concat.axis > 0 && node.inputs.iter().flatten().all(|&id| is_of_images(id))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Constants, Execution, QuantizerMode, run_batch};
    use crate::ops::{Conv, Fact, Flatten, Relu, Softmax};
    use crate::tensor::ElementType;
    use ndarray::Array4;

    fn network(softmax_axis: Option<i64>) -> Graph {
        let mut graph = Graph::new("images");
        let shape = vec![Dim::Named("N".into()), 2.into(), 40.into(), 40.into()];
        let x = graph.add_input("x", Fact::new(ElementType::F32, shape));
        let mut next = 0u32;
        let weights = Array4::from_shape_simple_fn((3, 2, 3, 3), || {
            next = next.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            (next >> 16) as f32 / 65_536.0 - 0.5
        });
        let w = graph.add_constant("w", weights);
        let y = graph.add("conv", Conv::default(), &[x, w]);
        let y = graph.add("relu", Relu {}, &[y]);
        let y = graph.add("flatten", Flatten::default(), &[y]);
        let y = match softmax_axis {
            Some(axis) => graph.add("softmax", Softmax { axis, ..Softmax::default() }, &[y]),
            None => y,
        };
        graph.add_output(y);
        graph.infer().expect("shapes");
        graph
    }

    #[test]
    fn pieces_give_what_the_batch_gives() {
        let images = Array4::from_shape_fn((100, 2, 40, 40), |(n, c, y, x)| {
            ((n * 31 + c * 17 + y * 7 + x * 3) % 23) as f32 / 7.0 - 1.0
        });
        let inputs = [Tensor::from(images)];
        let graph = network(None);
        assert!(pieces(&graph, &inputs, FLOATS).is_some_and(|pieces| pieces.len() > 2));
        let constants = Constants::default();
        let found = run_batch(&graph, &inputs, QuantizerMode::Skip, &constants).expect("outputs");
        let mut whole = Execution::new(&graph, &inputs, QuantizerMode::Skip).expect("inputs");
        graph.order().iter().for_each(|&id| whole.step(&graph, id).expect("a node"));
        assert_eq!(found, whole.outputs(&graph).expect("outputs"));
    }

    #[test]
    fn images_that_meet_stay_together() {
        let inputs = [Tensor::from(Array4::<f32>::zeros((100, 2, 40, 40)))];
        assert!(pieces(&network(Some(0)), &inputs, FLOATS).is_none());
        let few = [Tensor::from(Array4::<f32>::zeros((3, 2, 40, 40)))];
        assert!(pieces(&network(None), &few, FLOATS).is_none());
    }
}
