//! Mutated files and texts through every reader: an answer or one line, never a panic, an abort, or a second of work.
//!
//! Each reader is one process under a limit on addresses, in which the command line runs again and again. What is run
//! follows from the reader and the number of the case alone: `FEWBIT_MUTATIONS` sets how many cases, and
//! `FEWBIT_MUTATION_FROM` with which number they begin.

#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;
mod corpus;
mod mutate;

use std::fs;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::Folder;
use corpus::{Case, Reader};
use mutate::Random;

/// Where a child is told its reader and its folder.
const READER: &str = "FEWBIT_MUTATED_READER";
const FOLDER: &str = "FEWBIT_MUTATED_FOLDER";

/// Kilobytes of addresses.
const LIMIT: &str = "3000000";

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs the cases of a reader in a process of their own.
fn run(reader: Reader) {
    let folder = Folder::in_memory();
    let limited = format!("ulimit -v {LIMIT}; exec \"$@\"");
    let status = Command::new("sh")
        .args(["-c", &limited, "sh"])
        .arg(std::env::current_exe().expect("this test's program"))
        .args(["--exact", "child", "--nocapture"])
        .env(READER, reader.name())
        .env(FOLDER, folder.path())
        .env("RAYON_NUM_THREADS", "2")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("a shell");
    let read = |name: &str| fs::read_to_string(folder.file(name)).unwrap_or_default();
    let (report, case) = (read("report"), read("case"));
    println!("{}", report.trim_end());
    assert!(status.success(), "{}: {status} in case {}: {report}", reader.name(), case.trim());
    assert!(report.contains("executions"), "{}: it did not run", reader.name());
}

macro_rules! readers {
    ($($test:ident => $reader:ident),* $(,)?) => {$(
        #[test]
        fn $test() {
            run(Reader::$reader);
        }
    )*};
}

readers! {
    npy => Npy, safetensors => Safetensors, recipes_in_yaml => Yaml, recipes_in_json => Json, formats => Formats,
    groups => Groups, accumulators => Accumulators, policies => Policies, tables => Tables,
    vectors => Vectors, archives_of_vectors => Archives,
}

/// What a process that `run` starts does; without its variables there is nothing to do.
#[test]
fn child() {
    let (Ok(name), Ok(folder)) = (std::env::var(READER), std::env::var(FOLDER)) else { return };
    let reader = Reader::named(&name).expect("a reader");
    let folder = Path::new(&folder);
    std::env::set_current_dir(folder).expect("a folder");
    std::panic::set_hook(Box::new(|_| ()));
    let corpus = corpus::of(reader, folder);
    let case_file = fs::File::create(folder.join("case")).expect("a file");
    let (first, count) = (number("FEWBIT_MUTATION_FROM", 0), number("FEWBIT_MUTATIONS", 1500));
    let mut codes = [0u64; 3];
    let (mut longest, mut longest_case) = (Duration::ZERO, first);
    let start = Instant::now();
    let mut failures = Vec::new();
    for case in first..first + count {
        case_file.write_all_at(format!("{case:<20}").as_bytes(), 0).expect("a number");
        let case_of = corpus.case(case);
        let (result, took) = timed(&case_of);
        // A busy machine takes seconds from anybody: what counts is work.
        let took = if took > Duration::from_millis(500) { took.min(work(&case_of)) } else { took };
        if took > longest {
            (longest, longest_case) = (took, case);
        }
        match result {
            Some(code @ 0..=2) if took <= Duration::from_secs(1) => codes[usize::from(code)] += 1,
            other => failures.push(format!("case {case}: {other:?} in {took:?}: {case_of:?}")),
        }
        if failures.len() >= 20 {
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let [done, different, refused] = codes;
    let report = format!(
        "{}: {count} executions in {seconds:.1} s, the longest {:.3} s (case {longest_case}); exit codes 0: {done}, 1: \
         {different}, 2: {refused}\n{}\n",
        reader.name(),
        longest.as_secs_f64(),
        failures.join("\n")
    );
    fs::write(folder.join("report"), &report).expect("a report");
    assert!(failures.is_empty(), "{report}");
    assert!(count < 1000 || refused > 0 && done > 0, "{report}");
}

/// The exit code, `None` after a panic, and the time.
fn timed(case: &Case) -> (Option<u8>, Duration) {
    let start = Instant::now();
    let code = catch_unwind(AssertUnwindSafe(|| match case {
        Case::Text { text, parse, .. } if !parse(text) => 2,
        Case::Text { command, .. } | Case::Command(command) => {
            fewbit_cli::run(command.iter().cloned())
        }
    }));
    (code.ok(), start.elapsed())
}

/// The processor time that all threads of another run take.
fn work(case: &Case) -> Duration {
    let ticks = || -> u64 {
        let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
    };
    let before = ticks();
    timed(case);
    Duration::from_millis(10 * (ticks() - before))
}

#[test]
fn cases_are_the_same_again_and_differ_from_each_other() {
    let mut random = Random::of(3);
    let (a, b) = (random.next(), random.next());
    assert_ne!(a, b);
    assert_eq!(Random::of(3).next(), a);
    let seeds = [b"int16-wrap/64,int24-sat".to_vec(), b"e5m10-rne".to_vec()];
    let mutated = |case| mutate::mutated(&seeds[0], &seeds, &mut Random::of(case));
    assert_eq!(mutated(5), mutated(5));
    let mut all: Vec<_> = (0..100).map(mutated).collect();
    all.sort();
    all.dedup();
    assert!(all.len() > 80, "{}", all.len());
}
