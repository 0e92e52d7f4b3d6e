//! Groups beside copying the same memory, on one thread.
//!
//! `memory`: far larger than the caches. `cache`: within the second level.

mod support;

use std::hint::black_box;

use fewbit::convert::{GroupDecoder, GroupEncoder, GroupLayout};
use fewbit::formats::{BlockScale, GroupFormat, PolicyPreset};
use support::{Bench, Contestant, Unit, normal_values, on_threads};

/// Elements of a row.
const ROW: usize = 1 << 12;

fn format(bench: &Bench, x: &[f32], place: &str, name: &str, preset: &str, behind: usize) {
    let (Ok(format), Ok(preset)) = (name.parse::<GroupFormat>(), preset.parse::<PolicyPreset>())
    else {
        panic!("{name} or {preset} is not known");
    };
    let policy = preset.group_policy(&format);
    let layout = GroupLayout { before: x.len() / ROW, length: ROW / behind, behind };
    let encoder = GroupEncoder::new(format, policy).unwrap_or_else(|error| panic!("{error}"));
    let mut codes = vec![1u8; x.len()];
    let mut scales = vec![BlockScale::default(); layout.groups(&format)];
    let axis = if behind == 1 { "rows" } else { "columns" };
    let case = format!("{place}/{name}/{preset}/{axis}");
    let mut copied = vec![1.0; x.len()];
    let mut copy = || black_box(&mut copied).copy_from_slice(black_box(x));
    let contestants = vec![
        Contestant::peer("copy", x.len(), &mut copy),
        Contestant::ours("encode", x.len(), || {
            let outer = encoder.outer(black_box(x), layout).unwrap_or_default();
            let codes = black_box(&mut codes);
            assert!(encoder.encode(black_box(x), layout, &outer, codes, &mut scales).is_ok());
        }),
    ];
    bench.race(&case, Unit::Elements, contestants);
    // The filter may have left these without codes.
    let outer = encoder.outer(x, layout).unwrap_or_default();
    assert!(encoder.encode(x, layout, &outer, &mut codes, &mut scales).is_ok());
    let decoder = GroupDecoder::new(format);
    let mut decoded = vec![1.0; x.len()];
    let contestants = vec![
        Contestant::peer("copy-again", x.len(), &mut copy),
        Contestant::ours("decode", x.len(), || {
            let decoded = black_box(&mut decoded);
            assert!(decoder.decode(black_box(&codes), layout, &scales, decoded).is_ok());
        }),
    ];
    bench.race(&case, Unit::Elements, contestants);
}

fn main() {
    let bench = Bench::from_args();
    // 64 KiB of f32, and 256 MiB, in a quick run 64.
    let memory = if bench.is_quick() { 1 << 24 } else { 1 << 26 };
    on_threads(1, || {
        for (place, n) in [("cache", 1 << 14), ("memory", memory)] {
            println!("# {place}: {n} elements, one thread");
            let x = normal_values(n);
            for (name, preset, behind) in [
                ("mxfp8e4m3", "ocp-1.0", 1),
                ("mxfp4", "ocp-1.0", 1),
                ("mxfp4", "torchao-0.13-rceil", 1),
                ("mxint8", "ocp-1.0", 1),
                ("mxfp8e4m3", "ocp-1.0", 64),
                ("nvfp4", "torchao-0.13-nvfp4", 1),
                ("mx(int4,f16,32)", "ocp-1.0", 1),
                ("mx(uint4,f16,32,zero-point)", "ocp-1.0", 1),
                ("mx(uint4,f16,128,zero-point)", "ocp-1.0", 1),
                ("mx(uint4,f16,32,zero-point)", "ocp-1.0", 64),
            ] {
                format(&bench, &x, place, name, preset, behind);
            }
        }
    });
}
