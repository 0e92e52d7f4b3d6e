//! How a sweep's numbers and templates are written.

use fewbit::sweep::AccumulatorTemplate;

/// What each template is called: its kind, or itself where that is another's too.
pub(crate) fn names(templates: &[AccumulatorTemplate]) -> Vec<String> {
    let alone = |kind| templates.iter().filter(|t| t.kind() == kind).count() == 1;
    let name = |template: &AccumulatorTemplate| match alone(template.kind()) {
        true => template.kind().to_string(),
        false => template.to_string(),
    };
    templates.iter().map(name).collect()
}

/// `0.9832` as `98.32 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
