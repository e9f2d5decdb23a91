//! A picture of the connections over time: a bar for each request, one line for each connection.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use oss_resumable::{RequestEnd, RequestTrace};
use plotters::coord::Shift;
use plotters::prelude::*;

/// Width of the picture in pixels.
const WIDTH: u32 = 1200;
/// Height of a line, of what is around the lines, and of the part of it that is above them.
const LINE: u32 = 18;
const MARGIN: u32 = 100;
const LEGEND: u32 = 36;
const FONT: &str = "sans-serif";

/// The requests so far.
#[derive(Default)]
pub struct Timeline(Vec<Request>);

struct Request {
    /// Seconds since the beginning.
    start: f64,
    first_byte: f64,
    end: f64,
    /// Which connection it had, if any.
    connection: Option<(SocketAddr, u16)>,
    kind: Kind,
}

/// What a bar's color tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It brought what was asked for, or as much as another connection left to it.
    Complete,
    /// The download stopped it on purpose.
    Stopped,
    /// It failed.
    Failed,
}

const WAITING: RGBColor = RGBColor(200, 205, 212);

impl Timeline {
    /// Adds a request that has ended.
    pub fn add(&mut self, trace: &RequestTrace, begun: Instant) {
        let seconds = |at: Instant| at.saturating_duration_since(begun).as_secs_f64();
        let end = seconds(trace.ended);
        self.0.push(Request {
            start: seconds(trace.started),
            first_byte: trace.first_byte.map_or(end, seconds),
            end,
            connection: trace.peer.map(|peer| (peer, trace.local_port)),
            kind: match trace.end {
                RequestEnd::Complete | RequestEnd::Shared => Kind::Complete,
                RequestEnd::Slow
                | RequestEnd::Paused
                | RequestEnd::Yielded
                | RequestEnd::Stopped => Kind::Stopped,
                _ => Kind::Failed,
            },
        });
    }

    /// Writes the picture as SVG.
    pub fn draw(mut self, path: &Path) -> Result<(), String> {
        self.0.sort_by(|a, b| a.start.partial_cmp(&b.start).unwrap_or(Ordering::Equal));
        self.try_draw(path)
            .map_err(|error| format!("cannot write the timeline '{}': {error}", path.display()))
    }

    fn try_draw(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let lines = lines(&self.0);
        let count = lines.iter().max().map_or(1, |last| last + 1);
        let height = MARGIN + LINE * u32::try_from(count).unwrap_or(u32::MAX / LINE - MARGIN);
        let end = self.0.iter().map(|request| request.end).fold(0.001, f64::max);
        let canvas = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
        canvas.fill(&WHITE)?;
        draw_legend(&canvas)?;
        let mut chart = ChartBuilder::on(&canvas)
            .margin(12)
            .margin_top(LEGEND)
            .x_label_area_size(40)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..end, (count as f64)..0.0)?;
        chart
            .configure_mesh()
            .x_desc("seconds")
            .y_desc("connections")
            .label_style((FONT, 12))
            .axis_desc_style((FONT, 13))
            .y_labels(count.min(12))
            .y_label_formatter(&|line| format!("{line:.0}"))
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .draw()?;
        let bar = |line: usize, from: f64, to: f64, color: RGBColor| {
            let top = line as f64;
            Rectangle::new([(from, top + 0.15), (to, top + 0.85)], color.filled())
        };
        chart.draw_series(self.0.iter().zip(&lines).flat_map(|(request, line)| {
            [
                bar(*line, request.start, request.first_byte, WAITING),
                bar(*line, request.first_byte, request.end, request.kind.color()),
            ]
        }))?;
        canvas.present()?;
        Ok(())
    }
}

impl Kind {
    fn color(self) -> RGBColor {
        match self {
            Kind::Complete => RGBColor(44, 123, 182),
            Kind::Stopped => RGBColor(166, 118, 29),
            Kind::Failed => RGBColor(202, 0, 32),
        }
    }
}

/// Title and meaning of the colors, in the space above the chart.
fn draw_legend(canvas: &Canvas) -> Result<(), Box<dyn Error>> {
    let text = |text: &'static str, x: i32, size: i32| {
        Text::new(text, (x, (LEGEND as i32 - size) / 2), (FONT, size).into_font())
    };
    canvas.draw(&text("Connections over time", 60, 16))?;
    let colors = [
        ("waiting for the first byte", WAITING),
        ("receiving", Kind::Complete.color()),
        ("receiving, then stopped", Kind::Stopped.color()),
        ("receiving, then failed", Kind::Failed.color()),
    ];
    for (place, (label, color)) in (0..).zip(colors) {
        let x = 360 + 205 * place;
        let top = LEGEND as i32 / 2 - 5;
        canvas.draw(&Rectangle::new([(x, top), (x + 14, top + 10)], color.filled()))?;
        canvas.draw(&text(label, x + 20, 13))?;
    }
    Ok(())
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The line of each request, which are in the order of their starts: the one of its connection, or else the first free
/// one. Bars of a line do not overlap.
fn lines(requests: &[Request]) -> Vec<usize> {
    let mut free_from: Vec<f64> = Vec::new();
    let mut line_of = HashMap::new();
    let mut lines = Vec::with_capacity(requests.len());
    for request in requests {
        let is_free = |line: &usize| free_from.get(*line).is_none_or(|end| *end <= request.start);
        let former = request.connection.and_then(|connection| line_of.get(&connection).copied());
        let line = former
            .filter(is_free)
            .or_else(|| (0..free_from.len()).find(is_free))
            .unwrap_or(free_from.len());
        if line == free_from.len() {
            free_from.push(0.0);
        }
        free_from[line] = request.end;
        if let Some(connection) = request.connection {
            line_of.insert(connection, line);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(start: f64, end: f64, port: u16) -> Request {
        let peer = SocketAddr::from(([127, 0, 0, 1], 80));
        Request {
            start,
            first_byte: start,
            end,
            connection: Some((peer, port)),
            kind: Kind::Complete,
        }
    }

    #[test]
    fn requests_at_the_same_time_are_on_lines_of_their_own() {
        let requests = [request(0.0, 2.0, 1), request(1.0, 3.0, 2), request(2.0, 3.0, 3)];
        assert_eq!(lines(&requests), [0, 1, 0]);
    }

    #[test]
    fn the_requests_of_a_connection_stay_on_its_line() {
        let requests = [
            request(0.0, 1.0, 1),
            request(0.0, 1.0, 2),
            request(1.5, 2.0, 2),
            request(1.5, 2.0, 1),
        ];
        assert_eq!(lines(&requests), [0, 1, 1, 0]);
    }
}
