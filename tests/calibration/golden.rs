//! Brevitas 0.12.1: averages of activation statistics, batch after batch.

use fewbit::quantize::Statistic;
use fewbit::quantize::calibration::{Average, Calibrator, Method};
use fewbit::tensor::Granularity;
use ndarray::Array1;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f32> {
    let text = value.as_str().unwrap();
    let word = |i: usize| u32::from_str_radix(&text[i * 8..i * 8 + 8], 16).unwrap();
    (0..text.len() / 8).map(|i| f32::from_bits(word(i))).collect()
}

#[test]
fn averages_are_those_of_brevitas_after_every_batch() {
    let lines = include_str!("../golden/brevitas_calibration/averages.jsonl").lines().skip(1);
    let mut cases = 0;
    for line in lines {
        let case: Value = serde_json::from_str(line).unwrap();
        let number = |value: &Value| value.as_f64().unwrap();
        let percentile = &case["percentile"];
        let statistic = match case["statistic"].as_str().unwrap() {
            "absmax" => Statistic::AbsMax,
            "minmax" => Statistic::MinMax,
            "percentile" => Statistic::AbsPercentile { high: number(percentile) },
            "interval" => Statistic::PercentileInterval {
                low: number(&percentile[0]),
                high: number(&percentile[1]),
            },
            other => panic!("{other}"),
        };
        let average = case["momentum"].as_f64().map_or(Average::Cumulative, Average::Momentum);
        let method = Method::Batches { statistic, average };
        let mut calibrator = Calibrator::new(method, Granularity::Tensor).unwrap();
        let batches = case["batches"].as_array().unwrap().iter();
        for (batch, buffer) in batches.zip(case["buffers"].as_array().unwrap()) {
            calibrator.observe(&Array1::from(numbers(batch)).view()).unwrap();
            let found = calibrator.finish().unwrap().statistic[[]];
            assert_eq!(found.to_bits(), numbers(buffer)[0].to_bits(), "{statistic} {average:?}");
        }
        cases += 1;
    }
    assert_eq!(cases, 16);
}
