//! Integer matrices that are hard on accumulators.

/// A row-major integer matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// `rows * cols` values.
    pub data: Vec<i64>,
}

/// The values that an operand's format has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least one.
    pub low: i64,
    /// The greatest one.
    pub high: i64,
}

/// How the values of a matrix follow each other along k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Uniform over the range.
    Uniform,
    /// Small values around zero, as trained weights have.
    Bell,
    /// Only ends of the range, their neighbours, 0 and 1.
    Corners,
    /// Every value the greatest: sums drift as far up as they can.
    High,
    /// Every value the least.
    Low,
    /// Greatest and least in turn.
    Alternate,
    /// The greatest for the first half of k, then the least: the sum rises and cancels.
    Cancel,
    /// Mostly zero.
    Sparse,
}

impl Pattern {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Uniform,
        Self::Bell,
        Self::Corners,
        Self::High,
        Self::Low,
        Self::Alternate,
        Self::Cancel,
        Self::Sparse,
    ];
}

impl Range {
    /// `[-2^(bits-1), 2^(bits-1) - 1]`
    pub const fn signed(bits: u32) -> Self {
        Self { low: -(1 << (bits - 1)), high: (1 << (bits - 1)) - 1 }
    }

    /// `[0, 2^bits - 1]`
    pub const fn unsigned(bits: u32) -> Self {
        Self { low: 0, high: (1 << bits) - 1 }
    }

    fn pick(self, random: &mut SplitMix) -> i64 {
        let span = (self.high.abs_diff(self.low)) + 1;
        self.low.wrapping_add_unsigned(random.next() % span)
    }
}

/// Which index of a matrix runs along k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Along {
    Rows,
    Cols,
}

impl Matrix {
    /// A left operand `[m, k]`.
    pub fn left(m: usize, k: usize, range: Range, pattern: Pattern, seed: u64) -> Self {
        Self::generate(m, k, range, pattern, seed, Along::Cols)
    }

    /// A right operand `[k, n]`.
    pub fn right(k: usize, n: usize, range: Range, pattern: Pattern, seed: u64) -> Self {
        Self::generate(k, n, range, pattern, seed, Along::Rows)
    }

    /// The value at `(row, col)`.
    pub fn at(&self, row: usize, col: usize) -> i64 {
        self.data[row * self.cols + col]
    }

    fn generate(
        rows: usize,
        cols: usize,
        range: Range,
        pattern: Pattern,
        seed: u64,
        along: Along,
    ) -> Self {
        let mut random = SplitMix(seed);
        let mut data = Vec::with_capacity(rows * cols);
        for row in 0..rows {
            for col in 0..cols {
                let (k, depth) = match along {
                    Along::Rows => (row, rows),
                    Along::Cols => (col, cols),
                };
                data.push(value(range, pattern, k, depth, &mut random));
            }
        }
        Self { rows, cols, data }
    }
}

fn value(range: Range, pattern: Pattern, k: usize, depth: usize, random: &mut SplitMix) -> i64 {
    let Range { low, high } = range;
    match pattern {
        Pattern::Uniform => range.pick(random),
        Pattern::Bell => {
            let sum: i128 = (0..8).map(|_| i128::from(range.pick(random))).sum();
            (sum / 8).clamp(low.into(), high.into()) as i64
        }
        Pattern::Corners => {
            let corners = [low, high, low + 1, high - 1, 0, 1, low, high];
            corners[(random.next() % 8) as usize].clamp(low, high)
        }
        Pattern::High => high,
        Pattern::Low => low,
        Pattern::Alternate if k.is_multiple_of(2) => high,
        Pattern::Alternate => low,
        Pattern::Cancel if k < depth / 2 => high,
        Pattern::Cancel => low,
        Pattern::Sparse if random.next().is_multiple_of(5) => range.pick(random),
        Pattern::Sparse => 0i64.clamp(low, high),
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
