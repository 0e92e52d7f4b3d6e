//! Results that no memory holds: an error of the caller's, not the end of the process.

use fewbit::reference::{self, FloatError, FloatOperand, ReferenceError};
use fewbit::{
    Accumulator, Conv2d, ConvError, FloatMatmulError, FloatOptions, MatmulError, MatmulOptions,
    PackedMatrix, ReportLevel, conv2d, matmul, matmul_float, matmul_packed, required_widths,
};
use ndarray::{Array2, Array4};

type Tested = Result<(), Box<dyn std::error::Error>>;

const HUGE: usize = 1 << 40;

#[test]
fn products_that_no_memory_holds() -> Tested {
    let acc: Accumulator = "int16-sat".parse()?;
    for (m, n) in [(HUGE, HUGE), (1 << 31, 1 << 31), (1 << 29, 1 << 29)] {
        let (a, b) = (Array2::<i8>::zeros((m, 0)), Array2::<i8>::zeros((0, n)));
        for report in [ReportLevel::None, ReportLevel::Events, ReportLevel::Full] {
            let options = MatmulOptions { report, ..MatmulOptions::default() };
            let product = matmul(a.view(), b.view(), &acc, &options);
            let Err(MatmulError::TooLarge(error)) = product else { panic!("{product:?}") };
            assert_eq!(error.shape, [m, n]);
            let packed = PackedMatrix::new(b.view());
            let product = matmul_packed(a.view(), &packed, &acc, &options);
            assert!(matches!(product, Err(MatmulError::TooLarge(_))), "{product:?}");
        }
        let (a, b) = (a.mapv(i64::from), b.mapv(i64::from));
        let product = reference::matmul(a.view(), b.view(), &acc);
        assert!(matches!(product, Err(ReferenceError::TooLarge(_))), "{product:?}");
        let f16 = "f16".parse()?;
        let a = FloatOperand::from_values(Array2::zeros((m, 0)).view(), f16)?;
        let b = FloatOperand::from_values(Array2::zeros((0, n)).view(), f16)?;
        for report in [ReportLevel::None, ReportLevel::Full] {
            let options = FloatOptions { report, ..FloatOptions::default() };
            let product = matmul_float(&a, &b, &"f32".parse()?, &options);
            let too_large = FloatMatmulError::Float(FloatError::TooLarge(fewbit::TooLarge {
                shape: vec![m, n],
                size: 8,
            }));
            assert_eq!(product.err(), Some(too_large));
        }
    }
    Ok(())
}

#[test]
fn products_without_outputs() -> Tested {
    let acc: Accumulator = "int4-wrap/3,int16-sat".parse()?;
    for (m, n) in [(HUGE, 0), (0, HUGE), (0, 0)] {
        let (a, b) = (Array2::<i8>::zeros((m, 0)), Array2::<i8>::zeros((0, n)));
        for report in [ReportLevel::None, ReportLevel::Events, ReportLevel::Full] {
            let options = MatmulOptions { report, ..MatmulOptions::default() };
            let product = matmul(a.view(), b.view(), &acc, &options)?;
            assert_eq!(product.values.dim(), (m, n));
            if let Some(report) = product.report {
                let (_, expected) = reference::matmul(
                    Array2::zeros((0, 0)).view(),
                    Array2::zeros((0, 0)).view(),
                    &acc,
                )?;
                assert_eq!(report, expected);
            }
            let f16 = "f16".parse()?;
            let a = FloatOperand::from_values(Array2::zeros((m, 0)).view(), f16)?;
            let b = FloatOperand::from_values(Array2::zeros((0, n)).view(), f16)?;
            let options = FloatOptions { report, ..FloatOptions::default() };
            let product = matmul_float(&a, &b, &"f32".parse()?, &options)?;
            assert_eq!(product.values.dim(), (m, n));
        }
    }
    Ok(())
}

#[test]
fn convolutions_that_no_memory_holds() -> Tested {
    let acc = "int16-sat".parse()?;
    let (input, weights) = (Array4::<u8>::zeros((1, 1, 3, 3)), Array4::<i8>::zeros((1, 1, 3, 3)));
    for padding in [1 << 31, 1 << 40, usize::MAX / 4] {
        let conv = Conv2d { padding: [(padding, 0); 2], ..Conv2d::default() };
        let options = MatmulOptions::default();
        let product = conv2d(input.view(), weights.view(), &conv, &acc, &options);
        assert!(matches!(product, Err(ConvError::TooLarge(_))), "{product:?}");
        let conv = Conv2d { padding: [(padding, 0); 2], ..Conv2d::default() };
        let (input, weights) = (input.mapv(i64::from), weights.mapv(i64::from));
        let product = reference::conv2d(input.view(), weights.view(), &conv, &acc);
        assert!(matches!(product, Err(ReferenceError::TooLarge(_))), "{product:?}");
    }
    Ok(())
}

#[test]
fn widths_of_products_that_no_memory_holds() -> Tested {
    let (a, b) = (Array2::<i8>::zeros((HUGE, 0)), Array2::<i8>::zeros((0, HUGE)));
    let widths = required_widths(a.view(), &PackedMatrix::new(b.view()), &"exact".parse()?, None);
    assert!(matches!(widths, Err(MatmulError::TooLarge(_))), "{widths:?}");
    Ok(())
}
