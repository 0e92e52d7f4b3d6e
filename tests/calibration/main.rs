//! Calibration: the same bits in any order, against definitions and against Brevitas.

mod definitions;
mod golden;
mod order;

use fewbit::quantize::calibration::{Average, Binned, Calibration, Calibrator, Method};
use fewbit::quantize::{Quantizer, ScaleRule, Scheme, Statistic};
use fewbit::tensor::Granularity;
use fewbit_formats::{Format, Overflow, Policy, Rounding};
use fewbit_testkit::Random;
use ndarray::{ArrayD, IxDyn};

/// What batches are made of.
pub(crate) trait Numbers {
    /// Heavy-tailed, with zeros of both signs.
    fn number(&mut self) -> f32;
    fn batch(&mut self, shape: &[usize]) -> ArrayD<f32>;
}

impl Numbers for Random {
    fn number(&mut self) -> f32 {
        match self.below(12) {
            0 => 0.0,
            1 => -0.0,
            2 => f32::from_bits(self.next() as u32 & 0x807f_ffff),
            _ => {
                let magnitude = self.below(1 << 24) as f32 * 2f32.powi(self.below(30) as i32 - 40);
                if self.below(2) == 0 { -magnitude } else { magnitude }
            }
        }
    }

    fn batch(&mut self, shape: &[usize]) -> ArrayD<f32> {
        ArrayD::from_shape_simple_fn(IxDyn(shape), || self.number())
    }
}

pub(crate) fn quantizer(format: Format) -> Quantizer {
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    Quantizer::new(Scheme::new(format), ScaleRule::abs_max(), policy).unwrap()
}

/// Every method for which the order of batches does not matter.
pub(crate) fn methods() -> Vec<Method> {
    let statistics = [
        Statistic::AbsMax,
        Statistic::MinMax,
        Statistic::Range,
        Statistic::AbsPercentile { high: 90.0 },
        Statistic::AbsPercentile { high: 99.999 },
        Statistic::PercentileInterval { low: 5.0, high: 95.0 },
        Statistic::AbsMean,
        Statistic::MeanSigma { sigma: 3.0 },
    ];
    let mut all: Vec<Method> = statistics.map(Method::Pooled).to_vec();
    all.extend(statistics.map(|statistic| Method::Batches { statistic, average: Average::Mean }));
    all.push(Method::Mse(Box::new(quantizer(Format::INT4))));
    all.push(Method::Mse(Box::new(quantizer(Format::E2M1FN))));
    let binned = [
        Binned::Percentile { high: 90.0 },
        Binned::PercentileInterval { low: 5.0, high: 95.0 },
        Binned::Mse(Box::new(quantizer(Format::INT4))),
    ];
    all.extend(binned.map(|of| Method::Histogram { bins: 64, of }));
    all
}

/// Statistic and offset as bits.
pub(crate) fn bits(calibration: &Calibration) -> Vec<Vec<u32>> {
    let bits = |x: &ArrayD<f32>| x.iter().map(|x| x.to_bits()).collect();
    std::iter::once(&calibration.statistic).chain(&calibration.offset).map(bits).collect()
}

pub(crate) fn collect(method: &Method, of: Granularity, batches: &[ArrayD<f32>]) -> Calibrator {
    let mut calibrator = Calibrator::new(method.clone(), of).unwrap();
    batches.iter().for_each(|batch| calibrator.observe(&batch.view()).unwrap());
    calibrator
}
