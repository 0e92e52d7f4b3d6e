//! Arrays of machines that step together.

mod compiled;
mod lanes;

use lanes::Lanes;
use ndarray::{Array2, ArrayView2};

use super::integer::check_start;
use super::{Machine, MachineError};
use crate::accumulate::Accumulator;
use crate::room;

/// `[rows, cols]` integer machines that take a product each in every step: the tile of a systolic array.
///
/// Each is what a [`Machine`] of the same accumulator is, in value and events; the values before a step, the first event and
/// the extremes are those of a single machine's report, and not kept. Where the first stage takes one product per step in a
/// register of at most 30 bits, its registers stand side by side in lanes of vectors.
///
/// ```
/// use fewbit::Accumulator;
/// let acc: Accumulator = "int8-sat".parse()?;
/// let mut tile = acc.machine_array(2, 2)?;
/// tile.push_outer(&[10, -10], &[8, 9])?; // 80, 90; -80, -90
/// tile.push_outer(&[10, -10], &[8, 1])?; // 160 saturates to 127, 100; -160 to -128, -100
/// assert_eq!(tile.values(), ndarray::array![[127, 100], [-128, -100]]);
/// assert_eq!(tile.events(0), ndarray::array![[1, 0], [1, 0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MachineArray {
    rows: usize,
    cols: usize,
    acc: Accumulator,
    inner: Inner,
}

#[derive(Clone, Debug)]
enum Inner {
    /// First stages in lanes, and the machines of the stages behind them; none where there is one stage.
    Lanes(Lanes, Tiles, Vec<Machine>),
    Machines(Vec<Machine>),
}

/// How far the tiles of the first stage are; they are in step.
#[derive(Clone, Copy, Debug)]
struct Tiles {
    /// 0 where the stage never hands on.
    count: u64,
    taken: u64,
}

impl Accumulator {
    /// This accumulator as `rows x cols` machines of integers that step together, every register at 0.
    ///
    /// # Errors
    /// A stage that is not an integer or an exact one; more machines than memory can hold.
    pub fn machine_array(&self, rows: usize, cols: usize) -> Result<MachineArray, MachineError> {
        let machine = self.machine()?;
        // What a stage of a machine takes at most, in lanes (of which a row has at least a block) and beside them.
        room::check::<[u8; 1024]>(&[rows, cols, self.stages().len()])?;
        let first = &self.stages()[0];
        let inner = match (Lanes::new(first, (rows, cols)), &self.stages()[1..]) {
            (None, _) => Inner::Machines(vec![machine; rows * cols]),
            (Some(lanes), []) => Inner::Lanes(lanes, Tiles { count: 0, taken: 0 }, Vec::new()),
            (Some(lanes), outer) => {
                let tiles = Tiles { count: first.count.map_or(0, |n| n.get()), taken: 0 };
                let outer = Machine::of(outer);
                Inner::Lanes(lanes, tiles, vec![outer; rows * cols])
            }
        };
        Ok(MachineArray { rows, cols, acc: self.clone(), inner })
    }
}

impl MachineArray {
    /// Rows and columns.
    pub fn dim(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    /// One step: register `(i, j)` takes `column[i] * row[j]`, as where a column of A meets a row of B.
    ///
    /// # Errors
    /// Slices that are not as long as the array has rows and columns; nothing is taken.
    pub fn push_outer(&mut self, column: &[i32], row: &[i32]) -> Result<(), MachineError> {
        self.check("factors of rows", column.len(), self.rows)?;
        self.check("factors of columns", row.len(), self.cols)?;
        match &mut self.inner {
            Inner::Lanes(lanes, ..) => lanes.outer(column, row),
            Inner::Machines(machines) => {
                let factors = column.iter().flat_map(|&a| row.iter().map(move |&b| (a, b)));
                for (machine, (a, b)) in machines.iter_mut().zip(factors) {
                    machine.push_product(i64::from(a) * i64::from(b));
                }
            }
        }
        self.stepped();
        Ok(())
    }

    /// One step: each register takes its own product; `products` is row-major.
    ///
    /// # Errors
    /// Another number of products than the array has registers; nothing is taken.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// let mut tile = "int8-wrap/2,int16-sat".parse::<Accumulator>()?.machine_array(1, 2)?;
    /// tile.push_products(&[100, 3])?;
    /// tile.push_products(&[100, 4])?; // 200 wraps to -56; the tiles of 2 are handed on
    /// assert_eq!(tile.values(), ndarray::array![[-56, 7]]);
    /// assert_eq!(tile.events(0), ndarray::array![[1, 0]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push_products(&mut self, products: &[i64]) -> Result<(), MachineError> {
        // The array was made, so this does not overflow.
        self.check("products", products.len(), self.rows * self.cols)?;
        match &mut self.inner {
            Inner::Lanes(lanes, ..) => lanes.products(products),
            Inner::Machines(machines) => {
                for (machine, &product) in machines.iter_mut().zip(products) {
                    machine.push_product(product);
                }
            }
        }
        self.stepped();
        Ok(())
    }

    /// Closes groups and tiles that are not full, in every machine: the outputs.
    pub fn drain(&mut self) -> Array2<i128> {
        if let Inner::Lanes(_, Tiles { taken: 1.., .. }, _) = self.inner {
            self.hand_on();
        }
        let (Inner::Lanes(_, _, machines) | Inner::Machines(machines)) = &mut self.inner;
        for machine in machines {
            machine.drain();
        }
        self.values()
    }

    /// The last register of every machine after its last completed step.
    pub fn values(&self) -> Array2<i128> {
        Array2::from_shape_fn((self.rows, self.cols), |place| self.value(place))
    }

    /// The last register of the machine of a row and a column.
    ///
    /// # Panics
    /// Where there is no such machine.
    pub fn value(&self, (row, col): (usize, usize)) -> i128 {
        let index = self.index((row, col));
        match &self.inner {
            Inner::Lanes(lanes, _, outer) => match outer.get(index) {
                None => lanes.value(row, col).into(),
                Some(machine) => machine.value(),
            },
            Inner::Machines(machines) => machines[index].value(),
        }
    }

    /// The events of stage `stage` of every machine since the last reset; 0 for a stage that the accumulator lacks.
    pub fn events(&self, stage: usize) -> Array2<u64> {
        Array2::from_shape_fn((self.rows, self.cols), |place| self.events_at(stage, place))
    }

    /// The events of stage `stage` of the machine of a row and a column, as [`Self::events`].
    ///
    /// # Panics
    /// Where there is no such machine.
    pub fn events_at(&self, stage: usize, (row, col): (usize, usize)) -> u64 {
        let of = |machine: &Machine, stage: usize| {
            machine.traces().get(stage).map_or(0, |trace| trace.events)
        };
        let index = self.index((row, col));
        match &self.inner {
            Inner::Machines(machines) => of(&machines[index], stage),
            Inner::Lanes(lanes, _, outer) => match stage.checked_sub(1) {
                None => lanes.events(row, col),
                Some(stage) => outer.get(index).map_or(0, |machine| of(machine, stage)),
            },
        }
    }

    /// The place of a machine among all.
    fn index(&self, (row, col): (usize, usize)) -> usize {
        assert!(row < self.rows && col < self.cols, "machine ({row}, {col}) is not in the array");
        row * self.cols + col
    }

    /// Forgets everything; the last registers start at `starts`, `[rows, cols]`, or at 0.
    ///
    /// # Errors
    /// Starting values of another shape, or outside the last register's range; the array stays as it is.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// use ndarray::array;
    /// let mut tile = "int8-sat".parse::<Accumulator>()?.machine_array(1, 2)?;
    /// tile.reset(Some(array![[120, -1]].view()))?;
    /// tile.push_outer(&[10], &[1, 1])?;
    /// assert_eq!(tile.values(), array![[127, 9]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(&mut self, starts: Option<ArrayView2<'_, i64>>) -> Result<(), MachineError> {
        if let Some(starts) = starts {
            self.check("starting values", starts.len(), self.rows * self.cols)?;
            self.check("rows of starting values", starts.nrows(), self.rows)?;
            if let Some(last) = self.acc.stages().last() {
                starts.iter().try_for_each(|&x| check_start(last.register, x.into()))?;
            }
        }
        let start = |index: usize| {
            starts.map_or(0, |starts| starts[[index / self.cols, index % self.cols]])
        };
        let (Inner::Lanes(_, _, machines) | Inner::Machines(machines)) = &mut self.inner;
        let lanes_alone = machines.is_empty();
        for (index, machine) in machines.iter_mut().enumerate() {
            machine.reset(start(index))?;
        }
        if let Inner::Lanes(lanes, tiles, _) = &mut self.inner {
            tiles.taken = 0;
            lanes.forget();
            if lanes_alone {
                for index in 0..self.rows * self.cols {
                    // In the range of the register, which lanes hold.
                    lanes.set(index / self.cols, index % self.cols, start(index) as i32);
                }
            }
        }
        Ok(())
    }

    /// After a step of the lanes: tiles that are full go to the stages behind.
    fn stepped(&mut self) {
        if let Inner::Lanes(_, tiles, _) = &mut self.inner {
            tiles.taken += 1;
            if tiles.taken == tiles.count {
                self.hand_on();
            }
        }
    }

    fn hand_on(&mut self) {
        if let Inner::Lanes(lanes, tiles @ Tiles { count: 1.., .. }, outer) = &mut self.inner {
            tiles.taken = 0;
            for (index, machine) in outer.iter_mut().enumerate() {
                machine.push_product(lanes.value(index / self.cols, index % self.cols));
            }
            lanes.restart();
        }
    }

    fn check(&self, what: &'static str, found: usize, expected: usize) -> Result<(), MachineError> {
        if found == expected {
            return Ok(());
        }
        let Self { rows, cols, .. } = *self;
        Err(MachineError::Inputs { what, found, rows, cols, expected })
    }
}
