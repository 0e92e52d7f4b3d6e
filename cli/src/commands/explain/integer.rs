//! The trace of an integer product.

use fewbit::accumulate::Turn;
use fewbit::reference::{
    Dyadic, IntStepRecord, ReferenceError, matmul_from, sum_products_observed,
};
use ndarray::{Array2, s};

use super::args::{Args, Trace};
use super::step::{Input, Register, Step};
use crate::error::CliError;
use crate::output::Exact;

fn exact(x: i128) -> Exact {
    Dyadic::new(x, 0).into()
}

/// The steps of one output: `a` is its row, `b` its column, `init` its starting value.
pub(super) fn trace(
    args: &Args,
    a: &Array2<i64>,
    b: &Array2<i64>,
    init: Option<&Array2<i64>>,
) -> Result<Trace, CliError> {
    let zero = Array2::zeros((1, 1));
    let init = init.unwrap_or(&zero);
    // What the whole product refuses is refused here too; no product is computed for it.
    matmul_from(a.slice(s![.., ..0]), b.slice(s![..0, ..]), &args.acc, init.view()).map_err(
        |mut error| {
            if let ReferenceError::InitRange { row, col, .. } = &mut error {
                (*row, *col) = (args.row, args.col);
            }
            error
        },
    )?;
    let (left, right) = (a.row(0), b.column(0));
    let products = left.iter().zip(right).map(|(&a, &b)| i128::from(a) * i128::from(b));
    let stages = args.acc.stages();
    let (mut steps, mut all) = (Vec::new(), 0);
    let observe = |record: IntStepRecord| {
        all += 1;
        if !args.wants(record.first_k, record.last_k) {
            return;
        }
        let factor = |k: u64| {
            let (a, b) = (i128::from(left[k as usize]), i128::from(right[k as usize]));
            Input { factors: Some([exact(a), exact(b)]), value: exact(a * b) }
        };
        let inputs = match (record.stage, record.turn) {
            (0, Turn::Inputs(_)) => (record.first_k..=record.last_k).map(factor).collect(),
            _ => vec![Input { factors: None, value: exact(record.input) }],
        };
        steps.push(Step {
            stage: record.stage,
            spec: stages[record.stage].to_string(),
            k: [record.first_k, record.last_k],
            register: Register::new(&stages[record.stage], record.turn),
            before: exact(record.before),
            inputs,
            exact: exact(record.exact),
            alignment: None,
            sum: exact(record.exact),
            after: exact(record.after),
            events: if record.event { vec!["overflow"] } else { Vec::new() },
        });
    };
    let start = i128::from(init[[0, 0]]);
    let (value, _) = sum_products_observed(&args.acc, start, products, observe);
    Ok(args.trace(left.len(), exact(value), all, steps))
}
