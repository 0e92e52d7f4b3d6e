//! The registers of a stage that take turns; see [`Turn`](crate::accumulate::Turn).

/// All registers of a stage while the one whose turn it is lies elsewhere; none where the stage has but one.
#[derive(Clone, Debug)]
pub(crate) struct Turns<T> {
    registers: Vec<T>,
    turn: usize,
    /// The first product of the tile, once a step was made.
    first_k: Option<u64>,
}

impl<T: Clone> Turns<T> {
    /// `count` registers at `zero`, the first one at `start`.
    pub(crate) fn new(count: u32, zero: T, start: T) -> Self {
        let mut registers = vec![zero; if count > 1 { count as usize } else { 0 }];
        if let Some(first) = registers.first_mut() {
            *first = start;
        }
        Self { registers, turn: 0, first_k: None }
    }

    /// The register whose turn it is.
    pub(crate) fn turn(&self) -> u32 {
        self.turn as u32
    }

    /// Register 0, of which `current` is the value if it is its turn.
    pub(crate) fn first<'a>(&'a self, current: &'a T) -> &'a T {
        if self.turn == 0 { current } else { &self.registers[0] }
    }

    /// After a step whose first product is `k`: `current`, the register that took it, becomes the next one.
    pub(crate) fn pass(&mut self, current: &mut T, k: u64) {
        if self.registers.is_empty() {
            return;
        }
        self.first_k.get_or_insert(k);
        self.registers[self.turn].clone_from(current);
        self.turn = (self.turn + 1) % self.registers.len();
        current.clone_from(&self.registers[self.turn]);
    }

    /// At the end of a tile: its first product, and the registers after the first one, which `current` becomes; `None` where
    /// nothing is to be folded.
    pub(crate) fn fold(&mut self, current: &mut T) -> Option<(u64, usize)> {
        let first_k = self.first_k.take()?;
        self.turn = 0;
        current.clone_from(&self.registers[0]);
        Some((first_k, self.registers.len()))
    }

    /// As they were made, the first one at `start`.
    pub(crate) fn reset(&mut self, zero: T, start: T) {
        self.registers.fill(zero);
        self.restart(start);
        (self.turn, self.first_k) = (0, None);
    }

    /// Register 0 restarts at `zero`, as the one that was handed on.
    pub(crate) fn restart(&mut self, zero: T) {
        if let Some(first) = self.registers.first_mut() {
            *first = zero;
        }
    }

    /// What register `index` holds on its way into register 0; it restarts at `zero`.
    pub(crate) fn take(&mut self, index: usize, zero: T) -> T {
        std::mem::replace(&mut self.registers[index], zero)
    }
}
