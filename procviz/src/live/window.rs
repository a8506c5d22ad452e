//! Shows the live view in a window, on X11 or Wayland.

use std::{
    num::NonZeroU32,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow};
use softbuffer::{Context, Surface};
use winit::{
    application::ApplicationHandler,
    dpi::{LogicalSize, PhysicalPosition, PhysicalSize},
    event::{ElementState, KeyEvent, MouseButton, MouseScrollDelta, WindowEvent},
    event_loop::{ActiveEventLoop, ControlFlow, OwnedDisplayHandle},
    keyboard::{Key as WinitKey, NamedKey},
    window::{Window, WindowId},
};

use super::{ChartOptions, Live, Reaction, display::Display};
use crate::{
    chart::{Palette, plot_of},
    cli::PictureArgs,
    export::time,
    paint,
    runtime::{Failure, config::Schedule, measures::Measures, stderr::print_line},
    scene::Scene,
    session::Taken,
    view::{Hits, Input, Key, Overlay, Pane, bar},
};

/// Shortest time between two frames.
const FRAME: Duration = Duration::from_millis(33);
/// Time after which a picture without new samples is checked for its age.
const STILL: Duration = Duration::from_secs(2);
/// Practically no limit: wait for the user.
const NEVER: Duration = Duration::from_secs(3_600);
/// Smallest width and height of a chart, logical pixels.
const LEAST: (f32, f32) = (480.0, 240.0);
/// How far the pointer can move during a click, physical pixels.
const STILL_HAND: f64 = 4.0;
/// Environment variable for tests: prints the position of each task's dot on stderr.
const PLACES_VARIABLE: &str = "PROCVIZ_TEST_PLACES";

/// Shows the live view until its window is closed.
pub(super) fn run(
    charts: ChartOptions,
    (args, measures): (&PictureArgs, &Measures),
    schedule: &Schedule,
    display: &Display,
) -> Result<u8, Failure> {
    let palette = Palette::new(charts.grid.theme, charts.grid.palette, &charts.grid.colors);
    let event_loop = display.event_loop()?;
    let proxy = event_loop.create_proxy();
    // The error means that the window is gone and needs no wake-up.
    let wake = Box::new(move || _ = proxy.send_event(()));
    let live = Live::start(charts, (args, measures), schedule, wake, None)?;
    let context = Context::new(event_loop.owned_display_handle())
        .map_err(|error| anyhow!("failed to draw on the display: {error}"))?;
    let mut view = WindowView {
        raster: paint::Raster::new(live.font.clone()),
        live,
        palette,
        size: measures.size,
        factor: measures.scale,
        context,
        shown: None,
        scene: None,
        hits: Hits::default(),
        pointer: None,
        pressed: None,
        is_control: false,
        is_scrubbing: false,
        stale: Stale::All,
        drawn: None,
        failure: None,
        prints_places: std::env::var_os(PLACES_VARIABLE).is_some(),
    };
    let outcome = event_loop.run_app(&mut view);
    if let Some(failure) = view.failure.take() {
        return Err(failure);
    }
    outcome
        .map_err(|_| anyhow!("the display is gone: use `-o FILE` or `--view terminal` instead"))?;
    view.live.end()
}

type Pixels = Surface<OwnedDisplayHandle, Rc<Window>>;

/// The part of the picture that must be drawn again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stale {
    Nothing,
    /// Only what lies over the chart.
    Overlay,
    All,
}

struct WindowView {
    live: Live,
    raster: paint::Raster,
    palette: Palette,
    /// Initial size of the window, pixels of a scene.
    size: (f32, f32),
    /// Factor for all sizes, besides that of the display.
    factor: f64,
    context: Context<OwnedDisplayHandle>,
    shown: Option<(Rc<Window>, Pixels)>,
    /// The chart that was drawn last.
    scene: Option<Scene>,
    hits: Hits,
    /// Where the pointer is, physical pixels.
    pointer: Option<PhysicalPosition<f64>>,
    /// Where the left button went down, and whether the pointer has moved since.
    pressed: Option<(PhysicalPosition<f64>, bool)>,
    /// Whether Control is held.
    is_control: bool,
    /// Whether the left button went down on the time bar.
    is_scrubbing: bool,
    stale: Stale,
    drawn: Option<Instant>,
    failure: Option<Failure>,
    prints_places: bool,
}

impl ApplicationHandler<()> for WindowView {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.shown.is_some() {
            return;
        }
        let attributes = Window::default_attributes()
            .with_title("procviz")
            .with_inner_size(fitting(event_loop, (self.size, self.factor)));
        let shown = event_loop
            .create_window(attributes)
            .map_err(|_| anyhow!("the display refused a window"))
            .and_then(|window| {
                let window = Rc::new(window);
                let surface = Surface::new(&self.context, Rc::clone(&window))
                    .map_err(|error| anyhow!("failed to draw in the window: {error}"))?;
                Ok((window, surface))
            });
        match shown {
            Ok(shown) => self.shown = Some(shown),
            Err(error) => self.fail(event_loop, error.into()),
        }
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, (): ()) {
        match self.live.take() {
            Ok(Taken::Nothing) => {}
            Ok(Taken::Sample) => self.stale = Stale::All,
            Ok(Taken::All) => event_loop.exit(),
            // Ctrl-Z in the shell stops the program, not only the view.
            Ok(Taken::Suspend) => {
                _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
            }
            Err(failure) => self.fail(event_loop, failure),
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let mut stale = Stale::All;
        let goes = match event {
            WindowEvent::CloseRequested | WindowEvent::Destroyed => Reaction::Over,
            WindowEvent::RedrawRequested => {
                if let Err(error) = self.draw() {
                    self.fail(event_loop, error.into());
                }
                Reaction::On
            }
            WindowEvent::Resized(_) | WindowEvent::ScaleFactorChanged { .. } => Reaction::Redraw,
            WindowEvent::CursorMoved { position, .. } => {
                let goes = self.moved(position);
                if self.pressed.is_none() && !self.is_scrubbing {
                    stale = Stale::Overlay;
                }
                goes
            }
            WindowEvent::CursorLeft { .. } => {
                self.pointer = None;
                stale = Stale::Overlay;
                self.live.input(Input::Leave, &self.hits)
            }
            WindowEvent::MouseInput {
                state,
                button: MouseButton::Left,
                ..
            } => self.button(state),
            WindowEvent::MouseWheel { delta, .. } => {
                let steps = match delta {
                    MouseScrollDelta::LineDelta(_, y) => y,
                    MouseScrollDelta::PixelDelta(at) => at.y as f32 / 20.0,
                };
                self.wheel(steps)
            }
            WindowEvent::ModifiersChanged(modifiers) => {
                self.is_control = modifiers.state().control_key();
                Reaction::On
            }
            // Synthetic events are keys that were held when the window got the focus.
            WindowEvent::KeyboardInput {
                event,
                is_synthetic: false,
                ..
            } => self.key(&event),
            _ => Reaction::On,
        };
        match goes {
            Reaction::On => {}
            Reaction::Redraw => self.stale = self.stale.max(stale),
            Reaction::Relayout => {
                self.stale = Stale::All;
                if let Err(error) = self.draw() {
                    self.fail(event_loop, error.into());
                }
            }
            Reaction::Over => event_loop.exit(),
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        let since = self.drawn.map_or(FRAME, |drawn| drawn.elapsed());
        if since >= STILL && self.live.is_late() {
            self.stale = self.stale.max(Stale::Overlay);
        }
        if self.live.has_details() {
            self.stale = self.stale.max(Stale::Overlay);
        }
        let wait = match self.stale > Stale::Nothing {
            true if since >= FRAME => {
                if let Some((window, _)) = &self.shown {
                    window.request_redraw();
                }
                FRAME
            }
            true => FRAME - since,
            false if self.live.waits_for_details() => 3 * FRAME,
            false if self.live.view.is_paused => NEVER,
            // From time to time, check whether a sample is late.
            false => STILL,
        };
        event_loop.set_control_flow(ControlFlow::WaitUntil(Instant::now() + wait));
    }
}

/// The wished size, logical pixels, or what the screen has room for.
fn fitting(
    event_loop: &ActiveEventLoop,
    ((width, height), factor): ((f32, f32), f64),
) -> LogicalSize<f32> {
    let (width, height) = (width * factor as f32, height * factor as f32);
    let screen = event_loop
        .primary_monitor()
        .or_else(|| event_loop.available_monitors().next())
        .map(|monitor| monitor.size().to_logical::<f32>(monitor.scale_factor()))
        // Some displays do not say how large they are.
        .filter(|screen| screen.width > 0.0 && screen.height > 0.0);
    screen.map_or(LogicalSize::new(width, height), |screen| {
        LogicalSize::new(width.min(screen.width), height.min(screen.height))
    })
}

impl WindowView {
    fn fail(&mut self, event_loop: &ActiveEventLoop, failure: Failure) {
        self.failure = Some(failure);
        event_loop.exit();
    }

    fn scale(&self) -> f64 {
        self.shown
            .as_ref()
            .map_or(1.0, |(window, _)| window.scale_factor() * self.factor)
    }

    fn logical(&self, at: PhysicalPosition<f64>) -> (f32, f32) {
        let at = at.to_logical::<f32>(self.scale());
        (at.x, at.y)
    }

    fn moved(&mut self, to: PhysicalPosition<f64>) -> Reaction {
        let from = self.pointer.replace(to);
        let (x, y) = self.logical(to);
        if self.is_scrubbing {
            return self.live.input(Input::Scrub(x), &self.hits);
        }
        if let (Some((down, was_moved)), Some(from)) = (self.pressed, from) {
            let far = (down.x - to.x).hypot(down.y - to.y) > STILL_HAND;
            self.pressed = Some((down, was_moved || far));
            if was_moved || far {
                let (fx, fy) = self.logical(from);
                return self.live.input(Input::Drag(x - fx, y - fy), &self.hits);
            }
        }
        self.live.input(Input::Move(x, y), &self.hits)
    }

    fn wheel(&mut self, steps: f32) -> Reaction {
        let Some(at) = self.pointer else {
            return Reaction::On;
        };
        let (x, y) = self.logical(at);
        self.live.input(Input::Zoom(x, y, steps), &self.hits)
    }

    fn button(&mut self, state: ElementState) -> Reaction {
        let Some(at) = self.pointer else {
            return Reaction::On;
        };
        let (x, y) = self.logical(at);
        if state == ElementState::Pressed {
            self.is_scrubbing = self.hits.on_bar((x, y)).is_some();
            if self.is_scrubbing {
                return self.live.input(Input::Scrub(x), &self.hits);
            }
            self.pressed = Some((at, false));
            return Reaction::On;
        }
        if std::mem::take(&mut self.is_scrubbing) {
            return Reaction::On;
        }
        match self.pressed.take() {
            Some((_, false)) => self.live.input(Input::Click(x, y), &self.hits),
            _ => Reaction::On,
        }
    }

    fn key(&mut self, event: &KeyEvent) -> Reaction {
        if event.state != ElementState::Pressed {
            return Reaction::On;
        }
        let key = match &event.logical_key {
            WinitKey::Named(NamedKey::Enter) => Key::Enter,
            WinitKey::Named(NamedKey::Escape) => Key::Escape,
            WinitKey::Named(NamedKey::Backspace) => Key::Backspace,
            WinitKey::Named(NamedKey::Space) => Key::Char(' '),
            WinitKey::Named(NamedKey::ArrowLeft) => Key::Left,
            WinitKey::Named(NamedKey::ArrowRight) => Key::Right,
            WinitKey::Named(NamedKey::ArrowUp) => Key::Up,
            WinitKey::Named(NamedKey::ArrowDown) => Key::Down,
            WinitKey::Named(NamedKey::PageUp) => Key::PageUp,
            WinitKey::Named(NamedKey::Home) => Key::Home,
            WinitKey::Named(NamedKey::End) => Key::End,
            WinitKey::Named(NamedKey::Delete) => Key::Delete,
            WinitKey::Character(text) if self.is_control => match text.as_str() {
                "u" | "U" => Key::EraseLine,
                "w" | "W" => Key::EraseWord,
                _ => return Reaction::On,
            },
            WinitKey::Named(NamedKey::PageDown) => Key::PageDown,
            WinitKey::Character(text) => match text.chars().next() {
                Some(ch) => Key::Char(ch),
                None => return Reaction::On,
            },
            _ => return Reaction::On,
        };
        self.live.input(Input::Key(key), &self.hits)
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        if !self.live.has_begun() {
            return Ok(());
        }
        let scale = self.scale() as f32;
        let Some((window, _)) = &self.shown else {
            return Ok(());
        };
        let PhysicalSize { width, height } = window.inner_size();
        let (Some(columns), Some(rows)) = (NonZeroU32::new(width), NonZeroU32::new(height)) else {
            // The window is minimized.
            return Ok(());
        };
        let size = (
            (width as f32 / scale).max(LEAST.0),
            (height as f32 / scale).max(LEAST.1),
        );
        let kept = self
            .scene
            .take()
            .filter(|scene| self.stale < Stale::All && (scene.width, scene.height) == size);
        let mut scene = match kept {
            Some(scene) => scene,
            None => self.draw_chart(size, scale)?,
        };
        let popups = self.live.popups();
        let status = self.live.notes().join("  ·  ");
        let bar = self.live.bar();
        let overlay = Overlay {
            view: &self.live.view,
            popups: &popups,
            status: &status,
            bar: bar.as_ref(),
            table: &self.hits.table,
            palette: &self.palette,
            font: &self.live.font,
        };
        let of_the_chart = scene.items.len();
        overlay.draw(&mut scene);
        let over = scene.items.split_off(of_the_chart);
        let pixmap = self.raster.cover(&over, scale).context("nothing to show")?;
        self.scene = Some(scene);
        let gone = |error| anyhow!("the display is gone: {error}");
        if let Some((window, surface)) = &mut self.shown {
            surface.resize(columns, rows).map_err(gone)?;
            let mut buffer = surface.buffer_mut().map_err(gone)?;
            paint::copy_pixels(pixmap, &mut buffer, width as usize);
            window.pre_present_notify();
            buffer.present().map_err(gone)?;
        }
        self.drawn = Some(Instant::now());
        self.stale = Stale::Nothing;
        if self.prints_places {
            self.print_places(scale);
        }
        Ok(())
    }

    /// Draws the chart and paints it, without what lies over it.
    fn draw_chart(&mut self, size: (f32, f32), scale: f32) -> anyhow::Result<Scene> {
        let bar = match self.live.view.is_recording {
            true => bar::height(size.1),
            false => 0.0,
        };
        let whole = (size.0, (size.1 - bar).max(LEAST.1));
        let pane = match self.live.view.table.is_open {
            true => Pane::new(whole, LEAST.0),
            false => None,
        };
        if self.live.view.table.is_open && pane.is_none() {
            let narrow = || "the window is too narrow for the table".to_owned();
            self.live.view.message.get_or_insert_with(narrow);
        }
        let room = (whole.0 - pane.map_or(0.0, Pane::width), whole.1);
        let mut scene = self.live.scene(room);
        if self.live.view.glass.is_on() {
            let plot = plot_of(room);
            self.live.view.glass.keep_in(plot);
            scene.magnify(plot, &self.live.view.glass, &self.live.font);
        }
        (scene.width, scene.height) = size;
        self.hits = Hits::of_scene(&scene);
        if let Some(pane) = pane {
            let table = self.live.shown_table(pane.room());
            let look = (&self.palette, &self.live.font);
            self.hits.table = pane.draw(&mut scene, &table, look);
        }
        if self.live.view.is_recording {
            self.hits.bar = Some(bar::place(size.0, size.1));
        }
        self.raster.paint(&scene, scale)?;
        Ok(scene)
    }

    /// Prints the position of each task and each row of the table, physical pixels, and the ids
    /// of the tasks with open popups.
    fn print_places(&self, scale: f32) {
        let mut text = String::from("places");
        for task in &self.hits.tasks {
            text.push_str(&format!(
                " {}:{:.0},{:.0}",
                task.id.tid,
                task.x * scale,
                task.y * scale
            ));
        }
        let shown = self.live.view.shown();
        let shown: Vec<String> = shown.iter().map(|id| id.tid.to_string()).collect();
        let snapshot = self.live.session.snapshot();
        let clock = time::local_clock(&snapshot.host, snapshot.stamp.boot_ns);
        let tick = snapshot.tick;
        let rows = self.hits.table.rows.iter();
        let rows = rows.map(|((left, top, _, bottom), id)| {
            let (x, y) = (left + 20.0, (top + bottom) / 2.0);
            format!("{}={:.0},{:.0}", id.tid, x * scale, y * scale)
        });
        let rows: Vec<String> = rows.collect();
        print_line(&format!(
            "{text} tick {tick} clock {clock} rows {} popups {}",
            rows.join(";"),
            shown.join(",")
        ));
    }
}
