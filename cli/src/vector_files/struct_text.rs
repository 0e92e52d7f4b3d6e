//! The fields as SystemVerilog: where each lies, and a packed struct of the same layout.

use super::header::bits;
use super::rows::Rows;

/// A package with the widths and, where rows are packed, the places and a struct.
///
/// Arrays run upward, so that element 0 is in the top bits, as in the words of the file.
pub(super) fn package(rows: &Rows) -> String {
    let stem = rows.stem();
    let (guard, split) = (stem.to_uppercase(), rows.is_split());
    let fields = rows.table.fields();
    let total: u64 = fields.iter().map(bits).sum();
    let mut text = format!(
        "// {} {}, {} rows: written by fewbit beside the words that it describes.\n\
         `ifndef FEWBIT_{guard}_SVH\n`define FEWBIT_{guard}_SVH\npackage fewbit_{stem};\n",
        rows.plan.op(),
        rows.plan.content,
        rows.table.len(),
    );
    let mut constant = |name: String, value: u64| {
        text += &format!("  localparam integer {name} = {value};\n");
    };
    constant("ROWS".into(), rows.table.len() as u64);
    if !split {
        constant("WIDTH".into(), total);
    }
    let mut lsb = total;
    for field in fields {
        let name = field.name.to_uppercase();
        lsb -= bits(field);
        if !split {
            constant(format!("{name}_LSB"), lsb);
        }
        constant(format!("{name}_WIDTH"), field.format.bits().into());
        if !field.shape.is_empty() {
            constant(format!("{name}_WORDS"), field.words() as u64);
        }
    }
    if split {
        for field in fields {
            text += &format!("  typedef logic [{}:0] {}_t;\n", field.format.bits() - 1, field.name);
        }
    } else {
        text += "  typedef struct packed {\n";
        for field in fields {
            let extents: String =
                field.shape.iter().map(|extent| format!("[0:{}]", extent - 1)).collect();
            let note = field.format;
            text += &format!(
                "    logic {extents}[{}:0] {}; // {note}\n",
                field.format.bits() - 1,
                field.name
            );
        }
        text += &format!("  }} {stem}_t;\n");
    }
    text + "endpackage\n`endif\n"
}
