//! What `RNN`, `GRU` and `LSTM` have in common: directions, lengths, layout, activations, and the loop over steps.

use ndarray::{ArcArray, ArrayView2, ArrayViewMut2, IxDyn};

use crate::tensor::Tensor;

use super::functions::sigmoid;
use super::panels::{Panels, Right};
use super::product::product;
use super::set::{AttributeSet, AttributeValue, words};
use super::shape::elements;
use super::transpose::permuted;
use super::typed::{array, dense};
use super::unary::softplus;
use super::{Attributes, Dim, Fact, Inputs, OpError};

words! {
    /// The order in which a sequence is read.
    Direction {
        /// From its beginning.
        Forward = "forward";
        /// From its end.
        Reverse = "reverse";
        /// Both, side by side.
        Bidirectional = "bidirectional";
    }
    /// A function of a gate.
    Activation {
        /// tanh x.
        Tanh = "Tanh" | "tanh";
        /// 1 / (1 + e^-x).
        Sigmoid = "Sigmoid" | "sigmoid";
        /// max(0, x).
        Relu = "Relu" | "relu";
        /// x.
        Affine = "Affine" | "affine";
        /// max(0, min(1, 0.2 x + 0.5)).
        HardSigmoid = "HardSigmoid" | "hardsigmoid";
        /// ln(1 + e^x).
        Softplus = "Softplus" | "softplus";
        /// x / (1 + |x|).
        Softsign = "Softsign" | "softsign";
    }
}

impl Activation {
    /// Its value, with the default constants.
    pub(crate) fn of(self, x: f32) -> f32 {
        match self {
            Self::Tanh => x.tanh(),
            Self::Sigmoid => sigmoid(x),
            Self::Relu => x.max(0.0),
            Self::Affine => x,
            Self::HardSigmoid => (0.2 * x + 0.5).clamp(0.0, 1.0),
            Self::Softplus => softplus(x),
            Self::Softsign => x / (1.0 + x.abs()),
        }
    }
}

/// The attributes of all three.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recurrence {
    /// The order in which a sequence is read.
    pub direction: Direction,
    /// The size of the state; where it is not given, that of the weights.
    pub hidden: Option<usize>,
    /// Functions of the gates, for each direction; empty for those that the operator has of itself.
    pub activations: Vec<Activation>,
    /// What sums before the functions are clipped to; none for nothing.
    pub clip: Option<f32>,
    /// Whether the batch comes first (1), and not the sequence (0).
    pub layout: usize,
}

impl AttributeSet for Recurrence {
    fn from_attributes(attributes: &mut Attributes) -> Result<Self, OpError> {
        for name in ["activation_alpha", "activation_beta"] {
            if attributes.floats(name)?.is_some_and(|values| !values.is_empty()) {
                return Err(OpError::attribute(name, "constants of activations are not supported"));
            }
        }
        // Until 6, whether the whole sequence comes out; it always does.
        let _ = attributes.take("output_sequence");
        let names = attributes.texts("activations")?.unwrap_or_default();
        let parse = |name: &String| {
            name.parse().map_err(|problem: String| OpError::attribute("activations", problem))
        };
        let layout = usize::take(attributes, "layout")?.unwrap_or(0);
        if layout > 1 {
            return Err(OpError::attribute("layout", format!("{layout} is neither 0 nor 1")));
        }
        Ok(Self {
            direction: Direction::take(attributes, "direction")?.unwrap_or_default(),
            hidden: usize::take(attributes, "hidden_size")?,
            activations: names.iter().map(parse).collect::<Result<_, _>>()?,
            clip: attributes.float("clip")?,
            layout,
        })
    }

    fn put_attributes(&self, attributes: &mut Attributes) {
        use super::Attribute;
        if self.direction != Direction::Forward {
            attributes.insert("direction", Attribute::Text(self.direction.to_string()));
        }
        if let Some(hidden) = self.hidden {
            attributes.insert("hidden_size", Attribute::Int(hidden as i64));
        }
        if !self.activations.is_empty() {
            let names = self.activations.iter().map(Activation::to_string).collect();
            attributes.insert("activations", Attribute::Texts(names));
        }
        if let Some(clip) = self.clip {
            attributes.insert("clip", Attribute::Float(clip));
        }
        if self.layout == 1 {
            attributes.insert("layout", Attribute::Int(1));
        }
    }
}

/// Inputs of one direction, and what its steps need.
pub(crate) struct Pass<'a> {
    pub(crate) hidden: usize,
    pub(crate) activations: Vec<Activation>,
    pub(crate) clip: Option<f32>,
    /// Weights of the state, `[gates hidden, hidden]`.
    pub(crate) r: ArrayView2<'a, f32>,
    /// Biases of the state: `[gates hidden]`.
    pub(crate) state_bias: &'a [f32],
}

impl Pass<'_> {
    /// A function of a gate, of the sum within the clip.
    pub(crate) fn gate(&self, which: usize, x: f32) -> f32 {
        let x = match self.clip {
            Some(clip) if clip > 0.0 => x.clamp(-clip, clip),
            _ => x,
        };
        self.activations[which].of(x)
    }
}

/// States of a batch: `[batch, hidden]` each.
pub(crate) struct States {
    pub(crate) h: Vec<f32>,
    pub(crate) c: Vec<f32>,
}

/// A step of one direction: peepholes, the row of the batch, the gates' sums from the input, the products of the state with
/// the weights, and the states before, which become those after.
pub(crate) type Step<'a> =
    dyn Fn(&Pass<'_>, Option<&[f32]>, usize, &[f32], &[f32], &mut States) + 'a;

/// What an operator says of itself.
pub(crate) struct Kind<'a> {
    pub(crate) gates: usize,
    pub(crate) defaults: &'a [Activation],
    /// Whether biases of input and state are added together.
    pub(crate) joint_bias: bool,
    pub(crate) has_cell: bool,
}

/// Rows one behind the other.
fn matrix(data: &[f32], rows: usize, columns: usize) -> Result<ArrayView2<'_, f32>, OpError> {
    let view = ArrayView2::from_shape((rows, columns), data);
    view.map_err(|_| OpError::Shape("weights do not fill their shape".into()))
}

impl Recurrence {
    /// 1 or 2.
    fn directions(&self) -> usize {
        if self.direction == Direction::Bidirectional { 2 } else { 1 }
    }

    /// Types and shapes of the outputs: all states, the last ones, and the last cells.
    pub(crate) fn infer(
        &self,
        inputs: Inputs<'_, Fact>,
        has_cell: bool,
    ) -> Result<Vec<Fact>, OpError> {
        let (x, r) = (inputs.required(0, "X")?, inputs.required(2, "R")?);
        let hidden = match (self.hidden, r.shape.as_deref()) {
            (Some(hidden), _) => Dim::Size(hidden),
            (None, Some([.., hidden])) => hidden.clone(),
            _ => Dim::Unknown,
        };
        let directions = Dim::Size(self.directions());
        let fact = |shape| Fact { element: x.element, shape, known: None };
        let Some([a, b, _]) = x.shape.as_deref() else {
            let count = if has_cell { 3 } else { 2 };
            return Ok(vec![fact(None); count]);
        };
        let (all, last) = match self.layout {
            0 => (
                vec![a.clone(), directions.clone(), b.clone(), hidden.clone()],
                vec![directions, b.clone(), hidden],
            ),
            _ => (
                vec![a.clone(), b.clone(), directions.clone(), hidden.clone()],
                vec![a.clone(), directions, hidden],
            ),
        };
        let mut facts = vec![fact(Some(all)), fact(Some(last.clone()))];
        if has_cell {
            facts.push(fact(Some(last)));
        }
        Ok(facts)
    }

    /// All states, the last ones, and the last cells.
    pub(crate) fn run(
        &self,
        inputs: Inputs<'_, Tensor>,
        kind: &Kind<'_>,
        peepholes: Option<&[f32]>,
        step: &Step<'_>,
    ) -> Result<Vec<Tensor>, OpError> {
        let swap = |x: &ArcArray<f32, IxDyn>| -> Result<ArcArray<f32, IxDyn>, OpError> {
            match (self.layout, x.ndim()) {
                (1, 3) => permuted(x, &[1, 0, 2]),
                _ => Ok(x.clone()),
            }
        };
        let x = swap(inputs.array::<f32>(0, "X")?)?;
        let (w, r) = (inputs.array::<f32>(1, "W")?, inputs.array::<f32>(2, "R")?);
        let directions = self.directions();
        let (&[length, batch, width], &[_, _, hidden]) = (x.shape(), r.shape()) else {
            let (x, r) = (x.shape(), r.shape());
            return Err(OpError::Shape(format!("X of shape {x:?} with R of shape {r:?}")));
        };
        let rows = kind.gates * hidden;
        let expect = |name: &str, found: &[usize], expected: &[usize]| match found == expected {
            true => Ok(()),
            false => {
                Err(OpError::Shape(format!("{name} of shape {found:?}: expected {expected:?}")))
            }
        };
        expect("R", r.shape(), &[directions, rows, hidden])?;
        expect("W", w.shape(), &[directions, rows, width])?;
        if self.hidden.is_some_and(|given| given != hidden) {
            return Err(OpError::attribute("hidden_size", format!("R has {hidden}")));
        }
        let bias = match inputs.optional(3) {
            Some(_) => {
                let bias = inputs.array::<f32>(3, "B")?;
                expect("B", bias.shape(), &[directions, 2 * rows])?;
                dense(bias).into_owned()
            }
            None => vec![0.0; directions * 2 * rows],
        };
        let lengths: Vec<usize> = match inputs.integers(4, "sequence_lens")? {
            Some(given) => {
                let length_of = |&n: &i64| usize::try_from(n).ok().filter(|&n| n <= length);
                let lengths: Option<Vec<usize>> = given.iter().map(length_of).collect();
                let lengths = lengths.filter(|lengths| lengths.len() == batch);
                lengths.ok_or_else(|| OpError::Shape(format!("sequence_lens of {given:?}")))?
            }
            None => vec![length; batch],
        };
        let initial = |place: usize, name: &'static str| -> Result<Vec<f32>, OpError> {
            match inputs.optional(place) {
                Some(_) => {
                    let given = swap(inputs.array::<f32>(place, name)?)?;
                    expect(name, given.shape(), &[directions, batch, hidden])?;
                    Ok(dense(&given).into_owned())
                }
                None => Ok(vec![0.0; directions * batch * hidden]),
            }
        };
        let (first_h, first_c) = (
            initial(5, "initial_h")?,
            match kind.has_cell {
                true => initial(6, "initial_c")?,
                false => Vec::new(),
            },
        );
        let activations = match self.activations.len() {
            0 => kind.defaults.repeat(directions),
            n if n == kind.defaults.len() * directions => self.activations.clone(),
            n => {
                let problem = format!("{n} for {directions} directions");
                return Err(OpError::attribute("activations", problem));
            }
        };
        let size = batch * hidden;
        let mut all = vec![0.0f32; elements(&[length, directions, batch, hidden])?];
        let (mut last_h, mut last_c) = (Vec::new(), Vec::new());
        let (x, w, r) = (dense(&x), dense(w), dense(r));
        let input = matrix(&x[..], length * batch, width)?;
        for d in 0..directions {
            let w = matrix(&w[d * rows * width..][..rows * width], rows, width)?;
            let r = matrix(&r[d * rows * hidden..][..rows * hidden], rows, hidden)?;
            let (input_bias, state_bias) = bias[d * 2 * rows..][..2 * rows].split_at(rows);
            let sum = |g: usize| input_bias[g] + if kind.joint_bias { state_bias[g] } else { 0.0 };
            let row: Vec<f32> = (0..rows).map(sum).collect();
            let mut gates = row.repeat(length * batch);
            if let Ok(gates) = ArrayViewMut2::from_shape((length * batch, rows), &mut gates) {
                product(1.0, input, Right::Matrix(w.t()), 1.0, gates);
            }
            let count = kind.defaults.len();
            let pass = Pass {
                hidden,
                activations: activations[d * count..][..count].to_vec(),
                clip: self.clip,
                r,
                state_bias,
            };
            let peepholes = peepholes.map(|p| &p[d * 3 * hidden..][..3 * hidden]);
            let backward = self.direction == Direction::Reverse || d == 1;
            let mut states = States {
                h: first_h[d * size..][..size].to_vec(),
                c: match kind.has_cell {
                    true => first_c[d * size..][..size].to_vec(),
                    false => Vec::new(),
                },
            };
            let recurrence = Panels::of(pass.r.t());
            let mut products = vec![0.0f32; batch * rows];
            for t in 0..length {
                let products_view = ArrayViewMut2::from_shape((batch, rows), &mut products);
                if let (Ok(h), Ok(out)) = (matrix(&states.h, batch, hidden), products_view) {
                    product(1.0, h, Right::Panels(&recurrence), 0.0, out);
                }
                for n in (0..batch).filter(|&n| t < lengths[n]) {
                    // Backward, each sequence begins at its own end.
                    let at = if backward { lengths[n] - 1 - t } else { t };
                    let gates = &gates[(at * batch + n) * rows..][..rows];
                    step(&pass, peepholes, n, gates, &products[n * rows..][..rows], &mut states);
                    let h = &states.h[n * hidden..][..hidden];
                    all[((at * directions + d) * batch + n) * hidden..][..hidden]
                        .copy_from_slice(h);
                }
            }
            last_h.extend(states.h);
            last_c.extend(states.c);
        }
        let mut y = array(&[length, directions, batch, hidden], all)?;
        let mut last = vec![array(&[directions, batch, hidden], last_h)?];
        if kind.has_cell {
            last.push(array(&[directions, batch, hidden], last_c)?);
        }
        if self.layout == 1 {
            y = permuted(&y, &[2, 0, 1, 3])?;
            last = last.iter().map(|last| permuted(last, &[1, 0, 2])).collect::<Result<_, _>>()?;
        }
        Ok(std::iter::once(y).chain(last).map(Tensor::from).collect())
    }
}
