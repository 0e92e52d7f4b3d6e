//! `Einsum`: a sum over all subscripts, term by term.

use std::collections::BTreeMap;

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::binary::Number;
use super::set::attributes;
use super::shape::{Odometer, elements, strides};
use super::typed::{array, dense, same_number};
use super::{Fact, Inputs, OpError, Operator};

attributes! {
    /// Products of elements with the same subscripts, summed over those that the output has not.
    Einsum {
        /// Subscripts of the inputs, separated by commas, and after `->` those of the output.
        "equation" equation: String = String::new();
    }
}

/// A subscript: a letter, or an axis that the dots stand for, counted from the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subscript {
    Dots(usize),
    Letter(char),
}

/// The subscripts of a term of so many axes.
fn subscripts(term: &str, dots: usize) -> Result<Vec<Subscript>, OpError> {
    let wrong = || OpError::attribute("equation", format!("`{term}` are no subscripts"));
    let mut all = Vec::new();
    let mut rest = term;
    while let Some(next) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("...") {
            all.extend((0..dots).rev().map(Subscript::Dots));
            rest = after;
        } else if next.is_ascii_alphabetic() {
            all.push(Subscript::Letter(next));
            rest = &rest[1..];
        } else {
            return Err(wrong());
        }
    }
    Ok(all)
}

/// What is summed: extents of all subscripts, the terms' subscripts, the output's.
struct Plan {
    extents: BTreeMap<Subscript, usize>,
    terms: Vec<Vec<Subscript>>,
    output: Vec<Subscript>,
}

impl Einsum {
    fn plan(&self, shapes: &[&[usize]]) -> Result<Plan, OpError> {
        let equation: String = self.equation.chars().filter(|c| !c.is_whitespace()).collect();
        let (left, right) = match equation.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (&equation[..], None),
        };
        let texts: Vec<&str> = left.split(',').collect();
        if texts.len() != shapes.len() {
            let (n, m) = (texts.len(), shapes.len());
            return Err(OpError::attribute("equation", format!("{n} terms for {m} inputs")));
        }
        let mut extents = BTreeMap::new();
        let mut terms = Vec::new();
        let mut most_dots = 0;
        for (text, shape) in texts.iter().zip(shapes) {
            let letters = text.chars().filter(char::is_ascii_alphabetic).count();
            let dots = if text.contains("...") { shape.len().saturating_sub(letters) } else { 0 };
            most_dots = most_dots.max(dots);
            let term = subscripts(text, dots)?;
            if term.len() != shape.len() {
                let found = shape.len();
                let problem = format!("`{text}` for an input of {found} axes");
                return Err(OpError::attribute("equation", problem));
            }
            for (&subscript, &size) in term.iter().zip(*shape) {
                let extent = extents.entry(subscript).or_insert(size);
                match (*extent, size) {
                    (a, b) if a == b || b == 1 => {}
                    (1, b) => *extent = b,
                    (a, b) => {
                        return Err(OpError::Shape(format!(
                            "extents {a} and {b} of one subscript"
                        )));
                    }
                }
            }
            terms.push(term);
        }
        let output = match right {
            Some(right) => subscripts(right, most_dots)?,
            None => {
                let uses =
                    |s: &Subscript| terms.iter().flatten().filter(|other| *other == s).count();
                let dots = (0..most_dots).rev().map(Subscript::Dots);
                let once = extents.keys().copied();
                dots.chain(once.filter(|s| matches!(s, Subscript::Letter(_)) && uses(s) == 1))
                    .collect()
            }
        };
        if let Some(unknown) = output.iter().find(|s| !extents.contains_key(s)) {
            let problem = format!("the output has {unknown:?}, and no input does");
            return Err(OpError::attribute("equation", problem));
        }
        Ok(Plan { extents, terms, output })
    }
}

fn einsum<T: Number>(
    arrays: &[&ArcArray<T, IxDyn>],
    plan: &Plan,
) -> Result<ArcArray<T, IxDyn>, OpError> {
    let summed = plan.extents.keys().copied().filter(|s| !plan.output.contains(s));
    let order: Vec<Subscript> = plan.output.iter().copied().chain(summed).collect();
    let sizes: Vec<usize> = order.iter().map(|s| plan.extents[s]).collect();
    let (shape, inner) = sizes.split_at(plan.output.len());
    let count = elements(shape)?;
    let terms = elements(inner)?;
    elements(&sizes)?;
    // Steps of each input along each subscript; 0 where it has none or an extent of 1.
    let steps: Vec<Vec<usize>> = arrays
        .iter()
        .zip(&plan.terms)
        .map(|(array, term)| {
            let own = strides(array.shape());
            let along = |s: &Subscript| {
                let places = term.iter().enumerate().filter(|(_, other)| *other == s);
                places.filter(|(at, _)| array.shape()[*at] != 1).map(|(at, _)| own[at]).sum()
            };
            order.iter().map(along).collect()
        })
        .collect();
    let data: Vec<_> = arrays.iter().map(|array| dense(array)).collect();
    let mut out = vec![T::default(); count];
    if terms > 0 && count > 0 {
        super::parallel::rows(&mut out, 1, terms, |at, out| {
            let place = Odometer::starting(shape, at).at;
            let starts: Vec<usize> = steps
                .iter()
                .map(|steps| place.iter().zip(steps).map(|(&at, &step)| at * step).sum())
                .collect();
            let mut term = Odometer::new(inner);
            let mut sum = T::default();
            loop {
                let factor = |i: usize| {
                    let steps = &steps[i][shape.len()..];
                    let at: usize = term.at.iter().zip(steps).map(|(&at, &step)| at * step).sum();
                    data[i][starts[i] + at]
                };
                let mut product = factor(0);
                for i in 1..data.len() {
                    product = Number::mul(product, factor(i));
                }
                sum = Number::add(sum, product);
                if !term.step() {
                    break;
                }
            }
            out[0] = sum;
        });
    }
    array(shape, out)
}

impl Operator for Einsum {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let element = inputs.required(0, "Inputs")?.element;
        let sizes: Option<Vec<Vec<usize>>> = inputs.iter().map(|fact| fact?.sizes()).collect();
        let shape = match sizes {
            Some(sizes) => {
                let shapes: Vec<&[usize]> = sizes.iter().map(Vec::as_slice).collect();
                let plan = self.plan(&shapes)?;
                Some(plan.output.iter().map(|s| plan.extents[s].into()).collect())
            }
            None => None,
        };
        Ok(vec![Fact { element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let all: Vec<&Tensor> = inputs.iter().flatten().collect();
        let shapes: Vec<&[usize]> = all.iter().map(|tensor| tensor.shape()).collect();
        let plan = self.plan(&shapes)?;
        Ok(vec![same_number!("Einsum", &all, a => einsum(&a, &plan)?)])
    }
}
