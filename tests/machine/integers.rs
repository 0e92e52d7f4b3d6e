//! Integer machines against the reference, step by step, and against the oracle of big integers.

use fewbit::accumulate::Turn;
use fewbit::machine::Machine;
use fewbit::reference::{IntStepRecord, sum_products_observed};
use fewbit::{Accumulator, Report, reference};
use fewbit_testkit::accumulate::{self as testkit, Case, any_case};
use ndarray::Array2;
use num_bigint::BigInt;
use proptest::prelude::*;

fn products(case: &Case, row: usize, col: usize) -> Vec<i128> {
    let product = |k| i128::from(case.a.at(row, k)) * i128::from(case.b.at(k, col));
    (0..case.a.cols).map(product).collect()
}

/// An output on its way.
struct Output {
    products: Vec<i128>,
    taken: usize,
    machine: Machine,
    steps: Vec<IntStepRecord>,
}

impl Output {
    /// The next `count` products, as a group or one by one.
    fn advance(&mut self, count: usize, group: bool) {
        let end = (self.taken + count).min(self.products.len());
        let next = &self.products[self.taken..end];
        self.taken = end;
        if group {
            self.steps.extend(self.machine.push_group(next.iter().copied()));
        } else {
            for &product in next {
                self.steps.extend(self.machine.push_product(product));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn outputs_stepped_in_any_order_equal_the_reference(
        case in any_case(),
        turns in prop::collection::vec((any::<prop::sample::Index>(), 1usize..12, any::<bool>()), 0..60),
    ) {
        let acc: Accumulator = case.spec.to_string().parse().unwrap();
        let (m, n) = (case.a.rows, case.b.cols);
        let mut outputs: Vec<Output> = (0..m * n)
            .map(|index| Output {
                products: products(&case, index / n, index % n),
                taken: 0,
                machine: acc.machine().unwrap(),
                steps: Vec::new(),
            })
            .collect();
        if !outputs.is_empty() {
            for (index, count, group) in turns {
                index.get_mut(&mut outputs).advance(count, group);
            }
        }
        let mut report = Report::new(acc.stages().len());
        let mut values = Vec::new();
        for (index, output) in outputs.iter_mut().enumerate() {
            output.advance(usize::MAX - output.taken, false);
            let before = output.machine.value();
            let drained = output.machine.drain();
            output.steps.extend(drained.steps);
            let mut steps = Vec::new();
            let (value, traces) =
                sum_products_observed(&acc, 0, output.products.iter().copied(), |r| steps.push(r));
            prop_assert_eq!(drained.value, value, "{}", acc);
            prop_assert_eq!(drained.traces, &traces[..], "{}", acc);
            prop_assert_eq!(&output.steps, &steps, "{}", acc);
            // Before draining: the last register after its last completed step.
            let last = acc.stages().len() - 1;
            let made = steps.len() - drained.steps.len();
            let first = |step: &&IntStepRecord| step.stage == last && step.turn == Turn::Inputs(0);
            let completed = steps[..made].iter().rev().find(first);
            prop_assert_eq!(before, completed.map_or(0, |step| step.after));
            report.add((index / n) as u64, (index % n) as u64, drained.traces);
            values.push(BigInt::from(value));
            prop_assert!(output.machine.drain().steps.is_empty(), "drained twice");
        }
        let expected = testkit::matmul(&case.a, &case.b, &case.spec);
        prop_assert_eq!(&values, &expected.values, "{}", acc);
        let of = |m: &testkit::Matrix| Array2::from_shape_vec((m.rows, m.cols), m.data.clone()).unwrap();
        if let Ok((_, expected)) = reference::matmul(of(&case.a).view(), of(&case.b).view(), &acc) {
            prop_assert_eq!(report, expected, "{}", acc);
        }
    }

    #[test]
    fn a_machine_that_starts_elsewhere_equals_the_reference(case in any_case(), start in any::<i64>()) {
        let acc: Accumulator = case.spec.to_string().parse().unwrap();
        if case.a.rows == 0 || case.b.cols == 0 {
            return Ok(());
        }
        let mut machine = acc.machine().unwrap();
        machine.push_group([7, -3, 99]);
        let start = match case.spec.0.last().unwrap().register {
            Some((bits, _)) => start >> (64 - bits),
            None => start,
        };
        machine.reset(start).unwrap();
        let products = products(&case, 0, 0);
        machine.push_group(products.iter().copied());
        let drained = machine.drain();
        let (value, traces) = reference::sum_products_from(&acc, start.into(), products);
        prop_assert_eq!((drained.value, drained.traces), (value, &traces[..]), "{}", acc);
    }

    /// What waits is seen, and is what the next step takes.
    #[test]
    fn what_waits_is_in_the_stages(case in any_case()) {
        let acc: Accumulator = case.spec.to_string().parse().unwrap();
        if case.a.rows == 0 || case.b.cols == 0 {
            return Ok(());
        }
        let mut machine = acc.machine().unwrap();
        for product in products(&case, 0, 0) {
            let before: Vec<_> = machine.stages().collect();
            let steps = machine.push_product(product).to_vec();
            for step in &steps {
                if matches!(step.turn, Turn::Fold(_)) {
                    continue;
                }
                let handed = match step.stage.checked_sub(1) {
                    None => product,
                    Some(inner) => steps.iter().rfind(|s| s.stage == inner).unwrap().after,
                };
                prop_assert_eq!(step.before, before[step.stage].register);
                prop_assert_eq!(step.input, before[step.stage].pending + handed);
            }
            for (stage, (now, spec)) in machine.stages().zip(acc.stages()).enumerate() {
                prop_assert!(now.waiting < u64::from(spec.width.get()));
                prop_assert_eq!(now.waiting == 0, now.waiting == 0 && now.pending == 0);
                let stepped = steps.iter().any(|step| step.stage == stage);
                let events = before[stage].trace.events
                    + steps.iter().filter(|step| step.stage == stage && step.event).count() as u64;
                prop_assert_eq!(now.trace.events, events);
                if !stepped {
                    prop_assert_eq!(now.register, before[stage].register);
                }
            }
        }
    }
}

/// Two registers by hand: 100, 100, 100, -50, 7 go to 0, 1, 0, 1, 0.
#[test]
fn registers_that_take_turns() {
    let mut machine = "int8-sat%2".parse::<Accumulator>().unwrap().machine().unwrap();
    machine.reset(5).unwrap();
    let step = |record: &IntStepRecord| (record.turn, record.before, record.after, record.event);
    let steps: Vec<_> = machine.push_group([100, 100, 100, -50, 7]).iter().map(step).collect();
    let expected = [
        (Turn::Inputs(0), 5, 105, false),
        (Turn::Inputs(1), 0, 100, false),
        (Turn::Inputs(0), 105, 127, true),
        (Turn::Inputs(1), 100, 50, false),
        (Turn::Inputs(0), 127, 127, true),
    ];
    assert_eq!(steps, expected);
    assert_eq!((machine.value(), machine.stages().next().unwrap().register), (127, 50));
    let drained = machine.drain();
    assert_eq!(
        drained.steps.iter().map(step).collect::<Vec<_>>(),
        [(Turn::Fold(1), 127, 127, true)]
    );
    assert_eq!((drained.steps[0].first_k, drained.steps[0].last_k), (0, 4));
    assert_eq!((drained.value, drained.traces[0].events, drained.traces[0].max), (127, 3, 205));
    // Without limits 212 and 50, together 262.
    assert_eq!((drained.traces[0].exact_max, drained.traces[0].required_bits()), (262, 10));
    machine.push_group([-7, 1]);
    assert_eq!(machine.drain().value, 121);
}

#[test]
fn a_machine_goes_on_after_it_was_drained() {
    let mut machine = "int8-sat/4,int16-wrap".parse::<Accumulator>().unwrap().machine().unwrap();
    machine.push_group([10, 20]);
    assert_eq!(machine.drain().value, 30);
    machine.push_group([1, 2, 3]);
    assert_eq!((machine.value(), machine.products()), (30, 5));
    assert_eq!(machine.drain().value, 36);
}
