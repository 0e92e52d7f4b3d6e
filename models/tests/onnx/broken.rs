//! Broken files: an error, never a panic, and never much memory.

use crate::support::{Case, cases};
use fewbit_models::graph::Graph;
use fewbit_models::onnx::{read, read_bytes, write_bytes};
use fewbit_models::ops::{Add, ConstantOfShape, Conv, Fact, MatMul, Op, Relu};
use fewbit_models::tensor::{ElementType, Tensor};

/// Models of several operators, a few kilobytes in all.
fn models() -> Vec<Case> {
    let families: [&[u8]; 4] = [
        include_bytes!("../golden/movement.bin.gz"),
        include_bytes!("../golden/recurrent.bin.gz"),
        include_bytes!("../golden/quantization.bin.gz"),
        include_bytes!("../golden/qonnx.bin.gz"),
    ];
    let all = families.into_iter().flat_map(|bytes| cases(bytes).into_iter().step_by(9));
    all.filter(|case| case.model.len() < 4000).collect()
}

/// A small generator of numbers: a full period of 2^64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }
}

#[test]
fn a_file_cut_short_is_an_error_or_a_smaller_file() {
    let models = models();
    assert!(models.len() > 20);
    let mut errors = 0;
    for Case { model, .. } in models {
        for end in (0..model.len()).step_by(3) {
            errors += usize::from(read_bytes(model[..end].to_vec(), None).is_err());
        }
    }
    assert!(errors > 1000, "{errors}");
}

#[test]
fn flipped_bytes_do_not_panic() {
    let mut numbers = Numbers(7);
    let (mut errors, mut all) = (0, 0);
    for Case { model, inputs, .. } in models() {
        for _ in 0..150 {
            let mut broken = model.clone();
            for _ in 0..1 + numbers.below(3) {
                let at = numbers.below(broken.len());
                broken[at] = numbers.below(256) as u8;
            }
            all += 1;
            let Ok(graph) = read_bytes(broken, None) else {
                errors += 1;
                continue;
            };
            // Whatever it computes, unless that is much.
            let size =
                |fact: &Fact| fact.sizes().map_or(usize::MAX, |sizes| sizes.iter().product());
            if graph.values().all(|(_, value)| value.data.is_some() || size(&value.fact) < 10_000) {
                let _ = crate::support::run(&graph, &inputs);
            }
        }
    }
    assert!(errors > all / 4 && errors < all, "{errors} of {all}");
}

#[test]
fn random_bytes_are_no_model() {
    let mut numbers = Numbers(3);
    for length in 0..2000 {
        let bytes = (0..length % 97).map(|_| numbers.below(256) as u8).collect();
        assert!(read_bytes(bytes, None).is_err());
    }
}

fn image() -> Fact {
    Fact::new(ElementType::F32, vec![1.into(), 3.into(), 8.into(), 8.into()])
}

/// A graph whose weights lie in initializers.
fn network() -> Graph {
    let mut graph = Graph::new("small");
    let x = graph.add_input("x", image());
    let w = graph.add_constant("w", Tensor::F32(ndarray::ArcArray::zeros(vec![4, 3, 3, 3])));
    let y = graph.add("conv", Conv::default(), &[x, w]);
    let z = graph.add("relu", Relu {}, &[y]);
    graph.add_output(z);
    graph
}

#[test]
fn nodes_that_need_each_other_are_named() {
    let mut graph = Graph::new("cycle");
    let x = graph.add_input("x", image());
    let a = graph.add("first", Add {}, &[x, x]);
    let b = graph.add("second", Relu {}, &[a]);
    let (first, _) = graph.producer(a).unwrap();
    graph.node_mut(first).inputs[1] = Some(b);
    graph.add_output(b);
    let error = read_bytes(write_bytes(&graph, 21).unwrap(), None).unwrap_err().to_string();
    assert_eq!(error, "node `first` needs its own output");
}

#[test]
fn what_would_need_much_memory_is_left_alone_or_refused() {
    let mut graph = Graph::new("large");
    let shape = graph.add_constant("shape", Tensor::vector(vec![1i64 << 20, 1 << 12]));
    let large =
        graph.add("large", ConstantOfShape { value: Tensor::vector(vec![1.0f32]) }, &[shape]);
    let square = graph.add("square", MatMul {}, &[large, large]);
    graph.add_output(square);
    // The product does not fit together; without it, the constant stays a node.
    let bytes = write_bytes(&graph, 21).unwrap();
    assert!(
        read_bytes(bytes, None)
            .unwrap_err()
            .to_string()
            .contains("4096 columns times 1048576 rows")
    );
    let mut graph = Graph::new("large");
    let shape = graph.add_constant("shape", Tensor::vector(vec![1i64 << 20, 1 << 12]));
    let large =
        graph.add("large", ConstantOfShape { value: Tensor::vector(vec![1.0f32]) }, &[shape]);
    graph.add_output(large);
    let again = read_bytes(write_bytes(&graph, 21).unwrap(), None).unwrap();
    assert!(matches!(again.nodes().next().unwrap().1.op, Op::ConstantOfShape(_)));
}

#[test]
fn wrong_shapes_name_the_node() {
    let mut graph = network();
    let w = graph.find("w").unwrap();
    graph.value_mut(w).data = Some(Tensor::F32(ndarray::ArcArray::zeros(vec![4, 3, 30, 3])));
    let error = read_bytes(write_bytes(&graph, 21).unwrap(), None).unwrap_err().to_string();
    assert_eq!(error, "node `conv` (Conv): a kernel that spans 30 over 8 elements");
}

#[test]
fn external_tensors_stay_inside_the_folder() {
    use prost::Message;
    // Field numbers of onnx.proto: enough of a model for one initializer in a file.
    #[derive(Clone, PartialEq, Message)]
    struct Entry {
        #[prost(string, tag = "1")]
        key: String,
        #[prost(string, tag = "2")]
        value: String,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Stored {
        #[prost(int64, repeated, tag = "1")]
        dims: Vec<i64>,
        #[prost(int32, tag = "2")]
        data_type: i32,
        #[prost(string, tag = "8")]
        name: String,
        #[prost(message, repeated, tag = "13")]
        external: Vec<Entry>,
        #[prost(int32, tag = "14")]
        location: i32,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Info {
        #[prost(string, tag = "1")]
        name: String,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Nodes {
        #[prost(message, repeated, tag = "5")]
        initializer: Vec<Stored>,
        #[prost(message, repeated, tag = "12")]
        output: Vec<Info>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Model {
        #[prost(message, tag = "7")]
        graph: Option<Nodes>,
    }
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("model");
    std::fs::create_dir(&folder).unwrap();
    let bytes: Vec<u8> = [1.5f32, -2.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(folder.join("weights"), &bytes).unwrap();
    std::fs::write(outer.path().join("secret"), &bytes).unwrap();
    let model = |location: &str, offset: &str, length: &str, dims: Vec<i64>| {
        let entries = [("location", location), ("offset", offset), ("length", length)];
        let entries = entries.map(|(key, value)| Entry { key: key.into(), value: value.into() });
        let external = entries.to_vec();
        let (data_type, name, location) = (1, "w".to_owned(), 1);
        let initializer = vec![Stored { dims, data_type, name, external, location }];
        let output = vec![Info { name: "w".into() }];
        let path = folder.join("model.onnx");
        std::fs::write(&path, Model { graph: Some(Nodes { initializer, output }) }.encode_to_vec())
            .unwrap();
        read(&path)
    };
    let graph = model("weights", "4", "8", vec![2]).unwrap();
    assert_eq!(graph.data(graph.outputs()[0]), Some(&Tensor::vector(vec![-2.0f32, 4.0])));
    let absolute = outer.path().join("secret");
    for (location, offset, length, dims, expected) in [
        ("../secret", "0", "12", vec![3], "not inside the model's folder"),
        (absolute.to_str().unwrap(), "0", "12", vec![3], "not inside the model's folder"),
        ("weights", "8", "8", vec![2], "8 bytes were expected"),
        ("weights", "0", "8", vec![3], "12 bytes were expected"),
        ("weights", "18446744073709551615", "8", vec![2], "8 bytes were expected"),
        ("weights", "x", "8", vec![2], "`x` is no offset in a file"),
        ("nothing", "0", "8", vec![2], "No such file"),
        ("weights", "0", "8", vec![-2], "the shape is [-2]"),
        ("weights", "0", "8", vec![1 << 40, 1 << 40], "too large"),
    ] {
        let error = model(location, offset, length, dims).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("link")).unwrap();
        let error = model("link", "0", "12", vec![3]).unwrap_err().to_string();
        assert!(error.contains("not inside the model's folder"), "{error}");
    }
}
