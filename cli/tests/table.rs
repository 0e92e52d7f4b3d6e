//! `fewbit table` as a user runs it: entries, files and lookups against numbers computed by hand.

mod common;

use common::Folder;
use serde_json::{Value, json};

fn done(folder: &Folder, line: &str) -> String {
    let run = folder.fewbit(&line.split_whitespace().collect::<Vec<_>>());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{line}");
    run.out
}

/// The numbers -4 to 3 in int8.
const SMALL: &str = "table identity,in=int3,out=int8";

#[test]
fn what_is_printed() {
    let folder = Folder::new();
    let text = done(&folder, &format!("{SMALL} --rows 2"));
    let first = "identity,in=int3,out=int8,address=slice2:0,round=down,outside=clamp,between=none,fill=points,by=f64";
    assert!(text.starts_with(first), "{text}");
    assert!(text.contains("8 entries, 64 bits; over 8 inputs at most 0.000000e0"), "{text}");
    assert!(text.contains("|     7 |     3 |  3.000000 |     3 |   03 |"), "{text}");
    assert_eq!(done(&folder, &format!("{SMALL} --rows 0")).lines().count(), 2);
    let found: Value =
        serde_json::from_str(&done(&folder, &format!("{SMALL},order=code --json"))).unwrap();
    assert_eq!(found["codes"], json!([0, 1, 2, 3, 252, 253, 254, 255]));
    assert_eq!(found["values"][4], json!(-4.0));
    // The line that it prints makes the same table.
    let table = found["table"].as_str().unwrap();
    assert_eq!(
        done(&folder, &format!("table {table} --json")),
        done(&folder, &format!("{SMALL},order=code --json"))
    );
}

#[test]
fn files() {
    let folder = Folder::new();
    done(
        &folder,
        &format!("{SMALL} --out t.npy --hex t.hex --word 12 --header my-table.h --svg t.svg"),
    );
    assert_eq!(
        folder.array("t.npy"),
        ("|i1".into(), vec![8], vec![252, 253, 254, 255, 0, 1, 2, 3])
    );
    let read = |name: &str| std::fs::read_to_string(folder.file(name)).unwrap();
    let hex = read("t.hex");
    let lines: Vec<&str> = hex.lines().skip(2).collect();
    assert_eq!(lines, ["ffc", "ffd", "ffe", "fff", "000", "001", "002", "003"]);
    let header = read("my-table.h");
    assert!(
        header.contains("static const int8_t my_table[8] = {\n    -4, -3, -2, -1, 0, 1, 2, 3,\n};"),
        "{header}"
    );
    assert!(read("t.svg").trim_end().ends_with("</svg>"));
    done(&folder, &format!("{SMALL}*0.5@-1 --out v.npy --values"));
    let (descr, _, data) = folder.array("v.npy");
    let values: Vec<f64> =
        data.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    assert_eq!((descr.as_str(), values), ("<f8", vec![-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]));
    // Codes of a float format.
    done(&folder, "table identity,in=int3,out=bf16 --out b.npy");
    assert_eq!(folder.array("b.npy").0, "<u2");
}

#[test]
fn arrays_are_looked_up() {
    let folder = Folder::new();
    folder.npy("x.npy", "<i2", false, &[2, 2], &[0, 0, 16, 0, 0xf0, 0xff, 127, 0]);
    // TFLite's tanh: 0, 0.7616, -0.7616 and 1 of 128.
    let preset = "table tanh --preset tflite-int8 --in int8*0.0625 --out-format int8*0.0078125";
    let text = done(&folder, &format!("{preset} --apply x.npy y.npy"));
    assert!(text.contains("4 elements looked up"), "{text}");
    assert_eq!(folder.array("y.npy"), ("|i1".into(), vec![2, 2], vec![0, 97, 159, 127]));
    // Codes of a fixed-point format: 1.5 and -0.5.
    folder.npy("c.npy", "|u1", false, &[2], &[0x18, 0xf8]);
    done(&folder, "table identity,in=fix8.4,out=e4m3fn --apply c.npy d.npy");
    assert_eq!(folder.array("d.npy"), ("|u1".into(), vec![2], vec![0x3c, 0xb0]));
}
