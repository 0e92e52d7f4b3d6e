//! What the oracle answers to each `f32`, as runs of inputs in ascending order of their bits.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use fewbit_formats::{Format, Overflow};
use fewbit_testkit::rounding::{
    self as oracle, Answer, Cut, FloatOracle, HiF8Oracle, HiF8Place, INEXACT, INVALID, IntSpec,
    Mode, NanCodes, OVERFLOW, Parts, Segment, TaperedSpec, Units, exact, segments,
};
use num_rational::BigRational;

use crate::common::{float_spec, int_spec};
use crate::packed::{self, Packed};

/// The answers under the two overflow policies of a format.
pub(crate) type Pair = [Packed; 2];

/// A stretch of inputs whose answers repeat.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    /// The bits of the first input.
    pub(crate) first: u32,
    /// How often the runs come.
    pub(crate) repeats: u32,
    /// How many inputs have which answers, in ascending order of bits.
    pub(crate) runs: Vec<(u32, Pair)>,
}

/// The oracle of a format, and where inputs lie among its values, which is the same in every mode.
pub(crate) struct Subject {
    oracle: Oracle,
    places: RefCell<HashMap<u32, Rc<Place>>>,
}

/// The oracle of a format.
#[derive(Clone, Debug)]
enum Oracle {
    Float(FloatOracle),
    Int(IntSpec),
    Tapered(TaperedSpec),
    HiF8(HiF8Oracle),
    Binary,
}

/// Where an input lies among the values of a format.
#[derive(Debug)]
enum Place {
    Float(oracle::Place),
    Int(Units),
    Tapered(Cut),
    HiF8(HiF8Place),
    /// Of a binary format: whether it is exact.
    Binary(bool),
}

/// Bits of +infinity, and of the first quiet NaN.
const INFINITY: u32 = 0x7f80_0000;
const QUIET: u32 = 0x7fc0_0000;
const SIGN: u32 = 0x8000_0000;

impl Subject {
    pub(crate) fn of(format: Format) -> Self {
        let bits = format.bits();
        let oracle = match format {
            Format::Float(float) => Oracle::Float(float_spec(float).oracle()),
            Format::Int(_) | Format::Fixed(_) | Format::Ternary => Oracle::Int(int_spec(format)),
            Format::Posit(_) => Oracle::Tapered(TaperedSpec::Posit { bits }),
            Format::Takum(_) => Oracle::Tapered(TaperedSpec::Takum { bits }),
            Format::HiF8 => Oracle::HiF8(HiF8Oracle::default()),
            Format::Binary => Oracle::Binary,
            other => panic!("{other} has no oracle"),
        };
        Self { oracle, places: RefCell::default() }
    }

    /// The overflow policies that the format is judged under.
    pub(crate) const fn overflows(format: Format) -> [Overflow; 2] {
        match format {
            Format::Int(_) | Format::Fixed(_) | Format::Ternary => {
                [Overflow::Saturate, Overflow::Wrap]
            }
            _ => [Overflow::Saturate, Overflow::Special],
        }
    }

    /// Where a finite input other than zero lies.
    fn place(&self, bits: u32) -> Rc<Place> {
        let mut places = self.places.borrow_mut();
        let place = places.entry(bits).or_insert_with(|| {
            let x = exact(f32::from_bits(bits).into());
            Rc::new(match &self.oracle {
                Oracle::Float(oracle) => Place::Float(oracle.place(&x)),
                Oracle::Int(spec) => Place::Int(spec.place(&x)),
                Oracle::Tapered(spec) => Place::Tapered(spec.place(&x)),
                Oracle::HiF8(oracle) => Place::HiF8(oracle.place(&x)),
                Oracle::Binary => Place::Binary(bits & !SIGN == 1f32.to_bits()),
            })
        });
        Rc::clone(place)
    }

    /// The answers to a finite input other than zero.
    pub(crate) fn ask(&self, bits: u32, mode: Mode, random: u32) -> Pair {
        use oracle::Overflow::{Saturate, Special, Wrap};
        match (&self.oracle, &*self.place(bits)) {
            (Oracle::Float(oracle), Place::Float(place)) => {
                [Saturate, Special].map(|o| packed::answer(oracle.encode(place, mode, o, random)))
            }
            (Oracle::Int(spec), Place::Int(place)) => [Saturate, Wrap].map(|o| {
                let answer = spec.encode(place, mode, o, random);
                answer.map_or(packed::REFUSED_OVERFLOW, packed::answer)
            }),
            (Oracle::Tapered(spec), Place::Tapered(place)) => {
                [Saturate, Special].map(|o| packed::answer(spec.encode(place, mode, o, random)))
            }
            (Oracle::HiF8(oracle), Place::HiF8(place)) => {
                [Saturate, Special].map(|o| packed::answer(oracle.encode(place, mode, o, random)))
            }
            (Oracle::Binary, Place::Binary(is_exact)) => {
                let flags = if *is_exact { 0 } else { INEXACT };
                [packed::answer(Answer { code: u32::from(bits < SIGN), flags }); 2]
            }
            other => panic!("{other:?}"),
        }
    }

    /// The magnitudes at which answers may change, and where a format that wraps has not come round twice.
    fn cuts(&self, parts: &Parts) -> Vec<BigRational> {
        match &self.oracle {
            Oracle::Float(oracle) => oracle.cuts(parts),
            Oracle::Int(spec) => spec.cuts(parts, 0..2 << spec.bits),
            Oracle::Tapered(spec) => spec.cuts(parts),
            Oracle::HiF8(oracle) => oracle.cuts(parts),
            Oracle::Binary => vec![exact(1.0)],
        }
    }

    /// The answers to every input.
    pub(crate) fn line(&self, mode: Mode, random: u32) -> Vec<Stretch> {
        let parts = Parts::of(mode, random);
        let cuts = self.cuts(&parts);
        [0, SIGN]
            .into_iter()
            .flat_map(|sign| self.half(sign, &cuts, &parts, mode, random))
            .collect()
    }

    /// The inputs of one sign: zero, finite values, infinity, NaNs.
    fn half(
        &self,
        sign: u32,
        cuts: &[BigRational],
        parts: &Parts,
        mode: Mode,
        random: u32,
    ) -> Vec<Stretch> {
        let ask = |bits| self.ask(bits, mode, random);
        let cut = |first: u32, last: u32, cuts: &[BigRational]| {
            segments(sign | first..=sign | last, cuts, ask).unwrap_or_else(|varies| {
                panic!("{:?} {mode:?} {random:#x}: {varies:x?}", self.oracle)
            })
        };
        let negative = sign != 0;
        let mut line = vec![Stretch::constant(sign, 1, self.zero(negative))];
        // An integer that wraps steps on and on; from twice its range to where all floats are multiples of the range,
        // its answers repeat with the range in each binade of inputs.
        let (aperiodic, all_multiples) = match &self.oracle {
            Oracle::Int(spec) => {
                let end = |power: i32| (127 + power - spec.fraction_bits) as u32;
                (end(spec.bits as i32 + 1), end(spec.bits as i32 + 23))
            }
            _ => (255, 255),
        };
        line.push(Stretch::once(cut(1, (aperiodic << 23) - 1, cuts)));
        for field in aperiodic..all_multiples {
            let Oracle::Int(spec) = &self.oracle else { unreachable!("only integers wrap") };
            let power = field as i32 - 127 + spec.fraction_bits;
            let repeats = 1u32 << (power - spec.bits as i32);
            let units = 1u64 << power;
            let first = field << 23;
            // Units below one step of the inputs are no cuts.
            let step = 1u64 << (power - 23).max(0);
            let cuts: Vec<_> = if step == 1 {
                spec.cuts(parts, units..units + (1 << spec.bits))
            } else {
                let steps = (1u64 << spec.bits) / step;
                (0..steps)
                    .map(|i| BigRational::from_integer((units + i * step).into()) * spec.unit())
                    .collect()
            };
            let period = cut(first, first + (1 << 23) / repeats - 1, &cuts);
            line.push(Stretch { repeats, ..Stretch::once(period) });
        }
        if all_multiples < 255 {
            line.push(Stretch::once(cut(all_multiples << 23, INFINITY - 1, &[])));
        }
        line.push(Stretch::constant(sign | INFINITY, 1, self.infinity(negative)));
        line.push(Stretch::constant(
            sign | INFINITY | 1,
            QUIET - INFINITY - 1,
            self.nan(negative, true),
        ));
        line.push(Stretch::constant(sign | QUIET, SIGN - QUIET, self.nan(negative, false)));
        line
    }

    /// Zero is itself, of its sign where the format has both; out of range where the format has none.
    fn zero(&self, negative: bool) -> Pair {
        match &self.oracle {
            Oracle::Float(oracle) => {
                let spec = oracle.spec();
                let two_zeros = spec.signed && spec.nan != NanCodes::NegativeZero;
                let code =
                    u32::from(negative && two_zeros) << (spec.exponent_bits + spec.fraction_bits);
                if spec.zero {
                    return [packed::exact(code); 2];
                }
                let nan = oracle.nan(false).unwrap_or(0);
                [0, nan].map(|code| packed::answer(Answer { code, flags: OVERFLOW | INEXACT }))
            }
            Oracle::Int(_) | Oracle::Tapered(_) | Oracle::HiF8(_) => [packed::exact(0); 2],
            Oracle::Binary => [packed::answer(Answer { code: 1, flags: INEXACT }); 2],
        }
    }

    /// Infinity is beyond every value; it is exact where its own code is the answer.
    fn infinity(&self, negative: bool) -> Pair {
        let beyond = |code| packed::answer(Answer { code, flags: OVERFLOW | INEXACT });
        let invalid = |code| packed::answer(Answer { code, flags: INVALID });
        match &self.oracle {
            Oracle::Float(oracle) => {
                let (spec, top) = (oracle.spec(), oracle.spec().top());
                let sign = u32::from(negative) << (spec.exponent_bits + spec.fraction_bits);
                let missing_sign = negative && !spec.signed;
                let largest = if missing_sign { 0 } else { sign | top };
                let special = if spec.infinity && !missing_sign {
                    packed::exact(sign | (top + 1))
                } else {
                    beyond(oracle.nan(negative).unwrap_or(largest))
                };
                [beyond(largest), special]
            }
            Oracle::Int(spec) => {
                let end = if negative { spec.min() } else { spec.max() };
                [invalid(spec.code(&end)), packed::REFUSED_INFINITY]
            }
            Oracle::Tapered(spec) => {
                let nar = 1u32 << (spec.bits() - 1);
                [beyond(if negative { nar + 1 } else { nar - 1 }), beyond(nar)]
            }
            Oracle::HiF8(_) => {
                let sign = u32::from(negative) << 7;
                [beyond(sign | 0x6e), packed::exact(sign | 0x6f)]
            }
            Oracle::Binary => [invalid(u32::from(!negative)); 2],
        }
    }

    /// NaN stays a NaN, and is refused where there is none; a signaling one is invalid.
    fn nan(&self, negative: bool, signaling: bool) -> Pair {
        let flags = if signaling { INVALID } else { 0 };
        let answer = match &self.oracle {
            Oracle::Float(oracle) => {
                oracle.encode_nan(negative, signaling).map_or(packed::REFUSED_NAN, packed::answer)
            }
            Oracle::Tapered(spec) => packed::answer(Answer { code: 1 << (spec.bits() - 1), flags }),
            Oracle::HiF8(_) => packed::answer(Answer { code: 0x80, flags }),
            Oracle::Int(_) | Oracle::Binary => packed::REFUSED_NAN,
        };
        [answer; 2]
    }
}

impl Stretch {
    fn constant(first: u32, inputs: u32, answers: Pair) -> Self {
        Self { first, repeats: 1, runs: vec![(inputs, answers)] }
    }

    fn once(segments: Vec<Segment<Pair>>) -> Self {
        let runs = segments.iter().map(|s| (s.last - s.first + 1, s.answer)).collect();
        Self { first: segments[0].first, repeats: 1, runs }
    }
}
