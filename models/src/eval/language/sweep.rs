//! Perplexity against the width of accumulators.

use fewbit::sweep::{AccumulatorTemplate, BitRange};
use fewbit::{Accumulator, ReportLevel};
use serde::Serialize;

use crate::exec::integer::{IntegerOptions, IntegerWeights, NodeReport};
use crate::flow::{AccumulatorKind, FlowError, LanguageFlow, LanguageFlowConfig, QuantizedNetwork};
use crate::graph::Graph;
use crate::passes::NoJournal;
use crate::tensor::Tensor;

use super::super::rows::Row;
use super::integer::{Text, integer_perplexity};

/// One model through one accumulator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LanguageSweepPoint {
    /// What `{P}` stands for.
    pub bits: u32,
    /// The accumulator.
    pub acc: String,
    /// The algorithm that chose the codes.
    pub algorithm: String,
    /// What it did about the accumulator.
    pub constraint: String,
    /// Of the text.
    pub perplexity: f64,
    /// Overflow events of all products.
    pub events: u64,
    /// The same product by product, in the order in which they run.
    pub layer_events: Vec<u64>,
}

/// A model through accumulators of many widths.
#[derive(Clone, Debug)]
pub struct LanguageSweep<'a> {
    /// The configuration, whose algorithm is compared with rounding to nearest.
    pub config: &'a LanguageFlowConfig,
    /// The model with quantizers and nearest codes.
    pub calibrated: &'a QuantizedNetwork,
    /// The calibration text.
    pub batches: &'a [Vec<Tensor>],
    /// What is scored.
    pub text: Text<'a>,
    /// The accumulators, as functions of P.
    pub templates: &'a [AccumulatorTemplate],
    /// The widths.
    pub bits: &'a BitRange,
}

/// A kind of codes.
struct Codes {
    algorithm: &'static str,
    constraint: AccumulatorKind,
}

impl LanguageSweep<'_> {
    /// Nearest codes, those of the configuration's algorithm, and those that it chooses for each accumulator.
    fn kinds(&self) -> Vec<Codes> {
        let nearest = Codes { algorithm: "rtn", constraint: AccumulatorKind::None };
        let own = self.config.algorithms().last().copied();
        let own = own.filter(|&name| name != "rtn");
        let mut kinds = vec![nearest];
        kinds.extend(own.map(|algorithm| Codes { algorithm, constraint: AccumulatorKind::None }));
        let constraint = match self.config.accumulator_constraint {
            AccumulatorKind::None => AccumulatorKind::Axe,
            own => own,
        };
        kinds.extend(own.map(|algorithm| Codes { algorithm, constraint }));
        kinds
    }

    /// How many points there will be at most.
    #[must_use]
    pub fn points(&self) -> usize {
        self.kinds().len() * self.templates.len() * self.bits.len()
    }

    /// The model with codes of a kind, chosen for an accumulator where they depend on one.
    fn model(&self, codes: &Codes, accumulator: Option<&Accumulator>) -> Result<Graph, FlowError> {
        let is = |name: &str| codes.algorithm == name;
        let config = LanguageFlowConfig {
            rtn: is("rtn") && codes.constraint != AccumulatorKind::None,
            gptq: is("gptq"),
            gptaq: is("gptaq"),
            gpfq: is("gpfq"),
            qronos: is("qronos"),
            learned_round: None,
            accumulator: accumulator.map(ToString::to_string),
            gpxq_max_accumulator_bit_width: None,
            accumulators: Default::default(),
            accumulator_constraint: codes.constraint,
            ..self.config.clone()
        };
        let flow = LanguageFlow { config: &config };
        let found = flow.finish(
            self.calibrated.clone(),
            self.batches,
            &mut NoJournal,
            &mut |_: &str, _, _| (),
        )?;
        Ok(found.graph)
    }

    fn point(
        &self,
        (graph, weights): (&Graph, &IntegerWeights),
        codes: &Codes,
        bits: u32,
        accumulator: &Accumulator,
    ) -> Result<LanguageSweepPoint, FlowError> {
        let mut graph = graph.clone();
        graph.set_accumulators(accumulator);
        let options = IntegerOptions { report: ReportLevel::Events, ..IntegerOptions::default() };
        let found = integer_perplexity(&graph, weights, &options, &self.text, &mut |_, _| ());
        let found = found.map_err(|error| FlowError::Data(error.to_string()))?;
        let of_product = |name: &str| {
            let node = found.nodes.iter().find(|node| node.name == name);
            node.map_or(0, NodeReport::total_events)
        };
        let quantized = Row::all(&graph).into_iter().filter(Row::is_quantized);
        Ok(LanguageSweepPoint {
            bits,
            acc: accumulator.to_string(),
            algorithm: codes.algorithm.into(),
            constraint: codes.constraint.constraint().to_string(),
            perplexity: found.perplexity.perplexity,
            events: found.events(),
            layer_events: quantized.map(|row| of_product(&row.name)).collect(),
        })
    }
}

/// Perplexity and overflow events against accumulator bits: with nearest codes, with those of the configuration's algorithm, and
/// with those that it chooses for each accumulator.
///
/// Of constrained codes, which no input overflows, one kind of register is run per `P`: whether it wraps or saturates makes no
/// difference. `progress` hears how many points are done, of [`LanguageSweep::points`] at most.
///
/// # Errors
/// What the flow refuses; a text shorter than a window.
pub fn language_sweep(
    job: &LanguageSweep<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<LanguageSweepPoint>, FlowError> {
    let total = job.points();
    let mut points = Vec::new();
    let mut done = 0;
    for codes in job.kinds() {
        let prepared = |accumulator: Option<&Accumulator>| -> Result<_, FlowError> {
            let graph = job.model(&codes, accumulator)?;
            let weights = IntegerWeights::of(&graph)?;
            Ok((graph, weights))
        };
        let once = match codes.constraint {
            AccumulatorKind::None => Some(prepared(None)?),
            _ => None,
        };
        let templates = match once {
            Some(_) => job.templates,
            None => &job.templates[..job.templates.len().min(1)],
        };
        for template in templates {
            for bits in job.bits.bits() {
                progress(done, total);
                done += 1;
                let accumulator =
                    template.at(bits).map_err(|error| FlowError::Combination(error.to_string()))?;
                let point = match &once {
                    Some((graph, weights)) => {
                        job.point((graph, weights), &codes, bits, &accumulator)?
                    }
                    None => {
                        let (graph, weights) = prepared(Some(&accumulator))?;
                        job.point((&graph, &weights), &codes, bits, &accumulator)?
                    }
                };
                points.push(point);
            }
        }
    }
    progress(total, total);
    Ok(points)
}
