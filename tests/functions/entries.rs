//! Entries against exact functions: how near to a boundary of rounding they come, and that all are on the right side.

use fewbit::formats::Format;
use fewbit::functions::table::{Function, Table, TablePreset, TableSpec};
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::exact;

fn ratio(x: f64) -> BigRational {
    BigRational::from_float(x).unwrap()
}

/// The input of an entry of a table that has one for every code of an integer or fixed-point format, exactly.
fn input(table: &Table, index: usize) -> BigRational {
    let scaled = table.spec().input();
    let format = scaled.format();
    let first = if format.is_signed() { -(1i64 << (format.bits() - 1)) } else { 0 };
    let unit = match format {
        Format::Fixed(fixed) => ratio(2f64.powi(-fixed.fraction_bits())),
        _ => ratio(1.0),
    };
    let integer = first + index as i64 - scaled.zero_point();
    BigRational::from(num_bigint::BigInt::from(integer)) * unit * ratio(scaled.scale())
}

/// The distance of an exact value, in units of the output, to the next boundary between two entries; and the entry.
fn nearest(table: &Table, exact: &BigRational) -> (f64, i64) {
    let output = table.spec().output();
    let unit = match output.format() {
        Format::Fixed(fixed) => ratio(2f64.powi(-fixed.fraction_bits())),
        _ => ratio(1.0),
    };
    let units = exact / unit / ratio(output.scale());
    let half = ratio(0.5);
    let below = (&units + &half).floor();
    let edge = (&units - &below).abs() - half;
    let (least, most) = (output.format().min_finite(), output.format().max_finite());
    let scale = match output.format() {
        Format::Fixed(fixed) => 2f64.powi(fixed.fraction_bits()),
        _ => 1.0,
    };
    let integer = below.to_integer().to_i64().unwrap() + output.zero_point();
    let entry = integer.clamp((least * scale) as i64, (most * scale) as i64);
    (edge.abs().to_f64().unwrap(), entry)
}

/// Every entry of a direct table, against the exact function at the exact input: the nearest distance to a boundary.
fn check(text: &str) -> f64 {
    let table = Table::new(text.parse::<TableSpec>().unwrap()).unwrap();
    let bits = table.spec().output().format().bits();
    let (mut nearest_edge, mut compared) = (1f64, 0);
    for (index, &code) in table.entries().iter().enumerate() {
        let Some(exact) = exact::value(table.spec().function(), &input(&table, index)) else {
            continue;
        };
        let (edge, expected) = nearest(&table, &exact);
        // Exact ties are a matter of the mode alone.
        if edge.is_zero() {
            continue;
        }
        let unused = 64 - bits;
        let aligned = u64::from(code) << unused;
        let signed = table.spec().output().format().is_signed();
        let found = if signed { aligned as i64 >> unused } else { (aligned >> unused) as i64 };
        assert_eq!(found, expected, "{text}, entry {index}, {edge:e} from a boundary");
        nearest_edge = nearest_edge.min(edge);
        compared += 1;
    }
    assert!(compared > table.entries().len() / 3, "{text}: {compared}");
    nearest_edge
}

#[test]
fn entries_are_the_nearest_to_the_exact_function() {
    let tables = [
        "sigmoid,in=int8*0.0625,out=uint8*0.00390625",
        "sigmoid,in=fix12.8,out=fix18.16",
        "tanh,in=int8*0.047@-7,out=int8*0.0078125",
        "tanh,in=fix12.9,out=fix24.22",
        "exp,in=int8*0.05@127,out=uint16*0.0000152587890625",
        "exp-negated,in=uint8*0.03,out=fix24.20",
        "gelu,in=int8*0.04,out=int8*0.04@-3",
        "gelu,in=fix10.6,out=fix24.18",
        "gelu-tanh,in=fix10.6,out=fix20.14",
        "silu,in=fix10.5,out=fix24.16",
        "softplus,in=fix9.4,out=fix24.18",
        "softsign,in=fix12.6,out=fix24.22",
        "elu,in=fix10.6,out=fix24.18",
        "erf,in=fix10.7,out=fix24.22",
        "sqrt,in=ufix12.4,out=fix24.16",
        "rsqrt,in=ufix10.4,out=fix24.18,nan=zero,out-overflow=saturate",
        "reciprocal,in=fix10.4,out=fix24.16",
        "reciprocal-of-next,in=ufix10.10,out=fix24.22",
        "log,in=ufix10.4,out=fix24.18,nan=smallest",
        "identity,in=int8*0.3,out=int8*0.7@11",
    ];
    let mut nearest = 1f64;
    for text in tables {
        nearest = nearest.min(check(text));
    }
    // A unit of these outputs is at least some 2^-22 of the largest value: f64's error is far below.
    println!("{nearest:e}");
    assert!(nearest > 1e-8, "{nearest:e}");
}

/// TFLite's int8 tables are made in float32: where they differ from the exact function it is at a boundary.
#[test]
fn float32_entries_differ_from_exact_ones_at_boundaries_alone() {
    let functions = [
        Function::Sigmoid,
        Function::Tanh,
        Function::Exp,
        Function::Gelu,
        Function::GeluTanh,
        Function::Elu,
    ];
    let (mut entries, mut others) = (0, 0);
    for function in functions {
        for scale in ["0.0625", "0.047", "0.2", "0.013"] {
            let input_format = format!("int8*{scale}@-7").parse().unwrap();
            let spec = TablePreset::TfliteInt8.spec(
                function,
                input_format,
                "int8*0.0078125@-3".parse().unwrap(),
                None,
            );
            let table = Table::new(spec.unwrap()).unwrap();
            for (index, &code) in table.entries().iter().enumerate() {
                let exact = exact::value(function, &input(&table, index)).unwrap();
                let (edge, expected) = nearest(&table, &exact);
                entries += 1;
                if i64::from(code as u8 as i8) != expected {
                    others += 1;
                    assert!(edge < 1e-4, "{function} {scale} {index}: {edge}");
                }
            }
        }
    }
    println!("{others} of {entries}");
    assert!(entries == 6 * 4 * 256 && others < 20, "{others}");
}

#[test]
fn the_oracle_sees_a_wrong_entry() {
    let table = Table::new("tanh,in=int8*0.0625,out=int8*0.0078125".parse().unwrap()).unwrap();
    let exact = exact::value(Function::Tanh, &input(&table, 140)).unwrap();
    let (_, expected) = nearest(&table, &exact);
    assert_eq!(expected, i64::from(table.entries()[140] as i8));
    assert_ne!(expected, i64::from(table.entries()[141] as i8));
}
