//! The command line, whole processes: start, reading, work, writing, end; on small and on large inputs, per command.
//!
//! A line gives the seconds of the fastest run and another the greatest resident memory of a run. Inputs and outputs are in
//! a temporary folder, the processes take all threads.

#[path = "../../benches/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Bench, Contestant, Numbers, Unit, normal_values};
use wait4::Wait4 as _;

/// Runs one command in `folder` and gives the peak of its memory in MiB.
fn run(folder: &Path, args: &[&str]) -> f64 {
    let child = Command::new(env!("CARGO_BIN_EXE_fewbit"))
        .args(args)
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .and_then(|mut child| child.wait4());
    let done = child.unwrap_or_else(|error| panic!("{error}"));
    assert!(done.status.success(), "fewbit {}: {}", args.join(" "), done.status);
    done.rusage.maxrss as f64 / 1024.0 / 1024.0
}

/// Writes a matrix, row-major.
fn npy(folder: &Path, name: &str, descr: &str, (rows, cols): (usize, usize), data: &[u8]) {
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows}, {cols}), }}");
    // The header with its prefix of 10 bytes ends at a multiple of 64, in a line feed.
    let length = (header.len() + 11).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = length - 1).into_bytes());
    bytes.extend(data);
    fs::write(folder.join(name), bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// Inputs of one size.
struct Size {
    name: &'static str,
    /// Rows, products per output and columns of a product.
    product: (usize, usize, usize),
    /// Rows and columns of an array to convert.
    array: (usize, usize),
    /// Outputs, inputs and samples of a layer.
    layer: (usize, usize, usize),
}

const SIZES: [Size; 2] = [
    Size { name: "small", product: (8, 64, 8), array: (16, 64), layer: (8, 32, 64) },
    Size { name: "large", product: (512, 2048, 512), array: (2048, 2048), layer: (256, 512, 2048) },
];

fn write_inputs(folder: &Path, size: &Size) {
    let mut numbers = Numbers::new(1);
    let mut bytes = |n: usize| (0..n).map(|_| numbers.next() as u8).collect::<Vec<u8>>();
    let floats =
        |n: usize| normal_values(n).iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let (m, k, n) = size.product;
    npy(folder, "A.npy", "|u1", (m, k), &bytes(m * k));
    npy(folder, "B.npy", "|i1", (k, n), &bytes(k * n));
    npy(folder, "W.npy", "|i1", (n, k), &bytes(n * k));
    npy(folder, "X.npy", "<f4", size.array, &floats(size.array.0 * size.array.1));
    let (outputs, inputs, samples) = size.layer;
    npy(folder, "LW.npy", "<f4", (outputs, inputs), &floats(outputs * inputs));
    npy(folder, "LX.npy", "<f4", (samples, inputs), &floats(samples * inputs));
    run(folder, &["quantize", "--to", "mxfp4", "X.npy", "Q.safetensors"]);
    run(folder, &["cast", "--to", "e4m3fn", "--codes", "X.npy", "C.npy"]);
    run(folder, &["cast", "--to", "e4m3fn", "--codes", "A.npy", "PA.npy"]);
    run(folder, &["cast", "--to", "e4m3fn", "--codes", "B.npy", "PB.npy"]);
}

/// What runs on the inputs: a name and the arguments.
const ON_INPUTS: [(&str, &str); 13] = [
    ("matmul/narrow", "matmul A.npy B.npy --acc int16-sat/64,int24-sat --out Y.npy"),
    ("matmul/report", "matmul A.npy B.npy --acc int20-sat --out Y.npy --report R.json"),
    (
        "matmul/float",
        "matmul PA.npy PB.npy --a e4m3fn --b e4m3fn --acc preset:h100-wgmma-fp8 --detail none",
    ),
    ("explain", "explain A.npy B.npy --row 0 --col 3 --acc int16-sat"),
    ("bounds", "bounds W.npy --input uint8 --acc int16-sat/64,int24-sat"),
    ("cast/values", "cast --to e4m3fn X.npy Y.npy"),
    ("cast/decode", "cast --from e4m3fn C.npy Y.npy"),
    ("quantize/mxfp4", "quantize --to mxfp4 X.npy Y.safetensors"),
    ("quantize/preset", "quantize --preset Int8WeightPerChannelFloat X.npy Y.safetensors"),
    ("dequantize", "dequantize Q.safetensors Y.npy"),
    (
        "layer/gptq",
        "layer --weight LW.npy --input LX.npy --weights int4 --acts uint8 --acc int16-sat/64,int24-wrap \
         --algorithm gptq --out Y.safetensors",
    ),
    (
        "layer/compare",
        "layer --weight LW.npy --input LX.npy --weights int4 --acts uint8 --compare rtn,gptq,gpfq,qronos",
    ),
    ("sweep/layer", "sweep --weight LW.npy --input LX.npy --bits 12..16 --out ."),
];

/// What needs no inputs.
const ALONE: [(&str, &str); 6] = [
    ("formats/list", "formats"),
    ("formats/codes", "formats e4m3fn --codes"),
    ("formats/one", "formats e4m3fn"),
    ("accumulators/list", "accumulators"),
    ("accumulators/one", "accumulators h100-wgmma-fp8"),
    ("sweep/network", "sweep --bits 12..16 --out ."),
];

fn main() {
    let bench = Bench::from_args();
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let folder = folder.path();
    let measure = |case: &str, command: &str| {
        let args: Vec<&str> = command.split_whitespace().collect();
        let work = || {
            run(folder, &args);
        };
        bench.race(case, Unit::Seconds, vec![Contestant::ours("time", 1, work)]);
        bench.report(case, "memory", "MiB", || Some(run(folder, &args)));
    };
    for (name, command) in ALONE {
        measure(name, command);
    }
    for size in SIZES {
        write_inputs(folder, &size);
        for (name, command) in ON_INPUTS {
            measure(&format!("{name}/{}", size.name), command);
        }
    }
}
