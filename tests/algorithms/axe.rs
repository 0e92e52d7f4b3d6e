//! The guarantee of the accumulator constraints, for every solver: no witness and no data overflows.

use crate::common::{SOLVERS, solve};
use crate::data::{Layer, Random, channel_scales, relative_error};
use fewbit::accumulate::bounds::{InputRange, Inputs, Layer as Bounded, Side};
use fewbit::algorithms::{
    A2qParams, Axe, Collector, Constraint, Grid, Order, Precision, Problem, SoftThreshold,
    Statistics, a2q, data_types_for,
};
use fewbit::quantize::Centring;
use fewbit::{Accumulator, reference};
use fewbit_formats::Format;
use ndarray::{Array2, ArrayView2, Axis};
use proptest::prelude::*;

struct Case {
    layer: Layer,
    statistics: Statistics,
}

impl Case {
    fn new(seed: u64, outputs: usize, inputs: usize) -> Self {
        let layer = Layer::new(seed, outputs, inputs, inputs * 3 + 10, 0.2);
        let mut collector = Collector::new(inputs, 1, Precision::Single).unwrap();
        collector.push_pairs(layer.quantized.view(), layer.float.view()).unwrap();
        Self { layer, statistics: collector.finish() }
    }

    fn grid(&self, format: Format) -> Grid {
        let scales = channel_scales(self.layer.weights.view(), format.max_finite() as f32)
            .insert_axis(Axis(1));
        Grid::new(format, self.layer.weights.ncols(), scales, None, self.layer.weights.ncols())
            .unwrap()
    }

    fn problem<'a>(
        &'a self,
        grid: &'a Grid,
        constraint: Option<&'a dyn Constraint>,
    ) -> Problem<'a> {
        Problem {
            weights: self.layer.weights.view(),
            statistics: &self.statistics,
            grid,
            constraint,
        }
    }

    fn error(&self, values: &Array2<f32>) -> f64 {
        relative_error(&self.layer.float, &self.layer.quantized, &self.layer.weights, values)
    }
}

fn levels(grid: &Grid, codes: &Array2<u32>) -> Array2<i64> {
    codes.mapv(|code| grid.level(code).unwrap())
}

/// Overflow events of the emulated accumulator on the witnesses of every row, on random and on extreme inputs.
fn events(
    levels: ArrayView2<'_, i64>,
    acc: &Accumulator,
    range: InputRange,
    random: &mut Random,
) -> u64 {
    let bounded = Bounded::new(levels, Inputs::Same(range)).unwrap();
    let (rows, cols) = levels.dim();
    let mut inputs: Vec<i64> = Vec::new();
    for row in 0..rows {
        inputs.extend(bounded.witness(row, Side::Lower));
        inputs.extend(bounded.witness(row, Side::Upper));
    }
    let span = (range.high - range.low + 1) as u64;
    inputs.extend((0..8 * cols).map(|_| range.low + (random.next() % span) as i64));
    inputs
        .extend((0..8 * cols).map(|_| if random.uniform() < 0.5 { range.low } else { range.high }));
    let inputs = Array2::from_shape_vec((inputs.len() / cols, cols), inputs).unwrap();
    reference::matmul(inputs.view(), levels.t(), acc).unwrap().1.events()
}

fn check(
    case: &Case,
    format: Format,
    acc: &str,
    range: InputRange,
    solver: &str,
    order: Order,
    soft: SoftThreshold,
) -> f64 {
    let acc: Accumulator = acc.parse().unwrap();
    let grid = case.grid(format);
    let axe = Axe::new(&acc, &Inputs::Same(range), case.layer.weights.ncols(), soft).unwrap();
    let solution =
        solve(solver, &case.problem(&grid, Some(&axe)), order, Precision::Single).unwrap();
    let levels = levels(&grid, &solution.codes);
    let what = format!("{solver} {acc} {range:?} {order:?} {soft:?}");
    let bounds = Bounded::new(levels.view(), Inputs::Same(range)).unwrap().bounds(&acc).unwrap();
    assert!(bounds.guarantees(&acc).unwrap().all(), "{what}");
    assert_eq!(events(levels.view(), &acc, range, &mut Random(1)), 0, "{what}");
    case.error(&solution.values)
}

/// Every solver x {monolithic, tiles of 32, 64, 128} x P x sign x order x soft threshold.
#[test]
fn no_solver_lets_an_accumulator_overflow() {
    let case = Case::new(3, 6, 200);
    for solver in SOLVERS.into_iter().chain(["gptq-forgiving"]) {
        for (tile, widths) in
            [(200, [10, 13, 16]), (32, [9, 11, 13]), (64, [9, 12, 14]), (128, [10, 12, 15])]
        {
            for bits in widths {
                for range in [InputRange::unsigned(8), InputRange::signed(8), InputRange::signed(4)]
                {
                    for (order, soft) in [
                        (Order::Natural, SoftThreshold::On),
                        (Order::Descending, SoftThreshold::Off),
                        (Order::Descending, SoftThreshold::On),
                    ] {
                        let acc = if tile == 200 {
                            format!("int{bits}-sat")
                        } else {
                            format!("int{bits}-sat/{tile},int20-wrap")
                        };
                        check(&case, Format::INT4, &acc, range, solver, order, soft);
                    }
                }
            }
        }
    }
}

/// The outer register binds too, and a stage in between; minifloats have budgets in units of their smallest value.
#[test]
fn outer_stages_and_minifloats() {
    let case = Case::new(9, 5, 96);
    let range = InputRange::unsigned(4);
    for solver in SOLVERS {
        for acc in [
            "int12-sat/16,int11-wrap",
            "int9-wrap/8,int10-sat/4,int11-sat",
            "exact/16,int12-sat",
            "int10-sat*4",
        ] {
            check(&case, Format::INT4, acc, range, solver, Order::Descending, SoftThreshold::On);
            check(&case, Format::E2M1FN, acc, range, solver, Order::Natural, SoftThreshold::Off);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_constraints_hold(
        seed: u64,
        inputs in 1usize..70,
        low in -200i64..=0,
        high in 0i64..=300,
        inner in 2u32..20,
        outer in 2u32..22,
        tile in 1usize..40,
        solver in 0..SOLVERS.len(),
        soft: bool,
    ) {
        let case = Case::new(seed, 3, inputs);
        let soft = if soft { SoftThreshold::On } else { SoftThreshold::Off };
        let acc = format!("int{inner}-sat/{tile},int{outer}-wrap");
        let range = InputRange::new(low, high);
        check(&case, Format::INT8, &acc, range, SOLVERS[solver], Order::Descending, soft);
    }

    #[test]
    fn a2q_projections_hold(seed: u64, inputs in 1usize..200, bits in 4u32..18, n in 1u32..9, signed: bool, plus: bool) {
        let case = Case::new(seed, 3, inputs);
        let grid = case.grid(Format::INT8N);
        let range = if signed { InputRange::signed(n) } else { InputRange::unsigned(n) };
        let centring = if plus { Centring::Mean } else { Centring::None };
        let acc: Accumulator = format!("int{bits}-sat").parse().unwrap();
        let params = A2qParams { bits, input: range, tile: None, centring };
        let q = a2q(case.layer.weights.view(), &grid, &params).unwrap();
        let levels = self::levels(&grid, &q.codes);
        prop_assert_eq!(events(levels.view(), &acc, range, &mut Random(seed)), 0);
        let tile = A2qParams { tile: Some(16), ..params };
        let q = a2q(case.layer.weights.view(), &grid, &tile).unwrap();
        let levels = self::levels(&grid, &q.codes);
        let acc: Accumulator = format!("int{bits}-sat/16,int40-sat").parse().unwrap();
        prop_assert_eq!(events(levels.view(), &acc, range, &mut Random(seed)), 0);
    }
}

#[test]
fn without_a_constraint_the_same_accumulators_do_overflow() {
    let case = Case::new(3, 6, 200);
    let grid = case.grid(Format::INT4);
    for solver in SOLVERS {
        let solution =
            solve(solver, &case.problem(&grid, None), Order::Natural, Precision::Single).unwrap();
        let levels = levels(&grid, &solution.codes);
        let acc: Accumulator = "int13-sat".parse().unwrap();
        assert_ne!(events(levels.view(), &acc, InputRange::unsigned(8), &mut Random(1)), 0);
    }
}

/// A constraint that cannot bind changes nothing.
#[test]
fn a_slack_budget_changes_nothing() {
    let case = Case::new(4, 9, 150);
    let grid = case.grid(Format::INT4);
    let axe = Axe::new(
        &"int40-sat".parse().unwrap(),
        &Inputs::Same(InputRange::unsigned(8)),
        150,
        SoftThreshold::On,
    )
    .unwrap();
    for solver in SOLVERS {
        for order in [Order::Natural, Order::Descending] {
            let free = solve(solver, &case.problem(&grid, None), order, Precision::Single).unwrap();
            let held =
                solve(solver, &case.problem(&grid, Some(&axe)), order, Precision::Single).unwrap();
            assert_eq!(free, held);
        }
    }
}

/// At equal P AXE beats data types chosen without looking at the weights, wherever the constraint binds: the best pair of
/// M-bit weights and N-bit inputs under AXE against the best of all pairs that cannot overflow whatever the weights are,
/// each with its own solver run and its own inputs.
#[test]
fn axe_beats_the_naive_choice_of_data_types() {
    let (outputs, inputs, samples) = (24, 256, 800);
    let layer = Layer::new(21, outputs, inputs, samples, 0.1);
    let float = layer.float.mapv(|x| (x + 0.5).max(0.0));
    let most = float.iter().fold(0f32, |m, x| m.max(*x));
    // Unsigned codes of N bits of the noisy inputs, as values.
    let quantized = |bits: u32| {
        let scale = most / ((1u32 << bits) - 1) as f32;
        let code =
            |x: f32| ((x + 0.5) / scale).round_ties_even().clamp(0.0, ((1u32 << bits) - 1) as f32);
        layer.quantized.mapv(|x| code(x) * scale)
    };
    let statistics = |xq: &Array2<f32>| {
        let mut collector = Collector::new(inputs, 1, Precision::Single).unwrap();
        collector.push_pairs(xq.view(), float.view()).unwrap();
        collector.finish()
    };
    let run = |solver: &str, weight_bits: u32, xq: &Array2<f32>, axe: Option<&Axe>| {
        let format: Format = format!("int{weight_bits}").parse().unwrap();
        let scales =
            channel_scales(layer.weights.view(), format.max_finite() as f32).insert_axis(Axis(1));
        let grid = Grid::new(format, inputs, scales, None, inputs).unwrap();
        let problem = Problem {
            weights: layer.weights.view(),
            statistics: &statistics(xq),
            grid: &grid,
            constraint: axe.map(|axe| axe as &dyn Constraint),
        };
        let solution = solve(solver, &problem, Order::Descending, Precision::Single).unwrap();
        let error = relative_error(&float, xq, &layer.weights, &solution.values);
        (error, self::levels(&grid, &solution.codes))
    };
    let inputs_of: Vec<Array2<f32>> = (1..=8).map(quantized).collect();
    for (tile, bits) in [(256, 12), (256, 15), (256, 17), (64, 12), (64, 14), (128, 13), (32, 12)] {
        let acc = match tile {
            256 => format!("int{bits}-sat"),
            _ => format!("int{bits}-sat/{tile},int32-sat"),
        };
        let acc: Accumulator = acc.parse().unwrap();
        let held = |solver: &str, weight_bits: u32, input_bits: u32| {
            let range = InputRange::unsigned(input_bits);
            let axe = Axe::new(&acc, &Inputs::Same(range), inputs, SoftThreshold::On).unwrap();
            let xq = &inputs_of[input_bits as usize - 1];
            let (error, levels) = run(solver, weight_bits, xq, Some(&axe));
            assert_eq!(events(levels.view(), &acc, range, &mut Random(1)), 0);
            error
        };
        for solver in ["rtn", "gptq", "gpfq", "qronos"] {
            let (free, _) = run(solver, 4, &inputs_of[7], None);
            if held(solver, 4, 8) == free {
                continue;
            }
            let choices = [2, 3, 4].into_iter().flat_map(|m| [2, 3, 4, 6, 8].map(|n| (m, n)));
            let axe = choices.map(|(m, n)| held(solver, m, n)).fold(1.0, f64::min);
            let pairs = data_types_for(bits, tile, 4, InputRange::unsigned(8).data_type());
            let naive = pairs.iter().map(|pair| {
                let (error, levels) =
                    run(solver, pair.weight_bits, &inputs_of[pair.input.bits as usize - 1], None);
                let narrow = InputRange::unsigned(pair.input.bits);
                assert_eq!(events(levels.view(), &acc, narrow, &mut Random(1)), 0);
                error
            });
            // Weights of zeros always fit.
            let naive = naive.fold(1.0, f64::min);
            assert!(axe < naive, "{solver} {acc}: AXE {axe}, naive {naive} of {pairs:?}");
        }
    }
}
