//! Tables: their text, their addresses and lines against rationals, presets, and what is refused.

use fewbit::formats::{Format, Rounding};
use fewbit::functions::table::{
    EntryOrder, Function, Interpolation, LookUpError, Outside, Table, TableAddress, TableError,
    TablePreset, TableSpec,
};
use fewbit::reference::functions::{look_up, look_up_slice, place, table_distance};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

fn ratio(x: f64) -> BigRational {
    BigRational::from_float(x).unwrap()
}

/// Tables of every kind of part.
const TABLES: [&str; 16] = [
    "sigmoid,in=int8*0.0625,out=uint8*0.00390625",
    "tanh,in=int8n*0.05@-3,out=int4*0.125@1,order=code",
    "exp,in=fix8.4,out=bf16,address=slice7:3,round=ties-even",
    "gelu,in=e4m3fn,out=e4m3fn,nan=zero",
    "tanh,in=int12*0.002,out=int16*0.001,address=slice11:2,between=linear4",
    "tanh,in=int12*0.002,out=int16*0.001,address=slice11:2,between=linear4,round=ties-up,outside=wrap",
    "silu,in=uint10*0.01@512,out=fix16.11,address=slice9:1,between=linear5",
    "log,in=ufix12.6,out=fix16.10,nan=smallest,address=slice11:5",
    "softsign,in=int10*0.1,out=int8*0.01,address=slice6:1,outside=clamp",
    "softsign,in=int10*0.1,out=int8*0.01,address=slice6:1,outside=wrap,order=code",
    "erf,in=uint10*0.01,out=int8*0.01,address=slice6:0,outside=wrap",
    "sigmoid,in=fix16.10,out=fix18.10,address=step64:-512:1024,round=toward-zero,out-round=down,out-overflow=wrap,by=hls4ml",
    "tanh,in=int8*0.3,out=fix18.10,address=step12.5:-33:70,round=ties-even,outside=wrap",
    "tanh,in=fix12.6@0,out=fix18.10,address=step3.7:-11:23,round=down,between=linear6",
    "elu,in=e5m2,out=int8*0.1,address=step8:-20:50,round=ties-away,outside=clamp",
    "exp,in=int16*0.0003,out=int16*0.0007,between=linear7,fill=tflite-midpoint,by=tflite,out-round=ties-away",
];

/// By the text of the address rules: which place an input has, before its range.
fn oracle(spec: &TableSpec, code: u32) -> Option<(BigInt, u32)> {
    let fraction_bits = spec.interpolation().fraction_bits();
    let format = spec.input().format();
    let numbers = matches!(format, Format::Int(_) | Format::Fixed(_));
    let mut integer = BigInt::from(code);
    if numbers && format.is_signed() && code >> (format.bits() - 1) & 1 == 1 {
        integer -= BigInt::from(1u64 << format.bits());
    }
    let exact = match spec.address() {
        TableAddress::Slice { low, .. } => BigRational::new(integer, BigInt::from(1u64 << low)),
        TableAddress::Step { per_unit, .. } => {
            let x = spec.input().decode(code);
            if !x.is_finite() {
                return None;
            }
            ratio(x) * ratio(per_unit) * ratio(2f64.powi(fraction_bits as i32))
        }
        _ => unreachable!(),
    };
    let below = exact.floor().to_integer();
    let part = &exact - exact.floor();
    let half = ratio(0.5);
    let up = match spec.rounding() {
        Rounding::Down => false,
        Rounding::TowardZero => exact.is_negative() && !part.is_zero(),
        Rounding::TiesUp => part >= half,
        Rounding::TiesAway => part > half || (part == half && exact.is_positive()),
        Rounding::TiesEven => part > half || (part == half && below.is_odd()),
        other => panic!("the oracle has no {other}"),
    };
    Some((below + BigInt::from(u32::from(up)), fraction_bits))
}

#[test]
fn places_and_lines_are_those_of_rationals() {
    for text in TABLES {
        let spec: TableSpec = text.parse().unwrap();
        let table = Table::new(spec).unwrap();
        let codes = spec.input().format().code_count();
        for code in (0..codes).step_by(if codes > 4096 { 7 } else { 1 }) {
            let code = code as u32;
            let Some((step, f)) = oracle(&spec, code) else { continue };
            let addresses = table.entries().len() as i64 - i64::from(f > 0);
            let signed = matches!(spec.input().format(), Format::Int(_) | Format::Fixed(_))
                && spec.input().format().is_signed();
            let first = match spec.address() {
                TableAddress::Step { first, .. } => first,
                _ if signed => -addresses / 2,
                _ => 0,
            };
            let from_first = step - (BigInt::from(first) << f);
            let count = BigInt::from(addresses) << f;
            let within = match spec.outside() {
                Outside::Wrap => from_first.mod_floor(&count),
                _ => from_first.clamp(BigInt::zero(), count - 1),
            };
            let (index, offset) = within.div_mod_floor(&BigInt::from(1u32 << f));
            let found = place(&table, code).unwrap();
            let place = (BigInt::from(found.index), BigInt::from(found.offset));
            assert_eq!(place, (index.clone(), offset.clone()), "{code:x} of {text}");
            let index = index.to_usize().unwrap();
            let expected =
                if f == 0 { table.entries()[index] } else { line(&table, index, &offset, f) };
            assert_eq!(look_up(&table, code), Ok(expected), "{code:x} of {text}");
        }
    }
}

/// The line between two entries, of tables whose differences fit.
fn line(table: &Table, index: usize, offset: &BigInt, f: u32) -> u32 {
    let format = table.spec().output().format();
    let unit = match format {
        Format::Fixed(fixed) => 2f64.powi(fixed.fraction_bits()),
        _ => 1.0,
    };
    let integer = |index: usize| ratio(format.decode(table.entries()[index]) * unit);
    let (from, to) = (integer(index), integer(index + 1));
    let way = BigRational::new(offset.clone(), BigInt::from(1u32 << f));
    // Rounded half up from the first entry.
    let value = &from + ((to - &from) * way + ratio(0.5)).floor();
    let value = value.to_integer().to_i64().unwrap();
    (value as u64 & ((1 << format.bits()) - 1)) as u32
}

#[test]
fn what_is_printed_parses_to_the_same() {
    for text in TABLES {
        let spec: TableSpec = text.parse().unwrap();
        assert_eq!(spec.to_string().parse::<TableSpec>(), Ok(spec), "{spec}");
    }
    for &function in Function::ALL {
        assert_eq!(function.to_string().parse(), Ok(function));
    }
    for &preset in TablePreset::ALL {
        assert_eq!(preset.to_string().parse(), Ok(preset));
    }
    for address in ["slice7:0", "step0.1:-3:9", "step1e-5:0:1"] {
        assert_eq!(
            address.parse::<TableAddress>().unwrap().to_string().parse(),
            address.parse::<TableAddress>()
        );
    }
}

#[test]
fn tables_in_memory() {
    let table = |text: &str| Table::new(text.parse::<TableSpec>().unwrap()).unwrap();
    let ascending = table("identity,in=int3,out=int8");
    assert_eq!(ascending.memory(), ascending.entries());
    assert_eq!(ascending.entries(), [252, 253, 254, 255, 0, 1, 2, 3]);
    assert_eq!(
        table("identity,in=int3,out=int8,order=code").memory(),
        [0, 1, 2, 3, 252, 253, 254, 255]
    );
    // The two upper of three bits.
    let upper = table("identity,in=int3,out=int8,address=slice2:1,order=code");
    assert_eq!(upper.memory(), [0, 2, 252, 254]);
    assert_eq!(look_up_slice(&upper, &[7, 3]), Ok(vec![254, 2]));
}

/// hls4ml's C++, statement by statement, for its sigmoid and tanh tables and their addresses.
#[test]
fn hls4ml_tables_are_those_of_its_source() {
    for (function, reach) in [
        (Function::Sigmoid, 8),
        (Function::Tanh, 4),
        (Function::Softplus, 8),
        (Function::Softsign, 8),
    ] {
        for size in [1024i64, 1000, 64] {
            let spec = TablePreset::Hls4ml.spec(
                function,
                "fix16.10".parse().unwrap(),
                "fix18.10".parse().unwrap(),
                Some(size as u32),
            );
            let table = Table::new(spec.unwrap()).unwrap();
            for index in 0..size {
                let input = (2.0 * f64::from(reach) * (index as f64 - size as f64 / 2.0)
                    / size as f64) as f32;
                let x = f64::from(input);
                let value = match function {
                    Function::Sigmoid => f64::from(1.0 / (1.0 + libm::exp(-x) as f32)),
                    Function::Tanh => f64::from(libm::tanh(x) as f32),
                    Function::Softplus => {
                        f64::from(libm::log(f64::from(libm::exp(x) as f32) + 1.0) as f32)
                    }
                    _ => f64::from((x / (x.abs() + 1.0)) as f32),
                };
                // ap_fixed<18, 8>: truncated.
                let expected = (value * 1024.0).floor() as i64 as u32 & 0x3ffff;
                assert_eq!(table.entries()[index as usize], expected, "{function} {size} {index}");
            }
            for code in 0..1u32 << 16 {
                // data * table_size / 16 in fixed point, then to int: both toward 0.
                let data = i64::from(code as u16 as i16);
                let round = (data * size / (2 * i64::from(reach))) / 1024;
                let index =
                    (round + i64::from(reach) * size / (2 * i64::from(reach))).clamp(0, size - 1);
                assert_eq!(
                    place(&table, code).unwrap().index as i64,
                    index,
                    "{function} {size} {code:x}"
                );
            }
        }
    }
}

#[test]
fn hls4ml_softmax_tables_take_the_top_bits() {
    let spec = TablePreset::Hls4mlSoftmax.spec(
        Function::Reciprocal,
        "fix18.10".parse().unwrap(),
        "fix18.10".parse().unwrap(),
        None,
    );
    let table = Table::new(spec.unwrap()).unwrap();
    assert_eq!(table.spec().address(), TableAddress::Slice { high: 17, low: 8 });
    let memory = table.memory();
    // 1 / 0 saturates; 1 / 0.25 = 4; 1 / -0.25.
    assert_eq!((memory[0], memory[1], memory[1023]), (0x1ffff, 4 << 10, 0x40000 - (4 << 10)));
    for code in 0..1u32 << 18 {
        assert_eq!(look_up(&table, code), Ok(memory[(code >> 8) as usize]));
    }
}

#[test]
fn slopes_wrap_in_an_entrys_width() {
    let table = |text: &str| Table::new(text.parse::<TableSpec>().unwrap()).unwrap();
    let steep = table("identity,in=int4,out=int8*0.01,address=slice3:0,between=linear2");
    let entries: Vec<i8> = steep.entries().iter().map(|&e| e as u8 as i8).collect();
    assert_eq!(entries, [-128, -128, 0, 127, 127]); // at -8, -4, 0, 4, 8
    // From -128 to 0 is 128, which is -128 in 8 bits; half of that below -128 is -192, which is 64.
    assert_eq!(look_up(&steep, 0xe), Ok(64));
    // From 0 to 127 it fits: 63.5, up.
    assert_eq!(look_up(&steep, 2), Ok(64));
    // From -128 to 127 is 255, which is -1; half of it is rounded to 0.
    let jump = table("reciprocal,in=int3@-1,out=int8*0.001,address=slice2:0,between=linear1");
    assert_eq!(look_up(&jump, 7), Ok(0x80));
}

#[test]
fn distances() {
    let table = Table::new("identity,in=int8*0.25,out=int6".parse().unwrap()).unwrap();
    let distance = table_distance(&table);
    // -32 to 31.75; the greatest output is 31, and the function saturates there.
    assert_eq!(
        (distance.inputs, distance.greatest, distance.greatest_in_last_places),
        (256, 0.5, 0.5)
    );
    let table = Table::new("log,in=uint8,out=fix16.10,nan=smallest".parse().unwrap()).unwrap();
    assert_eq!(table_distance(&table).inputs, 256);
    let table = Table::new("log,in=int8,out=fix16.10,nan=smallest".parse().unwrap()).unwrap();
    assert_eq!(table_distance(&table).inputs, 128);
}

#[test]
fn what_is_no_table_is_refused() {
    for (text, expected) in [
        ("", "is no function"),
        ("tan,in=int8,out=int8", "is no function"),
        ("tanh", "a table needs an input"),
        ("tanh,in=int8", "a table needs a format of its entries"),
        ("tanh,in=int8,out=int8,", "is no part of a table"),
        ("tanh,in=int8,out=int8,size=3", "is no part of a table"),
        ("tanh,in=int8,out=int8,in=int4", "twice"),
        ("tanh,in=int9x,out=int8", "int9x"),
        ("tanh,in=int8*0,out=int8", "scale `0`"),
        ("tanh,in=int8*nan,out=int8", "scale `NaN`"),
        ("tanh,in=int8*-1,out=int8", "scale `-1`"),
        ("tanh,in=int8*x,out=int8", "scale `x`"),
        ("tanh,in=int8@1.5,out=int8", "zero point `1.5`"),
        ("tanh,in=int8@99999999999,out=int8", "zero point `99999999999`"),
        ("tanh,in=bf16@1,out=int8", "integers alone"),
        ("tanh,in=int32,out=int8", "slice `31:0`"),
        ("tanh,in=int8,out=int8,address=slice8:0", "slice `8:0`"),
        ("tanh,in=int8,out=int8,address=slice2:3", "slice `2:3`"),
        ("tanh,in=int8,out=int8,address=slice7", "is no address"),
        ("tanh,in=int8,out=int8,address=step1:2", "is no address"),
        ("tanh,in=int8,out=int8,address=step0:0:4", "entries per unit"),
        ("tanh,in=int8,out=int8,address=stepinf:0:4", "entries per unit"),
        ("tanh,in=int8,out=int8,address=step1:0:0", "number of entries"),
        ("tanh,in=int8,out=int8,address=step1:0:2000000", "number of entries"),
        ("tanh,in=int8,out=int8,address=step1:9000000000000:4", "first step"),
        ("tanh,in=int8,out=int8,round=sr8", "a table rounds the same way"),
        ("tanh,in=int8,out=int8,out-round=stochastic4", "a table rounds the same way"),
        ("tanh,in=int8,out=int8,round=nearest", "nearest"),
        ("tanh,in=int8,out=int8,outside=nothing", "clamp, wrap, refuse"),
        ("tanh,in=int8,out=int8,between=linear0", "linear1 to linear16"),
        ("tanh,in=int8,out=int8,between=linear8", "bits of the offset"),
        ("tanh,in=int8,out=bf16,between=linear4", "integers or fixed point"),
        ("tanh,in=e4m3fn,out=int8,between=linear4", "integers or fixed point"),
        ("tanh,in=int8,out=int8,between=linear4,order=code", "order=code"),
        ("tanh,in=int8,out=int8,address=step1:0:4,order=code", "order=code"),
        ("tanh,in=int8,out=int8,fill=tflite-midpoint", "fill=tflite-midpoint"),
        ("sqrt,in=int8,out=int8,by=tflite", "no `sqrt` in the arithmetic of tflite"),
    ] {
        let error = text.parse::<TableSpec>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let error = Table::new("log,in=int8,out=int8".parse().unwrap()).unwrap_err();
    assert!(matches!(error, TableError::Entry { index: 0, .. }), "{error}");
    let error =
        Table::new("reciprocal,in=int8,out=fix8.4,out-overflow=wrap".parse().unwrap()).unwrap_err();
    assert!(matches!(error, TableError::Entry { index: 128, .. }), "{error}");
}

#[test]
fn inputs_without_a_place_are_refused() {
    let table = |text: &str| Table::new(text.parse::<TableSpec>().unwrap()).unwrap();
    let narrow = table("tanh,in=int8,out=int8*0.01,address=slice3:0,outside=refuse");
    assert!(look_up(&narrow, 7).is_ok());
    let error = look_up(&narrow, 8).unwrap_err();
    assert_eq!(error, LookUpError::Outside { input: 8.0, least: -8.0, most: 7.0 });
    assert_eq!(look_up_slice(&narrow, &[0, 200]).unwrap_err().0, 1);
    let steps = table("tanh,in=f16,out=int8*0.01,address=step4:-8:16");
    assert!(matches!(look_up(&steps, 0x7e00), Err(LookUpError::NotANumber(x)) if x.is_nan()));
    assert_eq!(look_up(&steps, 0x7c00), look_up(&steps, 0x7bff));
    assert_eq!(look_up(&steps, 0xfc00), look_up(&steps, 0xfbff));
    let wraps = table("tanh,in=f16,out=int8*0.01,address=step4:-8:16,outside=wrap");
    assert!(look_up(&wraps, 0x7c00).is_err() && look_up(&wraps, 0x7bff).is_ok());
}

#[test]
fn presets_refuse_what_they_do_not_have() {
    let spec = |preset: TablePreset, function: Function, input: &str, output: &str, size| {
        preset.spec(function, input.parse().unwrap(), output.parse().unwrap(), size)
    };
    assert!(spec(TablePreset::TfliteInt8, Function::Sqrt, "int8", "int8", None).is_err());
    assert!(spec(TablePreset::TfliteInt8, Function::Tanh, "int8", "int16", None).is_err());
    assert!(spec(TablePreset::TfliteInt8, Function::Tanh, "int8", "int8", Some(256)).is_err());
    assert!(spec(TablePreset::TfliteInt16, Function::Tanh, "uint16", "int16", None).is_err());
    assert!(spec(TablePreset::TfliteInt16, Function::Tanh, "int8", "int8", None).is_err());
    assert!(spec(TablePreset::Hls4ml, Function::Gelu, "fix16.10", "fix18.10", None).is_err());
    assert!(spec(TablePreset::Hls4ml, Function::Tanh, "fix16.10", "fix18.10", Some(33)).is_err());
    assert!(
        spec(TablePreset::Hls4mlSoftmax, Function::Tanh, "fix16.10", "fix18.10", None).is_err()
    );
    for size in [0, 1, 1000, 1 << 17] {
        assert!(
            spec(TablePreset::Hls4mlSoftmax, Function::Exp, "fix16.10", "fix18.10", Some(size))
                .is_err()
        );
    }
    let direct = spec(TablePreset::Direct, Function::Selu, "int8*0.1", "int8*0.1", None).unwrap();
    assert_eq!(
        (direct.interpolation(), direct.order()),
        (Interpolation::None, EntryOrder::Ascending)
    );
}
