//! Llama 3's rotary scaling, of which GGUF files keep the divisor of each frequency only.

use crate::language::{LanguageConfig, RopeScaling};

/// `low_freq_factor`, `high_freq_factor` and `original_max_position_embeddings` of Llama 3.1, 3.2 and 3.3.
const LLAMA3: (f64, f64, f64) = (1.0, 4.0, 8192.0);
/// The relative distance within which divisors are the same: files have them as `f32`.
const TOLERANCE: f64 = 1e-5;

/// The divisor of each frequency, the highest first.
///
/// ```text
/// w = 2 pi rope_theta^(2 i / head_dim)                            wavelength, in tokens
/// s = (original / w - low) / (high - low)
/// divisor = 1 where w < original / high, factor where w > original / low, else 1 / ((1 - s) / factor + s)
/// ```
fn divisors(
    theta: f64,
    head_dim: usize,
    factor: f64,
    (low, high, original): (f64, f64, f64),
) -> Vec<f64> {
    let divisor = |i: usize| {
        let wavelength = wavelength(theta, head_dim, i);
        if wavelength < original / high {
            1.0
        } else if wavelength > original / low {
            factor
        } else {
            let smooth = (original / wavelength - low) / (high - low);
            1.0 / ((1.0 - smooth) / factor + smooth)
        }
    };
    (0..head_dim / 2).map(divisor).collect()
}

/// The divisors of a model that has Llama 3's scaling, as files have them; `None` for any other.
pub(crate) fn rope_divisors(config: &LanguageConfig) -> Option<Vec<f32>> {
    let Some(RopeScaling::Llama3 {
        factor,
        low_freq_factor,
        high_freq_factor,
        original_max_position_embeddings: original,
    }) = &config.rope_scaling
    else {
        return None;
    };
    let parameters = ((*low_freq_factor).into(), (*high_freq_factor).into(), *original as f64);
    let all = divisors(config.rope_theta.into(), config.head_dim, (*factor).into(), parameters);
    Some(all.into_iter().map(|x| x as f32).collect())
}

fn wavelength(theta: f64, head_dim: usize, i: usize) -> f64 {
    std::f64::consts::TAU * theta.powf((2 * i) as f64 / head_dim as f64)
}

/// The scaling that has these divisors (`rope_freqs.weight`).
///
/// They do not change when `low`, `high` and `original` are multiplied by one number: those of Llama 3 are taken where they
/// fit, and `low_freq_factor = 1` otherwise, the other two from the divisors between 1 and `factor`.
pub(super) fn llama3(
    theta: f32,
    head_dim: usize,
    found: &[f32],
) -> Result<Option<RopeScaling>, String> {
    let theta = f64::from(theta);
    if found.len() != head_dim / 2 {
        return Err(format!("{} divisors, expected {}", found.len(), head_dim / 2));
    }
    if let Some(wrong) = found.iter().find(|x| !x.is_finite() || **x < 1.0) {
        return Err(format!("{wrong:?} is no divisor of a frequency: expected 1 or more"));
    }
    let factor = f64::from(found.iter().copied().fold(1.0, f32::max));
    if factor == 1.0 {
        return Ok(None);
    }
    let fits = |parameters: (f64, f64, f64)| {
        let expected = divisors(theta, head_dim, factor, parameters);
        let near = |(x, y): (&f64, &f32)| (x - f64::from(*y)).abs() <= TOLERANCE * x;
        expected.iter().zip(found).all(near)
    };
    // Between the two limits 1 / divisor is a line in 1 / wavelength.
    let line = || {
        let between: Vec<(f64, f64)> = (0..found.len())
            .map(|i| (wavelength(theta, head_dim, i), f64::from(found[i])))
            .filter(|(_, x)| *x > 1.0 && *x < factor)
            .map(|(w, x)| (1.0 / w, (1.0 / x - 1.0 / factor) / (1.0 - 1.0 / factor)))
            .collect();
        let (&(w0, s0), &(w1, s1)) = (between.first()?, between.last()?);
        let slope = (s1 - s0) / (w1 - w0);
        let at_zero = s0 - slope * w0;
        // slope = original / (high - low), at_zero = -low / (high - low), with low = 1.
        let span = -1.0 / at_zero;
        Some((1.0, 1.0 + span, (slope * span).round()))
    };
    let parameters = Some(LLAMA3).filter(|p| fits(*p)).or_else(|| line().filter(|p| fits(*p)));
    match parameters {
        Some((low, high, original)) => Ok(Some(RopeScaling::Llama3 {
            factor: factor as f32,
            low_freq_factor: low as f32,
            high_freq_factor: high as f32,
            original_max_position_embeddings: original as usize,
        })),
        None => Err("these are no divisors of Llama 3's rotary scaling".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_again() {
        for (theta, head_dim, factor, parameters) in [
            (500_000.0, 128, 8.0, LLAMA3),
            (500_000.0, 64, 32.0, LLAMA3),
            (10_000.0, 64, 8.0, (1.0, 3.0, 2048.0)),
        ] {
            let found: Vec<f32> =
                divisors(theta, head_dim, factor, parameters).iter().map(|x| *x as f32).collect();
            let (low, high, original) = parameters;
            let Ok(Some(RopeScaling::Llama3 {
                factor: f,
                low_freq_factor: l,
                high_freq_factor: h,
                original_max_position_embeddings: o,
            })) = llama3(theta as f32, head_dim, &found)
            else {
                panic!("{parameters:?}")
            };
            assert_eq!((f64::from(f), f64::from(l), o as f64), (factor, low, original));
            assert!((f64::from(h) - high).abs() < 1e-3, "{h}");
        }
    }

    #[test]
    fn other_divisors_are_refused() {
        let mut found = vec![1.0f32; 32];
        assert_eq!(llama3(1e4, 64, &found), Ok(None));
        found[3] = 2.0;
        assert!(llama3(1e4, 64, &found).is_err());
        found[3] = f32::NAN;
        assert!(llama3(1e4, 64, &found).is_err());
        assert!(llama3(1e4, 64, &found[1..]).is_err());
    }
}
