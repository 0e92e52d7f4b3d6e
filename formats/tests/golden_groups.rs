//! Other people's groups, block by block; every disagreement is on the list of divergences, and nothing on it is stale.

mod common;

use common::golden::{Comparison, hex, sections};
use fewbit_formats::ggml::GgmlType;
use fewbit_formats::{GroupFormat, OuterScale, PolicyPreset};

fn words(text: &str) -> Vec<u32> {
    text.split(' ').map(hex).collect()
}

fn floats(words: &[u32]) -> Vec<f32> {
    words.iter().map(|&bits| f32::from_bits(bits)).collect()
}

fn octets(text: &str) -> Vec<u32> {
    text.as_bytes().chunks(2).map(|pair| hex(std::str::from_utf8(pair).unwrap())).collect()
}

/// One block: the codes here, and the comparison of all of them with the codes there.
struct Block<'a> {
    format: GroupFormat,
    preset: PolicyPreset,
    section: &'a str,
    x: &'a [u32],
    outer: Option<&'a OuterScale>,
}

impl Block<'_> {
    fn compare(&self, comparison: &mut Comparison, scale: u32, codes: &[u32]) {
        let Self { format, preset, section, x, outer } = self;
        let mut ours = vec![0; x.len()];
        let policy = preset.group_policy(format);
        let found = format.encode_block(&floats(x), *outer, &policy, |_| 0, &mut ours).unwrap();
        let amax = x.iter().map(|bits| bits & 0x7fff_ffff).max().unwrap();
        comparison.case(section, amax, Some(found.code), Some(scale));
        if found.code != scale {
            return;
        }
        let section = format!("{section} scale {scale:02x}");
        for ((x, ours), theirs) in x.iter().zip(ours).zip(codes) {
            comparison.case(&section, *x, Some(ours), Some(*theirs));
        }
    }
}

#[test]
fn torchao_mx_blocks() {
    let mut comparison = Comparison::new("torchao 0.13.0 blocks");
    let mut sections = sections("torchao_blocks.txt").into_iter();
    let (title, inputs) = sections.next().unwrap();
    assert_eq!(title, "blocks");
    let inputs: Vec<Vec<u32>> = inputs.iter().map(|line| words(line)).collect();
    for (section, lines) in sections {
        let (element, mode) = section.split_once(' ').unwrap();
        let format = format!("mx({element},e8m0fnu,32)").parse().unwrap();
        let preset = format!("torchao-0.13-{mode}").parse().unwrap();
        assert_eq!(lines.len(), inputs.len());
        for (x, line) in inputs.iter().zip(&lines) {
            let (scale, codes) = line.split_once(' ').unwrap();
            let block = Block { format, preset, section: &section, x, outer: None };
            block.compare(&mut comparison, hex(scale), &octets(codes));
        }
    }
    comparison.finish(70_000);
}

#[test]
fn torchao_nvfp4() {
    let mut comparison = Comparison::new("torchao 0.13.0 NVFP4");
    for (section, lines) in sections("torchao_nvfp4.txt") {
        let format: GroupFormat = section.parse().unwrap();
        let preset: PolicyPreset = "torchao-0.13-nvfp4".parse().unwrap();
        let (outer, lines) = lines.split_first().unwrap();
        let blocks: Vec<(Vec<u32>, u32, Vec<u32>)> = lines
            .iter()
            .map(|line| {
                let (rest, codes) = line.rsplit_once(' ').unwrap();
                let (x, scale) = rest.rsplit_once(' ').unwrap();
                (words(x), hex(scale), octets(codes))
            })
            .collect();
        let amax = blocks.iter().flat_map(|(x, ..)| floats(x)).fold(0f32, |a, x| a.max(x.abs()));
        let scale = format.outer_scale(amax, &preset.group_policy(&format)).unwrap();
        if let Some(scale) = scale {
            assert_eq!(scale.value.to_bits(), hex(outer), "amax {amax:e}");
        }
        for (x, code, codes) in &blocks {
            let outer = scale.as_ref();
            Block { format, preset, section: &section, x, outer }.compare(
                &mut comparison,
                *code,
                codes,
            );
        }
    }
    comparison.finish(10_000);
}

/// NVFP4 whose block maximum is 6 or 4, by every rule.
#[test]
fn four_over_six() {
    let mut comparison = Comparison::new("fouroversix 1.0.5");
    let preset: PolicyPreset = "fouroversix-1.0".parse().unwrap();
    let format = GroupFormat::NVFP4;
    for (section, lines) in sections("fouroversix.txt") {
        let mut policy = preset.group_policy(&format);
        policy.scale.maximum = section.parse().unwrap();
        let (amax, lines) = lines.split_first().unwrap();
        let outer = format.outer_scale(f32::from_bits(hex(amax)), &policy).unwrap();
        for line in lines {
            let (rest, codes) = line.rsplit_once(' ').unwrap();
            let (x, scale) = rest.rsplit_once(' ').unwrap();
            let (x, theirs) = (words(x), octets(codes));
            let mut ours = vec![0; x.len()];
            let found = format
                .encode_block(&floats(&x), outer.as_ref(), &policy, |_| 0, &mut ours)
                .unwrap();
            comparison.case(&section, hex(amax), Some(found.code), Some(hex(scale)));
            if found.code != hex(scale) {
                continue;
            }
            for ((x, ours), theirs) in x.iter().zip(ours).zip(theirs) {
                // Their zeros have no sign.
                let unsigned = |code| if code & 7 == 0 { 0 } else { code };
                comparison.case(&section, *x, Some(unsigned(ours)), Some(unsigned(theirs)));
            }
        }
    }
    comparison.finish(15_000);
}

#[test]
fn gguf_blocks() {
    let mut comparison = Comparison::new("gguf 0.19.0");
    for (section, lines) in sections("gguf.txt") {
        let kind: GgmlType = section.parse().unwrap();
        for line in lines {
            let columns: Vec<&str> = line.split(' ').collect();
            let (inputs, rest) = columns.split_at(kind.elements());
            let (bytes, values) = rest.split_first().unwrap();
            let inputs: Vec<f32> = inputs.iter().map(|word| f32::from_bits(hex(word))).collect();
            let amax = inputs.iter().fold(0f32, |a, x| a.max(x.abs()));
            let theirs = octets(bytes);
            let mut ours = vec![0; kind.bytes()];
            kind.quantize(&inputs, &mut ours).unwrap();
            for (ours, &theirs) in ours.iter().zip(&theirs) {
                comparison.case(&section, amax.to_bits(), Some(u32::from(*ours)), Some(theirs));
            }
            let bytes: Vec<u8> = theirs.iter().map(|&byte| byte as u8).collect();
            let mut found = vec![0.0; kind.elements()];
            kind.dequantize(&bytes, &mut found).unwrap();
            for (found, value) in found.iter().zip(values) {
                let section = format!("{section} values");
                // Which NaN an infinity times zero is differs from one processor to another.
                let one_nan = |bits| if f32::from_bits(bits).is_nan() { 0x7fc0_0000 } else { bits };
                let (found, value) = (one_nan(found.to_bits()), one_nan(hex(value)));
                comparison.case(&section, amax.to_bits(), Some(found), Some(value));
            }
        }
    }
    comparison.finish(9_000);
}
