//! The trace of an integer product.

use fewbit::reference::{Dyadic, IntStepRecord, matmul_from, sum_products_observed};
use ndarray::{Array2, s};

use super::step::{Input, Step};
use super::{Args, Trace};
use crate::error::CliError;
use crate::output::Exact;

fn exact(x: i128) -> Exact {
    Dyadic::new(x, 0).into()
}

/// The steps of one output.
pub(super) fn trace(
    args: &Args,
    a: &Array2<i64>,
    b: &Array2<i64>,
    init: Option<&Array2<i64>>,
) -> Result<Trace, CliError> {
    args.check(a.nrows(), b.ncols())?;
    let zeros = Array2::zeros((a.nrows(), b.ncols()));
    let init = init.unwrap_or(&zeros);
    // What the whole product refuses is refused here too; no product is computed for it.
    matmul_from(a.slice(s![.., ..0]), b.slice(s![..0, ..]), &args.acc, init.view())?;
    if a.ncols() != b.nrows() {
        matmul_from(a.view(), b.view(), &args.acc, init.view())?;
    }
    let (left, right) = (a.row(args.row), b.column(args.col));
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
        let inputs = match record.stage {
            0 => (record.first_k..=record.last_k).map(factor).collect(),
            _ => vec![Input { factors: None, value: exact(record.input) }],
        };
        steps.push(Step {
            stage: record.stage,
            spec: stages[record.stage].to_string(),
            k: [record.first_k, record.last_k],
            before: exact(record.before),
            inputs,
            exact: exact(record.exact),
            alignment: None,
            sum: exact(record.exact),
            after: exact(record.after),
            events: if record.event { vec!["overflow"] } else { Vec::new() },
        });
    };
    let start = i128::from(init[[args.row, args.col]]);
    let (value, _) = sum_products_observed(&args.acc, start, products, observe);
    Ok(args.trace(left.len(), exact(value), all, steps))
}
