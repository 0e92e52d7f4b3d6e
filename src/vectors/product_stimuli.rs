//! Directed operands of sums of products.
//!
//! A class is a list of pairs along k. In a product of matrices row 0 and every other row at random take the left factors,
//! every column the right ones, so that outputs of the class and outputs of anything stand side by side; of `witness`, every
//! column has weights of its own, and each row is the worst input of one of them.

use fewbit_formats::{Format, Real, Rounding};
use ndarray::Array2;

use super::codes::{self, TRIES};
use super::draw::Draw;
use super::product::{Lengths, ProductJob, ProductOperand, ProductShape};
use super::{VectorClass, VectorOp};
use crate::accumulate::bounds::{InputRange, Inputs, Layer, Side};
use crate::accumulate::{Register, int_range};
use crate::reference::{RandomBits, Value};

/// A pair of codes.
type Pair = (u32, u32);

impl ProductJob {
    /// The directed classes of the operation.
    pub(super) fn classes(&self) -> &'static [VectorClass] {
        use VectorClass::{
            Alternating, Cancellation, Extremes, Overflow, Short, Specials, Subnormals, Ties,
            Witness,
        };
        match self.is_integer() {
            true => &[Extremes, Alternating, Witness, Overflow, Cancellation, Short],
            false => {
                &[Extremes, Alternating, Overflow, Cancellation, Ties, Subnormals, Specials, Short]
            }
        }
    }

    /// The inputs of a class; `None` where none was found.
    pub(super) fn stimulus(
        &self,
        lengths: Lengths,
        class: VectorClass,
        draw: &mut Draw,
    ) -> Option<Vec<u64>> {
        let ProductShape { m, k, n } = self.shape();
        let length = match (class, lengths) {
            (VectorClass::Short, Lengths::Drawn) => self.short(draw)?,
            (VectorClass::Short, Lengths::Whole) => return None,
            _ => k,
        };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for _ in 0..m * k {
            left.push(self.element(0, draw)?);
        }
        for _ in 0..k * n {
            right.push(self.element(1, draw)?);
        }
        let zeros =
            self.operands().map(|operand| codes::nearest(operand.format, Real::zero(false)));
        let scales: Vec<Vec<u32>> =
            [0, 1].map(|side| self.scales(side, class, draw)).into_iter().collect::<Option<_>>()?;
        match class {
            VectorClass::Random | VectorClass::Short => {}
            VectorClass::Witness => {
                for row in 0..m {
                    let inputs = self.witness(&right, row % n, row / n, draw)?;
                    left[row * k..(row + 1) * k].copy_from_slice(&inputs);
                }
            }
            _ => {
                let pairs = self.pairs(class, draw)?;
                for row in (0..m).filter(|&row| row == 0 || draw.coin()) {
                    for (at, &(a, _)) in pairs.iter().enumerate() {
                        left[row * k + at] = a;
                    }
                }
                for col in 0..n {
                    for (at, &(_, b)) in pairs.iter().enumerate() {
                        right[at * n + col] = b;
                    }
                }
            }
        }
        // Elements beyond the length are not pushed; they are zeros, where there is one.
        for row in 0..m {
            left[row * k + length..(row + 1) * k].fill(zeros[0].unwrap_or(0));
        }
        right[length * n..].fill(zeros[1].unwrap_or(0));
        let mut inputs = Vec::new();
        if lengths == Lengths::Drawn {
            inputs.push(length as u64);
        }
        for codes in [&left, &scales[0], &right, &scales[1]] {
            inputs.extend(codes.iter().map(|&code| u64::from(code)));
        }
        Some(inputs)
    }

    /// Any element of a side: of integers any code, of others a finite one.
    fn element(&self, side: usize, draw: &mut Draw) -> Option<u32> {
        codes::finite(self.operands()[side].format, draw)
    }

    /// The scales of a side: around 1, and for extremes anything.
    fn scales(&self, side: usize, class: VectorClass, draw: &mut Draw) -> Option<Vec<u32>> {
        let ProductShape { m, k, n } = self.shape();
        let operand = self.operands()[side];
        let (Some((format, _)), Some(blocks)) = (operand.scale, operand.blocks(k)) else {
            return Some(Vec::new());
        };
        let count = blocks * if side == 0 { m } else { n };
        let one = |draw: &mut Draw| {
            let exponent = draw.between(-8, 8) as i32;
            let odd = if draw.coin() { 1 } else { 1 + draw.below(4) };
            let number = Real::from_scaled(false, odd.into(), exponent);
            match class {
                VectorClass::Extremes => draw.one(&codes::extremes(format)),
                VectorClass::Specials if draw.below(3) == 0 => {
                    let specials = not_zero(format);
                    let number = codes::nearest(format, number);
                    draw.one(&specials).or(number)
                }
                _ => codes::nearest(format, number),
            }
        };
        (0..count).map(|_| one(draw)).collect()
    }

    /// A length that is no whole number of tiles or steps, where K has room for one.
    fn short(&self, draw: &mut Draw) -> Option<usize> {
        let k = self.shape().k;
        let counts = self.acc().stages().iter().filter_map(|stage| stage.count.map(u64::from));
        let widths = self.acc().stages().iter().map(|stage| u64::from(stage.width.get()));
        let units: Vec<usize> = counts
            .chain(widths)
            .filter(|&n| n > 1)
            .filter_map(|n| usize::try_from(n).ok())
            .collect();
        let near = units.iter().flat_map(|&n| [n - 1, n + 1, n.saturating_add(n / 2)]);
        let lengths: Vec<usize> =
            near.chain([1, k.saturating_sub(1)]).filter(|&n| 0 < n && n < k).collect();
        draw.one(&lengths)
    }

    /// The pairs of a class along k.
    fn pairs(&self, class: VectorClass, draw: &mut Draw) -> Option<Vec<Pair>> {
        let k = self.shape().k;
        let (greatest, least) = self.ends()?;
        Some(match class {
            VectorClass::Extremes => {
                let end =
                    |operand: ProductOperand, draw: &mut Draw| draw.one(&ends_of(operand.format));
                let [a, b] = self.operands();
                vec![(end(a, draw)?, end(b, draw)?); k]
            }
            VectorClass::Alternating => {
                let first = draw.below(2) as usize;
                (0..k)
                    .map(|at| if (at + first).is_multiple_of(2) { greatest } else { least })
                    .collect()
            }
            VectorClass::Cancellation => self.cancelling(draw)?,
            VectorClass::Overflow if self.is_integer() => self.to_the_end(draw)?,
            VectorClass::Overflow => {
                let end = if draw.coin() { greatest } else { least };
                let pairs: Option<Vec<Pair>> = (0..k)
                    .map(|_| match draw.below(4) {
                        0 => Some((self.element(0, draw)?, self.element(1, draw)?)),
                        _ => Some(end),
                    })
                    .collect();
                pairs.filter(|pairs| self.overflows(pairs))?
            }
            VectorClass::Ties => (0..TRIES).find_map(|_| self.tie(draw))?,
            VectorClass::Subnormals => self.mixed_from(codes::subnormals, draw)?,
            VectorClass::Specials => self.mixed_from(not_zero, draw)?,
            _ => return None,
        })
    }

    /// The greatest and the least product.
    fn ends(&self) -> Option<(Pair, Pair)> {
        let [a, b] = self.operands().map(|operand| ends_of(operand.format));
        let value = |&(x, y): &Pair| {
            let [a, b] = self.operands();
            a.format.decode_real(x).product(b.format.decode_real(y)).value.to_f64()
        };
        let pairs: Vec<Pair> = a.iter().flat_map(|&x| b.iter().map(move |&y| (x, y))).collect();
        let by = |x: &&Pair, y: &&Pair| value(x).total_cmp(&value(y));
        Some((*pairs.iter().max_by(by)?, *pairs.iter().min_by(by)?))
    }

    /// Products, and then the same ones of the other sign in the other order, but for one code here and there.
    fn cancelling(&self, draw: &mut Draw) -> Option<Vec<Pair>> {
        let k = self.shape().k;
        let mut pairs = Vec::with_capacity(k);
        for _ in 0..k.div_ceil(2) {
            pairs.push((self.element(0, draw)?, self.element(1, draw)?));
        }
        let [a, b] = self.operands();
        for at in (0..k / 2).rev() {
            let (x, y) = pairs[at];
            let other = negated(a.format, x).map(|x| (x, y));
            let other = other.or_else(|| negated(b.format, y).map(|y| (x, y)));
            // Where nothing can be negated, the factors of its neighbours come in another order.
            pairs.push(other.unwrap_or((x, pairs[(at + 1) % k.div_ceil(2)].1)));
        }
        Some(pairs)
    }

    /// Integers whose sum comes to an end of the first limited register's range, and stays there or goes one beyond.
    fn to_the_end(&self, draw: &mut Draw) -> Option<Vec<Pair>> {
        let k = self.shape().k;
        let register = self.acc().stages().iter().find_map(|stage| match stage.register {
            Register::Int { bits, .. } => Some(bits),
            _ => None,
        });
        let (low, high) = int_range(register?);
        let goal = if draw.coin() { high } else { low };
        let [a, b] = self.operands();
        let whole = |operand: ProductOperand, code: u32| operand.format.decode(code) as i128;
        let (least, most) = (a.format.min_finite() as i128, a.format.max_finite() as i128);
        let code = |operand: ProductOperand, value: i128| {
            codes::nearest(operand.format, Real::from(value))
                .filter(|&code| whole(operand, code) == value)
        };
        let (mut sum, mut reached, mut pairs) = (0i128, false, Vec::with_capacity(k));
        for _ in 0..k {
            reached |= sum == goal;
            let pair = if reached {
                // One step to either side, or none.
                let one = draw.between(-1, 1).into();
                code(a, one).zip(code(b, 1)).or_else(|| code(a, 1).zip(code(b, one)))
            } else {
                // The largest factor that does not pass the goal; of a small one there is always a multiple.
                let y = match draw.below(4) {
                    0 => self.element(1, draw).map(|code| whole(b, code)),
                    1 => Some(1),
                    2 => Some(b.format.min_finite() as i128),
                    _ => Some(b.format.max_finite() as i128),
                };
                let y = y.filter(|&y| y != 0).unwrap_or(1);
                let x = ((goal - sum) / y).clamp(least, most);
                code(a, x).zip(code(b, y))
            };
            let pair = pair.or_else(|| code(a, 0).zip(code(b, 1)))?;
            sum += whole(a, pair.0) * whole(b, pair.1);
            pairs.push(pair);
        }
        (reached || sum == goal).then_some(pairs)
    }

    /// Whether some register overflows on these products.
    fn overflows(&self, pairs: &[Pair]) -> bool {
        let Ok(mut machine) = self.machine(RandomBits { seed: 0, output: 0 }) else { return false };
        let scale = |operand: ProductOperand| {
            operand.scale.and_then(|(format, _)| codes::nearest(format, Real::from_f64(1.0)))
        };
        let [a, b] = self.operands().map(scale);
        let pushed = pairs.iter().all(|&(x, y)| machine.push_scaled(x, y, a, b).is_ok());
        if !pushed || machine.drain().is_err() {
            return false;
        }
        let traces =
            machine.as_float().map(|machine| machine.traces().to_vec()).unwrap_or_default();
        traces.into_iter().any(|trace| trace.report(0, 0).events > 0)
    }

    /// Products of which one brings the first register half-way between two of its values; of float registers that take one
    /// product a step.
    fn tie(&self, draw: &mut Draw) -> Option<Vec<Pair>> {
        let k = self.shape().k;
        let stage = self.acc().stages().first()?;
        let Register::Float { format, .. } = stage.register else { return None };
        let [a, b] = self.operands();
        if stage.width.get() > 1 || stage.is_interleaved() || a.scale.is_some() || b.scale.is_some()
        {
            return None;
        }
        let tile = stage.count.map_or(k as u64, u64::from).min(k as u64);
        let place = draw.below(tile) as usize;
        let mut machine = self.machine(RandomBits { seed: 0, output: 0 }).ok()?;
        let mut pairs = Vec::with_capacity(k);
        for _ in 0..place {
            let pair = (self.element(0, draw)?, self.element(1, draw)?);
            machine.push(pair.0, pair.1).ok()?;
            pairs.push(pair);
        }
        let register = machine.as_float()?.stages().next()?.register.clone();
        let goal = match place {
            0 => tie_of(format, codes::finite(format, draw)?)?,
            _ => {
                let code = codes::nearest(format, register.to_real())?;
                let tie = tie_of(format, code)?;
                tie.difference(register.to_real(), Rounding::TiesEven).value
            }
        };
        // A factor with few bits, and the other one solved for.
        let odd = u128::from(2 * draw.below(4) + 1);
        let x = codes::nearest(
            a.format,
            Real::from_scaled(draw.coin(), odd, draw.between(-8, 8) as i32),
        )?;
        let y = codes::nearest(b.format, goal.quotient(a.format.decode_real(x)).value)?;
        let product = a.format.decode_real(x).product(b.format.decode_real(y)).value;
        if Value::from_f64(product.to_f64()) != Value::from_f64(goal.to_f64()) {
            return None;
        }
        pairs.push((x, y));
        while pairs.len() < k {
            pairs.push((self.element(0, draw)?, self.element(1, draw)?));
        }
        Some(pairs)
    }

    /// Products of which some have a factor from a list of its format's.
    fn mixed_from(&self, list: fn(Format) -> Vec<u32>, draw: &mut Draw) -> Option<Vec<Pair>> {
        let k = self.shape().k;
        let lists = self.operands().map(|operand| list(operand.format));
        let of_scales =
            self.operands().map(|operand| operand.scale.map(|(format, _)| list(format)));
        if lists.iter().chain(of_scales.iter().flatten()).all(Vec::is_empty) {
            return None;
        }
        let forced = draw.below(k as u64) as usize;
        let pair = |at: usize, draw: &mut Draw| {
            let factor = |side: usize, draw: &mut Draw| {
                let listed = at == forced || draw.below(4) == 0;
                let found = if listed { draw.one(&lists[side]) } else { None };
                found.or_else(|| self.element(side, draw))
            };
            Some((factor(0, draw)?, factor(1, draw)?))
        };
        (0..k).map(|at| pair(at, draw)).collect()
    }

    /// The inputs that bring the registers of column `col` as far as its weights can, to one side or the other.
    fn witness(&self, right: &[u32], col: usize, turn: usize, draw: &mut Draw) -> Option<Vec<u32>> {
        let ProductShape { k, n, .. } = self.shape();
        let [a, b] = self.operands();
        let weights = (0..k).map(|at| b.format.decode(right[at * n + col]) as i64).collect();
        let weights = Array2::from_shape_vec((1, k), weights).ok()?;
        let range = InputRange::new(a.format.min_finite() as i64, a.format.max_finite() as i64);
        let layer = Layer::new(weights.view(), Inputs::Same(range)).ok()?;
        let upper = match self.op() {
            VectorOp::Dot => draw.coin(),
            _ => turn.is_multiple_of(2),
        };
        let inputs = layer.witness(0, if upper { Side::Upper } else { Side::Lower });
        inputs.into_iter().map(|x| codes::nearest(a.format, Real::from(x))).collect()
    }
}

/// The codes of the largest and the smallest finite value.
fn ends_of(format: Format) -> Vec<u32> {
    let ends = [format.max_finite(), format.min_finite()];
    ends.into_iter().filter_map(|x| codes::nearest(format, Real::from_f64(x))).collect()
}

/// Special codes but zeros.
fn not_zero(format: Format) -> Vec<u32> {
    codes::specials(format).into_iter().filter(|&code| format.decode(code) != 0.0).collect()
}

/// The code of the negative of a code's value, if there is one.
fn negated(format: Format, code: u32) -> Option<u32> {
    let value = format.decode_real(code).negated();
    let found = codes::nearest(format, value)?;
    (format.decode(found) == -format.decode(code)).then_some(found)
}

/// The middle between a code's value and the next one away from zero.
fn tie_of(format: Format, code: u32) -> Option<Real> {
    let next = code.checked_add(1)?;
    if !codes::is_finite(format, code) || !codes::is_finite(format, next) {
        return None;
    }
    let sum = format.decode_real(code).sum(format.decode_real(next), Rounding::TiesEven).value;
    Some(sum.product(Real::from_f64(0.5)).value)
}
