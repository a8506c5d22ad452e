//! Projects three dimensions onto the picture: viewing angle and depth.

/// Maps time, CPU time and memory to pixels.
pub(super) struct Space {
    /// The plot area: left, top, right, bottom, in pixels.
    pub(super) at: (f32, f32, f32, f32),
    /// Ends of the axes: seconds, CPU seconds, bytes.
    pub(super) most: (f64, f64, f64),
    /// Positions of the far walls, behind all lines.
    pub(super) far: [f64; 3],
    sin: (f32, f32),
    cos: (f32, f32),
    scale: (f32, f32),
    middle: (f32, f32),
}

impl Space {
    pub(super) fn new(
        most: (f64, f64, f64),
        (yaw, pitch): (f32, f32),
        at: (f32, f32, f32, f32),
    ) -> Self {
        let (yaw, pitch) = (yaw.to_radians(), pitch.to_radians());
        let mut space = Self {
            at,
            most,
            far: [0.0; 3],
            sin: (yaw.sin(), pitch.sin()),
            cos: (yaw.cos(), pitch.cos()),
            scale: (1.0, 1.0),
            middle: (0.0, 0.0),
        };
        // The deeper end of an axis is the far wall.
        let far = |axis: usize, end: f64| {
            let mut point = [0.0; 3];
            let near = space.depth(point);
            point[axis] = end;
            if space.depth(point) > near { end } else { 0.0 }
        };
        space.far = [far(0, most.0), 0.0, far(2, most.2)];
        let corners = (0..8).map(|bits: u8| {
            let end = |bit: u8, most: f64| if bits & bit == 0 { 0.0 } else { most };
            let (x, y, _) = space.turned([end(1, most.0), end(2, most.1), end(4, most.2)]);
            (x, y)
        });
        let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
        for (x, y) in corners {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        }
        let (width, height) = (at.2 - at.0 - 220.0, at.3 - at.1 - 90.0);
        space.scale = (
            (width / (high.0 - low.0)).max(1.0),
            (height / (high.1 - low.1)).max(1.0),
        );
        space.middle = (
            f32::midpoint(at.0, at.2) - f32::midpoint(low.0, high.0) * space.scale.0,
            f32::midpoint(at.1, at.3) - f32::midpoint(low.1, high.1) * space.scale.1,
        );
        space
    }

    /// Scales a point into a cube with side 2 around the origin, and rotates it.
    /// Returns right, down and depth.
    fn turned(&self, [x, y, z]: [f64; 3]) -> (f32, f32, f32) {
        let unit = |value: f64, most: f64| (value / most * 2.0 - 1.0) as f32;
        let (x, y, z) = (
            unit(x, self.most.0),
            unit(y, self.most.1),
            unit(z, self.most.2),
        );
        let (x, z) = (
            x * self.cos.0 + z * self.sin.0,
            -x * self.sin.0 + z * self.cos.0,
        );
        let (y, z) = (
            y * self.cos.1 - z * self.sin.1,
            y * self.sin.1 + z * self.cos.1,
        );
        (x, -y, -z)
    }

    pub(super) fn at(&self, point: [f64; 3]) -> (f32, f32) {
        let (x, y, _) = self.turned(point);
        (
            self.middle.0 + x * self.scale.0,
            self.middle.1 + y * self.scale.1,
        )
    }

    pub(super) fn depth(&self, point: [f64; 3]) -> f32 {
        self.turned(point).2
    }
}
