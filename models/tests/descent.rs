//! Descent from an algorithm's codes: never worse than they are, never better than the best codes there are.

use fewbit::algorithms::Effort;
use fewbit::algorithms::layer::AccumulatorConstraint;
use fewbit::quantize::{Preset, Quantizer, Recipe};
use fewbit_models::graph::{Graph, Product, products};
use fewbit_models::ops::{Dim, Fact, MatMul, Op};
use fewbit_models::passes::{NoJournal, SolveInputs, SolveParams, insert_weight_quantizers, solve};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{Array2, ArrayD, Ix2};

const INPUTS: usize = 5;
const OUTPUTS: usize = 3;
const TOKENS: usize = 24;

/// Numbers from a counter: the fraction of the golden ratio's multiples, centred.
fn matrix(rows: usize, cols: usize, seed: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, cols), |(row, col)| {
        let x = ((row * cols + col + 1) * (2 * seed + 3)) as f64 * 0.618_033_988_749_894_9;
        ((x.fract() + (x * 7.3).fract() + (x * 3.1).fract() - 1.5) * 0.8) as f32
    })
}

/// Inputs that go along with each other, as they do in networks: else rounding to nearest is the best there is.
fn inputs(seed: usize) -> Array2<f32> {
    matrix(TOKENS, INPUTS, seed).dot(&(matrix(INPUTS, INPUTS, seed + 1) + 0.6))
}

fn two_bits() -> Quantizer {
    let preset = "Int8WeightPerChannelFloat".parse::<&Preset>().expect("a preset");
    let recipe = preset.recipe().expect("a recipe").set("bit_width", 2.into()).expect("a width");
    let Recipe::Quantizer(quantizer) = recipe else { panic!("a quantizer of one scale") };
    quantizer
}

/// One product with weights of two bits, rounded to nearest.
fn network(seed: usize) -> Graph {
    let mut graph = Graph::new("product");
    let shape = vec![Dim::Named("tokens".into()), INPUTS.into()];
    let x = graph.add_input("x", Fact::new(ElementType::F32, shape));
    let w = graph.add_constant("w", Tensor::from(matrix(INPUTS, OUTPUTS, seed + 2).into_dyn()));
    let y = graph.add("product", MatMul {}, &[x, w]);
    graph.add_output(y);
    graph.infer().expect("shapes");
    insert_weight_quantizers(&mut graph, &two_bits()).expect("quantizers");
    graph
}

/// The weights that a product multiplies.
fn weights(graph: &Graph, product: &Product) -> Array2<f32> {
    let weights = graph.data(product.weight).expect("weights").get::<f32>().expect("floats");
    weights.to_owned().into_dimensionality::<Ix2>().expect("a matrix")
}

/// The values that the weights of each output may take.
fn values(graph: &Graph, product: &Product) -> Vec<Vec<f32>> {
    let Op::Quantize(op) = &graph.node(product.weight_quantizer.expect("one")).op else {
        panic!("a quantizer")
    };
    let mut values = vec![Vec::new(); OUTPUTS];
    for step in -400..=400 {
        let all = ArrayD::from_elem(vec![INPUTS, OUTPUTS], step as f32 / 50.0);
        let rounded = op.codes(&all.into_shared()).expect("codes").dequantize();
        for (output, values) in values.iter_mut().enumerate() {
            let value = rounded[[0, output]];
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    values
}

/// `|X (w - q)|²` of an output.
fn error(x: &Array2<f32>, wanted: &[f32], found: &[f32]) -> f64 {
    x.rows()
        .into_iter()
        .map(|row| {
            let of = |values: &[f32]| -> f64 {
                row.iter().zip(values).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum()
            };
            (of(wanted) - of(found)).powi(2)
        })
        .sum()
}

/// The least error over all codes, by trying them all.
fn least(x: &Array2<f32>, wanted: &[f32], values: &[f32]) -> f64 {
    let count = values.len().pow(INPUTS as u32);
    (0..count)
        .map(|index| {
            let digit = |input: usize| index / values.len().pow(input as u32) % values.len();
            let codes: Vec<f32> = (0..INPUTS).map(|input| values[digit(input)]).collect();
            error(x, wanted, &codes)
        })
        .fold(f64::INFINITY, f64::min)
}

#[test]
fn codes_that_descend_lie_between_the_algorithm_and_the_best() {
    let (mut published, mut descended, mut best) = (0.0, [0.0; 2], 0.0);
    for seed in 0..12 {
        let x = inputs(seed);
        let batches = vec![vec![Tensor::from(x.clone().into_dyn())]];
        let nearest = network(seed);
        let product = products(&nearest).remove(0);
        let wanted = weights(&nearest, &product);
        let values = values(&nearest, &product);
        let solved = |effort: u8| {
            let mut graph = nearest.clone();
            let params = SolveParams {
                solver: "gptq".parse().expect("a solver"),
                constraint: AccumulatorConstraint::None,
                effort: Effort::new(effort).expect("an effort"),
                inputs: SolveInputs::Rounded,
            };
            solve(&nearest, &mut graph, &batches, &params, None, &mut NoJournal, &mut |_, _| ())
                .expect("solved");
            weights(&graph, &product)
        };
        let found = [solved(0), solved(1), solved(2)];
        for (output, values) in values.iter().enumerate() {
            let column = |w: &Array2<f32>| w.column(output).to_vec();
            let [e0, e1, e2] = [0, 1, 2].map(|i| error(&x, &column(&wanted), &column(&found[i])));
            let lowest = least(&x, &column(&wanted), values);
            let close = 1e-4 * (1e-6 + lowest);
            assert!(found.iter().all(|w| column(w).iter().all(|v| values.contains(v))));
            assert!(e1 <= e0 + close, "{seed}, {output}: {e1} after {e0}");
            assert!(e2 <= e1 + close, "{seed}, {output}: {e2} after {e1}");
            assert!(lowest <= e2 + close, "{seed}, {output}: {e2} below the least, {lowest}");
            published += e0;
            descended[0] += e1;
            descended[1] += e2;
            best += lowest;
        }
    }
    assert!(descended[1] < 0.7 * published, "{descended:?} of {published}, at best {best}");
    assert!(descended[1] < 1.6 * best, "{descended:?} of {published}, at best {best}");
}
