//! Beacon (Zhang and Saab, arXiv 2508.20293): the direction first, the scale follows.

use ndarray::{Array2, Axis, s};

use crate::algorithms::constraint::{Budget, Constraint};
use crate::algorithms::grid::Point;
use crate::algorithms::linalg::{gather, multiply, product};
use crate::algorithms::problem::Part;
use crate::algorithms::{AlgorithmError, Order, Problem, Solution};
use crate::tasks;

/// Rows of a parallel task.
const LANES: usize = 64;
/// Inputs between two matrix products.
const BLOCK: usize = 32;
/// What a new point must gain, relative to the score, to replace the one that is there: more than rounding errors.
const GAIN: f64 = 1e-12;

/// Parameters of [`beacon`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeaconParams {
    /// Rounds through all inputs after the first, greedy one; 4 to 6 in the paper. Fewer are made where one changes nothing.
    pub sweeps: usize,
    /// Which input comes first.
    pub order: Order,
}

impl Default for BeaconParams {
    fn default() -> Self {
        Self { sweeps: 6, order: Order::Natural }
    }
}

/// What [`beacon`] finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Beacon {
    /// Codes of the grid, and values with the scales found.
    pub solution: Solution,
    /// What the grid's scales are to be multiplied by, per row: [`Grid::rescaled`](crate::algorithms::Grid::rescaled).
    pub factor: Vec<f32>,
}

/// Beacon: per row the grid points whose output points most nearly in the wanted direction; the length is the scale's.
///
/// ```text
/// maximise cos(X w, X̃ q)          q_t among the grid's points
/// greedy:   for t = 1, 2, ...     q_t = argmax_p cos(sum_{j<=t} w_j X_j, sum_{j<t} q_j X̃_j + p X̃_t)
/// sweeps:   for t = 1, 2, ...     q_t = argmax_p cos(X w, sum_{j≠t} q_j X̃_j + p X̃_t)
/// values:   c q   with   c = <X w, X̃ q> / |X̃ q|²
/// ```
///
/// Along `p` the cosine is `(a + p r) / sqrt(b + 2 p h + p² H_tt)`, which rises up to one point and falls behind it, or
/// the other way round: the best grid point is a neighbour of that point, or an outermost one. Scalars from the Gram matrices
/// alone. Where every length gives the same cosine (the first input), the point nearest to `w_t` is taken, so the grid's
/// scales say how long the row is to be in units of the grid. A sweep never lowers the cosine. In f64.
///
/// A constraint limits the points; its soft threshold is not used, since points have no scale before the end.
/// `O(out in²)` per sweep.
///
/// # Errors
/// Shapes that do not fit, values that are not finite, a constraint on a grid without integers.
pub fn beacon(problem: &Problem<'_>, params: &BeaconParams) -> Result<Beacon, AlgorithmError> {
    let mut factor = vec![1.0; problem.weights.nrows()];
    let solution = problem.solve_in::<f64>(params.order, |part| {
        let search = Search::new(part);
        search.solve(params.sweeps, &mut factor[part.rows.clone()])
    })?;
    Ok(Beacon { solution, factor })
}

/// What all rows of a group have in common, in processing order.
struct Search<'a, 'b> {
    part: &'a Part<'b, f64>,
    h: Array2<f64>,
    /// G; `None` where it is H.
    g: Option<Array2<f64>>,
    /// `(w Gᵀ)_t`, `[step, row]`.
    wanted: Array2<f64>,
    /// `sum_{j<=t} G_tj w_j`, `[step, row]`.
    so_far: Array2<f64>,
}

/// The rows of one task; matrices are `[step, lane]`.
struct Lanes<'a, 'b> {
    search: &'a Search<'a, 'b>,
    /// Row of the group that lane 0 is.
    lane: usize,
    budget: Option<Box<dyn Budget>>,
    q: Array2<f64>,
    codes: Array2<u32>,
    levels: Array2<i64>,
    /// `H q`, of the inputs before the current one in the greedy round, of all in the others.
    hq: Array2<f64>,
    /// `Gᵀ q` of the inputs before the current one; empty where it would be `hq`.
    gq: Array2<f64>,
    /// `<X w, X̃ q>` and `|X̃ q|²`.
    a: Vec<f64>,
    b: Vec<f64>,
}

impl<'a, 'b> Search<'a, 'b> {
    fn new(part: &'a Part<'b, f64>) -> Self {
        let ordered =
            |m: &Array2<f64>| gather(m.view(), &part.order, &part.order, |_, _, x| x * part.scale);
        let h = ordered(&part.gram.h);
        let g = part.gram.g.as_ref().map(ordered);
        let cross = g.as_ref().unwrap_or(&h);
        let weights = part.float();
        let wanted = product(cross.view(), weights.t());
        let lower =
            Array2::from_shape_fn(cross.dim(), |(t, j)| if j <= t { cross[[t, j]] } else { 0.0 });
        let so_far = product(lower.view(), weights.t());
        Self { part, h, g, wanted, so_far }
    }

    fn solve(&self, sweeps: usize, factor: &mut [f32]) -> Result<Solution, AlgorithmError> {
        let dim = self.part.weights.dim();
        let mut rounded = Solution::zeros(dim);
        let codes = rounded.codes.axis_chunks_iter_mut(Axis(0), LANES);
        let values = rounded.values.axis_chunks_iter_mut(Axis(0), LANES);
        let rows = codes.zip(values).zip(factor.chunks_mut(LANES)).enumerate();
        tasks::try_for_each(rows, |(part, ((mut codes, mut values), factor))| {
            let mut lanes = Lanes::new(self, part * LANES, codes.nrows())?;
            lanes.greedy();
            for _ in 0..sweeps {
                if !lanes.sweep() {
                    break;
                }
            }
            lanes.measure();
            for (lane, factor) in factor.iter_mut().enumerate() {
                let scale = lanes.a[lane] / lanes.b[lane];
                // Nothing points anywhere, or the scale has no f32: the grid's own scale stays.
                *factor =
                    if scale > 0.0 && (scale as f32).is_normal() { scale as f32 } else { 1.0 };
                let row = self.part.rows.start + lanes.lane + lane;
                for (step, &col) in self.part.order.iter().enumerate() {
                    let code = lanes.codes[[step, lane]];
                    codes[[lane, col]] = code;
                    values[[lane, col]] = self.part.grid.dequantize_scaled(row, col, code, *factor);
                }
            }
            Ok::<(), AlgorithmError>(())
        })?;
        Ok(rounded)
    }
}

/// The cosine along one input: `(a + p r) / sqrt(b + 2 p h + p² hh)`, up to the length of the target.
#[derive(Clone, Copy)]
struct Line {
    a: f64,
    b: f64,
    r: f64,
    h: f64,
    hh: f64,
}

impl Line {
    /// The square of the cosine with its sign.
    fn score(&self, p: f64) -> f64 {
        let (a, b) = self.at(p);
        if b > 0.0 { a * a.abs() / b } else { 0.0 }
    }

    fn at(&self, p: f64) -> (f64, f64) {
        (self.a + p * self.r, self.b + p * (2.0 * self.h + p * self.hh))
    }

    /// Where the cosine is greatest, if that is not at infinity.
    fn peak(&self) -> Option<f64> {
        let slope = self.a * self.hh - self.r * self.h;
        let peak = (self.r * self.b - self.a * self.h) / slope;
        (slope > 0.0 && peak.is_finite()).then_some(peak)
    }
}

impl<'a, 'b> Lanes<'a, 'b> {
    fn new(search: &'a Search<'a, 'b>, lane: usize, lanes: usize) -> Result<Self, AlgorithmError> {
        let row = search.part.rows.start + lane;
        let weights = search.part.weights.slice(s![lane..lane + lanes, ..]);
        let open = |c: &dyn Constraint| c.budget(row..row + lanes, weights, search.part.grid);
        let budget = search.part.constraint.map(open).transpose()?;
        let dim = (search.h.nrows(), lanes);
        Ok(Self {
            search,
            lane,
            budget,
            q: Array2::zeros(dim),
            codes: Array2::zeros(dim),
            levels: Array2::zeros(dim),
            hq: Array2::zeros(dim),
            gq: Array2::zeros(if search.g.is_some() { dim } else { (0, lanes) }),
            a: vec![0.0; lanes],
            b: vec![0.0; lanes],
        })
    }

    fn greedy(&mut self) {
        let Search { h, g, part, .. } = self.search;
        for start in (0..h.nrows()).step_by(BLOCK) {
            let end = (start + BLOCK).min(h.nrows());
            for step in start..end {
                let weights = part.weights.column(part.order[step]);
                for lane in 0..self.q.ncols() {
                    let past = if g.is_some() { &self.gq } else { &self.hq };
                    self.a[lane] += f64::from(weights[self.lane + lane]) * past[[step, lane]];
                }
                let lines: Vec<Line> = (0..self.q.ncols())
                    .map(|lane| Line {
                        a: self.a[lane],
                        b: self.b[lane],
                        r: self.search.so_far[[step, self.lane + lane]],
                        h: self.hq[[step, lane]],
                        hh: h[[step, step]],
                    })
                    .collect();
                self.choose(step, &lines, |_| None);
                let q = self.q.row(step);
                for later in step + 1..end {
                    self.hq.row_mut(later).scaled_add(h[[later, step]], &q);
                    if let Some(g) = g {
                        self.gq.row_mut(later).scaled_add(g[[step, later]], &q);
                    }
                }
            }
            let block = self.q.slice(s![start..end, ..]);
            let across = h.slice(s![end.., start..end]);
            multiply(1.0, across, block, 1.0, self.hq.slice_mut(s![end.., ..]));
            if let Some(g) = g {
                let across = g.slice(s![start..end, end..]);
                multiply(1.0, across.t(), block, 1.0, self.gq.slice_mut(s![end.., ..]));
            }
        }
    }

    /// Computes `H q`, `a` and `b` afresh.
    fn measure(&mut self) {
        multiply(1.0, self.search.h.view(), self.q.view(), 0.0, self.hq.view_mut());
        self.a.fill(0.0);
        self.b.fill(0.0);
        let lanes = self.lane..self.lane + self.q.ncols();
        let wanted = self.search.wanted.slice(s![.., lanes]);
        for ((q, hq), wanted) in self.q.rows().into_iter().zip(self.hq.rows()).zip(wanted.rows()) {
            let products = q.iter().zip(hq).zip(wanted);
            for ((a, b), ((q, hq), wanted)) in self.a.iter_mut().zip(&mut self.b).zip(products) {
                *a += q * wanted;
                *b += q * hq;
            }
        }
    }

    /// One round through all inputs; whether anything changed.
    fn sweep(&mut self) -> bool {
        self.measure();
        let h = &self.search.h;
        let mut changed = false;
        for start in (0..h.nrows()).step_by(BLOCK) {
            let end = (start + BLOCK).min(h.nrows());
            let mut change = Array2::zeros((end - start, self.q.ncols()));
            for step in start..end {
                let hh = h[[step, step]];
                let lines: Vec<Line> = (0..self.q.ncols())
                    .map(|lane| {
                        let (q, r) =
                            (self.q[[step, lane]], self.search.wanted[[step, self.lane + lane]]);
                        let h = self.hq[[step, lane]] - hh * q;
                        let b = (self.b[lane] - q * (2.0 * h + q * hh)).max(0.0);
                        Line { a: self.a[lane] - q * r, b, r, h, hh }
                    })
                    .collect();
                let before = self.q.row(step).to_owned();
                if let Some(budget) = &mut self.budget {
                    budget.release(self.search.part.order[step], &self.levels.row(step).to_vec());
                }
                let (codes, levels) =
                    (self.codes.row(step).to_owned(), self.levels.row(step).to_owned());
                self.choose(step, &lines, |lane| {
                    Some(Point { code: codes[lane], value: before[lane], level: levels[lane] })
                });
                let delta = &self.q.row(step) - &before;
                changed |= delta.iter().any(|&d| d != 0.0);
                for other in start..end {
                    self.hq.row_mut(other).scaled_add(h[[other, step]], &delta);
                }
                change.row_mut(step - start).assign(&delta);
            }
            for rest in [s![..start, ..], s![end.., ..]] {
                let across = h.slice(rest);
                let across = across.slice(s![.., start..end]);
                multiply(1.0, across, change.view(), 1.0, self.hq.slice_mut(rest));
            }
        }
        changed
    }

    /// Chooses the points of one input, within the budget; `current` are points that only better ones replace.
    fn choose(
        &mut self,
        step: usize,
        lines: &[Line],
        current: impl Fn(usize) -> Option<Point<f64>>,
    ) {
        let (grid, col) = (self.search.part.grid, self.search.part.order[step]);
        let row = self.search.part.rows.start + self.lane;
        let limits: Option<Vec<(i64, i64)>> = self.budget.as_mut().map(|budget| {
            let limits = budget.limits(col);
            limits.low.iter().copied().zip(limits.high.iter().copied()).collect()
        });
        for (lane, line) in lines.iter().enumerate() {
            let levels = limits.as_ref().map(|limits| limits[lane]);
            let around = |p| grid.neighbours(row + lane, col, p, levels);
            let best = match (current(lane), line.b > 0.0) {
                (None, false) => {
                    // Every length has the same cosine: as if the scale were the right one.
                    let wanted = if line.hh > 0.0 { line.r / line.hh } else { 0.0 };
                    let [below, above] = around(wanted);
                    if wanted - below.value <= above.value - wanted { below } else { above }
                }
                // Nothing can be gained at a dead input: its weight is dropped.
                (None, true) if line.hh == 0.0 => around(0.0)[0],
                (current, _) => {
                    let [low, high] = match line.peak() {
                        Some(peak) => around(peak),
                        None => [around(f64::NEG_INFINITY)[0], around(f64::INFINITY)[1]],
                    };
                    let (from, to) = (line.score(low.value), line.score(high.value));
                    let (better, new) = if to > from { (high, to) } else { (low, from) };
                    let old = current.map(|current| line.score(current.value));
                    match (current, old) {
                        (Some(current), Some(old)) if new <= old + GAIN * old.abs() => current,
                        _ => better,
                    }
                }
            };
            self.set(step, lane, best, line);
        }
        if let Some(budget) = &mut self.budget {
            budget.commit(col, &self.levels.row(step).to_vec());
        }
    }

    fn set(&mut self, step: usize, lane: usize, point: Point<f64>, line: &Line) {
        self.q[[step, lane]] = point.value;
        self.codes[[step, lane]] = point.code;
        self.levels[[step, lane]] = point.level;
        (self.a[lane], self.b[lane]) = line.at(point.value);
    }
}
