//! The constants of channels, a column each, so that a vector of channels is a vector of each constant.

/// Elements that go through a loop together.
pub(super) const BLOCK: usize = 64;

/// Constants that a lane may have; each lane says what its own stand for.
pub(super) const FIELDS: usize = 8;

/// The constants of one channel.
pub(super) type Constants = [i64; FIELDS];

/// Constants for every element of a row.
///
/// A row has the channels once, or several times where they are few, so that most blocks are whole.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// One list per field, of [`Self::row`] constants and some more up to whole blocks; or of one for all.
    fields: [Vec<i64>; FIELDS],
    /// Elements of a row.
    row: usize,
}

/// Rows are at least as long, so that their last blocks, which are padded, take little.
const SHORTEST: usize = 4096;

/// Elements of a row of channels.
pub(super) fn row_of(channels: usize) -> usize {
    channels * SHORTEST.div_ceil(channels.max(1))
}

impl Columns {
    /// From the constants of each channel; `None` for one that is for all.
    pub(super) fn new(channels: Option<usize>, of: impl Fn(usize) -> Constants) -> Self {
        let row = match channels {
            None => SHORTEST,
            Some(channels) => row_of(channels),
        };
        let kept = if channels.is_some() { row.next_multiple_of(BLOCK) } else { 1 };
        let mut fields: [Vec<i64>; FIELDS] = Default::default();
        for field in &mut fields {
            field.reserve_exact(kept);
        }
        for index in 0..kept {
            let constants = of(index % channels.unwrap_or(1).max(1));
            for (field, constant) in fields.iter_mut().zip(constants) {
                field.push(constant);
            }
        }
        Self { fields, row }
    }

    /// Elements of a row.
    pub(super) fn row(&self) -> usize {
        self.row
    }

    /// The constants where they are for all.
    pub(super) fn uniform(&self) -> Option<Uniform> {
        match &self.fields[0][..] {
            [_] => Some(Uniform(std::array::from_fn(|field| self.fields[field][0]))),
            _ => None,
        }
    }

    /// Those of each channel, from the start of a row.
    pub(super) fn each(&self) -> Each<'_> {
        Each(std::array::from_fn(|field| &self.fields[field][..]))
    }
}

/// Constants of the elements of a row, block by block.
pub(super) trait Blocks: Copy {
    /// Those of one block.
    type Block: OfBlock;

    /// The block of a number, counted from the start of a row.
    fn block(self, number: usize) -> Self::Block;
}

/// Constants of the elements of a block.
pub(super) trait OfBlock: Copy {
    /// Those of an element.
    fn at(self, element: usize) -> Constants;
}

/// The same for all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uniform(Constants);

impl Blocks for Uniform {
    type Block = Self;

    #[inline(always)]
    fn block(self, _: usize) -> Self {
        self
    }
}

impl OfBlock for Uniform {
    #[inline(always)]
    fn at(self, _: usize) -> Constants {
        self.0
    }
}

/// Those of every element of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Each<'a>([&'a [i64]; FIELDS]);

/// Those of every element of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct EachOfBlock<'a>([&'a [i64; BLOCK]; FIELDS]);

impl<'a> Blocks for Each<'a> {
    type Block = EachOfBlock<'a>;

    #[inline(always)]
    fn block(self, number: usize) -> EachOfBlock<'a> {
        // Columns are whole blocks.
        EachOfBlock(self.0.map(|field| &field.as_chunks().0[number]))
    }
}

impl OfBlock for EachOfBlock<'_> {
    #[inline(always)]
    fn at(self, element: usize) -> Constants {
        self.0.map(|field| field[element])
    }
}
