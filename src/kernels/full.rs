//! Products of bytes with all that a report says: the exact course of every tile first, then, where it leaves a register,
//! the real one.

use super::bounded::BroadcastCodes;
use super::bytes::{Detail, Job, Pass, Place, ROWS, VECTORS, narrow};
use super::lane_tally::{CountWidths, FindExtremes, LaneTally};
use super::plan::StagePlan;
use super::profile::{Course, Panel, ProfileTile, Resolve, Wanted};
use super::reach::Reach;
use super::sums::Output;
use super::tally::StageTally;
use super::tile::{Everything, Extremes};
use super::walk::{Columns, Evenly, Prefixes, Prepare, Turns, WalkTile};
use crate::simd::{ByteLanes, Lanes};

/// How the exact course of a tile is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// All of it is walked.
    Walk,
    /// Blocks are summed, and walked where their bounds leave open what is wanted.
    Bounds,
}

/// Sums of at most so many products are walked, as bounds leave most of them open. Measured in `benches/products.rs`.
const WALKED: usize = 1024;
/// Tiles that are walked without a look at their bounds, after one of which too much was walked vector by vector:
const UNSEEN: usize = 15;
/// one block in so many. All blocks of a tile at once are walked much faster.
const MOST: usize = 6;

/// The exact course of tiles.
struct Profile<L: Lanes> {
    method: Method,
    /// Tiles that are still to be walked.
    unseen: usize,
    course: Course,
    pass: Pass<L, Extremes<L::V>>,
    columns: Columns,
    /// The panel of lanes that `columns` are of.
    panel: Option<usize>,
}

impl<L: ByteLanes> Profile<L> {
    fn new(lanes: L, stages: &[StagePlan], k: usize) -> Self {
        let most = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(k.max(1));
        let (tile, width) = (stages[0].count.map_or(k.max(1), most), stages[0].width as usize);
        let exact: Vec<_> = stages.iter().map(|stage| stage.exact()).collect();
        let unseen = if k <= WALKED { usize::MAX } else { 0 };
        let kept = if k <= WALKED { 0 } else { k };
        Self {
            method: Method::Walk,
            unseen,
            course: Course::new(ROWS * VECTORS * L::N, kept, tile, width),
            pass: Pass::new(lanes, &exact),
            columns: Columns::default(),
            panel: None,
        }
    }

    /// The least and the greatest value that the outputs of a tile reach in a stage.
    fn reached(&self, stage: usize) -> [&[i32]; 2] {
        match (stage, &self.pass.result.traces[stage]) {
            (0, _) => self.course.reached(),
            (_, [min, max, _]) => [min, max],
        }
    }

    /// Finds out what is wanted of the tile at `place`: first the widths, and of the same tile then the extremes.
    fn find<S: BroadcastCodes<L>, T: Output>(
        &mut self,
        at: (L, S),
        job: &Job<'_, '_, T>,
        place: Place,
        wanted: Wanted,
    ) {
        match self.course.width() {
            1 if S::OFFSET == 0 => self.find_by(at, Turns, job, place, wanted),
            1 => self.find_by(at, Evenly::<S, 4>(at.1), job, place, wanted),
            2 => self.find_by(at, Evenly::<S, 2>(at.1), job, place, wanted),
            _ => self.find_by(at, Evenly::<S, 1>(at.1), job, place, wanted),
        }
    }

    fn find_by<S: BroadcastCodes<L>, F: Prefixes<L>, T: Output>(
        &mut self,
        (lanes, codes): (L, S),
        prefixes: F,
        job: &Job<'_, '_, T>,
        place: Place,
        wanted: Wanted,
    ) {
        let panel = job.panel(place);
        if let Wanted::Width = wanted {
            self.method = if self.unseen > 0 { Method::Walk } else { Method::Bounds };
            self.unseen = self.unseen.saturating_sub(1);
            match self.method {
                Method::Walk => {
                    if self.panel != Some(place.panel) {
                        let Panel { b, .. } = job.panel(Place { from: 0, ..place });
                        let columns = &mut self.columns;
                        lanes.vectorize(Prepare { lanes, prefixes, b, columns });
                        self.panel = Some(place.panel);
                    }
                    lanes.vectorize(WalkTile::<L, F, ROWS, VECTORS> {
                        lanes,
                        prefixes,
                        a: panel.a,
                        columns: &self.columns,
                        vector: place.from / L::N,
                        course: &mut self.course,
                        outer: &mut self.pass.outer,
                        result: &mut self.pass.result,
                    });
                }
                Method::Bounds => lanes.vectorize(ProfileTile::<L, S, ROWS, VECTORS> {
                    lanes,
                    codes,
                    panel,
                    course: &mut self.course,
                    outer: &mut self.pass.outer,
                    result: &mut self.pass.result,
                }),
            }
        }
        if self.method == Method::Walk {
            return;
        }
        let area = job.area::<L>(place);
        let vectors = area.columns.div_ceil(L::N);
        for row in 0..area.rows {
            for col in 0..vectors {
                let panel = Panel {
                    a: &panel.a[row.min(panel.a.len())..],
                    b: &panel.b[(col * L::N).min(panel.b.len())..],
                };
                let vector = row * VECTORS + col;
                let course = &mut self.course;
                lanes.vectorize(Resolve { lanes, codes, panel, course, vector, wanted });
            }
        }
        let (walked, blocks) = self.course.take_walked();
        if MOST * walked > blocks * area.rows * vectors {
            self.unseen = UNSEEN;
        }
    }
}

impl<T: Output> Job<'_, '_, T> {
    /// Values and everything else.
    pub(super) fn profiled<L: ByteLanes, S: BroadcastCodes<L>>(
        mut self,
        lanes: L,
        codes: S,
    ) -> Vec<StageTally> {
        let stages = self.guarded.stages;
        let mut tallies = vec![StageTally::default(); stages.len()];
        let mut in_lanes: Vec<_> = stages.iter().map(|_| LaneTally::new(lanes)).collect();
        let mut profile = Profile::new(lanes, stages, self.guarded.operands.k);
        let mut pass = Pass::<L, Everything<L::V>>::new(lanes, stages);
        let range = self.range();
        let narrowed = |(low, high): (i64, i64)| (narrow(low), narrow(high));
        let ranges: Vec<_> = stages.iter().map(|stage| narrowed(stage.range())).collect();
        for place in self.places::<L>() {
            profile.find((lanes, codes), &self, place, Wanted::Width);
            let area = self.area::<L>(place);
            let mut leave = 0;
            for (stage, tally) in in_lanes.iter_mut().enumerate() {
                let ([min, max], range) = (profile.reached(stage), ranges[stage]);
                leave |= lanes.vectorize(CountWidths { lanes, area, min, max, range, tally });
            }
            if self.guarded.detail == Detail::Widths {
                continue;
            }
            // Without overflow the exact course is the real one.
            let add_extremes = |tallies: &mut [LaneTally<L::V>], profile: &Profile<L>| {
                for (stage, tally) in tallies.iter_mut().enumerate() {
                    let [min, max] = profile.reached(stage);
                    let without = leave;
                    lanes.vectorize(FindExtremes { lanes, area, without, min, max, tally });
                }
            };
            add_extremes(&mut in_lanes, &profile);
            if profile.method == Method::Bounds {
                let (low, high) = in_lanes[0].extremes(lanes);
                let wanted = Wanted::Extremes { low, high, range };
                profile.find((lanes, codes), &self, place, wanted);
                add_extremes(&mut in_lanes[..1], &profile);
            }
            if leave == 0 {
                self.write(lanes, place, &profile.pass.result.values);
                continue;
            }
            let (low, high) = in_lanes[0].extremes(lanes);
            self.run_tile((lanes, codes), (low, high), place, Reach::default(), &mut pass);
            self.write(lanes, place, &pass.result.values);
            let traces = in_lanes.iter_mut().zip(&pass.result.traces);
            for ((in_lanes, [min, max, events]), tally) in traces.zip(&mut tallies) {
                let tally_of = FindExtremes { lanes, area, without: 0, min, max, tally: in_lanes };
                lanes.vectorize(tally_of);
                self.add_events::<L>(place, tally, events);
            }
        }
        for (in_lanes, tally) in in_lanes.iter().zip(&mut tallies) {
            in_lanes.finish(lanes, tally);
        }
        tallies
    }
}
