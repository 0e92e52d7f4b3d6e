//! The walk over units of work: words are filled where they change, and some channels are computed at once.

use std::ops::Range;

use super::fill::Scratch;
use super::prepared::WeightBlocks;
use super::source::Filler;

/// Output channels, and the units of work that they are: some of a group's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channels {
    pub(super) per_group: usize,
    pub(super) groups: usize,
    /// Channels of a unit at most.
    pub(super) part: usize,
}

impl Channels {
    /// Units of a group.
    fn parts(&self) -> usize {
        self.per_group.div_ceil(self.part.max(1)).max(1)
    }

    /// Units of an image.
    pub(super) fn units(&self) -> usize {
        self.groups * self.parts()
    }

    /// Image, group, and first channel in the group, of a unit.
    fn unit(&self, unit: usize) -> (usize, usize, usize) {
        let (group, part) = (unit / self.parts(), unit % self.parts());
        (group / self.groups, group % self.groups, part * self.part)
    }

    /// What follows these image, group, and channel.
    fn next(&self, (image, group, first): (usize, usize, usize)) -> (usize, usize, usize) {
        if first + self.part < self.per_group {
            (image, group, first + self.part)
        } else if group + 1 < self.groups {
            (image, group + 1, 0)
        } else {
            (image + 1, 0, 0)
        }
    }

    /// How many channels of all images lie before a unit.
    pub(super) fn plane(&self, unit: usize) -> usize {
        let (image, group, first) = self.unit(unit);
        (image * self.groups + group) * self.per_group + first
    }
}

/// Channels of an image and a group that are the rows of a tile.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) image: usize,
    pub(super) group: usize,
    /// The first channel in the group, among all of an image, and among all of all images.
    pub(super) o: usize,
    pub(super) channel: usize,
    pub(super) plane: usize,
    /// How many of the rows are channels.
    pub(super) here: usize,
    /// Where the words of the group start.
    pub(super) words: usize,
    pub(super) weights: &'a [i32],
}

/// Units in their order.
pub(super) struct Walk<'a> {
    pub(super) channels: Channels,
    /// Words of a group.
    pub(super) len: usize,
    pub(super) filler: &'a Filler<'a>,
    pub(super) weights: &'a WeightBlocks,
    pub(super) units: Range<usize>,
    /// Words behind those of all groups.
    pub(super) behind: usize,
}

impl<'a> Walk<'a> {
    /// Gives `body` words and up to `most` blocks of `R` rows, in ascending order, that meet them, and memory to fill more.
    pub(super) fn run<const R: usize>(
        self,
        most: usize,
        mut body: impl FnMut(&[i32], &mut Scratch, &[Block<'a>]),
    ) {
        let Self { channels, filler, weights, .. } = self;
        let mut words = filler.memory(self.behind);
        let (mut scratch, mut filled) = (Scratch::default(), (usize::MAX, 0..0));
        let mut blocks = Vec::with_capacity(most);
        let mut place = channels.unit(self.units.start);
        for _ in self.units {
            let (image, group, first) = place;
            place = channels.next(place);
            if filled.0 != image || !filled.1.contains(&group) {
                if !blocks.is_empty() {
                    body(&words, &mut scratch, &blocks);
                    blocks.clear();
                }
                filled = (image, filler.bundle(group));
                filler.fill(image, filled.1.clone(), &mut words, &mut scratch);
            }
            let end = (first + channels.part).min(channels.per_group);
            for o in (first..end).step_by(R) {
                let channel = group * channels.per_group + o;
                blocks.push(Block {
                    image,
                    group,
                    o,
                    channel,
                    plane: image * channels.groups * channels.per_group + channel,
                    here: R.min(end - o),
                    words: (group - filled.1.start) * self.len,
                    weights: weights.from(group, o),
                });
                if blocks.len() == most {
                    body(&words, &mut scratch, &blocks);
                    blocks.clear();
                }
            }
        }
        if !blocks.is_empty() {
            body(&words, &mut scratch, &blocks);
        }
    }
}
