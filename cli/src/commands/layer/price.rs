//! The price of a guarantee: one layer under accumulators of many widths.

mod picture;
mod report;

use std::path::PathBuf;

use fewbit::algorithms::layer::{
    AccumulatorConstraint, LayerInputs, WeightScale, price_of_guarantee,
};
use fewbit::sweep::{AccumulatorTemplate, BitRange};

use self::report::{Point, Price};
use super::args::Args;
use super::choices::{AccChoice, Keeping};
use super::inputs::FileInputs;
use super::progress::bars;
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::npy;
use crate::output::Form;

/// Solves and judges at every width, writes, prints.
pub(super) fn run(args: &Args, bits: &BitRange) -> Result<Outcome, CliError> {
    let price = args.threads.run(|| work(args, bits))?;
    let seed = Some(args.seed);
    let provenance = args.form.provenance(seed)?;
    let text = args.form.json(&price, seed)?;
    let mut outputs = Outputs::default();
    if let Some(path) = &args.report {
        outputs.add(path, format!("{text}\n").into_bytes());
    }
    let form = args.form.form();
    let drawn = args.svg.clone().or_else(|| match form {
        Form::Text => Some(PathBuf::from("layer.svg")),
        Form::Json => None,
    });
    if let Some(path) = &drawn {
        let picture = picture::draw(&price).map_err(CliError::Picture)?;
        outputs.add(path, provenance.in_svg(&picture)?.into_bytes());
    }
    outputs.write(&match (form, &drawn) {
        (Form::Json, _) => text,
        (Form::Text, None) => report::text(&price),
        (Form::Text, Some(path)) => {
            format!("{}\npicture: {}", report::text(&price), path.display())
        }
    })?;
    let failed = price.points.iter().any(Point::breaks_its_guarantee);
    Ok(if failed { Outcome::Different } else { Outcome::Done })
}

fn work(args: &Args, bits: &BitRange) -> Result<Price, CliError> {
    let weights = npy::read(&args.weight, &args.form.inputs)?.into_float_matrix()?;
    let mut inputs = FileInputs::open(args, weights.dim())?;
    let samples = inputs.dim().0;
    let job = args.job()?;
    let template = match &args.acc {
        Some(AccChoice::Template(template)) => template.clone(),
        _ => default_template()?,
    };
    let bits: Vec<u32> = bits.bits().collect();
    let accumulators = bits.iter().map(|&bits| template.at(bits)).collect::<Result<Vec<_>, _>>();
    let accumulators = accumulators.map_err(|error| CliError::Arguments(error.to_string()))?;
    // As published without a guarantee and with AXE; scales by loss where scales and codes are chosen together.
    let scale = |keeping: &Keeping| match (&args.scale, keeping) {
        (Some(_), _) => job.weights.scale(),
        (None, Keeping::Joint) => WeightScale::Constrained,
        (None, _) => WeightScale::AbsMax,
    };
    let keepings = args.constraints();
    let constraints: Vec<(AccumulatorConstraint, WeightScale)> =
        keepings.iter().map(|keeping| ((*keeping).into(), scale(keeping))).collect();
    let found = price_of_guarantee(
        weights.view(),
        &mut inputs,
        &job,
        &accumulators,
        &constraints,
        &mut bars(),
    );
    let found = found.map_err(|error| args.complaint(error))?;
    let per_width = constraints.len() * job.solvers.len();
    let widths = bits.iter().flat_map(|bits| std::iter::repeat_n(*bits, per_width));
    Ok(Price {
        outputs: weights.nrows(),
        inputs: weights.ncols(),
        samples,
        weights: job.weights.format_name(),
        acts: args.acts.map(|acts| acts.to_string()),
        acc: template.to_string(),
        effort: job.effort.map(|effort| effort.level()),
        seed: args.seed,
        threads: rayon::current_num_threads(),
        activation_scale: found.activations,
        statistics_seconds: found.statistics_seconds,
        points: widths.zip(found.points).map(|(bits, point)| Point { bits, point }).collect(),
    })
}

fn default_template() -> Result<AccumulatorTemplate, CliError> {
    "int{P}-sat"
        .parse()
        .map_err(|error: fewbit::sweep::TemplateError| CliError::Arguments(error.to_string()))
}
