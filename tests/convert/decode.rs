//! Decoding.

use fewbit::Isa;
use fewbit::convert::{Code, Decoder};
use fewbit::formats::Format;

fn check<C: Code>(format: Format) {
    let codes: Vec<C> =
        (0..format.code_count().min(1 << 16) as u32).rev().map(|code| C::from_u32(code)).collect();
    for isa in Isa::available() {
        let decoder = Decoder::new(format).with_isa(isa).unwrap();
        let mut values = vec![0.0; codes.len()];
        decoder.decode(&codes, &mut values).unwrap();
        for (code, value) in codes.iter().zip(values) {
            let expected = format.decode(code.to_u32()) as f32;
            assert_eq!(value.to_bits(), expected.to_bits(), "{format} {isa}: code {code:?}");
        }
    }
}

pub(crate) fn check_any(format: Format) {
    match format.bits() {
        0..=8 => check::<u8>(format),
        9..=16 => check::<u16>(format),
        _ => check::<u32>(format),
    }
}

#[test]
fn every_code_of_every_table_format() {
    Format::table().iter().for_each(|row| check_any(row.format));
}

#[test]
fn every_code_of_custom_formats() {
    for exponent in 1..=11 {
        for fraction in 0..=10 {
            for bias in ["", "b-3", "b1", "b126", "b127", "b128", "b130", "b150", "b-100", "b-127"]
            {
                for suffix in ["", "fn", "fnuz", "fin", "finu"] {
                    let name = format!("e{exponent}m{fraction}{bias}{suffix}");
                    let Ok(format) = name.parse::<Format>() else { continue };
                    if format.bits() <= 12 {
                        check_any(format);
                    }
                }
            }
        }
    }
}

#[test]
fn every_code_of_integers() {
    for bits in 1..=12 {
        for range in ["", "n"] {
            for kind in ["int", "uint"] {
                if let Ok(format) = format!("{kind}{bits}{range}").parse() {
                    check_any(format);
                }
            }
        }
        for fraction in [-128, -64, -3, 0, 4, 63, 65, 127] {
            check_any(format!("fix{bits}.{fraction}").parse().unwrap());
            check_any(format!("ufix{bits}.{fraction}").parse().unwrap());
        }
    }
}

#[test]
fn any_number_of_codes_of_a_table() {
    let decoder = Decoder::new(Format::POSIT8);
    for isa in Isa::available() {
        let decoder = decoder.clone().with_isa(isa).unwrap();
        for count in [0, 1, 63, 64, 65, 127, 128, 200] {
            let codes: Vec<u8> = (0..count).map(|i| (i * 89 + 7) as u8).collect();
            let wide: Vec<u32> = codes.iter().map(|&code| 0xab00 | u32::from(code)).collect();
            let (mut values, mut same) = (vec![1.0; count], vec![1.0; count]);
            decoder.decode(&codes, &mut values).unwrap();
            decoder.decode(&wide, &mut same).unwrap();
            let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let expected: Vec<f32> =
                codes.iter().map(|&code| Format::POSIT8.decode(code.into()) as f32).collect();
            assert_eq!(bits(&values), bits(&expected), "{isa}: {count}");
            assert_eq!(bits(&same), bits(&expected), "{isa}: {count}");
        }
    }
}

#[test]
fn bits_above_the_width_are_ignored() {
    let mut values = [0.0; 2];
    Decoder::new(Format::E2M1FN).decode(&[0x17u8, 0xff], &mut values).unwrap();
    assert_eq!(values, [6.0, -6.0]);
}
