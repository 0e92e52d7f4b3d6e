//! `fewbit run` of a language model: a text goes on, is scored, or questions are answered.

use std::path::{Path, PathBuf};
use std::time::Instant;

use fewbit_models::eval::{
    ChoiceOptions, PerplexityWindows, choice_items, multiple_choice, perplexity,
};
use fewbit_models::exec::integer::NodeReport;
use fewbit_models::language::{
    BuildOptions, GenerateOptions, KeyValueCache, LogitsToKeep, Tokenizer, generate,
};
use serde::Serialize;

use crate::error::CliError;
use crate::networks::{NetworkError, read_words, tokenized};
use crate::options::{FormArgs, ThreadArgs};
use crate::output::{Form, PhaseProgress};

pub(super) use super::model::How;
use super::model::Model;

/// What a language model does.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Language models")]
pub(crate) struct LanguageArgs {
    /// Text that the model goes on with, each time by the most probable token
    #[arg(long, value_name = "TEXT", conflicts_with_all = OTHERS)]
    prompt: Option<String>,
    /// Tokens that it adds at most
    #[arg(long, value_name = "N", requires = "prompt", default_value = "64")]
    max_new_tokens: usize,
    /// Text whose perplexity is measured
    #[arg(long, value_name = "F", conflicts_with_all = OTHERS)]
    text: Option<PathBuf>,
    /// Tokens of a window; the second half of each is scored
    #[arg(long, value_name = "N", requires = "text", default_value = "2048")]
    seqlen: usize,
    /// Windows that are scored at most, the first ones of the text [default: all]
    #[arg(long, value_name = "N", requires = "text")]
    nvalid: Option<usize>,
    /// Windows overlap: each starts so many tokens behind the one before, and what is new in it is scored
    #[arg(long, value_name = "N", requires = "text")]
    stride: Option<usize>,
    /// Questions, a line each: {"context": "...", "choices": ["...", "..."], "answer": 0}
    #[arg(long, value_name = "F.jsonl", conflicts_with_all = OTHERS)]
    choices: Option<PathBuf>,
    /// What stands between context and choice
    #[arg(long, value_name = "TEXT", requires = "choices", default_value = " ")]
    target_delimiter: String,
}

/// What has no effect on these jobs.
const OTHERS: [&str; 4] = ["input", "output", "report", "batch"];

impl LanguageArgs {
    /// The job that is asked for, if one is.
    fn job(&self) -> Option<Job<'_>> {
        match (&self.prompt, &self.text, &self.choices) {
            (Some(prompt), _, _) => Some(Job::Generate(prompt)),
            (_, Some(text), _) => Some(Job::Perplexity(text)),
            (_, _, Some(choices)) => Some(Job::Choices(choices)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum Job<'a> {
    Generate(&'a str),
    Perplexity(&'a Path),
    Choices(&'a Path),
}

/// What came of it.
#[derive(Serialize)]
#[serde(untagged)]
enum Report {
    Generated(Generated),
    Perplexity(PerplexityReport),
    Choices(ChoicesReport),
}

#[derive(Serialize)]
struct Generated {
    prompt: String,
    text: String,
    prompt_tokens: usize,
    tokens: Vec<u32>,
    seconds: f64,
    tokens_per_second: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<NodeReport>,
}

#[derive(Serialize)]
struct PerplexityReport {
    perplexity: f64,
    seqlen: usize,
    stride: Option<usize>,
    windows: usize,
    scored_tokens: usize,
    tokens: usize,
    seconds: f64,
    tokens_per_second: f64,
    window_nll: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<NodeReport>,
}

#[derive(Serialize)]
struct ChoicesReport {
    questions: usize,
    acc: f64,
    acc_stderr: f64,
    acc_norm: f64,
    acc_norm_stderr: f64,
    seconds: f64,
    log_likelihoods: Vec<Vec<f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<NodeReport>,
}

/// Does the job; the text to print.
pub(super) fn run(
    model: &Path,
    args: &LanguageArgs,
    how: How,
    threads: ThreadArgs,
    form: &FormArgs,
) -> Result<String, CliError> {
    let Some(job) = args.job() else { return Ok(String::new()) };
    let text = match job {
        Job::Generate(_) => String::new(),
        Job::Perplexity(path) | Job::Choices(path) => read_words(path, &form.inputs)?,
    };
    let report = threads.run(|| {
        let model = Model::open(model, how, &form.inputs)?;
        let tokenizer = model.tokenizer()?;
        match job {
            Job::Generate(prompt) => generated(&model, &tokenizer, prompt, args),
            Job::Perplexity(_) => scored(&model, &tokenizer, &text, args),
            Job::Choices(path) => answered(&model, &tokenizer, &text, path, args),
        }
    })?;
    match form.form() {
        Form::Json => form.json(&report, None),
        Form::Text => Ok(report.text()),
    }
}

fn generated(
    source: &Model,
    tokenizer: &Tokenizer,
    prompt: &str,
    args: &LanguageArgs,
) -> Result<Report, CliError> {
    let tokens = tokenized(tokenizer, prompt)?;
    let options = BuildOptions { cache: KeyValueCache::Inputs, logits: LogitsToKeep::Chosen };
    let graph = source.graph(&options)?;
    let model = source.model(&graph)?;
    let mut eos_token_ids = source.eos_token_ids().to_vec();
    eos_token_ids.extend(tokenizer.eos());
    let options = GenerateOptions { max_new_tokens: args.max_new_tokens, eos_token_ids };
    let start = Instant::now();
    let bar = PhaseProgress::new();
    let mut count = 0;
    let found = generate(&model, &tokens, &options, &mut |_| {
        count += 1;
        bar.at("tokens", count, options.max_new_tokens);
    });
    let found = found.map_err(NetworkError::from)?;
    let seconds = start.elapsed().as_secs_f64();
    let text = tokenizer.decode(&found).map_err(NetworkError::from)?;
    Ok(Report::Generated(Generated {
        prompt: prompt.to_owned(),
        text,
        prompt_tokens: tokens.len(),
        tokens_per_second: found.len() as f64 / seconds,
        tokens: found,
        seconds,
        nodes: source.nodes(),
    }))
}

fn scored(
    source: &Model,
    tokenizer: &Tokenizer,
    text: &str,
    args: &LanguageArgs,
) -> Result<Report, CliError> {
    let seqlen = args.seqlen;
    let windows = match args.stride {
        None => PerplexityWindows::Halves { seqlen },
        Some(stride) => PerplexityWindows::Sliding { seqlen, stride },
    };
    let tokens = tokenized(tokenizer, text)?;
    let most = args.nvalid.unwrap_or(usize::MAX);
    windows.check(tokens.len(), most).map_err(NetworkError::from)?;
    let options = BuildOptions { logits: LogitsToKeep::Chosen, ..BuildOptions::default() };
    let graph = source.graph(&options)?;
    let model = source.model(&graph)?;
    let start = Instant::now();
    let bar = PhaseProgress::new();
    let mut hear = |done, of| bar.at("windows", done, of);
    let found =
        perplexity(&model, &tokens, windows, most, &mut hear).map_err(NetworkError::from)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Report::Perplexity(PerplexityReport {
        perplexity: found.perplexity,
        seqlen,
        stride: args.stride,
        windows: found.windows.len(),
        scored_tokens: found.scored,
        tokens: found.tokens,
        seconds,
        tokens_per_second: found.tokens as f64 / seconds,
        window_nll: found.windows,
        nodes: source.nodes(),
    }))
}

fn answered(
    source: &Model,
    tokenizer: &Tokenizer,
    text: &str,
    path: &Path,
    args: &LanguageArgs,
) -> Result<Report, CliError> {
    let wrong =
        |error: &dyn ToString| CliError::Array { path: path.to_owned(), reason: error.to_string() };
    let items = choice_items(text).map_err(|error| wrong(&error))?;
    let last = source.eos_token_ids().first().copied();
    let first = tokenizer.bos().or(source.bos_token_id()).or(tokenizer.eos()).or(last);
    let options = ChoiceOptions {
        target_delimiter: args.target_delimiter.clone(),
        empty_context: first.unwrap_or(0),
        max_length: source.max_position_embeddings(),
    };
    let graph = BuildOptions { logits: LogitsToKeep::Chosen, ..BuildOptions::default() };
    let graph = source.graph(&graph)?;
    let model = source.model(&graph)?;
    let start = Instant::now();
    let bar = PhaseProgress::new();
    let encode = |text: &str| tokenizer.encode(text);
    let mut hear = |done, of| bar.at("questions", done, of);
    let found = multiple_choice(&model, &encode, &items, &options, &mut hear);
    let found = found.map_err(NetworkError::from)?;
    Ok(Report::Choices(ChoicesReport {
        questions: items.len(),
        acc: found.acc,
        acc_stderr: found.acc_stderr,
        acc_norm: found.acc_norm,
        acc_norm_stderr: found.acc_norm_stderr,
        seconds: start.elapsed().as_secs_f64(),
        log_likelihoods: found.log_likelihoods,
        nodes: source.nodes(),
    }))
}

impl Report {
    fn text(&self) -> String {
        let (Self::Generated(Generated { nodes, .. })
        | Self::Perplexity(PerplexityReport { nodes, .. })
        | Self::Choices(ChoicesReport { nodes, .. })) = self;
        let mut text = self.own_text();
        if !nodes.is_empty() {
            let events: u64 = nodes.iter().map(NodeReport::total_events).sum();
            let outputs: u64 = nodes.iter().map(|node| node.outputs).sum();
            let products = nodes.len();
            text +=
                &format!("\n{events} overflow events in {outputs} outputs of {products} products");
        }
        text
    }

    fn own_text(&self) -> String {
        match self {
            Self::Generated(found) => format!(
                "{}{}\n\n{} tokens in {:.2} s, {:.1} token/s",
                found.prompt,
                found.text,
                found.tokens.len(),
                found.seconds,
                found.tokens_per_second
            ),
            Self::Perplexity(found) => format!(
                "perplexity {:.4}: {} windows of {} tokens, {} tokens scored; {:.1} s, {:.0} token/s",
                found.perplexity,
                found.windows,
                found.seqlen,
                found.scored_tokens,
                found.seconds,
                found.tokens_per_second
            ),
            Self::Choices(found) => format!(
                "acc {:.4} +- {:.4}, acc_norm {:.4} +- {:.4}: {} questions, {:.1} s",
                found.acc,
                found.acc_stderr,
                found.acc_norm,
                found.acc_norm_stderr,
                found.questions,
                found.seconds
            ),
        }
    }
}
