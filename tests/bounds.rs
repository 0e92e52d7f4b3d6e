//! Bounds are exact: no input exceeds them, and the witness reaches them.

use fewbit::Accumulator;
use fewbit::accumulate::bounds::{
    BoundsError, DataType, InputRange, Inputs, Layer, RowBias, Side, Sign, a2q_bits, a2q_plus_bits,
    data_type_bits,
};
use fewbit::accumulate::{
    OutputTrace, Register, RegisterOverflow, Stage, int_range, required_bits_of_range,
};
use fewbit::reference::{matmul, sum_products, sum_products_from};
use fewbit_formats::Format;
use fewbit_testkit::accumulate::{Matrix, Overflow, Pattern, Range, any_spec};
use ndarray::{Array2, ArrayView2, array};
use proptest::prelude::*;

fn acc(text: &str) -> Accumulator {
    text.parse().unwrap()
}

fn one_row(weights: &[i64]) -> ArrayView2<'_, i64> {
    ArrayView2::from_shape((1, weights.len()), weights).unwrap()
}

/// Every vector of `ranges`.
fn all_inputs(ranges: &[InputRange]) -> Vec<Vec<i64>> {
    ranges.iter().fold(vec![vec![]], |vectors, range| {
        vectors
            .iter()
            .flat_map(|v| (range.low..=range.high).map(move |x| [&v[..], &[x]].concat()))
            .collect()
    })
}

fn products<'a>(weights: &'a [i64], inputs: &'a [i64]) -> impl Iterator<Item = i128> + 'a {
    weights.iter().zip(inputs).map(|(&w, &x)| i128::from(w) * i128::from(x))
}

/// `(min, max, required bits)` per stage over all of `runs`.
fn extremes(runs: impl IntoIterator<Item = Vec<OutputTrace>>) -> Vec<(i128, i128, u32)> {
    let mut result: Vec<(i128, i128, u32)> = Vec::new();
    for traces in runs {
        let found = traces.iter().map(|t| (t.exact_min, t.exact_max, t.required_bits()));
        result = if result.is_empty() {
            found.collect()
        } else {
            result
                .iter()
                .zip(found)
                .map(|(a, b)| (a.0.min(b.0), a.1.max(b.1), a.2.max(b.2)))
                .collect()
        };
    }
    result
}

fn check_exhaustively(weights: &[i64], ranges: &[InputRange], text: &str) {
    let acc = acc(text);
    let layer = Layer::new(one_row(weights), Inputs::PerChannel(ranges)).unwrap();
    let bounds = layer.bounds(&acc).unwrap();
    let all = all_inputs(ranges);
    let searched = extremes(all.iter().map(|x| sum_products(&acc, products(weights, x)).1));
    let stated: Vec<_> =
        bounds.rows()[0].stages.iter().map(|s| (s.min, s.max, s.required_bits)).collect();
    assert_eq!(stated, searched, "{text}, weights {weights:?}, inputs {ranges:?}");
    // Every stage's own witness reaches what its stage needs, and both witnesses both ends.
    for (index, stage) in bounds.rows()[0].stages.iter().enumerate() {
        let run = |side| sum_products(&acc, products(weights, &layer.witness(0, side))).1[index];
        assert_eq!(run(stage.side()).required_bits(), stage.required_bits);
        assert_eq!(run(Side::Lower).exact_min, stage.min);
        assert_eq!(run(Side::Upper).exact_max, stage.max);
    }
    for side in [Side::Lower, Side::Upper] {
        let inside = |(x, r): (&i64, &InputRange)| (r.low..=r.high).contains(x);
        assert!(layer.witness(0, side).iter().zip(ranges).all(inside));
    }
}

const SHAPES: [&str; 12] = [
    "exact",
    "int8-sat*2",
    "int8-wrap*9",
    "int8-sat/2,int9-sat",
    "int8-sat*2/3,int9-wrap",
    "exact/2,int9-sat*2",
    "int8-sat/1,int8-sat/2,int9-sat",
    "int8-sat*3/2,int8-sat*2/1,int9-sat/2,exact",
    "int8-sat%2",
    "int8-wrap%3/4,int9-sat",
    "int8-sat*2%2/5,int9-wrap%2",
    "exact/2,int9-sat%9",
];

#[test]
fn exhaustive_search_finds_the_same_extremes() {
    let ranges = [(0, 3), (-4, 3), (-3, 3), (1, 3), (-3, -1), (2, 2), (0, 0), (-1, 6)]
        .map(|(low, high)| InputRange::new(low, high));
    let weights: [&[i64]; 7] = [
        &[],
        &[-3],
        &[0, 0],
        &[1, -1, 2],
        &[-2, 3, 3, -3],
        &[3, 3, -4, -4, 1],
        &[-1, -2, -3, -4, 0],
    ];
    for text in SHAPES {
        for weights in weights {
            for range in ranges {
                check_exhaustively(weights, &vec![range; weights.len()], text);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn exhaustive_search_finds_the_same_extremes_of_mixed_ranges(
        row in prop::collection::vec((-8i64..=7, -4i64..=3, 0i64..=3), 0..=5),
        spec in any_spec(),
    ) {
        let weights: Vec<i64> = row.iter().map(|r| r.0).collect();
        let ranges: Vec<_> = row.iter().map(|&(_, low, span)| InputRange::new(low, low + span)).collect();
        check_exhaustively(&weights, &ranges, &spec.to_string());
    }

    #[test]
    fn no_input_exceeds_the_bound_and_the_witness_reaches_it(
        spec in any_spec(),
        k in 0usize..=150,
        weight_bits in 1u32..=32,
        input in prop_oneof![(1u32..=32).prop_map(Range::signed), (1u32..=32).prop_map(Range::unsigned)],
        seed in any::<u64>(),
    ) {
        // The final value must fit int64, and only the exact trajectory matters here.
        let mut spec = spec;
        spec.0.last_mut().unwrap().register = Some((64, Overflow::Wrap));
        let acc = acc(&spec.to_string());
        let weights = Matrix::left(3, k, Range::signed(weight_bits), Pattern::Uniform, seed);
        let weights = Array2::from_shape_vec((3, k), weights.data).unwrap();
        let range = InputRange::new(input.low, input.high);
        let layer = Layer::new(weights.view(), Inputs::Same(range)).unwrap();
        let bounds = layer.bounds(&acc).unwrap();
        for pattern in Pattern::ALL {
            let x = Matrix::right(k, 4, input, pattern, seed ^ 1);
            let x = Array2::from_shape_vec((k, 4), x.data).unwrap();
            for (row, bound) in bounds.rows().iter().enumerate() {
                let w = weights.slice(ndarray::s![row..=row, ..]);
                let report = matmul(w, x.view(), &acc).unwrap().1;
                for (found, bound) in report.stages.iter().zip(&bound.stages) {
                    prop_assert!(found.required_bits <= bound.required_bits);
                }
            }
        }
        for (row, bound) in bounds.rows().iter().enumerate() {
            for (index, bound) in bound.stages.iter().enumerate() {
                let x = Array2::from_shape_vec((k, 1), layer.witness(row, bound.side())).unwrap();
                let w = weights.slice(ndarray::s![row..=row, ..]);
                let report = matmul(w, x.view(), &acc).unwrap().1;
                prop_assert_eq!(report.stages[index].required_bits, bound.required_bits);
            }
        }
    }

    #[test]
    fn the_narrowest_registers_have_no_event_and_one_bit_less_has(
        row in prop::collection::vec(-128i64..=127, 1..=60),
        shape in prop::sample::select(SHAPES[1..].to_vec()),
    ) {
        let layer = Layer::new(one_row(&row), Inputs::Same(InputRange::unsigned(8))).unwrap();
        let bounds = layer.bounds(&acc(shape)).unwrap();
        let narrowest = bounds.narrowest().unwrap();
        prop_assert!(bounds.guarantees(&narrowest).unwrap().all());
        for side in [Side::Lower, Side::Upper] {
            let (value, traces) = sum_products(&narrowest, products(&row, &layer.witness(0, side)));
            prop_assert_eq!(value, products(&row, &layer.witness(0, side)).sum::<i128>());
            prop_assert!(traces.iter().all(|t| t.events == 0));
        }
        // Narrow the stages one by one: the witness of that stage must overflow it.
        for (index, bound) in bounds.rows()[0].stages.iter().enumerate() {
            let mut stages = narrowest.stages().to_vec();
            let fewbit::accumulate::Register::Int { bits, .. } = &mut stages[index].register else { continue };
            if bound.required_bits <= 2 { continue }
            *bits = bound.required_bits - 1;
            let narrower = Accumulator::new(stages).unwrap();
            let guarantee = bounds.guarantees(&narrower).unwrap();
            prop_assert!(!guarantee.fits[0][index] && !guarantee.row(0));
            let x = layer.witness(0, bound.side());
            prop_assert!(sum_products(&narrower, products(&row, &x)).1[index].events > 0);
        }
    }
}

#[test]
fn prefixes_matter_where_zero_is_no_input() {
    // 3 x with x in [2, 3] climbs to 9, then -3 x takes it back: the total is within [-3, 3].
    check_exhaustively(&[3, -3], &[InputRange::new(2, 3); 2], "exact");
    let weights = array![[3, -3]];
    let layer = Layer::new(weights.view(), Inputs::Same(InputRange::new(2, 3))).unwrap();
    let bounds = layer.bounds(&acc("exact")).unwrap();
    let stage = bounds.rows()[0].stages[0];
    assert_eq!((stage.min, stage.max, stage.required_bits), (-3, 9, 5));
    // In steps of two the climb is never seen.
    let stage = layer.bounds(&acc("exact*2")).unwrap().rows()[0].stages[0];
    assert_eq!((stage.min, stage.max, stage.required_bits), (-3, 3, 3));
}

#[test]
fn biases_are_part_of_the_worst_case() {
    let weights = [2, -3, 1];
    let ranges = [InputRange::new(-1, 2), InputRange::new(1, 2), InputRange::new(0, 3)];
    for text in SHAPES {
        let acc = acc(text);
        for bias in -20i64..=20 {
            let values = [bias];
            let layer = |bias| {
                let layer = Layer::new(one_row(&weights), Inputs::PerChannel(&ranges)).unwrap();
                layer.with_bias(bias).unwrap()
            };
            let stated = |layer: &Layer<'_>| {
                let rows = layer.bounds(&acc).unwrap();
                rows.rows()[0]
                    .stages
                    .iter()
                    .map(|s| (s.min, s.max, s.required_bits))
                    .collect::<Vec<_>>()
            };
            let initial = layer(RowBias::Initial(&values));
            let all = all_inputs(&ranges);
            let runs =
                all.iter().map(|x| sum_products_from(&acc, bias.into(), products(&weights, x)).1);
            assert_eq!(stated(&initial), extremes(runs), "{text}, bias {bias}");
            let added = layer(RowBias::Added(&values));
            if acc.stages().last().unwrap().is_interleaved() {
                let error = added.bounds(&acc).unwrap_err().to_string();
                assert!(error.contains("whose registers take turns"), "{error}");
                continue;
            }
            let runs = all.iter().map(|x| {
                let (_, mut traces) = sum_products(&acc, products(&weights, x));
                let after = products(&weights, x).sum::<i128>() + i128::from(bias);
                let last = traces.last_mut().unwrap();
                last.exact_min = last.exact_min.min(after);
                last.exact_max = last.exact_max.max(after);
                traces
            });
            assert_eq!(stated(&added), extremes(runs), "{text}, bias {bias} added");
        }
    }
}

/// The widths of `acc`'s integer registers set to `bits`, whatever they were; `overflow` everywhere.
fn with_widths(acc: &Accumulator, bits: &[u32], overflow: RegisterOverflow) -> Accumulator {
    let stages = acc.stages().iter().zip(bits).map(|(stage, &bits)| match stage.register {
        Register::Int { .. } => Stage { register: Register::Int { bits, overflow }, ..*stage },
        _ => *stage,
    });
    Accumulator::new(stages.collect()).unwrap()
}

/// Every width against every input, through the real registers: the stated width is the least that no input overflows,
/// stage by stage, inner stages being as narrow as they may.
fn check_every_width(weights: &[Vec<i64>], ranges: &[InputRange], starts: &[i64], text: &str) {
    let shape = acc(text);
    let k = ranges.len();
    let matrix = Array2::from_shape_vec((weights.len(), k), weights.concat()).unwrap();
    let layer = Layer::new(matrix.view(), Inputs::PerChannel(ranges)).unwrap();
    let layer = layer.with_bias(RowBias::Initial(starts)).unwrap();
    let bounds = layer.bounds(&shape).unwrap();
    let all = all_inputs(ranges);
    const WIDEST: u32 = 11;
    let mut layer_widths = vec![1; shape.stages().len()];
    for (row, bound) in bounds.rows().iter().enumerate() {
        let needed: Vec<u32> = bound.stages.iter().map(|s| s.required_bits.max(2)).collect();
        for stage in 0..needed.len() {
            if shape.stages()[stage].register == Register::Exact {
                continue;
            }
            let last = stage + 1 == needed.len();
            let mut least = None;
            for bits in 2..=WIDEST {
                let mut widths = needed.clone();
                widths[stage] = bits;
                widths[stage + 1..].fill(64);
                let mut overflowed = [false; 2];
                let kinds = [RegisterOverflow::Wrap, RegisterOverflow::Saturate];
                for (overflow, overflowed) in kinds.into_iter().zip(&mut overflowed) {
                    let acc = with_widths(&shape, &widths, overflow);
                    let (low, high) = int_range(bits);
                    let start = i128::from(starts[row]);
                    // A register that cannot hold its starting value is refused, not run.
                    *overflowed = last && !(low..=high).contains(&start)
                        || all.iter().any(|x| {
                            let run = sum_products_from(&acc, start, products(&weights[row], x));
                            run.1[stage].events > 0
                        });
                    let guarantee = bounds.guarantees(&acc).unwrap();
                    assert_eq!(guarantee.fits[row][stage], !*overflowed, "{acc}, row {row}");
                }
                assert_eq!(overflowed[0], overflowed[1]);
                if !overflowed[0] && least.is_none() {
                    least = Some(bits);
                }
                assert!(overflowed[0] || bits >= needed[stage], "{text}: {bits} bits suffice");
            }
            assert_eq!(
                least,
                Some(needed[stage]),
                "{text}, weights {weights:?}, inputs {ranges:?}"
            );
            layer_widths[stage] = layer_widths[stage].max(bound.stages[stage].required_bits);
        }
    }
    for (stage, &bits) in layer_widths.iter().enumerate() {
        if shape.stages()[stage].register != Register::Exact {
            assert_eq!(bounds.required_bits(stage), bits);
        }
    }
}

#[test]
fn the_stated_width_is_the_least_of_all_widths_over_all_inputs() {
    let lists: [&[(i64, i64)]; 4] = [
        &[(-2, 1), (0, 3), (1, 2), (-1, -1)],
        &[(-2, 1); 4],
        &[(2, 4), (-4, -2), (2, 4), (-4, -2)],
        &[(0, 1), (0, 0), (-3, 0), (5, 6)],
    ];
    let weights = [vec![3, -2, 1, -4], vec![-8, 7, 7, -8], vec![0, 0, 0, 0], vec![1, 1, -1, 1]];
    for text in SHAPES {
        for list in lists {
            let ranges: Vec<_> = list.iter().map(|&(l, h)| InputRange::new(l, h)).collect();
            for starts in [[0; 4], [5, -60, 0, 1], [-9, 31, -32, 127]] {
                check_every_width(&weights, &ranges, &starts, text);
            }
        }
    }
}

#[test]
fn rows_without_weights_need_one_bit() {
    for weights in [Array2::<i64>::zeros((3, 40)), Array2::zeros((3, 0))] {
        let layer = Layer::new(weights.view(), Inputs::Same(InputRange::unsigned(8))).unwrap();
        let bounds = layer.bounds(&acc("int8-sat/4,int16-sat")).unwrap();
        for row in 0..3 {
            assert!(bounds.rows()[row].stages.iter().all(|s| s.required_bits == 1));
            assert_eq!((bounds.a2q_bits(row, 1), bounds.a2q_plus_bits(row, 1)), (1, 1));
            assert_eq!(layer.witness(row, Side::Upper), vec![0; weights.ncols()]);
        }
        assert_eq!(bounds.narrowest().unwrap(), acc("int2-sat/4,int2-sat"));
        assert!(bounds.guarantees(&acc("int2-sat/4,int2-wrap")).unwrap().all());
    }
    let none = Array2::<i64>::zeros((0, 4));
    let layer = Layer::new(none.view(), Inputs::Same(InputRange::unsigned(8))).unwrap();
    assert_eq!(layer.bounds(&acc("exact")).unwrap().required_bits(0), 1);
}

#[test]
fn full_range_weights_of_8_and_32_bits() {
    let weights = array![[-128, 127, -128, 127]];
    let layer = Layer::new(weights.view(), Inputs::Same(InputRange::signed(8))).unwrap();
    let stage = layer.bounds(&acc("exact")).unwrap().rows()[0].stages[0];
    assert_eq!(
        (stage.min, stage.max),
        (-2 * 127 * 128 - 2 * 128 * 127, 2 * 128 * 128 + 2 * 127 * 127)
    );
    let low = i64::from(i32::MIN);
    let weights = array![[low, low, low]];
    let layer = Layer::new(weights.view(), Inputs::Same(InputRange::signed(32))).unwrap();
    let stage = layer.bounds(&acc("exact")).unwrap().rows()[0].stages[0];
    assert_eq!((stage.max, stage.required_bits), (3 << 62, 65));
    assert!(matches!(
        layer.bounds(&acc("int64-wrap")).unwrap().narrowest(),
        Err(BoundsError::NoRegister { stage: 0, bits: 65 })
    ));
}

#[test]
fn the_norm_bounds_are_those_of_the_papers() {
    // The papers' formulas over real logarithms, where these are not within rounding error of an integer.
    let unsigned = |bits| DataType { bits, sign: Sign::Unsigned };
    let signed = |bits| DataType { bits, sign: Sign::Signed };
    let phi = |a: f64| (1.0 + (-a).exp2()).log2();
    for norm in [1u32, 2, 3, 5, 100, 127, 1000, 4095, 123_456] {
        for bits in [1u32, 2, 4, 8, 16] {
            for (input, sign) in [(unsigned(bits), 0.0), (signed(bits), 1.0)] {
                let b = f64::from(norm).log2() + f64::from(bits) - sign;
                assert_eq!(a2q_bits(norm.into(), input), (b + phi(b) + 1.0).ceil() as u32);
                let plus = (f64::from(norm) * (f64::from(bits).exp2() - 1.0) + 2.0).log2().ceil();
                assert_eq!(a2q_plus_bits(norm.into(), input), plus as u32);
                let a = f64::from(norm).log2() + f64::from(bits) + 4.0 - 1.0 - sign;
                assert_eq!(data_type_bits(norm.into(), 4, input), (a + phi(a) + 1.0).ceil() as u32);
            }
        }
    }
}

proptest! {
    #[test]
    fn a2q_is_safe_and_never_below_the_exact_bound(
        row in prop::collection::vec(-128i64..=127, 0..=40),
        signed in any::<bool>(),
        bits in 1u32..=16,
    ) {
        let range = if signed { InputRange::signed(bits) } else { InputRange::unsigned(bits) };
        let layer = Layer::new(one_row(&row), Inputs::Same(range)).unwrap();
        let bounds = layer.bounds(&acc("exact")).unwrap();
        let exact = bounds.required_bits(0);
        prop_assert!(exact <= bounds.a2q_bits(0, 0));
        prop_assert!(bounds.a2q_bits(0, 0) <= layer.data_type_bits(Some(8)));
        // The A2Q+ bound is safe for weights whose positive and negative parts are equal.
        let centred: Vec<i64> = row.iter().flat_map(|&w| [w, -w]).collect();
        let layer = Layer::new(one_row(&centred), Inputs::Same(range)).unwrap();
        let bounds = layer.bounds(&acc("exact")).unwrap();
        prop_assert!(bounds.required_bits(0) <= bounds.a2q_plus_bits(0, 0));
        prop_assert!(bounds.a2q_plus_bits(0, 0) <= bounds.a2q_bits(0, 0));
    }
}

#[test]
fn the_norm_of_an_inner_stage_is_that_of_its_largest_tile() {
    let weights = array![[1, -2, 30, -40, 5]];
    let layer = Layer::new(weights.view(), Inputs::Same(InputRange::unsigned(4))).unwrap();
    let bounds = layer.bounds(&acc("int16-sat/2,int16-sat")).unwrap();
    let norms: Vec<u128> = bounds.rows()[0].stages.iter().map(|s| s.norm).collect();
    assert_eq!(norms, [70, 78]);
}

#[test]
fn data_types_of_ranges() {
    let of = |low, high| InputRange::new(low, high).data_type();
    assert_eq!(of(0, 255), DataType { bits: 8, sign: Sign::Unsigned });
    assert_eq!(of(0, 200), DataType { bits: 8, sign: Sign::Unsigned });
    assert_eq!(of(-127, 127), DataType { bits: 8, sign: Sign::Signed });
    assert_eq!(of(-128, 0), DataType { bits: 8, sign: Sign::Signed });
    assert_eq!(of(3, 7), DataType { bits: 3, sign: Sign::Unsigned });
    let ranges = [InputRange::unsigned(4), InputRange::signed(3)];
    let expected = DataType { bits: 5, sign: Sign::Signed };
    assert_eq!(Inputs::PerChannel(&ranges).data_type(), expected);
    assert_eq!(required_bits_of_range(-4, 15), 5);
}

#[test]
fn ranges_of_formats() {
    let of = |name: &str| InputRange::try_from(name.parse::<Format>().unwrap());
    let expected = [
        ("uint8", 0, 255),
        ("int8", -128, 127),
        ("int8n", -127, 127),
        ("int1", -1, 0),
        ("uint32", 0, (1 << 32) - 1),
        ("fix8.4", -128, 127),
        ("ufix8.4", 0, 255),
        ("binary", -1, 1),
        ("ternary", -1, 1),
    ];
    for (name, low, high) in expected {
        assert_eq!(of(name), Ok(InputRange::new(low, high)), "{name}");
    }
    assert_eq!(
        of("e4m3fn").unwrap_err().to_string(),
        "`e4m3fn` has no integer codes: expected an integer format, such as uint8 or int4"
    );
    // Every input of a witness is an end of the range, so that binary inputs are binary.
    let weights = array![[3, 0, -2]];
    let layer = Layer::new(weights.view(), Inputs::Same(of("binary").unwrap())).unwrap();
    assert!(layer.witness(0, Side::Upper).iter().all(|x| x.abs() == 1));
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let weights = array![[1i64, 2]];
    let same = |low, high| Inputs::Same(InputRange::new(low, high));
    let error = Layer::new(weights.view(), same(3, 2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the input range of channel 0 is [3, 2]: its low end must not exceed its high end"
    );
    let ranges = [InputRange::unsigned(1); 3];
    let error = Layer::new(weights.view(), Inputs::PerChannel(&ranges)).unwrap_err();
    assert_eq!(error, BoundsError::Channels { ranges: 3, channels: 2 });
    let layer = Layer::new(weights.view(), same(0, 1)).unwrap();
    let error = layer.clone().with_bias(RowBias::Added(&[1, 2])).unwrap_err();
    assert_eq!(error, BoundsError::Biases { biases: 2, rows: 1 });
    let bounds = layer.bounds(&acc("int8-sat/4,exact")).unwrap();
    assert!(matches!(bounds.guarantees(&acc("int8-sat")), Err(BoundsError::OtherTiles { .. })));
    assert!(matches!(
        bounds.guarantees(&acc("int8-sat/3,exact")),
        Err(BoundsError::OtherTiles { .. })
    ));
    let wide = array![[i64::MIN; 4]];
    let layer = Layer::new(wide.view(), same(i64::MIN, i64::MAX)).unwrap();
    assert_eq!(layer.bounds(&acc("exact")), Err(BoundsError::TooWide { row: 0 }));
}
