//! `Resize` and `Upsample`: axis by axis, each output a weighted sum of some inputs along the axis.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::{ElementType, Tensor};

use super::parallel::rows;
use super::set::{attributes, words};
use super::shape::{around, axes, elements};
use super::typed::{array, dense, map_tensor};
use super::{AttributeSet, Attributes, Dim, Fact, Inputs, OpError, Operator, Read};

words! {
    /// What lies between elements.
    ResizeMode {
        /// The nearest one.
        Nearest = "nearest";
        /// A line from one to the next.
        Linear = "linear" | "bilinear";
        /// A cubic through two on each side.
        Cubic = "cubic";
    }
    /// Where an output lies in the input.
    Coordinates {
        /// Elements are squares; their centers are mapped.
        HalfPixel = "half_pixel";
        /// The same, with the middle of the output in the middle of the input.
        HalfPixelSymmetric = "half_pixel_symmetric";
        /// The same, but an extent of 1 lies at 0.
        PytorchHalfPixel = "pytorch_half_pixel";
        /// The first and last element of both lie on each other.
        AlignCorners = "align_corners";
        /// The first elements lie on each other.
        Asymmetric = "asymmetric";
        /// Within the region of interest.
        CropAndResize = "tf_crop_and_resize";
    }
    /// Which of two elements is the nearest.
    NearestMode {
        /// The one below, if both are.
        PreferFloor = "round_prefer_floor";
        /// The one above, if both are.
        PreferCeil = "round_prefer_ceil";
        /// The one below.
        Floor = "floor";
        /// The one above.
        Ceil = "ceil";
    }
    /// What sizes do to the ratio of the axes.
    AspectRatio {
        /// They are taken as they are.
        Stretch = "stretch";
        /// No axis becomes larger than its size.
        NotLarger = "not_larger";
        /// No axis becomes smaller than its size.
        NotSmaller = "not_smaller";
    }
}

attributes! {
    /// Other extents: inputs X, region of interest, scales, sizes.
    Resize {
        /// What lies between elements.
        "mode" mode: ResizeMode = ResizeMode::Nearest;
        /// Where an output lies in the input.
        "coordinate_transformation_mode" coordinates: Coordinates = Coordinates::HalfPixel;
        /// Which of two elements is the nearest.
        "nearest_mode" nearest: NearestMode = NearestMode::PreferFloor;
        /// Whether windows grow with the factor where the output is smaller.
        "antialias" antialias: bool = false;
        /// The axes that are resized; empty for all.
        "axes" axes: Vec<i64> = Vec::new();
        /// The coefficient of the cubic.
        "cubic_coeff_a" cubic: f32 = -0.75;
        /// Whether weights outside the input are left out.
        "exclude_outside" exclude_outside: bool = false;
        /// What lies outside the region of interest.
        "extrapolation_value" outside: f32 = 0.0;
        /// What sizes do to the ratio of the axes.
        "keep_aspect_ratio_policy" ratio: AspectRatio = AspectRatio::Stretch;
    }
    /// Greater extents: inputs X and scales. Operator sets up to 9.
    Upsample {
        /// What lies between elements.
        "mode" mode: ResizeMode = ResizeMode::Nearest;
    }
}

/// An axis that is resized.
struct Line {
    size: usize,
    to: usize,
    scale: f64,
    roi: (f64, f64),
}

/// The inputs that an output takes, with their weights; none outside the region of interest.
type Taps = Option<Vec<(usize, f32)>>;

impl Resize {
    /// The place of an output in the input.
    fn place(&self, line: &Line, at: usize) -> f64 {
        let (x, scale) = (at as f64, line.scale);
        let (from, to) = (line.size as f64, line.to as f64);
        match self.coordinates {
            Coordinates::HalfPixel => (x + 0.5) / scale - 0.5,
            Coordinates::HalfPixelSymmetric => {
                let adjusted = to / (scale * from);
                let offset = from / 2.0 * (1.0 - adjusted);
                offset + (x + 0.5) / scale - 0.5
            }
            Coordinates::PytorchHalfPixel => {
                if line.to > 1 {
                    (x + 0.5) / scale - 0.5
                } else {
                    0.0
                }
            }
            Coordinates::AlignCorners => {
                if line.to > 1 {
                    x * (from - 1.0) / (to - 1.0)
                } else {
                    0.0
                }
            }
            Coordinates::Asymmetric => x / scale,
            Coordinates::CropAndResize => {
                let (start, end) = line.roi;
                if line.to > 1 {
                    start * (from - 1.0) + x * (end - start) * (from - 1.0) / (to - 1.0)
                } else {
                    0.5 * (start + end) * (from - 1.0)
                }
            }
        }
    }

    fn taps(&self, line: &Line, at: usize) -> Taps {
        let place = self.place(line, at);
        let last = line.size as f64 - 1.0;
        if self.coordinates == Coordinates::CropAndResize && (place < 0.0 || place > last) {
            return None;
        }
        let inside = |at: f64| at.clamp(0.0, last) as usize;
        if self.mode == ResizeMode::Nearest {
            let nearest = match self.nearest {
                NearestMode::PreferFloor if place == place.floor() + 0.5 => place.floor(),
                NearestMode::PreferFloor | NearestMode::PreferCeil => (place + 0.5).floor(),
                NearestMode::Floor => place.floor(),
                NearestMode::Ceil => place.ceil(),
            };
            return Some(vec![(inside(nearest), 1.0)]);
        }
        let cubic = self.mode == ResizeMode::Cubic;
        let stretch = if self.antialias { line.scale.min(1.0) } else { 1.0 };
        let reach = if cubic { 2.0 } else { 1.0 } / stretch;
        let place = if cubic || stretch < 1.0 { place } else { place.clamp(0.0, last.max(0.0)) };
        let (first, end) = ((place - reach).floor() as i64 + 1, (place + reach).ceil() as i64);
        let weight = |at: i64| {
            let x = ((place - at as f64) * stretch).abs();
            let a = f64::from(self.cubic);
            match x {
                x if !cubic => (1.0 - x).max(0.0),
                x if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
                x if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
                _ => 0.0,
            }
        };
        let places = (first..end).map(|at| (at, weight(at)));
        let outside = |at: i64| at < 0 || at as f64 > last;
        let mut taps: Vec<(i64, f64)> =
            places.filter(|&(at, _)| !(self.exclude_outside && outside(at))).collect();
        let sum: f64 = taps.iter().map(|tap| tap.1).sum();
        if self.antialias || self.exclude_outside {
            taps.iter_mut().for_each(|tap| tap.1 /= sum);
        }
        Some(taps.into_iter().map(|(at, weight)| (inside(at as f64), weight as f32)).collect())
    }

    /// The axes, and what becomes of each.
    fn lines(
        &self,
        shape: &[usize],
        roi: Option<Vec<f32>>,
        scales: Option<Vec<f32>>,
        sizes: Option<Vec<i64>>,
    ) -> Result<Vec<Line>, OpError> {
        let over = match self.axes.is_empty() {
            true => (0..shape.len()).collect(),
            false => axes(&self.axes, shape.len())?,
        };
        let n = over.len();
        let wrong =
            |what: &str, found: usize| OpError::Shape(format!("{found} {what} for {n} axes"));
        let roi = roi.filter(|roi| !roi.is_empty());
        if self.coordinates == Coordinates::CropAndResize
            && roi.as_ref().is_none_or(|r| r.len() != 2 * n)
        {
            return Err(OpError::Shape("there is no region of interest".into()));
        }
        let region = |i: usize| match &roi {
            Some(roi) if roi.len() == 2 * n => (f64::from(roi[i]), f64::from(roi[n + i])),
            _ => (0.0, 1.0),
        };
        let mut lines: Vec<Line> = shape
            .iter()
            .map(|&size| Line { size, to: size, scale: 1.0, roi: (0.0, 1.0) })
            .collect();
        match (scales.filter(|scales| !scales.is_empty()), sizes) {
            (Some(scales), None) => {
                if scales.len() != n {
                    return Err(wrong("scales", scales.len()));
                }
                for (i, (&at, &scale)) in over.iter().zip(&scales).enumerate() {
                    let (size, scale) = (shape[at], f64::from(scale));
                    if !(scale > 0.0 && scale.is_finite()) {
                        return Err(OpError::Shape(format!("a scale of {scale}")));
                    }
                    let (start, end) = region(i);
                    let length = match self.coordinates {
                        Coordinates::CropAndResize => size as f64 * (end - start),
                        _ => size as f64,
                    };
                    let to = (length * scale).floor();
                    if !(0.0..1e9).contains(&to) {
                        return Err(OpError::Shape(format!("an extent of {to}")));
                    }
                    lines[at] = Line { size, to: to as usize, scale, roi: (start, end) };
                }
            }
            (None, Some(sizes)) => {
                if sizes.len() != n {
                    return Err(wrong("sizes", sizes.len()));
                }
                let factors =
                    over.iter().zip(&sizes).map(|(&at, &to)| to as f64 / shape[at] as f64);
                let common = match self.ratio {
                    AspectRatio::Stretch => None,
                    AspectRatio::NotLarger => factors.reduce(f64::min),
                    AspectRatio::NotSmaller => factors.reduce(f64::max),
                };
                for (i, (&at, &to)) in over.iter().zip(&sizes).enumerate() {
                    let size = shape[at];
                    let to = match common {
                        Some(common) => (common * size as f64 + 0.5).floor() as i64,
                        None => to,
                    };
                    let to = usize::try_from(to).ok().filter(|&to| to < 1 << 30);
                    let to = to.ok_or_else(|| OpError::Shape(format!("sizes of {sizes:?}")))?;
                    let scale = common.unwrap_or(to as f64 / size as f64);
                    lines[at] = Line { size, to, scale, roi: region(i) };
                }
            }
            _ => return Err(OpError::Shape("either scales or sizes are given".into())),
        }
        Ok(lines)
    }

    /// Floats, axis by axis.
    fn floats(
        &self,
        x: &ArcArray<f32, IxDyn>,
        lines: &[Line],
    ) -> Result<ArcArray<f32, IxDyn>, OpError> {
        let mut shape = x.shape().to_vec();
        let mut data = dense(x).into_owned();
        let changes = |line: &Line| {
            line.size != line.to
                || self.coordinates == Coordinates::CropAndResize
                || line.scale != 1.0
        };
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| changes(line)) {
            let (_, size, inner) = around(&shape, at);
            shape[at] = line.to;
            let count = elements(&shape)?;
            if size == 0 && count > 0 {
                return Err(OpError::Shape("there is nothing to resize".into()));
            }
            let taps: Vec<Taps> = (0..line.to).map(|to| self.taps(line, to)).collect();
            let mut out = vec![0.0; count];
            rows(&mut out, inner, 4 * inner, |row, out| {
                let (outer, to) = (row / line.to, row % line.to);
                match &taps[to] {
                    None => out.fill(self.outside),
                    Some(taps) => {
                        for &(from, weight) in taps {
                            let x = &data[(outer * size + from) * inner..][..inner];
                            if taps.len() == 1 {
                                out.copy_from_slice(x);
                            } else {
                                out.iter_mut().zip(x).for_each(|(out, &x)| *out += weight * x);
                            }
                        }
                    }
                }
            });
            data = out;
        }
        array(&shape, data)
    }

    fn resized(&self, x: &Tensor, lines: &[Line]) -> Result<Tensor, OpError> {
        if let Tensor::F32(x) = x {
            return Ok(self.floats(x, lines)?.into());
        }
        if self.mode != ResizeMode::Nearest {
            if matches!(x.element_type(), ElementType::Bool | ElementType::Code(_)) {
                let found = x.element_type();
                return Err(OpError::Unsupported(format!("linear or cubic Resize of {found}")));
            }
            let policy = super::cast::policy(true);
            let floats = super::cast::cast(x, ElementType::F32, &policy)?;
            let resized = self.resized(&floats, lines)?;
            return super::cast::cast(&resized, x.element_type(), &policy);
        }
        Ok(map_tensor!(x, a => {
            let mut shape = a.shape().to_vec();
            let mut data = dense(a).into_owned();
            for (at, line) in lines.iter().enumerate() {
                let (outer, size, inner) = around(&shape, at);
                shape[at] = line.to;
                let mut out = Vec::with_capacity(elements(&shape)?);
                let from: Vec<usize> = (0..line.to)
                    .map(|to| self.taps(line, to).map_or(0, |taps| taps[0].0))
                    .collect();
                for o in 0..outer {
                    for &from in &from {
                        out.extend_from_slice(&data[(o * size + from) * inner..][..inner]);
                    }
                }
                data = out;
            }
            array(&shape, data)?
        }))
    }
}

fn floats(fact: Option<&Fact>) -> Option<Vec<f32>> {
    Some(fact?.tensor()?.get::<f32>().ok()?.iter().copied().collect())
}

fn list(
    inputs: Inputs<'_, Tensor>,
    place: usize,
    name: &'static str,
) -> Result<Option<Vec<f32>>, OpError> {
    match inputs.optional(place) {
        Some(_) => Ok(Some(inputs.array::<f32>(place, name)?.iter().copied().collect())),
        None => Ok(None),
    }
}

impl Operator for Resize {
    /// In operator set 10, scales are the second input, and outputs lie asymmetric.
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        if opset < 11 {
            let problem = "Resize of operator set 10: convert the model to 11 or newer";
            return Err(OpError::Unsupported(problem.into()));
        }
        Ok(Self::from_attributes(attributes)?.into())
    }

    fn since(&self) -> i64 {
        let new = self.antialias || !self.axes.is_empty() || self.ratio != AspectRatio::Stretch;
        match self.coordinates {
            Coordinates::HalfPixelSymmetric => 19,
            _ if new => 18,
            _ => 13,
        }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "X")?;
        let unknown = || x.rank().map(|rank| vec![Dim::Unknown; rank]);
        let (scales, sizes) = (inputs.optional(2), inputs.optional(3));
        let sizes = sizes.map(|fact| fact.tensor().and_then(|tensor| tensor.integers().ok()));
        let given = floats(scales).filter(|scales| !scales.is_empty());
        let shape = match (x.sizes(), given, sizes) {
            (Some(shape), None, Some(Some(sizes))) => {
                Some(self.lines(&shape, floats(inputs.optional(1)), None, Some(sizes))?)
            }
            (Some(shape), Some(scales), None) => {
                let roi = floats(inputs.optional(1));
                let crops = self.coordinates == Coordinates::CropAndResize;
                match roi.is_none() && crops {
                    true => None,
                    false => Some(self.lines(&shape, roi, Some(scales), None)?),
                }
            }
            (None, Some(scales), None) if self.axes.is_empty() => {
                let dims = x.shape.as_ref().filter(|dims| dims.len() == scales.len());
                let dim = |(dim, &scale): (&Dim, &f32)| match dim {
                    dim if scale == 1.0 => dim.clone(),
                    Dim::Size(size) => Dim::Size((*size as f64 * f64::from(scale)) as usize),
                    _ => Dim::Unknown,
                };
                let shape = dims.map(|dims| dims.iter().zip(&scales).map(dim).collect());
                return Ok(vec![Fact { element: x.element, shape, known: None }]);
            }
            _ => None,
        };
        let shape = shape.map(|lines| lines.iter().map(|line| Dim::Size(line.to)).collect());
        Ok(vec![Fact { element: x.element, shape: shape.or_else(unknown), known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "X")?;
        let roi = list(inputs, 1, "roi")?;
        let (scales, sizes) = (list(inputs, 2, "scales")?, inputs.integers(3, "sizes")?);
        let lines = self.lines(x.shape(), roi, scales, sizes)?;
        Ok(vec![self.resized(x, &lines)?])
    }
}

impl Upsample {
    fn resize(&self) -> Resize {
        Resize {
            mode: self.mode,
            coordinates: Coordinates::Asymmetric,
            nearest: NearestMode::Floor,
            ..Resize::default()
        }
    }
}

impl Operator for Upsample {
    /// Until 8, scales are an attribute.
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        let scales = if opset < 9 { attributes.floats("scales")? } else { None };
        Ok(Read::from(Self::from_attributes(attributes)?).with(1, scales.map(Tensor::vector)))
    }

    /// Operator set 10 has no `Upsample` any more.
    fn since(&self) -> i64 {
        i64::MAX
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let given = [inputs.optional(0), None, inputs.optional(1)];
        self.resize().infer(Inputs::new(&given))
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let given = [inputs.optional(0), None, inputs.optional(1)];
        self.resize().run(Inputs::new(&given))
    }
}
