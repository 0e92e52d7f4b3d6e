//! Scratch.
mod support;

#[test]
fn published() {
    let Ok(folder) = std::env::var("FEWBIT_MODELS_DATA") else {
        println!("skipped: FEWBIT_MODELS_DATA is not set");
        return;
    };
    let bytes = std::fs::read(format!("{folder}/onnx_cases.bin.gz")).unwrap();
    let (mut right, mut wrong) = (0, Vec::new());
    for case in support::cases(&bytes) {
        let result = std::panic::catch_unwind(|| support::failure(&case, 1e-4));
        match result.unwrap_or_else(|_| Some("PANIC".into())) {
            None => right += 1,
            Some(difference) => wrong.push(format!("{}: {difference}", case.name)),
        }
    }
    println!("{right} right, {} wrong", wrong.len());
    wrong.iter().for_each(|line| println!("{line}"));
}
