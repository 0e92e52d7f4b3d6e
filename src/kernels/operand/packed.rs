//! A right operand and all its packed forms; the one file that knows every packer.

use std::sync::{Arc, Mutex};

use ndarray::{Array2, ArrayView2};

use fewbit_formats::Format;

#[cfg(target_arch = "x86_64")]
use super::amx::AmxPanels;
use super::bytes::{ByteMatrix, Int16Codes};
use super::element::Operand;
use super::geometry::{PackedPair, Side};
use super::int8::{Int8Layout, Int8Panels, OutputOrder, pack_pair};
use super::int16::{self, Int16Panels};
use super::matrix::Matrix;
use super::panels::Panels;
use super::signed_sums::OutputSums;
use super::step_words::{StepLayout, pack_columns};
use super::ternary::TernaryPanels;
use crate::convert::{ConvertError, PackOrder, packed_len, unpack};

/// A right operand that is converted once and multiplied many times, such as a layer's weights.
///
/// The layouts that the kernels want are made at first use and kept.
#[derive(Debug)]
pub struct PackedMatrix {
    pub(crate) matrix: Matrix<'static>,
    step_words: Cache<StepLayout, Panels>,
    int16: Cache<Side, Int16Panels>,
    int8: Cache<Int8Layout, Int8Panels>,
    ternary: Cache<Side, TernaryPanels>,
    sums: Cache<usize, Vec<OutputSums>>,
    #[cfg(target_arch = "x86_64")]
    amx: Cache<(), AmxPanels>,
}

impl PackedMatrix {
    /// Takes over the values of `matrix`, `[K, N]`.
    pub fn new<T: Operand>(matrix: ArrayView2<'_, T>) -> Self {
        Self {
            matrix: Matrix::new(matrix).into_owned(),
            step_words: Cache::default(),
            int16: Cache::default(),
            int8: Cache::default(),
            ternary: Cache::default(),
            sums: Cache::default(),
            #[cfg(target_arch = "x86_64")]
            amx: Cache::default(),
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

    /// Its columns as words for stepped registers, packed now or before.
    pub(crate) fn step_words(&self, layout: StepLayout) -> Arc<Panels> {
        self.step_words.get(layout, || pack_columns(&self.matrix, layout))
    }
}

/// Two operands of bytes, the right one with its packed forms.
#[derive(Clone, Copy)]
pub(crate) struct ByteOperands<'a> {
    pub(crate) a: ByteMatrix<'a>,
    pub(crate) b: ByteMatrix<'a>,
    packed: &'a PackedMatrix,
}

impl<'a> ByteOperands<'a> {
    /// Both, where both are bytes.
    pub(crate) fn new(a: &'a Matrix<'_>, b: &'a PackedMatrix) -> Option<Self> {
        Some(Self { a: a.bytes()?, b: b.matrix.bytes()?, packed: b })
    }

    /// `(m, k, n)`
    pub(crate) fn dim(&self) -> (usize, usize, usize) {
        let ((m, k), n) = (self.a.dim(), self.b.dim().1);
        (m, k, n)
    }

    /// Both packed as int8 panels, k in tiles of `tile`; `order` is that of B's columns, where they are in lanes.
    pub(crate) fn int8(&self, tile: usize, order: OutputOrder) -> PackedPair<Int8Panels> {
        pack_pair(self.a, self.b, tile, order, |layout| self.int8_columns(layout))
    }

    /// B's columns as words of four bytes, packed now or before.
    pub(crate) fn int8_columns(&self, layout: Int8Layout) -> Arc<Int8Panels> {
        self.packed.int8.get(layout, || {
            let order = match layout.order {
                OutputOrder::Given => Vec::new(),
                OutputOrder::WorstCase { low, high } => {
                    let sums = self.column_sums(layout.tile);
                    let mut order: Vec<_> = (0..sums.len()).collect();
                    order.sort_by_key(|&column| sums[column].reach((low, high)));
                    order
                }
            };
            Int8Panels::pack(self.b, layout, order)
        })
    }

    /// B's columns as bits, packed now or before; its codes are -1, 0 and 1.
    pub(crate) fn ternary_columns(&self, side: Side) -> Arc<TernaryPanels> {
        self.packed.ternary.get(side, || TernaryPanels::pack(self.b, side))
    }

    /// B's columns as AMX tiles, packed now or before.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn amx_columns(&self) -> Arc<AmxPanels> {
        self.packed.amx.get((), || AmxPanels::pack(self.b))
    }

    /// The signed sums of B's columns, in tiles of `tile` rows, summed now or before.
    pub(crate) fn column_sums(&self, tile: usize) -> Arc<Vec<OutputSums>> {
        self.packed.sums.get(tile, || OutputSums::of_columns(self.b, tile))
    }
}

/// Two operands of 16-bit codes, the right one with its packed form.
#[derive(Clone, Copy)]
pub(crate) struct Int16Operands<'a> {
    a: Int16Codes<'a>,
    b: Int16Codes<'a>,
    packed: &'a PackedMatrix,
    /// The greatest magnitude of a product.
    pub(crate) product: u128,
}

impl<'a> Int16Operands<'a> {
    /// Both, where both are of 16 bits.
    pub(crate) fn new(a: &'a Matrix<'_>, b: &'a PackedMatrix) -> Option<Self> {
        let product = a.magnitude() * b.matrix.magnitude();
        Some(Self { a: a.int16()?, b: b.matrix.int16()?, packed: b, product })
    }

    /// Both, packed.
    pub(crate) fn pack(&self) -> PackedPair<Int16Panels> {
        let ((m, k), n) = (self.a.dim(), self.b.dim().1);
        let rows = |side| Int16Panels::pack(self.a.t(), side);
        let columns = |side| self.packed.int16.get(side, || Int16Panels::pack(self.b, side));
        PackedPair::new(int16::GEOMETRY.orientation(m, n), k, rows, columns)
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
