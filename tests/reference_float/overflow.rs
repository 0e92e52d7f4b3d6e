//! What a float register that names its overflow does, against an oracle that looks values up.

use fewbit::Accumulator;
use fewbit::formats::{Format, Status};
use fewbit::machine::Steps;
use fewbit::reference::{FloatOperand, matmul_float};
use ndarray::Array2;
use proptest::prelude::*;
use proptest::sample::select;

/// The finite values of a format of 8 bits or fewer, ascending, and beyond each end the value that the next code would have.
fn line(format: Format) -> Vec<f64> {
    let mut values: Vec<f64> = (0..format.code_count() as u32)
        .map(|c| format.decode(c))
        .filter(|x| x.is_finite())
        .collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let last = values.len() - 1;
    let beyond = values[last] + (values[last] - values[last - 1]);
    values.insert(0, -beyond);
    values.push(beyond);
    values
}

/// The value of the line that `x` becomes, and whether it is one that the format lacks; `x` may lie beyond the line.
fn on_line(line: &[f64], mode: &str, x: f64) -> (f64, bool) {
    let (low, high) = (line[0], line[line.len() - 1]);
    if x <= low || x >= high {
        return (x, true);
    }
    let above = line.iter().position(|&v| v >= x).unwrap();
    if line[above] == x {
        return (x, false);
    }
    let (down, up) = (line[above - 1], line[above]);
    let nearer = match (x - down).total_cmp(&(up - x)) {
        std::cmp::Ordering::Less => down,
        std::cmp::Ordering::Greater => up,
        // Neighbours have codes in turn, zero and the value beyond among them: the even one.
        std::cmp::Ordering::Equal => {
            let zero = line.iter().position(|&v| v == 0.0).unwrap();
            if above.abs_diff(zero) % 2 == 0 { up } else { down }
        }
    };
    let to = match mode {
        "rne" => nearer,
        "rz" => {
            if x < 0.0 {
                up
            } else {
                down
            }
        }
        "ru" => up,
        "rd" => down,
        _ => unreachable!(),
    };
    (to, to == low || to == high)
}

/// A register after a step; `None` where the format cannot say.
fn expected(format: Format, mode: &str, over: &str, line: &[f64], exact: f64) -> Option<f64> {
    let largest = line[line.len() - 2].copysign(exact);
    let special = if format.has_infinity() {
        Some(f64::INFINITY.copysign(exact))
    } else if format.has_nan() {
        Some(f64::NAN)
    } else {
        Some(largest)
    };
    if exact.is_nan() {
        return format.has_nan().then_some(exact);
    }
    if exact.is_infinite() {
        return if over == "-sat" { Some(largest) } else { special };
    }
    let (to, beyond) = on_line(line, mode, exact);
    if !beyond {
        return Some(to);
    }
    match over {
        "-sat" => Some(largest),
        "-special" => special,
        _ => match mode {
            "rz" => Some(largest),
            "ru" if exact < 0.0 => Some(largest),
            "rd" if exact > 0.0 => Some(largest),
            _ => special,
        },
    }
}

fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_step_beyond_the_largest_value_does_what_is_written(
        name in select(vec!["e4m3fn", "e5m2", "e4m3", "e3m4", "e2m3fn", "e2m1fn", "e4m3fnuz", "e3m2fin"]),
        mode in select(vec!["rne", "rz", "ru", "rd"]),
        over in select(vec!["", "-sat", "-special"]),
        width in 1usize..=3,
        // Sums that leave the format, and products at its ends.
        codes in prop::collection::vec((0u32..256, 0u32..256, 0u8..4), 1..40),
    ) {
        let format: Format = name.parse().unwrap();
        let line = line(format);
        // Factors whose products, and sums of them, f64 has.
        let factors: Format = "e4m3fn".parse().unwrap();
        let codes: Vec<(u32, u32)> = codes
            .into_iter()
            .map(|(a, b, kind)| if kind == 0 { (a & 0x80 | 0x7e, 0x38) } else { (a, b) })
            .filter(|&(a, b)| factors.decode(a).is_finite() && factors.decode(b).is_finite())
            .collect();
        let acc: Accumulator = format!("{name}-{mode}{over}*{width}").parse().unwrap();
        let mut machine = acc.machine_for(factors, factors).unwrap();
        let mut register = 0.0f64;
        for group in codes.chunks(width) {
            let products = group.iter().map(|&(a, b)| factors.decode(a) * factors.decode(b));
            let exact = register + products.sum::<f64>();
            let (_, beyond) = if exact.is_finite() { on_line(&line, mode, exact) } else { (exact, false) };
            let Some(after) = expected(format, mode, over, &line, exact) else {
                return Ok(());
            };
            let mut made = 0;
            for &(a, b) in group {
                if let Steps::Float(steps) = machine.push(a, b).unwrap() {
                    made += steps.len();
                    if let Some(step) = steps.first() {
                        prop_assert!(same(step.step.after.to_f64(), after), "{acc}: {register} to {exact}");
                        prop_assert_eq!(step.step.status.contains(Status::OVERFLOW), beyond, "{}: {}", acc, exact);
                    }
                }
            }
            if made == 0 {
                prop_assert!(same(machine.drain().unwrap().to_f64(), after), "{acc}: {register} to {exact}");
            }
            register = after;
        }
        let operand = |codes: Vec<u32>, shape| {
            let codes = Array2::from_shape_vec(shape, codes).unwrap();
            FloatOperand::from_codes(codes.view(), factors).unwrap()
        };
        let (a, b): (Vec<u32>, Vec<u32>) = codes.iter().copied().unzip();
        let (a, b) = (operand(a, (1, codes.len())), operand(b, (codes.len(), 1)));
        let value = matmul_float(&a, &b, &acc, None, 0).unwrap().values[[0, 0]];
        prop_assert!(same(value, register), "{acc}");
        let fast = fewbit::matmul_float(&a, &b, &acc, &fewbit::FloatOptions::default()).unwrap();
        prop_assert!(same(fast.values[[0, 0]], register), "{acc} by {}", fast.engine);
    }
}

#[test]
fn an_aligned_register_that_names_its_overflow() {
    let run = |text: &str| {
        let mut machine = text
            .parse::<Accumulator>()
            .unwrap()
            .machine_for(Format::E4M3FN, Format::E4M3FN)
            .unwrap();
        for _ in 0..4 {
            machine.push(0x7e, 0x7e).unwrap(); // 448 * 448 = 200704
        }
        machine.value().to_f64()
    };
    assert_eq!(run("aligned13:f16-rz"), f64::INFINITY);
    assert_eq!(run("aligned13:f16-rz-special"), f64::INFINITY);
    assert_eq!(run("aligned13:f16-rz-sat"), 65504.0);
    assert!(run("aligned13:e4m3fn").is_nan());
    assert_eq!(run("aligned13:e4m3fn-rne-sat"), 448.0);
    // Rounded products: each of them saturates, and their sum does not.
    assert_eq!(run("e4m3fn-rne-sat/1,f32"), 4.0 * 448.0);
}
