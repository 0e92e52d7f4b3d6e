//! A product from a golden file.

use fewbit::Accumulator;
use fewbit::accumulate::Datapath;
use fewbit::reference::{FloatOperand, Scales, matmul_float};
use fewbit_formats::Format;
use ndarray::Array2;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) preset: String,
    pub(crate) kind: String,
    pub(crate) shape: [usize; 3],
    pub(crate) formats: [String; 3],
    pub(crate) a: String,
    pub(crate) b: String,
    pub(crate) c: String,
    pub(crate) d: String,
    pub(crate) scales: Option<[String; 2]>,
}

impl Case {
    pub(crate) fn acc(&self) -> Accumulator {
        format!("preset:{}", self.preset).parse().unwrap()
    }

    /// The product through `acc`, row by row.
    pub(crate) fn run(&self, acc: &Accumulator) -> Vec<f64> {
        let [m, k, n] = self.shape;
        let format = |index: usize| self.formats[index].parse::<Format>().unwrap();
        let mut a = operand(&self.a, format(0), (m, k));
        let mut b = operand(&self.b, format(1), (k, n));
        if let (Some([left, right]), Some(scales)) = (&self.scales, self.row().scales) {
            let block = scales.block as usize;
            let matrix = |text: &str, shape| Scales {
                format: scales.format,
                block,
                values: decoded(text, 2, scales.format, shape),
            };
            a = a.with_scales(matrix(left, (m, k / block)));
            b = b.with_scales(matrix(right, (k / block, n)));
        }
        let c = decoded(&self.c, digits(format(2)), format(2), (m, n));
        let product = matmul_float(&a, &b, acc, Some(c.view()), 0).unwrap();
        assert_eq!(product.rounded, 0);
        product.values.into_iter().collect()
    }

    pub(crate) fn row(&self) -> &'static Datapath {
        Datapath::find(&self.preset).unwrap()
    }

    pub(crate) fn expected(&self) -> Vec<f64> {
        let [m, _, n] = self.shape;
        let format: Format = self.formats[2].parse().unwrap();
        decoded(&self.d, digits(format), format, (m, n)).into_iter().collect()
    }
}

/// tf32 operands are written as the f32 that holds them.
fn operand(text: &str, format: Format, shape: (usize, usize)) -> FloatOperand {
    if format == Format::TF32 {
        let values = decoded(text, 8, Format::F32, shape);
        return FloatOperand::from_values(values.view(), format).unwrap();
    }
    FloatOperand::from_codes(codes(text, digits(format), shape).view(), format).unwrap()
}

fn digits(format: Format) -> usize {
    format.bits().div_ceil(4) as usize
}

fn decoded(text: &str, digits: usize, format: Format, shape: (usize, usize)) -> Array2<f64> {
    codes(text, digits, shape).mapv(|code| format.decode(code))
}

fn codes(text: &str, digits: usize, shape: (usize, usize)) -> Array2<u32> {
    let code = |at: usize| u32::from_str_radix(&text[at..at + digits], 16).unwrap();
    Array2::from_shape_vec(shape, (0..text.len()).step_by(digits).map(code).collect()).unwrap()
}

/// The same value; a NaN is a NaN, and zeros have no sign.
pub(crate) fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// The cases of a file, whose first line says where they come from.
pub(crate) fn cases(golden: &str) -> Vec<Case> {
    golden.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What `acc` computes otherwise than the golden file says.
pub(crate) fn differences(case: &Case, acc: &Accumulator) -> usize {
    let (found, expected) = (case.run(acc), case.expected());
    found.iter().zip(&expected).filter(|&(&a, &b)| !same(a, b)).count()
}

/// One line per case that its preset does not reproduce.
pub(crate) fn wrong(cases: &[Case]) -> Vec<String> {
    let wrong = |case: &&Case| differences(case, &case.acc()) > 0;
    let line = |case: &Case| {
        let Case { preset, kind, formats, .. } = case;
        let (found, expected) = (case.run(&case.acc()), case.expected());
        format!("{preset} {formats:?} {kind}: {found:?} instead of {expected:?}")
    };
    cases.iter().filter(wrong).map(line).collect()
}
