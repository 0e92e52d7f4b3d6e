//! Narrow registers side by side: the first stage of every machine of an array, as columns of numbers.
//!
//! A register of at most 30 bits and a product of at most 2^30 in magnitude have a sum within 32 bits: then a step is an
//! addition, a clamp or a mask, and a comparison in lanes of 32 bits. Larger products take the definition, register by
//! register.

use super::compiled::{BLOCK, Compiled, Fit, Products, StepAll};
use crate::accumulate::{IntStep, Register, RegisterOverflow, Stage};

/// The widest register that is kept so.
const MOST_BITS: u32 = 30;
/// The largest magnitude of a product in lanes.
const MOST_PRODUCT: u64 = 1 << 30;

/// `rows x cols` registers and the events of each.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    rows: usize,
    cols: usize,
    register: Register,
    fit: Fit,
    compiled: Compiled,
    /// Rows of blocks.
    registers: Vec<[i32; BLOCK]>,
    events: Vec<[u32; BLOCK]>,
    /// Events that were counted before the counters of the lanes restarted.
    counted: Vec<u64>,
    /// Steps since then.
    steps: u32,
    /// What a step is given.
    factors: Vec<[i32; BLOCK]>,
}

impl Lanes {
    /// `None` for a stage that takes several inputs in a step or has several registers, or whose register is wide.
    pub(super) fn new(stage: &Stage, (rows, cols): (usize, usize)) -> Option<Self> {
        let Register::Int { bits: bits @ 2..=MOST_BITS, overflow } = stage.register else {
            return None;
        };
        if stage.width.get() != 1 || stage.is_interleaved() {
            return None;
        }
        let sign = 1i32 << (bits - 1);
        let fit = match overflow {
            RegisterOverflow::Saturate => Fit::Clamp { low: -sign, high: sign - 1 },
            RegisterOverflow::Wrap => Fit::Wrap { mask: sign | (sign - 1), sign },
        };
        let blocks = rows * cols.div_ceil(BLOCK);
        Some(Self {
            rows,
            cols,
            register: stage.register,
            fit,
            compiled: Compiled::best(),
            registers: vec![[0; BLOCK]; blocks],
            events: vec![[0; BLOCK]; blocks],
            counted: vec![0; blocks * BLOCK],
            steps: 0,
            // At least a row, which `outer` needs of an array without rows too.
            factors: vec![[0; BLOCK]; rows.max(1) * cols.div_ceil(BLOCK)],
        })
    }

    pub(super) fn outer(&mut self, a: &[i32], b: &[i32]) {
        let greatest = |x: &[i32]| x.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0);
        if u64::from(greatest(a)) * u64::from(greatest(b)) > MOST_PRODUCT {
            let products = a.iter().flat_map(|&a| b.iter().map(move |&b| (a, b)));
            return self.one_by_one(products.map(|(a, b)| i64::from(a) * i64::from(b)));
        }
        let blocks = self.cols.div_ceil(BLOCK);
        let factors = &mut self.factors[..blocks];
        factors.as_flattened_mut()[..b.len()].copy_from_slice(b);
        self.count_steps();
        self.compiled.run(StepAll {
            fit: self.fit,
            registers: &mut self.registers,
            events: &mut self.events,
            products: Products::Outer(a, &self.factors[..blocks]),
        });
    }

    pub(super) fn products(&mut self, products: &[i64]) {
        if products.iter().any(|p| p.unsigned_abs() > MOST_PRODUCT) {
            return self.one_by_one(products.iter().copied());
        }
        let row = self.cols.div_ceil(BLOCK);
        let rows = self.factors.chunks_exact_mut(row.max(1));
        for (factors, products) in rows.zip(products.chunks_exact(self.cols.max(1))) {
            for (factor, &product) in factors.as_flattened_mut().iter_mut().zip(products) {
                // Within 32 bits, as was asked above.
                *factor = product as i32;
            }
        }
        self.count_steps();
        self.compiled.run(StepAll {
            fit: self.fit,
            registers: &mut self.registers,
            events: &mut self.events,
            products: Products::Each(&self.factors),
        });
        // The lanes of padding stay zero: `outer` writes others.
        self.factors.fill([0; BLOCK]);
    }

    /// The steps by definition.
    fn one_by_one(&mut self, products: impl Iterator<Item = i64>) {
        self.count_steps();
        for (index, product) in products.enumerate() {
            let at = self.at(index / self.cols, index % self.cols);
            let before = self.registers.as_flattened()[at];
            let step = self.register.step(before.into(), product.into());
            let Some(IntStep { after, event, .. }) = step else {
                continue;
            };
            // Within the register's 30 bits.
            self.registers.as_flattened_mut()[at] = after as i32;
            self.events.as_flattened_mut()[at] += u32::from(event);
        }
    }

    pub(super) fn value(&self, row: usize, col: usize) -> i32 {
        self.registers.as_flattened()[self.at(row, col)]
    }

    pub(super) fn events(&self, row: usize, col: usize) -> u64 {
        let at = self.at(row, col);
        self.counted[at] + u64::from(self.events.as_flattened()[at])
    }

    pub(super) fn set(&mut self, row: usize, col: usize, value: i32) {
        let at = self.at(row, col);
        self.registers.as_flattened_mut()[at] = value;
    }

    /// Every register at zero; events stay.
    pub(super) fn restart(&mut self) {
        self.registers.fill([0; BLOCK]);
    }

    pub(super) fn forget(&mut self) {
        self.restart();
        self.events.fill([0; BLOCK]);
        self.counted.fill(0);
        self.steps = 0;
    }

    /// Before the counters of the lanes could run over, what they have is taken.
    fn count_steps(&mut self) {
        if self.steps == u32::MAX {
            for (counted, events) in self.counted.iter_mut().zip(self.events.as_flattened()) {
                *counted += u64::from(*events);
            }
            self.events.fill([0; BLOCK]);
            self.steps = 0;
        }
        self.steps += 1;
    }

    fn at(&self, row: usize, col: usize) -> usize {
        debug_assert!(row < self.rows && col < self.cols, "({row}, {col})");
        row * self.cols.next_multiple_of(BLOCK) + col
    }
}
