//! What products within the body of a loop take.

use ndarray::{ArrayD, ArrayViewD, Axis, concatenate};
use rayon::prelude::*;

use crate::exec::{ExecError, Moment, QuantizerMode, run_scan};
use crate::graph::NodeId;
use crate::ops::Scan;
use crate::tensor::Tensor;

use super::PassError;

/// The first input of a node of a loop's body, of all steps of each batch one behind the other along the first axis; `runs` has
/// what the loop takes, batch by batch.
///
/// # Errors
/// What the loop refuses; values of different shapes in its steps, or that are no floats.
pub(super) fn loop_inputs(
    scan: &Scan,
    runs: &[Vec<Option<Tensor>>],
    mode: QuantizerMode,
    node: NodeId,
) -> Result<Vec<Tensor>, PassError> {
    let name = &scan.body.node(node).name;
    let of_batch = |inputs: &Vec<Option<Tensor>>| -> Result<Tensor, PassError> {
        let inputs: Vec<Option<&Tensor>> = inputs.iter().map(Option::as_ref).collect();
        let mut steps: Vec<Tensor> = Vec::new();
        run_scan(scan, &inputs, mode, &mut |execution, inner, moment| {
            if inner == node && moment == Moment::Before {
                let input = scan.body.node(node).input(0);
                let missing = || ExecError::NotComputed(name.clone());
                let value = execution.value(&scan.body, input.ok_or_else(missing)?)?;
                steps.push(value.clone());
            }
            Ok(())
        })?;
        let views: Result<Vec<ArrayViewD<'_, f32>>, _> =
            steps.iter().map(|step| step.get::<f32>().map(|step| step.view())).collect();
        let all: Result<ArrayD<f32>, _> =
            concatenate(Axis(0), &views.map_err(PassError::tensor(name))?);
        let all = all.map_err(|why| PassError::Missing(format!("steps of `{name}`: {why}")))?;
        Ok(all.into())
    };
    runs.par_iter().map(of_batch).collect()
}
