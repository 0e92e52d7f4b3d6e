//! Every product in lanes equals the reference: values, reports and errors.
#![no_main]

use arbitrary::Arbitrary;
use fewbit::accumulate::{Accumulator, Register, RegisterOverflow, Stage};
use fewbit::{MatmulOptions, ReportLevel};
use libfuzzer_sys::fuzz_target;
use ndarray::Array2;

#[derive(Arbitrary, Debug)]
struct Input {
    stages: Vec<(u8, u8, u8, u8)>,
    k: u8,
    a: Vec<i16>,
    b: Vec<i8>,
}

impl Input {
    fn accumulator(&self) -> Option<Accumulator> {
        let inner = self.stages.len().checked_sub(1)?;
        let stages = self.stages.iter().take(4).enumerate().map(
            |(index, &(register, width, turns, count))| {
                let register = match (u32::from(register >> 1) % 65, register & 1) {
                    (bits @ 2.., 0) => Register::Int { bits, overflow: RegisterOverflow::Wrap },
                    (bits @ 2.., _) => Register::Int { bits, overflow: RegisterOverflow::Saturate },
                    _ => Register::Exact,
                };
                let stage = Stage::new(register)
                    .with_width(u32::from(width).max(1).try_into().ok()?)
                    .with_interleave(u32::from(turns >> 4).max(1).try_into().ok()?);
                let count = u64::from(count).max(1).try_into().ok()?;
                Some(if index < inner.min(3) { stage.with_count(count) } else { stage })
            },
        );
        Accumulator::new(stages.collect::<Option<_>>()?).ok()
    }
}

fuzz_target!(|input: Input| {
    let Some(acc) = input.accumulator() else { return };
    let k = usize::from(input.k).max(1);
    let (m, n) = (input.a.len() / k, input.b.len() / k);
    let a = Array2::from_shape_fn((m, k), |(row, col)| input.a[row * k + col]);
    let b = Array2::from_shape_fn((k, n), |(row, col)| input.b[row * n + col]);
    let expected =
        fewbit::reference::matmul(a.mapv(i64::from).view(), b.mapv(i64::from).view(), &acc);
    let options = MatmulOptions { report: ReportLevel::Full, ..MatmulOptions::default() };
    match (fewbit::matmul(a.view(), b.view(), &acc, &options), expected) {
        (Ok(product), Ok((values, report))) => {
            assert_eq!(product.values, values);
            assert_eq!(product.report, Some(report));
        }
        (product, expected) => assert_eq!(product.is_err(), expected.is_err()),
    }
});
