mod support;
#[test]
fn zz() {
    let bytes = std::fs::read("/tmp/modelsdata/networks.bin.gz").unwrap();
    for case in support::cases(&bytes) {
        let g = fewbit_models::onnx::read_bytes(case.model.clone(), None).unwrap();
        for opset in [21, 25] {
            let b = match fewbit_models::onnx::write_bytes(&g, opset) {
                Ok(b) => b,
                Err(e) => {
                    println!("{} {opset} {e}", case.name);
                    continue;
                }
            };
            let h = fewbit_models::onnx::read_bytes(b, None).unwrap();
            println!("{} {opset} eq {}", case.name, g == h);
            if g != h {
                let (a, b) = (format!("{g:#?}"), format!("{h:#?}"));
                let mut n = 0;
                for (x, y) in a.lines().zip(b.lines()) {
                    if x != y {
                        println!("{x} || {y}");
                        n += 1;
                        if n > 12 {
                            break;
                        }
                    }
                }
                println!("lines {} {}", a.lines().count(), b.lines().count());
            }
        }
        let t = std::time::Instant::now();
        println!("{:?}", support::failure(&case, 1e-4));
        println!("{:?}", t.elapsed());
    }
}
