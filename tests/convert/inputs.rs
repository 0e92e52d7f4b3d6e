//! Values at which an encoder could go wrong.

use fewbit::formats::{Format, philox};

/// Every value of a format of at most 8 bits, every middle between neighbours, the ends, and for each of them the `f32`
/// values around it; special values; random bits.
pub(crate) fn values(format: Format) -> Vec<f32> {
    let mut exact: Vec<f64> = edges(format);
    exact.sort_by(f64::total_cmp);
    let middles: Vec<f64> = exact.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect();
    let ends = [format.max_finite(), format.min_finite(), format.smallest_positive()];
    let far = ends.into_iter().flat_map(|x| [x, x * 0.5, x * 1.25, x * 1.5, x * 2.0, x * 3.0]);
    let around = exact.iter().copied().chain(middles).chain(far);
    let mut values: Vec<f32> = around
        .map(|x| (x as f32).to_bits())
        .flat_map(|bits| {
            [-2, -1, 0, 1, 2].map(|step| f32::from_bits(bits.wrapping_add_signed(step)))
        })
        .flat_map(|x| [x, -x])
        .collect();
    values.extend(specials());
    values.extend((0..2048).map(|i| f32::from_bits(philox::bits(17, i))));
    // Random bits in the binades of the format.
    let scale = format.max_finite().log2().min(126.0) as i32;
    values.extend((0..4096).map(|i| {
        let bits = philox::bits(18, i);
        let exponent = 127 + scale - (bits >> 23 & 31) as i32;
        f32::from_bits(bits & 0x807f_ffff | (exponent.clamp(0, 254) as u32) << 23)
    }));
    values
}

/// Values of codes: all of a narrow format, of a wide one those at the ends and some between.
fn edges(format: Format) -> Vec<f64> {
    let codes = format.code_count();
    let step = (codes / 512).max(1);
    let near_ends = (0..64).flat_map(|i| [i, codes - 1 - i, codes / 2 - 1 - i, codes / 2 + i]);
    let all = (0..codes).step_by(step as usize);
    let picked: Vec<u64> =
        if codes <= 512 { all.collect() } else { all.chain(near_ends).collect() };
    picked.into_iter().map(|code| format.decode(code as u32)).filter(|x| x.is_finite()).collect()
}

pub(crate) fn specials() -> Vec<f32> {
    let positive = [
        0.0,
        f32::from_bits(1),
        f32::from_bits(2),
        f32::from_bits(3),
        f32::from_bits(0x0040_0000),
        f32::from_bits(0x007f_ffff),
        f32::MIN_POSITIVE,
        f32::from_bits(0x0080_0001),
        f32::from_bits(0x00ff_ffff),
        0.1,
        0.5,
        1.0,
        1.5,
        f32::MAX,
        f32::INFINITY,
        f32::NAN,
        f32::from_bits(0x7f80_0001),
        f32::from_bits(0x7fbf_ffff),
        f32::from_bits(0x7fd5_5555),
        f32::from_bits(0x7fff_ffff),
    ];
    positive.into_iter().flat_map(|x| [x, f32::from_bits(x.to_bits() | 0x8000_0000)]).collect()
}

/// `f64` values next to those of [`values`], most of them not `f32`.
pub(crate) fn doubles(format: Format) -> Vec<f64> {
    let mut doubles: Vec<f64> = values(format)
        .into_iter()
        .flat_map(|x| {
            let bits = f64::from(x).to_bits();
            [-1, 0, 1].map(|step| f64::from_bits(bits.wrapping_add_signed(step)))
        })
        .collect();
    doubles.extend([1e300, -1e300, 2f64.powi(128), 3.4028235677973366e38, 1e-310, -1e-310, 5e-324]);
    doubles.extend((0..1024).map(|i| {
        f64::from_bits(
            u64::from(philox::bits(19, 2 * i)) << 32 | u64::from(philox::bits(19, 2 * i + 1)),
        )
    }));
    doubles
}
