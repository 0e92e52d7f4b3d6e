//! `Slice`.

use ndarray::{ArcArray, Axis, IxDyn, Slice as Range};

use crate::tensor::Tensor;

use super::set::attributes;
use super::shape::{axes, axis};
use super::typed::map_tensor;
use super::{AttributeSet, Attributes, Dim, Fact, Inputs, Known, OpError, Operator, Read};

attributes! {
    /// Entries from a start to an end along some axes, in steps; starts, ends, axes and steps are inputs.
    Slice {}
}

/// Entries along one axis: the first, how many, and the step.
#[derive(Clone, Copy)]
struct Cut {
    axis: usize,
    from: i64,
    count: usize,
    step: i64,
}

/// What is taken along an axis of this extent.
fn cut(axis: usize, size: usize, start: i64, end: i64, step: i64) -> Result<Cut, OpError> {
    let size = size as i64;
    let from_end = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (start, end) = (from_end(start), from_end(end));
    let (from, count) = match step {
        0 => return Err(OpError::Shape("a slice in steps of 0".into())),
        1.. => {
            let (start, end) = (start.clamp(0, size), end.clamp(0, size));
            (start, (end - start).max(0) as u64)
        }
        _ => {
            let (start, end) = (start.clamp(-1, size - 1), end.clamp(-1, size - 1));
            (start, (start - end).max(0) as u64)
        }
    };
    let count = count.div_ceil(step.unsigned_abs()) as usize;
    Ok(Cut { axis, from, count, step })
}

/// Starts, ends, axes and steps.
struct Plan {
    starts: Vec<i64>,
    ends: Vec<i64>,
    axes: Vec<usize>,
    steps: Vec<i64>,
}

impl Plan {
    fn new(
        rank: usize,
        starts: Vec<i64>,
        ends: Vec<i64>,
        over: Option<Vec<i64>>,
        steps: Option<Vec<i64>>,
    ) -> Result<Self, OpError> {
        let n = starts.len();
        let over = match over {
            Some(over) => axes(&over, rank)?,
            None => (0..n).map(|i| axis(i as i64, rank)).collect::<Result<_, _>>()?,
        };
        let steps = steps.unwrap_or_else(|| vec![1; n]);
        if ends.len() != n || over.len() != n || steps.len() != n {
            let lengths = [n, ends.len(), over.len(), steps.len()];
            let problem = format!("{lengths:?} starts, ends, axes and steps");
            return Err(OpError::Shape(problem));
        }
        Ok(Self { starts, ends, axes: over, steps })
    }

    fn cuts<'a>(
        &'a self,
        size: impl Fn(usize) -> Option<usize> + 'a,
    ) -> impl Iterator<Item = (usize, Option<Result<Cut, OpError>>)> + 'a {
        (0..self.starts.len()).map(move |i| {
            let at = self.axes[i];
            let cut = |size| cut(at, size, self.starts[i], self.ends[i], self.steps[i]);
            (at, size(at).map(cut))
        })
    }
}

fn sliced<T: Clone>(x: &ArcArray<T, IxDyn>, cuts: &[Cut]) -> ArcArray<T, IxDyn> {
    let mut view = x.view();
    for cut in cuts {
        let range = if cut.count == 0 {
            Range::new(0, Some(0), 1)
        } else if cut.step > 0 {
            let end = cut.from + (cut.count as i64 - 1) * cut.step + 1;
            Range::new(cut.from as isize, Some(end as isize), cut.step as isize)
        } else {
            // ndarray's negative steps begin at the end of the range.
            let low = cut.from + (cut.count as i64 - 1) * cut.step;
            Range::new(low as isize, Some(cut.from as isize + 1), cut.step as isize)
        };
        view.slice_axis_inplace(Axis(cut.axis), range);
    }
    view.as_standard_layout().into_owned().into_shared()
}

fn known(fact: Option<&Fact>) -> Option<Option<Vec<i64>>> {
    match fact {
        None => Some(None),
        Some(fact) => Some(Some(fact.tensor()?.integers().ok()?)),
    }
}

impl Operator for Slice {
    /// Until 9, all of them are attributes.
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        let mut read = Read::from(Self::from_attributes(attributes)?);
        if opset < 10 {
            for (place, name) in [(1, "starts"), (2, "ends"), (3, "axes")] {
                read = read.with(place, attributes.ints(name)?.map(Tensor::vector));
            }
        }
        Ok(read)
    }

    fn since(&self) -> i64 {
        10
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "data")?;
        let unknown = Fact {
            element: x.element,
            shape: x.rank().map(|rank| vec![Dim::Unknown; rank]),
            known: None,
        };
        let given = |place| known(inputs.optional(place));
        let (Some(shape), Some(Some(starts)), Some(Some(ends)), Some(over), Some(steps)) =
            (&x.shape, given(1), given(2), given(3), given(4))
        else {
            return Ok(vec![unknown]);
        };
        let plan = Plan::new(shape.len(), starts, ends, over, steps)?;
        let mut dims = shape.clone();
        for (i, (at, cut)) in plan.cuts(|at| shape[at].size()).enumerate() {
            let all = plan.starts[i] == 0 && plan.ends[i] >= i32::MAX as i64 && plan.steps[i] == 1;
            dims[at] = match cut {
                Some(cut) => Dim::Size(cut?.count),
                None if all => shape[at].clone(),
                None => Dim::Unknown,
            };
        }
        let list = x.dims().filter(|list| shape.len() == 1 && list.len() < 64);
        let known = match (list, plan.starts.as_slice()) {
            (Some(list), [start]) => {
                let cut = cut(0, list.len(), *start, plan.ends[0], plan.steps[0])?;
                let place = |i: usize| (cut.from + i as i64 * cut.step) as usize;
                let dims = (0..cut.count).filter_map(|i| list.get(place(i)).cloned());
                Some(Known::Dims(dims.collect()))
            }
            _ => None,
        };
        Ok(vec![Fact { element: x.element, shape: Some(dims), known }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "data")?;
        let list = |place, name| {
            inputs.integers(place, name)?.ok_or(OpError::Missing { index: place, name })
        };
        let (starts, ends) = (list(1, "starts")?, list(2, "ends")?);
        let (over, steps) = (inputs.integers(3, "axes")?, inputs.integers(4, "steps")?);
        let plan = Plan::new(x.shape().len(), starts, ends, over, steps)?;
        let cuts = plan.cuts(|at| Some(x.shape()[at])).filter_map(|(_, cut)| cut);
        let cuts: Vec<Cut> = cuts.collect::<Result<_, _>>()?;
        Ok(vec![map_tensor!(x, a => sliced(a, &cuts))])
    }
}
