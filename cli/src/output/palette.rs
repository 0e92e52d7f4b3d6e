//! The colours of curves.

use plotters::style::RGBColor;

/// Okabe and Ito's, told apart by the colour-blind.
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// The colour of a curve by its number; after the last one the first again.
pub(crate) fn color(index: usize) -> RGBColor {
    COLORS[index % COLORS.len()]
}
