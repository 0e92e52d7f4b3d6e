//! Cut, turned, reshaped, joined: the values are those of the same operation on the values.

use fewbit::convert::PackOrder;
use fewbit::formats::{GroupFormat, NanPolicy, PolicyPreset};
use fewbit::quantize::Quantizer;
use fewbit::tensor::{AnyQuantTensor, Granularity, TensorError};
use fewbit_formats::Format;
use ndarray::{ArrayD, ArrayViewD, Axis, Dimension, IxDyn, concatenate};
use proptest::prelude::*;

use crate::data::{Random, code, from_the_front, granularity, tensor};

const FORMATS: &[&str] = &[
    "int8", "int4n", "uint3", "binary", "ternary", "fix8.4", "e4m3fn", "e5m2", "e4m3fnuz",
    "e2m1fn", "e3m2fn", "bf16", "f16", "int12", "int32", "f32", "posit8", "takum12",
];

fn format(random: &mut Random) -> Format {
    random.pick(FORMATS).parse().unwrap()
}

fn shape(random: &mut Random) -> Vec<usize> {
    (0..random.below(4)).map(|_| random.below(7)).collect()
}

fn bits(values: ArrayViewD<'_, f32>) -> (Vec<usize>, Vec<u32>) {
    // NaN has many codes; all are one value here.
    let bits = values.iter().map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() });
    (values.shape().to_vec(), bits.collect())
}

fn shuffled(random: &mut Random, axes: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..axes).collect();
    for i in (1..axes).rev() {
        order.swap(i, random.below(i + 1));
    }
    order
}

/// Every shape of up to four axes with as many elements.
fn shapes_of(elements: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    let mut found = Vec::new();
    while let Some(shape) = all.pop() {
        let product: usize = shape.iter().product();
        if product == elements {
            found.push(shape.clone());
        }
        if shape.len() < 4 && elements > 0 {
            for n in (1..=elements).filter(|n| {
                (elements / product).is_multiple_of(*n) && elements.is_multiple_of(product)
            }) {
                all.push(shape.iter().copied().chain([n]).collect());
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quantized_tensors_keep_their_values(seed: u64) {
        let mut random = Random(seed);
        let shape = shape(&mut random);
        let of = granularity(&mut random, shape.len());
        let zeros = random.below(2) == 0;
        let t = tensor_of(&mut random, &shape, of, zeros);
        let values = t.dequantize();
        let order = shuffled(&mut random, shape.len());
        let turned = t.permuted_axes(&order).unwrap();
        let expected = values.view().permuted_axes(IxDyn(&order));
        prop_assert_eq!(bits(turned.dequantize().view()), bits(expected));
        prop_assert!(t.transposed().unwrap().transposed().unwrap().dequantize().shape() == shape);
        prop_assert!(t.permuted_axes(&vec![0; shape.len() + 1]).is_err());
        if !shape.is_empty() {
            let place = random.below(shape.len());
            let (axis, extent) = (place as isize, shape[place]);
            let (a, b) = (random.below(extent + 1), random.below(extent + 1));
            let range = a.min(b)..a.max(b);
            let expected = values.slice_axis(Axis(place), range.clone().into());
            match t.slice_axis(axis, range.clone()) {
                Ok(part) => prop_assert_eq!(bits(part.dequantize().view()), bits(expected)),
                Err(TensorError::Slice { unit, .. }) => {
                    prop_assert!(range.start % unit != 0 && range.start / unit != (range.end.max(1) - 1) / unit || range.is_empty());
                    // The remedy.
                    let each = t.with_granularity(Granularity::Group { axis, size: 1 }).unwrap();
                    let part = each.slice_axis(axis, range).unwrap();
                    prop_assert_eq!(bits(part.dequantize().view()), bits(expected));
                }
                Err(error) => panic!("{error}"),
            }
            // Cut where no group is, the parts are the whole again.
            let unit = match of {
                Granularity::Group { size, axis } if axis.rem_euclid(shape.len() as isize) == place as isize => size,
                _ => 1,
            };
            let middle = (a / unit * unit).min(extent);
            let parts = [t.slice_axis(axis, 0..middle).unwrap(), t.slice_axis(axis, middle..extent).unwrap()];
            let whole = AnyQuantTensor::concatenate(axis, &[&parts[0], &parts[1]]).unwrap();
            prop_assert_eq!(bits(whole.dequantize().view()), bits(values.view()));
            prop_assert_eq!(whole.scale(), t.scale());
        }
        for new in shapes_of(shape.iter().product()) {
            match t.reshaped(&new) {
                Ok(reshaped) => {
                    let reshaped = reshaped.dequantize();
                    prop_assert_eq!(reshaped.shape(), new.as_slice());
                    prop_assert_eq!(bits(reshaped.view()).1, bits(values.view()).1);
                }
                Err(TensorError::Reshape { .. }) => prop_assert!(of != Granularity::Tensor),
                Err(error) => panic!("{error}"),
            }
        }
        prop_assert!(t.reshaped(&[shape.iter().product::<usize>() + 1]).is_err());
        for order in PackOrder::ALL {
            let bytes = t.packed(order);
            prop_assert_eq!(bytes.len(), (t.codes().len() * t.bit_width() as usize).div_ceil(8));
            let again = AnyQuantTensor::from_packed(
                t.format(), &shape, order, &bytes, t.scale().clone(), t.zero_point().cloned(), of,
            ).unwrap();
            prop_assert_eq!(&again, &t);
        }
    }

    #[test]
    fn a_finer_granularity_has_the_same_values(seed: u64) {
        let mut random = Random(seed);
        let shape: Vec<usize> = (0..1 + random.below(3)).map(|_| 1 + random.below(6)).collect();
        let (of, finer) = (granularity(&mut random, shape.len()), granularity(&mut random, shape.len()));
        let t = tensor_of(&mut random, &shape, of, true);
        match t.with_granularity(finer) {
            Ok(fine) => {
                prop_assert_eq!(fine.granularity(), from_the_front(finer, &shape));
                prop_assert_eq!(bits(fine.dequantize().view()), bits(t.dequantize().view()));
            }
            // Scales are drawn so that no two are equal: some group must have had two.
            Err(TensorError::Refine { .. }) => {
                let scale = t.expand(t.scale());
                prop_assert!(AnyQuantTensor::new(
                    t.format(), &t.codes().view(), scale_of(&scale, &shape, finer), None, finer,
                ).unwrap().expand(&scale_of(&scale, &shape, finer)) != scale);
            }
            Err(error) => panic!("{error}"),
        }
        let each = Granularity::Group { axis: 0, size: 1 };
        prop_assert!(t.with_granularity(each).is_ok());
    }

    #[test]
    fn negated_codes_have_negated_values(seed: u64) {
        let mut random = Random(seed);
        let format = format(&mut random);
        let shape = [1 + random.below(20)];
        let t = tensor(&mut random, format, &shape, Granularity::Tensor, false);
        let negative = t.dequantize().mapv(|x| -x);
        match t.negated() {
            Ok(negated) => prop_assert_eq!(negated.dequantize(), negative),
            Err(TensorError::Negate { value, .. }) => {
                let codes = 0..format.code_count().min(1 << 16) as u32;
                prop_assert!(format.bits() > 16 || codes.into_iter().all(|code| format.decode(code) != -value));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// One scale per group of `finer`: that of its first element.
fn scale_of(scale: &ArrayD<f32>, shape: &[usize], finer: Granularity) -> ArrayD<f32> {
    let scales = crate::data::scale_shape(shape, finer);
    ArrayD::from_shape_fn(IxDyn(&scales), |index| {
        let mut element: Vec<usize> = index.slice().to_vec();
        element.resize(shape.len(), 0);
        if let Granularity::Group { axis, size } = finer {
            element[axis.rem_euclid(shape.len() as isize) as usize] *= size;
        }
        scale[IxDyn(&element)]
    })
}

fn tensor_of(random: &mut Random, shape: &[usize], of: Granularity, zeros: bool) -> AnyQuantTensor {
    let format = format(random);
    tensor(random, format, shape, of, zeros)
}

#[test]
fn tensors_that_do_not_belong_together_are_refused() {
    let mut random = Random(5);
    let format = Format::INT4;
    let group = Granularity::Group { axis: 1, size: 4 };
    let [a, b] = [(); 2].map(|()| tensor(&mut random, format, &[2, 6], group, false));
    let message = |axis, tensors: &[&AnyQuantTensor]| {
        AnyQuantTensor::concatenate(axis, tensors).unwrap_err().to_string()
    };
    assert_eq!(
        message(1, &[&a, &b]),
        "tensor 0 cannot be joined along axis 1: its 6 elements are not whole groups of 4, so the next one's first group \
         would be cut"
    );
    assert!(AnyQuantTensor::concatenate(0, &[&a, &b]).is_ok());
    let other = tensor(&mut random, Format::INT8, &[2, 6], group, false);
    assert_eq!(message(0, &[&a, &other]), "the tensor's format is int8: expected int4");
    let wide = tensor(&mut random, format, &[2, 5], group, false);
    assert!(message(0, &[&a, &wide]).contains("its shape is [2, 5], that of the first [2, 6]"));
    let [c, d] = [(); 2].map(|()| tensor(&mut random, format, &[2, 6], Granularity::Tensor, false));
    assert!(message(0, &[&c, &d]).contains("give both one per index of the axis"));
    let rows = |t: &AnyQuantTensor| t.with_granularity(Granularity::Channel { axis: 0 }).unwrap();
    let joined = AnyQuantTensor::concatenate(0, &[&rows(&c), &rows(&d)]).unwrap();
    let expected = concatenate(Axis(0), &[c.dequantize().view(), d.dequantize().view()]).unwrap();
    assert_eq!(joined.dequantize(), expected);
    assert_eq!(message(0, &[]), "there is no tensor to concatenate: expected at least one");
    let mixed = tensor(&mut random, Format::BF16, &[2, 6], Granularity::Tensor, false);
    assert!(message(0, &[&c, &mixed]).contains("bf16"));
}

const GROUPS: &[&str] = &[
    "mxfp8e4m3",
    "mxfp4",
    "mxint8",
    "nvfp4",
    "mx(bf16,f32,6)",
    "mx(int4,uint6*f16/3,4)",
    "mx(uint4,f16,8,zero-point)",
];

fn groups(name: &str, random: &mut Random, shape: &[usize], axis: isize) -> AnyQuantTensor {
    let format: GroupFormat = name.parse().unwrap();
    let mut policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&format);
    policy.element = policy.element.with_nan(NanPolicy::Zero);
    let x = ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        (random.next() as i32) as f32 * 2f32.powi(random.below(20) as i32 - 40)
    });
    Quantizer::of_groups(format, axis, policy).unwrap().quantize(&x.view()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tensors_of_groups_keep_their_values(seed: u64) {
        let mut random = Random(seed);
        for name in GROUPS {
            let shape: Vec<usize> = (0..1 + random.below(3)).map(|_| 1 + random.below(40)).collect();
            let place = random.below(shape.len());
            let t = groups(name, &mut random, &shape, place as isize);
            let values = t.dequantize();
            let order = shuffled(&mut random, shape.len());
            let turned = t.permuted_axes(&order).unwrap();
            let expected = values.view().permuted_axes(IxDyn(&order));
            prop_assert_eq!(bits(turned.dequantize().view()), bits(expected));
            prop_assert_eq!(&t.transposed().unwrap().transposed().unwrap(), &t);
            // A group cut at its end is a group.
            let axis = random.below(shape.len());
            let end = 1 + random.below(shape[axis]);
            let part = t.slice_axis(axis as isize, 0..end).unwrap();
            let expected = values.slice_axis(Axis(axis), (0..end).into());
            prop_assert_eq!(bits(part.dequantize().view()), bits(expected));
            // Axes of one element can come and go, and others can be joined and split where no group is cut.
            let mut wider = shape.clone();
            wider.insert(random.below(shape.len() + 1), 1);
            let reshaped = t.reshaped(&wider).unwrap();
            prop_assert_eq!(bits(reshaped.dequantize().view()).1, bits(values.view()).1);
            let back = reshaped.reshaped(&shape).unwrap();
            prop_assert_eq!(bits(back.dequantize().view()), bits(values.view()));
            // Of several axes of one element each can be that of the groups.
            prop_assert!(shape[place] == 1 || back == t);
            let flat = [shape.iter().product()];
            if let Ok(flat) = t.reshaped(&flat) {
                prop_assert_eq!(bits(flat.dequantize().view()).1, bits(values.view()).1);
            }
            // Along another axis than the groups' anything can follow; along theirs after whole groups.
            let joined = AnyQuantTensor::concatenate(axis as isize, &[&t, &t]);
            let twice = concatenate(Axis(axis), &[values.view(), values.view()]).unwrap();
            match joined {
                Ok(joined) => prop_assert_eq!(bits(joined.dequantize().view()), bits(twice.view())),
                Err(error) => prop_assert!(axis == place && error.to_string().contains("would be cut"), "{}", error),
            }
            if t.format() == Format::INT4 {
                let ints = t.to_int().unwrap();
                let expected = t.dequantize().mapv(f64::from);
                let single = ints.dequantize().mapv(|x| f64::from(x as f32));
                prop_assert_eq!(single, expected);
            }
        }
    }
}

#[test]
fn every_code_of_a_format_can_be_drawn() {
    let mut random = Random(3);
    let drawn: std::collections::BTreeSet<u32> =
        (0..2000).map(|_| code(&mut random, Format::INT4)).collect();
    assert_eq!(drawn.len(), 16);
}
