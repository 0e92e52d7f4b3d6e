//! What a product is asked for, what it gives, and why it cannot be computed.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::accumulate::{FirstEvent, Report};
use crate::reference::ReferenceError;
use crate::room::TooLarge;
use crate::simd::{Isa, IsaError};

/// How much a product reports; less costs less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReportLevel {
    /// Values alone.
    #[default]
    None,
    /// Per stage the events, the outputs that had any, and the first.
    Events,
    /// The whole [`Report`].
    Full,
}

/// How a product is computed; only the initial values change its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatmulOptions<'a> {
    /// What it reports.
    pub report: ReportLevel,
    /// The instruction set; the widest that the CPU has if not given.
    pub isa: Option<Isa>,
    /// What the last register of every output starts from, `[M, N]`; 0 if not given.
    pub init: Option<ArrayView2<'a, i64>>,
}

/// A product and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The last register of every output, `[M, N]`.
    pub values: Array2<i64>,
    /// The events of every stage, innermost first; from [`ReportLevel::Events`] on.
    pub events: Option<Vec<StageEvents>>,
    /// The report; at [`ReportLevel::Full`].
    pub report: Option<Report>,
    /// The instruction set that ran.
    pub isa: Isa,
    /// Wall-clock seconds of the product alone, without reading, checking and packing the operands.
    pub seconds: f64,
}

/// How a product came about whose values are the caller's.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductReport {
    /// As [`Product::events`].
    pub events: Option<Vec<StageEvents>>,
    /// As [`Product::report`].
    pub report: Option<Report>,
    /// As [`Product::isa`].
    pub isa: Isa,
    /// As [`Product::seconds`].
    pub seconds: f64,
}

/// The overflow events of one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEvents {
    /// As [`StageReport::events`](crate::accumulate::StageReport::events).
    pub events: u64,
    /// As [`StageReport::outputs`](crate::accumulate::StageReport::outputs).
    pub outputs: u64,
    /// As [`StageReport::first`](crate::accumulate::StageReport::first).
    pub first: Option<FirstEvent>,
}

impl StageEvents {
    /// Adds what other outputs had.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.outputs += other.outputs;
        self.first = FirstEvent::earlier(self.first, other.first);
    }
}

/// The widths that one stage needs, as [`StageReport::histogram`](crate::accumulate::StageReport::histogram).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageWidths {
    /// How many outputs need each two's complement width on the exact trajectory.
    pub histogram: BTreeMap<u32, u64>,
}

impl StageWidths {
    /// The width that every output fits; 1 where there is none.
    pub fn required_bits(&self) -> u32 {
        self.histogram.keys().next_back().copied().unwrap_or(1)
    }

    /// How many outputs overflow a register of `bits` bits that has no narrower one before it.
    ///
    /// ```
    /// # use fewbit::StageWidths;
    /// let widths = StageWidths { histogram: [(5, 10), (9, 2)].into() };
    /// assert_eq!([4, 5, 8, 9].map(|bits| widths.overflowing(bits)), [12, 2, 2, 0]);
    /// ```
    pub fn overflowing(&self, bits: u32) -> u64 {
        self.histogram.range(bits + 1..).map(|(_, outputs)| outputs).sum()
    }
}

/// What [`required_widths`](crate::required_widths) gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Widths {
    /// One entry per stage, innermost first.
    pub stages: Vec<StageWidths>,
    /// Wall-clock seconds, without reading, checking and packing the operands.
    pub seconds: f64,
}

/// Why a product cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MatmulError {
    /// Inner dimensions that differ.
    #[error("A is {m}x{ka} and B is {kb}x{n}: the columns of A must equal the rows of B")]
    Shape {
        /// Rows of A.
        m: usize,
        /// Columns of A.
        ka: usize,
        /// Rows of B.
        kb: usize,
        /// Columns of B.
        n: usize,
    },
    /// A float or aligned stage where integers are summed.
    #[error(
        "`{0}` has a floating-point stage: integers are summed through int<P>-wrap, int<P>-sat and exact stages"
    )]
    NotInteger(String),
    /// A result that int64 cannot hold.
    #[error(
        "output ({row}, {col}) is {value}, which int64 cannot hold; end the accumulator with a register of at most 64 bits"
    )]
    ExceedsI64 {
        /// Row of the output.
        row: usize,
        /// Column of the output.
        col: usize,
        /// Its value.
        value: i128,
    },
    /// An output that is asked for in so many bits and does not fit them.
    #[error("output ({row}, {col}) is {value}, which int{bits} cannot hold")]
    OutputOverflow {
        /// Row of the output.
        row: usize,
        /// Column of the output.
        col: usize,
        /// Its value.
        value: i64,
        /// The bits.
        bits: u32,
    },
    /// Memory for a result of another shape.
    #[error("the product is {m}x{n}, and there is room for {rows}x{cols}")]
    OutputShape {
        /// Rows of A.
        m: usize,
        /// Columns of B.
        n: usize,
        /// Rows of the memory.
        rows: usize,
        /// Columns of the memory.
        cols: usize,
    },
    /// Initial values of another shape, or that the last register cannot have.
    #[error(transparent)]
    InitialValue(#[from] ReferenceError),
    /// A result that cannot be held.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// An instruction set that cannot be used.
    #[error(transparent)]
    Isa(#[from] IsaError),
}
