//! Convolutions equal the scalar reference in every value and field, and the reference equals direct sums.

use std::sync::LazyLock;

use fewbit::{
    Accumulator, Conv2d, ConvError, ConvShapeError, Finish, Isa, LinearCodes, MatmulError,
    MatmulOptions, Operand, PreparedConv, ReportLevel, conv2d, conv2d_into, reference,
};
use fewbit_testkit::accumulate::any_spec;
use ndarray::{Array2, Array4, s};
use proptest::prelude::*;
use proptest::sample::select;
use rayon::{ThreadPool, ThreadPoolBuilder};

fn acc(text: &str) -> Accumulator {
    text.parse().unwrap()
}

fn array(shape: (usize, usize, usize, usize), seed: u64, low: i64, high: i64) -> Array4<i64> {
    let mut state = seed;
    Array4::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        low + (state >> 33) as i64 % (high - low + 1)
    })
}

fn wide<T: Operand>(conv: Conv2d<T>) -> Conv2d<i64> {
    let Conv2d { stride, padding, dilation, groups, padding_code } = conv;
    Conv2d { stride, padding, dilation, groups, padding_code: padding_code.to_i64() }
}

const LEVELS: [ReportLevel; 3] = [ReportLevel::None, ReportLevel::Events, ReportLevel::Full];

/// Pools of one to three threads.
fn pools() -> &'static [ThreadPool] {
    static POOLS: LazyLock<Vec<ThreadPool>> = LazyLock::new(|| {
        let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        [1, 2, 3].into_iter().map(pool).collect()
    });
    &POOLS
}

/// Codes of bytes, compared as [`check_as`] does.
fn check(x: &Array4<i64>, w: &Array4<i64>, conv: Conv2d<u8>, acc: &Accumulator) {
    check_as(&x.mapv(|x| x as u8), &w.mapv(|x| x as i8), conv, acc);
}

/// Compares values, events and reports with the reference, on every instruction set and some numbers of threads, in memory of
/// the library and of the caller.
fn check_as<X: Operand + std::fmt::Debug, W: Operand>(
    x: &Array4<X>,
    w: &Array4<W>,
    conv: Conv2d<X>,
    acc: &Accumulator,
) {
    let (wide_x, wide_w) = (x.mapv(Operand::to_i64), w.mapv(Operand::to_i64));
    let expected = reference::conv2d(wide_x.view(), wide_w.view(), &wide(conv), acc);
    // One for all runs, as a network has it.
    let prepared = PreparedConv::new(w.view());
    for (index, isa) in Isa::available().enumerate() {
        for (place, level) in LEVELS.into_iter().enumerate() {
            let options = MatmulOptions { report: level, isa: Some(isa), init: None };
            let pool = &pools()[(index + place) % pools().len()];
            let product = pool.install(|| conv2d(x.view(), w.view(), &conv, acc, &options));
            let case = format!("{conv:?} through {acc} on {isa}, {level:?}, {:?}", x.dim());
            let (values, report) = match &expected {
                Ok(expected) => expected,
                Err(error) => {
                    assert_eq!(product.unwrap_err().to_string(), error.to_string(), "{case}");
                    continue;
                }
            };
            let product = product.unwrap();
            assert_eq!(&product.values, values, "{case}");
            let is_full = level == ReportLevel::Full && !values.is_empty();
            assert_eq!(product.report, is_full.then(|| report.clone()), "{case}");
            let events = product.events.as_ref().map(|stages| {
                stages.iter().map(|s| (s.events, s.outputs, s.first)).collect::<Vec<_>>()
            });
            let is_asked = level != ReportLevel::None && !values.is_empty();
            let expected = report.stages.iter().map(|s| (s.events, s.outputs, s.first)).collect();
            assert_eq!(events, is_asked.then_some(expected), "{case}");
            // Every other column of the memory.
            let (n, o, rows, cols) = values.dim();
            let mut memory = Array4::<i32>::from_elem((n, o, rows, 2 * cols), 77);
            let out = memory.slice_mut(s![.., .., .., ..;2]);
            let into = pool.install(|| conv2d_into(x.view(), w.view(), &conv, acc, &options, out));
            let narrow = |item: &(_, &i64)| i32::try_from(*item.1).is_err();
            if let Some(((n, o, i, j), &value)) = values.indexed_iter().find(narrow) {
                let (row, col) = (n * values.dim().1 + o, i * cols + j);
                let error = MatmulError::OutputOverflow { row, col, value, bits: 32 };
                assert_eq!(into, Err(ConvError::Product(error)), "{case}");
                continue;
            }
            let into = into.unwrap();
            assert_eq!((&into.events, &into.report), (&product.events, &product.report), "{case}");
            assert_eq!(memory.slice(s![.., .., .., ..;2]).mapv(i64::from), values, "{case}");
            assert!(memory.slice(s![.., .., .., 1..;2]).iter().all(|&x| x == 77), "{case}");
            let again = pool.install(|| prepared.run(x.view(), &conv, acc, &options)).unwrap();
            assert_eq!(
                (&again.values, &again.events),
                (&product.values, &product.events),
                "{case}"
            );
            assert_eq!(again.report, product.report, "{case}");
            let mut codes = vec![0; values.len()];
            let finish = Mixed { positions: rows * cols };
            let run = || prepared.run_codes(x.view(), &conv, acc, &options, &finish, &mut codes);
            let done = pool.install(run).unwrap().unwrap();
            assert_eq!((&done.events, &done.report), (&product.events, &product.report), "{case}");
            let code = |((_, o, ..), &value): ((_, usize, _, _), &i64)| mixed(o, value as i32);
            assert!(codes.into_iter().eq(values.indexed_iter().map(code)), "{case}");
            // Again as a product for most sums: some codes lie between whole numbers, some beyond the ends.
            let scales: Vec<f32> = (0..o).map(|o| 2f32.powi(o as i32 % 9 - 12) * 1.37).collect();
            for (least, zero_point, signed) in [(0, 0, false), (i32::MIN, 7, false), (-3, -2, true)]
            {
                let finish = Scaled::new(&scales, least, zero_point, signed);
                let mut codes = vec![77; values.len()];
                let run =
                    || prepared.run_codes(x.view(), &conv, acc, &options, &finish, &mut codes);
                let done = pool.install(run).unwrap().unwrap();
                assert_eq!((&done.events, &done.report), (&product.events, &product.report));
                let code =
                    |((_, o, ..), &value): ((_, usize, _, _), &i64)| finish.code(o, value as i32);
                assert!(codes.into_iter().eq(values.indexed_iter().map(code)), "{case} {least}");
            }
        }
    }
}

/// `round(max(sum + plus, least) * scale) + zero point`, ties to even, in as many digits as it takes.
struct Scaled {
    linear: LinearCodes,
}

impl Scaled {
    fn new(scales: &[f32], least: i32, zero_point: i32, signed: bool) -> Self {
        let (low, high) = if signed { (-128.0, 127.0) } else { (0.0, 255.0) };
        let plus = |o: usize| o as i32 * 29 - 100;
        let channels = scales.iter().enumerate().map(|(o, &scale)| (plus(o), scale)).collect();
        let (zero_point, sure) = (zero_point as f32, 0.5 - 1.0 / 4096.0);
        Self { linear: LinearCodes { channels, least, zero_point, low, high, sure } }
    }

    fn code(&self, channel: usize, sum: i32) -> u8 {
        let (plus, factor) = self.linear.channels[channel];
        let number = (i64::from(sum) + i64::from(plus)).max(self.linear.least.into());
        let x = number as f64 * f64::from(factor) + f64::from(self.linear.zero_point);
        x.clamp(self.linear.low.into(), self.linear.high.into()).round_ties_even() as i64 as u8
    }
}

impl Finish for Scaled {
    fn finish(&self, channel: usize, sums: &[i32], codes: &mut [u8]) -> bool {
        codes.iter_mut().zip(sums).for_each(|(code, &sum)| *code = self.code(channel, sum));
        true
    }

    fn linear(&self) -> Option<&LinearCodes> {
        Some(&self.linear)
    }
}

/// Codes that depend on the channel and on all bits of a sum.
struct Mixed {
    positions: usize,
}

fn mixed(channel: usize, sum: i32) -> u8 {
    sum.to_le_bytes().into_iter().fold(channel as u8, |code, byte| code.wrapping_mul(31) ^ byte)
}

impl Finish for Mixed {
    fn finish(&self, channel: usize, sums: &[i32], codes: &mut [u8]) -> bool {
        codes.iter_mut().zip(sums).for_each(|(code, &sum)| *code = mixed(channel, sum));
        sums.len() == self.positions && codes.len() == self.positions
    }
}

/// Accumulators: some that the direct kernels take, and any.
fn accumulators() -> impl Strategy<Value = String> {
    let direct = select(vec![
        "exact",
        "int32-wrap",
        "int16-sat",
        "int11-wrap",
        "int12-sat",
        "int9-sat",
        "int20-sat",
        "int33-wrap",
    ]);
    let stages = select(vec!["int12-sat/5,int13-wrap", "int12-sat*3", "int10-wrap%2/4,int14-sat"]);
    prop_oneof![
        4 => direct.prop_map(str::to_owned),
        1 => stages.prop_map(str::to_owned),
        3 => any_spec().prop_map(|spec| spec.to_string()),
    ]
}

/// A kernel's size along an axis, its stride, dilation and padding, and the size of the input.
fn any_axis() -> impl Strategy<Value = (usize, usize, usize, (usize, usize), usize)> {
    (1usize..=4, 1usize..=3, 1usize..=3, (0usize..=3, 0usize..=3), 1usize..=20).prop_filter_map(
        "a kernel that fits",
        |(kernel, stride, dilation, padding, size)| {
            let fits = (kernel - 1) * dilation < size + padding.0 + padding.1;
            fits.then_some((kernel, stride, dilation, padding, size))
        },
    )
}

type Axis = (usize, usize, usize, (usize, usize), usize);

fn geometry<T>((rows, cols): (Axis, Axis), groups: usize, padding_code: T) -> Conv2d<T> {
    Conv2d {
        stride: [rows.1, cols.1],
        dilation: [rows.2, cols.2],
        padding: [rows.3, cols.3],
        groups,
        padding_code,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_geometry(
        (n, c, o, groups) in (0usize..=4, 1usize..=5, 1usize..=7, 1usize..=3),
        axes in (any_axis(), any_axis()),
        padding_code in prop_oneof![Just(0u8), Just(128), any::<u8>()],
        greatest in select(vec![1, 7, 127, 255]),
        text in accumulators(),
        seed in any::<u64>(),
    ) {
        let x = array((n, c * groups, axes.0.4, axes.1.4), seed, 0, greatest);
        let w = array((o * groups, c, axes.0.0, axes.1.0), !seed, -128, 127);
        check(&x, &w, geometry(axes, groups, padding_code), &acc(&text));
    }

    #[test]
    fn depthwise(
        (n, channels) in (1usize..=4, 1usize..=9),
        axes in (any_axis(), any_axis()),
        padding_code in any::<i8>(),
        text in accumulators(),
        seed in any::<u64>(),
    ) {
        let x = array((n, channels, axes.0.4, axes.1.4), seed, -128, 127).mapv(|x| x as i8);
        let w = array((channels, 1, axes.0.0, axes.1.0), !seed, -128, 127).mapv(|x| x as i8);
        check_as(&x, &w, geometry(axes, channels, padding_code), &acc(&text));
    }

    /// Kernels of many weights, whose registers overflow in few places, or in none, or in all.
    #[test]
    fn seldom_overflow(
        (n, c, o, groups) in (1usize..=3, 4usize..=21, 1usize..=11, 1usize..=2),
        axes in (any_axis(), any_axis()),
        padding_code in prop_oneof![Just(0u8), Just(3), Just(255)],
        (common, rare, weight) in (select(vec![0, 3, 60, 255]), 0usize..=3, select(vec![2, 20, 127])),
        (bits, overflow) in (12u32..=22, select(vec!["sat", "wrap"])),
        seed in any::<u64>(),
    ) {
        let mut x: Array4<i64> = array((n, c * groups, axes.0.4, axes.1.4), seed, 0, common);
        let pixels = x.len() as u64;
        for place in 0..rare as u64 {
            let at = (seed.rotate_left(7 * place as u32) % pixels) as usize;
            *x.iter_mut().nth(at).unwrap() = 255;
        }
        let w = array((o * groups, c, axes.0.0, axes.1.0), !seed, -weight - 1, weight);
        let acc = acc(&format!("int{bits}-{overflow}"));
        check(&x, &w, geometry(axes, groups, padding_code), &acc);
        let (x, w) = (x.mapv(|x| (x - 128) as i8), w.mapv(|w| w as i8));
        check_as(&x, &w, geometry(axes, groups, (padding_code ^ 0x80) as i8), &acc);
    }

    #[test]
    fn any_types(
        (n, c, o, groups) in (1usize..=3, 1usize..=5, 1usize..=3, 1usize..=2),
        axes in (any_axis(), any_axis()),
        bits in (1u32..=20, 1u32..=20),
        padding_code in any::<i32>(),
        text in accumulators(),
        seed in any::<u64>(),
    ) {
        let of = |shape, seed, bits: u32| array(shape, seed, -(1 << bits) + 1, (1 << bits) - 1);
        let x = of((n, c * groups, axes.0.4, axes.1.4), seed, bits.0);
        let w = of((o * groups, c, axes.0.0, axes.1.0), !seed, bits.1);
        let (x32, w32) = (x.mapv(|x| x as i32), w.mapv(|x| x as i32));
        check_as(&x32, &w32, geometry(axes, groups, padding_code), &acc(&text));
        let (x, w) = (x.mapv(|x| x as i8), w.mapv(|x| x as u8));
        check_as(&x, &w, geometry(axes, groups, padding_code as i8), &acc(&text));
    }
}

/// Several blocks of images, of which a late one has the first event; and more channels than a tile.
#[test]
fn the_first_event_of_many_images() {
    for (channels, groups) in [(3, 1), (12, 1), (13, 13)] {
        let mut x = Array4::<u8>::zeros((40, channels, 6, 7));
        let w = Array4::<i8>::from_elem((13, channels / groups, 3, 3), 127);
        for (image, c, row, col) in [(31, 1, 5, 0), (29, channels - 1, 4, 6), (30, 0, 0, 0)] {
            x[[image, c, row, col]] = 255;
        }
        let conv = Conv2d { padding: [(1, 1); 2], groups, ..Conv2d::default() };
        for text in ["int14-sat", "int14-wrap", "int10-sat/4,int15-sat", "int13-sat*2"] {
            check_as(&x, &w, conv, &acc(text));
        }
    }
}

/// Registers that no sum can overflow whatever the input holds, and those that one more would, at the ends of both.
#[test]
fn registers_as_wide_as_the_weights_ask_for() {
    // 40 weights of 3 and 24 of -2: up to 120 * 255 = 30600, down to -48 * 255 = -12240.
    let w = Array4::from_shape_fn((3, 64, 1, 1), |(_, c, ..)| if c < 40 { 3i8 } else { -2 });
    let mut x = Array4::<u8>::zeros((2, 64, 4, 5));
    x.slice_mut(s![0, ..40, 2, 3]).fill(255);
    x.slice_mut(s![1, 40.., 1, 4]).fill(255);
    for text in ["int16-sat", "int16-wrap", "int15-sat", "int15-wrap", "int14-sat", "int14-wrap"] {
        check_as(&x, &w, Conv2d::default(), &acc(text));
    }
}

/// Products whose sums of pairs just fit 16 bits for some steps, and those that do not, all of one sign.
#[test]
fn extreme_products_of_few_bits() {
    for (most, weight) in [(255, 8), (255, 64), (255, 65), (127, 8), (15, -8), (240, -7), (255, -1)]
    {
        for (channels, kernel) in [(4, 1), (36, 1), (40, 3), (2, 5)] {
            let w = Array4::from_shape_fn((9, channels, kernel, kernel), |(o, ..)| match o {
                0 => weight,
                _ => -weight,
            });
            let x = Array4::from_elem((1, channels, 7, 9), most);
            let conv = Conv2d { padding: [(1, 1); 2], padding_code: 0, ..Conv2d::default() };
            for text in ["int32-wrap", "int18-sat", "int14-wrap"] {
                check(&x, &w, conv, &acc(text));
                let signed = x.mapv(|x| (x - 128) as i8);
                let padded =
                    Conv2d { padding: [(1, 1); 2], padding_code: -128, ..Conv2d::default() };
                check_as(&signed, &w.mapv(|w| w as i8), padded, &acc(text));
            }
        }
    }
}

/// A unit that cannot make codes of some sums says so.
#[test]
fn codes_that_cannot_be_made() {
    struct Never(Option<LinearCodes>);
    impl Finish for Never {
        fn finish(&self, channel: usize, _: &[i32], _: &mut [u8]) -> bool {
            channel != 2
        }

        fn linear(&self) -> Option<&LinearCodes> {
            self.0.as_ref()
        }
    }
    // Halves: all are in doubt.
    let channels = vec![(1, 0.5); 3];
    let (least, zero_point, low, high, sure) = (0, 0.0, 0.0, 255.0, 0.49);
    let halves = LinearCodes { channels, least, zero_point, low, high, sure };
    let (x, w) = (Array4::<u8>::zeros((2, 3, 4, 4)), Array4::<i8>::zeros((3, 3, 3, 3)));
    let (conv, options) = (Conv2d::default(), MatmulOptions::default());
    let weights = PreparedConv::new(w.view());
    for text in ["exact", "int9-sat/4,int12-sat"] {
        for never in [Never(None), Never(Some(halves.clone()))] {
            let mut codes = [0; 24];
            let acc = acc(text);
            let done = weights.run_codes(x.view(), &conv, &acc, &options, &never, &mut codes);
            assert_eq!(done, Ok(None));
            let codes = &mut codes[1..];
            let done = weights.run_codes(x.view(), &conv, &acc, &options, &never, codes);
            assert!(matches!(done, Err(ConvError::OutputShape { .. })));
        }
    }
}

/// What int64 cannot hold is named as the reference names it, whatever the images are computed with.
#[test]
fn the_first_output_that_int64_cannot_hold() {
    let mut x = Array4::<i64>::zeros((9, 4, 3, 3));
    for (image, c) in [(7, 3), (5, 3), (6, 0)] {
        x[[image, c, 2, 1]] = i64::MAX;
    }
    let w = Array4::<i64>::from_elem((4, 2, 1, 1), i64::MAX);
    check_as(&x, &w, Conv2d { groups: 2, ..Conv2d::default() }, &acc("exact"));
}

#[test]
fn the_caller_s_memory_has_the_shape_of_the_outputs() {
    let (x, w) = (Array4::<u8>::zeros((2, 1, 5, 4)), Array4::<i8>::zeros((3, 1, 3, 3)));
    let mut out = Array4::<i32>::zeros((2, 3, 3, 3));
    let (conv, options) = (Conv2d::default(), MatmulOptions::default());
    let error = conv2d_into(x.view(), w.view(), &conv, &acc("exact"), &options, out.view_mut());
    let text = "the outputs are [2, 3, 3, 2], and there is room for [2, 3, 3, 3]";
    assert_eq!(error.unwrap_err().to_string(), text);
}

/// Every output starts from its own value, in the order in which reports name them.
#[test]
fn initial_values_by_output() {
    // 1x1 kernels: output o of image n is x * w, two images, two groups of one output.
    let x = Array4::from_shape_vec((2, 2, 1, 2), vec![1u8, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let w = Array4::from_shape_vec((2, 1, 1, 1), vec![10i8, -1]).unwrap();
    let conv = Conv2d { groups: 2, ..Conv2d::default() };
    let init = Array2::from_shape_vec((4, 2), vec![100, 0, 0, 1, 0, 0, -120, 0]).unwrap();
    for report in [ReportLevel::None, ReportLevel::Full] {
        let options = MatmulOptions { report, isa: None, init: Some(init.view()) };
        let product = conv2d(x.view(), w.view(), &conv, &acc("int8-sat"), &options).unwrap();
        let (values, _) = product.values.into_raw_vec_and_offset();
        assert_eq!(values, [110, 20, -3, 1 - 4, 50, 60, -127, -8]);
    }
    let short = Array2::zeros((3, 2));
    let options = MatmulOptions { init: Some(short.view()), ..MatmulOptions::default() };
    let error = conv2d(x.view(), w.view(), &conv, &acc("int8-sat"), &options).unwrap_err();
    assert_eq!(error.to_string(), "the starting values are 3x2, and the result is 4x2");
}

/// By hand: 1x4 input, kernel [1, 10], stride 2, dilation 2, the zero point 5 at both ends.
#[test]
fn the_reference_by_hand() {
    let x = Array4::from_shape_vec((1, 1, 1, 4), vec![1, 2, 3, 4]).unwrap();
    let w = Array4::from_shape_vec((1, 1, 1, 2), vec![1, 10]).unwrap();
    let conv = Conv2d {
        stride: [1, 2],
        dilation: [1, 2],
        padding: [(0, 0), (1, 1)],
        padding_code: 5,
        ..Conv2d::default()
    };
    let (y, report) = reference::conv2d(x.view(), w.view(), &conv, &acc("exact")).unwrap();
    // 5 . [1] 2 ... : positions -1 and 1; then 1 and 3.
    assert_eq!(y.into_raw_vec_and_offset().0, [5 + 10 * 2, 2 + 10 * 4]);
    assert_eq!(report.stages[0].max, 42);
}

/// With the zero point as padding code, subtracting the zero point's share gives the convolution of the numbers.
#[test]
fn the_padding_code_stands_for_zero() {
    let (zero_point, shape) = (77, (1, 2, 6, 5));
    let x = array(shape, 5, 0, 255);
    let w = array((3, 2, 3, 3), 6, -8, 7);
    let padding = [(1, 1); 2];
    let codes = Conv2d { padding, padding_code: zero_point, ..Conv2d::default() };
    let (y, _) = reference::conv2d(x.view(), w.view(), &codes, &acc("exact")).unwrap();
    let zero = Conv2d { padding, ..Conv2d::default() };
    let numbers = x.mapv(|x| x - zero_point);
    let (expected, _) = reference::conv2d(numbers.view(), w.view(), &zero, &acc("exact")).unwrap();
    for ((n, o, i, j), &y) in y.indexed_iter() {
        let share: i64 = w.slice(s![o, .., .., ..]).iter().sum::<i64>() * zero_point;
        assert_eq!(y - share, expected[[n, o, i, j]]);
    }
}

#[test]
fn bad_shapes_are_named() {
    let (x, w) = (Array4::<u8>::zeros((1, 4, 5, 5)), Array4::<i8>::zeros((6, 2, 3, 3)));
    let run = |conv: Conv2d<u8>| {
        conv2d(x.view(), w.view(), &conv, &acc("exact"), &MatmulOptions::default()).unwrap_err()
    };
    let zero = |what| ConvError::Shape(ConvShapeError::Zero(what));
    let two = Conv2d { groups: 2, ..Conv2d::default() };
    assert_eq!(
        run(Conv2d::default()).to_string(),
        "the input has 4 channels, and weights of 2 input channels in 1 groups need 2"
    );
    assert_eq!(run(Conv2d { groups: 0, ..two }), zero("the number of groups"));
    assert_eq!(run(Conv2d { stride: [0, 1], ..two }), zero("a stride"));
    assert_eq!(run(Conv2d { dilation: [1, 0], ..two }), zero("a dilation"));
    assert_eq!(
        run(Conv2d { dilation: [3, 1], ..two }).to_string(),
        "a kernel that spans 7 rows does not fit an input of 5 with its padding"
    );
}
