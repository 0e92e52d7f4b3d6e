//! Tables, in the form that Markdown reads.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// An empty table with these column titles.
fn plain(titles: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(titles.iter().copied());
    table
}

/// An empty table whose columns are texts.
pub(crate) fn texts(titles: &[&str]) -> Table {
    plain(titles)
}

/// An empty table whose columns are numbers, aligned to the right.
pub(crate) fn numbers(titles: &[&str]) -> Table {
    let mut table = plain(titles);
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
