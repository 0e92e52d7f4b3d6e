//! Elman networks and long short-term memory.

use fewbit_models::layers::{
    Activation, GateScales, GateWeights, InputWeights, LstmActivations, LstmDirection, QuantLstm,
    QuantRnn, RecurrentQuantizers, RnnDirection, SequenceLayout,
};

use crate::compare::{Bits, Tally, compare};
use crate::golden::{Case, cases};

fn gate(case: &Case, prefix: &str) -> Option<GateWeights> {
    case.has(&format!("{prefix}.input")).then(|| GateWeights {
        input: case.matrix(&format!("{prefix}.input")),
        hidden: case.matrix(&format!("{prefix}.hidden")),
        bias: case.vector(&format!("{prefix}.bias")),
    })
}

fn layers<T>(case: &Case, direction: impl Fn(String) -> T) -> Vec<Vec<T>> {
    let count = case.attrs["num_layers"].as_u64().unwrap_or(1);
    let directions = 1 + usize::from(case.flag("bidirectional"));
    let layer = |l| (0..directions).map(|d| direction(format!("{l}.{d}"))).collect();
    (0..count).map(layer).collect()
}

fn layout(case: &Case) -> SequenceLayout {
    if case.flag("batch_first") { SequenceLayout::BatchFirst } else { SequenceLayout::StepsFirst }
}

fn input_weights(case: &Case) -> InputWeights {
    if case.flag("shared_input_hidden_weights") {
        InputWeights::Shared
    } else {
        InputWeights::Separate
    }
}

fn quantizers(case: &Case) -> RecurrentQuantizers {
    let [weight, bias, io] = ["weight", "bias", "io"].map(|field| case.recipe(field));
    RecurrentQuantizers { weight, bias, io }
}

pub(crate) fn rnn(case: &Case) -> QuantRnn {
    QuantRnn {
        layers: layers(case, |at| RnnDirection {
            gate: gate(case, &format!("{at}.gate")).unwrap(),
            gate_acc: case.recipe("gate_acc"),
        }),
        activation: match case.attrs["nonlinearity"].as_str() {
            Some("relu") => Activation::Relu,
            _ => Activation::Tanh,
        },
        layout: layout(case),
        input_weights: input_weights(case),
        quantizers: quantizers(case),
    }
}

pub(crate) fn lstm(case: &Case) -> QuantLstm {
    let [acc, sigmoid, tanh] = ["gate_acc", "sigmoid", "tanh"].map(|field| case.recipe(field));
    let activations = LstmActivations {
        input_acc: acc.clone(),
        forget_acc: acc.clone(),
        cell_acc: acc.clone(),
        output_acc: acc,
        input_sigmoid: sigmoid.clone(),
        forget_sigmoid: sigmoid.clone(),
        output_sigmoid: sigmoid,
        cell_tanh: tanh.clone(),
        hidden_tanh: tanh,
        cell_state: case.recipe("cell_state"),
    };
    QuantLstm {
        layers: layers(case, |at| LstmDirection {
            input: gate(case, &format!("{at}.input")).unwrap(),
            forget: gate(case, &format!("{at}.forget")),
            cell: gate(case, &format!("{at}.cell")).unwrap(),
            output: gate(case, &format!("{at}.output")).unwrap(),
            activations: activations.clone(),
        }),
        layout: layout(case),
        input_weights: input_weights(case),
        gate_scales: match case.flag("shared_intra_layer_weight_quant") {
            true => GateScales::Shared,
            false => GateScales::Separate,
        },
        quantizers: quantizers(case),
    }
}

#[test]
fn elman() {
    let mut tally = Tally::default();
    for case in cases("rnn") {
        let run = rnn(&case).forward(&case.value("x"), case.f32("hx").as_ref()).unwrap();
        let values = [("y", &run.output), ("h", &run.hidden)];
        let all = values.map(|(name, found)| compare(&case, name, found, None, Bits::Equal));
        tally.add(&case, all.into());
    }
    tally.finish(0);
}

#[test]
fn long_short_term_memory() {
    let mut tally = Tally::default();
    for case in cases("lstm") {
        let (hidden, cell) = (case.f32("hx"), case.f32("cx"));
        let run = lstm(&case).forward(&case.value("x"), hidden.as_ref(), cell.as_ref()).unwrap();
        let values = [("y", &run.output), ("h", &run.hidden), ("c", &run.cell)];
        let all = values.map(|(name, found)| compare(&case, name, found, None, Bits::Equal));
        tally.add(&case, all.into());
    }
    tally.finish(0);
}
