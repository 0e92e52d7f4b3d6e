//! Sweeps whose numbers can be checked by hand, and what a sweep refuses.

use fewbit::quantize::CodeFormat;
use fewbit::sweep::{
    AccumulatorTemplate, BitRange, FloatLayer, Network, Sweep, SweepError, SweepJob, TemplateError,
    TemplateKind, float_outputs, sweep,
};
use ndarray::{Array1, Array2, array};

const INT4: &str = "int4";
const UINT8: &str = "uint8";

fn format(text: &str) -> CodeFormat {
    text.parse().unwrap()
}

fn run(
    layers: &[FloatLayer],
    inputs: &Array2<f32>,
    labels: Option<&[usize]>,
    templates: &[&str],
    bits: &str,
) -> Result<Sweep, SweepError> {
    let templates: Vec<AccumulatorTemplate> =
        templates.iter().map(|text| text.parse().unwrap()).collect();
    let job = SweepJob {
        layers,
        weights: format(INT4),
        acts: format(UINT8),
        calibration: inputs.view(),
        inputs: inputs.view(),
        labels,
        templates: &templates,
        bits: bits.parse().unwrap(),
    };
    sweep(&job, &|| ())
}

/// Rows whose greatest weight is 7 have a scale of 1; inputs of 0 to 255 have one of 1, those of 0 to 1785 one of 7.
fn two_layers() -> ([FloatLayer; 2], Array2<f32>) {
    let layers = [
        FloatLayer::without_bias(array![[7.0, -7.0], [7.0, 0.0]]),
        FloatLayer::without_bias(array![[7.0, 1.0]]),
    ];
    (layers, array![[255.0, 0.0], [0.0, 255.0]])
}

#[test]
fn two_layers_by_hand() {
    let (layers, inputs) = two_layers();
    // 7 * 255 = 1785 twice, 7 * 1785 + 1785; and -1785, which ReLU makes 0.
    assert_eq!(float_outputs(&layers, inputs.view()).unwrap(), array![[14280.0], [0.0]]);
    let found = run(&layers, &inputs, None, &["int{P}-sat"], "11..12").unwrap();
    assert!(found.exact.equals_float && found.exact.sqnr_float_db.is_none());
    assert_eq!((found.samples, found.float.accuracy, found.exact.accuracy), (2, None, None));
    // (7 + 1) * 255 = 2040 and 7 * 255 = 1785, either sign.
    assert_eq!(found.guaranteed_bits, 12);
    let [narrow, wide] = &found.points[..] else { panic!("{found:?}") };
    // int11 keeps 1023 of 1785, twice; 1023 / 7 has the code 146; 7 * 146 + 146 = 1168 becomes 1023, times 7.
    // The other sample overflows in its first output alone, to -1024.
    assert_eq!((narrow.overflow_share, narrow.exact, narrow.bits), (4.0 / 6.0, false, 11));
    let expected = 20.0 * (14280.0f64 / (14280.0 - 7161.0)).log10();
    assert!((narrow.sqnr_db.unwrap() - expected).abs() < 1e-9, "{narrow:?}, by hand {expected}");
    assert_eq!(narrow.sqnr_float_db, narrow.sqnr_db);
    assert!((wide.overflow_share, wide.exact, wide.equals_float) == (0.0, true, true));
    assert_eq!((found.settled(), found.last()), (Some(12), Some(12)));
}

#[test]
fn a_pass_says_what_came_out() {
    let (layers, inputs) = two_layers();
    let network = Network::quantize(&layers, format(INT4), format(UINT8), inputs.view()).unwrap();
    let pass = network.run(inputs.view(), &"int11-sat".parse().unwrap()).unwrap();
    assert_eq!((pass.outputs, pass.overflowed, pass.sums), (array![[7161.0], [0.0]], 4, 6));
}

#[test]
fn an_output_that_overflows_in_two_stages_counts_once() {
    let layers = [FloatLayer::without_bias(array![[7.0, 7.0, 7.0, 7.0]])];
    // A product is 1785, two of them 3570: beyond int12 in both stages, in the outer one, in the inner one, in none.
    let inputs = array![[1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]];
    let inputs = inputs.mapv(|one: u8| 255.0 * f32::from(one));
    let network = Network::quantize(&layers, format(INT4), format(UINT8), inputs.view()).unwrap();
    let pass = network.run(inputs.view(), &"int12-sat/2,int12-sat".parse().unwrap()).unwrap();
    assert_eq!(pass.outputs, array![[2047.0], [2047.0], [2047.0], [0.0]]);
    assert_eq!((pass.overflowed, pass.sums), (3, 4));
}

#[test]
fn of_equal_outputs_the_first_is_the_class() {
    let layers = [FloatLayer::without_bias(array![[7.0, 0.0], [0.0, 7.0]])];
    let inputs = array![[255.0, 0.0], [0.0, 255.0], [255.0, 255.0]];
    let found = run(&layers, &inputs, Some(&[0, 1, 1]), &["int{P}-wrap"], "12").unwrap();
    assert_eq!(found.float.accuracy, Some(2.0 / 3.0));
    assert_eq!(found.points[0].accuracy, Some(2.0 / 3.0));
    // 1785 wraps to 1785 - 2048 = -263: what was greatest is least, and [-263, -263] are equal still.
    let found = run(&layers, &inputs, Some(&[0, 1, 1]), &["int{P}-wrap"], "11").unwrap();
    assert_eq!(found.points[0].accuracy, Some(0.0));
}

#[test]
fn zero_points_are_corrected_outside() {
    let layers = [FloatLayer {
        weights: array![[0.5, -1.0, 2.0], [0.25, 0.0, 1.0]],
        bias: array![0.125, -3.0],
    }];
    let inputs = Array2::from_shape_fn((9, 3), |(i, j)| (i as f32 - 4.0) * (j as f32 - 0.75));
    let wide = "int40-sat".parse().unwrap();
    for (weights, acts) in [("uint16", "uint16"), ("int16", "uint16"), ("uint16", "int16")] {
        let network =
            Network::quantize(&layers, format(weights), format(acts), inputs.view()).unwrap();
        let pass = network.run(inputs.view(), &wide).unwrap();
        let float = float_outputs(&layers, inputs.view()).unwrap();
        let apart = (&pass.outputs - &float).fold(0.0f32, |most, x| most.max(x.abs()));
        assert!(apart < 1e-3, "{weights} {acts}: {apart}");
    }
}

#[test]
fn points_come_template_by_template() {
    let (layers, inputs) = two_layers();
    let templates = ["int{P}-wrap", "int{P}-sat/1,int32-wrap"];
    let found = run(&layers, &inputs, None, &templates, "10..12").unwrap();
    let of: Vec<_> = found.points.iter().map(|point| (point.kind, point.bits)).collect();
    let expected = [TemplateKind::Wrap, TemplateKind::TwoStage]
        .map(|kind| [10, 11, 12].map(|bits| (kind, bits)));
    assert_eq!(of, expected.as_flattened());
    assert_eq!(found.points[5].acc, "int12-sat/1,int32-wrap");
    let curves = found.curves();
    assert_eq!((curves.len(), curves[0].len(), curves[1].len()), (2, 3, 3));
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["points"][5]["policy"], "two-stage");
}

#[test]
fn what_does_not_fit_is_refused() {
    let (layers, inputs) = two_layers();
    let refused = |layers: &[FloatLayer], inputs: &Array2<f32>, labels: Option<&[usize]>| {
        run(layers, inputs, labels, &["int{P}-sat"], "8").unwrap_err()
    };
    assert_eq!(refused(&[], &inputs, None), SweepError::NoLayers);
    let wide = array![[1.0, 2.0, 3.0]];
    assert!(matches!(
        refused(&layers, &wide, None),
        SweepError::Inputs { found: 3, expected: 2, layer: 0, .. }
    ));
    let [first, _] = layers.clone();
    let unchained = [first.clone(), FloatLayer::without_bias(array![[1.0, 2.0, 3.0]])];
    assert!(matches!(
        refused(&unchained, &inputs, None),
        SweepError::Inputs { found: 2, expected: 3, layer: 1, .. }
    ));
    let biased = [FloatLayer { bias: Array1::zeros(3), ..first }];
    assert_eq!(
        refused(&biased, &inputs, None),
        SweepError::Biases { layer: 0, outputs: 2, biases: 3 }
    );
    assert_eq!(refused(&layers, &inputs, Some(&[0])), SweepError::Labels { labels: 1, samples: 2 });
    assert!(matches!(
        refused(&layers, &Array2::zeros((0, 2)), None),
        SweepError::Empty { rows: 0, .. }
    ));
    let nan = array![[f32::NAN, 0.0]];
    assert!(matches!(refused(&layers, &nan, None), SweepError::Quantize(_)));
}

#[test]
fn ranges_include_both_ends() {
    let range = |text: &str| text.parse::<BitRange>().map(|range| range.bits().collect::<Vec<_>>());
    assert_eq!(range("8..24"), Ok((8..=24).collect()));
    assert_eq!(range("16"), Ok(vec![16]));
    assert_eq!(BitRange::new(2..=64).unwrap().len(), 63);
    for wrong in ["", "8..", "..8", "a..b", "24..8", "1..8", "8..65", "8...12", "-2..8"] {
        assert!(range(wrong).is_err(), "{wrong}");
    }
    assert_eq!(BitRange::new(1..=8), Err(TemplateError::Bits("1..8".into())));
}

#[test]
fn templates_have_a_kind() {
    let kind = |text: &str| text.parse::<AccumulatorTemplate>().map(|template| template.kind());
    assert_eq!(kind("int{P}-wrap"), Ok(TemplateKind::Wrap));
    assert_eq!(kind("int{P}-sat*8"), Ok(TemplateKind::Saturate));
    assert_eq!(kind("exact/8,int{P}-sat"), Ok(TemplateKind::TwoStage));
    assert_eq!(kind("int{P}-sat/8,int{P}-sat/8,exact"), Ok(TemplateKind::MultiStage));
    let defaults = AccumulatorTemplate::defaults();
    assert_eq!(defaults.len(), 3);
    for template in defaults {
        assert_eq!(template.to_string().parse(), Ok(template));
    }
    for wrong in ["int16-sat", "int{P}", "int{P}-sat/8", "{P}", ""] {
        assert!(kind(wrong).is_err(), "{wrong}");
    }
}
