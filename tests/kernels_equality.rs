//! The fast products equal the scalar reference: every value, every field of the report, on every instruction set.

use std::num::{NonZeroU32, NonZeroU64};

use fewbit::accumulate::{FirstEvent, Register, RegisterOverflow, Stage};
use fewbit::{
    Accumulator, Isa, MatmulError, MatmulOptions, Operand, PackedMatrix, Report, ReportLevel,
    matmul, matmul_packed, reference,
};
use ndarray::{Array2, ArrayView2, ShapeBuilder, s};
use proptest::prelude::*;

const LEVELS: [ReportLevel; 3] = [ReportLevel::None, ReportLevel::Events, ReportLevel::Full];

/// Runs `a` times `b` on every instruction set, at every report level, and compares.
fn check<A: Operand, B: Operand>(a: ArrayView2<'_, A>, b: ArrayView2<'_, B>, acc: &Accumulator) {
    let wide = (a.mapv(Operand::to_i64), b.mapv(Operand::to_i64));
    let expected = reference::matmul(wide.0.view(), wide.1.view(), acc);
    for isa in Isa::available() {
        for level in LEVELS {
            let options = MatmulOptions { report: level, isa: Some(isa), init: None };
            let product = matmul(a, b, acc, &options);
            let case = format!("{acc} on {isa}, {level:?}, {:?} x {:?}", a.dim(), b.dim());
            let (values, report) = match &expected {
                Ok((values, report)) => (values, report),
                Err(error) => {
                    let product = product.unwrap_err();
                    assert_eq!(product.to_string(), error.to_string(), "{case}");
                    continue;
                }
            };
            let product = product.unwrap();
            assert_eq!(product.isa, isa);
            assert_eq!(&product.values, values, "{case}");
            let expected = (level == ReportLevel::Full).then(|| report.clone());
            assert_eq!(product.report, expected, "{case}");
            let events = product
                .events
                .map(|stages| stages.iter().map(|s| (s.events, s.outputs, s.first)).collect());
            let expected = (level != ReportLevel::None).then(|| events_of(report));
            assert_eq!(events, expected, "{case}");
        }
    }
}

fn events_of(report: &Report) -> Vec<(u64, u64, Option<FirstEvent>)> {
    report.stages.iter().map(|s| (s.events, s.outputs, s.first)).collect()
}

/// Values alone, on every instruction set.
fn check_values<A: Operand, B: Operand>(
    a: ArrayView2<'_, A>,
    b: ArrayView2<'_, B>,
    acc: &Accumulator,
) {
    let wide = (a.mapv(Operand::to_i64), b.mapv(Operand::to_i64));
    let (values, _) = reference::matmul(wide.0.view(), wide.1.view(), acc).unwrap();
    for isa in Isa::available() {
        let options = MatmulOptions { isa: Some(isa), ..Default::default() };
        assert_eq!(matmul(a, b, acc, &options).unwrap().values, values, "{acc} on {isa}");
    }
}

/// A matrix of one kind of numbers, in either memory order: uniform, mostly extreme, or constant.
fn matrix(rows: usize, cols: usize, low: i64, high: i64) -> impl Strategy<Value = Array2<i64>> {
    let near = move |x: i64| x.clamp(low, high);
    let ends = prop_oneof![Just(low), Just(high)];
    let kinds = prop_oneof![
        Just((low..=high).boxed()),
        Just(ends.clone().boxed()),
        Just(prop_oneof![low..=high, ends, Just(near(0)), Just(near(-1)), Just(near(1))].boxed()),
        Just((near(-3)..=near(3)).boxed()),
        Just(Just(high).boxed()),
        Just(Just(low).boxed()),
    ];
    let data = kinds.prop_flat_map(move |kind| proptest::collection::vec(kind, rows * cols));
    (data, any::<bool>()).prop_map(move |(data, by_columns)| {
        if by_columns {
            Array2::from_shape_vec((rows, cols).f(), data).unwrap()
        } else {
            Array2::from_shape_vec((rows, cols), data).unwrap()
        }
    })
}

fn register() -> impl Strategy<Value = Register> {
    let edges = prop_oneof![Just(31u32), Just(32), Just(33), Just(63), Just(64)];
    let bits = prop_oneof![4 => 2u32..=24, 2 => 2u32..=64, 1 => edges];
    let int = |overflow| move |bits| Register::Int { bits, overflow };
    prop_oneof![
        4 => bits.clone().prop_map(int(RegisterOverflow::Saturate)),
        4 => bits.prop_map(int(RegisterOverflow::Wrap)),
        1 => Just(Register::Exact),
    ]
}

/// One to four stages, of any widths and counts.
fn accumulator() -> impl Strategy<Value = Accumulator> {
    let width = prop_oneof![3 => Just(1u32), 2 => 1u32..=9, 1 => Just(64u32)];
    let powers = prop_oneof![Just(8u64), Just(16), Just(32), Just(64)];
    let count = prop_oneof![4 => 1u64..=9, 2 => powers, 1 => Just(u64::MAX)];
    let turns = prop_oneof![7 => Just(1u32), 1 => 2u32..=5];
    proptest::collection::vec((register(), width, turns, count), 1..=4).prop_map(|stages| {
        let last = stages.len() - 1;
        let stage = |(index, (register, width, turns, count))| {
            let stage = Stage::new(register)
                .with_width(NonZeroU32::new(width).unwrap())
                .with_interleave(NonZeroU32::new(turns).unwrap());
            let count = NonZeroU64::new(count).unwrap();
            if index < last { stage.with_count(count) } else { stage }
        };
        Accumulator::new(stages.into_iter().enumerate().map(stage).collect()).unwrap()
    })
}

/// (M, K, N): empty, single, and no multiple of anything.
fn shape() -> impl Strategy<Value = (usize, usize, usize)> {
    let k = prop_oneof![Just(0usize), Just(1), 2usize..=20, 60usize..=70, 120usize..=140];
    prop_oneof![
        4 => (0usize..=9, k.clone(), 0usize..=20),
        1 => (0usize..=40, k.clone(), 0usize..=3),
        1 => (1usize..=5, k, 60usize..=70),
    ]
}

/// Two matrices that fit each other and an accumulator.
fn problem(
    a: (i64, i64),
    b: (i64, i64),
) -> impl Strategy<Value = (Array2<i64>, Array2<i64>, Accumulator)> {
    (shape(), accumulator()).prop_flat_map(move |((m, k, n), acc)| {
        (matrix(m, k, a.0, a.1), matrix(k, n, b.0, b.1), Just(acc))
    })
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

macro_rules! equality {
    ($($name:ident: $a:ty, $b:ty;)*) => {
        proptest! {
            #![proptest_config(cases(150))]
            $(
                #[test]
                fn $name((a, b, acc) in problem(
                    (<$a>::MIN.into(), <$a>::MAX.into()),
                    (<$b>::MIN.into(), <$b>::MAX.into()),
                )) {
                    let (a, b) = (a.mapv(|x| x as $a), b.mapv(|x| x as $b));
                    check(a.view(), b.view(), &acc);
                }
            )*
        }
    };
}

equality! {
    i8_i8: i8, i8;
    u8_i8: u8, i8;
    u8_u8: u8, u8;
    i16_i8: i16, i8;
    i16_i16: i16, i16;
    u16_i16: u16, i16;
    i32_i8: i32, i8;
    i32_i32: i32, i32;
    u32_i32: u32, i32;
}

proptest! {
    #![proptest_config(cases(300))]
    #[test]
    fn four_bit_weights((a, b, acc) in problem((0, 255), (-8, 7))) {
        let (a, b) = (a.mapv(|x| x as u8), b.mapv(|x| x as i8));
        check(a.view(), b.view(), &acc);
        check(b.t(), a.t(), &acc);
    }
}

/// Every width, with operands that reach it.
#[test]
fn every_width() {
    let a = Array2::from_shape_fn((5, 67), |(i, k)| ((i * 67 + k) * 37 % 256) as u8);
    let b =
        Array2::from_shape_fn((67, 35), |(k, j)| (((k * 35 + j) * 91 % 256) as u8).cast_signed());
    for bits in 2..=64 {
        for rest in ["wrap", "sat", "wrap*2", "sat*2", "wrap*3", "sat*3", "sat/32,int24-wrap"] {
            check(a.view(), b.view(), &format!("int{bits}-{rest}").parse().unwrap());
        }
    }
}

/// The pairs whose sums 16-bit intermediates cannot hold, at every position.
#[test]
fn extreme_pairs_everywhere() {
    let accs = ["int32-wrap", "int20-sat", "int34-sat"].map(|acc| acc.parse().unwrap());
    for k in [1usize, 2, 3, 5, 8, 33, 64, 130] {
        for at in 0..k {
            for len in 1..=4 {
                let a = Array2::from_shape_fn((3, k), |(_, i)| (at..at + len).contains(&i));
                let b = Array2::from_shape_fn((k, 18), |(i, _)| (at..at + len).contains(&i));
                let signed = a.mapv(|x| if x { i8::MIN } else { 1 });
                let unsigned = a.mapv(|x| if x { u8::MAX } else { 1 });
                let right = b.mapv(|x| if x { i8::MIN } else { 1 });
                let wide = a.mapv(|x| if x { i16::MIN } else { 1 });
                let wide_right = b.mapv(|x| if x { i16::MIN } else { 1 });
                for acc in &accs {
                    check_values(signed.view(), right.view(), acc);
                    check_values(unsigned.view(), right.view(), acc);
                    check_values(wide.view(), wide_right.view(), acc);
                }
            }
        }
    }
}

#[test]
fn any_number_of_threads() {
    let a = Array2::from_shape_fn((37, 100), |(i, k)| ((i * 100 + k) * 37 % 251) as u8);
    let b = Array2::from_shape_fn((100, 150), |(k, j)| ((k * 7 + j * 13) % 15) as i8 - 8);
    let acc = "int12-sat/32,int14-wrap".parse().unwrap();
    let options = MatmulOptions { report: ReportLevel::Full, ..Default::default() };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let product = pool.install(|| matmul(a.view(), b.view(), &acc, &options)).unwrap();
        (product.values, product.report.unwrap())
    };
    let one = run(1);
    assert!(one.1.events() > 0);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}

#[test]
fn a_packed_operand_serves_every_accumulator() {
    let a = Array2::from_shape_fn((3, 40), |(i, k)| ((i + k) * 37 % 256) as u8);
    let b = Array2::from_shape_fn((40, 21), |(k, j)| ((k * 21 + j) * 5 % 16) as i8 - 8);
    let packed = PackedMatrix::new(b.view());
    assert_eq!(packed.dim(), (40, 21));
    let options = MatmulOptions { report: ReportLevel::Full, ..Default::default() };
    for acc in ["int16-sat", "int10-wrap", "int12-sat*3/7,int13-wrap", "int16-sat", "int40-wrap"] {
        let acc = acc.parse().unwrap();
        let fresh = matmul(a.view(), b.view(), &acc, &options).unwrap();
        let again = matmul_packed(a.view(), &packed, &acc, &options).unwrap();
        assert_eq!((fresh.values, fresh.report), (again.values, again.report));
    }
}

/// What no lane can hold goes through the reference, and what int64 cannot hold is an error.
#[test]
fn wider_than_any_lane() {
    let a = Array2::from_elem((2, 3), u32::MAX);
    let b = Array2::from_elem((3, 2), u32::MAX);
    check(a.view(), b.view(), &"int40-sat/2,int64-wrap".parse().unwrap());
    let error = matmul(a.view(), b.view(), &"exact".parse().unwrap(), &MatmulOptions::default());
    let value = 3 * i128::from(u32::MAX).pow(2);
    assert_eq!(error.unwrap_err(), MatmulError::ExceedsI64 { row: 0, col: 0, value });
    let wide = Array2::from_elem((1, 1), i64::MIN);
    check(wide.view(), wide.view(), &"int64-sat".parse().unwrap());
}

#[test]
fn bad_input_is_named() {
    let (a, b) = (Array2::<i8>::zeros((2, 3)), Array2::<i8>::zeros((4, 5)));
    let run = |b: ArrayView2<'_, i8>, acc: &str| {
        matmul(a.view(), b, &acc.parse().unwrap(), &MatmulOptions::default()).unwrap_err()
    };
    assert_eq!(
        run(b.view(), "int16-sat").to_string(),
        "A is 2x3 and B is 4x5: the columns of A must equal the rows of B"
    );
    let float = run(b.slice(s![..3, ..]), "e5m10");
    assert!(matches!(float, MatmulError::NotInteger(_)));
}

/// The tests above run on all instruction sets that the CPU has, and only on those.
#[test]
fn no_available_instruction_set_is_skipped() {
    let a = Array2::<i8>::zeros((1, 1));
    let acc = "int8-sat".parse().unwrap();
    let available: Vec<_> = Isa::available().collect();
    for isa in Isa::ALL {
        let options = MatmulOptions { isa: Some(isa), ..Default::default() };
        match matmul(a.view(), a.view(), &acc, &options) {
            Ok(product) => assert_eq!(product.isa, isa),
            Err(error) => println!("{isa} was not tested: {error}"),
        }
        assert_eq!(has(isa), available.contains(&isa), "{isa} is detected");
    }
}

/// Detection by other means than the crate's own.
fn has(isa: Isa) -> bool {
    let Ok(cpu) = std::fs::read_to_string("/proc/cpuinfo") else { return isa.is_available() };
    let all = |flags: &[&str]| flags.iter().all(|flag| cpu.split_whitespace().any(|f| f == *flag));
    match isa {
        Isa::Portable => true,
        _ if !cfg!(target_arch = "x86_64") => false,
        Isa::Avx2 => all(&["avx2", "fma", "f16c"]),
        Isa::Avx512Bw => all(&["avx512f", "avx512bw", "avx512dq", "avx512vl"]),
        Isa::Avx512 => has(Isa::Avx512Bw) && all(&["avx512_vnni"]),
        // The system may withhold it from a CPU that has it; never the other way round.
        Isa::Amx => {
            let listed = all(&["amx_tile", "amx_int8"]) && has(Isa::Avx512);
            assert!(listed || !isa.is_available());
            isa.is_available()
        }
        _ => panic!("how /proc/cpuinfo spells the features of {isa} is not said here"),
    }
}
