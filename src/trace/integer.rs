//! The trace of a sum of integer products.

use std::ops::RangeInclusive;

use ndarray::Array2;

use super::number::ExactNumber;
use super::step::{TraceInput, TraceRegister, TraceStep};
use super::{Trace, wants};
use crate::accumulate::{Accumulator, Turn};
use crate::reference::{Dyadic, IntStepRecord, ReferenceError, matmul_from, sum_products_observed};

fn exact(x: i128) -> ExactNumber {
    Dyadic::new(x, 0).into()
}

impl Trace {
    /// The sum of `left[k] * right[k]` from `start` on through integer stages, with the steps that products of the range
    /// `shown` enter.
    ///
    /// # Errors
    /// An accumulator with floating-point stages; lists of different lengths; a start outside the last register's range.
    ///
    /// ```
    /// use fewbit::trace::Trace;
    /// let trace = Trace::of_integers(&"int4-wrap".parse()?, &[5, 1], &[1, 5], 0, 0..=u64::MAX)?;
    /// assert_eq!((trace.value.to_string().as_str(), trace.steps[1].events[0]), ("-6", "overflow"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_integers(
        acc: &Accumulator,
        left: &[i64],
        right: &[i64],
        start: i64,
        shown: RangeInclusive<u64>,
    ) -> Result<Self, ReferenceError> {
        // What a product refuses is refused here too; none is computed for it.
        let (ka, kb) = (left.len(), right.len());
        if ka != kb {
            return Err(ReferenceError::Shape { m: 1, ka, kb, n: 1 });
        }
        let (empty, init) = (Array2::zeros((1, 0)), Array2::from_elem((1, 1), start));
        matmul_from(empty.view(), empty.t(), acc, init.view())?;
        let products = left.iter().zip(right).map(|(&a, &b)| i128::from(a) * i128::from(b));
        let stages = acc.stages();
        let (mut steps, mut all) = (Vec::new(), 0);
        let observe = |record: IntStepRecord| {
            all += 1;
            if !wants(&shown, record.first_k, record.last_k) {
                return;
            }
            let factor = |k: u64| {
                let (a, b) = (i128::from(left[k as usize]), i128::from(right[k as usize]));
                TraceInput { factors: Some([exact(a), exact(b)]), value: exact(a * b) }
            };
            let inputs = match (record.stage, record.turn) {
                (0, Turn::Inputs(_)) => (record.first_k..=record.last_k).map(factor).collect(),
                _ => vec![TraceInput { factors: None, value: exact(record.input) }],
            };
            steps.push(TraceStep {
                stage: record.stage,
                spec: stages[record.stage].to_string(),
                k: [record.first_k, record.last_k],
                register: TraceRegister::new(&stages[record.stage], record.turn),
                before: exact(record.before),
                inputs,
                exact: exact(record.exact),
                alignment: None,
                sum: exact(record.exact),
                after: exact(record.after),
                events: if record.event { vec!["overflow"] } else { Vec::new() },
            });
        };
        let (value, _) = sum_products_observed(acc, start.into(), products, observe);
        let acc = acc.to_string();
        Ok(Self { acc, row: 0, col: 0, k: left.len(), value: exact(value), all_steps: all, steps })
    }
}
