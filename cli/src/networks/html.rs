//! The report as one page: tables, and pictures in it.

use std::fmt::Write;

use fewbit_models::eval::{Accuracy, LanguageReport, LayerResult, Report, Scored, SweepPoint};
use fewbit_models::flow::Phase;
use fewbit_models::graph::escaped;
use fewbit_models::passes::PassReport;

/// A page of its own, without anything to be loaded.
pub(crate) fn html(title: &str, report: &Report, pictures: &[(String, String)]) -> String {
    let mut page = head(title);
    // Writing into a String does not fail.
    let _ = writeln!(page, "<table><tr><th>execution</th><th>accuracy</th><th>images</th></tr>");
    for (name, accuracy) in
        [("float", report.float), ("quantized", report.quantized), ("integer", report.integer)]
    {
        let _ = writeln!(
            page,
            "<tr><td>{name}</td><td>{}</td><td>{}</td></tr>",
            percent(accuracy),
            accuracy.images
        );
    }
    page.push_str("</table>\n");
    page += &body(pictures, &report.layers, &report.in_floats);
    if !report.sweep.is_empty() {
        page.push_str("<h2>Accuracy and overflow, accumulator by accumulator</h2>\n");
        let value = |p: &SweepPoint| p.accuracy.map(|a| format!("{:.2} %", 100.0 * a));
        page += &points(
            "accuracy",
            report.sweep.iter().map(|p| Row {
                acc: &p.acc,
                bits: p.bits,
                algorithm: &p.algorithm,
                constraint: &p.constraint,
                value: value(p).unwrap_or_default(),
                events: p.events,
            }),
        );
    }
    if !report.least_bits.is_empty() {
        page.push_str("<h2>Least accumulators within the budget</h2>\n<table><tr><th>layer</th><th>bits</th><th>accumulator</th></tr>\n");
        for least in &report.least_bits {
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                escaped(&least.name),
                least.bits,
                escaped(&least.acc)
            );
        }
        page.push_str("</table>\n");
    }
    page + &tail(&report.passes, &report.phases)
}

/// The same of a language model.
pub(crate) fn language_html(
    title: &str,
    report: &LanguageReport,
    pictures: &[(String, String)],
) -> String {
    let mut page = head(title);
    let _ = writeln!(page, "<table><tr><th>execution</th><th>perplexity</th></tr>");
    for (name, found) in [
        ("float", report.float_perplexity),
        ("quantized, products in float32", report.perplexity),
        ("codes through exact accumulators", report.exact_perplexity),
        ("codes through the model's accumulators", report.accumulator_perplexity),
    ] {
        if let Some(found) = found {
            let _ = writeln!(page, "<tr><td>{name}</td><td>{found:.3}</td></tr>");
        }
    }
    page.push_str("</table>\n");
    let Scored { windows, seqlen, tokens } = report.scored;
    if windows > 0 {
        let _ =
            writeln!(page, "<p>{windows} windows of {seqlen} tokens, {tokens} tokens scored</p>");
    }
    if let Some(events) = report.events {
        let _ = writeln!(page, "<p>{events} overflow events in the model's accumulators</p>");
    }
    page += &body(pictures, &report.layers, &report.in_floats);
    if !report.sweep.is_empty() {
        page.push_str("<h2>Perplexity and overflow, accumulator by accumulator</h2>\n");
        page += &points(
            "perplexity",
            report.sweep.iter().map(|p| Row {
                acc: &p.acc,
                bits: p.bits,
                algorithm: &p.algorithm,
                constraint: &p.constraint,
                value: format!("{:.3}", p.perplexity),
                events: p.events,
            }),
        );
    }
    page + &tail(&report.passes, &report.phases)
}

fn head(title: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>{STYLE}</style></head><body>\n<h1>{0}</h1>\n",
        escaped(title)
    )
}

/// Pictures and layers.
fn body(pictures: &[(String, String)], all: &[LayerResult], in_floats: &[String]) -> String {
    let mut page = String::new();
    for (caption, svg) in pictures {
        let _ = writeln!(page, "<h2>{}</h2>\n{svg}", escaped(caption));
    }
    if !all.is_empty() {
        page.push_str("<h2>Layers</h2>\n");
        page.push_str(&layers(all));
    }
    if !in_floats.is_empty() {
        let names: Vec<String> = in_floats.iter().map(|name| escaped(name)).collect();
        let _ = writeln!(page, "<p>In floats between codes: {}</p>", names.join(", "));
    }
    page
}

/// What ran.
fn tail(passes: &[PassReport], phases: &[Phase]) -> String {
    let mut page =
        String::from("<h2>What ran</h2>\n<table><tr><th>pass</th><th>what it changed</th></tr>\n");
    for pass in passes {
        let _ = writeln!(page, "<tr><td>{}</td><td>{}</td></tr>", pass.name, escaped(&pass.detail));
    }
    page.push_str("</table>\n<table><tr><th>phase</th><th>seconds</th></tr>\n");
    for phase in phases {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{:.2}</td></tr>",
            escaped(&phase.name),
            phase.seconds
        );
    }
    page.push_str("</table>\n</body></html>\n");
    page
}

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:right}\
td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}";

/// A table of layers; the color of the events says how many there are.
fn layers(layers: &[LayerResult]) -> String {
    let most = layers.iter().filter_map(|layer| layer.events).max().unwrap_or(0);
    let mut table = String::from(
        "<table><tr><th>layer</th><th>SQNR, dB</th><th>guaranteed bits</th><th>observed bits</th><th>accumulator</th><th>overflow events</th></tr>\n",
    );
    for layer in layers {
        let bits = |bits: Option<u32>| bits.map(|b| b.to_string()).unwrap_or_default();
        let heat = match (layer.events, most) {
            (Some(events), 1..) if events > 0 => {
                let share = ((events as f64).ln_1p() / (most as f64).ln_1p()).clamp(0.15, 1.0);
                format!(" style=\"background:rgba(200,40,30,{share:.2})\"")
            }
            _ => String::new(),
        };
        let _ = writeln!(
            table,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td{heat}>{}</td></tr>",
            escaped(&layer.name),
            layer.sqnr_db.map(|db| format!("{db:.1}")).unwrap_or_default(),
            bits(layer.guaranteed_bits),
            bits(layer.observed_bits),
            escaped(layer.accumulator.as_deref().unwrap_or_default()),
            layer.events.map(|events| events.to_string()).unwrap_or_default(),
        );
    }
    table.push_str("</table>\n");
    table
}

/// A line of a sweep.
struct Row<'a> {
    acc: &'a str,
    bits: u32,
    algorithm: &'a str,
    constraint: &'a str,
    value: String,
    events: u64,
}

/// A table of a sweep.
fn points<'a>(value: &str, rows: impl Iterator<Item = Row<'a>>) -> String {
    let mut table = format!(
        "<table><tr><th>accumulator</th><th>P</th><th>algorithm</th><th>constraint</th><th>{value}</th><th>overflow events</th></tr>\n",
    );
    for row in rows {
        let _ = writeln!(
            table,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(row.acc),
            row.bits,
            escaped(row.algorithm),
            escaped(row.constraint),
            row.value,
            row.events,
        );
    }
    table.push_str("</table>\n");
    table
}

fn percent(accuracy: Accuracy) -> String {
    accuracy.accuracy.map_or_else(|| "no labels".into(), |share| format!("{:.2} %", 100.0 * share))
}
