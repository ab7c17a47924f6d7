//! Lays out a treemap: rectangles of given areas, as square as they can be (Bruls, Huizing, van Wijk: Squarified
//! Treemaps).

/// A rectangle of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    /// The rectangle without a border, and without this much more at its top.
    pub(super) fn inside(self, border: f64, top: f64) -> Self {
        let (width, height) = (self.width - 2.0 * border, self.height - 2.0 * border - top);
        Self { x: self.x + border, y: self.y + border + top, width: width.max(0.0), height: height.max(0.0) }
    }
}

/// A rectangle for each size. The sizes have to come with the largest first.
#[expect(clippy::cast_precision_loss, reason = "a byte of a terabyte is too small to be seen")]
pub(super) fn squarify(sizes: &[u64], mut space: Rect) -> Vec<Rect> {
    let total: f64 = sizes.iter().map(|size| *size as f64).sum();
    let scale = if total > 0.0 { space.width * space.height / total } else { 0.0 };
    let areas: Vec<f64> = sizes.iter().map(|size| *size as f64 * scale).collect();
    let (mut rects, mut begin) = (Vec::with_capacity(areas.len()), 0);
    while begin < areas.len() {
        let side = space.width.min(space.height);
        let mut end = begin + 1;
        while end < areas.len() && worst(&areas[begin..=end], side) <= worst(&areas[begin..end], side) {
            end += 1;
        }
        space = lay(&areas[begin..end], space, &mut rects);
        begin = end;
    }
    rects
}

/// The worst proportion of width to height in a row along this side.
fn worst(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    let proportion = |area: f64| (side * side * area / (sum * sum)).max(sum * sum / (side * side * area));
    row.iter().map(|area| proportion(*area)).fold(0.0, f64::max)
}

/// Lays a row along the shorter side, and returns the space that is left.
fn lay(row: &[f64], space: Rect, rects: &mut Vec<Rect>) -> Rect {
    let sum: f64 = row.iter().sum();
    let side = space.width.min(space.height);
    let depth = if side > 0.0 { sum / side } else { 0.0 };
    let is_column = space.width >= space.height;
    let mut at = 0.0;
    for area in row {
        let length = if depth > 0.0 { area / depth } else { 0.0 };
        rects.push(if is_column {
            Rect { x: space.x, y: space.y + at, width: depth, height: length }
        } else {
            Rect { x: space.x + at, y: space.y, width: length, height: depth }
        });
        at += length;
    }
    if is_column {
        Rect { x: space.x + depth, width: (space.width - depth).max(0.0), ..space }
    } else {
        Rect { y: space.y + depth, height: (space.height - depth).max(0.0), ..space }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: Rect = Rect { x: 10.0, y: 20.0, width: 600.0, height: 400.0 };

    fn area(rect: Rect) -> f64 {
        rect.width * rect.height
    }

    #[test]
    fn areas_are_in_proportion_and_fill_the_space_without_overlap() {
        let sizes = [60, 60, 40, 30, 20, 20, 10];
        let rects = squarify(&sizes, SPACE);
        for (rect, size) in rects.iter().zip(sizes) {
            assert!((area(*rect) - 1000.0 * f64::from(u8::try_from(size).expect("small"))).abs() < 1e-6, "{rect:?}");
            assert!(rect.x >= SPACE.x && rect.x + rect.width <= SPACE.x + SPACE.width + 1e-6, "{rect:?}");
            assert!(rect.y >= SPACE.y && rect.y + rect.height <= SPACE.y + SPACE.height + 1e-6, "{rect:?}");
            assert!((0.3..3.5).contains(&(rect.width / rect.height)), "{rect:?}");
        }
        for (at, one) in rects.iter().enumerate() {
            for other in &rects[at + 1..] {
                let wide = (one.x + one.width).min(other.x + other.width) - one.x.max(other.x);
                let high = (one.y + one.height).min(other.y + other.height) - one.y.max(other.y);
                assert!(wide.min(high) < 1e-6, "{one:?} overlaps {other:?}");
            }
        }
    }

    #[test]
    fn nothing_takes_no_space_and_huge_sizes_fit() {
        assert_eq!(squarify(&[], SPACE), []);
        assert!(squarify(&[0, 0], SPACE).iter().all(|rect| area(*rect) < 1e-6));
        let rects = squarify(&[u64::MAX, u64::MAX / 2, 1, 0], SPACE);
        assert!(rects.iter().all(|rect| rect.width.is_finite() && rect.height.is_finite()), "{rects:?}");
        assert!((rects.iter().map(|rect| area(*rect)).sum::<f64>() - area(SPACE)).abs() < 1e-3, "{rects:?}");
    }
}
