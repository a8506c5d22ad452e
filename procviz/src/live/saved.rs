//! Saves the chart of a live view as a picture.

use super::Live;
use crate::{
    export::time,
    paint,
    runtime::{drawing, output::Job, text::escaped},
};

impl Live {
    /// Saves the picture that `-o` would draw, into a new file.
    pub(super) fn save(&mut self) {
        let target = match &self.saved {
            Ok((target, _)) => target.clone(),
            Err(why) => {
                self.view.message = Some(format!("not saved: {why}"));
                return;
            }
        };
        let snapshot = self.session.snapshot();
        let name = target.name(
            1,
            &time::for_file_name(&snapshot.host, snapshot.stamp.boot_ns),
        );
        // Drawing another size must not move the dots on the screen.
        let on_screen = self.grid.clone();
        let scene = self.scene((1600.0, 900.0));
        self.grid = on_screen;
        let outcome = target.check_name(&name).and_then(|()| {
            let mut raster = paint::Raster::new(self.font.clone());
            let pixels = raster.paint(&scene, 1.0)?;
            let notes = drawing::notes(&scene, self.session.snapshot());
            let bytes = paint::encode(pixels, &notes)?;
            match &self.saved {
                Ok((_, writer)) => writer.write(name.clone(), Job::File(bytes)),
                Err(why) => Err(anyhow::anyhow!("{why}")),
            }
        });
        self.view.message = Some(match outcome {
            Ok(()) => format!("saved as {}", escaped(target.path_of(&name))),
            Err(error) => format!("not saved: {error:#}"),
        });
    }
}
