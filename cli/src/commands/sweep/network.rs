//! `fewbit sweep --model`: a network of one's own.

use std::path::Path;

use fewbit::algorithms::layer::AccumulatorConstraint;
use fewbit::formats::{Format, IntRange};
use fewbit::quantize::CodeFormat;
use fewbit::sweep::AccumulatorTemplate;
use fewbit::{Accumulator, ReportLevel};
use fewbit_models::eval::{
    ExecutionKind, Labels, SweepPoint, batches, predictions, run_batches, sweep,
};
use fewbit_models::exec::integer::IntegerOptions;
use fewbit_models::flow::{
    AccumulatorKind, QuantizedNetwork, Sharing, Symmetry, VisionConfig, VisionFlow,
};
use fewbit_models::graph::Graph;
use fewbit_models::tensor::Tensor;
use serde::Serialize;

use super::args::Args;
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::networks::{Curve, NetworkError, curves, labels, read_model, tensors};
use crate::output::{self, Form, Progress};

/// What is written as `sweep.json`.
#[derive(Serialize)]
struct Report {
    /// The file of the network.
    model: String,
    weights: String,
    acts: String,
    samples: usize,
    float: Share,
    exact: Share,
    /// Round-to-nearest without a constraint.
    points: Vec<SweepPoint>,
    /// Every pair of algorithm and constraint.
    series: Vec<Series>,
}

#[derive(Serialize)]
struct Share {
    accuracy: Option<f64>,
}

/// One algorithm under one constraint, through one kind of accumulator.
#[derive(Serialize)]
struct Series {
    algorithm: String,
    constraint: String,
    acc: String,
    points: Vec<SweepPoint>,
}

struct Job<'a> {
    args: &'a Args,
    graph: &'a Graph,
    calibration: Vec<Vec<Tensor>>,
    data: Vec<Vec<Tensor>>,
    labels: Option<Labels>,
    templates: Vec<AccumulatorTemplate>,
}

/// Quantizes, runs, writes.
pub(super) fn run(args: &Args, model: &Path, folder: Option<&Path>) -> Result<Outcome, CliError> {
    let log = &args.form.inputs;
    let graph = read_model(model, log)?;
    let missing = |flag: &str| CliError::Arguments(format!("--model needs {flag}"));
    let path = args.data.as_ref().ok_or_else(|| missing("--data V.npz"))?;
    let mut arrays = tensors(path, log)?;
    let labels = labels(path, &mut arrays)?;
    let data = batches(&graph, &arrays, 256, usize::MAX).map_err(NetworkError::from)?;
    let calibration = match &args.calibration_data {
        None => batches(&graph, &arrays, 64, args.calibration),
        Some(path) => {
            let mut arrays = tensors(path, log)?;
            crate::networks::labels(path, &mut arrays)?;
            batches(&graph, &arrays, 64, args.calibration)
        }
    };
    let calibration = calibration.map_err(NetworkError::from)?;
    if calibration.is_empty() || data.is_empty() {
        return Err(CliError::Array { path: path.clone(), reason: "has no samples".into() });
    }
    let templates = match args.acc.is_empty() {
        true => {
            vec!["int{P}-sat".parse().map_err(|error| CliError::Arguments(format!("{error}")))?]
        }
        false => args.acc.clone(),
    };
    let job = Job { args, graph: &graph, calibration, data, labels, templates };
    let report = args.threads.run(|| job.measure(model))?;
    let text = args.form.json(&report, None)?;
    let mut outputs = Outputs::default();
    let mut written = String::new();
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)
            .map_err(|source| CliError::Write { path: folder.to_owned(), source })?;
        let mut names = vec![folder.join("sweep.json")];
        outputs.add(&names[0], format!("{text}\n").into_bytes());
        if let Some(picture) = report.picture()? {
            names.push(folder.join("sweep.svg"));
            let picture = args.form.provenance(None)?.in_svg(&picture)?;
            outputs.add(&folder.join("sweep.svg"), picture.into_bytes());
        }
        if args.csv {
            names.push(folder.join("sweep.csv"));
            outputs.add(&folder.join("sweep.csv"), report.csv().into_bytes());
        }
        let names: Vec<_> = names.iter().map(|name| name.display().to_string()).collect();
        written = format!("\nwrote {}", names.join(", "));
    }
    outputs.write(&match args.form.form() {
        Form::Json => text,
        Form::Text => report.text() + &written,
    })?;
    Ok(Outcome::Done)
}

impl Job<'_> {
    fn measure(&self, model: &Path) -> Result<Report, CliError> {
        let config = self.config();
        let flow = VisionFlow { config: &config };
        let quiet = &mut |_: &str, _, _| ();
        let calibrated = flow.calibrated(self.graph, &self.calibration, quiet);
        let calibrated = calibrated.map_err(NetworkError::from)?;
        let share = |graph: &Graph, how: &ExecutionKind<'_>| -> Result<Share, CliError> {
            let run =
                run_batches(graph, &self.data, how, &mut |_, _| ()).map_err(NetworkError::from)?;
            let classes = predictions(&run.batches).map_err(NetworkError::from)?;
            Ok(Share { accuracy: self.labels.as_ref().map(|labels| labels.accuracy(&classes)) })
        };
        let float = share(self.graph, &ExecutionKind::Float)?;
        let nearest = self.finish(&calibrated, "rtn", AccumulatorConstraint::None, None)?;
        let exact = share(&nearest.graph, &ExecutionKind::Fake)?;
        let args = self.args;
        let count =
            args.compare.len() * args.constraint.len() * self.templates.len() * args.bits.len();
        let progress = Progress::new("accumulators", count as u64);
        let mut series = Vec::new();
        for solver in &args.compare {
            for &constraint in &args.constraint {
                series.extend(self.series(&calibrated, solver, constraint, &progress)?);
            }
        }
        let plain = |series: &&Series| series.algorithm == "rtn" && series.constraint == "none";
        Ok(Report {
            model: model.display().to_string(),
            weights: args.weights.to_string(),
            acts: args.acts.to_string(),
            samples: self
                .data
                .iter()
                .filter_map(|batch| batch.first()?.shape().first().copied())
                .sum(),
            float,
            exact,
            points: series.iter().filter(plain).flat_map(|series| series.points.clone()).collect(),
            series,
        })
    }

    /// The keys of the formats asked for.
    fn config(&self) -> VisionConfig {
        let int = |format: CodeFormat| match Format::from(format) {
            Format::Int(int) => (int.bits(), int.is_signed(), int.range() == IntRange::Narrow),
            _ => (8, true, false),
        };
        let (weight_bits, weight_signed, narrow) = int(self.args.weights);
        let (act_bits, ..) = int(self.args.acts);
        let symmetry = if weight_signed { Symmetry::Symmetric } else { Symmetry::Asymmetric };
        VisionConfig {
            weight_bit_width: weight_bits,
            weight_narrow_range: narrow,
            weight_quant_type: symmetry,
            weight_quant_granularity: Sharing::Channel,
            act_bit_width: act_bits,
            ..VisionConfig::default()
        }
    }

    /// The network by an algorithm, under a constraint of this accumulator.
    fn finish(
        &self,
        calibrated: &QuantizedNetwork,
        solver: &str,
        constraint: AccumulatorConstraint,
        accumulator: Option<&Accumulator>,
    ) -> Result<QuantizedNetwork, CliError> {
        let config = VisionConfig {
            accumulator: accumulator.map(ToString::to_string),
            accumulator_constraint: match constraint {
                AccumulatorConstraint::Joint => AccumulatorKind::Joint,
                AccumulatorConstraint::Axe => AccumulatorKind::Axe,
                _ => AccumulatorKind::None,
            },
            gptq: solver == "gptq",
            gpfq: solver == "gpfq",
            qronos: solver == "qronos",
            rtn: solver == "rtn" && constraint != AccumulatorConstraint::None,
            ..self.config()
        };
        let flow = VisionFlow { config: &config };
        let found = flow.finish(calibrated.clone(), &self.calibration, &mut |_: &str, _, _| ());
        Ok(found.map_err(NetworkError::from)?)
    }

    fn series(
        &self,
        calibrated: &QuantizedNetwork,
        solver: &str,
        constraint: AccumulatorConstraint,
        progress: &Progress,
    ) -> Result<Vec<Series>, CliError> {
        let options = IntegerOptions { report: ReportLevel::Events, ..IntegerOptions::default() };
        let name = constraint.to_string();
        let names = (solver, name.as_str());
        let once = match constraint {
            AccumulatorConstraint::None => Some(self.finish(calibrated, solver, constraint, None)?),
            _ => None,
        };
        let mut all = Vec::new();
        for template in &self.templates {
            let mut points = Vec::new();
            for width in self.args.bits.bits() {
                let own = match &once {
                    Some(network) => network.clone(),
                    None => {
                        let accumulator = template.at(width)?;
                        self.finish(calibrated, solver, constraint, Some(&accumulator))?
                    }
                };
                let bits = fewbit::sweep::BitRange::new(width..=width);
                let bits = bits.map_err(|error| CliError::Arguments(error.to_string()))?;
                let labels = self.labels.as_ref();
                let quiet = &mut |_, _| ();
                let found =
                    sweep(&own.graph, &self.data, labels, template, &bits, names, &options, quiet);
                points.extend(found.map_err(NetworkError::from)?);
                progress.step();
            }
            let (algorithm, constraint) = (solver.to_owned(), name.clone());
            all.push(Series { algorithm, constraint, acc: template.to_string(), points });
        }
        Ok(all)
    }
}

impl Report {
    fn text(&self) -> String {
        let share = |share: &Share| {
            share.accuracy.map_or_else(|| "no labels".into(), |a| format!("{:.2} %", 100.0 * a))
        };
        let mut titles = vec!["P".to_owned()];
        for series in &self.series {
            titles.push(format!("{} {}, {}", series.algorithm, series.constraint, series.acc));
            titles.push("events".into());
        }
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let mut table = output::numbers(&titles);
        let rows = self.series.first().map_or(0, |series| series.points.len());
        for row in 0..rows {
            let mut cells = vec![self.series[0].points[row].bits.to_string()];
            for point in self.series.iter().filter_map(|series| series.points.get(row)) {
                cells.push(
                    point.accuracy.map(|a| format!("{:.2} %", 100.0 * a)).unwrap_or_default(),
                );
                cells.push(point.events.to_string());
            }
            table.add_row(cells);
        }
        format!(
            "{}, {} weights, {} activations, {} samples\nfloat: {}; exact accumulator: {}\n\n{table}",
            self.model,
            self.weights,
            self.acts,
            self.samples,
            share(&self.float),
            share(&self.exact)
        )
    }

    fn csv(&self) -> String {
        let mut text = String::from("algorithm,constraint,acc,bits,accuracy,events\n");
        for point in self.series.iter().flat_map(|series| &series.points) {
            let accuracy = point.accuracy.map(|a| a.to_string()).unwrap_or_default();
            text += &format!(
                "{},{},\"{}\",{},{accuracy},{}\n",
                point.algorithm, point.constraint, point.acc, point.bits, point.events
            );
        }
        text
    }

    fn picture(&self) -> Result<Option<String>, CliError> {
        let several = self.series.iter().any(|series| series.acc != self.series[0].acc);
        let line = |series: &Series| {
            let points = series.points.iter();
            let points: Vec<_> =
                points.filter_map(|p| Some((f64::from(p.bits), 100.0 * p.accuracy?))).collect();
            let label = format!("{} {}", series.algorithm, series.constraint);
            let label = if several { format!("{label}, {}", series.acc) } else { label };
            (!points.is_empty()).then_some(Curve { label, points })
        };
        let lines: Vec<Curve> = self.series.iter().filter_map(line).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let exact = self.exact.accuracy.map(|share| 100.0 * share);
        let caption = format!("{}: accuracy against accumulator bits", self.model);
        curves(&lines, exact, &caption).map(Some).map_err(CliError::Picture)
    }
}
