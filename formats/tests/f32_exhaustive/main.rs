//! All 2^32 `f32` inputs, in each judged format, rounding mode and main overflow policy: codes and flags equal the
//! oracle's.
//!
//!     cargo test --release -p fewbit-formats -- --ignored
//!
//! `FEWBIT_PROOF=e4m3fn,ties-even` takes only the formats and modes named; `FEWBIT_PROOF_WRITE=1` writes what was found
//! to the log, `docs/proof/f32-exhaustive.csv`, with which it is otherwise compared.

#[path = "../common/mod.rs"]
mod common;
mod packed;
mod record;
mod subject;
mod sweep;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fewbit_formats::{Format, Policy, Rounding};
use fewbit_testkit::rounding::Mode;
use record::{COLUMNS, Facts};
use subject::{Pair, Stretch, Subject};
use sweep::{Sweep, judged};

/// A rounding mode with the random bits of each conversion.
#[derive(Clone, Copy, Debug)]
struct Choice {
    rounding: Rounding,
    mode: Mode,
    random: u32,
}

/// Every mode without random bits, and each stochastic one with few and with many.
fn choices() -> Vec<Choice> {
    let choice =
        |mode, name: &str, random| Choice { rounding: name.parse().unwrap(), mode, random };
    let plain = Mode::NAMES.iter().filter(|(mode, _)| !mode.is_stochastic());
    let mut all: Vec<_> = plain.map(|&(mode, name)| choice(mode, name, 0)).collect();
    for (bits, random) in [(8, 0xb5), (32, 0x9e37_79b9)] {
        all.extend([
            choice(Mode::StochasticA(bits), &format!("stochastic{bits}"), random),
            choice(Mode::StochasticB(bits), &format!("stochastic-middle{bits}"), random),
            choice(Mode::StochasticC(bits), &format!("stochastic-nearest{bits}"), random),
            choice(Mode::StochasticOdd(bits), &format!("stochastic-odd{bits}"), random),
        ]);
    }
    all
}

/// One pass over all inputs.
struct Pass {
    format: Format,
    sweep: Sweep,
    choice: Choice,
}

/// The passes that `FEWBIT_PROOF` names; all where it names none.
fn passes() -> Vec<Pass> {
    let selection = std::env::var("FEWBIT_PROOF").unwrap_or_default();
    let (mut formats, mut modes) = (judged(), choices());
    let (mut named_formats, mut named_modes): (Vec<Format>, Vec<Rounding>) = Default::default();
    for word in selection.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let format = word.parse().ok().filter(|f| formats.iter().any(|(known, _)| known == f));
        let mode = word.parse().ok().filter(|m| modes.iter().any(|known| known.rounding == *m));
        assert!(
            format.is_some() || mode.is_some(),
            "FEWBIT_PROOF: `{word}` is neither a format of the table of at most 8 bits, bf16 or f16, nor a mode: {}",
            modes.iter().map(|m| m.rounding.to_string()).collect::<Vec<_>>().join(", ")
        );
        named_formats.extend(format);
        named_modes.extend(mode);
    }
    formats.retain(|(f, _)| named_formats.is_empty() || named_formats.contains(f));
    modes.retain(|m| named_modes.is_empty() || named_modes.contains(&m.rounding));
    formats
        .iter()
        .flat_map(|&(format, sweep)| {
            modes.iter().map(move |&choice| Pass { format, sweep, choice })
        })
        .collect()
}

/// The key of a line of the log.
fn key(format: Format, choice: Choice, policy: usize) -> String {
    let Choice { rounding, random, .. } = choice;
    let random = rounding.random_bits().map_or("-".into(), |_| format!("{random:#x}"));
    format!("{format},{rounding},{random},{}", Subject::overflows(format)[policy])
}

/// The lines of the log, by key, in the order of the passes.
struct Log(BTreeMap<String, String>);

impl Log {
    fn path() -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "..", "docs", "proof", "f32-exhaustive.csv"].iter().collect()
    }

    fn read() -> Self {
        let text = fs::read_to_string(Self::path()).unwrap_or_default();
        let lines = text.lines().filter_map(|line| {
            let (at, _) = line.match_indices(',').nth(3)?;
            Some((line[..at].to_owned(), line[at + 1..].to_owned()))
        });
        Self(lines.collect())
    }

    fn write(&self) {
        let order = judged().into_iter().flat_map(|(format, _)| {
            choices()
                .into_iter()
                .flat_map(move |choice| [0, 1].map(|policy| key(format, choice, policy)))
        });
        let lines =
            order.filter_map(|key| self.0.get(&key).map(|facts| format!("{key},{facts}\n")));
        let text = format!("{COLUMNS}\n{}", lines.collect::<String>());
        fs::create_dir_all(Self::path().parent().expect("a folder")).expect("docs/proof");
        fs::write(Self::path(), text).expect("the log");
    }
}

/// A line on standard error, whether or not the harness captures what tests print.
macro_rules! progress {
    ($($text:tt)*) => {
        // Where standard error is closed nobody waits for the line.
        let _ = writeln!(std::io::stderr(), $($text)*);
    };
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[test]
#[ignore = "hours: every f32 in every format and mode"]
fn every_f32() {
    let passes = passes();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (start, next, done) = (Instant::now(), AtomicUsize::new(0), AtomicUsize::new(0));
    let found = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        let work = || {
            while let Some(pass) = passes.get(next.fetch_add(1, Ordering::Relaxed)) {
                let &Pass { format, sweep, choice } = pass;
                let line = Subject::of(format).line(choice.mode, choice.random);
                let begin = Instant::now();
                let fault = sweep(choice.rounding, choice.random, &line);
                assert!(fault.is_none(), "{format} {choice:x?}: {:x?}", fault.expect("a fault"));
                let rate = 2f64.powi(33) / begin.elapsed().as_secs_f64();
                for policy in [0, 1] {
                    let facts = Facts::of(&line, policy).to_string();
                    found.lock().expect("no panic").insert(key(format, choice, policy), facts);
                }
                let count = 1 + done.fetch_add(1, Ordering::Relaxed);
                let elapsed = start.elapsed();
                let remaining = elapsed.mul_f64((passes.len() - count) as f64 / count as f64);
                progress!(
                    "{count}/{}  {format} {}  {:.0} M conversions/s  elapsed {}  remaining {}",
                    passes.len(),
                    choice.rounding,
                    rate / 1e6,
                    clock(elapsed),
                    clock(remaining)
                );
            }
        };
        for _ in 0..threads.min(passes.len()) {
            scope.spawn(work);
        }
    });
    let found = found.into_inner().expect("no panic");
    assert_eq!(found.len(), 2 * passes.len());
    progress!(
        "{} conversions equal the oracle's: {} formats and modes, 2 overflow policies, 2^32 inputs, in {} on {threads} threads",
        (found.len() as u128) << 32,
        passes.len(),
        clock(start.elapsed())
    );
    let mut log = Log::read();
    if std::env::var_os("FEWBIT_PROOF_WRITE").is_some_and(|value| value == "1") {
        log.0.extend(found);
        log.write();
        return;
    }
    let mut new = 0;
    for (key, facts) in &found {
        match log.0.get(key) {
            Some(line) => assert_eq!(
                line,
                facts,
                "{key}: {} says otherwise; FEWBIT_PROOF_WRITE=1 rewrites it",
                Log::path().display()
            ),
            None => {
                new += 1;
                progress!("not in the log: {key},{facts}");
            }
        }
    }
    progress!("{} results equal the log's, {new} are not in it", found.len() - new);
}

/// The encoder without constants to fold.
fn encode(format: Format, choice: Choice, input: u32) -> Pair {
    Subject::overflows(format).map(|overflow| {
        let policy = Policy::new(choice.rounding, overflow);
        packed::result(format.encode(f32::from_bits(input), &policy, choice.random))
    })
}

/// The first and last input of each run, the first time it comes.
fn ends(line: &[Stretch]) -> impl Iterator<Item = (u32, Pair)> {
    line.iter()
        .flat_map(|stretch| {
            stretch.runs.iter().scan(stretch.first, |first, &(inputs, answers)| {
                let last = *first + (inputs - 1);
                let ends = [(*first, answers), (last, answers)];
                *first = last.wrapping_add(1);
                Some(ends)
            })
        })
        .flatten()
}

/// Every run's first and last input, which are the neighbours of every value, tie and boundary, in every format and mode;
/// and the log, where it has a line, says what the oracle says.
#[test]
fn both_ends_of_every_run() {
    let log = Log::read();
    let formats = judged();
    let next = AtomicUsize::new(0);
    let check = || {
        while let Some(&(format, _)) = formats.get(next.fetch_add(1, Ordering::Relaxed)) {
            let subject = Subject::of(format);
            for choice in choices() {
                check_ends(format, &subject, choice, &log);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(check);
        }
    });
    assert!(next.into_inner() > formats.len());
}

fn check_ends(format: Format, subject: &Subject, choice: Choice, log: &Log) {
    // Tens of thousands of values: a few modes that share their ties.
    let kinds = ["ties-even", "ties-dpu", "odd"];
    if format.bits() > 8 && !kinds.contains(&choice.rounding.to_string().as_str()) {
        return;
    }
    let line = subject.line(choice.mode, choice.random);
    let length = |s: &Stretch| s.runs.iter().map(|run| u64::from(run.0)).sum::<u64>();
    let inputs: u64 = line.iter().map(|s| u64::from(s.repeats) * length(s)).sum();
    assert_eq!(inputs, 1 << 32, "{format} {choice:?}");
    for (input, expected) in ends(&line) {
        let found = encode(format, choice, input);
        assert_eq!(found, expected, "{format} {choice:?} {input:#x}");
    }
    // What repeats millions of times is counted by the full proof alone.
    let expanded: u64 = line.iter().map(|s| u64::from(s.repeats) * s.runs.len() as u64).sum();
    if log.0.is_empty() || expanded > 1 << 20 {
        return;
    }
    for policy in [0, 1] {
        let key = key(format, choice, policy);
        // What has not been run over all inputs has no line.
        if let Some(logged) = log.0.get(&key) {
            assert_eq!(logged, &Facts::of(&line, policy).to_string(), "{key}");
        }
    }
}

/// Where the line says that answers repeat, the oracle says so too.
#[test]
fn answers_repeat_where_integers_wrap() {
    for name in ["int2", "int8", "uint4", "fix8.4", "int4n"] {
        let subject = Subject::of(name.parse().unwrap());
        for (mode, random) in [(Mode::TiesEven, 0), (Mode::Down, 0), (Mode::StochasticB(3), 5)] {
            let line = subject.line(mode, random);
            let repeating: Vec<_> = line.iter().filter(|stretch| stretch.repeats > 1).collect();
            assert!(repeating.len() > 20, "{name}");
            for (index, stretch) in repeating.into_iter().enumerate() {
                let period: u32 = stretch.runs.iter().map(|run| run.0).sum();
                assert_eq!(period * stretch.repeats, 1 << 23, "{name}: a binade");
                let repeat = (index as u32 * 7919 + 1) % stretch.repeats;
                let later = Stretch { first: stretch.first + repeat * period, ..stretch.clone() };
                for (input, expected) in ends(std::slice::from_ref(&later)).step_by(13) {
                    assert_eq!(subject.ask(input, mode, random), expected, "{name} {input:#x}");
                }
            }
        }
    }
}

/// The sweep objects to a wrong code, a wrong flag, a boundary one `f32` off, and names the input.
#[test]
fn the_sweep_finds_what_is_wrong() {
    let (format, sweep) = judged().into_iter().find(|(f, _)| *f == Format::E4M3FN).expect("a row");
    let line = Subject::of(format).line(Mode::TiesEven, 0);
    // Around 1: open run below, 1 itself, open run above.
    let stretch = &line[1];
    let position = |wanted: u32| {
        let mut first = stretch.first;
        let is_there = |&(inputs, _): &(u32, Pair)| {
            let here = first;
            first += inputs;
            here == wanted
        };
        stretch.runs.iter().position(is_there).expect("a run begins there")
    };
    let one = position(1f32.to_bits());
    let first = 1f32.to_bits() - stretch.runs[one - 1].0;
    let part = Stretch { first, repeats: 1, runs: stretch.runs[one - 1..=one + 1].to_vec() };
    let judge = |part: &Stretch| {
        let fault = sweep(Rounding::TiesEven, 0, std::slice::from_ref(part));
        fault.map(|fault| fault.input)
    };
    assert_eq!(judge(&part), None);
    let changed = |change: fn(&mut Stretch)| {
        let mut part = part.clone();
        change(&mut part);
        judge(&part)
    };
    assert_eq!(changed(|part| part.runs[1].1[0] ^= 1), Some(1f32.to_bits()), "code, first policy");
    assert_eq!(changed(|part| part.runs[1].1[1] ^= 1), Some(1f32.to_bits()), "code, second policy");
    assert_eq!(changed(|part| part.runs[2].1[0] ^= 2 << 32), Some(1f32.to_bits() + 1), "a flag");
    let late = changed(|part| {
        part.runs[0].0 += 1;
        part.runs[2].0 -= 1;
    });
    assert_eq!(late, Some(1f32.to_bits()));
    let early = changed(|part| {
        part.runs[0].0 -= 1;
        part.runs[2].0 += 1;
    });
    assert_eq!(early, Some(1f32.to_bits() - 1));
}

/// Two lines that differ in one answer, or in one boundary, have other facts.
#[test]
fn the_facts_tell_lines_apart() {
    let line = Subject::of(Format::E2M1FN).line(Mode::TiesEven, 0);
    let facts = Facts::of(&line, 0);
    let mut other = line.clone();
    other[1].runs[3].1[0] ^= 1;
    assert_ne!(Facts::of(&other, 0), facts);
    assert_eq!(Facts::of(&other, 1), Facts::of(&line, 1));
    let mut other = line.clone();
    let runs = &mut other[1].runs;
    let step = (1..runs.len()).find(|&i| runs[i].1 != runs[i - 1].1 && runs[i].0 > 1);
    let step = step.expect("a step before a run");
    runs[step - 1].0 += 1;
    runs[step].0 -= 1;
    assert_ne!(Facts::of(&other, 0), facts);
    // How runs are cut does not matter.
    let mut other = line.clone();
    let (inputs, answers) = other[1].runs[0];
    other[1].runs[0].0 = 5;
    other[1].runs.insert(1, (inputs - 5, answers));
    assert_eq!(Facts::of(&other, 0), facts);
}
