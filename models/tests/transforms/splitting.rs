//! Channel splitting against Brevitas's.

use fewbit_models::exec::QuantizerMode;
use fewbit_models::ops::Op;
use fewbit_models::passes::{SplitSide, split_channels};

use super::golden::Case;
use super::support::{assert_constant, convolutions, difference, outputs};

#[test]
fn channels_are_split_as_in_brevitas() {
    for (name, side) in [("split_outputs", SplitSide::Outputs), ("split_inputs", SplitSide::Inputs)]
    {
        let case = Case(name);
        let mut graph = convolutions(case, 1);
        let report = split_channels(&mut graph, 0.3, side).expect("split");
        // ceil(0.3 * 6) and ceil(0.3 * 8).
        assert_eq!(report.changed, 2 + 3, "{}", report.detail);
        for constant in ["w1", "b1", "w2", "b2", "w3", "b3"] {
            assert_constant(&graph, constant, &case.array(&format!("{constant}'")));
        }
        let y: Vec<f32> = case.array("y1").iter().copied().collect();
        let found = outputs(&graph, &case.batches(), QuantizerMode::Apply);
        assert!(difference(&found, &y) < 1e-5, "{name}");
    }
}

#[test]
fn groups_and_a_ratio_of_nothing_are_left_alone() {
    let case = Case("act_fx_depthwise");
    let mut graph = convolutions(case, 6);
    for ratio in [0.0, 0.5] {
        let report = split_channels(&mut graph, ratio, SplitSide::Outputs).expect("nothing");
        assert_eq!(report.detail, "nothing to do: no channels");
    }
    assert_eq!(graph.nodes().filter(|(_, node)| matches!(node.op, Op::Conv(_))).count(), 3);
}
