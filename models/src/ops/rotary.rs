//! `RotaryEmbedding`.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::broadcast::expand;
use super::heads::HeadShape;
use super::parallel::rows_of;
use super::set::attributes;
use super::shape::broadcast;
use super::typed::{array, dense};
use super::{Fact, Inputs, OpError, Operator};

attributes! {
    /// Pairs of elements turned by the angle of their place: inputs X, cosines, sines, and places.
    RotaryEmbedding {
        /// Whether pairs are neighbours, and not half a head apart.
        "interleaved" interleaved: bool = false;
        /// Heads, for three axes.
        "num_heads" heads: usize = 0;
        /// Elements of a head that are turned; 0 for all.
        "rotary_embedding_dim" size: usize = 0;
    }
}

type Array = ArcArray<f32, IxDyn>;

impl RotaryEmbedding {
    /// Turns the elements of a tensor of this shape, which the first input stands for.
    pub(super) fn turn(
        &self,
        shape: &[usize],
        x: &mut [f32],
        inputs: Inputs<'_, Tensor>,
    ) -> Result<(), OpError> {
        let shape = HeadShape::of(shape, self.heads, "X")?;
        let size = shape.size;
        let turned = if self.size == 0 { size } else { self.size };
        let half = turned / 2;
        if turned > size || turned % 2 != 0 {
            return Err(OpError::Shape(format!("{turned} of {size} elements to turn")));
        }
        let (cos, sin) =
            (inputs.array::<f32>(1, "cos_cache")?, inputs.array::<f32>(2, "sin_cache")?);
        // One row of angles per place of each batch.
        let ids = inputs.integers(3, "position_ids")?;
        let rows = |cache: &Array, name: &str| -> Result<Vec<f32>, OpError> {
            let wrong = || OpError::Shape(format!("{name} of shape {:?}", cache.shape()));
            let data = dense(cache);
            match &ids {
                Some(ids) if ids.len() == shape.batch * shape.places && cache.ndim() == 2 => {
                    let &[count, width] = cache.shape() else { return Err(wrong()) };
                    if width != half {
                        return Err(wrong());
                    }
                    let mut all = Vec::with_capacity(ids.len() * half);
                    for &id in ids {
                        let at = super::gather::index(id, count)?;
                        all.extend_from_slice(&data[at * half..][..half]);
                    }
                    Ok(all)
                }
                Some(_) => Err(wrong()),
                None => {
                    let wanted = [shape.batch, shape.places, half];
                    if broadcast(cache.shape(), &wanted)? != wanted {
                        return Err(wrong());
                    }
                    Ok(dense(&expand(cache, &wanted)?).into_owned())
                }
            }
        };
        let (cos, sin) = (rows(cos, "cos_cache")?, rows(sin, "sin_cache")?);
        rows_of(x, size, |row, x| {
            let (batch, place) = shape.place(row);
            let at = (batch * shape.places + place) * half;
            let angles = cos[at..][..half].iter().zip(&sin[at..][..half]);
            if self.interleaved {
                for ([a, b], (cos, sin)) in x.as_chunks_mut::<2>().0.iter_mut().zip(angles) {
                    (*a, *b) = (cos * *a - sin * *b, sin * *a + cos * *b);
                }
            } else {
                let (first, second) = x[..turned].split_at_mut(half);
                for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(angles) {
                    (*a, *b) = (cos * *a - sin * *b, sin * *a + cos * *b);
                }
            }
        });
        Ok(())
    }
}

impl Operator for RotaryEmbedding {
    fn since(&self) -> i64 {
        23
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        Ok(vec![inputs.required(0, "X")?.clone().without_known()])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<f32>(0, "X")?;
        let mut out = dense(x).into_owned();
        self.turn(x.shape(), &mut out, inputs)?;
        Ok(vec![array(x.shape(), out)?.into()])
    }
}
