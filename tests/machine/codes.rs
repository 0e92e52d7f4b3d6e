//! Machines of codes against the float reference, step by step.

use fewbit::Accumulator;
use fewbit::accumulate::Datapath;
use fewbit::formats::Format;
use fewbit::machine::{CodeMachine, FloatStepRecord, OperandFormat, Steps};
use fewbit::reference::{
    FloatMatmul, FloatOperand, FloatReport, RandomBits, Scales, StepRecord, Value, matmul_float,
};
use fewbit_testkit::accumulate::{RealCase, any_real_case, real::RealMatrix};
use ndarray::Array2;
use proptest::prelude::*;

/// An operand's codes, and those of its scales.
struct Side {
    element: OperandFormat,
    codes: Array2<u32>,
    scales: Option<(Array2<u32>, usize)>,
}

impl Side {
    fn of(matrix: &RealMatrix) -> Self {
        let format: Format = matrix.elements.to_string().parse().unwrap();
        let codes = Array2::from_shape_vec((matrix.rows, matrix.cols), matrix.codes.clone());
        Self { element: format.into(), codes: codes.unwrap(), scales: None }
    }

    fn operand(&self) -> FloatOperand {
        let operand = FloatOperand::from_codes(self.codes.view(), self.element.format).unwrap();
        match &self.scales {
            None => operand,
            Some((codes, block)) => {
                let format = self.element.scale.unwrap();
                operand.with_scales(Scales::from_codes(codes.view(), format, *block).unwrap())
            }
        }
    }
}

fn owned(record: StepRecord<'_>) -> FloatStepRecord {
    let StepRecord { stage, first_k, last_k, turn, before, inputs, step } = record;
    let (before, inputs, step) = (before.clone(), inputs.to_vec(), step.clone());
    FloatStepRecord { stage, first_k, last_k, turn, before, inputs, step }
}

/// Every output of `a b`, with the outputs' pushes taking turns.
fn check(acc: &Accumulator, a: &Side, b: &Side, seed: u64) -> Result<(), TestCaseError> {
    let (left, right) = (a.operand(), b.operand());
    let (m, n, depth) = (a.codes.nrows(), b.codes.ncols(), a.codes.ncols());
    let whole = matmul_float(&left, &right, acc, None, seed);
    let problem = FloatMatmul::new(&left, &right, acc, None, seed).unwrap();
    let mut outputs: Vec<(CodeMachine, Vec<FloatStepRecord>)> = (0..m * n)
        .map(|output| {
            let machine = acc.machine_for(a.element, b.element).unwrap();
            (machine.with_random(RandomBits { seed, output: output as u64 }), Vec::new())
        })
        .collect();
    let mut failed = false;
    for k in 0..depth {
        for (index, (machine, steps)) in outputs.iter_mut().enumerate() {
            let (row, col) = (index / n, index % n);
            let scale = |side: &Side, at: &dyn Fn(usize) -> (usize, usize)| {
                side.scales.as_ref().map(|(codes, block)| codes[at(k / block)])
            };
            let (x, y) = (a.codes[[row, k]], b.codes[[k, col]]);
            let pushed = if a.scales.is_some() || b.scales.is_some() {
                let scales = (scale(a, &|block| (row, block)), scale(b, &|block| (block, col)));
                machine.push_scaled(x, y, scales.0, scales.1)
            } else {
                machine.push(x, y)
            };
            match pushed {
                Ok(Steps::Float(made)) => steps.extend_from_slice(made),
                Ok(Steps::Integer(_)) => {}
                Err(_) => failed = true,
            }
        }
    }
    let mut report = FloatReport::new(acc.stages().len());
    let mut values = Vec::new();
    for (index, (machine, steps)) in outputs.iter_mut().enumerate() {
        let (row, col) = (index / n, index % n);
        let Ok(value) = machine.drain() else {
            failed = true;
            continue;
        };
        let mut expected = Vec::new();
        let (x, y) = (problem.left(row), problem.column(col));
        let output = problem.output((row, col), &x, &y, &mut |record| expected.push(owned(record)));
        prop_assert_eq!(Some(value.clone()), output.ok(), "{}", acc);
        if let Some(machine) = machine.as_float() {
            report.add(row as u64, col as u64, machine.traces().to_vec());
            let drained = expected.split_off(steps.len().min(expected.len()));
            prop_assert_eq!(&*steps, &expected, "{}", acc);
            let most: u32 = acc.stages().iter().map(|stage| stage.interleave.get()).sum();
            prop_assert!(drained.len() <= most as usize);
        }
        values.push(value.to_f64());
    }
    match whole {
        Err(_) => prop_assert!(failed, "{}", acc),
        Ok(whole) => {
            prop_assert!(!failed, "{}", acc);
            let bits = |x: f64| x.to_bits();
            let expected: Vec<u64> = whole.values.iter().copied().map(bits).collect();
            prop_assert_eq!(values.into_iter().map(bits).collect::<Vec<_>>(), expected, "{}", acc);
            let float = outputs.iter().all(|(machine, _)| machine.as_float().is_some());
            if float {
                prop_assert_eq!(report, whole.report, "{}", acc);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_accumulator_equals_the_reference(case in any_real_case()) {
        let RealCase { a, b, spec } = &case;
        let acc: Accumulator = spec.to_string().parse().unwrap();
        check(&acc, &Side::of(a), &Side::of(b), 0)?;
    }

    #[test]
    fn stochastic_rounding_has_the_bits_of_its_output(
        codes in prop::collection::vec(0u32..0x7f, 2 * 24),
        seed in any::<u64>(),
        text in prop::sample::select(vec!["f16-sr8", "e5m2-sr4*3/6,f32", "e5m2-sr8%4", "bf16-sr16%3/5,e4m3-sr8%2", "aligned4-sr8:bf16-sr8*4", "bf16-sr16/1,e4m3-sr8"]),
    ) {
        let side = |shape| {
            let codes = Array2::from_shape_vec(shape, codes.clone()).unwrap();
            Side { element: Format::E4M3FN.into(), codes, scales: None }
        };
        check(&text.parse().unwrap(), &side((2, 24)), &side((24, 2)), seed)?;
    }

    /// Every row of the table, with the formats that it takes, of codes that are finite or not.
    #[test]
    fn every_preset_steps(
        row in prop::sample::select(Datapath::table().iter().collect::<Vec<_>>()),
        depth in 0usize..100,
        second in prop_oneof![Just(""), Just("/64,f32"), Just("*3/7,f16")],
        words in prop::collection::vec(any::<u32>(), 512),
        choice in any::<(prop::sample::Index, prop::sample::Index)>(),
        rare in 0u32..4,
    ) {
        let mut words = words.into_iter().cycle();
        let mut codes = |format: Format, shape: (usize, usize)| {
            // Specials in a quarter of all cases.
            Array2::from_shape_simple_fn(shape, || {
                let code = words.next().unwrap() % format.code_count() as u32;
                if rare == 0 || format.decode(code).is_finite() { code } else { 0 }
            })
        };
        let mut side = |format: Format, along_columns: bool| {
            let shape = |k| if along_columns { (2, k) } else { (k, 1) };
            let element = OperandFormat { format, scale: row.scales.map(|s| s.format) };
            let scales = row.scales.map(|s| {
                let block = s.block as usize;
                (codes(s.format, shape(depth.div_ceil(block))), block)
            });
            Side { element, codes: codes(format, shape(depth)), scales }
        };
        let format = |index: prop::sample::Index| row.operands[index.index(row.operands.len())];
        let (a, b) = (side(format(choice.0), true), side(format(choice.1), false));
        check(&format!("{row}{second}").parse().unwrap(), &a, &b, 0)?;
    }
}

#[test]
fn scales_multiply_where_no_preset_asks_for_them() {
    let element = OperandFormat::scaled(Format::E2M1FN, Format::E4M3FNU);
    let codes = |shape| Array2::from_shape_fn(shape, |(i, j)| (i * 5 + j * 3) as u32 % 16);
    let scales = |shape| (Array2::from_shape_fn(shape, |(i, j)| (i * 7 + j * 11) as u32 % 120), 4);
    let a = Side { element, codes: codes((2, 10)), scales: Some(scales((2, 3))) };
    let b = Side { element: Format::E5M2.into(), codes: codes((10, 2)), scales: None };
    for text in ["f32", "aligned6:bf16*4", "e4m3fn*2/4,f16"] {
        check(&text.parse().unwrap(), &a, &b, 0).unwrap();
    }
}

#[test]
fn a_machine_of_integers_is_one_for_every_integer_format() {
    for (format, code, value) in
        [("int4", 0xf, -1), ("binary", 0, -1), ("ternary", 3, -1), ("uint8", 0xff, 255)]
    {
        let format: Format = format.parse().unwrap();
        let mut machine =
            "int20-sat".parse::<Accumulator>().unwrap().machine_for(format, format).unwrap();
        machine.push(code, code).unwrap();
        assert_eq!(machine.as_integer().unwrap().value(), value * value, "{format}");
    }
    let fixed: Format = "fix8.4".parse().unwrap();
    let mut machine =
        "int20-sat".parse::<Accumulator>().unwrap().machine_for(fixed, fixed).unwrap();
    machine.push(16, 32).unwrap(); // 1 * 2
    assert_eq!(machine.value(), Value::from_f64(2.0));
    assert!(machine.push(1, 1).is_err(), "2^-8 is no integer");
}
