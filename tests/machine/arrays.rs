//! Arrays against as many single machines.

use fewbit::Accumulator;
use fewbit::machine::Machine;
use fewbit_testkit::accumulate::{Matrix, Pattern, Range, Spec, any_spec};
use ndarray::Array2;
use proptest::prelude::*;
use proptest::sample::select;

/// One register of at most 32 bits in the first stage, so that lanes are taken, in three of four cases.
fn specs() -> impl Strategy<Value = Spec> {
    (any_spec(), 0u8..4, 2u32..=32).prop_map(|(mut spec, choice, bits)| {
        if choice > 0 {
            let first = &mut spec.0[0];
            first.width = 1;
            let overflow =
                first.register.map_or(fewbit_testkit::accumulate::Overflow::Wrap, |r| r.1);
            first.register = Some((bits, overflow));
        }
        spec
    })
}

fn as_i32(x: i64) -> i32 {
    x.try_into().unwrap()
}

fn check(
    acc: &Accumulator,
    (rows, cols): (usize, usize),
    a: &Matrix,
    b: &Matrix,
) -> Result<(), TestCaseError> {
    let mut array = acc.machine_array(rows, cols).unwrap();
    let mut machines: Vec<Machine> = (0..rows * cols).map(|_| acc.machine().unwrap()).collect();
    prop_assert_eq!(array.dim(), (rows, cols));
    for start in [None, Some(Array2::from_shape_fn((rows, cols), |(i, j)| (i + j) as i64 % 4 - 2))]
    {
        array.reset(start.as_ref().map(|s| s.view())).unwrap();
        for (index, machine) in machines.iter_mut().enumerate() {
            let start = start.as_ref().map_or(0, |s| s[[index / cols, index % cols]]);
            machine.reset(start).unwrap();
        }
        for k in 0..a.cols {
            let column: Vec<i64> = (0..rows).map(|i| a.at(i, k)).collect();
            let row: Vec<i64> = (0..cols).map(|j| b.at(k, j)).collect();
            let products: Vec<i64> =
                column.iter().flat_map(|x| row.iter().map(move |y| x * y)).collect();
            if k % 3 == 0 {
                array.push_products(&products).unwrap();
            } else {
                let narrow = |x: &[i64]| x.iter().copied().map(as_i32).collect::<Vec<_>>();
                array.push_outer(&narrow(&column), &narrow(&row)).unwrap();
            }
            for (machine, product) in machines.iter_mut().zip(products) {
                machine.push_product(product);
            }
            same(&array, &machines, acc)?;
        }
        let drained = array.drain();
        let values: Vec<i128> = machines.iter_mut().map(|m| m.drain().value).collect();
        prop_assert_eq!(drained.into_iter().collect::<Vec<_>>(), values, "{}", acc);
        same(&array, &machines, acc)?;
    }
    Ok(())
}

fn same(
    array: &fewbit::machine::MachineArray,
    machines: &[Machine],
    acc: &Accumulator,
) -> Result<(), TestCaseError> {
    let values: Vec<i128> = machines.iter().map(Machine::value).collect();
    prop_assert_eq!(array.values().into_iter().collect::<Vec<_>>(), values, "{}", acc);
    for stage in 0..=acc.stages().len() {
        let events = |m: &Machine| m.traces().get(stage).map_or(0, |trace| trace.events);
        let events: Vec<u64> = machines.iter().map(events).collect();
        prop_assert_eq!(array.events(stage).into_iter().collect::<Vec<_>>(), events, "{}", acc);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_array_equals_its_machines(
        spec in specs(),
        (rows, cols) in (0usize..5, 0usize..40),
        k in 0usize..40,
        bits in (1u32..=32, 1u32..=32),
        patterns in (select(Pattern::ALL.to_vec()), select(Pattern::ALL.to_vec())),
        seed in any::<u64>(),
    ) {
        let acc: Accumulator = spec.to_string().parse().unwrap();
        let a = Matrix::left(rows, k, Range::signed(bits.0), patterns.0, seed);
        let b = Matrix::right(k, cols, Range::signed(bits.1), patterns.1, !seed);
        check(&acc, (rows, cols), &a, &b)?;
    }
}

#[test]
fn the_ends_of_a_lane() {
    // Products of exactly 2^30, and beyond, in registers of 30 bits and of 31.
    for text in ["int30-sat", "int30-wrap", "int31-sat", "int2-wrap"] {
        let acc: Accumulator = text.parse().unwrap();
        let matrix = |value: i64, rows, cols| Matrix { rows, cols, data: vec![value; rows * cols] };
        for (x, y) in [(-32768, 32768), (32768, 32768), (65536, -32768), (-(1 << 31), -(1 << 31))] {
            check(&acc, (2, 17), &matrix(x, 2, 9), &matrix(y, 9, 17)).unwrap();
        }
    }
}
