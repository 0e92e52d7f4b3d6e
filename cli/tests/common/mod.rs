//! Running the binary, and `.npy` files written and read by hand.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod language;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use fewbit_testkit::accumulate::Matrix;

/// What a run of the binary left.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A folder of its own for one test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// As [`Self::new`], without a disk that is waited for where the system has such a place.
    pub(crate) fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self(folder.expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Names of the files in it, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into()).collect();
        names.sort();
        names
    }

    /// Runs the binary with this folder as its current one.
    pub(crate) fn fewbit(&self, args: &[&str]) -> Run {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_fewbit"))
            .args(args)
            .current_dir(self.path())
            .output()
            .expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Run { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// The same, without waiting for its end.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_fewbit"))
            .args(args)
            .current_dir(self.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts")
    }

    /// Writes an array of this type and shape; `values` in the order of the file.
    pub(crate) fn npy(&self, name: &str, descr: &str, fortran: bool, shape: &[usize], data: &[u8]) {
        std::fs::write(self.file(name), npy_bytes(descr, fortran, shape, data)).expect("a file");
    }

    /// Writes a matrix as integers of this NumPy type, row-major.
    pub(crate) fn matrix(&self, name: &str, descr: &str, matrix: &Matrix) {
        let data: Vec<u8> = matrix.data.iter().flat_map(|&v| integer(descr, v)).collect();
        self.npy(name, descr, false, &[matrix.rows, matrix.cols], &data);
    }

    /// Writes a matrix as integers of this NumPy type, column-major.
    pub(crate) fn fortran_matrix(&self, name: &str, descr: &str, matrix: &Matrix) {
        let columns = (0..matrix.cols).flat_map(|c| (0..matrix.rows).map(move |r| (r, c)));
        let data: Vec<u8> = columns.flat_map(|(r, c)| integer(descr, matrix.at(r, c))).collect();
        self.npy(name, descr, true, &[matrix.rows, matrix.cols], &data);
    }

    pub(crate) fn floats(&self, name: &str, shape: &[usize], values: &[f32]) {
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.npy(name, "<f4", false, shape, &data);
    }

    /// Reads an int64 array that NumPy would call C-contiguous.
    pub(crate) fn int64(&self, name: &str) -> (Vec<usize>, Vec<i64>) {
        let (descr, shape, data) = self.array(name);
        assert_eq!(descr, "<i8", "{name}");
        let (words, _) = data.as_chunks::<8>();
        (shape, words.iter().map(|&w| i64::from_le_bytes(w)).collect())
    }

    /// Type, shape and data of a row-major array.
    pub(crate) fn array(&self, name: &str) -> (String, Vec<usize>, Vec<u8>) {
        let bytes = std::fs::read(self.file(name)).expect("a file");
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00", "{name}");
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let header = std::str::from_utf8(&bytes[10..10 + length]).expect("text");
        assert!(header.contains("'fortran_order': False"), "{header}");
        let between = |from: &str, to: &str| {
            let start = header.find(from).expect("a key") + from.len();
            let end = header[start..].find(to).expect("an end") + start;
            header[start..end].to_owned()
        };
        let shape = between("'shape': (", ")");
        let shape = shape.split(',').map(str::trim).filter(|n| !n.is_empty());
        let shape = shape.map(|n| n.parse().expect("a number")).collect();
        (between("'descr': '", "'"), shape, bytes[10 + length..].to_vec())
    }
}

/// One integer in the bytes of a NumPy type such as `<i2` or `>u4`.
fn integer(descr: &str, value: i64) -> Vec<u8> {
    let size: usize = descr[2..].parse().expect("a size");
    let range = match &descr[1..2] {
        "i" => -(1i128 << (8 * size - 1))..1i128 << (8 * size - 1),
        _ => 0..1i128 << (8 * size),
    };
    assert!(range.contains(&i128::from(value)), "{value} is no {descr}");
    let mut bytes = value.to_le_bytes()[..size].to_vec();
    if descr.starts_with('>') {
        bytes.reverse();
    }
    bytes
}

/// The bytes of a `.npy` file of version 1.0.
pub(crate) fn npy_bytes(descr: &str, fortran: bool, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let dims: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({dims}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}
