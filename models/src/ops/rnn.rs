//! `RNN`, `GRU` and `LSTM`.

use ndarray::ArrayView1;

use crate::tensor::Tensor;

use super::recurrent::{Activation, Kind, Pass, Recurrence, States};
use super::set::attributes;
use super::typed::dense;
use super::{Fact, Inputs, OpError, Operator};

attributes! {
    /// One gate: h = f(W x + R h + b).
    RNN {
        flatten
        /// Direction, size, functions.
        recurrence: Recurrence;
    }
    /// An update gate z, a reset gate r: h = (1 - z) g(…) + z h.
    GRU {
        /// Whether the reset gate is applied behind the product with R, and not before.
        "linear_before_reset" reset_after: bool = false;
        flatten
        /// Direction, size, functions.
        recurrence: Recurrence;
    }
    /// Gates i, o, f and a cell c: c = f c + i g(…), h = o h(c).
    LSTM {
        /// Whether the input gate is 1 - f.
        "input_forget" coupled: bool = false;
        flatten
        /// Direction, size, functions.
        recurrence: Recurrence;
    }
}

impl Operator for RNN {
    fn since(&self) -> i64 {
        if self.recurrence.layout == 1 { 14 } else { 7 }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        self.recurrence.infer(inputs, false)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let kind =
            Kind { gates: 1, defaults: &[Activation::Tanh], joint_bias: true, has_cell: false };
        let step = |pass: &Pass<'_>,
                    _: Option<&[f32]>,
                    n: usize,
                    gates: &[f32],
                    state: &[f32],
                    states: &mut States| {
            let h = &mut states.h[n * pass.hidden..][..pass.hidden];
            for ((h, &x), &state) in h.iter_mut().zip(gates).zip(state) {
                *h = pass.gate(0, x + state);
            }
        };
        self.recurrence.run(inputs, &kind, None, &step)
    }
}

impl Operator for GRU {
    fn since(&self) -> i64 {
        if self.recurrence.layout == 1 { 14 } else { 7 }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        self.recurrence.infer(inputs, false)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let kind = Kind {
            gates: 3,
            defaults: &[Activation::Sigmoid, Activation::Tanh],
            joint_bias: false,
            has_cell: false,
        };
        let step = |pass: &Pass<'_>,
                    _: Option<&[f32]>,
                    n: usize,
                    gates: &[f32],
                    state: &[f32],
                    states: &mut States| {
            let size = pass.hidden;
            let bias = pass.state_bias;
            let sum = |g: usize| gates[g] + state[g] + bias[g];
            let h = &mut states.h[n * size..][..size];
            let update: Vec<f32> = (0..size).map(|i| pass.gate(0, sum(i))).collect();
            let reset: Vec<f32> = (0..size).map(|i| pass.gate(0, sum(size + i))).collect();
            let new: Vec<f32> = if self.reset_after {
                let inner = |i: usize| reset[i] * (state[2 * size + i] + bias[2 * size + i]);
                (0..size).map(|i| pass.gate(1, gates[2 * size + i] + inner(i))).collect()
            } else {
                let kept: Vec<f32> = h.iter().zip(&reset).map(|(h, r)| h * r).collect();
                let kept = ArrayView1::from(&kept[..]);
                let inner = |i: usize| pass.r.row(2 * size + i).dot(&kept) + bias[2 * size + i];
                (0..size).map(|i| pass.gate(1, gates[2 * size + i] + inner(i))).collect()
            };
            for (i, h) in h.iter_mut().enumerate() {
                *h = (1.0 - update[i]) * new[i] + update[i] * *h;
            }
        };
        self.recurrence.run(inputs, &kind, None, &step)
    }
}

impl Operator for LSTM {
    fn since(&self) -> i64 {
        if self.recurrence.layout == 1 { 14 } else { 7 }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        self.recurrence.infer(inputs, true)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let kind = Kind {
            gates: 4,
            defaults: &[Activation::Sigmoid, Activation::Tanh, Activation::Tanh],
            joint_bias: true,
            has_cell: true,
        };
        let peepholes = match inputs.optional(7) {
            Some(_) => {
                let given = inputs.array::<f32>(7, "P")?;
                let r = inputs.required(2, "R")?.shape();
                let expected = [r.first().copied().unwrap_or(0), 3 * r.last().unwrap_or(&0)];
                if given.shape() != expected {
                    let found = given.shape();
                    return Err(OpError::Shape(format!("P of shape {found:?}: {expected:?}")));
                }
                Some(dense(given).into_owned())
            }
            None => None,
        };
        let step = |pass: &Pass<'_>,
                    peepholes: Option<&[f32]>,
                    n: usize,
                    gates: &[f32],
                    state: &[f32],
                    states: &mut States| {
            let size = pass.hidden;
            let h = &mut states.h[n * size..][..size];
            let c = &mut states.c[n * size..][..size];
            for i in 0..size {
                // Gates come in the order i, o, f, c; peepholes in the order i, o, f.
                let sum = |gate: usize| gates[gate * size + i] + state[gate * size + i];
                let peep = |gate: usize, c: f32| peepholes.map_or(0.0, |p| p[gate * size + i] * c);
                let forget = pass.gate(0, sum(2) + peep(2, c[i]));
                let input = match self.coupled {
                    true => 1.0 - forget,
                    false => pass.gate(0, sum(0) + peep(0, c[i])),
                };
                c[i] = forget * c[i] + input * pass.gate(1, sum(3));
                let output = pass.gate(0, sum(1) + peep(1, c[i]));
                h[i] = output * pass.activations[2].of(c[i]);
            }
        };
        self.recurrence.run(inputs, &kind, peepholes.as_deref(), &step)
    }
}
