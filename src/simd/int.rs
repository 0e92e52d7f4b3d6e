//! Lanes of integers: of 32 or 64 bits, of 16 in the halves of 32, of bytes in its quarters.

use bytemuck::Pod;

use super::Lanes;
use super::prefetch::prefetch;

/// An integer that fills one lane.
pub(crate) trait Word: Pod + Send + Sync + Ord + std::fmt::Debug {
    /// Its width.
    const BITS: u32;
    /// Factors in it, where it is a word of an operand.
    const K_TILE: usize;

    /// The low bits of `value`.
    fn truncate(value: i64) -> Self;

    /// The same value.
    fn widen(self) -> i64;
}

impl Word for i32 {
    const BITS: u32 = Self::BITS;
    const K_TILE: usize = 2;

    #[inline(always)]
    fn truncate(value: i64) -> Self {
        value as Self
    }

    #[inline(always)]
    fn widen(self) -> i64 {
        self.into()
    }
}

impl Word for i64 {
    const BITS: u32 = Self::BITS;
    const K_TILE: usize = 1;

    #[inline(always)]
    fn truncate(value: i64) -> Self {
        value
    }

    #[inline(always)]
    fn widen(self) -> i64 {
        self
    }
}

/// 16 bits in both halves of a word.
pub(crate) const fn both(x: i16) -> i32 {
    (x.cast_unsigned() as u32 * 0x1_0001).cast_signed()
}

/// Lanes of integers that multiply and add. Arithmetic is modulo 2^BITS.
pub(crate) trait IntLanes: Lanes<Element: Word> {
    /// Products that one [`Self::dot`] adds to each lane.
    const K_TILE: usize = <Self::Element as Word>::K_TILE;

    /// `acc + Σ a[i] * b[i]` over the `K_TILE` integers of each operand word.
    fn dot(self, acc: Self::V, a: Self::V, b: Self::V) -> Self::V;

    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;

    /// The lesser, signed.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;

    /// The greater, signed.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;

    /// `((v & mask) ^ sign) - sign`: the low bits of `v` under `mask` as two's complement, where `sign` is the top bit
    /// of `mask`.
    fn wrap(self, v: Self::V, mask: Self::V, sign: Self::V) -> Self::V;

    /// `count + 1` where `a != b`, `count` elsewhere.
    fn count_changed(self, count: Self::V, a: Self::V, b: Self::V) -> Self::V;
}

/// Lanes of 32 bits whose halves are lanes too: the even ones are the low halves, the odd ones the high halves.
/// Arithmetic is modulo 2^16 where nothing else is said.
pub(crate) trait Int16Lanes: IntLanes<Element = i32> {
    /// The low halves of `even` and of `odd`, in the even and the odd lanes.
    fn join_low(self, even: Self::V, odd: Self::V) -> Self::V;

    /// The high halves of `even` and of `odd`, in the even and the odd lanes.
    fn join_high(self, even: Self::V, odd: Self::V) -> Self::V;

    /// The even and the odd lanes, sign extended: what [`Self::join_low`] puts together.
    fn split(self, v: Self::V) -> [Self::V; 2];

    /// The low and the high byte of every lane, sign extended.
    fn low_and_high(self, v: Self::V) -> [Self::V; 2];

    /// Byte `place` of every four, as an unsigned one, in both of their lanes.
    fn spread(self, v: Self::V, place: usize) -> Self::V;

    /// `v / 2^bits`, rounded down; `bits` is below 16.
    fn shift_right16(self, v: Self::V, bits: u32) -> Self::V;

    /// `a + b`.
    fn add16(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a + b`, or the nearest end of the range.
    fn add_saturating16(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a - b`.
    fn sub16(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a * b`.
    fn mul16(self, a: Self::V, b: Self::V) -> Self::V;

    /// The lesser, signed.
    fn min16(self, a: Self::V, b: Self::V) -> Self::V;

    /// The greater, signed.
    fn max16(self, a: Self::V, b: Self::V) -> Self::V;

    /// As [`IntLanes::wrap`].
    fn wrap16(self, v: Self::V, mask: Self::V, sign: Self::V) -> Self::V;

    /// `sum + x` where `a == b`, `sum` elsewhere.
    fn add_same16(self, sum: Self::V, x: Self::V, a: Self::V, b: Self::V) -> Self::V;
}

/// Lanes of 32 bits as registers, whose values are shifted up until the ends of their range are those of the lane.
pub(crate) trait RegisterLanes: IntLanes<Element = i32> {
    /// Whether [`Self::dot_saturating`] is one instruction.
    const DOTS_SATURATING: bool = false;

    /// `acc + Σ a[i] * b[i]` over the pairs of 16-bit integers of each word, or the nearest end of the lane's range. The sum
    /// of the two products is less than 2^31.
    #[inline(always)]
    fn dot_saturating(self, acc: Self::V, a: Self::V, b: Self::V) -> Self::V {
        let sum = self.dot(self.splat(0), a, b);
        self.each(acc, sum, |acc, sum| acc.saturating_add(sum))
    }

    /// `v * 2^bits`, modulo 2^32; `bits` is below 32.
    #[inline(always)]
    fn shift_left(self, v: Self::V, bits: u32) -> Self::V {
        self.each(v, v, |v, _| v << bits)
    }

    /// `v / 2^bits`, rounded down; `bits` is below 32.
    #[inline(always)]
    fn shift_right(self, v: Self::V, bits: u32) -> Self::V {
        self.each(v, v, |v, _| v >> bits)
    }

    /// `sum + x` where `a == b`, `sum` elsewhere.
    #[inline(always)]
    fn add_same(self, sum: Self::V, x: Self::V, a: Self::V, b: Self::V) -> Self::V {
        let same = self.each(a, b, |a, b| -i32::from(a == b));
        self.add(sum, self.each(same, x, |same, x| same & x))
    }

    /// Whether a half of a word of `a` is greater than that of `b`, signed.
    fn any_greater16(self, a: Self::V, b: Self::V) -> bool;

    /// `f` lane by lane.
    #[inline(always)]
    fn each(self, a: Self::V, b: Self::V, f: impl Fn(i32, i32) -> i32) -> Self::V {
        let [mut x, mut y] = [[0; 16]; 2];
        self.store(a, &mut x);
        self.store(b, &mut y);
        for (x, y) in x.iter_mut().zip(y) {
            *x = f(*x, y);
        }
        self.load(&x)
    }
}

/// What makes codes of whole numbers: bits of an `f32` in every lane.
#[derive(Clone, Copy)]
pub(crate) struct Linear<V> {
    pub(crate) factor: V,
    pub(crate) zero_point: V,
    pub(crate) low: V,
    pub(crate) high: V,
}

/// Adding and subtracting it rounds what is below `2^22` to a whole number, ties to even: the last place of the sum is 1.
pub(crate) const ROUNDING: f32 = 12_582_912.0;

/// Lanes of 32 bits whose operand words may also be four bytes, the earliest in the lowest place.
/// A lane takes four products at once.
pub(crate) trait ByteLanes: Int16Lanes + RegisterLanes {
    /// Whether [`Self::dot_bytes`] is one instruction.
    const DOTS_BYTES: bool;

    /// `acc + Σ a[i] * b[i]` over the four bytes of each word: those of `a` unsigned, those of `b` signed.
    fn dot_bytes(self, acc: Self::V, a: Self::V, b: Self::V) -> Self::V;

    /// Whether [`Self::dot_pairs`] is faster than [`Self::dot_bytes`].
    const DOTS_PAIRS: bool = false;

    /// `acc + Σ a[i] * b[i]` over the two bytes of each half of a word, as 16-bit integers: those of `a` unsigned, those of `b`
    /// signed. The sum of the two products is one of 16 bits, or else it may saturate.
    #[inline(always)]
    fn dot_pairs(self, acc: Self::V, a: Self::V, b: Self::V) -> Self::V {
        let [a, b] = [self.halves(a), self.low_and_high(b)];
        let unsigned = self.splat(both(0xff));
        let products = [self.mul16(a[0], b[0]), self.mul16(self.and(a[1], unsigned), b[1])];
        self.add16(acc, self.add16(products[0], products[1]))
    }

    /// Asks for the cache line `ahead` words behind the start of `words`, which may lie behind their end.
    #[inline(always)]
    fn prefetch(self, words: &[i32], ahead: usize) {
        prefetch(words.as_ptr().wrapping_add(ahead));
    }

    /// Whether [`Self::look_up`] takes less time than a load per code.
    const LOOKS_UP: bool = false;

    /// The high halves of 16 words each: those that `table`, 256 halves, has for the first, second and further quarter of
    /// the bytes of `codes`; the low halves are zero.
    fn look_up(self, table: &[i32; 128], codes: Self::V) -> [Self::V; 4] {
        let mut bytes = [0; 16];
        self.store(codes, &mut bytes);
        let halves: &[u16] = bytemuck::cast_slice(table);
        let mut words = [[0; 16]; 4];
        let places = words.as_flattened_mut().iter_mut();
        for (word, &byte) in places.zip(bytemuck::cast_slice::<i32, u8>(&bytes[..Self::N])) {
            *word = i32::from(halves[usize::from(byte)]) << 16;
        }
        let words = words.as_flattened();
        std::array::from_fn(|quarter| self.load(&words[quarter * Self::N..]))
    }

    /// `|x|` of every signed byte, as an unsigned one.
    fn magnitudes(self, a: Self::V) -> Self::V;

    /// `-|x|` of every signed byte, as a signed one.
    fn negative_magnitudes(self, b: Self::V) -> Self::V;

    /// Every signed byte, and 0 for those below it.
    fn positives(self, b: Self::V) -> Self::V;

    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;

    /// The bits that both have.
    fn and(self, a: Self::V, b: Self::V) -> Self::V;

    /// The bits that differ.
    fn xor(self, a: Self::V, b: Self::V) -> Self::V;

    /// `[l, h]` of the pairs of 16-bit integers `256 h + l`, where `l` is 0 to 255, as pairs too.
    fn halves(self, pairs: Self::V) -> [Self::V; 2];

    /// Whether a lane of `a` is greater than that of `b`, signed.
    fn any_greater(self, a: Self::V, b: Self::V) -> bool;

    /// `x = n * factor + zero_point` between `low` and `high`, which are below 2^22: in the low bytes that of the whole number
    /// next to it, ties to even, and how far that is from `x`, as the bits of an `f32`. Product and sum may be rounded once or
    /// each.
    #[inline(always)]
    fn nearest(self, n: Self::V, by: Linear<Self::V>) -> [Self::V; 2] {
        let array = |v| {
            let mut lanes = [0; 16];
            self.store(v, &mut lanes);
            lanes
        };
        let real = |v| array(v).map(|bits| f32::from_bits(bits.cast_unsigned()));
        let (n, factor, zero_point) = (array(n), real(by.factor), real(by.zero_point));
        let (low, high) = (real(by.low), real(by.high));
        let (mut codes, mut far) = ([0; 16], [0; 16]);
        for lane in 0..Self::N {
            let near = n[lane] as f32 * factor[lane] + zero_point[lane];
            let near = if near > low[lane] { near } else { low[lane] };
            let near = if near < high[lane] { near } else { high[lane] };
            let sum = near + ROUNDING;
            codes[lane] = sum.to_bits().cast_signed();
            far[lane] = (near - (sum - ROUNDING)).abs().to_bits().cast_signed();
        }
        [self.load(&codes), self.load(&far)]
    }

    /// The low byte of every lane, and zeros behind them.
    #[inline(always)]
    fn low_bytes(self, v: Self::V) -> [u8; 16] {
        let mut lanes = [0; 16];
        self.store(v, &mut lanes);
        lanes.map(|lane| lane as u8)
    }

    /// In lane `i` the bytes `i..i + 4`.
    #[inline(always)]
    fn neighbours(self, bytes: &[u8; 32]) -> Self::V {
        let mut words = [0; 16];
        for (i, word) in words[..Self::N].iter_mut().enumerate() {
            *word = i32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        }
        self.load(&words)
    }

    /// The greatest lane, signed.
    #[inline(always)]
    fn greatest(self, v: Self::V) -> i32 {
        let mut lanes = [i32::MIN; 16];
        self.store(v, &mut lanes);
        lanes.into_iter().fold(i32::MIN, i32::max)
    }
}
