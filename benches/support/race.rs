//! Contestants by turns, and their lines.

use std::time::{Duration, Instant};

/// What a line's value counts.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    /// 10^9 products per second.
    Products,
    /// 10^9 elements per second.
    Elements,
    /// Seconds for all of the work.
    Seconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Products => "GMAC/s",
            Self::Elements => "Gelem/s",
            Self::Seconds => "s",
        }
    }

    fn value(self, amount: f64, seconds: f64) -> f64 {
        match self {
            Self::Products | Self::Elements => amount / seconds / 1e9,
            Self::Seconds => seconds,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Ours,
    Peer,
}

/// One way to do the work of a race.
pub(crate) struct Contestant<'a> {
    name: String,
    side: Side,
    amount: f64,
    note: String,
    work: Box<dyn FnMut() + Send + 'a>,
}

impl<'a> Contestant<'a> {
    /// fewbit's; a call of `work` does `amount` products or elements.
    pub(crate) fn ours(
        name: impl Into<String>,
        amount: usize,
        work: impl FnMut() + Send + 'a,
    ) -> Self {
        Self::new(name.into(), Side::Ours, amount, Box::new(work))
    }

    /// Something else: a loop, another library, a limit of the machine.
    pub(crate) fn peer(
        name: impl Into<String>,
        amount: usize,
        work: impl FnMut() + Send + 'a,
    ) -> Self {
        Self::new(name.into(), Side::Peer, amount, Box::new(work))
    }

    fn new(name: String, side: Side, amount: usize, work: Box<dyn FnMut() + Send + 'a>) -> Self {
        Self { name, side, amount: amount as f64, note: String::new(), work }
    }

    /// With a remark at the end of its line.
    pub(crate) fn noted(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}

/// How much care a run takes.
#[derive(Clone, Copy, PartialEq)]
enum Effort {
    Full,
    Quick,
}

/// A bench as it was called.
pub(crate) struct Bench {
    filters: Vec<String>,
    effort: Effort,
}

impl Bench {
    /// Reads the arguments and prints the head; ends the process with code 2 where an argument is not known.
    pub(crate) fn from_args() -> Self {
        let mut bench = Self { filters: Vec::new(), effort: Effort::Full };
        for arg in std::env::args().skip(1) {
            match arg.as_str() {
                "--quick" => bench.effort = Effort::Quick,
                // Cargo's own, and one that only says what the texts are.
                "--bench" | "--filter" => {}
                text if !text.starts_with('-') => bench.filters.push(text.into()),
                _ => {
                    eprintln!("{arg} is not known: expected [--quick] [--filter] [TEXT...]");
                    std::process::exit(2);
                }
            }
        }
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let effort = if bench.is_quick() { "quick" } else { "full" };
        println!(
            "# {}, {effort}; {}, {cpus} CPU(s), {}",
            env!("CARGO_CRATE_NAME"),
            fewbit::Isa::best(),
            cpu_name().unwrap_or_else(|| "unnamed CPU".into())
        );
        bench
    }

    /// Whether the largest sizes are to be left out.
    pub(crate) fn is_quick(&self) -> bool {
        self.effort == Effort::Quick
    }

    /// Whether a line of this name is asked for.
    fn wants(&self, line: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| line.contains(filter))
    }

    /// Runs all by turns, again and again, and prints a line for each: the best of its samples, so that what else the
    /// machine does counts little. A sample has as many calls as it takes to be timed.
    pub(crate) fn race(&self, case: &str, unit: Unit, mut contestants: Vec<Contestant<'_>>) {
        let line = |c: &Contestant<'_>| line(case, &c.name);
        contestants.retain(|c| c.side == Side::Peer || self.wants(&line(c)));
        if contestants.iter().all(|c| c.side == Side::Peer && !self.wants(&line(c))) {
            return;
        }
        // Samples at least, of this length; the time that they may take, and that of more samples where they take less.
        let (samples, shortest, budget, fill) = match self.effort {
            Effort::Full => (11, Duration::from_millis(5), Duration::from_secs(60), 100),
            Effort::Quick => (5, Duration::from_millis(1), Duration::from_secs(1), 20),
        };
        let fill = Duration::from_millis(fill) * contestants.len() as u32;
        let start = Instant::now();
        let mut best = vec![f64::INFINITY; contestants.len()];
        let mut calls = vec![1; contestants.len()];
        for ((contestant, calls), best) in contestants.iter_mut().zip(&mut calls).zip(&mut best) {
            loop {
                let taken = sample(contestant, *calls);
                if taken >= shortest {
                    *best = taken.as_secs_f64() / f64::from(*calls);
                    break;
                }
                *calls *= 2;
            }
        }
        for done in 1.. {
            let elapsed = start.elapsed();
            if done >= 2 && elapsed > budget || done >= samples && elapsed > fill {
                break;
            }
            for ((contestant, &calls), best) in contestants.iter_mut().zip(&calls).zip(&mut best) {
                let taken = sample(contestant, calls).as_secs_f64() / f64::from(calls);
                *best = best.min(taken);
            }
        }
        let results: Vec<_> = contestants.iter().zip(best).collect();
        for (contestant, seconds) in &results {
            let ratios: Vec<_> = results
                .iter()
                .filter(|(peer, _)| contestant.side == Side::Ours && peer.side == Side::Peer)
                .map(|(peer, theirs)| {
                    let ratio = (contestant.amount / seconds) / (peer.amount / theirs);
                    format!("{} x {}", digits(ratio), peer.name)
                })
                .collect();
            let ratios = match contestant.side {
                Side::Ours => ratios.join(", "),
                Side::Peer => "peer".into(),
            };
            let value = unit.value(contestant.amount, *seconds);
            print(&line(contestant), value, unit.name(), &[ratios, contestant.note.clone()]);
        }
    }

    /// Prints a line about one run of `work`, which gives a value.
    pub(crate) fn report(
        &self,
        case: &str,
        name: &str,
        unit: &str,
        work: impl FnOnce() -> Option<f64>,
    ) {
        let line = line(case, name);
        if !self.wants(&line) {
            return;
        }
        match work() {
            Some(value) => print(&line, value, unit, &[]),
            None => println!("# {line}: not known on this system"),
        }
    }
}

fn sample(contestant: &mut Contestant<'_>, calls: u32) -> Duration {
    let start = Instant::now();
    (0..calls).for_each(|_| (contestant.work)());
    start.elapsed()
}

fn line(case: &str, name: &str) -> String {
    let line = format!("{}/{case}/{name}", env!("CARGO_CRATE_NAME"));
    line.split_whitespace().collect::<Vec<_>>().join("-")
}

fn print(line: &str, value: f64, unit: &str, notes: &[String]) {
    let value = digits(value);
    let notes: Vec<_> = notes.iter().filter(|note| !note.is_empty()).cloned().collect();
    println!("{}", format!("{line:60} {value:>10} {unit:8} {}", notes.join("; ")).trim_end());
}

/// Four significant digits, all of those before the point.
fn digits(value: f64) -> String {
    let before = value.abs().log10().floor() as i32 + 1;
    let after = (4 - before).clamp(0, 9) as usize;
    format!("{value:.after$}")
}

fn cpu_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(name.trim_start_matches([' ', '\t', ':']).trim().into())
}

/// Runs `work` in a pool of its own.
pub(crate) fn on_threads(threads: usize, work: impl FnOnce() + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap_or_else(|error| panic!("{error}")).install(work);
}
