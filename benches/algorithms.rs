//! Statistics and solvers at the sizes of real layers, how their time grows, and how much memory they take.
//!
//! Times are criterion's, on rayon's global pool (`RAYON_NUM_THREADS`); 16,384 samples, int4 with a scale per channel,
//! inputs with a mismatch. Besides, `growth` prints the exponents with which a solver's time rises with inputs and outputs,
//! and `memory` the peak of the resident memory while samples stream by (Linux).

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fewbit::accumulate::bounds::{InputRange, Inputs};
use fewbit::algorithms::random::Normal;
use fewbit::algorithms::{
    AnyConstraint, Arithmetic, Axe, BLOCK, BeaconParams, Collector, GpfqParams, GptaqParams,
    GptqParams, Problem, QronosParams, RtnParams, ScaledGrid, SoftThreshold, Statistics, beacon,
    gpfq, gptaq, gptq, qronos, rtn,
};
use fewbit::formats::Format;
use ndarray::{Array2, Axis};

const SIZES: [(usize, usize); 3] = [(576, 576), (576, 1536), (2048, 2048)];
const SAMPLES: usize = 16_384;
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
        let collector = Collector::new(self.float.ncols(), 1, Arithmetic::Single);
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
    grid: ScaledGrid,
}

impl Layer {
    fn new(outputs: usize, inputs: usize) -> Self {
        let weights = matrix(1, outputs, inputs);
        let scale = weights.map_axis(Axis(1), |row| row.fold(0f32, |m, w| m.max(w.abs())) / 8.0);
        let grid = ScaledGrid::new(Format::INT4, inputs, scale.insert_axis(Axis(1)), None, inputs);
        // As many samples as make H regular, and no time wasted on more.
        let normal = matrix(2, 2 * inputs, inputs);
        let quantized = &normal + &(matrix(3, 2 * inputs, inputs) * 0.3);
        let statistics = Collector::new(inputs, 1, Arithmetic::Single).and_then(|mut collector| {
            collector.push_pairs(quantized.view(), normal.view())?;
            Ok(collector.finish())
        });
        Self {
            weights,
            statistics: statistics.unwrap_or_else(|e| panic!("{e}")),
            grid: grid.unwrap_or_else(|e| panic!("{e}")),
        }
    }

    fn solve(&self, name: &str, constraint: Option<&dyn AnyConstraint>) {
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

fn statistics(c: &mut Criterion) {
    let mut group = c.benchmark_group("statistics");
    group.sample_size(10);
    for inputs in [576, 1536, 2048] {
        let samples = Samples::new(inputs);
        for (name, pairs) in [("H", false), ("H and G", true)] {
            group.bench_function(BenchmarkId::new(name, inputs), |b| {
                b.iter(|| black_box(samples.collect(SAMPLES, pairs)));
            });
        }
    }
}

fn solvers(c: &mut Criterion) {
    let mut group = c.benchmark_group("solvers");
    group.sample_size(10);
    for (outputs, inputs) in SIZES {
        let layer = Layer::new(outputs, inputs);
        let size = format!("{outputs}x{inputs}");
        for solver in SOLVERS {
            group.bench_function(BenchmarkId::new(solver, &size), |b| {
                b.iter(|| layer.solve(solver, None))
            });
        }
        let acc = "int16-sat/64,int24-wrap".parse().unwrap_or_else(|e| panic!("{e}"));
        let range = Inputs::Same(InputRange::unsigned(8));
        let axe =
            Axe::new(&acc, &range, inputs, SoftThreshold::On).unwrap_or_else(|e| panic!("{e}"));
        for solver in ["gptq", "gpfq", "qronos"] {
            group.bench_function(BenchmarkId::new(format!("{solver} with AXE"), &size), |b| {
                b.iter(|| layer.solve(solver, Some(&axe)));
            });
        }
    }
}

fn growth(_: &mut Criterion) {
    if !wanted("growth") {
        return;
    }
    let (outputs, inputs) = (768, 768);
    let base = Layer::new(outputs, inputs);
    let (taller, wider) = (Layer::new(2 * outputs, inputs), Layer::new(outputs, 2 * inputs));
    for solver in SOLVERS {
        let (start, tall, wide) = (base.time(solver), taller.time(solver), wider.time(solver));
        println!(
            "growth/{solver}: {start:.3} s at {outputs}x{inputs}, out^{:.2}, in^{:.2}",
            (tall / start).log2(),
            (wide / start).log2()
        );
    }
}

fn memory(_: &mut Criterion) {
    if !wanted("memory") {
        return;
    }
    let inputs = 2048;
    let samples = Samples::new(inputs);
    for count in [4096, SAMPLES, 4 * SAMPLES] {
        reset_peak();
        black_box(samples.collect(count, true));
        report_peak(&format!("statistics of {count} samples, {inputs} inputs"));
    }
    let layer = Layer::new(inputs, inputs);
    for solver in SOLVERS {
        reset_peak();
        layer.solve(solver, None);
        report_peak(&format!("{solver} {inputs}x{inputs}, statistics included"));
    }
}

/// Whether the filters on the command line, if there are any, name it.
fn wanted(name: &str) -> bool {
    let filters: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
}

/// Lets the kernel forget the peak so far.
fn reset_peak() {
    if std::fs::write("/proc/self/clear_refs", "5").is_err() {
        println!("memory: the peak cannot be reset here; figures are those of the whole run");
    }
}

fn report_peak(what: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
    match kib.and_then(|kib| kib.trim().parse::<f64>().ok()) {
        Some(kib) => println!("memory/{what}: {:.0} MiB", kib / 1024.0),
        None => println!("memory/{what}: not known on this system"),
    }
}

criterion_group!(benches, statistics, solvers, growth, memory);
criterion_main!(benches);
