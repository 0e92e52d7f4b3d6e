//! What takes codes and gives codes: pools, upsampling, ReLU.

use fewbit::quantize::{Recipe, Truncation};
use fewbit_models::layers::{
    ClampAccumulator, QuantActivation, QuantMaxPool, QuantUpsample, QuantValue,
    TruncAdaptiveAvgPool2d, TruncAvgPool, UpsampleMode, UpsampleTo,
};
use fewbit_models::ops::{AveragePool, MaxPool, Padding};
use ndarray::ArrayD;

use crate::compare::{Bits, Sums, Tally, compare};
use crate::golden::{Case, cases};
use crate::joins::function;
use crate::weighted::{Layer, by};

fn codes(case: &Case) -> QuantValue {
    by(case.recipe("input").as_ref(), &case.f32("x").unwrap())
}

fn each(kind: &str, ties: usize, layer: impl Fn(&Case, &QuantValue) -> (QuantValue, Option<Sums>)) {
    let mut tally = Tally::default();
    for case in cases(kind) {
        let (found, sums) = layer(&case, &codes(&case));
        tally.add(&case, vec![compare(&case, "y", &found, sums.as_ref(), Bits::Equal)]);
    }
    tally.finish(ties);
}

fn truncation(case: &Case) -> Option<Truncation> {
    match case.recipe("trunc") {
        Some(Recipe::Truncation(truncation)) => Some(truncation),
        _ => None,
    }
}

#[test]
fn max_pool() {
    each("max_pool", 0, |case, x| {
        let padding = Padding { pads: case.sizes("pads"), ..Padding::default() };
        let (kernel, strides) = (case.sizes("kernel"), case.sizes("strides"));
        let op = MaxPool { kernel, strides, padding, ..MaxPool::default() };
        (QuantMaxPool { op }.forward(x).unwrap(), None)
    });
}

#[test]
fn relu_without_a_quantizer() {
    each("activation_on_codes", 0, |case, x| {
        let layer = QuantActivation { function: function(case), quantizer: None };
        (layer.forward(x).unwrap(), None)
    });
}

#[test]
fn average_pool() {
    each("avg_pool", 0, |case, x| {
        let kernel = case.sizes("kernel");
        let op = AveragePool { strides: kernel.clone(), kernel, ..AveragePool::default() };
        (TruncAvgPool { op, truncation: truncation(case) }.forward(x).unwrap(), None)
    });
}

#[test]
fn adaptive_average_pool() {
    each("adaptive", 0, |case, x| {
        let output = case.sizes("output")[..].try_into().unwrap();
        let layer = TruncAdaptiveAvgPool2d { output, truncation: truncation(case) };
        (layer.forward(x).unwrap(), None)
    });
}

#[test]
fn upsampling() {
    each("upsample", 0, |case, x| {
        let mode = match case.attrs["mode"].as_str().unwrap() {
            "nearest" => UpsampleMode::Nearest,
            "bilinear" => UpsampleMode::Bilinear,
            "corners" => UpsampleMode::BilinearCorners,
            other => panic!("{other}"),
        };
        let to = match case.sizes("size")[..] {
            [rows, columns] => UpsampleTo::Size([rows, columns]),
            _ => {
                UpsampleTo::Factor([0, 1].map(|axis| case.attrs["factor"][axis].as_f64().unwrap()))
            }
        };
        let found = QuantUpsample { mode, to }.forward(x).unwrap();
        if mode == UpsampleMode::Nearest {
            return (found, None);
        }
        // Lines are sums of four products; unrounded ones come from codes whose step is out of sight.
        let fine = x.codes.as_ref().map(|codes| {
            let scale = codes.scale().mapv(|s| s * 2f32.powi(-20));
            let format = fewbit::formats::Format::INT32;
            let codes = ArrayD::zeros(x.values.raw_dim());
            fewbit::tensor::AnyQuantTensor::new(
                format,
                &codes.view(),
                scale,
                None,
                fewbit::tensor::Granularity::Tensor,
            )
            .unwrap()
        });
        let lines = QuantUpsample { mode, to }
            .forward(&QuantValue { values: x.values.clone(), codes: fine });
        let most = x.values.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let sums = lines.map(|lines| {
            let bound = ArrayD::from_elem(lines.values.raw_dim(), most);
            // Positions themselves are rounded: a few units of 2^-24 of an input's extent.
            Sums::new(lines.values, &bound, 16)
        });
        (found, Some(sums.unwrap()))
    });
}

/// `clamp(round(x / scale + zero), low, high)`, computed apart: Brevitas's own accumulator cannot be made.
#[test]
fn clamped_sums() {
    for case in cases("trunc") {
        let sums = Layer::of(&case).forward(&case.value("x")).unwrap();
        let tensor = sums.codes.clone().unwrap();
        let (codes, scale) = (tensor.ints().unwrap(), tensor.expand(tensor.scale()));
        for bits in [2, 9, 14, 32] {
            let found = ClampAccumulator { bits }.forward(&sums).unwrap();
            let (low, high) = if tensor.format().is_signed() {
                (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1)
            } else {
                (0, (1i64 << bits) - 1)
            };
            let expected = codes.mapv(|code| code.clamp(low, high));
            assert_eq!(found.codes.unwrap().ints().unwrap(), expected, "{}", case.name);
            assert_eq!(found.values, expected.mapv(|code| code as f32) * &scale);
        }
    }
}
