//! Which elements of weights belong to which channel, as runs of neighbours.

use ndarray::ArrayD;

use crate::graph::{Product, ProductLayout};

use super::Source;

/// The channels of weights in row-major order: those of a row of the first axis as runs of elements of one channel, and what is
/// added to the channels of each row.
///
/// ```text
/// channel of element e of row r = rows[r] + (channel of the run that e lies in)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChannelRuns {
    rows: Vec<usize>,
    /// A channel and how many elements.
    runs: Vec<(usize, usize)>,
}

impl ChannelRuns {
    /// Those of rows whose channels are a number per row and one per column, of columns of so many elements.
    fn new(rows: Vec<usize>, columns: impl Iterator<Item = usize>, elements: usize) -> Self {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for channel in columns {
            match runs.last_mut() {
                Some((last, length)) if *last == channel => *length += elements,
                _ => runs.push((channel, elements)),
            }
        }
        Self { rows, runs }
    }

    /// The channels that a source makes, of weights of this shape.
    pub(super) fn of_source(source: &Source, shape: &[usize]) -> Self {
        match source {
            Source::Product(product) => Self::of_outputs(product, shape),
            // One number per channel, whatever the axes.
            Source::Factors(_) => Self::new(vec![0], 0..shape.iter().product(), 1),
        }
    }

    /// The output channels of a product.
    pub(super) fn of_outputs(product: &Product, shape: &[usize]) -> Self {
        let (first, second, elements) = extents(shape);
        match product.layout {
            ProductLayout::Conv | ProductLayout::Rows => {
                Self::new((0..first).collect(), std::iter::repeat_n(0, second), elements)
            }
            ProductLayout::Columns => Self::new(vec![0; first], 0..second, elements),
            // The channels of a group lie along axis 1, the groups along axis 0.
            ProductLayout::ConvTranspose => {
                let inputs = (first / product.groups.max(1)).max(1);
                let rows = (0..first).map(|row| row / inputs * second).collect();
                Self::new(rows, 0..second, elements)
            }
        }
    }

    /// The channels that a product takes, of so many: each as often as it has inputs for one.
    pub(super) fn of_inputs(product: &Product, shape: &[usize], channels: usize) -> Self {
        let (first, second, elements) = extents(shape);
        let repeat = (product.inputs(shape) / channels.max(1)).max(1);
        match product.layout {
            // The outputs of a group lie side by side along axis 0.
            ProductLayout::Conv => {
                let outputs = (first / product.groups.max(1)).max(1);
                let rows = (0..first).map(|row| row / outputs * second).collect();
                Self::new(rows, 0..second, elements)
            }
            ProductLayout::Rows => {
                Self::new(vec![0; first], (0..second).map(|at| at / repeat), elements)
            }
            ProductLayout::Columns | ProductLayout::ConvTranspose => {
                let rows = (0..first).map(|row| row / repeat).collect();
                Self::new(rows, std::iter::repeat_n(0, second), elements)
            }
        }
    }

    /// Calls `f` with each run of weights and its channel.
    pub(super) fn each(&self, w: &ArrayD<f32>, mut f: impl FnMut(usize, &[f32])) {
        let w = w.as_standard_layout();
        let mut rest = w.as_slice().unwrap_or_default();
        for row in &self.rows {
            for &(channel, length) in &self.runs {
                let (run, behind) = rest.split_at(length.min(rest.len()));
                f(row + channel, run);
                rest = behind;
            }
        }
    }

    /// Raises maxima to the magnitudes of weights.
    pub(super) fn maxima(&self, w: &ArrayD<f32>, maxima: &mut [f32]) {
        self.each(w, |channel, run| {
            let most = &mut maxima[channel];
            *most = run.iter().fold(*most, |most, w| most.max(w.abs()));
        });
    }

    /// Changes each weight by a function of it and its channel.
    pub(super) fn map(&self, w: &mut ArrayD<f32>, function: impl Fn(f32, usize) -> f32) {
        if !w.is_standard_layout() {
            *w = w.as_standard_layout().into_owned();
        }
        let mut rest = w.as_slice_mut().unwrap_or_default();
        for row in &self.rows {
            for &(channel, length) in &self.runs {
                let (run, behind) = rest.split_at_mut(length.min(rest.len()));
                run.iter_mut().for_each(|w| *w = function(*w, row + channel));
                rest = behind;
            }
        }
    }
}

/// Extents of the first two axes, and the elements of all behind them.
fn extents(shape: &[usize]) -> (usize, usize, usize) {
    (shape[0], shape[1], shape[2..].iter().product())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, products};
    use crate::ops::{Conv, ConvTranspose, Dim, Fact, Gemm};
    use crate::tensor::ElementType;
    use ndarray::{Dimension, IxDyn};

    /// A product with weights of this shape; `None` for a matrix product.
    fn product(shape: &[usize], groups: Option<usize>, transposed: bool) -> Product {
        let mut graph = Graph::new("one product");
        let inputs = match (transposed, groups) {
            (true, Some(_)) => shape[0],
            (_, Some(groups)) => shape[1] * groups,
            (true, None) => shape[0],
            (false, None) => shape[1],
        };
        let mut extents: Vec<Dim> = vec![Dim::Named("N".into()), inputs.into()];
        extents.extend(shape[2..].iter().map(|_| Dim::from(9)));
        let x = graph.add_input("x", Fact::new(ElementType::F32, extents));
        let w = graph.add_constant("w", ArrayD::<f32>::zeros(IxDyn(shape)));
        let y = match (transposed, groups) {
            (false, Some(groups)) => graph.add("p", Conv { groups, ..Conv::default() }, &[x, w]),
            (true, Some(groups)) => {
                graph.add("p", ConvTranspose { groups, ..ConvTranspose::default() }, &[x, w])
            }
            (transposed, None) => {
                graph.add("p", Gemm { transpose_b: !transposed, ..Gemm::default() }, &[x, w])
            }
        };
        graph.add_output(y);
        products(&graph).remove(0)
    }

    /// Channels of all elements, from their indices: the definition of each layout.
    #[test]
    fn runs_are_the_channels_of_the_indices() {
        for (shape, groups, transposed, channels) in [
            (vec![6, 4, 3, 3], Some(1), false, 4),
            (vec![6, 2, 1, 2], Some(3), false, 6),
            (vec![6, 1, 3, 3], Some(6), false, 6),
            (vec![6, 4, 2, 2], Some(1), true, 6),
            (vec![6, 2, 3, 1], Some(3), true, 6),
            (vec![5, 12], None, false, 4),
            (vec![12, 5], None, true, 4),
        ] {
            let product = product(&shape, groups, transposed);
            let groups = groups.unwrap_or(1);
            let all = ArrayD::from_shape_fn(IxDyn(&shape), |at| at);
            let repeat = if shape.len() == 2 { 3 } else { 1 };
            let outputs = all.map(|at| match (transposed, shape.len()) {
                (false, _) => at[0],
                (true, 2) => at[1],
                (true, _) => at[0] / (shape[0] / groups) * shape[1] + at[1],
            });
            let inputs = all.map(|at| match (transposed, shape.len()) {
                (false, 2) => at[1] / repeat,
                (true, _) => at[0] / repeat,
                (false, _) => at[0] / (shape[0] / groups) * shape[1] + at[1],
            });
            let numbers = ArrayD::from_shape_fn(IxDyn(&shape), |at| {
                let odd = (at[0] * 7 + at[1] * 5 + at.slice().iter().sum::<usize>()) % 11;
                odd as f32 - 5.0
            });
            for (runs, channels_of, count) in [
                (ChannelRuns::of_outputs(&product, &shape), &outputs, 12),
                (ChannelRuns::of_inputs(&product, &shape, channels), &inputs, channels),
            ] {
                let mut found = ArrayD::<f32>::zeros(IxDyn(&shape));
                runs.map(&mut found, |_, channel| channel as f32);
                assert_eq!(found, channels_of.map(|&channel| channel as f32), "{product:?}");
                let mut expected = vec![0f32; count];
                for (w, &channel) in numbers.iter().zip(channels_of) {
                    expected[channel] = expected[channel].max(w.abs());
                }
                let mut most = vec![0f32; count];
                runs.maxima(&numbers, &mut most);
                assert_eq!(most, expected, "{product:?}");
            }
        }
    }
}
