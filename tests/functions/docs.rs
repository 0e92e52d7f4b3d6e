//! docs/functions.md: how far tables and integer functions are from the real ones.

use std::fmt::Write;
use std::path::Path;

use fewbit::functions::table::{Function, Table, TablePreset, TableSpec};
use fewbit::functions::{
    IbertExp, IbertGelu, IbertNorm, IbertSoftmax, SoftmaxOutput, TfliteSoftmax, TfliteSoftmax16,
};
use fewbit::reference::functions::{
    gemmlowp_exp, gemmlowp_logistic, gemmlowp_reciprocal, gemmlowp_tanh, ibert_exp, ibert_gelu,
    ibert_softmax, layer_norm, rms_norm, softmax_tflite, softmax_tflite_int16, table_distance,
};
use fewbit_testkit::Random;

fn tables() -> String {
    use TablePreset::{Direct, Hls4ml, Hls4mlSoftmax, TfliteInt8, TfliteInt16};
    let rows = [
        (TfliteInt8, Function::Sigmoid, "int8*0.0625", "int8*0.00390625@-128"),
        (TfliteInt8, Function::Tanh, "int8*0.0625", "int8*0.0078125"),
        (TfliteInt8, Function::Exp, "int8*0.0625@127", "int8*0.00390625@-128"),
        (TfliteInt8, Function::Gelu, "int8*0.0625", "int8*0.0625"),
        (TfliteInt8, Function::GeluTanh, "int8*0.0625", "int8*0.0625"),
        (TfliteInt8, Function::Elu, "int8*0.0625", "int8*0.0625"),
        (TfliteInt16, Function::Sigmoid, "int16*0.000244140625", "int16*0.000030517578125"),
        (TfliteInt16, Function::Tanh, "int16*0.000244140625", "int16*0.000030517578125"),
        (TfliteInt16, Function::Exp, "int16*0.000244140625@32767", "int16*0.000030517578125"),
        (TfliteInt16, Function::Gelu, "int16*0.000244140625", "int16*0.000244140625"),
        (Hls4ml, Function::Sigmoid, "fix16.10", "fix18.10"),
        (Hls4ml, Function::Tanh, "fix16.10", "fix18.10"),
        (Hls4ml, Function::Softplus, "fix16.10", "fix18.10"),
        (Hls4mlSoftmax, Function::ExpNegated, "ufix18.10", "fix18.10"),
        (Direct, Function::Sigmoid, "int8*0.0625", "uint8*0.00390625"),
        (Direct, Function::Silu, "int8*0.0625", "int8*0.0625"),
        (Direct, Function::Rsqrt, "uint8*0.0625@-1", "uint8*0.015625"),
        (Direct, Function::Gelu, "e4m3fn", "e4m3fn"),
    ];
    let mut text = "| preset | function | in | out | entries | greatest distance | in last places | mean |\n|---|---|---|---|---:|---:|---:|---:|\n".to_owned();
    for (preset, function, input, output) in rows {
        let spec: TableSpec = match (preset, function) {
            (Direct, Function::Gelu) => {
                format!("gelu,in={input},out={output},nan=zero").parse().unwrap()
            }
            _ => preset
                .spec(function, input.parse().unwrap(), output.parse().unwrap(), None)
                .unwrap(),
        };
        let distance = table_distance(&Table::new(spec).unwrap());
        let places = distance.greatest_in_last_places;
        let places = if places.is_nan() { String::new() } else { format!("{places:.3}") };
        let (greatest, mean) = (distance.greatest, distance.mean);
        let entries = spec.entry_count();
        writeln!(text, "| {preset} | {function} | {input} | {output} | {entries} | {greatest:.3e} | {places} | {mean:.3e} |").unwrap();
    }
    text
}

/// The greatest of distances.
fn greatest(of: impl Iterator<Item = f64>) -> f64 {
    of.fold(0.0, f64::max)
}

fn functions() -> String {
    let mut text =
        "| function | inputs | unit | greatest distance | in units |\n|---|---|---:|---:|---:|\n"
            .to_owned();
    let mut row = |name: &str, inputs: &str, unit: f64, distance: f64| {
        let units = distance / unit;
        writeln!(text, "| {name} | {inputs} | {unit:.3e} | {distance:.3e} | {units:.3} |").unwrap();
    };
    let unit = 2f64.powi(-31);
    let q526 = |of: fn(i32, u32) -> i32, real: fn(f64) -> f64| {
        greatest((0..1 << 16).map(|step| {
            let a = -(step << 15 | step & 0x7fff);
            (f64::from(of(a, 5)) * 2f64.powi(-31) - real(f64::from(a) * 2f64.powi(-26))).abs()
        }))
    };
    let inputs = "65536 from -32 to 0";
    row("gemmlowp_exp", inputs, unit, q526(gemmlowp_exp, libm::exp));
    row("gemmlowp_tanh", inputs, unit, q526(gemmlowp_tanh, libm::tanh));
    row(
        "gemmlowp_logistic",
        inputs,
        unit,
        q526(gemmlowp_logistic, |x| 1.0 / (1.0 + libm::exp(-x))),
    );
    let reciprocal = greatest((0..1 << 16).map(|step| {
        let a = step << 15;
        let real = 1.0 / (1.0 + f64::from(a) * unit);
        (f64::from(gemmlowp_reciprocal(a)) * unit - real).abs()
    }));
    row("gemmlowp_reciprocal", "65536 from 0 to 1", unit, reciprocal);

    let mut random = Random(1);
    let rows: Vec<Vec<i32>> = (0..200)
        .map(|n| (0..1 + n % 50).map(|_| random.below(256) as i32 - 128).collect())
        .collect();
    let real = |row: &[f64]| -> Vec<f64> {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exps: Vec<f64> = row.iter().map(|x| libm::exp(x - most)).collect();
        let sum: f64 = exps.iter().sum();
        exps.iter().map(|e| e / sum).collect()
    };
    for output in SoftmaxOutput::ALL {
        let softmax = TfliteSoftmax::new(1.0, 0.0625, output).unwrap();
        let unit = 2f64.powi(-(output.bits() as i32));
        let (least, most) = output.range();
        let end = f64::from(most - least) * unit;
        let distance = greatest(rows.iter().flat_map(|row| {
            let exact = real(&row.iter().map(|&x| f64::from(x) * 0.0625).collect::<Vec<_>>());
            let found = softmax_tflite(&softmax, row).unwrap();
            found
                .into_iter()
                .zip(exact)
                .map(|(y, e)| (f64::from(y - least) * unit - e.min(end)).abs())
                .collect::<Vec<_>>()
        }));
        row(
            &format!("softmax_tflite to {output}"),
            "200 rows of 1 to 50, int8 of 1/16",
            unit,
            distance,
        );
    }
    let softmax = TfliteSoftmax16::new(1.0, 2f64.powi(-12)).unwrap();
    let distance = greatest(rows.iter().flat_map(|row| {
        let row: Vec<i16> = row.iter().map(|&x| (x * 255) as i16).collect();
        let exact = real(&row.iter().map(|&x| f64::from(x) * 2f64.powi(-12)).collect::<Vec<_>>());
        let found = softmax_tflite_int16(&softmax, &row).unwrap();
        found
            .into_iter()
            .zip(exact)
            .map(|(y, e)| (f64::from(y) * 2f64.powi(-15) - e.min(1.0 - 2f64.powi(-15))).abs())
            .collect::<Vec<_>>()
    }));
    row("softmax_tflite_int16", "200 rows of 1 to 50, int16 of 2^-12", 2f64.powi(-15), distance);

    let scale = 2f64.powi(-12);
    let (exp, gelu) = (IbertExp::new(scale).unwrap(), IbertGelu::new(scale).unwrap());
    let distance = greatest((0..=16 * 4096).map(|x| {
        (ibert_exp(&exp, -x).unwrap() as f64 * exp.output_scale() - libm::exp(-x as f64 * scale))
            .abs()
    }));
    row("ibert_exp", "every one from -16 to 0, of 2^-12", exp.output_scale(), distance);
    let distance = greatest((-16384..=16384i64).map(|x| {
        let real = Function::Gelu.value(x as f64 * scale);
        (ibert_gelu(&gelu, x).unwrap() as f64 * gelu.output_scale() - real).abs()
    }));
    row("ibert_gelu", "every one from -4 to 4, of 2^-12", gelu.output_scale().abs(), distance);
    let softmax = IbertSoftmax::new(0.0625, 1.0 / 32767.0, 8).unwrap();
    let distance = greatest(rows.iter().flat_map(|row| {
        let exact = real(&row.iter().map(|&x| f64::from(x) * 0.0625).collect::<Vec<_>>());
        let found = ibert_softmax(&softmax, row).unwrap();
        found.into_iter().zip(exact).map(|(y, e)| (y as f64 / 256.0 - e).abs()).collect::<Vec<_>>()
    }));
    row("ibert_softmax to 8 bits", "the rows of int8 of 1/16", 1.0 / 256.0, distance);
    let values: Vec<i32> = (0..256).map(|_| random.next() as i32 >> 16).collect();
    let unit = IbertNorm::output_scale(256);
    for (name, center) in [
        ("layer_norm", values.iter().map(|&x| f64::from(x)).sum::<f64>() / 256.0),
        ("rms_norm", 0.0),
    ] {
        let squares: f64 = values.iter().map(|&x| (f64::from(x) - center).powi(2)).sum();
        let root = (squares / 256.0).sqrt();
        let norm = if center == 0.0 { rms_norm } else { layer_norm };
        let found = norm(IbertNorm::default(), &values, &[]).unwrap();
        let each = values
            .iter()
            .zip(found)
            .map(|(&x, y)| (y as f64 * unit - (f64::from(x) - center) / root).abs());
        row(name, "256 numbers of 16 bits", unit, greatest(each));
    }
    text
}

#[test]
fn the_document_has_these_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/functions.md");
    let before = std::fs::read_to_string(&path).unwrap();
    let mut after = before.clone();
    for (place, table) in [tables(), functions()].into_iter().enumerate() {
        let start = format!("<!-- table {place} -->\n");
        let from = after.find(&start).expect("a place for the table") + start.len();
        let to = from + after[from..].find("<!-- end -->").expect("its end");
        after.replace_range(from..to, &table);
    }
    if std::env::var_os("FEWBIT_WRITE_DOCS").is_some() {
        std::fs::write(&path, after).unwrap();
    } else {
        assert_eq!(
            before, after,
            "FEWBIT_WRITE_DOCS=1 cargo test -p fewbit --test functions docs writes it"
        );
    }
}
