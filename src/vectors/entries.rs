//! A plan as the lines of a header, and back.

use std::fmt::Display;

use fewbit_formats::{Format, GroupFormat, IntFormat};

use super::plan::{VectorJob, VectorPlan, VectorSource};
use super::product::{ProductJob, ProductOperand, ProductShape};
use super::quantize::{QuantizeJob, QuantizeTarget};
use super::requantize::RequantizeJob;
use super::scalar::{OPERANDS, ScalarJob};
use super::{VectorContent, VectorError, VectorOp, VectorStyle};
use crate::requantize::{PerChannel, Requantization, RequantizePolicy, ScaleKind, ScaleParameters};

/// Keys and values in the order in which a header has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entries(pub(super) Vec<(String, String)>);

/// The style of stimuli that are given.
const GIVEN: &str = "given";

impl Entries {
    pub(super) fn add(&mut self, key: &str, value: &dyn Display) {
        self.0.push((key.to_owned(), value.to_string()));
    }

    fn find(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self, key: &str) -> Result<&str, VectorError> {
        self.find(key).ok_or_else(|| VectorError::Missing { key: key.to_owned() })
    }
}

impl VectorPlan {
    /// The plan as keys and values, for a header; [`VectorPlan::from_entries`] has the way back.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, String)> {
        let mut entries = Entries::default();
        entries.add("op", &self.op());
        entries.add("content", &self.content);
        match &self.job {
            VectorJob::Scalar(job) => {
                for (&name, format) in OPERANDS.iter().zip(job.operands()) {
                    entries.add(name, format);
                }
                entries.add("to", &job.to());
                entries.add_policy("", job.policy());
            }
            VectorJob::Quantize(job) => entries.add_quantize(job),
            VectorJob::Requantize(job) => entries.add_requantize(job),
            VectorJob::Product(job) => {
                let [a, b] = job.operands();
                let ProductShape { m, k, n } = job.shape();
                entries.add("acc", job.acc());
                entries.add("a", &a);
                entries.add("b", &b);
                if job.op() == VectorOp::Matmul {
                    entries.add("m", &m);
                }
                entries.add("k", &k);
                if job.op() == VectorOp::Matmul {
                    entries.add("n", &n);
                }
            }
        }
        let (style, count) = match self.source {
            VectorSource::Drawn { style, count } => (style.name(), count),
            VectorSource::Given { count } => (GIVEN, count),
        };
        entries.add("style", &style);
        entries.add("count", &count);
        entries.add("seed", &self.seed);
        entries.0
    }

    /// The plan that keys and values say; other keys than a plan's are not looked at.
    ///
    /// # Errors
    /// A key that is missing, or that says what cannot be.
    ///
    /// ```
    /// use fewbit::vectors::VectorPlan;
    /// let header = "op add;content vectors;a e4m3fn;b e5m2;to bf16;rounding ties-even;overflow special;nan error;\
    ///     nan_sign keep;nan_payload canonical;infinity as-overflow;zero_sign keep;subnormal_input keep;\
    ///     subnormal_output keep;style random;count 3;seed 7";
    /// let entries = header.split(';').map(|line| line.split_once(' ').unwrap());
    /// let entries: Vec<_> = entries.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    /// let plan = VectorPlan::from_entries(&entries)?;
    /// assert_eq!(plan.entries(), entries);
    /// assert_eq!(plan.generate()?.table.len(), 3);
    /// # Ok::<(), fewbit::vectors::VectorError>(())
    /// ```
    pub fn from_entries(entries: &[(String, String)]) -> Result<Self, VectorError> {
        let entries = Entries(entries.to_vec());
        let op: VectorOp = entries.value("op")?;
        let content: VectorContent = entries.value("content")?;
        let job = match op {
            VectorOp::Quantize => VectorJob::Quantize(entries.quantize()?),
            VectorOp::Requantize => VectorJob::Requantize(entries.requantize()?),
            VectorOp::Dot | VectorOp::Matmul => VectorJob::Product(entries.product(op)?),
            _ => {
                let operands = &OPERANDS[..op.arity().unwrap_or(1)];
                let operands = operands.iter().map(|name| entries.value(name));
                let operands: Vec<Format> = operands.collect::<Result<_, _>>()?;
                let (to, policy) = (entries.value("to")?, entries.policy("")?);
                VectorJob::Scalar(ScalarJob::new(op, &operands, to, policy)?)
            }
        };
        let count = entries.value("count")?;
        let source = match entries.text("style")? {
            GIVEN => VectorSource::Given { count },
            _ => VectorSource::Drawn { style: entries.value::<VectorStyle>("style")?, count },
        };
        let plan = Self { job, source, seed: entries.value("seed")?, content };
        plan.fields()?;
        Ok(plan)
    }
}

impl Entries {
    fn add_quantize(&mut self, job: &QuantizeJob) {
        self.add("from", &job.from());
        match job.target() {
            QuantizeTarget::Scaled { format, scale, zero_point, policy } => {
                self.add("to", format);
                self.add("scale", scale);
                self.add("zero_point", zero_point);
                self.add_policy("", policy);
            }
            QuantizeTarget::Groups { format, policy } => {
                self.add("to", format);
                self.add_group_policy(policy);
            }
        }
    }

    fn quantize(&self) -> Result<QuantizeJob, VectorError> {
        let from = self.value("from")?;
        let target = match self.value::<Format>("to") {
            Ok(format) => QuantizeTarget::Scaled {
                format,
                scale: self.value("scale")?,
                zero_point: self.value("zero_point")?,
                policy: self.policy("")?,
            },
            Err(_) => QuantizeTarget::Groups {
                format: self.value::<GroupFormat>("to")?,
                policy: self.group_policy()?,
            },
        };
        QuantizeJob::new(from, target)
    }

    fn product(&self, op: VectorOp) -> Result<ProductJob, VectorError> {
        let shape = match op {
            VectorOp::Dot => ProductShape { m: 1, k: self.value("k")?, n: 1 },
            _ => ProductShape { m: self.value("m")?, k: self.value("k")?, n: self.value("n")? },
        };
        let operand = |key: &str| match self.value::<Format>(key) {
            Ok(format) => Ok(format.into()),
            Err(error) => match self.value::<GroupFormat>(key) {
                Ok(groups) => ProductOperand::of_groups(&groups),
                Err(_) => Err(error),
            },
        };
        ProductJob::new(op, self.value("acc")?, [operand("a")?, operand("b")?], shape)
    }

    fn add_requantize(&mut self, job: &RequantizeJob) {
        let by = &job.by;
        self.add("from", &job.from);
        self.add("to", &by.format());
        self.add("policy", &by.policy());
        match by.scale() {
            ScaleParameters::MultiplierShift { multiplier, shift } => {
                self.add("multiplier", &list(multiplier));
                self.add("shift", &list(shift));
            }
            ScaleParameters::Shift(shift) => self.add("shift", &list(shift)),
            ScaleParameters::Float(scale) => self.add("scale", &list(scale)),
            ScaleParameters::Exact(scale) => self.add("scale", &list(scale)),
            ScaleParameters::Affine { scale, bias } => {
                self.add("scale", &list(scale));
                self.add("out_bias", &list(bias));
            }
            ScaleParameters::Thresholds { thresholds, out_scale, out_bias } => {
                let channels = thresholds.map(|channel| {
                    channel.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
                });
                self.add("thresholds", &list(&channels));
                self.add("out_scale", out_scale);
                self.add("out_bias", out_bias);
            }
        }
        if let Some(bias) = by.bias() {
            self.add("bias", &list(bias));
        }
        self.add("zero_point", &by.zero_point());
        self.add("overflow", &by.overflow());
    }

    fn requantize(&self) -> Result<RequantizeJob, VectorError> {
        let policy: RequantizePolicy = self.value("policy")?;
        let scale = match policy.kind() {
            ScaleKind::MultiplierShift => ScaleParameters::MultiplierShift {
                multiplier: self.numbers("multiplier")?,
                shift: self.numbers("shift")?,
            },
            ScaleKind::Shift => ScaleParameters::Shift(self.numbers("shift")?),
            ScaleKind::Float => ScaleParameters::Float(self.numbers("scale")?),
            ScaleKind::Exact => ScaleParameters::Exact(self.numbers("scale")?),
            ScaleKind::Affine => ScaleParameters::Affine {
                scale: self.numbers("scale")?,
                bias: self.numbers("out_bias")?,
            },
            ScaleKind::Thresholds => {
                let text = self.text("thresholds")?;
                let channel = |text: &str| {
                    let numbers = text.split_ascii_whitespace().map(str::parse);
                    numbers
                        .collect::<Result<Vec<i64>, _>>()
                        .map_err(|error| VectorError::entry("thresholds", text, &error.to_string()))
                };
                let channels = channels(text, channel)?;
                ScaleParameters::Thresholds {
                    thresholds: channels,
                    out_scale: self.value("out_scale")?,
                    out_bias: self.value("out_bias")?,
                }
            }
        };
        let mut by = Requantization::new(policy, scale, self.integers("to")?)?;
        if self.find("bias").is_some() {
            by = by.with_bias(self.numbers("bias")?)?;
        }
        let by = by.with_zero_point(self.value("zero_point")?)?;
        let by = by.with_overflow(self.value("overflow")?)?;
        Ok(RequantizeJob { from: self.integers("from")?, by })
    }

    fn integers(&self, key: &str) -> Result<IntFormat, VectorError> {
        match self.value(key)? {
            Format::Int(format) => Ok(format),
            other => Err(VectorError::entry(
                key,
                &other.to_string(),
                "expected an integer format, as int32",
            )),
        }
    }

    fn numbers<T>(&self, key: &str) -> Result<PerChannel<T>, VectorError>
    where
        T: std::str::FromStr,
        T::Err: Display,
    {
        let text = self.text(key)?;
        channels(text, |text| {
            text.trim()
                .parse()
                .map_err(|error: T::Err| VectorError::entry(key, text, &error.to_string()))
        })
    }
}

/// One number for all channels, or those of each in brackets.
fn list<T: Display>(of: &PerChannel<T>) -> String {
    match of {
        PerChannel::Tensor(one) => one.to_string(),
        PerChannel::Channels(all) => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            format!("[{}]", all.join(", "))
        }
    }
}

/// What [`list`] wrote.
fn channels<T>(
    text: &str,
    one: impl Fn(&str) -> Result<T, VectorError>,
) -> Result<PerChannel<T>, VectorError> {
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        None => one(text).map(PerChannel::Tensor),
        Some(all) => {
            let all = all.split(',').map(one).collect::<Result<Vec<_>, _>>()?;
            Ok(PerChannel::Channels(all))
        }
    }
}
