//! Machines that are stepped, beside the loops that a user would write, on one thread.
//!
//! A step of an array is a call that multiplies a column with a row; its loop does the same on arrays of a size that is
//! known when it is compiled, for the running CPU, and counts events as the machines do.

mod support;

use std::hint::black_box;

use fewbit::Accumulator;
use fewbit::formats::Format;
use fewbit::reference::RandomBits;
use support::{Bench, Contestant, Numbers, Unit, native, on_threads};

/// Steps of a single machine.
const K: usize = 1 << 16;
/// Steps of an array.
const CYCLES: usize = 1 << 10;
/// Rows and columns of the array that has a loop beside it.
const N: usize = 16;

native! {
    /// One register of 16 bits and its events, of products that come as they are.
    fn one_loop(products: &[i64]) -> (i32, u64) {
        let (mut register, mut events) = (0i32, 0);
        for &product in products {
            let sum = register + product as i32;
            register = sum.clamp(-32768, 32767);
            events += u64::from(register != sum);
        }
        (register, events)
    }

    fn tile_loop(a: &[[i32; N]], b: &[[i32; N]]) -> ([[i32; N]; N], [[u32; N]; N]) {
        let mut registers = [[0i32; N]; N];
        let mut events = [[0u32; N]; N];
        for (a, b) in a.iter().zip(b) {
            for i in 0..N {
                for j in 0..N {
                    let sum = registers[i][j] + a[i] * b[j];
                    let after = sum.clamp(-32768, 32767);
                    events[i][j] += u32::from(after != sum);
                    registers[i][j] = after;
                }
            }
        }
        (registers, events)
    }
}

fn main() {
    let bench = Bench::from_args();
    println!("# K={K}, arrays {CYCLES} steps, one thread");
    on_threads(1, || run(&bench));
}

fn acc(text: &str) -> Accumulator {
    text.parse().unwrap_or_else(|e| panic!("{e}"))
}

fn run(bench: &Bench) {
    single(bench);
    arrays(bench);
    floats(bench);
}

fn single(bench: &Bench) {
    let mut numbers = Numbers::new(1);
    let codes: Vec<(u32, u32)> =
        (0..K).map(|_| ((numbers.next() % 256) as u32, (numbers.next() % 256) as u32)).collect();
    let products: Vec<i64> =
        codes.iter().map(|&(a, b)| i64::from(a as i8) * i64::from(b as u8)).collect();
    let mut contestants = vec![Contestant::peer("loop", K, || {
        black_box(one_loop(black_box(&products)));
    })];
    for text in ["int16-sat", "int16-wrap", "int16-sat*4", "int16-sat/64,int24-sat", "exact"] {
        let mut machine = acc(text).machine().unwrap_or_else(|e| panic!("{e}"));
        let products = &products;
        contestants.push(Contestant::ours(text, K, move || {
            let mut events = 0;
            for &product in black_box(products) {
                for step in machine.push_product(product) {
                    events += u64::from(step.event);
                }
            }
            black_box(events);
        }));
    }
    let format = |name: &str| name.parse::<Format>().unwrap_or_else(|e| panic!("{e}"));
    let machine = acc("int16-sat").machine_for(format("int8"), format("uint8"));
    let mut machine = machine.unwrap_or_else(|e| panic!("{e}"));
    let codes = &codes;
    contestants.push(Contestant::ours("int16-sat/codes", K, move || {
        for &(a, b) in black_box(codes) {
            let _ = black_box(machine.push(a, b));
        }
    }));
    bench.race("one", Unit::Products, contestants);
}

fn arrays(bench: &Bench) {
    let mut numbers = Numbers::new(2);
    let mut factors = |low: i64| -> Vec<[i32; N]> {
        let mut factor = || (numbers.next() as i64 % 256 + low) as i32;
        (0..CYCLES).map(|_| std::array::from_fn(|_| factor())).collect()
    };
    let (a, b) = (factors(-128), factors(0));
    let amount = CYCLES * N * N;
    let mut contestants = vec![Contestant::peer("loop", amount, || {
        black_box(tile_loop(black_box(&a), black_box(&b)));
    })];
    for text in ["int16-sat", "int16-wrap", "int16-sat/64,int24-sat", "int40-sat", "int16-sat*4"] {
        let mut array = acc(text).machine_array(N, N).unwrap_or_else(|e| panic!("{e}"));
        let (a, b) = (&a, &b);
        contestants.push(Contestant::ours(text, amount, move || {
            for (a, b) in black_box(a).iter().zip(b) {
                let _ = array.push_outer(a, b);
            }
        }));
    }
    let products: Vec<i64> = (0..N * N).map(|i| i as i64 * 37 % 4001 - 2000).collect();
    let mut array = acc("int16-sat").machine_array(N, N).unwrap_or_else(|e| panic!("{e}"));
    contestants.push(Contestant::ours("int16-sat/products", amount, move || {
        for _ in 0..CYCLES {
            let _ = array.push_products(black_box(&products));
        }
    }));
    bench.race("16x16", Unit::Products, contestants);
    let wide = |x: &[[i32; N]]| -> Vec<i32> { x[..8].as_flattened().to_vec() };
    let (column, row) = (wide(&a), wide(&b));
    let mut array = acc("int16-sat").machine_array(128, 128).unwrap_or_else(|e| panic!("{e}"));
    let work = || {
        let _ = array.push_outer(black_box(&column), &row);
    };
    bench.race("128x128", Unit::Products, vec![Contestant::ours("int16-sat", 128 * 128, work)]);
}

fn floats(bench: &Bench) {
    const K: usize = 1 << 10;
    let mut numbers = Numbers::new(3);
    let mut codes = || (numbers.next() % 64 + 32) as u32 | (numbers.next() as u32 & 1) << 7;
    let codes: Vec<(u32, u32)> = (0..K).map(|_| (codes(), codes())).collect();
    let mut contestants = Vec::new();
    for text in ["f32", "e5m10", "aligned13-rz:e8m13-rz*32", "preset:h100-wgmma-fp8"] {
        let machine = acc(text).machine_for(Format::E4M3FN, Format::E4M3FN);
        let random = RandomBits { seed: 0, output: 0 };
        let mut machine = machine.unwrap_or_else(|e| panic!("{e}")).with_random(random);
        let codes = &codes;
        contestants.push(Contestant::ours(text, K, move || {
            for &(a, b) in black_box(codes) {
                let _ = black_box(machine.push(a, b));
            }
        }));
    }
    bench.race("float", Unit::Products, contestants);
}
