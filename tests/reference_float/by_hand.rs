//! Cases small enough to do by hand, the special values among them.

use fewbit::reference::{
    FloatError, FloatOperand, ReferenceProduct, Scales, StepError, matmul_float,
};
use fewbit_formats::{Format, Rounding};
use ndarray::{Array2, array};

const INF: f64 = f64::INFINITY;

/// The sum of `products` (each times 1) through `acc`, from `init`.
fn sum_from(
    acc: &str,
    format: &str,
    products: &[f64],
    init: Option<f64>,
) -> Result<ReferenceProduct, FloatError> {
    let format: Format = format.parse().unwrap();
    let left = Array2::from_shape_vec((1, products.len()), products.to_vec()).unwrap();
    let ones = Array2::from_elem((products.len(), 1), 1.0);
    let (a, b) = (
        FloatOperand::from_values(left.view(), format)?,
        FloatOperand::from_values(ones.view(), format)?,
    );
    let init = init.map(|init| array![[init]]);
    matmul_float(&a, &b, &acc.parse().unwrap(), init.as_ref().map(|i| i.view()), 0)
}

fn sum(acc: &str, products: &[f64]) -> f64 {
    sum_from(acc, "f32", products, None).unwrap().values[[0, 0]]
}

#[test]
fn addends_below_the_alignment_are_lost() {
    // 2^24 and 2^-1 are 25 places apart: 24 fraction bits drop the half, 25 keep it.
    let addends = [16_777_216.0, 0.5, 0.5, 0.5];
    assert_eq!(sum("aligned24:f32-rz*4", &addends), 16_777_216.0);
    // 25 bits keep 1.5; the result's own 23 fraction bits (units of 2) do not.
    assert_eq!(sum("aligned25:f32-rz*4", &addends), 16_777_216.0);
    assert_eq!(sum("aligned25:f32-ru*4", &addends), 16_777_218.0);
    // One by one and to nearest, each is lost; together, before one rounding, they are not.
    assert_eq!(sum("f32-rne", &addends), 16_777_216.0);
    assert_eq!(sum("f32-rne*4", &addends), 16_777_218.0);
}

#[test]
fn truncation_is_of_the_magnitude_and_floor_is_not() {
    let addends = [1024.0, -0.75, -0.75];
    assert_eq!(sum("aligned10-rz:f32*3", &addends), 1024.0);
    assert_eq!(sum("aligned10-rd:f32*3", &addends), 1022.0);
    assert_eq!(sum("aligned10-rne:f32*3", &addends), 1022.0);
    assert_eq!(sum("exact", &addends), 1022.5);
}

#[test]
fn product_exponents_are_not_renormalised() {
    // 1.5 * 1.5 = 2.25 has the exponent 0 of its factors: three fraction bits keep 2^-3. As a renormalised 1.125 * 2^1
    // it would keep only 2^-2, and the small addend with it.
    let a = FloatOperand::from_values(array![[1.5, 0.125]].view(), Format::F16).unwrap();
    let b = FloatOperand::from_values(array![[1.5], [1.0]].view(), Format::F16).unwrap();
    let run =
        |acc: &str| matmul_float(&a, &b, &acc.parse().unwrap(), None, 0).unwrap().values[[0, 0]];
    assert_eq!(run("aligned3:f32*2"), 2.375);
    assert_eq!(run("aligned2:f32*2"), 2.25);
    // Handed on by an exact stage, the product is a value with an exponent of its own.
    assert_eq!(run("exact/1,aligned3:f32*2"), 2.25 + 0.0);
}

#[test]
fn subnormal_factors_have_the_least_exponent() {
    // 2^-24 is f16's smallest value; with 0.5 its product has the exponent -14 - 1, not -25.
    let a = FloatOperand::from_values(array![[2f64.powi(-24), 2f64.powi(-16)]].view(), Format::F16)
        .unwrap();
    let b = FloatOperand::from_values(array![[0.5], [2f64.powi(-14)]].view(), Format::F16).unwrap();
    let run =
        |acc: &str| matmul_float(&a, &b, &acc.parse().unwrap(), None, 0).unwrap().values[[0, 0]];
    assert_eq!(run("aligned10:f32*2"), 2f64.powi(-25));
    assert_eq!(run("aligned9:f32*2"), 0.0);
}

#[test]
fn the_register_is_one_of_the_addends() {
    // 2^13 in the register pushes 2^-1 below 13 fraction bits, in the second step as in the first.
    assert_eq!(sum("aligned13:e8m13-rz*2", &[8192.0, 0.0, 0.5, 0.5]), 8192.0);
    assert_eq!(
        sum_from("aligned13:e8m13-rz*2", "f32", &[0.5, 0.5], Some(8192.0)).unwrap().values[[0, 0]],
        8192.0
    );
    assert_eq!(sum("aligned13:e8m13-rz*2", &[4096.0, 0.0, 0.5, 0.5]), 4097.0);
    // Promotion every two products keeps what a long chain loses.
    assert_eq!(sum("aligned13:e8m13-rz*2/2,f32", &[8192.0, 0.0, 0.5, 0.5]), 8193.0);
}

#[test]
fn half_precision_stops_at_2048() {
    let ones = vec![1.0; 5000];
    let product = sum_from("f16", "f32", &ones, None).unwrap();
    assert_eq!(product.values[[0, 0]], 2048.0);
    assert_eq!(product.report.stages[0].absorbed, 5000 - 2048);
    assert_eq!(product.report.stages[0].inexact, 5000 - 2048);
    // In chunks of 64 it does not.
    assert_eq!(sum("f16/64,f16", &ones[1..]), 5000.0);
    assert_eq!(sum("f16/64,f32", &ones[1..]), 4999.0);
}

#[test]
fn overflow_is_an_event() {
    let product = sum_from("f16", "f32", &[65504.0, 16.0, 1.0], None).unwrap();
    assert_eq!(product.values[[0, 0]], INF);
    let stage = &product.report.stages[0];
    let first = stage.first.as_ref().unwrap();
    assert_eq!((stage.events, stage.outputs, first.k), (1, 1, 1));
    assert_eq!(first.value.to_f64(), 65520.0);
    assert_eq!(sum("f16-rz", &[65504.0, 16.0, 65504.0]), 65504.0);
    // A unit goes to infinity even if it truncates.
    assert_eq!(sum("aligned24:f16-rz", &[65504.0, 65504.0]), INF);
    assert_eq!(sum("f16-rd", &[-65504.0, -65504.0]), -INF);
    assert_eq!(sum("f16-rd", &[65504.0, 65504.0]), 65504.0);
    // OCP's E4M3 has no infinity: NaN stands for it.
    assert!(sum("e4m3fn", &[448.0, 448.0]).is_nan());
}

#[test]
fn infinities_and_nan() {
    for acc in
        ["f32", "f32*3", "exact", "aligned13:e8m13-rz", "aligned13:e8m13-rz*3", "f32/2,aligned20"]
    {
        assert_eq!(sum(acc, &[1.0, INF, 1.0]), INF, "{acc}");
        assert_eq!(sum(acc, &[-INF, 2.0, 1.0]), -INF, "{acc}");
        assert!(sum(acc, &[INF, 0.0, -INF]).is_nan(), "{acc}");
        assert!(sum(acc, &[f64::NAN, 0.0, INF]).is_nan(), "{acc}");
    }
    // Infinity times zero.
    let a = FloatOperand::from_values(array![[INF]].view(), Format::F16).unwrap();
    let b = FloatOperand::from_values(array![[0.0]].view(), Format::F16).unwrap();
    let product = matmul_float(&a, &b, &"f32".parse().unwrap(), None, 0).unwrap();
    assert!(product.values[[0, 0]].is_nan());
    let product = sum_from("f32", "f32", &[INF, -INF, 1.0], None).unwrap();
    assert_eq!(product.report.stages[0].invalid, 1);
}

#[test]
fn signs_of_zero_are_ieee_in_float_registers() {
    let negative = |x: f64| x == 0.0 && x.is_sign_negative();
    assert!(!negative(sum("f32", &[-0.0])));
    assert!(negative(sum_from("f32", "f32", &[-0.0], Some(-0.0)).unwrap().values[[0, 0]]));
    assert!(!negative(sum("f32", &[1.0, -1.0])));
    assert!(negative(sum("f32-rd", &[1.0, -1.0])));
    assert!(negative(sum("e5m2", &[-(2f64.powi(-20))])));
    assert!(!negative(sum("aligned24:e5m2", &[-(2f64.powi(-20))])));
}

#[test]
fn products_can_be_rounded_first() {
    // 1.0625^2 = 1.12890625 rounds to 1.125 in four fraction bits.
    let a = FloatOperand::from_values(array![[1.0625]].view(), Format::F16).unwrap();
    let run =
        |acc: &str| matmul_float(&a, &a, &acc.parse().unwrap(), None, 0).unwrap().values[[0, 0]];
    assert_eq!(run("e5m4/1,f32"), 1.125);
    assert_eq!(run("f32"), 1.12890625);
}

#[test]
fn a_pairwise_tree_is_a_list_of_stages() {
    // (1 + 2^-12) + (2^-12 + 2^-12): every addition in half precision.
    let tiny = 2f64.powi(-12);
    assert_eq!(sum("f16*2/2,f16*2", &[1.0, tiny, tiny, tiny]), 1.0);
    assert_eq!(sum("f16*2/2,f16*2", &[1.0, 4.0 * tiny, 2.0 * tiny, 2.0 * tiny]), 1.0 + 8.0 * tiny);
}

#[test]
fn an_exact_register_is_rounded_once_on_its_way_out() {
    let product =
        sum_from("exact", "f32", &[2f64.powi(100), 1.0, -(2f64.powi(100))], None).unwrap();
    assert_eq!((product.values[[0, 0]], product.rounded), (1.0, 0));
    let product = sum_from("exact", "f32", &[2f64.powi(100), 1.0], None).unwrap();
    assert_eq!((product.values[[0, 0]], product.rounded), (2f64.powi(100), 1));
}

#[test]
fn integer_registers_refuse_fractions_and_infinities() {
    let error = sum_from("int8-sat", "f32", &[1.0, 0.5], None).unwrap_err();
    let FloatError::Step { stage: 0, k: 1, error: step, .. } = &error else { panic!("{error}") };
    assert_eq!(
        *step,
        StepError::Fraction { register: "int8-sat".into(), value: "0x1.8p+0".into() }
    );
    assert_eq!(
        error.to_string(),
        "output (0, 0), stage 0, k = 1: `int8-sat` cannot sum 0x1.8p+0, which is not a whole number"
    );
    let error = sum_from("f16/1,int8-wrap", "f32", &[1e6], None).unwrap_err();
    assert!(error.to_string().ends_with("stage 1, k = 0: `int8-wrap` cannot hold inf"), "{error}");
    assert_eq!(sum("f32*2/2,int4-wrap", &[0.5, 9.5]), -6.0);
    let error = sum_from("e3m2fn", "f32", &[f64::NAN], None).unwrap_err();
    assert!(
        error.to_string().ends_with("`e3m2fn-rne` cannot hold NaN: its format has none"),
        "{error}"
    );
}

#[test]
fn a_start_value_need_not_be_in_the_register_s_format() {
    // A C matrix in f32, added by a unit whose results have 13 fraction bits.
    let start = 1.0 + 2f64.powi(-20);
    let run = |products: &[f64]| {
        sum_from("aligned24:e8m13-rz", "f32", products, Some(start)).unwrap().values[[0, 0]]
    };
    assert_eq!(run(&[]), start);
    assert_eq!(run(&[0.0]), 1.0);
}

#[test]
fn stochastic_rounding_is_unbiased_and_replayable() {
    // 1 + 2^-12 in ten fraction bits: up once in four steps.
    let a = Array2::from_elem((64, 1), 1.0 + 2f64.powi(-12));
    let a = FloatOperand::from_values(a.view(), Format::F32).unwrap();
    let b = FloatOperand::from_values(Array2::from_elem((1, 64), 1.0).view(), Format::F32).unwrap();
    let run = |seed| matmul_float(&a, &b, &"f16-sr8".parse().unwrap(), None, seed).unwrap().values;
    let up = run(1).iter().filter(|&&x| x > 1.0).count();
    assert!((900..1150).contains(&up), "{up} of 4096 went up, of 1024 expected");
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn operands_are_checked() {
    let fp8 = || FloatOperand::from_codes(array![[0x38u32]].view(), Format::E4M3FN).unwrap();
    let error = FloatOperand::from_codes(array![[0x100u32]].view(), Format::E4M3FN).unwrap_err();
    assert_eq!(
        error.to_string(),
        "element (0, 0) is code 0x100, which e4m3fn (8 bits) does not have"
    );
    let error =
        matmul_float(&fp8(), &fp8(), &"preset:a100-f16".parse().unwrap(), None, 0).unwrap_err();
    assert_eq!(error.to_string(), "`preset:a100-f16` takes f16, not e4m3fn");
    let error = matmul_float(&fp8(), &fp8(), &"preset:blackwell-mxfp8".parse().unwrap(), None, 0)
        .unwrap_err();
    assert!(
        error.to_string().ends_with("in blocks of 32 scaled by e8m0fnu, not e4m3fn"),
        "{error}"
    );
    let scales = |shape| Scales {
        format: Format::E8M0FNU,
        block: 32,
        values: Array2::from_elem(shape, 2.0),
    };
    let scaled = fp8().with_scales(scales((1, 1)));
    let product =
        matmul_float(&scaled, &scaled, &"preset:blackwell-mxfp8".parse().unwrap(), None, 0);
    assert_eq!(product.unwrap().values[[0, 0]], 4.0);
    let error =
        matmul_float(&fp8().with_scales(scales((1, 2))), &fp8(), &"f32".parse().unwrap(), None, 0);
    assert_eq!(
        error.unwrap_err().to_string(),
        "scales of 1x2 do not fit elements of 1x1 in blocks of 32: expected 1x1"
    );
    let rounded =
        FloatOperand::rounded(array![[1.1, 1e9]].view(), Format::E4M3FN, Rounding::TiesEven, 0);
    assert_eq!(rounded.unwrap().values(), array![[1.125, 448.0]]);
    let wide = FloatOperand::from_values(array![[1.0, 2.0]].view(), Format::F16).unwrap();
    let error = matmul_float(&wide, &fp8(), &"f32".parse().unwrap(), None, 0).unwrap_err();
    assert_eq!(error, FloatError::Shape { m: 1, ka: 2, kb: 1, n: 1 });
    let init = array![[0.0, 0.0]];
    let error =
        matmul_float(&fp8(), &fp8(), &"f32".parse().unwrap(), Some(init.view()), 0).unwrap_err();
    assert_eq!(error, FloatError::InitShape { rows: 1, cols: 2, m: 1, n: 1 });
}

#[test]
fn what_alignment_adds_rounding_may_take_back() {
    // 1 + 1/16 - 1/16, cut upward to eighths: 1 + 1/8 + 0. In quarters that is 1 again, downward, and 1.25 upward.
    let step = |acc: &str| {
        let product = sum_from(acc, "f32", &[1.0, 0.0625, -0.0625], None).unwrap();
        (product.values[[0, 0]], product.report.stages[0].inexact)
    };
    assert_eq!(step("aligned3-ru:e8m2-rd*3"), (1.0, 0));
    assert_eq!(step("aligned3-ru:e8m2-ru*3"), (1.25, 1));
    assert_eq!(step("aligned3-ru:e8m3-rd*3"), (1.125, 1));
}
