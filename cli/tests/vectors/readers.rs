//! Other people's readers: Icarus Verilog's `$readmemh` and the package, NumPy's `load`.

use std::path::Path;
use std::process::Command;

use super::common::Folder;
use super::csv::Csv;

fn written(args: &str, kinds: &[&str]) -> Folder {
    let folder = Folder::in_memory();
    for kind in kinds {
        let line = format!("vectors {args} --as {kind} --to out");
        let run = folder.fewbit(&line.split(' ').collect::<Vec<_>>());
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{line}");
    }
    folder
}

/// Whether a program answers.
fn is_there(program: &str, args: &[&str]) -> bool {
    let found =
        Command::new(program).args(args).output().is_ok_and(|output| output.status.success());
    if !found {
        println!("not run: {program} is not here");
    }
    found
}

/// What a program prints.
fn output(folder: &Path, program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(folder).output().expect("a program");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {err}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

const BENCH: &str = r#"
`include "out/vectors.svh"
module bench;
  import fewbit_vectors::*;
  reg [WIDTH-1:0] words [0:ROWS-1];
  vectors_t v;
  integer i;
  initial begin
    $readmemh("out/vectors.hex", words);
    for (i = 0; i < ROWS; i = i + 1) begin
      v = words[i];
      $display("%h %h %h %h", v.a, v.b, v.result, words[i][FLAGS_LSB +: FLAGS_WIDTH]);
    end
  end
endmodule
"#;

#[test]
fn icarus_reads_packed_words() {
    if !is_there("iverilog", &["-V"]) {
        return;
    }
    let folder =
        written("--op mul --a e4m3fn --b e5m2 --out-format f16 --count 50", &["readmemh", "csv"]);
    std::fs::write(folder.file("bench.sv"), BENCH).expect("a file");
    output(folder.path(), "iverilog", &["-g2012", "-o", "bench", "bench.sv"]);
    let printed = output(folder.path(), "vvp", &["bench"]);
    let csv = Csv::read(&folder, "out/vectors.csv");
    let expected: Vec<String> = (0..50)
        .map(|row| {
            let of = |name: &str| csv.word(row, name);
            format!("{:02x} {:02x} {:04x} {:02x}", of("a"), of("b"), of("result"), of("flags"))
        })
        .collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn icarus_reads_arrays_in_packed_words() {
    if !is_there("iverilog", &["-V"]) {
        return;
    }
    let args = "--op dot --a int8 --b int4 --acc int10-sat --k 3 --count 20";
    let folder = written(args, &["readmemh", "csv"]);
    let bench = BENCH.replace("%h %h %h %h", "%h %h %h").replace(
        "v.a, v.b, v.result, words[i][FLAGS_LSB +: FLAGS_WIDTH]",
        "v.a, words[i][B_LSB +: B_WORDS * B_WIDTH], v.result",
    );
    std::fs::write(folder.file("bench.sv"), bench).expect("a file");
    output(folder.path(), "iverilog", &["-g2012", "-o", "bench", "bench.sv"]);
    let printed = output(folder.path(), "vvp", &["bench"]);
    let csv = Csv::read(&folder, "out/vectors.csv");
    let expected: Vec<String> = (0..20)
        .map(|row| {
            let of = |name: &str, digits: usize| format!("{:0digits$x}", csv.word(row, name));
            let a: String = (0..3).map(|k| of(&format!("a[{k}]"), 2)).collect();
            let b: String = (0..3).map(|k| of(&format!("b[{k}]"), 1)).collect();
            format!("{a} {b} {}", of("result", 3))
        })
        .collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}

const MATRICES: &str = r#"
module bench;
  reg [7:0] a [0:39];
  reg [11:0] result [0:15];
  integer i;
  initial begin
    $readmemh("out/a.hex", a);
    $readmemh("out/result.hex", result);
    for (i = 0; i < 40; i = i + 1) $display("%h", a[i]);
    for (i = 0; i < 16; i = i + 1) $display("%h", result[i]);
  end
endmodule
"#;

#[test]
fn icarus_reads_a_file_per_matrix() {
    if !is_there("iverilog", &["-V"]) {
        return;
    }
    let args = "--op matmul --a int8 --b int4 --acc int12-sat --m 2 --k 5 --n 2 --count 4";
    let folder = written(args, &["readmemh", "csv"]);
    std::fs::write(folder.file("bench.v"), MATRICES).expect("a file");
    output(folder.path(), "iverilog", &["-g2012", "-o", "bench", "bench.v"]);
    let printed = output(folder.path(), "vvp", &["bench"]);
    let csv = Csv::read(&folder, "out/vectors.csv");
    let a = (0..40).map(|at| {
        let (row, at) = (at / 10, at % 10);
        format!("{:02x}", csv.word(row, &format!("a[{}][{}]", at / 5, at % 5)))
    });
    let result = (0..16).map(|at| {
        let (row, at) = (at / 4, at % 4);
        format!("{:03x}", csv.word(row, &format!("result[{}][{}]", at / 2, at % 2)))
    });
    assert_eq!(printed.lines().collect::<Vec<_>>(), a.chain(result).collect::<Vec<_>>());
}

const NUMPY: &str = r#"
import json, numpy as np
z = np.load("out/vectors.npz")
header = json.loads(bytes(z["header"]))
print(header["op"], header["count"], z["a"].dtype, z["a"].shape, z["b"].dtype, z["result"].dtype, z["result"].shape)
for g in range(header["count"]):
    print(" ".join(str(x) for x in z["result"][g].ravel()), "|", " ".join(str(x) for x in z["a"][g].ravel()))
"#;

#[test]
fn numpy_loads_archives() {
    let python = ["python3", "/usr/bin/python3"];
    let Some(python) = python.iter().find(|python| is_there(python, &["-c", "import numpy"]))
    else {
        println!("not run: no python3 with numpy");
        return;
    };
    let args = "--op matmul --a int8 --b uint4 --acc int12-sat --m 2 --k 5 --n 2 --count 4";
    let folder = written(args, &["npz", "csv"]);
    let printed = output(folder.path(), python, &["-c", NUMPY]);
    let csv = Csv::read(&folder, "out/vectors.csv");
    let mut lines = printed.lines();
    assert_eq!(lines.next(), Some("matmul 4 uint8 (4, 2, 5) uint8 int16 (4, 2, 2)"));
    for row in 0..4 {
        let result = (0..4)
            .map(|at| csv.signed(row, &format!("result[{}][{}]", at / 2, at % 2), 12).to_string());
        let a = (0..10).map(|at| csv.word(row, &format!("a[{}][{}]", at / 5, at % 5)).to_string());
        let join = |cells: Vec<String>| cells.join(" ");
        assert_eq!(
            lines.next(),
            Some(format!("{} | {}", join(result.collect()), join(a.collect())).as_str())
        );
    }
}
