//! `fewbit ptq` of a language model.

use std::path::Path;
use std::time::Instant;

use fewbit::sweep::{AccumulatorTemplate, BitRange};
use fewbit::{Accumulator, ReportLevel};
use fewbit_models::eval::{
    LanguageReport, LanguageSweep, PerplexityWindows, Scored, Text, integer_perplexity,
    language_sweep, layer_results, network_bounds, perplexity,
};
use fewbit_models::exec::QuantizerMode;
use fewbit_models::exec::integer::{IntegerOptions, IntegerWeights};
use fewbit_models::export::{to_gguf, to_qcdq, write_language_model};
use fewbit_models::flow::{
    ExportTarget, Keys, LanguageFlow, LanguageFlowConfig, Phase, QuantizedNetwork,
};
use fewbit_models::graph::{Graph, products};
use fewbit_models::language::{
    BuildOptions, Checkpoint, LanguageError, LanguageModel, LogitsToKeep, Tokenizer,
};
use fewbit_models::onnx;
use fewbit_models::tensor::Tensor;
use ndarray::Array2;

use super::args::Args;
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::memory;
use crate::networks::{
    FileJournal, NetworkError, checkpoint, config_key, language_graph, language_html,
    language_pictures, layers_table, read_words, tokenized,
};
use crate::output::{self, Form, PhaseProgress};

/// The operator set of files for other programs: the first with `RMSNormalization`, `RotaryEmbedding` and `Attention`.
const QCDQ_OPSET: i64 = 23;
/// Keys that are about the measurement alone.
const MEASUREMENT: [&str; 3] = ["nvalid", "sweep_bits", "eval"];

/// Quantizes, measures, writes.
pub(super) fn run(args: &Args, model: &Path, keys: Keys) -> Result<Outcome, CliError> {
    let config = LanguageFlowConfig::of(keys).map_err(NetworkError::from)?;
    for (flag, given) in [
        ("--calibration", args.calibration.is_some()),
        ("--data", args.data.is_some()),
        ("--budget", args.budget.is_some()),
        ("--qonnx-thresholds", args.qonnx_thresholds),
    ] {
        if given {
            return Err(CliError::Arguments(format!(
                "{flag} is of networks on arrays: a language model has --calibration-text and --text"
            )));
        }
    }
    let bits = config.sweep_bits.as_deref().map(str::parse::<BitRange>).transpose();
    let bits = bits.map_err(|error| CliError::Arguments(error.to_string()))?;
    if bits.is_some() && args.text.is_none() {
        return Err(CliError::Arguments(
            "sweep_bits needs a text to measure on: add --text F".into(),
        ));
    }
    if config.needs_calibration() && args.calibration_text.is_none() {
        return Err(CliError::Arguments(
            "the text that scales and codes are chosen on is missing: add --calibration-text F"
                .into(),
        ));
    }
    args.threads.run(|| {
        let job = Job::new(args, model, &config, bits)?;
        let mut files = vec![model];
        files.extend(args.calibration_text.as_deref());
        let key = config_key(&config, &MEASUREMENT);
        let mut journal =
            FileJournal::open(&args.out, args.resume, &key, &files, &args.form.inputs)?;
        let (network, report) = job.work(&mut journal)?;
        write(args, model, &job, &network, &report)?;
        journal.finished();
        Ok(Outcome::Done)
    })
}

struct Job<'a> {
    config: &'a LanguageFlowConfig,
    checkpoint: Box<dyn Checkpoint>,
    graph: Graph,
    batches: Vec<Vec<Tensor>>,
    /// The text that is scored.
    tokens: Option<Vec<u32>>,
    templates: Vec<AccumulatorTemplate>,
    bits: Option<BitRange>,
}

impl<'a> Job<'a> {
    fn new(
        args: &Args,
        model: &Path,
        config: &'a LanguageFlowConfig,
        bits: Option<BitRange>,
    ) -> Result<Self, CliError> {
        let log = &args.form.inputs;
        let checkpoint = checkpoint(model, log)?;
        let tokenizer = checkpoint.tokenizer().map_err(NetworkError::from)?;
        let batches = match &args.calibration_text {
            None => Vec::new(),
            Some(path) => {
                let tokens = tokenized(&tokenizer, &read_words(path, log)?)?;
                windows(&tokens, config, path)?
            }
        };
        let tokens = match &args.text {
            None => None,
            Some(path) => Some(Self::scored(&tokenizer, &read_words(path, log)?, config)?),
        };
        let graph = graph(&*checkpoint)?;
        let templates = templates(&args.acc)?;
        Ok(Self { config, checkpoint, graph, batches, tokens, templates, bits })
    }

    /// The tokens of the text that is scored, of which there are enough.
    fn scored(
        tokenizer: &Tokenizer,
        text: &str,
        config: &LanguageFlowConfig,
    ) -> Result<Vec<u32>, CliError> {
        let tokens = tokenized(tokenizer, text)?;
        let windows = PerplexityWindows::Halves { seqlen: config.seqlen };
        let most = config.nvalid.unwrap_or(usize::MAX);
        windows.check(tokens.len(), most).map_err(NetworkError::from)?;
        Ok(tokens)
    }

    fn text(&self) -> Option<Text<'_>> {
        let windows = PerplexityWindows::Halves { seqlen: self.config.seqlen };
        let most = self.config.nvalid.unwrap_or(usize::MAX);
        self.tokens.as_ref().map(|tokens| Text { tokens, windows, most })
    }

    fn work(
        &self,
        journal: &mut FileJournal,
    ) -> Result<(QuantizedNetwork, LanguageReport), CliError> {
        let bar = PhaseProgress::new();
        let mut phases = Vec::new();
        let mut report = LanguageReport::default();
        if let Some(text) = self.text() {
            let start = Instant::now();
            let float = self.float(&self.graph, QuantizerMode::Skip, &text, "float", &bar)?;
            report.float_perplexity = Some(float.perplexity);
            report.scored = Scored {
                windows: float.windows.len(),
                seqlen: self.config.seqlen,
                tokens: float.scored,
            };
            phases.push(phase("evaluate float", start));
        }
        let flow = LanguageFlow { config: self.config };
        let mut hear = |phase: &str, done, total| bar.at(phase, done, total);
        let calibrated = flow.calibrated(&self.graph, &self.batches, &mut hear);
        let calibrated = calibrated.map_err(NetworkError::from)?;
        let model = match self.config.no_quantize {
            true => calibrated.clone(),
            false => flow
                .finish(calibrated.clone(), &self.batches, journal, &mut hear)
                .map_err(NetworkError::from)?,
        };
        phases.extend(model.phases.iter().cloned());
        report.passes.clone_from(&model.passes);
        if let Some(text) = self.text() {
            self.measure(&model, &text, &mut report, &mut phases, &bar)?;
            if let Some(bits) = &self.bits {
                let start = Instant::now();
                let sweep = LanguageSweep {
                    config: self.config,
                    calibrated: &calibrated,
                    batches: &self.batches,
                    text,
                    templates: &self.templates,
                    bits,
                };
                let mut hear = |done, total| bar.at("sweep", done, total);
                report.sweep = language_sweep(&sweep, &mut hear).map_err(NetworkError::from)?;
                phases.push(phase("sweep", start));
            }
        }
        report.phases = phases;
        report.peak_memory_bytes = memory::peak();
        Ok((model, report))
    }

    /// Perplexity with products in float32.
    fn float(
        &self,
        graph: &Graph,
        mode: QuantizerMode,
        text: &Text<'_>,
        name: &str,
        bar: &PhaseProgress,
    ) -> Result<fewbit_models::eval::Perplexity, CliError> {
        let model = LanguageModel::float(graph, mode).map_err(NetworkError::from)?;
        let name = format!("perplexity, {name}");
        let mut hear = |done, total| bar.at(&name, done, total);
        let found = perplexity(&model, text.tokens, text.windows, text.most, &mut hear);
        Ok(found.map_err(NetworkError::from)?)
    }

    fn measure(
        &self,
        model: &QuantizedNetwork,
        text: &Text<'_>,
        report: &mut LanguageReport,
        phases: &mut Vec<Phase>,
        bar: &PhaseProgress,
    ) -> Result<(), CliError> {
        let start = Instant::now();
        let found = self.float(&model.graph, QuantizerMode::Apply, text, "quantized", bar)?;
        report.perplexity = Some(found.perplexity);
        report.tokens_per_second = Some(found.tokens as f64 / start.elapsed().as_secs_f64());
        phases.push(phase("evaluate quantized", start));
        let quantized: Vec<_> =
            products(&model.graph).into_iter().filter(|p| p.weight_quantizer.is_some()).collect();
        if self.config.input_bit_width.is_none() || quantized.is_empty() {
            return Ok(());
        }
        let weights = IntegerWeights::of(&model.graph).map_err(NetworkError::from)?;
        let run = |graph: &Graph, level, text: &Text<'_>, name: &str| {
            let options = IntegerOptions { report: level, ..IntegerOptions::default() };
            let mut hear = |done, total| bar.at(name, done, total);
            integer_perplexity(graph, &weights, &options, text, &mut hear)
                .map_err(NetworkError::from)
        };
        let mut exact = model.graph.clone();
        exact.clear_accumulators();
        // Widths are those that one register over all of K would need, on the first window.
        let start = Instant::now();
        let first = Text { most: 1, ..*text };
        let widths = run(&exact, ReportLevel::Full, &first, "widths")?;
        phases.push(phase("widths", start));
        let start = Instant::now();
        let whole = run(&exact, ReportLevel::None, text, "perplexity, exact accumulators")?;
        report.exact_perplexity = Some(whole.perplexity.perplexity);
        phases.push(phase("evaluate exact accumulators", start));
        let has_own =
            quantized.iter().any(|product| model.graph.accumulator(product.node).is_some());
        let own = match has_own {
            true => {
                let start = Instant::now();
                let own = run(&model.graph, ReportLevel::Events, text, "perplexity, accumulators")?;
                report.accumulator_perplexity = Some(own.perplexity.perplexity);
                report.events = Some(own.events());
                report.accumulator_tokens_per_second =
                    Some(own.perplexity.tokens as f64 / start.elapsed().as_secs_f64());
                phases.push(phase("evaluate accumulators", start));
                own
            }
            false => whole,
        };
        report.in_floats.clone_from(&own.in_floats);
        let window = batch(&text.tokens[..self.config.seqlen]);
        let layers =
            layer_results(&model.float, &model.graph, &[window], &widths.nodes, &own.nodes);
        let layers = layers.map_err(NetworkError::from)?;
        // Products with weights that stay floats multiply no codes.
        let floats: Vec<_> =
            products(&model.graph).into_iter().filter(|p| p.weight_quantizer.is_none()).collect();
        let stays = |name: &str| floats.iter().any(|p| model.graph.node(p.node).name == name);
        report.layers = layers.into_iter().filter(|layer| !stays(&layer.name)).collect();
        Ok(())
    }
}

fn phase(name: &str, start: Instant) -> Phase {
    Phase { name: name.into(), seconds: start.elapsed().as_secs_f64() }
}

/// The graph of a model whose logits are computed for chosen places.
fn graph(checkpoint: &dyn Checkpoint) -> Result<Graph, CliError> {
    let options = BuildOptions { logits: LogitsToKeep::Chosen, ..BuildOptions::default() };
    language_graph(checkpoint, &options)
}

/// The inputs of the graph for one window; of the logits, which no pass needs, those of its last place.
fn batch(tokens: &[u32]) -> Vec<Tensor> {
    let ids: Vec<i64> = tokens.iter().map(|&token| token.into()).collect();
    let last = ids.len().saturating_sub(1) as i64;
    let ids = Array2::from_shape_vec((1, tokens.len()), ids).unwrap_or_default();
    vec![ids.into(), Tensor::vector(vec![last])]
}

/// The first windows of the calibration text.
fn windows(
    tokens: &[u32],
    config: &LanguageFlowConfig,
    path: &Path,
) -> Result<Vec<Vec<Tensor>>, CliError> {
    let (seqlen, wanted) = (config.seqlen, config.nsamples);
    let found: Vec<_> = tokens.chunks_exact(seqlen).take(wanted).map(batch).collect();
    if found.is_empty() {
        let reason = format!(
            "has {} tokens, and a window {seqlen}: expected a longer text, or a smaller seqlen",
            tokens.len()
        );
        return Err(CliError::Array { path: path.to_owned(), reason });
    }
    if found.len() < wanted {
        output::warn(&format!(
            "{} has {} windows of {seqlen} tokens, and nsamples is {wanted}: all are taken",
            path.display(),
            found.len()
        ));
    }
    Ok(found)
}

/// The accumulators of a sweep: those that are asked for, each also with a first register that wraps; else one register of each
/// kind.
fn templates(given: &[AccumulatorTemplate]) -> Result<Vec<AccumulatorTemplate>, CliError> {
    let mut texts: Vec<String> = given.iter().map(ToString::to_string).collect();
    if texts.is_empty() {
        texts.push("int{P}-sat".into());
    }
    for text in texts.clone() {
        let wrapping = text.replacen("{P}-sat", "{P}-wrap", 1);
        if !texts.contains(&wrapping) {
            texts.push(wrapping);
        }
    }
    let parse = |text: &String| {
        text.parse().map_err(|error| CliError::Arguments(format!("{text}: {error}")))
    };
    texts.iter().map(parse).collect()
}

fn write(
    args: &Args,
    model: &Path,
    job: &Job<'_>,
    network: &QuantizedNetwork,
    report: &LanguageReport,
) -> Result<(), CliError> {
    let folder = &args.out;
    let mut outputs = Outputs::default();
    let json = args.form.json(report, None)?;
    outputs.add(&folder.join("report.json"), format!("{json}\n").into_bytes());
    let bounds = network_bounds(&network.graph, &Accumulator::exact());
    let bounds = serde_json::to_string(&bounds)?;
    outputs.add(&folder.join("bounds.json"), format!("{bounds}\n").into_bytes());
    let title = model.file_stem().map_or_else(String::new, |n| n.to_string_lossy().into());
    let page = language_html(&title, report, &language_pictures(report)?);
    outputs.add(&folder.join("report.html"), page.into_bytes());
    let (graph, checkpoint) = (&network.graph, &*job.checkpoint);
    let files = write_language_model(graph, checkpoint).map_err(NetworkError::from)?;
    for file in files {
        outputs.add(&folder.join(&file.name), file.into_bytes());
    }
    match job.config.export().map_err(NetworkError::from)? {
        None => {}
        Some(ExportTarget::Gguf(weights)) => {
            let export = to_gguf(graph, checkpoint, weights).map_err(NetworkError::from)?;
            export.warnings.iter().for_each(|warning| output::warn(warning));
            let bytes = export.write_to(Vec::new()).map_err(LanguageError::from);
            outputs.add(&folder.join("model.gguf"), bytes.map_err(NetworkError::from)?);
        }
        Some(ExportTarget::OnnxQcdq) => {
            let graph = to_qcdq(graph, QCDQ_OPSET).map_err(NetworkError::from)?;
            let bytes = onnx::write_bytes(&graph, QCDQ_OPSET).map_err(NetworkError::from)?;
            outputs.add(&folder.join("model.qcdq.onnx"), bytes);
        }
    }
    outputs.write(&match args.form.form() {
        Form::Json => json,
        Form::Text => text(report, args),
    })
}

fn text(report: &LanguageReport, args: &Args) -> String {
    let mut text = String::new();
    for (name, found) in [
        ("float", report.float_perplexity),
        ("quantized", report.perplexity),
        ("exact accumulators", report.exact_perplexity),
        ("accumulators", report.accumulator_perplexity),
    ] {
        if let Some(found) = found {
            text += &format!("{name:<20} perplexity {found:.4}\n");
        }
    }
    if let Some(events) = report.events {
        text += &format!("overflow events      {events}\n");
    }
    if !report.layers.is_empty() {
        text += &format!("{}\n", layers_table(&report.layers));
    }
    if !report.sweep.is_empty() {
        let titles =
            ["P", "accumulator", "algorithm", "constraint", "perplexity", "overflow events"];
        let mut table = output::texts(&titles);
        for point in &report.sweep {
            table.add_row([
                point.bits.to_string(),
                point.acc.clone(),
                point.algorithm.clone(),
                point.constraint.clone(),
                format!("{:.3}", point.perplexity),
                point.events.to_string(),
            ]);
        }
        text += &format!("{table}\n");
    }
    for pass in &report.passes {
        text += &format!("{}: {}\n", pass.name, pass.detail);
    }
    let seconds: f64 = report.phases.iter().map(|phase| phase.seconds).sum();
    let memory = report
        .peak_memory_bytes
        .map(|bytes| format!(", at most {:.2} GiB of memory", bytes as f64 / (1u64 << 30) as f64))
        .unwrap_or_default();
    text + &format!("{seconds:.1} s{memory}; results are in {}", args.out.display())
}
