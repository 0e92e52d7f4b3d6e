//! Every method of the lanes of every instruction set against its scalar definition.

mod bits;
mod float;
mod fma;
mod int;

use super::{Detected, Isa, IsaKernel, Vectorized};

/// Runs `kernel` with every instruction set, and says which this CPU lacks.
fn on_every_set<K: IsaKernel<Output = ()> + Copy>(kernel: K) {
    for isa in Isa::ALL {
        match isa.detect() {
            Ok(set) => set.run(kernel),
            Err(error) => println!("not run: {error}"),
        }
    }
}

#[test]
fn names_and_order_are_one_table() {
    let mut sorted = Isa::ALL;
    sorted.sort();
    assert_eq!(sorted, Isa::ALL, "from narrow to wide");
    for isa in Isa::ALL {
        assert_eq!(isa.to_string().parse(), Ok(isa));
        assert_eq!(isa.detect().is_ok(), isa.is_available());
        assert_eq!(isa.detect().map(|set| set.isa()), isa.detect().map(|_| isa));
    }
    let last = Isa::available().last();
    assert_eq!(last, Some(Isa::best()));
    assert_eq!(Detected::or_best(None).map(Detected::isa), Ok(Isa::best()));
    let error = "sse9".parse::<Isa>().unwrap_err().to_string();
    assert_eq!(error, format!("`sse9` is not an instruction set: expected {}", Isa::names()),);
    assert_eq!(Isa::ALL.map(Isa::name).join(" "), Isa::names().replace(',', "").replace(" or", ""));
}

#[test]
fn a_body_runs_with_every_set() {
    struct Sum<'a>(&'a [i32]);
    impl Vectorized for Sum<'_> {
        type Output = i32;

        #[inline(always)]
        fn call(self) -> i32 {
            self.0.iter().sum()
        }
    }
    for isa in Isa::available() {
        assert_eq!(isa.detect().map(|set| set.vectorize(Sum(&[1, 2, 3]))), Ok(6));
    }
}
