//! The execution in integers: sums of an exact accumulator against those of floats, of narrow ones against
//! `fewbit::reference` on products that are put together from the definition.

use fewbit::accumulate::Report;
use fewbit::quantize::Recipe;
use fewbit::{Accumulator, reference};
use fewbit_models::layers::{LayerError, QuantScaledDotProductAttention, QuantValue};
use fewbit_models::ops::{Inputs, Op, Softmax};
use fewbit_models::tensor::Tensor;
use ndarray::{Array2, ArrayD, Axis, Ix2, IxDyn, concatenate, s};

use crate::attention::{ignored, mask, multihead, quantizers as of_attention};
use crate::golden::{Case, cases};
use crate::recurrent::{lstm, rnn};
use crate::weighted::{Layer, by, quantizers, sums};

const NARROW: [&str; 4] = ["int12-sat", "int12-wrap", "int15-sat", "int9-wrap"];

fn accumulator(spec: &str) -> Accumulator {
    spec.parse().unwrap()
}

type Found = (ArrayD<i64>, Vec<u64>, ArrayD<f32>);

fn forward_integer(layer: &Layer, x: &QuantValue, acc: &Accumulator) -> Result<Found, LayerError> {
    let (sums, events) = match layer {
        Layer::Linear(layer) => layer.forward_integer(x, acc),
        Layer::Conv(layer) => layer.forward_integer(x, acc),
        Layer::Transposed(layer) => layer.forward_integer(x, acc),
        Layer::ScaleBias(_) => panic!("no sums"),
    }?;
    let values = sums.values();
    Ok((sums.values, events, values))
}

/// Whether the operands of a case are integers that sum: signed or unsigned inputs, weights without a zero point, a bias in
/// the scale of the sums or none.
fn sums_as_integers(case: &Case) -> bool {
    let by = quantizers(case);
    let name = |recipe: &Option<Recipe>| serde_json::to_string(recipe).unwrap();
    let integer = |recipe: &Option<Recipe>| {
        name(recipe).contains("\"format\":\"int") || name(recipe).contains("\"format\":\"uint")
    };
    let weight = integer(&by.weight) && !name(&by.weight).contains("shifted");
    let bias = !case.has("bias") || matches!(by.bias, Some(Recipe::Bias(_)));
    integer(&by.input) && weight && bias
}

fn ints(value: &QuantValue) -> (ArrayD<i64>, i64) {
    let tensor = value.codes.as_ref().unwrap();
    let zero = tensor.zero_point().and_then(|zero| zero.iter().next().copied()).unwrap_or(0.0);
    (tensor.ints().unwrap(), zero as i64)
}

/// The sums of every output and the events, from the definition: output channel, position, then products in ascending channel
/// and tap (of a transposed convolution, descending tap).
fn defined(
    case: &Case,
    x: &QuantValue,
    acc: &Accumulator,
    shape: &[usize],
) -> (ArrayD<i64>, Vec<u64>) {
    let by_recipe = quantizers(case);
    let (x, zero) = ints(&by(by_recipe.input.as_ref(), &x.values));
    let transposed = case.kind == "conv_transpose";
    let weight = case.f32("weight").unwrap();
    let mut order: Vec<usize> = (0..weight.ndim()).collect();
    if transposed {
        order.swap(0, 1);
    }
    let turned = weight.view().permuted_axes(order.clone()).as_standard_layout().into_owned();
    let quantized = by(by_recipe.weight.as_ref(), &turned);
    let scale = quantized.codes.as_ref().unwrap().scale().clone();
    let (w, _) = ints(&quantized.permute(&order).unwrap());
    let bias = case.has("bias").then(|| {
        let Some(Recipe::Bias(mut bias)) = by_recipe.bias.clone() else { panic!() };
        let input = by(by_recipe.input.as_ref(), &case.f32("x").unwrap());
        bias.input_scale = input.codes.map(|codes| codes.scale().clone());
        bias.weight_scale = Some(scale);
        ints(&by(Some(&Recipe::Bias(bias)), &case.f32("bias").unwrap())).0
    });
    let groups = case.attrs["groups"].as_u64().unwrap_or(1) as usize;
    let axes = w.ndim() - 2;
    let entry =
        |key: &str, at: usize, default: usize| case.sizes(key).get(at).copied().unwrap_or(default);
    let mut report = Report::new(acc.stages().len());
    let mut out = ArrayD::<i64>::zeros(shape);
    for (number, (at, out)) in out.indexed_iter_mut().enumerate() {
        let at: Vec<usize> = ndarray::Dimension::slice(&at).to_vec();
        let (mut products, mut weights) = (Vec::new(), 0);
        let channel;
        if case.kind == "linear" {
            channel = at[at.len() - 1];
            let mut place = at.clone();
            for k in 0..w.shape()[1] {
                place[at.len() - 1] = k;
                products.push(i128::from(x[&place[..]]) * i128::from(w[[channel, k]]));
                weights += w[[channel, k]];
            }
        } else {
            channel = at[1];
            let outputs = shape[1] / groups;
            let (group, inputs) = (channel / outputs, x.shape()[1] / groups);
            let taps: usize = w.shape()[2..].iter().product();
            for c in 0..inputs {
                for tap in 0..taps {
                    let mut rest = if transposed { taps - 1 - tap } else { tap };
                    let mut tap_at = vec![0; axes];
                    for axis in (0..axes).rev() {
                        (tap_at[axis], rest) =
                            (rest % w.shape()[axis + 2], rest / w.shape()[axis + 2]);
                    }
                    let mut place = vec![at[0], group * inputs + c];
                    for axis in 0..axes {
                        let stride = entry("strides", axis, 1) as isize;
                        let step = (tap_at[axis] * entry("dilations", axis, 1)) as isize;
                        let pad = entry("pads", axis, 0) as isize;
                        let o = at[axis + 2] as isize;
                        let from = if !transposed {
                            o * stride + step - pad
                        } else if (o + pad - step).rem_euclid(stride) == 0 {
                            (o + pad - step) / stride
                        } else {
                            -1
                        };
                        place.push(usize::try_from(from).unwrap_or(usize::MAX));
                    }
                    let mut of_weight = if transposed {
                        vec![group * inputs + c, channel % outputs]
                    } else {
                        vec![channel, c]
                    };
                    of_weight.extend(tap_at);
                    let weight = w[&of_weight[..]];
                    let code = x.get(&place[..]).copied().unwrap_or(zero);
                    products.push(i128::from(code) * i128::from(weight));
                    weights += weight;
                }
            }
        }
        let (value, traces) = reference::sum_products(acc, products);
        report.add(number as u64, 0, &traces);
        let bias = bias.as_ref().map_or(0, |bias| bias[[channel]]);
        *out = i64::try_from(value).unwrap() - zero * weights + bias;
    }
    (out, report.stages.iter().map(|stage| stage.events).collect())
}

fn of_kind(kind: &str) {
    let (mut run, mut refused, mut events) = (0, 0, 0);
    for case in cases(kind) {
        let (layer, x) = (Layer::of(&case), case.value("x"));
        if !sums_as_integers(&case) {
            let error = forward_integer(&layer, &x, &Accumulator::exact()).unwrap_err();
            assert!(matches!(error, LayerError::Integer(_)), "{}: {error}", case.name);
            refused += 1;
            continue;
        }
        // Exact sums times their scale are those of floats.
        let (exact, _, values) = forward_integer(&layer, &x, &Accumulator::exact()).unwrap();
        let floats = sums(&case, &layer, &x, None);
        for (at, &value) in values.indexed_iter() {
            let off = (f64::from(value) - f64::from(floats.values[&at])).abs();
            assert!(off <= floats.bound[&at], "{}{at:?}: {off:e}", case.name);
        }
        assert_eq!(
            exact,
            defined(&case, &x, &Accumulator::exact(), exact.shape()).0,
            "{}",
            case.name
        );
        for spec in NARROW {
            let acc = accumulator(spec);
            let (found, seen, _) = forward_integer(&layer, &x, &acc).unwrap();
            let (expected, stages) = defined(&case, &x, &acc, found.shape());
            assert_eq!(found, expected, "{spec} {}", case.name);
            assert_eq!(seen, stages, "{spec} {}", case.name);
            events += seen.iter().sum::<u64>();
        }
        run += 1;
    }
    println!("{kind}: {run} cases, {refused} refused, {events} events");
    assert!(run > 0 && events > 0);
}

#[test]
fn linear() {
    of_kind("linear");
}

#[test]
fn conv() {
    of_kind("conv");
}

#[test]
fn conv_transpose() {
    of_kind("conv_transpose");
}

/// Codes of both executions are the same: exact sums differ from those of floats by less than a rounding can see here.
#[test]
fn recurrent_layers_agree() {
    let exact = Accumulator::exact();
    let (mut narrow_events, mut compared) = (0, 0);
    for case in cases("rnn") {
        let (layer, x, hx) = (rnn(&case), case.value("x"), case.f32("hx"));
        let floats = layer.forward(&x, hx.as_ref()).unwrap();
        let (found, events) = layer.forward_integer(&x, hx.as_ref(), &exact).unwrap();
        assert_eq!(found.output.codes, floats.output.codes, "{}", case.name);
        assert_eq!(found.hidden.codes, floats.hidden.codes, "{}", case.name);
        assert_eq!(events.iter().sum::<u64>(), 0);
        let (_, events) =
            layer.forward_integer(&x, hx.as_ref(), &accumulator("int10-sat")).unwrap();
        narrow_events += events.iter().sum::<u64>();
        compared += 1;
    }
    for case in cases("lstm") {
        let (layer, x, hx, cx) = (lstm(&case), case.value("x"), case.f32("hx"), case.f32("cx"));
        let floats = layer.forward(&x, hx.as_ref(), cx.as_ref()).unwrap();
        let run =
            |acc: &Accumulator| layer.forward_integer(&x, hx.as_ref(), cx.as_ref(), acc).unwrap();
        let (found, events) = run(&exact);
        assert_eq!(found.output.codes, floats.output.codes, "{}", case.name);
        assert_eq!(found.cell.codes, floats.cell.codes, "{}", case.name);
        assert_eq!(events.iter().sum::<u64>(), 0);
        narrow_events += run(&accumulator("int10-sat")).1.iter().sum::<u64>();
        compared += 1;
    }
    println!("{compared} cases, {narrow_events} events of narrow accumulators");
    assert!(narrow_events > 0);
}

fn plane(array: &ArrayD<i64>) -> Array2<i64> {
    array.clone().into_dimensionality::<Ix2>().unwrap()
}

/// An Elman network of one layer and direction, step by step.
#[test]
fn narrow_steps_are_those_of_the_reference() {
    let mut checked = 0;
    for case in cases("rnn") {
        let single = case.attrs["num_layers"].is_null() && !case.flag("bidirectional");
        let biased =
            matches!(case.recipe("bias"), Some(Recipe::Bias(_))) && case.has("0.0.gate.bias");
        if !single || (case.has("0.0.gate.bias") && !biased) {
            continue;
        }
        let layer = rnn(&case);
        for spec in NARROW {
            let acc = accumulator(spec);
            let (found, events) = layer.forward_integer(&case.value("x"), None, &acc).unwrap();
            let io = case.recipe("io");
            let x = by(io.as_ref(), &case.f32("x").unwrap());
            let step = x.codes.as_ref().unwrap().scale().clone();
            let (w, v) = (case.matrix("0.0.gate.input"), case.matrix("0.0.gate.hidden"));
            let both = concatenate(Axis(1), &[w.view(), v.view()]).unwrap().into_dyn();
            let both = by(case.recipe("weight").as_ref(), &both).codes.unwrap();
            let codes = plane(&both.ints().unwrap());
            let (wq, vq) = (codes.slice(s![.., ..w.ncols()]), codes.slice(s![.., w.ncols()..]));
            let units = w.nrows();
            let bias = biased.then(|| {
                let Some(Recipe::Bias(mut bias)) = case.recipe("bias") else { panic!() };
                (bias.input_scale, bias.weight_scale) =
                    (Some(step.clone()), Some(both.scale().clone()));
                ints(&by(Some(&Recipe::Bias(bias)), &case.f32("0.0.gate.bias").unwrap())).0
            });
            let step = step.iter().next().copied().unwrap();
            let scale = |unit: usize| {
                let scales: Vec<f32> = both.scale().iter().copied().collect();
                step * scales[if scales.len() == 1 { 0 } else { unit }]
            };
            let (x, _) = ints(&x);
            let mut h = Array2::<i64>::zeros((x.shape()[1], units));
            let mut counted = 0;
            for t in 0..x.shape()[0] {
                let xt = plane(&x.index_axis(Axis(0), t).to_owned());
                let (a, of_a) = reference::matmul(xt.view(), wq.t(), &acc).unwrap();
                let (b, of_b) = reference::matmul(h.view(), vq.t(), &acc).unwrap();
                counted += [of_a, of_b]
                    .iter()
                    .flat_map(|r| &r.stages)
                    .map(|stage| stage.events)
                    .sum::<u64>();
                let mut sums = a + b;
                if let Some(bias) = &bias {
                    for (mut column, bias) in sums.columns_mut().into_iter().zip(bias) {
                        column.mapv_inplace(|x| x + bias);
                    }
                }
                let values = ArrayD::from_shape_fn(IxDyn(&[h.nrows(), units]), |at| {
                    sums[[at[0], at[1]]] as f32 * scale(at[1])
                });
                let values = by(case.recipe("gate_acc").as_ref(), &values).values;
                let state = by(io.as_ref(), &layer.activation.apply(&values).unwrap());
                h = plane(&ints(&state).0);
                let output = found.output.slice(0, t, t + 1).unwrap();
                assert!(output.values.iter().eq(&state.values), "{spec} {} step {t}", case.name);
            }
            assert_eq!(events.iter().sum::<u64>(), counted);
            checked += 1;
        }
    }
    println!("{checked} networks");
    assert!(checked > 0);
}

#[test]
fn attention_agrees() {
    let exact = Accumulator::exact();
    let (mut run, mut refused, mut events, mut narrow) = (0, 0, 0, 0);
    for case in cases("sdpa") {
        let layer = QuantScaledDotProductAttention { scale: None, quantizers: of_attention(&case) };
        let [q, k, v] = ["q", "k", "v"].map(|name| case.value(name));
        let floats = layer.forward([&q, &k, &v], &mask(&case)).unwrap();
        let found = layer.forward_integer([&q, &k, &v], &mask(&case), &exact);
        if !matches!(&case.recipe("v"), Some(recipe) if serde_json::to_string(recipe).unwrap().contains("\"format\":\"int"))
        {
            assert!(matches!(found, Err(LayerError::Integer(_))), "{}", case.name);
            refused += 1;
            continue;
        }
        let (found, _) = found.unwrap();
        assert_eq!(found.codes, floats.codes, "{}", case.name);
        let most = v.values.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        for (a, b) in found.values.iter().zip(&floats.values) {
            assert!((a - b).abs() <= most * 12.0 * 2f32.powi(-24), "{}", case.name);
        }
        run += 1;
        if case.attrs["mask"].is_null() {
            for spec in NARROW {
                events += against_reference(&case, &layer, [&q, &k, &v], &accumulator(spec));
                narrow += 1;
            }
        }
    }
    println!("{run} cases, {refused} refused; {narrow} narrow ones, {events} events");
    assert!(run > 0 && events > 0);
}

/// Both products by the reference, matrix after matrix; the events.
fn against_reference(
    case: &Case,
    layer: &QuantScaledDotProductAttention,
    qkv: [&QuantValue; 3],
    acc: &Accumulator,
) -> u64 {
    let (found, events) = layer.forward_integer(qkv, &mask(case), acc).unwrap();
    let [q, k, v] = qkv.map(|value| &value.values);
    let root = (1.0 / (q.shape()[2] as f64).sqrt()) as f32;
    let q = by(case.recipe("q_scaled").as_ref(), &q.mapv(|q| q * root));
    let k = by(case.recipe("k_transposed").as_ref(), k);
    let v = by(case.recipe("v").as_ref(), v);
    let scale =
        |value: &QuantValue| value.codes.as_ref().unwrap().scale().iter().next().copied().unwrap();
    let (of_products, mut counted) = (scale(&q) * scale(&k), 0);
    let mut products = Vec::new();
    let batch = |array: &ArrayD<i64>, i: usize| plane(&array.index_axis(Axis(0), i).to_owned());
    let (qc, kc, vc) = (ints(&q).0, ints(&k).0, ints(&v).0);
    let mut multiply = |a: Array2<i64>, b: Array2<i64>| {
        let (sums, report) = reference::matmul(a.view(), b.view(), acc).unwrap();
        counted += report.stages.iter().map(|stage| stage.events).sum::<u64>();
        sums
    };
    for i in 0..qc.shape()[0] {
        let sums = multiply(batch(&qc, i), batch(&kc, i).reversed_axes());
        products.extend(sums.iter().map(|&sum| sum as f32 * of_products));
    }
    let shape = [qc.shape()[0], qc.shape()[1], kc.shape()[1]];
    let products = ArrayD::from_shape_vec(IxDyn(&shape), products).unwrap();
    let products = by(case.recipe("softmax_input").as_ref(), &products).values;
    let softmax: Op = Softmax { axis: -1, ..Softmax::default() }.into();
    let weights: Tensor = products.into();
    let weights = softmax.run(Inputs::new(&[Some(&weights)])).unwrap().swap_remove(0);
    let weights = by(case.recipe("attn_output_weights").as_ref(), &weights.try_into().unwrap());
    let (of_output, wc) = (scale(&weights) * scale(&v), ints(&weights).0);
    let mut output = Vec::new();
    for i in 0..wc.shape()[0] {
        output.extend(
            multiply(batch(&wc, i), batch(&vc, i)).iter().map(|&sum| sum as f32 * of_output),
        );
    }
    let output = ArrayD::from_shape_vec(IxDyn(found.values.shape()), output).unwrap();
    let output = by(case.recipe("sdpa_output").as_ref(), &output);
    assert_eq!(found.values, output.values, "{acc} {}", case.name);
    assert_eq!(events.iter().sum::<u64>(), counted, "{acc} {}", case.name);
    counted
}

#[test]
fn several_heads_agree() {
    let (mut run, mut refused, mut events) = (0, 0, 0);
    for case in cases("mha") {
        let layer = multihead(&case);
        let [q, k, v] = ["q", "k", "v"].map(|name| case.value(name));
        let ignored = ignored(&case);
        let (floats, _) = layer.forward([&q, &k, &v], &mask(&case), ignored.as_ref()).unwrap();
        let integer = |acc: &Accumulator| {
            layer.forward_integer([&q, &k, &v], &mask(&case), ignored.as_ref(), acc)
        };
        if !serde_json::to_string(&case.recipe("v")).unwrap().contains("\"format\":\"int") {
            assert!(matches!(integer(&Accumulator::exact()), Err(LayerError::Integer(_))));
            refused += 1;
            continue;
        }
        let (found, none) = integer(&Accumulator::exact()).unwrap();
        assert_eq!(none.iter().sum::<u64>(), 0);
        for (a, b) in found.values.iter().zip(&floats.values) {
            assert!((a - b).abs() <= 8.0 * 12.0 * 2f32.powi(-24), "{}: {a} and {b}", case.name);
        }
        events += integer(&accumulator("int12-sat")).unwrap().1.iter().sum::<u64>();
        run += 1;
    }
    println!("{run} cases, {refused} refused, {events} events of narrow accumulators");
    assert!(run > 0 && events > 0);
}
