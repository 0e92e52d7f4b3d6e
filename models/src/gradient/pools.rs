//! Pools.

use crate::ops::pool::greatest_windows;
use crate::ops::shape::Odometer;
use crate::ops::typed::{array, dense};
use crate::ops::window::Slide;
use crate::ops::{AveragePool, MaxPool};

use super::call::{Call, Found};

/// Calls `f` for each window of a plane with its number and the places inside the input.
fn windows(slides: &[Slide], mut f: impl FnMut(usize, &[usize])) {
    let (shape, kernel): (Vec<_>, Vec<_>) = slides.iter().map(|s| (s.output, s.kernel)).unzip();
    let count: usize = shape.iter().product();
    let (mut window, mut places) = (Odometer::new(&shape), Vec::new());
    for index in 0..count {
        places.clear();
        let mut tap = Odometer::new(&kernel);
        loop {
            let at = slides.iter().zip(window.at.iter().zip(&tap.at));
            let place = at.clone().try_fold(0, |place, (slide, (&w, &t))| {
                Some(place * slide.input + slide.place(w, t)?)
            });
            places.extend(place);
            if !tap.step() {
                break;
            }
        }
        f(index, &places);
        window.step();
    }
}

/// The place of the greatest element, the first one of several.
fn first_greatest(x: &[f32], places: impl Iterator<Item = usize>) -> Option<usize> {
    places.reduce(|best, place| if x[place] > x[best] || x[place].is_nan() { place } else { best })
}

/// Gradients plane by plane: `f` adds those of a plane's outputs to its inputs.
fn planes(call: &Call<'_>, mut f: impl FnMut(&[f32], &[f32], &mut [f32])) -> Found {
    let (g, x) = (call.gradient()?, call.input(0)?);
    let count = x.shape().iter().take(2).product::<usize>().max(1);
    let (size, outputs) = ((x.len() / count).max(1), (g.len() / count).max(1));
    let (data, g) = (dense(x), dense(g));
    let mut by_x = vec![0.0; x.len()];
    let all = by_x.chunks_mut(size).zip(data.chunks(size)).zip(g.chunks(outputs));
    all.for_each(|((by_x, x), g)| f(x, g, by_x));
    Ok(vec![Some(array(x.shape(), by_x)?)])
}

/// To the greatest of each window.
pub(super) fn greatest(call: &Call<'_>, op: &MaxPool) -> Found {
    let slides = greatest_windows(op, call.input(0)?.shape())?;
    planes(call, |x, g, by_x| {
        windows(&slides, |index, places| {
            if let Some(place) = first_greatest(x, places.iter().copied()) {
                by_x[place] += g[index];
            }
        });
    })
}

/// To all of each window, in equal parts.
pub(super) fn mean(call: &Call<'_>, op: &AveragePool) -> Found {
    let (slides, counts) = op.windows(call.input(0)?.shape())?;
    planes(call, |_, g, by_x| {
        windows(&slides, |index, places| {
            let share = g[index] / counts[index] as f32;
            places.iter().for_each(|&place| by_x[place] += share);
        });
    })
}

pub(super) fn global_mean(call: &Call<'_>) -> Found {
    planes(call, |x, g, by_x| by_x.fill(g[0] / x.len() as f32))
}

pub(super) fn global_greatest(call: &Call<'_>) -> Found {
    planes(call, |x, g, by_x| {
        if let Some(place) = first_greatest(x, 0..x.len()) {
            by_x[place] = g[0];
        }
    })
}
