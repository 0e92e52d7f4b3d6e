mod graph;
mod lexer;
mod modules;
use std::path::Path;
#[test]
fn explore() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut w = modules::Workspace::default();
    w.read(base, "fewbit_formats", "formats/src/lib.rs");
    w.read(base, "fewbit", "src/lib.rs");
    w.read(base, "fewbit_cli", "cli/src/lib.rs");
    w.read(base, "fewbit_testkit", "testkit/src/lib.rs");
    let arrows = w.arrows();
    println!("files {} arrows {}", w.files().len(), arrows.len());
    for c in graph::cycles(&arrows) {
        println!("cycle {}: {:?}", c.len(), c);
    }
    let room = |f: &str| -> String {
        let p: Vec<&str> = f.split('/').collect();
        let i = p.iter().position(|x| *x == "src").unwrap();
        p[..(i + 2).min(p.len())].join("/").trim_end_matches(".rs").to_owned()
    };
    let mut r = std::collections::BTreeMap::<(String, String), Vec<(String, String)>>::new();
    for (a, b) in &arrows {
        let k = (room(a), room(b));
        if k.0 != k.1 {
            r.entry(k).or_default().push((a.clone(), b.clone()));
        }
    }
    for (k, v) in &r {
        println!("{} -> {}: {}", k.0, k.1, v.len());
    }
    if let Ok(x) = std::env::var("SHOW") {
        for (k, v) in &r {
            if format!("{} -> {}", k.0, k.1) == x {
                println!("{v:#?}");
            }
        }
    }
}
