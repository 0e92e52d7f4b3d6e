//! Sums of products, against the oracles on big integers and on rationals.

use fewbit_testkit::accumulate::real::{
    Elements, Mode, RealFormat, RealMatrix, RealRegister, RealSpec, RealStage,
};
use fewbit_testkit::accumulate::{Matrix, Overflow, Real, Spec, StageSpec, matmul, real_matmul};

use super::csv::{Csv, vectors};

fn stage(bits: u32, overflow: Overflow, width: usize, count: Option<usize>) -> StageSpec {
    StageSpec { register: Some((bits, overflow)), width, interleave: 1, count }
}

/// Rows of a `dot` of int8 and uint4 whose result or events are not the oracle's.
fn different(csv: &Csv, k: usize, spec: &Spec, bits: u32) -> usize {
    let differs = |&row: &usize| {
        let has_length = csv.header.contains_key("field length");
        let length = if has_length { csv.word(row, "length") as usize } else { k };
        let a = (0..length).map(|k| csv.signed(row, &format!("a[{k}]"), 8)).collect();
        let b = (0..length).map(|k| csv.word(row, &format!("b[{k}]")) as i64).collect();
        let product = matmul(
            &Matrix { rows: 1, cols: length, data: a },
            &Matrix { rows: length, cols: 1, data: b },
            spec,
        );
        let events = product.stages.iter().enumerate();
        let events = events.fold(0, |all, (s, stage)| all | u64::from(stage.events > 0) << s);
        product.values[0].to_string() != csv.signed(row, "result", bits).to_string()
            || events != csv.word(row, "events")
    };
    (0..csv.rows.len()).filter(differs).count()
}

#[test]
fn integer_sums_are_those_of_big_integers() {
    let (wrap, sat) = (Overflow::Wrap, Overflow::Saturate);
    for (acc, spec, bits) in [
        ("int12-sat", Spec(vec![stage(12, sat, 1, None)]), 12),
        ("int9-wrap", Spec(vec![stage(9, wrap, 1, None)]), 9),
        (
            "int11-sat*2/6,int13-wrap",
            Spec(vec![stage(11, sat, 2, Some(6)), stage(13, wrap, 1, None)]),
            13,
        ),
    ] {
        for style in ["edges", "random", "mixed"] {
            let args = format!(
                "--op dot --a int8 --b uint4 --acc {acc} --k 20 --style {style} --count 150"
            );
            let csv = vectors(&args);
            assert_eq!((csv.rows.len(), different(&csv, 20, &spec, bits)), (150, 0), "{args}");
            let other = Spec(vec![stage(bits, wrap, 1, None)]);
            assert!(
                acc == "int9-wrap" || different(&csv, 20, &other, bits) > 0,
                "the oracle objects"
            );
        }
    }
}

#[test]
fn products_of_matrices_are_those_of_big_integers() {
    let args =
        "--op matmul --a int8 --b uint4 --acc int11-sat/8,int14-sat --m 3 --k 18 --n 2 --count 12";
    let csv = vectors(args);
    let sat = Overflow::Saturate;
    let spec = Spec(vec![stage(11, sat, 1, Some(8)), stage(14, sat, 1, None)]);
    for row in 0..csv.rows.len() {
        let length = csv.word(row, "length") as usize;
        let data = |f: &dyn Fn(usize, usize) -> i64, rows: usize, cols: usize| {
            (0..rows * cols).map(|at| f(at / cols, at % cols)).collect()
        };
        let a = data(&|r, k| csv.signed(row, &format!("a[{r}][{k}]"), 8), 3, length);
        let b = data(&|k, c| csv.word(row, &format!("b[{k}][{c}]")) as i64, length, 2);
        let product = matmul(
            &Matrix { rows: 3, cols: length, data: a },
            &Matrix { rows: length, cols: 2, data: b },
            &spec,
        );
        for (at, value) in product.values.iter().enumerate() {
            let name = format!("result[{}][{}]", at / 2, at % 2);
            assert_eq!(csv.signed(row, &name, 14).to_string(), value.to_string(), "row {row}");
        }
    }
}

#[test]
fn float_sums_are_those_of_rationals() {
    let (e5m2, e5m10) = (
        RealFormat { exponent_bits: 5, fraction_bits: 2 },
        RealFormat { exponent_bits: 5, fraction_bits: 10 },
    );
    let register = RealRegister::Float(e5m10, Mode::TiesEven);
    let stage = |count| RealStage { register, width: 1, interleave: 1, count };
    for (acc, stages) in
        [("f16-rne", vec![stage(None)]), ("f16-rne/4,f16-rne", vec![stage(Some(4)), stage(None)])]
    {
        let csv = vectors(&format!("--op dot --a e5m2 --b e5m2 --acc {acc} --k 10 --count 200"));
        let spec = RealSpec(stages);
        let mut compared = 0;
        for row in 0..csv.rows.len() {
            let length = csv.word(row, "length") as usize;
            let codes = |name: &str| -> Vec<u32> {
                (0..length).map(|k| csv.code(row, &format!("{name}[{k}]"))).collect()
            };
            let (a, b) = (codes("a"), codes("b"));
            // The oracle's operands are finite.
            if a.iter().chain(&b).any(|code| code & 0x7c == 0x7c) {
                continue;
            }
            let elements = Elements::Float(e5m2);
            let a = RealMatrix { elements, rows: 1, cols: length, codes: a };
            let b = RealMatrix { elements, rows: length, cols: 1, codes: b };
            let (values, reports) = real_matmul(&a, &b, &spec, None).expect("float registers");
            let found = csv.code(row, "result");
            match &values[0] {
                Real::Finite(value) => assert_eq!(&e5m10.decode(found).0, value, "{acc} row {row}"),
                Real::Infinite(negative) => {
                    assert_eq!(found, 0x7c00 | u32::from(*negative) << 15, "{acc} row {row}");
                }
                Real::Nan => assert!(found & 0x7fff > 0x7c00, "{acc} row {row}: {found:#x}"),
            }
            let events = reports.iter().enumerate();
            let events = events.fold(0, |all, (s, stage)| all | u64::from(stage.events > 0) << s);
            assert_eq!(csv.word(row, "events"), events, "{acc} row {row}");
            compared += 1;
        }
        assert!(compared > 150, "{compared}");
    }
}

#[test]
fn block_scales_multiply_their_elements() {
    // e2m1fn times e2m1fn under powers of two: exact in float64, and in f32 where a sum has few bits.
    let csv = vectors("--op dot --a mxfp4 --b mxfp4 --acc exact --k 40 --style random --count 60");
    let element = |code: u32| {
        let size = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0][code as usize & 7];
        if code & 8 == 8 { -size } else { size }
    };
    for row in 0..csv.rows.len() {
        let of = |name: &str, k: usize| {
            let scale = csv.code(row, &format!("{name}_scale[{}]", k / 32));
            element(csv.code(row, &format!("{name}[{k}]"))) * 2f64.powi(scale as i32 - 127)
        };
        let sum: f64 = (0..40).map(|k| of("a", k) * of("b", k)).sum();
        assert_eq!(f64::from_bits(csv.word(row, "result")), sum, "row {row}");
    }
}
