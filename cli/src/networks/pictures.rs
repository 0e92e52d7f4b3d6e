//! Pictures of a network's results, layer by layer.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const FONT: &str = "sans-serif";
const WIDTH: u32 = 900;
/// Height of a layer's line, and of what is above and below the lines.
const LINE: (u32, u32) = (26, 60);
/// Width of the names of layers.
const NAMES: u32 = 220;

type Error = Box<dyn std::error::Error>;

/// A bar per value of every layer, from 0 to the right.
pub(crate) struct Bars<'a> {
    /// Name and values of each layer.
    pub(crate) rows: Vec<(&'a str, Vec<Option<f64>>)>,
    /// The color of each value.
    pub(crate) colors: &'a [RGBColor],
    /// What is written below.
    pub(crate) title: &'a str,
}

/// A field per layer and column, the redder the greater its value.
pub(crate) struct HeatMap<'a> {
    /// Name and values of each layer.
    pub(crate) rows: Vec<(&'a str, Vec<u64>)>,
    /// What stands below the columns.
    pub(crate) columns: Vec<String>,
    /// What is written below that.
    pub(crate) title: &'a str,
}

/// An area for so many layers, drawn by `draw`.
fn svg(
    layers: usize,
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Error>,
) -> Result<String, String> {
    let mut svg = String::new();
    let whole = |svg: &mut String| -> Result<(), Error> {
        let height = LINE.1 + LINE.0 * layers.max(2) as u32;
        let area = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area)?;
        area.present()?;
        Ok(())
    };
    whole(&mut svg).map_err(|error| error.to_string())?;
    Ok(svg)
}

/// A text that is centred on its height.
fn text(size: i32, side: HPos) -> TextStyle<'static> {
    (FONT, size).into_font().color(&BLACK).pos(Pos::new(side, VPos::Center))
}

impl Bars<'_> {
    /// The picture.
    ///
    /// # Errors
    /// What the drawing library reports.
    pub(crate) fn draw(&self) -> Result<String, String> {
        svg(self.rows.len(), |area| {
            let values = self.rows.iter().flat_map(|row| row.1.iter().flatten());
            let (least, most) = values.fold((0f64, 8f64), |(l, m), &x| (l.min(x), m.max(x)));
            let rows = self.rows.len().max(1) as f64;
            let mut chart = ChartBuilder::on(area)
                .margin(8)
                .x_label_area_size(36)
                .y_label_area_size(NAMES)
                .build_cartesian_2d(least..most + 1.0, 0.0..rows)?;
            chart
                .configure_mesh()
                .disable_y_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(RGBColor(225, 225, 225))
                .x_desc(self.title)
                .label_style((FONT, 12))
                .y_labels(0)
                .draw()?;
            let height = 0.76 / self.colors.len().max(1) as f64;
            for (index, (name, values)) in self.rows.iter().enumerate() {
                let top = rows - index as f64 - 0.12;
                for (place, (value, color)) in values.iter().zip(self.colors).enumerate() {
                    let Some(value) = value else { continue };
                    let from = top - height * place as f64;
                    let bar = [(0.0, from - height), (*value, from)];
                    chart.draw_series([Rectangle::new(bar, color.filled())])?;
                }
                let place = chart.backend_coord(&(least, top - 0.38));
                let place = (place.0 - 8, place.1);
                area.draw(&Text::new((*name).to_owned(), place, text(12, HPos::Right)))?;
            }
            Ok(())
        })
    }
}

impl HeatMap<'_> {
    /// The picture: white where a value is 0, and from light to dark red by its logarithm.
    ///
    /// # Errors
    /// What the drawing library reports.
    pub(crate) fn draw(&self) -> Result<String, String> {
        let most = self.rows.iter().flat_map(|row| &row.1).copied().max().unwrap_or(0);
        svg(self.rows.len(), |area| {
            let width = (WIDTH - NAMES - 16) as i32 / self.columns.len().max(1) as i32;
            let (left, height) = (NAMES as i32, LINE.0 as i32);
            for (index, (name, values)) in self.rows.iter().enumerate() {
                let top = 8 + height * index as i32;
                let middle = top + height / 2;
                let place = (left - 8, middle);
                area.draw(&Text::new((*name).to_owned(), place, text(12, HPos::Right)))?;
                for (column, &value) in values.iter().enumerate() {
                    let x = left + width * column as i32;
                    let field = [(x, top), (x + width - 1, top + height - 1)];
                    area.draw(&Rectangle::new(field, heat(value, most).filled()))?;
                    if value > 0 && width >= 40 {
                        let label = short(value);
                        let style = text(10, HPos::Center);
                        area.draw(&Text::new(label, (x + width / 2, middle), style))?;
                    }
                }
            }
            let below = 8 + height * self.rows.len() as i32 + 12;
            for (column, label) in self.columns.iter().enumerate() {
                let place = (left + width * column as i32 + width / 2, below);
                area.draw(&Text::new(label.clone(), place, text(12, HPos::Center)))?;
            }
            let place = ((WIDTH + NAMES) as i32 / 2, below + 20);
            area.draw(&Text::new(self.title.to_owned(), place, text(12, HPos::Center)))?;
            Ok(())
        })
    }
}

/// From light to dark red by the logarithm.
fn heat(value: u64, most: u64) -> RGBColor {
    if value == 0 || most == 0 {
        return RGBColor(245, 245, 245);
    }
    let share = ((value as f64).ln_1p() / (most as f64).ln_1p()).clamp(0.0, 1.0);
    let fade = |from: f64, to: f64| (from + (to - from) * share) as u8;
    RGBColor(fade(253.0, 205.0), fade(224.0, 60.0), fade(210.0, 50.0))
}

/// Three digits.
fn short(value: u64) -> String {
    match value {
        ..1_000 => value.to_string(),
        _ => format!("{:.1e}", value as f64),
    }
}
