//! Embeddings, sums, concatenation, activations.

use fewbit_models::layers::{
    Activation, JoinQuantizers, QuantActivation, QuantCat, QuantEltwiseAdd, QuantEmbedding,
};
use ndarray::ArrayD;

use crate::compare::{Bits, Sums, Tally, compare};
use crate::golden::{Case, cases};

fn quantizers(case: &Case) -> JoinQuantizers {
    JoinQuantizers { input: case.recipe("input"), output: case.recipe("output") }
}

#[test]
fn embedding() {
    let mut tally = Tally::default();
    for case in cases("embedding") {
        let layer =
            QuantEmbedding { weight: case.matrix("weight"), quantizer: case.recipe("weight") };
        let found = layer.forward(&case.get("x").unwrap().mapv(|x| x as usize)).unwrap();
        tally.add(&case, vec![compare(&case, "y", &found, None, Bits::Equal)]);
    }
    tally.finish(0);
}

#[test]
fn eltwise_add() {
    let mut tally = Tally::default();
    for case in cases("add") {
        let layer = QuantEltwiseAdd { quantizers: quantizers(&case) };
        let found = layer.forward(&case.value("x"), &case.value("z")).unwrap();
        tally.add(&case, vec![compare(&case, "y", &found, None, Bits::Equal)]);
    }
    tally.finish(0);
}

#[test]
fn cat() {
    let mut tally = Tally::default();
    for case in cases("cat") {
        let layer = QuantCat { axis: 1, quantizers: quantizers(&case) };
        let found = layer.forward(&[case.value("x"), case.value("z")]).unwrap();
        tally.add(&case, vec![compare(&case, "y", &found, None, Bits::Equal)]);
    }
    tally.finish(0);
}

pub(crate) fn function(case: &Case) -> Activation {
    let number = |key: &str| case.attrs[key].as_f64().unwrap() as f32;
    match case.attrs["function"].as_str().unwrap() {
        "identity" => Activation::Identity,
        "relu" => Activation::Relu,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "gelu" => Activation::Gelu,
        "silu" => Activation::Silu,
        "hard_tanh" => Activation::HardTanh { min: number("min"), max: number("max") },
        other => panic!("{other}"),
    }
}

/// Elementary functions of two libraries differ by units in the last place: 2^-22 of the larger of 1 and the value.
#[test]
fn activations() {
    let mut tally = Tally::default();
    for case in cases("activation") {
        let function = function(&case);
        let layer = QuantActivation { function, quantizer: case.recipe("output") };
        let x = case.value("x");
        let found = layer.forward(&x).unwrap();
        let values = function.apply(&x.values).unwrap();
        let exact = matches!(
            function,
            Activation::Identity | Activation::Relu | Activation::HardTanh { .. }
        );
        let bound: ArrayD<f64> = values.mapv(|y| f64::from(y.abs().max(1.0)) * 2f64.powi(-22));
        let sums = (!exact).then_some(Sums { values, bound });
        tally.add(&case, vec![compare(&case, "y", &found, sums.as_ref(), Bits::Equal)]);
    }
    tally.finish(0);
}
