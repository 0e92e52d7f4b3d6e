//! Vectors for test benches: stimuli that are hard on arithmetic, and what must come out.
//!
//! A [`VectorPlan`] says what is computed (a [`VectorJob`]: an operation on codes, a quantization, a requantization, a product
//! through an accumulator), which stimuli are drawn, how many and from which seed. It is all that its rows depend on: the
//! header of a file has it ([`VectorPlan::entries`]), so that whoever reads the file can make the rows again and compare.
//!
//! | style | stimuli |
//! |---|---|
//! | `exhaustive` | every combination of codes, at most 2^22 |
//! | `edges` | the directed classes in turn: [`VectorClass`] |
//! | `random` | codes drawn uniformly; of groups, numbers within eight binades; of products, finite codes, scales around 1 |
//! | `mixed` | directed and random ones in turn |
//!
//! Expected results are those of the scalar reference and of [`machine`](crate::machine), whose steps it shares. Stimuli that
//! the formats cannot have, and those whose result a policy refuses, are counted ([`LeftOut`]) and others take their place.
//! Random numbers are Philox4x32-10, keyed by the seed and counted by the vector's index: the same on every machine.
//!
//! ```
//! use fewbit::formats::Format;
//! use fewbit::vectors::{
//!     Compared, ProductJob, ProductShape, VectorContent, VectorJob, VectorOp, VectorPlan, VectorSource,
//!     VectorStyle, VectorTable,
//! };
//! let shape = ProductShape { m: 1, k: 8, n: 1 };
//! let job = ProductJob::new(VectorOp::Dot, "int12-sat".parse()?, [Format::INT4.into(); 2], shape)?;
//! let plan = VectorPlan {
//!     job: VectorJob::Product(job),
//!     source: VectorSource::Drawn { style: VectorStyle::Random, count: 10 },
//!     seed: 1,
//!     content: VectorContent::Vectors,
//! };
//! let table = plan.generate()?.table;
//! // A bit of a result flips, and is found.
//! let mut words = table.words().to_vec();
//! words[16] ^= 4;
//! let flipped = VectorTable::from_words(plan.vector_fields(), words)?;
//! let found = flipped.compare(&plan.expected(&flipped)?, Compared::Everything, 10);
//! assert_eq!((found.words, found.mismatches[0].field.name.as_str()), (1, "result"));
//! assert!(plan.explain(&table, 0, 0).unwrap().contains("8 products through int12-sat"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod codes;
mod compare;
mod draw;
mod entries;
mod error;
mod explain;
mod field;
mod names;
mod plan;
mod policy_entries;
mod product;
mod product_stimuli;
mod quantize;
mod requantize;
mod scalar;
mod scalar_stimuli;
mod table;
mod trace;

pub use compare::{Compared, VectorComparison, VectorMismatch};
pub use error::VectorError;
pub use field::{FieldFormat, FieldRole, VectorField};
pub use names::{VectorClass, VectorContent, VectorOp, VectorStyle};
pub use plan::{Generated, LeftOut, VectorJob, VectorPlan, VectorSource};
pub use product::{ProductJob, ProductOperand, ProductShape};
pub use quantize::{QuantizeJob, QuantizeTarget};
pub use requantize::RequantizeJob;
pub use scalar::ScalarJob;
pub use table::VectorTable;
