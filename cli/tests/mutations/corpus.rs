//! What is mutated, and the commands that read it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use fewbit::Accumulator;
use fewbit::functions::table::TableSpec;
use fewbit::requantize::RequantizePolicy;
use fewbit_formats::{Format, GroupFormat};
use serde_json::Value;

use crate::common::npy_bytes;
use crate::mutate::{Random, mutated};

/// A part of the command line that reads what others wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Npy,
    Safetensors,
    Yaml,
    Json,
    Formats,
    Groups,
    Accumulators,
    Policies,
    Tables,
    Vectors,
    Archives,
}

impl Reader {
    const ALL: [Self; 11] = [
        Self::Npy,
        Self::Safetensors,
        Self::Yaml,
        Self::Json,
        Self::Formats,
        Self::Groups,
        Self::Accumulators,
        Self::Policies,
        Self::Tables,
        Self::Vectors,
        Self::Archives,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Npy => ".npy",
            Self::Safetensors => ".safetensors",
            Self::Yaml => "recipes in YAML",
            Self::Json => "recipes in JSON",
            Self::Formats => "format names",
            Self::Groups => "group names",
            Self::Accumulators => "accumulators",
            Self::Policies => "requantization policies",
            Self::Tables => "tables",
            Self::Vectors => "vectors",
            Self::Archives => "archives of vectors",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reader| reader.name() == name)
    }

    /// The file that is mutated, of those that are.
    fn file(self) -> Option<&'static str> {
        match self {
            Self::Npy => Some("mutated.npy"),
            Self::Safetensors => Some("mutated.safetensors"),
            Self::Yaml => Some("mutated.yaml"),
            Self::Json => Some("mutated.json"),
            Self::Vectors => Some("mutated.vectors"),
            Self::Archives => Some("mutated.npz"),
            _ => None,
        }
    }

    /// Whether a text is taken, of those readers that read one.
    fn parser(self) -> Option<fn(&str) -> bool> {
        match self {
            Self::Formats => Some(|text| text.parse::<Format>().is_ok()),
            Self::Groups => Some(|text| {
                let scalar = text.parse::<Format>().is_ok() || text.starts_with("gguf:");
                text.parse::<GroupFormat>().is_ok() || scalar
            }),
            Self::Accumulators => Some(|text| text.parse::<Accumulator>().is_ok()),
            Self::Policies => Some(|text| text.parse::<RequantizePolicy>().is_ok()),
            Self::Tables => Some(|text| text.parse::<TableSpec>().is_ok()),
            _ => None,
        }
    }

    /// The commands; `M` is the mutated file or text. Those at the end are slow, and run seldom.
    fn commands(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Npy => (
                &[
                    "cast --to e4m3fn M /dev/null",
                    "cast --from e4m3fn M /dev/null",
                    "matmul M b.npy --acc int8-sat",
                    "explain M b.npy --acc int8-sat%2 --row 0 --col 0",
                    "matmul a.npy M --acc int16-wrap/2,int20-sat --detail events",
                    "matmul M f.npy --acc f32 --out /dev/null",
                    "matmul a.npy b.npy --acc int8-sat --init M",
                    "matmul f3.npy f.npy --acc f32 --a-scales M --b-scales s.npy --block 2",
                    "explain M b.npy --acc int8-sat --row 0 --col 0",
                    "explain a.npy M --acc f32 --row 1 --col 1",
                    "bounds M --input uint8 --acc int16-sat/2,int20-wrap --witness /dev/null",
                    "bounds a.npy --input uint8 --bias M",
                    "bounds a.npy --input-range M",
                    "requantize M /dev/null --policy gemmlowp --scale 0.3 --to int8",
                    "requantize M /dev/null --policy exact-sr8 --scale 0.3 --to int4 --zero-point -3",
                    "requantize a.npy /dev/null --policy onnx --scale M --to uint8",
                    "requantize a.npy /dev/null --policy tosa32-wrap --multiplier M --shift 33 --to int8",
                    "requantize a.npy /dev/null --policy ruy --multiplier 5 --shift M --to int32 --bias M",
                    "requantize a.npy /dev/null --policy finn --scale 0.3 --out-bias M --to int8",
                    "requantize a.npy /dev/null --policy thresholds --thresholds M --to uint4",
                    "matmul a.npy b.npy --acc int8-sat --out /dev/null --requantize onnx --requantize-to int8 \
                     --requantize-scale M",
                    "vectors --from M b.npy --acc int8-sat/2,int9-wrap --as csv --to out --per-step",
                    "vectors --from a.npy M --b e4m3fn --acc f32 --as npz --to out",
                    "vectors --op requantize --requantize onnx --requantize-scale M --channels 2 --out-format int8 \
                     --count 5 --as jsonl --to out",
                    "table tanh,in=int8,out=int8 --rows 0 --apply M /dev/null",
                    "table exp,in=e4m3fn,out=fix8.4,nan=zero --rows 0 --apply M /dev/null",
                    "quantize --to mxfp4 M /dev/null",
                    "quantize --to int8 M /dev/null",
                    "quantize --preset Int8WeightPerChannelFloat M /dev/null",
                ],
                &[
                    "sweep --weight M --input f.npy --bits 8..9 --out out",
                    "layer --weight M --input f.npy",
                    "layer --weight f.npy --input M",
                ],
            ),
            Self::Safetensors => (&["dequantize M /dev/null"], &["dequantize M /dev/null --json"]),
            Self::Yaml | Self::Json => (
                &["quantize --config M f.npy /dev/null"],
                &["quantize --config M f.npy /dev/null --set bit_width=4 --json"],
            ),
            Self::Formats => (
                &[
                    "cast f.npy /dev/null --to=M",
                    "cast --codes f.npy /dev/null --to=M",
                    "cast codes.npy /dev/null --from=M",
                    "matmul f3.npy f.npy --acc f32 --round ties-even --a=M --b=M",
                    "bounds a.npy --input=M",
                    "formats M",
                ],
                &["formats --diff e4m3fn M", "quantize f.npy /dev/null --to=M"],
            ),
            Self::Groups => (
                &[
                    "quantize f.npy /dev/null --to=M",
                    "quantize wide.npy /dev/null --json --to=M",
                    "quantize f.npy /dev/null --axis 0 --to=M",
                ],
                &["quantize f.npy /dev/null --report /dev/null --to=M"],
            ),
            Self::Accumulators => (
                &[
                    "matmul a.npy b.npy --acc=M",
                    "matmul f3.npy f.npy --acc=M --detail none",
                    "matmul a.npy b.npy --acc=M --detail none",
                    "explain a.npy b.npy --row 1 --col 0 --acc=M",
                    "explain f3.npy f.npy --row 1 --col 0 --json --acc=M",
                    "bounds a.npy --input uint8 --acc=M",
                ],
                &["accumulators M"],
            ),
            Self::Vectors => (
                &[
                    "verify M",
                    "verify M --json --show 1",
                    "verify vectors.csv --got M",
                    "verify vectors.csv --got M --got-as decimal",
                ],
                &["verify M --got vectors.csv"],
            ),
            Self::Archives => (&["verify M", "verify M --show 1"], &["verify vectors.csv --got M"]),
            Self::Tables => (
                &["table --rows 0 M", "table --json M", "table --hex /dev/null --svg /dev/null M"],
                &["table --apply a.npy /dev/null M"],
            ),
            Self::Policies => (
                &[
                    "requantize a.npy /dev/null --scale 0.3 --to int8 --policy=M",
                    "requantize a.npy /dev/null --scale 0.25 --to uint4 --zero-point 3 --json --policy=M",
                    "requantize a.npy /dev/null --multiplier 5 --shift 2 --to int32 --policy=M",
                    "requantize a.npy /dev/null --shift 2 --bias -7 --to int16 --policy=M",
                    "requantize a.npy /dev/null --thresholds codes.npy --to int8 --policy=M",
                ],
                &[
                    "matmul a.npy b.npy --acc int8-sat --out /dev/null --requantize-to int8 --requantize-scale 2 --requantize=M",
                ],
            ),
        }
    }
}

/// What is run.
#[derive(Debug)]
pub(crate) enum Case {
    /// A command.
    Command(Vec<OsString>),
    /// The parser of a text, and the command where it takes the text.
    Text { text: String, parse: fn(&str) -> bool, command: Vec<OsString> },
}

/// The seeds of a reader.
pub(crate) struct Corpus {
    reader: Reader,
    seeds: Vec<Vec<u8>>,
}

/// Writes the files beside the mutated one, and collects the seeds.
pub(crate) fn of(reader: Reader, folder: &Path) -> Corpus {
    let save = |name: &str, bytes: Vec<u8>| fs::write(folder.join(name), bytes).expect("a file");
    let floats = |shape: &[usize], count: usize| {
        let data = (0..count).flat_map(|i| (0.37 * i as f32 - 1.0).to_le_bytes());
        npy_bytes("<f4", false, shape, &data.collect::<Vec<u8>>())
    };
    save("a.npy", npy_bytes("|i1", false, &[2, 3], &[1, 2, 255, 4, 5, 6]));
    save("b.npy", npy_bytes("|u1", false, &[3, 2], &[1, 2, 3, 4, 5, 6]));
    save("codes.npy", npy_bytes("|u1", false, &[3, 2], &[0, 1, 2, 3, 0, 1]));
    save("f.npy", floats(&[3, 2], 6));
    save("f3.npy", floats(&[2, 3], 6));
    save("s.npy", floats(&[2, 2], 4));
    save("wide.npy", floats(&[2, 64], 128));
    fs::create_dir(folder.join("out")).expect("a folder");
    let line = "fewbit vectors --op add --format e2m1fn --count 6 --as csv --to .";
    assert_eq!(fewbit_cli::run(line.split(' ')), 0);
    let seeds = match reader {
        Reader::Npy => arrays(),
        Reader::Safetensors => quantized().into_iter().map(|(file, _)| file).collect(),
        Reader::Json => recipes(),
        Reader::Yaml => yaml(&recipes()),
        Reader::Formats => texts(FORMATS),
        Reader::Groups => texts(GROUPS),
        Reader::Accumulators => texts(ACCUMULATORS),
        Reader::Policies => texts(POLICIES),
        Reader::Tables => texts(TABLES),
        Reader::Vectors => vectors(&["readmemh", "csv", "jsonl"]),
        Reader::Archives => vectors(&["npz"]),
    };
    Corpus { reader, seeds }
}

impl Corpus {
    /// What is run in a case, whose file is written.
    pub(crate) fn case(&self, case: u64) -> Case {
        let mut random = Random::of(case << 4 | self.reader as u64);
        let seed = random.one(&self.seeds).clone();
        let bytes = match self.reader {
            Reader::Npy if random.below(4) > 0 => in_npy(&seed, &self.seeds, &mut random),
            Reader::Safetensors if random.below(4) > 0 => {
                in_safetensors(&seed, &self.seeds, &mut random)
            }
            _ => mutated(&seed, &self.seeds, &mut random),
        };
        // Most texts are refused, and most commands would do no more than read their other arguments again.
        if let Ok(text) = std::str::from_utf8(&bytes)
            && random.below(16) > 0
            && let Some(parse) = self.reader.parser()
        {
            return Case::Text {
                text: text.to_owned(),
                parse,
                command: self.command(bytes, random),
            };
        }
        Case::Command(self.command(bytes, random))
    }

    /// A command that reads these bytes.
    fn command(&self, bytes: Vec<u8>, mut random: Random) -> Vec<OsString> {
        let text = match self.reader.file() {
            Some(name) => {
                fs::write(name, bytes).expect("a file");
                OsString::from(name)
            }
            None => OsString::from_vec(bytes),
        };
        let (often, seldom) = self.reader.commands();
        let of = if random.below(40) == 0 { seldom } else { often };
        let command = random.one(of);
        let arg = |arg: &str| match arg.strip_suffix('M') {
            Some(before) => {
                let mut arg = OsString::from(before);
                arg.push(&text);
                arg
            }
            None => arg.into(),
        };
        ["fewbit"].into_iter().chain(command.split(' ')).map(arg).collect()
    }
}

/// Mutates the header or the data; the length of the header is right again.
fn in_npy(seed: &[u8], seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let split = 10 + usize::from(u16::from_le_bytes([seed[8], seed[9]]));
    let (mut header, mut data) = (seed[10..split].to_vec(), seed[split..].to_vec());
    if random.below(5) > 0 {
        header = mutated(&header, seeds, random);
        header.truncate(u16::MAX.into());
    } else {
        data = mutated(&data, seeds, random);
    }
    let length = (header.len() as u16).to_le_bytes();
    [&seed[..8], &length, &header, &data].concat()
}

/// As [`in_npy`].
fn in_safetensors(seed: &[u8], seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let length = u64::from_le_bytes(seed[..8].try_into().expect("eight bytes")) as usize;
    let (mut header, mut data) = (seed[8..8 + length].to_vec(), seed[8 + length..].to_vec());
    if random.below(3) > 0 {
        header = mutated(&header, seeds, random);
    } else {
        data = mutated(&data, seeds, random);
    }
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

fn arrays() -> Vec<Vec<u8>> {
    let mut arrays = Vec::new();
    for (descr, size) in [
        ("|i1", 1),
        ("|u1", 1),
        ("<i2", 2),
        (">u2", 2),
        ("<i4", 4),
        ("<u4", 4),
        ("<i8", 8),
        ("<u8", 8),
        ("<f2", 2),
        ("<f4", 4),
        (">f4", 4),
        ("<f8", 8),
    ] {
        for (shape, fortran) in [
            (&[3, 2][..], false),
            (&[2, 3], true),
            (&[2], false),
            (&[], false),
            (&[0, 2], false),
            (&[2, 0], true),
            (&[2, 1, 3], false),
            (&[2, 2], true),
        ] {
            let bytes: usize = size * shape.iter().product::<usize>();
            let data: Vec<u8> = (0..bytes).map(|i| (i * 29 % 61) as u8).collect();
            arrays.push(npy_bytes(descr, fortran, shape, &data));
        }
    }
    arrays
}

/// Files of `fewbit quantize`, and their reports.
fn quantized() -> Vec<(Vec<u8>, Value)> {
    let commands = [
        "--to mxfp4",
        "--to nvfp4",
        "--to hif4",
        "--to mxint8",
        "--to int8",
        "--to e4m3fn",
        "--to mx(int4,uint6*f16/2,8)",
        "--to mx(uint4,f16,32,zero-point)",
        "--preset Int8WeightPerChannelFloat",
        "--preset MXFloat8e4m3Weight",
        "--preset Uint8ActPerTensorFloat",
        "--preset Int8WeightPerChannelFloatHQO",
        "--preset Int8WeightPerTensorFloatMSE",
        "--to gguf:q4_0",
    ];
    let mut all = Vec::new();
    for command in commands {
        let blocks = command.contains("gguf");
        let line = format!("fewbit quantize {command} wide.npy q.safetensors");
        let report = if blocks { "" } else { " --report r.json" };
        let run = fewbit_cli::run((line + report).split(' '));
        if run != 0 {
            continue;
        }
        let file = fs::read("q.safetensors").expect("a file");
        let report = if blocks {
            Value::Null
        } else {
            serde_json::from_slice(&fs::read("r.json").expect("a report")).expect("JSON")
        };
        all.push((file, report));
    }
    assert!(all.len() >= 10, "{} of the files are there", all.len());
    all
}

/// Files of `fewbit vectors`.
fn vectors(kinds: &[&str]) -> Vec<Vec<u8>> {
    let jobs = [
        "--op add --format e4m3fn",
        "--op fma --format f16 --round stochastic8",
        "--op cast --format f32 --out-format int8 --nan zero",
        "--op div --format e2m1fn --style exhaustive",
        "--op quantize --out-format mx(e2m1fn,e4m3fn*f32,4)",
        "--op quantize --out-format int8 --scale 0.1",
        "--op requantize --requantize gemmlowp --requantize-scale 0.1 --out-format int8",
        "--op requantize --requantize thresholds --requantize-thresholds codes.npy --channels 3 --out-format int8",
        "--op dot --a int8 --b uint4 --acc int9-sat*2/4,int12-wrap --k 6",
        "--op dot --a mx(e2m1fn,e8m0fnu,4) --b e4m3fn --acc f16/2,f32 --k 6",
        "--op dot --a int8 --b int8 --acc f16 --k 3 --per-step",
        "--op matmul --a int8 --b int8 --acc int9-sat --m 2 --k 3 --n 2 --per-step",
        "--from a.npy b.npy --acc int9-sat/2,int10-wrap --per-step",
        "--from a.npy b.npy --acc f32",
    ];
    let mut all = Vec::new();
    for (kind, job) in kinds.iter().flat_map(|kind| jobs.iter().map(move |job| (kind, job))) {
        let count = match job.contains("--from") || job.contains("exhaustive") {
            true => "",
            false => " --count 5",
        };
        let line = format!("fewbit vectors {job}{count} --as {kind} --to made");
        let _ = fs::remove_dir_all("made");
        if fewbit_cli::run(line.split(' ')) != 0 {
            continue;
        }
        for entry in fs::read_dir("made").expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|ending| ending != "svh") {
                all.push(fs::read(path).expect("a file"));
            }
        }
    }
    assert!(all.len() >= 12 * kinds.len(), "{} files", all.len());
    all
}

/// Quantizers as JSON.
fn recipes() -> Vec<Vec<u8>> {
    let mut recipes = texts(&[
        r#"{"preset": "Int8WeightPerChannelFloat", "bit_width": 4}"#,
        r#"{"preset": "MXFloat8e4m3Weight", "group_size": 2}"#,
        r#"{"preset": "Int8ActPerTensorFloat", "scale.restriction": "power-of-two"}"#,
        r#"{"kind": "quantizer"}"#,
    ]);
    for (_, report) in quantized() {
        if let Some(recipe) = report.get("recipe").filter(|recipe| recipe.is_object()) {
            recipes.push(serde_json::to_vec_pretty(recipe).expect("JSON"));
            recipes.push(serde_json::to_vec(recipe).expect("JSON"));
        }
    }
    assert!(recipes.len() > 8, "{}", recipes.len());
    recipes
}

/// The same in YAML, and what only YAML has.
fn yaml(recipes: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut all = texts(&[
        "preset: Int8WeightPerChannelFloat\nbit_width: 4\n",
        "# a comment\npreset: &name MXFloat8e4m3Weight\ngroup_size: !!int 2\n",
        "{preset: Int8ActPerTensorFloat, bit_width: 5}",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\npreset: |\n  Int8WeightPerChannelFloat\n",
        "<<: {bit_width: 3}\npreset: 'Int8WeightPerChannelFloat'\n---\n...\n",
    ]);
    for recipe in recipes {
        let value: Value = serde_json::from_slice(recipe).expect("JSON");
        let mut text = String::new();
        block(&value, 0, &mut text);
        all.push(text.into_bytes());
    }
    all
}

/// A value in lines, objects in blocks.
fn block(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('\n');
            for (key, value) in fields {
                text.push_str(&format!("{}{key}: ", "  ".repeat(depth)));
                block(value, depth + 1, text);
            }
        }
        other => text.push_str(&format!("{other}\n")),
    }
}

fn texts(of: &[&str]) -> Vec<Vec<u8>> {
    of.iter().map(|text| text.as_bytes().to_vec()).collect()
}

const FORMATS: &[&str] = &[
    "e4m3fn",
    "e5m2",
    "e2m1fn",
    "e8m0fnu",
    "e3m4b5",
    "e4m3fnuz",
    "e0m7",
    "e5m10fin",
    "bf16",
    "f16",
    "f32",
    "tf32",
    "int4",
    "int8n",
    "uint8",
    "uint4n",
    "int32",
    "fix8.4",
    "fix16.15",
    "ufix8.8",
    "fix8.-2",
    "binary",
    "ternary",
    "posit8",
    "hif8",
    "posit16_1",
    "nf4",
    "log8",
    "float8_e4m3fn",
    "e8m23b-5u",
];

const GROUPS: &[&str] = &[
    "mxfp8e4m3",
    "mxfp8e5m2",
    "mxfp6e2m3",
    "mxfp4",
    "mxint8",
    "nvfp4",
    "hif4",
    "mx(int4,e8m0fnu,16,coupled4)",
    "mx(int4,f16,128)",
    "mx(uint4,f16,32,zero-point)",
    "mx(int4,uint6*f16/8,32)",
    "mx(e2m1fn,e4m3fn*f32,16)",
    "mx(e4m3fn,e8m0fnu,32)",
    "gguf:q4_0",
    "gguf:q8_0",
    "gguf:tq2_0",
    "gguf:mxfp4",
];

const ACCUMULATORS: &[&str] = &[
    "int16-sat",
    "int16-wrap/64,int24-sat",
    "int20-sat*8",
    "exact/8,int20-sat",
    "exact",
    "e5m10-rne",
    "f32",
    "aligned24-rz:f32-rz*8",
    "aligned13-rz:e8m13-rz*32",
    "preset:h100-wgmma-fp8",
    "preset:a100-f16",
    "int64-wrap",
    "int2-sat/2,int3-wrap/2,int4-sat",
    "e4m3fn-sr8",
    "bf16/4,f32",
    "e8m0fnu",
    "fix8.4",
    "e2m1fn*3/6,int9-sat",
    "int13-sat*8%2/64,int24-wrap",
    "f32%4",
];

const TABLES: &[&str] = &[
    "sigmoid,in=int8*0.0625,out=uint8*0.00390625",
    "tanh,in=int8n*0.05@-3,out=int4*0.125@1,order=code",
    "exp,in=fix8.4,out=bf16,address=slice7:3,round=ties-even",
    "gelu,in=e4m3fn,out=e4m3fn,nan=zero",
    "tanh,in=int12*0.002,out=int16*0.001,address=slice11:2,between=linear4,outside=wrap",
    "softsign,in=int10*0.1,out=int8*0.01,address=slice6:1,outside=refuse",
    "sigmoid,in=fix16.10,out=fix18.10,address=step64:-512:1024,round=toward-zero,out-overflow=wrap,by=hls4ml",
    "exp,in=int16*0.0003,out=int16*0.0007,between=linear7,fill=tflite-midpoint,by=tflite",
];

const POLICIES: &[&str] = &[
    "tosa32",
    "tosa32-double-wrap",
    "tosa16-saturate",
    "gemmlowp",
    "tflite-single-refuse",
    "tflite16",
    "cmsis",
    "cmsis-single-wrap",
    "ruy-saturate",
    "onnx",
    "finn",
    "thresholds",
    "exact-ties-even",
    "exact-sr8",
    "shift-toward-zero",
    "shift-AP_RND",
];
