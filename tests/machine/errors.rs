//! What a machine refuses, and that it is left as it was.

use fewbit::Accumulator;
use fewbit::accumulate::{AccumulatorError, Register, RegisterOverflow};
use fewbit::formats::Format;
use fewbit::machine::{MachineError, OperandFormat};
use fewbit::reference::{RandomBits, StepError, Value};
use ndarray::Array2;

fn acc(text: &str) -> Accumulator {
    text.parse().unwrap()
}

const RANDOM: RandomBits = RandomBits { seed: 0, output: 0 };

#[test]
fn a_step_that_cannot_be_made_is_refused_until_reset() {
    let mut machine = acc("exact/2,int8-sat").float_machine(RANDOM);
    machine.push_f64(0.5, 1.0).unwrap();
    let error = machine.push_f64(1.0, 1.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "stage 1, k = 1: `int8-sat` cannot sum 0x1.8p+0, which is not a whole number"
    );
    assert_eq!(machine.push_f64(0.5, 1.0), Err(error.clone()));
    assert_eq!(machine.drain(), Err(error));
    machine.reset(Value::ZERO);
    machine.push_f64(3.0, 1.0).unwrap();
    assert_eq!(machine.drain().unwrap().0.to_f64(), 3.0);
}

#[test]
fn codes_that_are_none() {
    let ternary: Format = "ternary".parse().unwrap();
    let mut machine = acc("int8-sat").machine_for(ternary, Format::E4M3FN).unwrap();
    assert!(matches!(machine.push(2, 0), Err(MachineError::Code { code: 2, .. })));
    assert!(matches!(machine.push(1, 0x100), Err(MachineError::Code { code: 0x100, .. })));
    machine.push(1, 0x38).unwrap();
    assert_eq!(machine.value().to_f64(), 1.0);
}

#[test]
fn operands_and_scales_that_do_not_fit() {
    let unit = acc("preset:blackwell-mxfp8");
    let error = unit.machine_for(Format::E4M3FN, Format::E4M3FN).unwrap_err().to_string();
    assert!(error.contains("e4m3fn scaled by e8m0fnu"), "{error}");
    let mxfp8 = OperandFormat::scaled(Format::E4M3FN, Format::E8M0FNU);
    let mut machine = unit.machine_for(mxfp8, mxfp8).unwrap();
    let error = machine.push_scaled(0, 0, Some(127), None).unwrap_err();
    assert!(matches!(error, MachineError::Scales { expected: 2, found: 1, .. }), "{error}");
}

#[test]
fn starting_values_that_no_register_has() {
    let mut machine = acc("int8-sat").machine().unwrap();
    machine.push_product(5);
    let error = machine.reset(128).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the starting value 128 does not fit `int8-sat`, which holds -128 to 127"
    );
    assert_eq!(machine.value(), 5);
    let int8: Format = "int8".parse().unwrap();
    let mut machine = acc("int8-sat").machine_for(int8, int8).unwrap();
    assert!(machine.reset(Value::from_f64(0.5)).is_err());
    assert!(machine.reset(Value::Nan).is_err());
}

#[test]
fn arrays_of_other_shapes() {
    assert!(acc("f32").machine_array(1, 1).is_err());
    for (rows, cols) in [(usize::MAX, usize::MAX), (1, usize::MAX), (usize::MAX, 0), (1 << 40, 1)] {
        assert!(matches!(
            acc("int8-sat").machine_array(rows, cols),
            Err(MachineError::TooLarge(_))
        ));
    }
    let mut array = acc("int8-sat").machine_array(2, 3).unwrap();
    assert!(array.push_outer(&[1], &[1, 1, 1]).is_err());
    assert!(array.push_outer(&[1, 1], &[1, 1]).is_err());
    assert!(array.push_products(&[1; 5]).is_err());
    assert!(array.reset(Some(Array2::zeros((3, 2)).view())).is_err());
    assert!(array.reset(Some(Array2::from_elem((2, 3), 128).view())).is_err());
    assert_eq!(array.values(), Array2::zeros((2, 3)));
}

#[test]
fn registers_that_no_accumulator_has() {
    let wide = Register::Int { bits: 65, overflow: RegisterOverflow::Wrap };
    assert_eq!(wide.step(0, 0), None);
    let error = wide.step_float(&Value::ZERO, &[], &|_| 0).unwrap_err();
    assert_eq!(error, StepError::Register(AccumulatorError::Bits(65)));
    let none = Register::Int { bits: 0, overflow: RegisterOverflow::Saturate };
    assert_eq!(none.step(i128::MAX, 1), None);
    // Sums are taken modulo 2^128.
    assert_eq!(Register::Exact.step(i128::MAX, 1).unwrap().after, i128::MIN);
}
