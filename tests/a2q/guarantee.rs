//! No input overflows P bits, and with one bit less some input does.

use fewbit::accumulate::bounds::{DataType, InputRange, Inputs, Layer, Side, Sign};
use fewbit::algorithms::{
    A2qParams, AlgorithmError, Grid, WeightNorm, a2q, ep_init, l1_budget, minimal_bits,
    published_l1_budget,
};
use fewbit::quantize::{A2qBits, Centring, Preset};
use fewbit::{Accumulator, reference};
use fewbit_formats::Format;
use ndarray::{Array2, ArrayView2, Axis, array};
use proptest::prelude::*;

use fewbit_testkit::Random;

/// Overflow events on the witnesses of every row, and on random and extreme inputs.
fn events(levels: ArrayView2<'_, i64>, acc: &Accumulator, range: InputRange, seed: u64) -> u64 {
    let mut random = Random(seed);
    let layer = Layer::new(levels, Inputs::Same(range)).unwrap();
    let (rows, cols) = levels.dim();
    let mut inputs: Vec<i64> = Vec::new();
    for row in 0..rows {
        inputs.extend(layer.witness(row, Side::Lower));
        inputs.extend(layer.witness(row, Side::Upper));
    }
    let span = (range.high - range.low + 1) as usize;
    inputs.extend((0..6 * cols).map(|_| range.low + random.below(span) as i64));
    let ends = [range.low, range.high];
    inputs.extend((0..6 * cols).map(|_| ends[random.below(2)]));
    let inputs = Array2::from_shape_vec((inputs.len() / cols, cols), inputs).unwrap();
    reference::matmul(inputs.view(), levels.t(), acc).unwrap().1.events()
}

fn weights(seed: u64, rows: usize, cols: usize) -> Array2<f32> {
    let mut random = Random(seed);
    // Rows that lean to one side, rows with outliers, rows of zeros.
    Array2::from_shape_fn((rows, cols), |(row, _)| {
        let x = random.normal();
        match row % 4 {
            0 => x as f32,
            1 => (x.abs() + 0.1) as f32,
            2 => (x * if random.below(20) == 0 { 30.0 } else { 1.0 }) as f32,
            _ if row % 8 == 3 => 0.0,
            _ => -(x.abs()) as f32,
        }
    })
}

fn steps(weights: &Array2<f32>, levels: f32) -> Vec<f64> {
    let most =
        |row: ndarray::ArrayView1<'_, f32>| row.iter().fold(0f32, |most, w| most.max(w.abs()));
    weights.rows().into_iter().map(|row| f64::from((most(row).max(1e-3)) / levels)).collect()
}

fn grid(steps: &[f64], cols: usize, format: Format) -> Grid {
    let scale = ndarray::Array1::from_iter(steps.iter().map(|s| *s as f32)).insert_axis(Axis(1));
    Grid::new(format, cols, scale, None, cols).unwrap()
}

fn fits(levels: ArrayView2<'_, i64>, acc: &Accumulator, range: InputRange) -> bool {
    let bounds = Layer::new(levels, Inputs::Same(range)).unwrap().bounds(acc).unwrap();
    bounds.guarantees(acc).unwrap().all()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_overflows(
        seed: u64, cols in 1usize..120, bits in 2u32..22, low in -300i64..=0, high in 0i64..=300, plus: bool,
        tile in prop::option::of(1usize..50), wide: bool,
    ) {
        let range = InputRange::new(low, high);
        let centring = if plus { Centring::Mean } else { Centring::None };
        let w = weights(seed, 8, cols);
        let (format, most) = if wide { (Format::INT8N, 127.0) } else { (Format::INT4, 7.0) };
        let steps = steps(&w, most);
        let grid = grid(&steps, cols, format);
        let q = a2q(w.view(), &grid, &A2qParams { bits, input: range, tile, centring }).unwrap();
        let levels = q.codes.mapv(|code| grid.level(code).unwrap());
        let acc: Accumulator = match tile {
            None => format!("int{bits}-sat"),
            Some(tile) => format!("int{bits}-sat/{tile},exact"),
        }.parse().unwrap();
        prop_assert!(fits(levels.view(), &acc, range));
        prop_assert_eq!(events(levels.view(), &acc, range, seed), 0);
        prop_assert!(minimal_bits(levels.view(), Inputs::Same(range), tile).unwrap().layer <= bits.max(2));
    }

    /// The papers' quantizer holds its budget for any direction and norm, trained or not.
    #[test]
    fn any_norm_and_direction_stay_within_the_budget(
        seed: u64, cols in 1usize..120, bits in 3u32..22, n in 1u32..9, signed: bool, plus: bool, growth in 0.1f64..10.0,
    ) {
        let (range, sign) = match signed {
            true => (InputRange::signed(n), Sign::Signed),
            false => (InputRange::unsigned(n), Sign::Unsigned),
        };
        let centring = if plus { Centring::Mean } else { Centring::None };
        let w = weights(seed, 8, cols);
        let steps = steps(&w, 127.0);
        let acc: Accumulator = format!("int{bits}-wrap").parse().unwrap();
        let data_type = DataType { bits: n, sign };
        for budget in [l1_budget(bits, range, centring).unwrap(), published_l1_budget(bits, data_type, centring).unwrap()] {
            let mut start = ep_init(w.view(), &steps, budget, centring).unwrap();
            for (norm, step) in start.norms.iter().zip(&steps) {
                prop_assert!(*norm <= step * budget * (1.0 + 1e-12));
            }
            for grown in [1.0, growth] {
                start.norms.iter_mut().for_each(|norm| *norm *= grown);
                start.directions.mapv_inplace(|v| v * 3.7);
                let q = start.quantize(&steps, budget, centring, -127..=127, A2qBits::Paper).unwrap();
                for row in q.rows() {
                    let norm: i64 = row.iter().map(|q| q.abs()).sum();
                    prop_assert!(norm as f64 <= budget);
                }
                prop_assert!(fits(q.view(), &acc, range));
                prop_assert_eq!(events(q.view(), &acc, range, seed), 0);
            }
        }
    }

    /// Where it starts, the trained quantizer gives what the projection gives.
    #[test]
    fn the_start_of_training_is_the_projection(seed: u64, cols in 1usize..100, bits in 8u32..20) {
        let range = InputRange::unsigned(8);
        let w = weights(seed, 8, cols);
        // Powers of two, so that the grid's f32 steps are these.
        let steps: Vec<f64> = steps(&w, 127.0).iter().map(|s| 2f64.powi(s.log2().ceil() as i32)).collect();
        let grid = grid(&steps, cols, Format::INT8N);
        let centring = Centring::None;
        let q = a2q(w.view(), &grid, &A2qParams { bits, input: range, tile: None, centring }).unwrap();
        let projected = q.codes.mapv(|code| grid.level(code).unwrap());
        let budget = l1_budget(bits, range, centring).unwrap();
        let start = ep_init(w.view(), &steps, budget, centring).unwrap();
        let trained = start.quantize(&steps, budget, centring, -127..=127, A2qBits::Paper).unwrap();
        // A hair on a whole number can make one less of it.
        let off = (&projected - &trained).mapv(i64::abs);
        prop_assert!(off.iter().all(|off| *off <= 1), "{off}");
        prop_assert!(off.iter().sum::<i64>() <= 8);
    }
}

/// The budget is used: where it binds, a register of one bit less overflows, and the witness shows it.
#[test]
fn one_bit_less_overflows() {
    let cols = 64;
    let w = weights(5, 8, cols);
    let steps = steps(&w, 127.0);
    let grid = grid(&steps, cols, Format::INT8N);
    let mut broken = 0;
    for (range, n) in
        [(InputRange::signed(8), 8), (InputRange::unsigned(8), 8), (InputRange::signed(4), 4)]
    {
        for centring in [Centring::None, Centring::Mean] {
            for bits in (n + 6)..(n + 10) {
                let params = A2qParams { bits, input: range, tile: None, centring };
                let q = a2q(w.view(), &grid, &params).unwrap();
                let levels = q.codes.mapv(|code| grid.level(code).unwrap());
                let acc = |bits| format!("int{bits}-sat").parse::<Accumulator>().unwrap();
                assert_eq!(events(levels.view(), &acc(bits), range, 1), 0);
                let less = acc(bits - 1);
                assert!(!fits(levels.view(), &less, range), "{range:?} {centring:?} {bits}");
                assert!(
                    events(levels.view(), &less, range, 1) > 0,
                    "{range:?} {centring:?} {bits}"
                );
                let needed = minimal_bits(levels.view(), Inputs::Same(range), None).unwrap();
                assert_eq!(needed.layer, bits);
                assert!(needed.rows.iter().all(|row| *row <= bits));
                broken += 1;
            }
        }
    }
    assert_eq!(broken, 24);
}

/// Rounding to nearest does not keep the budget: the guarantee needs truncation.
#[test]
fn nearest_rounding_breaks_the_guarantee() {
    let range = InputRange::unsigned(8);
    let w = Array2::from_elem((1, 100), 1f32);
    let budget = l1_budget(15, range, Centring::None).unwrap();
    let start = ep_init(w.view(), &[1.0], budget, Centring::None).unwrap();
    let nearest = start.directions.mapv(|v| v.round() as i64);
    let acc: Accumulator = "int15-sat".parse().unwrap();
    assert!(!fits(nearest.view(), &acc, range));
    assert!(events(nearest.view(), &acc, range, 1) > 0);
    let truncated =
        start.quantize(&[1.0], budget, Centring::None, -127..=127, A2qBits::Paper).unwrap();
    assert!(fits(truncated.view(), &acc, range));
}

/// In Brevitas's bits the trained form gives the codes of Brevitas's presets, where the budget binds; the papers' differ.
#[test]
fn brevitas_bits_are_those_of_the_presets() {
    // No row of zeros: its values are NaN in Brevitas.
    let w = weights(9, 4, 75).slice_move(ndarray::s![..3, ..]);
    let mut differ = 0;
    for (name, centring) in [
        ("Int8AccumulatorAwareWeightQuant", Centring::None),
        ("Int8AccumulatorAwareZeroCenterWeightQuant", Centring::Mean),
    ] {
        for (bits, sign) in [(12, Sign::Unsigned), (14, Sign::Signed), (15, Sign::Unsigned)] {
            let recipe = name.parse::<&Preset>().unwrap().recipe().unwrap();
            let recipe = recipe.set("input_bits", 8.into()).unwrap();
            let recipe = recipe.set("input_signed", (sign == Sign::Signed).into()).unwrap();
            let recipe = recipe.set("accumulator_bit_width", bits.into()).unwrap();
            let preset = recipe.quantize(&w.view()).unwrap().tensor;
            let steps: Vec<f64> = preset.scale().iter().map(|s| f64::from(*s)).collect();
            let budget = published_l1_budget(bits, DataType { bits: 8, sign }, centring).unwrap();
            // The longest norm that f32 holds: the budget decides.
            let norms = vec![f64::from(f32::MAX); steps.len()];
            let start = WeightNorm { directions: w.mapv(f64::from), norms };
            let quantized =
                |bits| start.quantize(&steps, budget, centring, -127..=127, bits).unwrap();
            let (brevitas, paper) = (quantized(A2qBits::Brevitas), quantized(A2qBits::Paper));
            assert_eq!(preset.ints().unwrap(), brevitas.clone().into_dyn(), "{name} {bits}");
            differ += (&brevitas - &paper).iter().filter(|d| **d != 0).count();
        }
    }
    assert!(differ < 10, "{differ} of 1350 codes");
}

/// A2Q+ has twice the norm of A2Q for unsigned inputs, and loses less.
#[test]
fn zero_centring_pays_for_unsigned_inputs() {
    let cols = 128;
    let mut random = Random(9);
    let w = Array2::from_shape_fn((8, cols), |_| random.normal() as f32);
    let steps = steps(&w, 127.0);
    let grid = grid(&steps, cols, Format::INT8N);
    let error = |centring, bits| {
        let input = InputRange::unsigned(8);
        let q = a2q(w.view(), &grid, &A2qParams { bits, input, tile: None, centring }).unwrap();
        (&q.values - &w).mapv(|x| f64::from(x * x)).sum()
    };
    for bits in 14..19 {
        assert!(error(Centring::Mean, bits) < error(Centring::None, bits), "{bits}");
        assert!(error(Centring::None, bits + 1) < error(Centring::None, bits), "{bits}");
    }
}

#[test]
fn budgets_are_those_of_the_papers() {
    let of = |bits, sign| DataType { bits, sign };
    let published = |p, data_type, centring| published_l1_budget(p, data_type, centring).unwrap();
    assert_eq!(published(16, of(4, Sign::Unsigned), Centring::None), 32767.0 / 16.0);
    assert_eq!(published(16, of(4, Sign::Signed), Centring::None), 32767.0 / 8.0);
    assert_eq!(published(16, of(4, Sign::Unsigned), Centring::Mean), 65534.0 / 15.0);
    assert_eq!(published(16, of(4, Sign::Signed), Centring::Mean), 65534.0 / 15.0);
    // The exact one is the published one but for unsigned inputs of A2Q, whose greatest is 2^N - 1.
    let exact = |p, range, centring| l1_budget(p, range, centring).unwrap();
    assert_eq!(exact(16, InputRange::unsigned(4), Centring::None), 32767.0 / 15.0);
    assert_eq!(exact(16, InputRange::signed(4), Centring::None), 32767.0 / 8.0);
    assert_eq!(exact(16, InputRange::signed(4), Centring::Mean), 65534.0 / 15.0);
    assert!(exact(16, InputRange::new(0, 0), Centring::None).is_infinite());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let w = array![[1f32, 2.0]];
    let none = Centring::None;
    assert!(l1_budget(1, InputRange::unsigned(8), none).is_err());
    assert!(l1_budget(65, InputRange::unsigned(8), none).is_err());
    assert!(l1_budget(16, InputRange::new(1, 3), none).is_err());
    assert!(published_l1_budget(16, DataType { bits: 0, sign: Sign::Signed }, none).is_err());
    assert!(ep_init(w.view(), &[1.0, 2.0], 4.0, none).is_err());
    assert!(ep_init(w.view(), &[0.0], 4.0, none).is_err());
    assert!(ep_init(w.view(), &[1.0], f64::NAN, none).is_err());
    let nan = ep_init(array![[f32::NAN]].view(), &[1.0], 4.0, none);
    assert!(matches!(nan, Err(AlgorithmError::NotFinite { .. })));
    let start = ep_init(w.view(), &[1.0], 4.0, none).unwrap();
    assert!(start.quantize(&[1.0], 4.0, none, 1..=7, A2qBits::Paper).is_err());
    assert!(start.quantize(&[f64::INFINITY], 4.0, none, -7..=7, A2qBits::Paper).is_err());
}
