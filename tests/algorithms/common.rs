//! Every solver by name.

use fewbit::algorithms::{
    AlgorithmError, BeaconParams, Clipping, GpfqParams, GptaqParams, GptqParams, Order, Precision,
    Problem, QronosParams, RtnParams, Solution, beacon, gpfq, gptaq, gptq, qronos, rtn,
};

pub(crate) const SOLVERS: [&str; 6] = ["rtn", "gptq", "gpfq", "qronos", "gptaq", "beacon"];

/// Runs a solver with its own damping; `-forgiving` forgives what the constraint takes.
pub(crate) fn solve(
    name: &str,
    problem: &Problem<'_>,
    order: Order,
    precision: Precision,
) -> Result<Solution, AlgorithmError> {
    let clipping = Clipping::Dropped;
    match name {
        "rtn" => rtn(problem, &RtnParams { order, precision }),
        "gptq" => gptq(problem, &GptqParams { order, precision, ..Default::default() }),
        "gptq-forgiving" => {
            gptq(problem, &GptqParams { order, precision, clipping, ..Default::default() })
        }
        "gpfq" => gpfq(problem, &GpfqParams { order, precision }),
        "qronos" => qronos(problem, &QronosParams { order, precision, ..Default::default() }),
        "gptaq" => gptaq(problem, &GptaqParams { order, precision, ..Default::default() }),
        "beacon" => Ok(beacon(problem, &BeaconParams { order, ..Default::default() })?.solution),
        other => panic!("{other}"),
    }
}
