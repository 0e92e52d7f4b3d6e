//! Integer operands and what the kernels keep of them.

use std::sync::{Arc, Mutex, OnceLock};

use ndarray::{Array2, ArrayView2, CowArray, Ix2};

use fewbit_formats::Format;

use super::certificate::Parts;
use super::pack::{Layout, Panels, Role};
use super::quads::{Order, QuadLayout, Quads};
use super::sums::bits::{Bits, Side};
#[cfg(target_arch = "x86_64")]
use super::sums::tiles::TileColumns;
use super::sums::words::Pairs;
use crate::convert::{ConvertError, PackOrder, packed_len, unpack};
use crate::simd::{Call, Isa, Lanes, Simd, Task, run};

mod sealed {
    use ndarray::ArrayView2;

    use super::Codes;

    pub trait Sealed: Sized {
        /// The view in the first storage type that holds all values of this one.
        fn codes(view: ArrayView2<'_, Self>) -> Codes<'_>;
    }
}

/// An integer type that a product takes: `i8 u8 i16 u16 i32 u32 i64`.
pub trait Operand: sealed::Sealed + Copy + Ord + Send + Sync + 'static {
    /// The same value.
    fn to_i64(self) -> i64;
}

macro_rules! operand {
    ($($int:ty => $codes:ident $(as $wider:ty)?),*) => {
        $(
            impl sealed::Sealed for $int {
                fn codes(view: ArrayView2<'_, Self>) -> Codes<'_> {
                    $(let view = view.mapv(<$wider>::from);)?
                    Codes::$codes(view.into())
                }
            }

            impl Operand for $int {
                #[inline(always)]
                fn to_i64(self) -> i64 {
                    self.into()
                }
            }
        )*
    };
}

operand!(
    i8 => I8, u8 => U8, i16 => I16, u16 => I32 as i32, i32 => I32, u32 => I64 as i64, i64 => I64
);

/// A matrix in a storage that the kernels work on.
#[derive(Clone, Debug)]
pub enum Codes<'a> {
    U8(CowArray<'a, u8, Ix2>),
    I8(CowArray<'a, i8, Ix2>),
    I16(CowArray<'a, i16, Ix2>),
    I32(CowArray<'a, i32, Ix2>),
    I64(CowArray<'a, i64, Ix2>),
}

/// `$body` with `$codes` bound to the array of whichever element.
macro_rules! any_codes {
    ($any:expr, $codes:ident => $body:expr) => {
        match $any {
            $crate::kernels::operand::Codes::U8($codes) => $body,
            $crate::kernels::operand::Codes::I8($codes) => $body,
            $crate::kernels::operand::Codes::I16($codes) => $body,
            $crate::kernels::operand::Codes::I32($codes) => $body,
            $crate::kernels::operand::Codes::I64($codes) => $body,
        }
    };
}
pub(super) use any_codes;

/// A matrix and the range of its values.
#[derive(Clone, Debug)]
pub(super) struct Matrix<'a> {
    pub(super) codes: Codes<'a>,
    range: OnceLock<(i64, i64)>,
}

impl<'a> Matrix<'a> {
    /// The values of `view` in the narrowest storage; borrowed where that is their own.
    pub(super) fn new<T: Operand>(view: ArrayView2<'a, T>) -> Self {
        let codes = T::codes(view);
        if matches!(codes, Codes::U8(_) | Codes::I8(_)) {
            // There is no narrower storage, so that nothing asks for the range yet.
            return Self { codes, range: OnceLock::new() };
        }
        let (min, max) = range_of(view);
        let within = |low: i64, high: i64| min >= low && max <= high;
        let codes = if within(0, u8::MAX.into()) {
            Codes::U8(view.mapv(|x| x.to_i64() as u8).into())
        } else if within(i8::MIN.into(), i8::MAX.into()) {
            Codes::I8(view.mapv(|x| x.to_i64() as i8).into())
        } else if matches!(codes, Codes::I16(_)) {
            codes
        } else if within(i16::MIN.into(), i16::MAX.into()) {
            Codes::I16(view.mapv(|x| x.to_i64() as i16).into())
        } else if matches!(codes, Codes::I32(_)) {
            codes
        } else if within(i32::MIN.into(), i32::MAX.into()) {
            Codes::I32(view.mapv(|x| x.to_i64() as i32).into())
        } else {
            codes
        };
        Self { codes, range: (min, max).into() }
    }

    /// The same values, owned.
    fn into_owned(self) -> Matrix<'static> {
        let codes = match self.codes {
            Codes::U8(codes) => Codes::U8(codes.into_owned().into()),
            Codes::I8(codes) => Codes::I8(codes.into_owned().into()),
            Codes::I16(codes) => Codes::I16(codes.into_owned().into()),
            Codes::I32(codes) => Codes::I32(codes.into_owned().into()),
            Codes::I64(codes) => Codes::I64(codes.into_owned().into()),
        };
        Matrix { codes, ..self }
    }
}

impl Matrix<'_> {
    pub(super) fn dim(&self) -> (usize, usize) {
        any_codes!(&self.codes, codes => codes.dim())
    }

    /// The same bytes, row by row in one piece; only the shape of other codes.
    pub(super) fn row_by_row(&self) -> Matrix<'static> {
        let codes = match &self.codes {
            Codes::U8(codes) => Codes::U8(codes.as_standard_layout().into_owned().into()),
            Codes::I8(codes) => Codes::I8(codes.as_standard_layout().into_owned().into()),
            _ => Codes::U8(Array2::zeros(self.dim()).into()),
        };
        Matrix { codes, range: self.range.clone() }
    }

    /// The least and the greatest value; looked for once.
    pub(super) fn range(&self) -> (i64, i64) {
        *self.range.get_or_init(|| any_codes!(&self.codes, codes => range_of(codes.view())))
    }

    /// The greatest magnitude.
    pub(super) fn magnitude(&self) -> u128 {
        magnitude(self.range())
    }

    /// What the range cannot exceed, known without a look at the values: bytes can be no more than that.
    pub(super) fn known_range(&self) -> (i64, i64) {
        match (&self.codes, self.range.get()) {
            (_, Some(&range)) => range,
            (Codes::U8(_), None) => (0, u8::MAX.into()),
            (Codes::I8(_), None) => (i8::MIN.into(), i8::MAX.into()),
            _ => self.range(),
        }
    }

    pub(super) fn is_bytes(&self) -> bool {
        matches!(self.codes, Codes::U8(_) | Codes::I8(_))
    }

    pub(super) fn fits_i8(&self) -> bool {
        match self.codes {
            Codes::I8(_) => true,
            Codes::U8(_) => self.range().1 <= i8::MAX.into(),
            _ => false,
        }
    }

    pub(super) fn fits_i16(&self) -> bool {
        self.is_bytes() || matches!(self.codes, Codes::I16(_))
    }

    pub(super) fn fits_i32(&self) -> bool {
        !matches!(self.codes, Codes::I64(_))
    }

    #[allow(clippy::useless_conversion, reason = "one of the types is i64 already")]
    pub(super) fn get(&self, row: usize, col: usize) -> i64 {
        any_codes!(&self.codes, codes => i64::from(codes[[row, col]]))
    }
}

/// The greatest magnitude in a range.
pub(super) fn magnitude((low, high): (i64, i64)) -> u128 {
    u128::from(low.unsigned_abs().max(high.unsigned_abs()))
}

/// The least and greatest value; (0, 0) of nothing.
fn range_of<T: Operand>(view: ArrayView2<'_, T>) -> (i64, i64) {
    let Some(&first) = view.first() else { return (0, 0) };
    let mut range = (first, first);
    let mut add = |values: &[T]| {
        // The best instruction set is there.
        if let Ok((low, high)) = run(Isa::best(), RangeOf { values, start: first }) {
            range = (range.0.min(low), range.1.max(high));
        }
    };
    if let Some(values) = view.as_slice_memory_order() {
        add(values);
    } else {
        for row in view.rows() {
            match row.as_slice() {
                Some(values) => add(values),
                None => row.iter().for_each(|&x| add(&[x])),
            }
        }
    }
    (range.0.to_i64(), range.1.to_i64())
}

/// Least and greatest of `values` and `start`, compiled for an instruction set.
struct RangeOf<'a, T> {
    values: &'a [T],
    start: T,
}

impl<T: Operand> Task for RangeOf<'_, T> {
    type Output = (T, T);

    fn run<S: Simd>(self, simd: S) -> (T, T) {
        simd.lanes32().vectorize(self)
    }
}

impl<T: Operand> Call for RangeOf<'_, T> {
    type Output = (T, T);

    #[inline(always)]
    fn call(self) -> (T, T) {
        let (mut low, mut high) = (self.start, self.start);
        for &x in self.values {
            low = low.min(x);
            high = high.max(x);
        }
        (low, high)
    }
}

/// A right operand that is converted once and multiplied many times, such as a layer's weights.
///
/// The layouts that the kernels want are made at first use and kept.
#[derive(Debug)]
pub struct PackedMatrix {
    pub(super) matrix: Matrix<'static>,
    panels: Cache<Layout, Panels>,
    quads: Cache<QuadLayout, Quads>,
    parts: Cache<usize, Vec<Parts>>,
    bits: Cache<Side, Bits>,
    pairs: Cache<Role, Pairs>,
    #[cfg(target_arch = "x86_64")]
    tiles: Cache<(), TileColumns>,
}

impl PackedMatrix {
    /// Takes over the values of `matrix`, `[K, N]`.
    pub fn new<T: Operand>(matrix: ArrayView2<'_, T>) -> Self {
        Self {
            matrix: Matrix::new(matrix).into_owned(),
            panels: Cache::default(),
            quads: Cache::default(),
            parts: Cache::default(),
            bits: Cache::default(),
            pairs: Cache::default(),
            #[cfg(target_arch = "x86_64")]
            tiles: Cache::default(),
        }
    }

    /// Takes over the codes of `format` that lie in `bytes` without gaps, as [`pack`](crate::convert::pack) leaves them:
    /// those of a `[K, N]` matrix, row by row. Two codes of `int4` share a byte.
    ///
    /// # Errors
    /// A format that is no integer of at most 8 bits; a number of bytes other than [`packed_len`](crate::convert::packed_len) of `K * N`
    /// codes.
    ///
    /// ```
    /// use fewbit::convert::PackOrder;
    /// use fewbit::{MatmulOptions, PackedMatrix, matmul_packed};
    /// use fewbit::formats::Format;
    /// use ndarray::array;
    /// // 7 and -8; -1 and 2
    /// let b = PackedMatrix::from_codes(&[0x87, 0x2f], Format::INT4, PackOrder::LowFirst, (2, 2))?;
    /// let product = matmul_packed(array![[1u8, 100]].view(), &b, &"exact".parse()?, &MatmulOptions::default())?;
    /// assert_eq!(product.values, array![[7 - 100, -8 + 200]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_codes(
        bytes: &[u8],
        format: Format,
        order: PackOrder,
        (k, n): (usize, usize),
    ) -> Result<Self, ConvertError> {
        let (Format::Int(int), bits) = (format, format.bits()) else {
            return Err(ConvertError::NotAnInteger { format: format.to_string() });
        };
        let places = k.saturating_mul(n);
        let (found, expected) = (bytes.len(), packed_len(places, bits));
        if found != expected {
            return Err(ConvertError::PackedLength { codes: places, bits, order, found, expected });
        }
        let mut codes = vec![0; places];
        unpack(bytes, bits, order, &mut codes)?;
        let at = |row: usize, col: usize| codes[row * n + col];
        Ok(if int.is_signed() {
            let unused = 8u32.saturating_sub(bits);
            let signed = |code: u8| (code << unused).cast_signed() >> unused;
            Self::new(Array2::from_shape_fn((k, n), |(row, col)| signed(at(row, col))).view())
        } else {
            Self::new(Array2::from_shape_fn((k, n), |(row, col)| at(row, col)).view())
        })
    }

    /// `[K, N]`.
    pub fn dim(&self) -> (usize, usize) {
        self.matrix.dim()
    }

    /// Its columns in `layout`, packed now or before.
    pub(super) fn panels(&self, layout: Layout) -> Arc<Panels> {
        self.panels.get(layout, || Panels::columns(&self.matrix, layout))
    }

    /// Its columns as words of bits, packed now or before; its codes are -1, 0 and 1.
    pub(super) fn bits(&self, side: Side) -> Arc<Bits> {
        self.bits.get(side, || Bits::columns(&self.matrix, side))
    }

    /// Its columns as words of two 16-bit codes, packed now or before.
    pub(super) fn pairs(&self, role: Role) -> Arc<Pairs> {
        self.pairs.get(role, || Pairs::columns(&self.matrix, role))
    }

    /// Its columns as tiles of bytes, packed now or before.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn tiles(&self) -> Arc<TileColumns> {
        self.tiles.get((), || TileColumns::new(&self.matrix))
    }

    /// Its columns as words of four bytes, packed now or before.
    pub(super) fn quads(&self, layout: QuadLayout) -> Arc<Quads> {
        self.quads.get(layout, || {
            let order = match layout.order {
                Order::Given => Vec::new(),
                Order::Reach { low, high } => {
                    let parts = self.parts(layout.tile);
                    let mut order: Vec<_> = (0..parts.len()).collect();
                    order.sort_by_key(|&column| parts[column].reach((low, high)));
                    order
                }
            };
            Quads::columns(&self.matrix, layout, order)
        })
    }

    /// The parts of its columns, in tiles of `tile` rows, summed now or before.
    pub(super) fn parts(&self, tile: usize) -> Arc<Vec<Parts>> {
        self.parts.get(tile, || Parts::of_columns(&self.matrix, tile))
    }
}

/// What was made once, by its key.
#[derive(Debug)]
struct Cache<K, V>(Mutex<Vec<(K, Arc<V>)>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq, V> Cache<K, V> {
    fn get(&self, key: K, make: impl FnOnce() -> V) -> Arc<V> {
        // A poisoned lock means a panic in another thread; what is in the list is whole nevertheless.
        let lock = || self.0.lock().unwrap_or_else(|poison| poison.into_inner());
        let known = |made: &[(K, Arc<V>)]| {
            made.iter().find(|(known, _)| *known == key).map(|(_, value)| Arc::clone(value))
        };
        if let Some(value) = known(&lock()) {
            return value;
        }
        // Made outside the lock: a thread that waits in a parallel packing may run another product of this operand.
        let value = Arc::new(make());
        let mut made = lock();
        known(&made).unwrap_or_else(|| {
            made.push((key, Arc::clone(&value)));
            value
        })
    }
}
