//! Registers of integers within blocks of whole numbers, and registers of floats between them.

use fewbit::ReportLevel;
use fewbit::formats::{Format, Overflow, Policy, Rounding};
use fewbit_models::exec::integer::IntegerOptions;

use crate::layer::{Layer, in_groups, named};
use crate::support::{Narrow, assert_close, fake, floats, integer, preset};

fn options(acc: &str) -> IntegerOptions {
    IntegerOptions {
        accumulator: acc.parse().expect("an accumulator"),
        report: ReportLevel::Events,
        ..IntegerOptions::default()
    }
}

/// What the stages make of a layer: whole numbers in tiles through a register, times both scales, rounded by a float register.
fn stepped(layer: &Layer, narrow: Narrow, tile: usize, format: Format) -> (Vec<f32>, u64) {
    let policy = Policy::new(Rounding::TiesEven, Overflow::Special);
    let ([a, s, _], [w, t, _]) = (layer.elements(0), layer.elements(1));
    let (mut values, mut events) = (Vec::new(), 0);
    for i in 0..a.nrows() {
        for j in 0..w.nrows() {
            let mut register = 0.0f64;
            let places: Vec<usize> = (0..a.ncols()).collect();
            for some in places.chunks(tile) {
                let products = some.iter().map(|&k| (a[[i, k]] * w[[j, k]]) as i64);
                let (sum, found) = narrow.sum(products);
                events += found;
                // Sums of few digits, times powers of two: f64 holds them, and their sum with the register.
                let next = register + sum as f64 * (s[[i, some[0]]] * t[[j, some[0]]]);
                register = format.decode(format.encode(next, &policy, 0).expect("a number").code);
            }
            values.push(register as f32);
        }
    }
    (values, events)
}

#[test]
fn whole_numbers_within_blocks_and_floats_between_them() {
    let (of_x, of_w) = (named("MXInt8Act"), named("MXInt8Weight"));
    let mut overflowed = 0;
    for k in [96, 83] {
        let layer = Layer::new(&of_x, &of_w, [3, k, 5], false);
        for (acc, narrow, tile, format) in [
            ("int14-sat/32,f32", Narrow::Saturates(14), 32, Format::F32),
            ("int13-wrap/16,f32", Narrow::Wraps(13), 16, Format::F32),
            ("int32-wrap/32,bf16", Narrow::Exact, 32, Format::BF16),
            ("int12-sat/8,f16", Narrow::Saturates(12), 8, Format::F16),
        ] {
            let run = integer(&layer.graph, &layer.inputs(), &options(acc));
            assert_eq!(run.in_floats, Vec::<String>::new(), "{acc}");
            let (expected, events) = stepped(&layer, narrow, tile, format);
            assert_eq!(floats(&run.outputs[0]), expected, "{acc} {k}");
            let node = &run.nodes[0];
            let inner: u64 = node.events.iter().flatten().map(|stage| stage.events).sum();
            assert_eq!(inner, events, "{acc}");
            let steps = node.float.as_ref().expect("a report of the floats").stages[0].steps;
            let tiles = k.div_ceil(tile) as u64;
            assert_eq!(steps, tiles * expected.len() as u64, "{acc}");
            overflowed += events;
        }
        let run = integer(&layer.graph, &layer.inputs(), &options("int32-wrap/32,f32"));
        assert_close(&floats(&run.outputs[0]), &fake(&layer.graph, &layer.inputs()), 1e-5);
    }
    assert!(overflowed > 10, "{overflowed}");
}

/// Weights in groups beside inputs with a scale per row, which stands outside.
#[test]
fn scales_of_whole_rows_stand_outside() {
    let of_w = in_groups(preset("Int8WeightPerChannelFloat", 4), 1, 16);
    let layer = Layer::new(&preset("Int8DynamicActPerRowFloat", 8), &of_w, [3, 96, 5], true);
    let run = integer(&layer.graph, &layer.inputs(), &options("int24-sat/16,f32"));
    assert_eq!(run.in_floats, Vec::<String>::new());
    assert_close(&floats(&run.outputs[0]), &fake(&layer.graph, &layer.inputs()), 2e-5);
}

/// Tiles over several blocks have no unit, and a register of integers behind one of floats has none.
#[test]
fn tiles_that_have_no_unit_say_why() {
    let layer = Layer::new(&named("MXInt8Act"), &named("MXInt8Weight"), [2, 64, 3], false);
    for (acc, why) in [
        ("int16-sat/48,f32", "a tile of 48 products reaches over blocks of 32"),
        ("int16-sat/64,f32", "a tile of 64 products reaches over blocks of 32"),
        ("int16-sat/32,f32/2,int32-sat", "behind registers of floats"),
    ] {
        let run = integer(&layer.graph, &layer.inputs(), &options(acc));
        assert!(run.nodes.is_empty() && run.in_floats.len() == 1, "{:?}", run.in_floats);
        assert!(run.in_floats[0].contains(why), "{:?}", run.in_floats);
        assert_eq!(floats(&run.outputs[0]), fake(&layer.graph, &layer.inputs()));
    }
}
