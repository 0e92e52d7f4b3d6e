//! Brevitas 0.12.1: the types that it states, and whole operations.

use fewbit::accumulate::bounds::{DataType, Sign};
use fewbit::tensor::growth::brevitas;
use fewbit::tensor::{
    AnyQuantTensor, BitGrowth, Granularity, IntError, IntTensor, ScaleMatch, Window,
};
use fewbit_formats::{IntRange, Signedness};
use ndarray::{ArrayD, IxDyn, arr0};
use serde_json::Value;

use crate::data::int;

fn data_type(name: &str) -> DataType {
    let sign = if name.starts_with('s') { Sign::Signed } else { Sign::Unsigned };
    DataType { bits: name[1..].parse().unwrap(), sign }
}

fn shape(text: &str) -> Vec<usize> {
    text.split(',').map(|n| n.parse().unwrap()).collect()
}

#[test]
fn every_stated_type_is_that_of_brevitas() {
    let lines = include_str!("../golden/brevitas_tensor/growth.txt").lines();
    let mut count = 0;
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (question, answer) = line.split_once(" = ").unwrap();
        let words: Vec<&str> = question.split(' ').collect();
        let number = |i: usize| words[i].parse::<usize>().unwrap();
        let of = |i: usize| data_type(words[i]);
        let found = match words[0] {
            "neg" => brevitas::negated(of(1)),
            "abs" => brevitas::absolute(of(1)),
            "avg" => brevitas::average(of(1), number(2)),
            "add" => brevitas::sum(of(1), of(2)),
            "sub" => brevitas::sum(of(1), brevitas::negated(of(2))),
            "mul" => brevitas::product(of(1), of(2)),
            "dot" => brevitas::dot(of(1), of(2), number(3)),
            "conv" => brevitas::convolution(of(1), of(2), &shape(words[3])),
            "convt" => {
                brevitas::transposed_convolution(of(1), of(2), &shape(words[3]), &shape(words[4]))
            }
            other => panic!("{other}"),
        };
        assert_eq!(found, data_type(answer), "{line}");
        count += 1;
    }
    assert!(count > 3000, "{count} lines");
}

fn operand(value: &Value) -> IntTensor {
    let stated = data_type(value["type"].as_str().unwrap());
    let signedness = match stated.sign {
        Sign::Signed => Signedness::Signed,
        Sign::Unsigned => Signedness::Unsigned,
    };
    let format = int(stated.bits, signedness, IntRange::Full);
    let mask = (format.code_count() - 1) as i64;
    let codes = ints(value).mapv(|int| (int & mask) as u32);
    let scale = arr0(scale(&value["scale"])).into_dyn();
    let tensor = AnyQuantTensor::new(format, &codes.view(), scale, None, Granularity::Tensor);
    tensor.unwrap().to_int().unwrap()
}

fn ints(value: &Value) -> ArrayD<i64> {
    let list = |key: &str| value[key].as_array().unwrap().iter().map(|n| n.as_i64().unwrap());
    let shape: Vec<usize> = list("shape").map(|n| n as usize).collect();
    ArrayD::from_shape_vec(IxDyn(&shape), list("ints").collect()).unwrap()
}

fn scale(value: &Value) -> f32 {
    f32::from_bits(u32::from_str_radix(value.as_str().unwrap(), 16).unwrap())
}

#[test]
fn whole_operations_are_those_of_brevitas() {
    let lines = include_str!("../golden/brevitas_tensor/operations.jsonl").lines().skip(1);
    let (mut count, mut refused) = (0, 0);
    for line in lines {
        let case: Value = serde_json::from_str(line).unwrap();
        let operands: Vec<IntTensor> =
            case["operands"].as_array().unwrap().iter().map(operand).collect();
        let (a, b) = (&operands[0], operands.last().unwrap());
        let rule = BitGrowth::Brevitas;
        let name = case["operation"].as_str().unwrap();
        let found = match name {
            "add" => a.add(b, rule, ScaleMatch::Close),
            "sub" => a.sub(b, rule, ScaleMatch::Close),
            "mul" => a.mul(b, rule),
            "linear" => a.linear(b, None, rule),
            "avg 2" => a.avg_pool2d(Window::square(2), rule),
            "max 2" => a.max_pool2d(Window::square(2), rule),
            "relu" => a.relu(rule),
            other => panic!("{other}"),
        };
        let expected = &case["result"];
        let stated = data_type(expected["type"].as_str().unwrap());
        count += 1;
        match found {
            Ok(found) => {
                assert_eq!(found.ints(), ints(expected), "{line}");
                assert_eq!(found.data_type(), stated, "{line}");
                // Brevitas multiplies scales in f32, which is the exact product rounded once.
                let scales = expected["scale"].as_array().unwrap();
                assert_eq!(*found.scale().first().unwrap() as f32, scale(&scales[0]), "{line}");
            }
            Err(IntError::Growth { value, data_type, .. }) => {
                assert_eq!(data_type, stated);
                assert!(ints(expected).iter().any(|&int| i128::from(int) == value), "{line}");
                refused += 1;
            }
            Err(error) => panic!("{error}: {line}"),
        }
    }
    assert!(count > 100 && refused < count / 4, "{refused} of {count}");
}
