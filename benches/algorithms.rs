//! Statistics and solvers at the sizes of real layers, how their time grows, and how much memory they take.
//!
//! On all threads (`RAYON_NUM_THREADS`): statistics of 16,384 samples, beside them how many products of `f32` the machine
//! does at most; solvers with int4, a scale per channel and inputs with a mismatch. `growth` has the exponents with which a
//! solver's time rises with inputs and outputs, and `memory` the peak of the resident memory while samples stream by
//! (Linux); a quick run leaves both out.

mod support;

use std::hint::black_box;
use std::time::Instant;

use fewbit::accumulate::bounds::{InputRange, Inputs};
use fewbit::algorithms::random::Normal;
use fewbit::algorithms::{
    Axe, BLOCK, BeaconParams, Collector, Constraint, GpfqParams, GptaqParams, GptqParams, Grid,
    Precision, Problem, QronosParams, RtnParams, SoftThreshold, Statistics, beacon, gpfq, gptaq,
    gptq, qronos, rtn,
};
use fewbit::formats::Format;
use fewbit::{Isa, float_products};
use ndarray::{Array2, Axis};
use support::{Bench, Contestant, Unit, peak_mib, reset_peak};

const SAMPLES: usize = 16_384;
const LIMIT_ROUNDS: usize = 1 << 22;
const SOLVERS: [&str; 6] = ["rtn", "gptq", "gpfq", "qronos", "gptaq", "beacon"];

fn matrix(purpose: u32, rows: usize, cols: usize) -> Array2<f32> {
    let normal = Normal::new(1, purpose);
    Array2::from_shape_fn((rows, cols), |(i, j)| normal.at((i * cols + j) as u64) as f32)
}

/// One block of samples, used again and again: only the time and the shape matter.
struct Samples {
    float: Array2<f32>,
    quantized: Array2<f32>,
}

impl Samples {
    fn new(inputs: usize) -> Self {
        let float = matrix(2, BLOCK, inputs);
        let quantized = &float + &(matrix(3, BLOCK, inputs) * 0.3);
        Self { float, quantized }
    }

    fn collect(&self, samples: usize, pairs: bool) -> Statistics {
        let collector = Collector::new(self.float.ncols(), 1, Precision::Single);
        let mut collector = collector.unwrap_or_else(|e| panic!("{e}"));
        for _ in 0..samples / BLOCK {
            let done = if pairs {
                collector.push_pairs(self.quantized.view(), self.float.view())
            } else {
                collector.push(self.quantized.view())
            };
            done.unwrap_or_else(|e| panic!("{e}"));
        }
        collector.finish()
    }
}

struct Layer {
    weights: Array2<f32>,
    statistics: Statistics,
    grid: Grid,
}

impl Layer {
    fn new(outputs: usize, inputs: usize) -> Self {
        let weights = matrix(1, outputs, inputs);
        let scale = weights.map_axis(Axis(1), |row| row.fold(0f32, |m, w| m.max(w.abs())) / 8.0);
        let grid = Grid::new(Format::INT4, inputs, scale.insert_axis(Axis(1)), None, inputs);
        // As many samples as make H regular, and no time wasted on more.
        let normal = matrix(2, 2 * inputs, inputs);
        let quantized = &normal + &(matrix(3, 2 * inputs, inputs) * 0.3);
        let statistics = Collector::new(inputs, 1, Precision::Single).and_then(|mut collector| {
            collector.push_pairs(quantized.view(), normal.view())?;
            Ok(collector.finish())
        });
        Self {
            weights,
            statistics: statistics.unwrap_or_else(|e| panic!("{e}")),
            grid: grid.unwrap_or_else(|e| panic!("{e}")),
        }
    }

    fn solve(&self, name: &str, constraint: Option<&dyn Constraint>) {
        let problem = Problem {
            weights: self.weights.view(),
            statistics: &self.statistics,
            grid: &self.grid,
            constraint,
        };
        let solution = match name {
            "rtn" => rtn(&problem, &RtnParams::default()),
            "gptq" => gptq(&problem, &GptqParams::default()),
            "gpfq" => gpfq(&problem, &GpfqParams::default()),
            "qronos" => qronos(&problem, &QronosParams::default()),
            "gptaq" => gptaq(&problem, &GptaqParams::default()),
            _ => beacon(&problem, &BeaconParams::default()).map(|found| found.solution),
        };
        black_box(solution.unwrap_or_else(|e| panic!("{e}")));
    }

    /// The least of three times, in seconds.
    fn time(&self, name: &str) -> f64 {
        let once = || {
            let start = Instant::now();
            self.solve(name, None);
            start.elapsed().as_secs_f64()
        };
        (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
    }
}

/// Race of one.
fn time(bench: &Bench, case: &str, name: &str, work: impl FnMut() + Send) {
    bench.race(case, Unit::Seconds, vec![Contestant::ours(name, 1, work)]);
}

fn statistics(bench: &Bench) {
    let sizes: &[usize] = if bench.is_quick() { &[576] } else { &[576, 1536, 2048] };
    for &inputs in sizes {
        let samples = Samples::new(inputs);
        let triangle = inputs * (inputs + 1) / 2;
        let samples = &samples;
        let contestant = |name, pairs, products| {
            Contestant::ours(name, products * SAMPLES, move || {
                black_box(samples.collect(SAMPLES, pairs));
            })
        };
        bench.race(
            &format!("statistics/{inputs}"),
            Unit::Seconds,
            vec![
                contestant("h", false, triangle),
                contestant("h-and-g", true, triangle + inputs * inputs),
                limit(),
            ],
        );
    }
}

/// What the machine does at most, on all threads; ratios count products, those of a symmetric matrix once.
fn limit<'a>() -> Contestant<'a> {
    let isa = Isa::best();
    let all = move || {
        let products = rayon::broadcast(|_| float_products(isa, LIMIT_ROUNDS).unwrap_or(0));
        products.into_iter().sum::<u64>()
    };
    let amount = all() as usize;
    Contestant::peer("fma-limit", amount, move || {
        black_box(all());
    })
}

fn solvers(bench: &Bench) {
    let sizes: &[(usize, usize)] =
        if bench.is_quick() { &[(576, 576)] } else { &[(576, 576), (576, 1536), (2048, 2048)] };
    for &(outputs, inputs) in sizes {
        let layer = Layer::new(outputs, inputs);
        let case = format!("solvers/{outputs}x{inputs}");
        for solver in SOLVERS {
            time(bench, &case, solver, || layer.solve(solver, None));
        }
        let acc = "int16-sat/64,int24-wrap".parse().unwrap_or_else(|e| panic!("{e}"));
        let range = Inputs::Same(InputRange::unsigned(8));
        let axe =
            Axe::new(&acc, &range, inputs, SoftThreshold::On).unwrap_or_else(|e| panic!("{e}"));
        for solver in ["gptq", "gpfq", "qronos"] {
            let name = format!("{solver}-with-axe");
            time(bench, &case, &name, || layer.solve(solver, Some(&axe)));
        }
    }
}

fn growth(bench: &Bench) {
    let (outputs, inputs) = (768, 768);
    let base = Layer::new(outputs, inputs);
    let (taller, wider) = (Layer::new(2 * outputs, inputs), Layer::new(outputs, 2 * inputs));
    for solver in SOLVERS {
        let exponent = |other: &Layer| Some((other.time(solver) / base.time(solver)).log2());
        bench.report("growth", &format!("{solver}/outputs"), "exponent", || exponent(&taller));
        bench.report("growth", &format!("{solver}/inputs"), "exponent", || exponent(&wider));
    }
}

fn memory(bench: &Bench) {
    let inputs = 2048;
    let samples = Samples::new(inputs);
    let peak = |work: &dyn Fn()| {
        let possible = reset_peak();
        work();
        possible.then(peak_mib).flatten()
    };
    for count in [4096, SAMPLES, 4 * SAMPLES] {
        bench.report("memory", &format!("statistics-of-{count}-samples/{inputs}"), "MiB", || {
            peak(&|| drop(black_box(samples.collect(count, true))))
        });
    }
    let layer = Layer::new(inputs, inputs);
    for solver in SOLVERS {
        bench.report("memory", &format!("{solver}/{inputs}x{inputs}"), "MiB", || {
            peak(&|| layer.solve(solver, None))
        });
    }
}

fn main() {
    let bench = Bench::from_args();
    statistics(&bench);
    solvers(&bench);
    if !bench.is_quick() {
        growth(&bench);
        memory(&bench);
    }
}
