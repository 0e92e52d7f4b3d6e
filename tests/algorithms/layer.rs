//! A layer from numbers to a verdict: what is reported against its definition, and against the parts put together by hand.

use std::ops::Range;

use fewbit::accumulate::bounds::{Inputs, Layer as Bounded, Side};
use fewbit::algorithms::equalize::SmoothParams;
use fewbit::algorithms::layer::{
    AccumulatorConstraint, Equalization, InputValues, LayerAccumulator, LayerActivations,
    LayerBatch, LayerError, LayerInputs, LayerJob, LayerPhase, LayerRotation, LayerSolver,
    LayerWeights, MatrixInputs, QuantizedLayer, ScalarWeights, ScaleSharing, WeightScale,
    quantize_layer,
};
use fewbit::algorithms::{AlgorithmError, Collector, GptqParams, Grid, Precision, Problem, gptq};
use fewbit::formats::{Format, GroupFormat};
use fewbit::{Accumulator, reference};
use ndarray::{Array2, ArrayD, Axis, IxDyn, concatenate};

use crate::data::{Layer, channel_scales, relative_error};

fn layer() -> Layer {
    Layer::new(7, 12, 40, 1500, 0.2)
}

fn solver(name: &str) -> LayerSolver {
    name.parse().unwrap()
}

fn job(weights: impl Into<LayerWeights>, name: &str) -> LayerJob {
    LayerJob::new(weights, solver(name))
}

fn quantize(data: &Layer, job: &LayerJob) -> Result<QuantizedLayer, LayerError> {
    let mut inputs = MatrixInputs::pairs(data.float.view(), data.quantized.view())?;
    quantize_layer(data.weights.view(), &mut inputs, job, &mut |_| ())
}

fn accumulated(acts: &str, acc: &str, constraint: AccumulatorConstraint) -> LayerActivations {
    let accumulator = acc.parse().unwrap();
    LayerActivations {
        accumulator: Some(LayerAccumulator { accumulator, constraint }),
        ..LayerActivations::new(acts.parse().unwrap())
    }
}

#[test]
fn the_error_is_that_of_the_values() {
    let data = layer();
    let solvers = LayerSolver::all().into_iter().filter(LayerSolver::keeps_budgets).collect();
    let job = LayerJob { solvers, ..job(Format::INT4, "rtn") };
    let found = quantize(&data, &job).unwrap();
    let mut inputs = MatrixInputs::new(data.float.view());
    let alone = quantize_layer(data.weights.view(), &mut inputs, &job, &mut |_| ()).unwrap();
    for (layer, xq) in [(&found, &data.quantized), (&alone, &data.float)] {
        assert_eq!(layer.candidates.len(), 6);
        for (candidate, solver) in layer.candidates.iter().zip(&job.solvers) {
            assert_eq!(candidate.solver, *solver);
            let error = relative_error(&data.float, xq, &data.weights, &candidate.values);
            let reported = candidate.verdict.relative_error;
            assert!((reported / error - 1.0).abs() < 1e-5, "{solver}: {reported}, {error}");
            let tensor = layer.tensor(candidate).unwrap();
            assert_eq!(tensor.dequantize(), candidate.values.clone().into_dyn(), "{solver}");
            assert_eq!(layer.effective(candidate).unwrap(), candidate.values);
            assert_eq!(candidate.verdict.stages, None);
        }
    }
}

#[test]
fn it_is_the_parts_put_together() {
    let data = layer();
    let found = quantize(&data, &job(Format::INT4, "gptq")).unwrap();
    let mut collector = Collector::new(40, 1, Precision::Single).unwrap();
    collector.push_pairs(data.quantized.view(), data.float.view()).unwrap();
    let statistics = collector.finish();
    assert_eq!(found.statistics, statistics);
    let scale = channel_scales(data.weights.view(), 8.0).insert_axis(Axis(1));
    let grid = Grid::new(Format::INT4, 40, scale, None, 40).unwrap();
    let problem = Problem {
        weights: data.weights.view(),
        statistics: &statistics,
        grid: &grid,
        constraint: None,
    };
    let expected = gptq(&problem, &GptqParams::default()).unwrap();
    let candidate = &found.candidates[0];
    assert_eq!((&candidate.codes, &candidate.info), (&expected.codes, &expected.info));
}

/// The inputs and the worst ones through the reference, which knows nothing of the layer's passes.
#[test]
fn the_accumulator_is_run_on_the_inputs_and_on_the_worst_ones() {
    let data = layer();
    for (acts, acc, constraint) in [
        ("uint8", "int12-sat/8,int16-wrap", AccumulatorConstraint::Axe),
        ("int8", "int13-wrap", AccumulatorConstraint::AxeStrict),
        ("int6", "int9-sat*4/8,int11-wrap", AccumulatorConstraint::None),
    ] {
        let activations = accumulated(acts, acc, constraint);
        let solvers = LayerSolver::all().to_vec();
        let job = LayerJob {
            solvers,
            activations: Some(activations.clone()),
            ..job(Format::INT4, "rtn")
        };
        let found = quantize(&data, &job).unwrap();
        let acc: Accumulator = acc.parse().unwrap();
        let codes = activations.format.quantizer().unwrap();
        let codes = codes.quantize(&data.quantized.view()).unwrap().ints().unwrap();
        let codes: Array2<i64> = codes.into_dimensionality().unwrap();
        for candidate in &found.candidates {
            let what = format!("{} {acts} {acc}", candidate.solver);
            let grid = found.grid.grid();
            let levels = candidate.codes.map(|&code| grid.level(code).unwrap());
            let bounded =
                Bounded::new(levels.view(), Inputs::Same(activations.format.range())).unwrap();
            let worst = (0..levels.nrows())
                .flat_map(|row| [Side::Lower, Side::Upper].map(|side| bounded.witness(row, side)));
            let worst: Vec<i64> = worst.flatten().collect();
            let worst = Array2::from_shape_vec((2 * levels.nrows(), 40), worst).unwrap();
            let inputs = concatenate![Axis(0), codes, worst];
            let (_, report) = reference::matmul(inputs.view(), levels.t(), &acc).unwrap();
            let stages = candidate.verdict.stages.as_ref().unwrap();
            for (stage, expected) in stages.iter().zip(&report.stages) {
                assert_eq!(stage.events, expected.events, "{what}");
                assert_eq!(stage.observed_bits, expected.required_bits, "{what}");
            }
            let guaranteed = bounded.bounds(&acc).unwrap();
            assert_eq!(stages[0].guaranteed_bits, guaranteed.required_bits(0), "{what}");
            let keeps = constraint != AccumulatorConstraint::None;
            if keeps && candidate.solver.keeps_budgets() {
                assert!(!candidate.verdict.can_overflow(), "{what}");
            }
        }
        let overflowed = found.candidates.iter().any(|c| c.verdict.events > Some(0));
        assert_eq!(overflowed, constraint == AccumulatorConstraint::None);
    }
}

#[test]
fn transforms_leave_the_outputs() {
    let data = layer();
    let smooth = Equalization::SmoothQuant(SmoothParams::default());
    for (equalization, rotation) in
        [(None, Some("expansion")), (Some(smooth), None), (Some(smooth), Some("orthogonal:8"))]
    {
        let rotation: Option<LayerRotation> = rotation.map(|text| text.parse().unwrap());
        let job = LayerJob { equalization, rotation, ..job(Format::INT8, "rtn") };
        let found = quantize(&data, &job).unwrap();
        let candidate = &found.candidates[0];
        let effective = found.effective(candidate).unwrap();
        assert_eq!(effective.dim(), data.weights.dim());
        let error = relative_error(&data.float, &data.quantized, &data.weights, &effective);
        let reported = candidate.verdict.relative_error;
        assert!((reported / error - 1.0).abs() < 1e-2, "{job:?}: {reported}, {error}");
        assert_eq!(found.transform.channel_scale().is_some(), equalization.is_some());
    }
}

/// Rows that are made when they are asked for, and that end before they should.
struct Made<'a> {
    data: &'a Layer,
    rows: usize,
    read: Vec<Range<usize>>,
}

#[derive(Debug, PartialEq)]
enum MadeError {
    Layer(LayerError),
    End(usize),
}

impl From<LayerError> for MadeError {
    fn from(error: LayerError) -> Self {
        Self::Layer(error)
    }
}

impl LayerInputs for Made<'_> {
    type Error = MadeError;

    fn dim(&self) -> (usize, usize) {
        self.data.float.dim()
    }

    fn read(&mut self, samples: Range<usize>) -> Result<LayerBatch, MadeError> {
        if samples.end > self.rows {
            return Err(MadeError::End(samples.end));
        }
        self.read.push(samples.clone());
        let rows: Vec<usize> = samples.collect();
        let float = self.data.float.select(Axis(0), &rows);
        Ok(LayerBatch { float, quantized: Some(self.data.quantized.select(Axis(0), &rows)) })
    }
}

#[test]
fn inputs_are_read_in_blocks_and_progress_is_told() {
    let data = layer();
    let mut job = job(Format::INT4, "rtn");
    job.solvers.push(solver("gpfq"));
    job.activations = Some(LayerActivations::new("int8".parse().unwrap()));
    let mut made = Made { data: &data, rows: 1500, read: Vec::new() };
    let mut steps = Vec::new();
    let found = quantize_layer(data.weights.view(), &mut made, &job, &mut |p| steps.push(p));
    let found = found.unwrap();
    let blocks = [0..1024, 1024..1500];
    assert_eq!(made.read, [&blocks[..]; 3].concat());
    let phases =
        [LayerPhase::InputRange, LayerPhase::Statistics, LayerPhase::Solving, LayerPhase::Outputs];
    let expected: Vec<_> =
        phases.iter().flat_map(|&phase| (0..=2).map(move |done| (phase, done, 2))).collect();
    let steps: Vec<_> = steps.iter().map(|p| (p.phase, p.done, p.total)).collect();
    assert_eq!(steps, expected);
    for (made, whole) in found.candidates.iter().zip(quantize(&data, &job).unwrap().candidates) {
        assert_eq!((&made.codes, &made.verdict), (&whole.codes, &whole.verdict));
    }
    let mut short = Made { rows: 1499, ..made };
    let error = quantize_layer(data.weights.view(), &mut short, &job, &mut |_| ()).unwrap_err();
    assert_eq!(error, MadeError::End(1500));
}

#[test]
fn inputs_are_the_values_of_codes_where_that_is_asked_for() {
    let data = layer();
    let acts = LayerActivations {
        input_values: InputValues::OfCodes,
        ..LayerActivations::new("int4".parse().unwrap())
    };
    let codes = acts.format.quantizer().unwrap().quantize(&data.quantized.view()).unwrap();
    let values = codes.dequantize().into_dimensionality().unwrap();
    // Values that are no integers are no matter where nothing is accumulated.
    for weights in [Format::INT4, Format::F32] {
        let job = LayerJob { activations: Some(acts.clone()), ..job(weights, "gptq") };
        let candidate = &quantize(&data, &job).unwrap().candidates[0];
        let error = relative_error(&data.float, &values, &data.weights, &candidate.values);
        let reported = candidate.verdict.relative_error;
        assert!((reported / error - 1.0).abs() < 1e-5, "{weights}: {reported}, {error}");
    }
}

#[test]
fn scales_and_who_shares_them() {
    let data = layer();
    let codes = |scale: WeightScale, sharing: &str| {
        let sharing = sharing.parse().unwrap();
        let weights = ScalarWeights { scale, sharing, ..ScalarWeights::new(Format::INT4) };
        quantize(&data, &job(weights, "rtn")).map(|found| found.candidates[0].codes.clone())
    };
    let absmax = channel_scales(data.weights.view(), 8.0);
    let given = |shape: &[usize], values: Vec<f32>| {
        WeightScale::Given(ArrayD::from_shape_vec(IxDyn(shape), values).unwrap())
    };
    let plain = codes(WeightScale::AbsMax, "channel");
    assert_eq!(codes(given(&[12], absmax.to_vec()), "channel"), plain);
    assert_eq!(codes(given(&[12, 1], absmax.to_vec()), "channel"), plain);
    let most = absmax.fold(0.0f32, |most, scale| most.max(*scale));
    assert_eq!(codes(given(&[], vec![most]), "tensor"), codes(WeightScale::AbsMax, "tensor"));
    let expected = LayerError::ScaleShape { found: vec![12], expected: vec![12, 3] };
    assert_eq!(codes(given(&[12], absmax.to_vec()), "group:16"), Err(expected));
    assert_eq!(codes(given(&[12], vec![0.0; 12]), "channel"), Err(LayerError::Scale(0.0)));
    assert_eq!(codes(WeightScale::PisoFull, "tensor"), Err(LayerError::SharedByRows("piso-full")));
}

#[test]
fn what_has_no_meaning_is_refused() {
    let data = layer();
    let refused = |job: &LayerJob| quantize(&data, job).unwrap_err();
    let uint4: Format = "uint4".parse().unwrap();
    let searched = ScalarWeights { scale: WeightScale::Mse, ..ScalarWeights::new(uint4) };
    assert_eq!(
        refused(&job(searched, "rtn")),
        LayerError::ZeroPoints { scale: "mse", format: uint4 }
    );
    let mxfp4: GroupFormat = "mxfp4".parse().unwrap();
    assert_eq!(refused(&job(mxfp4, "beacon")), LayerError::FixedScales("mxfp4".into()));
    assert_eq!(refused(&job(Format::INT4, "a2q")), LayerError::NoRegister("a2q"));
    let through = |acc: &str, weights: Format| LayerJob {
        activations: Some(accumulated("uint8", acc, AccumulatorConstraint::None)),
        ..job(weights, "rtn")
    };
    assert!(matches!(refused(&through("f32", Format::INT4)), LayerError::FloatStage(_)));
    assert_eq!(refused(&through("exact", Format::F32)), LayerError::NoIntegers("f32".into()));
    let mut few = MatrixInputs::new(data.weights.view());
    let narrow = data.float.view();
    let error = quantize_layer(narrow.t(), &mut few, &job(Format::INT4, "rtn"), &mut |_| ());
    assert_eq!(error.unwrap_err(), LayerError::Inputs { weights: (40, 1500), inputs: (12, 40) });
    let none = Array2::zeros((0, 40));
    let mut none = MatrixInputs::new(none.view());
    let error =
        quantize_layer(data.weights.view(), &mut none, &job(Format::INT4, "rtn"), &mut |_| ());
    assert_eq!(error.unwrap_err(), LayerError::from(AlgorithmError::NoSamples));
    assert!(MatrixInputs::pairs(data.float.view(), data.weights.view()).is_err());
}

#[test]
fn names_round_trip() {
    for solver in LayerSolver::all() {
        assert_eq!(solver.to_string().parse(), Ok(solver));
    }
    for name in ["tensor", "channel", "group:3"] {
        assert_eq!(name.parse::<ScaleSharing>().unwrap().to_string(), name);
    }
    for name in WeightScale::NAMES.split(", ") {
        assert_eq!(name.parse::<WeightScale>().unwrap().to_string(), name);
    }
    for name in ["joint", "axe", "axe-strict", "none"] {
        assert_eq!(name.parse::<AccumulatorConstraint>().unwrap().to_string(), name);
    }
    for name in ["hadamard", "random-hadamard:8", "orthogonal", "expansion:2"] {
        assert_eq!(name.parse::<LayerRotation>().unwrap().to_string(), name);
    }
    for wrong in ["", "group:0", "given", "hadamard:0", "expansion:", "rtn:1"] {
        assert!(wrong.parse::<LayerSolver>().is_err(), "{wrong}");
        assert!(wrong.parse::<ScaleSharing>().is_err(), "{wrong}");
        assert!(wrong.parse::<WeightScale>().is_err(), "{wrong}");
        assert!(wrong.parse::<LayerRotation>().is_err(), "{wrong}");
    }
}
