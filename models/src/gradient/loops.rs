//! Loops, from their last step to their first.
//!
//! ```text
//! s[t+1], y[t] = body(s[t], x[t], others)        ds[t], dx[t], dothers += (dbody)ᵀ (ds[t+1], dy[t])
//! ```

use std::collections::HashMap;

use ndarray::Axis;

use crate::exec::{element, steps};
use crate::graph::{Graph, ValueId};
use crate::ops::{OpError, Scan};
use crate::tensor::{ElementType, Tensor};

use super::GradientError;
use super::call::{Call, Found, Gradient};

/// A step that has run, with all its values.
pub(super) trait Step<'g>: Sized {
    /// Runs all nodes of a body.
    fn run(body: &'g Graph, given: HashMap<ValueId, Tensor>) -> Result<Self, GradientError>;

    /// A value of it.
    fn value(&self, id: ValueId) -> Result<&Tensor, GradientError>;

    /// The derivatives of a number by the values `wanted`, given its derivatives by some values that follow from them.
    fn backward(
        &self,
        seeds: Vec<(ValueId, Gradient)>,
        wanted: &[ValueId],
    ) -> Result<Vec<Gradient>, GradientError>;
}

pub(super) fn scan<'g, S: Step<'g>>(call: &Call<'_>, op: &'g Scan) -> Found {
    let (body, places) = (&op.body, op.body.inputs());
    let inputs: Vec<&Tensor> = (0..places.len())
        .map(|place| call.inputs.required(place, "of the loop"))
        .collect::<Result<_, _>>()?;
    let wrong = |error: &dyn std::fmt::Display| OpError::Unsupported(error.to_string());
    let sequences = op.states..op.states + op.sequences;
    let lengths = inputs.iter().skip(op.states).map(|x| x.shape().first().copied());
    let order = steps(op, lengths).map_err(|error| wrong(&error))?;
    // 1. All steps, with all values.
    let mut tapes: Vec<S> = Vec::with_capacity(order.len());
    let mut states: Vec<Tensor> = inputs.iter().take(op.states).map(|&x| x.clone()).collect();
    for &step in &order {
        let of_place = |(place, &id): (usize, &ValueId)| {
            let value = match states.get(place) {
                Some(state) => state.clone(),
                None if sequences.contains(&place) => element(inputs[place], step),
                None => inputs[place].clone(),
            };
            (id, value)
        };
        let given: HashMap<ValueId, Tensor> = places.iter().enumerate().map(of_place).collect();
        let tape = S::run(body, given).map_err(|error| wrong(&error))?;
        let next = body.outputs().iter().take(op.states).map(|&id| tape.value(id).cloned());
        states = next.collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
        tapes.push(tape);
    }
    // 2. Back: a state's gradient goes on to the step before.
    let is_float = |place: usize| inputs[place].element_type() == ElementType::F32;
    let is_asked = |&place: &usize| is_float(place) && (place < op.states || call.wants(place));
    let asked: Vec<usize> = (0..places.len()).filter(is_asked).collect();
    let wanted: Vec<ValueId> = asked.iter().map(|&place| places[place]).collect();
    let mut of_states: Vec<Option<Gradient>> =
        (0..op.states).map(|place| call.gradients.get(place).copied().flatten().cloned()).collect();
    let mut found: Vec<Option<Gradient>> = vec![None; places.len()];
    for (tape, &step) in tapes.iter().zip(&order).rev() {
        let mut seeds = Vec::new();
        for (place, &id) in body.outputs().iter().enumerate() {
            let seed = match of_states.get_mut(place) {
                Some(state) => state.take(),
                None => call.gradients.get(place).copied().flatten().map(|all| {
                    let all = all.index_axis(Axis(0), step);
                    all.as_standard_layout().into_owned().into_shared()
                }),
            };
            seeds.extend(seed.map(|seed| (id, seed)));
        }
        let gradients = tape.backward(seeds, &wanted).map_err(|error| wrong(&error))?;
        for (&place, gradient) in asked.iter().zip(gradients) {
            if let Some(state) = of_states.get_mut(place) {
                *state = Some(gradient);
                continue;
            }
            let shape = inputs[place].shape();
            let all = found[place].take().unwrap_or_else(|| Gradient::zeros(shape));
            let mut all = all.into_owned();
            match sequences.contains(&place) {
                true => all.index_axis_mut(Axis(0), step).assign(&gradient),
                false => all += &gradient,
            }
            found[place] = Some(all.into_shared());
        }
    }
    for (found, state) in found.iter_mut().zip(of_states) {
        *found = state;
    }
    Ok(found)
}
