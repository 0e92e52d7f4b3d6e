//! Attention and its like, beside plain loops over queries and keys.

use fewbit_models::exec::{Constants, Execution, QuantizerMode, run_batch};
use fewbit_models::graph::{Graph, Node};
use fewbit_models::ops::{Attention, Fact, Gemm, Inputs, Mul, Op, RotaryEmbedding};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{Array2, Array4, ArrayD, ArrayView1, Axis, IxDyn, s};

/// Numbers without a pattern between -1 and 1.
fn numbers(shape: &[usize], seed: u64) -> ArrayD<f32> {
    let mut state = seed;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / 8388608.0 - 1.0
    })
}

fn four(x: &Tensor) -> Array4<f32> {
    x.get::<f32>().unwrap().to_owned().into_dimensionality().unwrap()
}

fn run(op: impl Into<Op>, inputs: &[Option<&Tensor>]) -> Vec<Tensor> {
    op.into().run(Inputs::new(inputs)).unwrap()
}

/// `softmax(q k' / sqrt(size) + mask) v` of one head in f64, keys that are not seen left out.
fn one_head(
    (q, k, v): (&Array2<f64>, &Array2<f64>, &Array2<f64>),
    cap: f64,
    seen: impl Fn(usize, usize) -> Option<f64>,
) -> Array2<f64> {
    let mut out = Array2::zeros((q.nrows(), v.ncols()));
    for (query, row) in q.outer_iter().enumerate() {
        let product = |k: ArrayView1<'_, f64>| {
            let x = row.dot(&k) / (q.ncols() as f64).sqrt();
            if cap > 0.0 { (x / cap).tanh() * cap } else { x }
        };
        let weights: Vec<(usize, f64)> = (0..k.nrows())
            .filter_map(|key| Some((key, (product(k.row(key)) + seen(query, key)?).exp())))
            .collect();
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        for (key, weight) in weights {
            out.row_mut(query).scaled_add(weight / sum, &v.row(key));
        }
    }
    out
}

const BATCH: usize = 2;
const HEADS: usize = 4;
const OWN: usize = 2;
const SIZE: usize = 12;
const WIDTH: usize = 9;

/// Which keys a query sees, and what is added: batch, query, key.
type Seen<'a> = dyn Fn(usize, usize, usize) -> Option<f64> + 'a;

/// An operator, its inputs, and what it is to see.
type Case<'a> = (Attention, [Option<&'a Tensor>; 7], Box<Seen<'a>>);

/// Places of queries and of keys on both sides of blocks and vectors.
#[test]
fn outputs_are_those_of_plain_loops() {
    let lengths = [21i64, 60];
    for (queries, keys) in [(1, 1), (1, 70), (5, 33), (32, 32), (70, 70), (40, 75)] {
        let q = Tensor::from(numbers(&[BATCH, HEADS, queries, SIZE], 1));
        let k = Tensor::from(numbers(&[BATCH, OWN, keys, SIZE], 2));
        let v = Tensor::from(numbers(&[BATCH, OWN, keys, WIDTH], 3));
        let mask = numbers(&[queries, keys], 4);
        let added = Tensor::from(mask.clone());
        let count = Tensor::vector(lengths.to_vec());
        let apart = |query: usize, key: usize| query as i64 - key as i64;
        let op = Attention::default;
        let all: Vec<Case<'_>> = vec![
            (op(), [Some(&q), Some(&k), Some(&v), None, None, None, None], {
                Box::new(|_, _, _| Some(0.0))
            }),
            (
                Attention { causal: true, softcap: 0.3, ..op() },
                [Some(&q), Some(&k), Some(&v), None, None, None, None],
                Box::new(move |_, query, key| (key <= query).then_some(0.0)),
            ),
            (
                Attention { left: 20, right: 3, ..op() },
                [Some(&q), Some(&k), Some(&v), Some(&added), None, None, None],
                Box::new(|_, query, key| {
                    let inside = (-3..=20).contains(&apart(query, key));
                    inside.then(|| f64::from(mask[[query, key]]))
                }),
            ),
            (op(), [Some(&q), Some(&k), Some(&v), None, None, None, Some(&count)], {
                Box::new(|batch, _, key| ((key as i64) < lengths[batch]).then_some(0.0))
            }),
        ];
        for (op, inputs, seen) in all {
            let found = four(&run(op.clone(), &inputs)[0]);
            let wide = |x: &Tensor, at: [usize; 2]| {
                four(x).slice(s![at[0], at[1], .., ..]).mapv(f64::from)
            };
            for (b, h) in (0..BATCH).flat_map(|b| (0..HEADS).map(move |h| (b, h))) {
                let own = [b, h / (HEADS / OWN)];
                let (q, k, v) = (wide(&q, [b, h]), wide(&k, own), wide(&v, own));
                let cap = f64::from(op.softcap);
                let expected = one_head((&q, &k, &v), cap, |query, key| seen(b, query, key));
                let found = found.slice(s![b, h, .., ..]).mapv(f64::from);
                let worst = (&found - &expected).iter().fold(0.0, |m: f64, x| m.max(x.abs()));
                assert!(worst < 1e-6, "{op:?}, {queries} by {keys}: {worst}");
            }
        }
    }
}

/// Heads side by side, keys in two parts, queries one by one, more threads, more outputs: the same bits.
#[test]
fn the_same_bits_in_any_form() {
    let places = 70;
    let op = Attention { causal: true, query_heads: HEADS, key_heads: OWN, ..Attention::default() };
    let by_heads = |heads: usize, size: usize, seed| numbers(&[BATCH, heads, places, size], seed);
    let (q, k, v) = (by_heads(HEADS, SIZE, 5), by_heads(OWN, SIZE, 6), by_heads(OWN, WIDTH, 7));
    let tensor = |x: &ArrayD<f32>| Tensor::from(x.as_standard_layout().into_owned());
    let expected = run(op.clone(), &[Some(&tensor(&q)), Some(&tensor(&k)), Some(&tensor(&v))]);
    let whole = four(&expected[0]);
    let side_by_side = |x: &ArrayD<f32>| {
        let (heads, size) = (x.shape()[1], x.shape()[3]);
        let x = x.clone().permuted_axes(IxDyn(&[0, 2, 1, 3])).as_standard_layout().into_owned();
        Tensor::from(x.into_shape_with_order(IxDyn(&[BATCH, places, heads * size])).unwrap())
    };
    let flat = [side_by_side(&q), side_by_side(&k), side_by_side(&v)];
    let flat = [Some(&flat[0]), Some(&flat[1]), Some(&flat[2])];
    let found = run(op.clone(), &flat);
    let found_whole = side_by_side(&whole.clone().into_dyn());
    assert_eq!(found[0], found_whole);
    assert_eq!(found[1..], expected[1..], "keys and values by heads, products");
    let first = Op::from(op.clone()).run_first(1, Inputs::new(&flat)).unwrap();
    assert_eq!(first, [found_whole], "one output");
    for threads in [1, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| run(op.clone(), &flat)), found, "{threads} threads");
    }
    for from in [1, 40, 69] {
        let part = |x: &ArrayD<f32>, range: std::ops::Range<usize>| {
            tensor(&x.slice_axis(Axis(2), range.into()).to_owned())
        };
        let inputs = [
            part(&q, from..from + 1),
            part(&k, from..from + 1),
            part(&v, from..from + 1),
            part(&k, 0..from),
            part(&v, 0..from),
        ];
        let [q, k, v, keys, values] = inputs.each_ref().map(Some);
        let found = run(op.clone(), &[q, k, v, None, keys, values]);
        assert_eq!(four(&found[0]), whole.slice(s![.., .., from..from + 1, ..]), "from {from}");
    }
}

#[test]
fn turned_where_it_was() {
    for (interleaved, size) in [(false, 0), (true, 0), (false, 8), (true, 6)] {
        let op = RotaryEmbedding { interleaved, heads: HEADS, size };
        let half = if size == 0 { SIZE } else { size } / 2;
        let angles = |seed| Tensor::from(numbers(&[BATCH, 7, half], seed));
        let (cos, sin) = (angles(8), angles(9));
        let x = Tensor::from(numbers(&[BATCH, 7, HEADS * SIZE], 10));
        let found = run(op.clone(), &[Some(&x), Some(&cos), Some(&sin)]).swap_remove(0);
        let at = |x: &Tensor, place: [usize; 3]| x.get::<f32>().unwrap()[place.as_slice()];
        for (b, p, h) in (0..BATCH * 7 * HEADS).map(|i| (i / 7 / HEADS, i / HEADS % 7, i % HEADS)) {
            for i in 0..half {
                let (one, two) = if interleaved { (2 * i, 2 * i + 1) } else { (i, half + i) };
                let (one, two) = ([b, p, h * SIZE + one], [b, p, h * SIZE + two]);
                let (cos, sin) = (at(&cos, [b, p, i]), at(&sin, [b, p, i]));
                let (a, c) = (at(&x, one), at(&x, two));
                assert_eq!(at(&found, one), cos * a - sin * c);
                assert_eq!(at(&found, two), sin * a + cos * c);
            }
            for rest in 2 * half..SIZE {
                let rest = [b, p, h * SIZE + rest];
                assert_eq!(at(&found, rest), at(&x, rest));
            }
        }
        // In a graph, where the input is not needed again, it is turned in place.
        let mut graph = Graph::new("turn");
        let given =
            graph.add_input("x", Fact::new(ElementType::F32, vec![2.into(), 7.into(), 48.into()]));
        let (cos, sin) = (graph.add_constant("cos", cos), graph.add_constant("sin", sin));
        let two = graph.add_constant("two", Tensor::scalar(2.0f32));
        let twice = graph.add("twice", Mul {}, &[given, two]);
        let y = graph.add("turn", op, &[twice, cos, sin]);
        graph.add_output(y);
        let half = Tensor::from(x.get::<f32>().unwrap().mapv(|x| x / 2.0));
        let outputs = run_batch(&graph, &[half], QuantizerMode::Skip, &Constants::default());
        assert_eq!(outputs.unwrap(), [found]);
    }
}

/// `a w'` twice, the second time times itself: a weight that is packed, and one that is replaced on the way.
#[test]
fn packed_weights_are_those_of_the_graph() {
    let mut graph = Graph::new("gated");
    let x = graph.add_input("x", Fact::new(ElementType::F32, vec![3.into(), 20.into()]));
    let w = graph.add_constant("w", numbers(&[40, 20], 11));
    let bias = graph.add_constant("b", numbers(&[40], 12));
    let op = Gemm { transpose_b: true, alpha: 0.5, beta: 3.0, ..Gemm::default() };
    let y = graph.add("y", op, &[x, w, bias]);
    let square = graph.add_value("square", Fact::default());
    let mul = Node {
        name: "square".into(),
        op: Mul {}.into(),
        inputs: vec![Some(y), Some(y)],
        outputs: vec![Some(square)],
    };
    graph.add_node(mul);
    graph.add_output(square);
    let given = [Tensor::from(numbers(&[3, 20], 13))];
    let outputs = |constants: &Constants, weights: Option<Tensor>| {
        let mode = QuantizerMode::Skip;
        let mut execution = Execution::with_constants(&graph, &given, mode, constants).unwrap();
        if let Some(weights) = weights {
            execution.replace(w, weights);
        }
        graph.order().iter().for_each(|&id| execution.step(&graph, id).unwrap());
        execution.outputs(&graph).unwrap()
    };
    let packed = Constants::of(&graph, QuantizerMode::Skip).unwrap();
    let plain = outputs(&Constants::default(), None);
    assert_eq!(outputs(&packed, None), plain);
    let at = |x: &Tensor, i: usize, j: usize| x.get::<f32>().unwrap()[[i, j]];
    let (x, w, b) = (&given[0], numbers(&[40, 20], 11), numbers(&[40], 12));
    for (i, j) in (0..3).flat_map(|i| (0..40).map(move |j| (i, j))) {
        let sum = (0..20).fold(0.0f32, |sum, k| at(x, i, k).mul_add(w[[j, k]], sum));
        let y = 0.5 * sum + 3.0 * b[[j]];
        assert_eq!(at(&plain[0], i, j), y * y);
    }
    let other = Tensor::from(numbers(&[40, 20], 14));
    let replaced = outputs(&packed, Some(other.clone()));
    assert_eq!(replaced, outputs(&Constants::default(), Some(other)));
    assert_ne!(replaced, plain);
}
