//! Products of bytes with all that a report says: the exact course of every tile first, then, where it leaves a register,
//! the real one.

use super::bounded::BroadcastCodes;
use super::bytes::{Detail, Job, Pass, Place, ROWS, VECTORS, narrow};
use super::exact::Output;
use super::lane_tally::{CountWidths, FindExtremes, LaneTally};
use super::profile::{Course, Panel, ProfileTile, Resolve, Wanted};
use super::tally::StageTally;
use super::tile::{Everything, Extremes};
use super::walk::{Columns, Evenly, Prefixes, Prepare, Turns, WalkTile};
use crate::simd::{ByteLanes, Lanes};

/// How the exact course of a tile is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// All of it is walked: where sums are short, bounds leave most of them open.
    Walk,
    /// Blocks are summed, and walked where their bounds leave open what is wanted.
    Bounds,
}

/// Sums of at most so many products are walked. Measured in `benches/products.rs`.
const WALKED: usize = 1024;

impl Method {
    fn of(k: usize) -> Self {
        if k <= WALKED { Self::Walk } else { Self::Bounds }
    }
}

/// The exact course of tiles.
struct Profile<L: Lanes> {
    method: Method,
    course: Course,
    pass: Pass<L, Extremes<L::V>>,
    columns: Columns,
    /// The panel of lanes that `columns` are of.
    panel: Option<usize>,
}

impl<L: ByteLanes> Profile<L> {
    /// The least and the greatest value that the outputs of a tile reach in a stage.
    fn reached(&self, stage: usize) -> [&[i32]; 2] {
        match (stage, &self.pass.result.traces[stage]) {
            (0, _) => self.course.reached(),
            (_, [min, max, _]) => [min, max],
        }
    }

    /// Walks a tile.
    fn walk<F: Prefixes<L>, T: Output>(
        &mut self,
        lanes: L,
        prefixes: F,
        job: &Job<'_, '_, T>,
        place: Place,
    ) {
        if self.panel != Some(place.panel) {
            let Panel { b, .. } = job.panel(Place { from: 0, ..place });
            lanes.vectorize(Prepare { lanes, prefixes, b, columns: &mut self.columns });
            self.panel = Some(place.panel);
        }
        lanes.vectorize(WalkTile::<L, F, ROWS, VECTORS> {
            lanes,
            prefixes,
            a: job.panel(place).a,
            columns: &self.columns,
            vector: place.from / L::N,
            course: &mut self.course,
            outer: &mut self.pass.outer,
            result: &mut self.pass.result,
        });
    }

    /// Finds the course of a tile: what its outputs reach, as far as their widths need it.
    fn run<S: BroadcastCodes<L>, T: Output>(
        &mut self,
        (lanes, codes): (L, S),
        job: &Job<'_, '_, T>,
        place: Place,
    ) {
        match (self.method, self.course.width()) {
            (Method::Walk, 1) if S::OFFSET == 0 => self.walk(lanes, Turns, job, place),
            (Method::Walk, 1) => self.walk(lanes, Evenly::<S, 4>(codes), job, place),
            (Method::Walk, 2) => self.walk(lanes, Evenly::<S, 2>(codes), job, place),
            (Method::Walk, _) => self.walk(lanes, Evenly::<S, 1>(codes), job, place),
            (Method::Bounds, _) => {
                lanes.vectorize(ProfileTile::<L, S, ROWS, VECTORS> {
                    lanes,
                    codes,
                    panel: job.panel(place),
                    course: &mut self.course,
                    outer: &mut self.pass.outer,
                    result: &mut self.pass.result,
                });
                self.resolve((lanes, codes), job, place, Wanted::Width);
            }
        }
    }

    /// Walks what is not known for certain of the outputs of a tile.
    fn resolve<S: BroadcastCodes<L>, T: Output>(
        &mut self,
        (lanes, codes): (L, S),
        job: &Job<'_, '_, T>,
        place: Place,
        wanted: Wanted,
    ) {
        let area = job.area::<L>(place);
        let panel = job.panel(place);
        for row in 0..area.rows {
            for col in 0..area.columns.div_ceil(L::N) {
                let panel = Panel {
                    a: &panel.a[row.min(panel.a.len())..],
                    b: &panel.b[(col * L::N).min(panel.b.len())..],
                };
                let vector = row * VECTORS + col;
                let course = &mut self.course;
                lanes.vectorize(Resolve { lanes, codes, panel, course, vector, wanted });
            }
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
        let k = self.guarded.operands.k;
        let mut tallies = vec![StageTally::default(); stages.len()];
        let mut in_lanes: Vec<_> = stages.iter().map(|_| LaneTally::new(lanes)).collect();
        let most = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(k.max(1));
        let (tile, width) = (stages[0].count.map_or(k.max(1), most), stages[0].width as usize);
        let exact: Vec<_> = stages.iter().map(|stage| stage.exact()).collect();
        let method = Method::of(k);
        let kept = if method == Method::Bounds { k } else { 0 };
        let mut profile = Profile {
            method,
            course: Course::new(ROWS * VECTORS * L::N, kept, tile, width),
            pass: Pass::new(lanes, &exact),
            columns: Columns::default(),
            panel: None,
        };
        let mut pass = Pass::<L, Everything<L::V>>::new(lanes, stages);
        let range = self.range();
        let narrowed = |(low, high): (i64, i64)| (narrow(low), narrow(high));
        let ranges: Vec<_> = stages.iter().map(|stage| narrowed(stage.range())).collect();
        for place in self.places::<L>() {
            profile.run((lanes, codes), &self, place);
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
            if method == Method::Bounds {
                let (low, high) = in_lanes[0].extremes(lanes);
                let wanted = Wanted::Extremes { low, high, range };
                profile.resolve((lanes, codes), &self, place, wanted);
                add_extremes(&mut in_lanes[..1], &profile);
            }
            if leave == 0 {
                self.write::<L>(place, &profile.pass.result.values);
                continue;
            }
            let (low, high) = in_lanes[0].extremes(lanes);
            let limits = (low.max(range.0), high.min(range.1));
            self.run_tile((lanes, codes), limits, place, &mut pass);
            self.write::<L>(place, &pass.result.values);
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
