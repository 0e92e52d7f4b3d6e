//! Accumulators as machines: a state that is stepped, product by product, as a simulated datapath steps its own.
//!
//! | machine | made by | takes |
//! |---|---|---|
//! | [`Machine`] | [`Accumulator::machine`](crate::accumulate::Accumulator::machine) | integers through integer and exact stages |
//! | [`FloatMachine`] | [`Accumulator::float_machine`](crate::accumulate::Accumulator::float_machine) | exact products through any stages |
//! | [`CodeMachine`] | [`Accumulator::machine_for`](crate::accumulate::Accumulator::machine_for) | codes of two formats, with or without block scales, through any stages |
//! | [`MachineArray`] | [`Accumulator::machine_array`](crate::accumulate::Accumulator::machine_array) | a `[rows, cols]` tile of integer machines that step together |
//!
//! Under all of them is one definition, [`Register::step`](crate::accumulate::Register::step) for integers and
//! [`Register::step_float`](crate::accumulate::Register::step_float) for everything. Pushing the products of an output in
//! ascending k and draining gives the value, the events and the report of [`reference::matmul`](crate::reference::matmul)
//! and [`reference::matmul_float`](crate::reference::matmul_float).
//!
//! **Registers that take turns.** A stage `register%L` deals its steps to L registers; the end of a tile, or `drain` in the last
//! stage, folds them into the first, L - 1 steps that come back like others. Until then `value` is the first register.
//!
//! **Pending inputs.** A `*width` stage waits until it has `width` inputs, and a stage behind a `/count` until it is handed
//! a tile. `value` is the last register after the last step that was completed: inputs that wait, and tiles that are not
//! full, are not in it. `stages` shows them. [`drain`](Machine::drain) closes them, innermost first, as the end of a product
//! does; a machine that is pushed again after it goes on from the last register's value.
//!
//! ```
//! use fewbit::Accumulator;
//! let acc: Accumulator = "int8-sat*2/4,int16-wrap".parse()?;
//! let mut mac = acc.machine()?;
//! assert!(mac.push_product(100).is_empty()); // waits for its partner
//! let step = mac.push_product(100)[0];
//! assert_eq!((step.exact, step.after, step.event), (200, 127, true));
//! assert_eq!(mac.value(), 0); // the tile of 4 is not full
//! let drained = mac.drain();
//! assert_eq!((drained.value, drained.traces[0].events), (127, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod array;
mod codes;
mod error;
mod float;
mod integer;
mod operand_format;
mod stage;

pub use array::MachineArray;
pub use codes::{CodeMachine, Steps};
pub use error::MachineError;
pub use float::{FloatMachine, FloatMachineStage, FloatStepRecord};
pub use integer::{Drained, Machine};
pub use operand_format::OperandFormat;
pub use stage::MachineStage;
