//! Linear layers, convolutions, transposed convolutions, scale and bias.

use fewbit::quantize::Recipe;
use fewbit_models::layers::{
    LayerError, LayerQuantizers, QuantConv, QuantConvTranspose, QuantLinear, QuantScaleBias,
    QuantValue, TransposedWindow, TruncAccumulator,
};
use fewbit_models::ops::{Conv, Padding};
use ndarray::{Array1, ArrayD};

use crate::compare::{Bits, Differences, Sums, Tally, compare};
use crate::golden::{Case, cases};

/// A layer of any of these kinds.
#[derive(Clone)]
pub(crate) enum Layer {
    Linear(QuantLinear),
    Conv(QuantConv),
    Transposed(QuantConvTranspose),
    ScaleBias(QuantScaleBias),
}

pub(crate) fn quantizers(case: &Case) -> LayerQuantizers {
    let [input, weight, bias, output] =
        ["input", "weight", "bias", "output"].map(|field| case.recipe(field));
    LayerQuantizers { input, weight, bias, output }
}

impl Layer {
    pub(crate) fn new(
        case: &Case,
        weight: ArrayD<f32>,
        bias: Option<Array1<f32>>,
        quantizers: LayerQuantizers,
    ) -> Self {
        let (strides, dilations) = (case.sizes("strides"), case.sizes("dilations"));
        let (pads, groups) =
            (case.sizes("pads"), case.attrs["groups"].as_u64().unwrap_or(1) as usize);
        match &case.kind[..] {
            "linear" | "trunc" => {
                let weight = weight.into_dimensionality().unwrap();
                Self::Linear(QuantLinear::new(weight, bias, quantizers))
            }
            "conv" => {
                let padding = Padding { pads, ..Padding::default() };
                let op = Conv { strides, dilations, groups, padding, ..Conv::default() };
                Self::Conv(QuantConv::new(op, weight, bias, quantizers))
            }
            "conv_transpose" => {
                let output_padding = case.sizes("output_padding");
                let window = TransposedWindow { strides, dilations, pads, output_padding, groups };
                Self::Transposed(QuantConvTranspose::new(window, weight, bias, quantizers))
            }
            "scale_bias" => {
                let weight = weight.into_dimensionality().unwrap();
                Self::ScaleBias(QuantScaleBias { weight, bias, quantizers })
            }
            other => panic!("{other}"),
        }
    }

    pub(crate) fn of(case: &Case) -> Self {
        Self::new(case, case.f32("weight").unwrap(), case.vector("bias"), quantizers(case))
    }

    pub(crate) fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        match self {
            Self::Linear(layer) => layer.forward(x),
            Self::Conv(layer) => layer.forward(x),
            Self::Transposed(layer) => layer.forward(x),
            Self::ScaleBias(layer) => layer.forward(x),
        }
    }

    pub(crate) fn quantizers(&mut self) -> &mut LayerQuantizers {
        match self {
            Self::Linear(layer) => &mut layer.quantizers,
            Self::Conv(layer) => &mut layer.quantizers,
            Self::Transposed(layer) => &mut layer.quantizers,
            Self::ScaleBias(layer) => &mut layer.quantizers,
        }
    }

    /// Products of a sum.
    pub(crate) fn terms(&self) -> usize {
        let each = |weight: &ArrayD<f32>| weight.len() / weight.shape()[0];
        match self {
            Self::Linear(layer) => layer.weight.ncols(),
            Self::Conv(layer) => each(&layer.weight),
            Self::Transposed(layer) => layer.weight.len() / layer.weight.shape()[1],
            Self::ScaleBias(_) => 0,
        }
    }
}

/// Values by a quantizer.
pub(crate) fn by(recipe: Option<&Recipe>, values: &ArrayD<f32>) -> QuantValue {
    match recipe {
        None => QuantValue { values: values.clone(), codes: None },
        Some(recipe) => {
            let found = recipe.quantize(&values.view()).unwrap();
            QuantValue { values: found.values, codes: Some(found.tensor) }
        }
    }
}

/// Weights by their quantizer, in their own order of axes.
fn weight_by(case: &Case, recipe: Option<&Recipe>, weight: &ArrayD<f32>) -> QuantValue {
    if case.kind != "conv_transpose" {
        return by(recipe, weight);
    }
    let mut order: Vec<usize> = (0..weight.ndim()).collect();
    order.swap(0, 1);
    let turned = weight.view().permuted_axes(order.clone()).as_standard_layout().into_owned();
    by(recipe, &turned).permute(&order).unwrap()
}

/// The sums of a case before any output quantizer, with their bound.
pub(crate) fn sums(
    case: &Case,
    layer: &Layer,
    x: &QuantValue,
    q_bias: Option<&ArrayD<f32>>,
) -> Sums {
    let quantizers = quantizers(case);
    let mut open = layer.clone();
    open.quantizers().output = None;
    let values = open.forward(x).unwrap().values;
    let (weight, bias) = (case.f32("weight").unwrap(), case.vector("bias"));
    let weight = weight_by(case, quantizers.weight.as_ref(), &weight).values.mapv(f32::abs);
    let bias = q_bias
        .map(|bias| bias.iter().map(|b| b.abs()).collect())
        .or(bias.map(|b| b.mapv(f32::abs)));
    let input = by(quantizers.input.as_ref(), &x.values).values.mapv(f32::abs);
    let magnitudes = Layer::new(case, weight, bias, LayerQuantizers::new());
    let magnitudes = magnitudes.forward(&QuantValue::from(input)).unwrap().values;
    Sums::new(values, &magnitudes, layer.terms())
}

fn run(case: &Case) -> Vec<Differences> {
    let (layer, quantizers) = (Layer::of(case), quantizers(case));
    let x = case.value("x");
    let found = layer.forward(&x).unwrap();
    let bits = match (&layer, &quantizers.output) {
        (Layer::Transposed(_), None) => Bits::Other,
        _ => Bits::Equal,
    };
    let mut all = Vec::new();
    let sums = match layer {
        Layer::ScaleBias(_) => None,
        _ => Some(sums(case, &layer, &x, None)),
    };
    all.push(compare(case, "y", &found, sums.as_ref(), bits));
    if case.has("q_input") || case.has("q_input.codes") {
        let input = by(quantizers.input.as_ref(), &x.values);
        all.push(compare(case, "q_input", &input, None, bits));
    }
    if case.has("q_weight") || case.has("q_weight.codes") {
        let weight = weight_by(case, quantizers.weight.as_ref(), &case.f32("weight").unwrap());
        all.push(compare(case, "q_weight", &weight, None, Bits::Equal));
    }
    if case.has("q_bias.codes") {
        let mut recipe = quantizers.bias.clone().unwrap();
        if let Recipe::Bias(bias) = &mut recipe {
            let scale = |value: QuantValue| value.codes.map(|codes| codes.scale().clone());
            bias.input_scale = scale(by(quantizers.input.as_ref(), &x.values));
            let weight = case.f32("weight").unwrap();
            bias.weight_scale = scale(weight_by(case, quantizers.weight.as_ref(), &weight));
        }
        let bias = by(Some(&recipe), &case.f32("bias").unwrap());
        all.push(compare(case, "q_bias", &bias, None, Bits::Equal));
    }
    all
}

fn all_of(kind: &str, ties: usize) {
    let mut tally = Tally::default();
    for case in cases(kind) {
        tally.add(&case, run(&case));
    }
    tally.finish(ties);
}

#[test]
fn linear() {
    all_of("linear", 0);
}

#[test]
fn conv() {
    all_of("conv", 0);
}

#[test]
fn conv_transpose() {
    all_of("conv_transpose", 0);
}

#[test]
fn scale_bias() {
    all_of("scale_bias", 0);
}

#[test]
fn truncated_sums() {
    let mut tally = Tally::default();
    for case in cases("trunc") {
        let Some(Recipe::Truncation(truncation)) = case.recipe("trunc") else { panic!() };
        let sums = Layer::of(&case).forward(&case.value("x")).unwrap();
        let found = TruncAccumulator { truncation }.forward(&sums).unwrap();
        tally.add(&case, vec![compare(&case, "y", &found, None, Bits::Equal)]);
    }
    tally.finish(0);
}

/// The oracle objects to a code that is wrong by one, to a scale, to a value.
#[test]
fn a_wrong_answer_is_seen() {
    let case = cases("linear").into_iter().find(|case| case.has("y.codes")).unwrap();
    let (layer, x) = (Layer::of(&case), case.value("x"));
    let found = layer.forward(&x).unwrap();
    let sums = sums(&case, &layer, &x, None);
    let wrong =
        |found: &QuantValue| compare(&case, "y", found, Some(&sums), Bits::Equal).wrong.len();
    assert_eq!(wrong(&found), 0);
    let step = found.codes.as_ref().unwrap().scale().iter().next().copied().unwrap();
    let mut off = found.clone();
    let first = off.values.iter_mut().next().unwrap();
    *first += step;
    assert!(wrong(&off) > 0, "a value that is not that of its code");
    let mut layer = layer;
    let Layer::Linear(linear) = &mut layer else { panic!() };
    linear.weight[[0, 0]] += 0.5;
    assert!(wrong(&layer.forward(&x).unwrap()) > 0, "another weight");
    let plain = cases("linear").into_iter().find(|case| !case.has("y.codes")).unwrap();
    let (layer, x) = (Layer::of(&plain), plain.value("x"));
    let sums = self::sums(&plain, &layer, &x, None);
    let mut found = layer.forward(&x).unwrap();
    assert!(compare(&plain, "y", &found, Some(&sums), Bits::Equal).wrong.is_empty());
    let allowed = sums.bound.iter().copied().next().unwrap();
    let first = found.values.iter_mut().next().unwrap();
    *first += 3.0 * allowed as f32 + 1e-6;
    assert_eq!(compare(&plain, "y", &found, Some(&sums), Bits::Equal).wrong.len(), 1);
}
