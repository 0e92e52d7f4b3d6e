//! Traces, against registers that the test steps itself.

use super::common::Folder;
use super::csv::{Csv, vectors};

/// A register of 12 bits that saturates, tiles of 4, their sums in 12 bits that wrap.
#[derive(Default)]
struct Machine {
    inner: i64,
    outer: i64,
}

/// What a cycle leaves.
#[derive(Debug, PartialEq)]
struct Cycle {
    registers: (i64, i64),
    stepped: u64,
    events: u64,
}

impl Machine {
    fn push(&mut self, product: i64, k: usize, last: bool) -> Cycle {
        let exact = self.inner + product;
        self.inner = exact.clamp(-2048, 2047);
        let mut cycle = Cycle { registers: (self.inner, self.outer), stepped: 1, events: 0 };
        cycle.events |= u64::from(self.inner != exact);
        if k % 4 == 3 || last {
            let exact = self.outer + self.inner;
            self.outer = exact << 52 >> 52;
            cycle.stepped |= 2;
            cycle.events |= u64::from(self.outer != exact) << 1;
            cycle.registers.1 = self.outer;
            self.inner = 0;
        }
        cycle
    }
}

/// Cycles of the trace that are other ones than the machine's.
fn different(csv: &Csv, bits: (u32, u32)) -> usize {
    let (mut machine, mut count) = (Machine::default(), 0);
    for row in 0..csv.rows.len() {
        let k = csv.word(row, "k") as usize;
        let (first, last) = (csv.word(row, "first") == 1, csv.word(row, "last") == 1);
        if first {
            machine = Machine::default();
        }
        let product = csv.signed(row, "a", bits.0) * csv.signed(row, "b", bits.1);
        let expected = machine.push(product, k, last);
        let found = Cycle {
            registers: (csv.signed(row, "reg0", 12), csv.signed(row, "reg1", 12)),
            stepped: csv.word(row, "stepped"),
            events: csv.word(row, "events"),
        };
        let marks = ["tile_first", "tile_last"].map(|name| csv.word(row, name) == 1);
        let right = marks == [k.is_multiple_of(4), k % 4 == 3 || last]
            && csv.signed(row, "product", bits.0 + bits.1 + 1) == product
            && first == (k == 0);
        count += usize::from(found != expected || !right);
    }
    count
}

#[test]
fn drawn_cycles_are_those_of_a_machine_stepped_here() {
    for op in ["dot", "matmul --m 2 --n 3"] {
        let args = format!(
            "--op {op} --a int8 --b int6 --acc int12-sat/4,int12-wrap --k 10 --count 40 --per-step"
        );
        let csv = vectors(&args);
        assert!(csv.rows.len() > 300, "{}", csv.rows.len());
        assert_eq!(different(&csv, (8, 6)), 0, "{args}");
        for stage in [1, 2] {
            let has_event = |row: usize| csv.word(row, "events") & stage != 0;
            assert!((0..csv.rows.len()).any(has_event), "{args}: events in both stages");
        }
    }
    let other = vectors(
        "--op dot --a int8 --b int6 --acc int12-wrap/4,int12-wrap --k 10 --count 40 --per-step",
    );
    assert!(different(&other, (8, 6)) > 0, "the test objects");
}

#[test]
fn given_operands_are_traced() {
    let folder = Folder::in_memory();
    let a: Vec<i8> = vec![100, -100, 3, 4, 127, 127, 7, -8, 9, 10, 11, -128];
    let b: Vec<i8> = vec![31, -31, 30, 2, 31, 31, -32, 31, 31, 5, -31, -32];
    let bytes = |values: &[i8]| values.iter().map(|&x| x as u8).collect::<Vec<u8>>();
    folder.npy("A.npy", "|i1", false, &[2, 6], &bytes(&a));
    folder.npy("B.npy", "|i1", false, &[6, 2], &bytes(&b));
    let line =
        "vectors --from A.npy B.npy --acc int12-sat/4,int12-wrap --per-step --as csv --to out";
    let run = folder.fewbit(&line.split(' ').collect::<Vec<_>>());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let csv = Csv::read(&folder, "out/trace.csv");
    assert_eq!(csv.rows.len(), 2 * 2 * 6);
    assert_eq!(different(&csv, (8, 8)), 0);
    for row in 0..24 {
        let (r, c, k) = (row / 12, row / 6 % 2, row % 6);
        let place = ["row", "col", "k"].map(|name| csv.word(row, name) as usize);
        assert_eq!(place, [r, c, k]);
        let factors = (csv.signed(row, "a", 8), csv.signed(row, "b", 8));
        assert_eq!(factors, (a[r * 6 + k].into(), b[k * 2 + c].into()));
    }
    assert_eq!(folder.fewbit(&["verify", "out/trace.csv"]).code, Some(0));
    // The last cycle's outer register is the product's output.
    let matmul = ["matmul", "A.npy", "B.npy", "--acc", "int12-sat/4,int12-wrap", "--out", "C.npy"];
    assert_eq!(folder.fewbit(&matmul).code, Some(0));
    let outputs: Vec<i64> = (0..4).map(|o| csv.signed(6 * o + 5, "reg1", 12)).collect();
    assert_eq!(folder.int64("C.npy"), (vec![2, 2], outputs));
}
