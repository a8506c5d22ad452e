//! Shows the live view in a terminal: sets up and restores the terminal, reads keys and
//! mouse, and draws at most 10 times per second.

use std::{
    fs::File,
    io::{self, BufWriter, Stdout, Write as _},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill},
        termios::tcgetattr,
    },
    unistd::getpid,
};
use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor,
        event::{
            self, DisableMouseCapture, EnableMouseCapture, Event, KeyCode, KeyEvent, KeyEventKind,
            KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
        },
        execute, queue,
        terminal::{
            Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
            enable_raw_mode,
        },
    },
};

use rustix::fs::{Mode, OFlags, open};

use super::{ChartOptions, Live, Reaction, context};
use crate::{
    chart::{
        CellGrid, Context as ChartContext, Counts, Grouping, Palette, Sorting, foremost, ground,
        heading, largest, quiet, subject, words,
    },
    cli::PictureArgs,
    model::{Scope, Snapshot},
    runtime::{Failure, config::Schedule, drawing::name, ending, measures::Measures},
    session::{Taken, command},
    view::{
        ChartKind, Hits, Input, Key, View,
        terminal::{
            ABOVE, Body, LargestLines, Look, Screen, draw, layout, most_scroll, without_bar,
        },
    },
};

/// Shortest time between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// Time after which a screen without new samples is checked for its age.
const STILL: Duration = Duration::from_secs(2);

/// Practically no limit: wait for the user.
const NEVER: Duration = Duration::from_secs(3_600);

/// Whether procviz uses the screen: a panic must then restore the terminal.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// The events that the view waits for.
enum UiEvent {
    /// There is a new sample to take.
    Sampler,
    Event(Event),
    /// The terminal is gone.
    Lost,
}

/// Shows the live view until the user quits.
pub(super) fn run(
    charts: ChartOptions,
    (args, measures): (&PictureArgs, &Measures),
    schedule: &Schedule,
) -> Result<u8, Failure> {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let look = Look::of_environment(args.ascii, no_color);
    let palette = Palette::new(charts.grid.theme, charts.grid.palette, &charts.grid.colors);
    let (events, heard) = channel();
    let wake = events.clone();
    // The error means that the view has ended and needs no wake-up.
    let wake = Box::new(move || _ = wake.send(UiEvent::Sampler));
    let kept = (!args.run.is_empty())
        .then(command::nameless_file)
        .transpose()?;
    let mut live = Live::start(charts, (args, measures), schedule, wake, kept.as_ref())?;
    live.view.span = Some(1.0);
    let ours = TerminalGuard::enter(!args.no_mouse)?;
    let mut view = TerminalView {
        grid: cells(&live.view, &palette),
        grid_of: layout_of(&live.view),
        live,
        look,
        palette,
        terminal: terminal()?,
        hits: Hits::default(),
        pressed: None,
        is_scrubbing: false,
        ours,
    };
    listen(events)?;
    let outcome = view.run(&heard);
    if cfg!(debug_assertions) && std::env::var_os("PROCVIZ_TEST_PANIC").is_some() {
        #[expect(clippy::panic, reason = "a test checks that the terminal is restored")]
        {
            panic!("asked to");
        }
    }
    let TerminalView {
        live,
        ours,
        terminal,
        ..
    } = view;
    if is_gone() {
        ending::hang_up();
        // Its drop would print on the terminal that it cannot show the cursor.
        std::mem::forget(terminal);
    } else {
        drop(terminal);
    }
    drop(ours);
    if let Some(kept) = kept {
        command::print_output(kept)?;
    }
    if ending::has_hung_up() {
        // The terminal is gone, so messages have no reader.
        _ = live.end();
        return Ok(HUNG_UP);
    }
    outcome?;
    live.end()
}

/// Whether the terminal is gone. The SIGHUP can come before or after the error EIO.
fn is_gone() -> bool {
    ending::has_hung_up() || tcgetattr(io::stdin()).err() == Some(Errno::EIO)
}

/// Exit status after SIGHUP, in the encoding of a shell: 128 plus the signal number.
const HUNG_UP: u8 = 129;

type Cells = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// Clears the screen.
fn terminal() -> anyhow::Result<Cells> {
    execute!(io::stdout(), Clear(ClearType::All)).context("failed to draw on the terminal")?;
    let out = BufWriter::with_capacity(1 << 16, io::stdout());
    Terminal::new(CrosstermBackend::new(out)).context("failed to open the terminal")
}

/// Reads keys and mouse on a thread of its own.
fn listen(events: Sender<UiEvent>) -> io::Result<()> {
    std::thread::Builder::new()
        .name("procviz-keys".to_owned())
        .spawn(move || {
            loop {
                let heard = event::read().map_or(UiEvent::Lost, UiEvent::Event);
                let is_over = matches!(heard, UiEvent::Lost);
                if events.send(heard).is_err() || is_over {
                    return;
                }
            }
        })?;
    Ok(())
}

/// The settings that decide the layout of a grid.
fn layout_of(view: &View) -> (Scope, Grouping, Sorting) {
    (view.scope(), view.grouping, view.sorting)
}

fn cells(view: &View, palette: &Palette) -> CellGrid {
    let (scope, grouping, order) = layout_of(view);
    CellGrid::new(scope, grouping, order, palette.clone())
}

struct TerminalView {
    live: Live,
    grid: CellGrid,
    grid_of: (Scope, Grouping, Sorting),
    look: Look,
    palette: Palette,
    terminal: Cells,
    hits: Hits,
    /// The last cell of the pointer with the left button down, and whether it has moved.
    pressed: Option<(u16, u16, bool)>,
    /// Whether the left button went down on the time bar.
    is_scrubbing: bool,
    ours: TerminalGuard,
}

impl TerminalView {
    fn run(&mut self, heard: &Receiver<UiEvent>) -> Result<(), Failure> {
        let mut is_dirty = true;
        let mut drawn: Option<Instant> = None;
        loop {
            let due = drawn.map_or(Duration::ZERO, |drawn| {
                FRAME.saturating_sub(drawn.elapsed())
            });
            let patience = match is_dirty {
                true => due,
                false if self.live.waits_for_details() => FRAME,
                // A paused picture does not grow old.
                false if self.live.view.is_paused => NEVER,
                false => STILL,
            };
            match heard.recv_timeout(patience) {
                Ok(first) => {
                    let more = std::iter::from_fn(|| heard.try_recv().ok());
                    for heard in std::iter::once(first).chain(more) {
                        match self.take(heard)? {
                            Reaction::On => {}
                            Reaction::Redraw => is_dirty = true,
                            Reaction::Relayout if self.live.has_begun() => self.draw()?,
                            Reaction::Relayout => is_dirty = true,
                            Reaction::Over => return Ok(()),
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) if is_dirty => {}
                Err(RecvTimeoutError::Timeout) => {
                    is_dirty = self.live.is_late() || self.live.waits_for_details();
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            let is_due = drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME);
            if is_dirty && is_due && self.live.has_begun() {
                self.draw()?;
                drawn = Some(Instant::now());
                is_dirty = false;
            }
        }
    }

    fn take(&mut self, heard: UiEvent) -> Result<Reaction, Failure> {
        match heard {
            UiEvent::Lost => {
                ending::hang_up();
                Ok(Reaction::Over)
            }
            UiEvent::Sampler => match self.live.take()? {
                Taken::Nothing => Ok(Reaction::On),
                Taken::Sample => Ok(Reaction::Redraw),
                Taken::All => Ok(Reaction::Over),
                Taken::Suspend => self.suspend(),
            },
            UiEvent::Event(Event::Key(key)) => self.key(key),
            UiEvent::Event(Event::Mouse(mouse)) => Ok(self.mouse(mouse)),
            UiEvent::Event(Event::Resize(..)) => Ok(Reaction::Redraw),
            UiEvent::Event(_) => Ok(Reaction::On),
        }
    }

    fn key(&mut self, key: KeyEvent) -> Result<Reaction, Failure> {
        if key.kind == KeyEventKind::Release {
            return Ok(Reaction::On);
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c' | 'd' | '\\') => Ok(Reaction::Over),
                KeyCode::Char('z') => self.suspend(),
                KeyCode::Char('u') => Ok(self.live.input(Input::Key(Key::EraseLine), &self.hits)),
                KeyCode::Char('w') => Ok(self.live.input(Input::Key(Key::EraseWord), &self.hits)),
                KeyCode::Char('l') => {
                    self.terminal = terminal()?;
                    Ok(Reaction::Redraw)
                }
                _ => Ok(Reaction::On),
            };
        }
        let key = match key.code {
            KeyCode::Char(ch) => Key::Char(ch),
            KeyCode::Enter => Key::Enter,
            KeyCode::Esc => Key::Escape,
            KeyCode::Backspace => Key::Backspace,
            KeyCode::Left => Key::Left,
            KeyCode::Right => Key::Right,
            KeyCode::Up => Key::Up,
            KeyCode::Down => Key::Down,
            KeyCode::PageUp => Key::PageUp,
            KeyCode::Home => Key::Home,
            KeyCode::End => Key::End,
            KeyCode::Delete => Key::Delete,
            KeyCode::PageDown => Key::PageDown,
            _ => return Ok(Reaction::On),
        };
        Ok(self.live.input(Input::Key(key), &self.hits))
    }

    fn mouse(&mut self, mouse: MouseEvent) -> Reaction {
        let (x, y) = (f32::from(mouse.column) + 0.5, f32::from(mouse.row) + 0.5);
        let input = match mouse.kind {
            MouseEventKind::Moved => Input::Move(x, y),
            MouseEventKind::Down(MouseButton::Left) if self.hits.on_bar((x, y)).is_some() => {
                self.is_scrubbing = true;
                Input::Scrub(x)
            }
            MouseEventKind::Drag(MouseButton::Left) if self.is_scrubbing => Input::Scrub(x),
            MouseEventKind::Up(MouseButton::Left) if self.is_scrubbing => {
                self.is_scrubbing = false;
                return Reaction::On;
            }
            MouseEventKind::Down(MouseButton::Left) => {
                self.pressed = Some((mouse.column, mouse.row, false));
                return Reaction::On;
            }
            MouseEventKind::Drag(MouseButton::Left) => {
                let Some((column, row, _)) = self.pressed else {
                    return Reaction::On;
                };
                self.pressed = Some((mouse.column, mouse.row, true));
                // A cell has about 8 by 16 pixels.
                let moved = |to: u16, from: u16| f32::from(to) - f32::from(from);
                Input::Drag(
                    moved(mouse.column, column) * 8.0,
                    moved(mouse.row, row) * 16.0,
                )
            }
            MouseEventKind::Up(MouseButton::Left) => match self.pressed.take() {
                Some((_, _, false)) => Input::Click(x, y),
                _ => return Reaction::On,
            },
            MouseEventKind::ScrollUp => Input::Wheel(x, y, -3),
            MouseEventKind::ScrollDown => Input::Wheel(x, y, 3),
            _ => return Reaction::On,
        };
        self.live.input(input, &self.hits)
    }

    /// Restores the terminal, stops procviz, and sets up the terminal again after SIGCONT.
    fn suspend(&mut self) -> Result<Reaction, Failure> {
        self.ours.leave();
        kill(getpid(), Signal::SIGSTOP)?;
        self.ours.take()?;
        self.terminal = terminal()?;
        Ok(Reaction::Redraw)
    }

    fn draw(&mut self) -> Result<(), Failure> {
        let popups = self.live.popups();
        let mut status = self.live.notes();
        status.push(ground(self.live.session.snapshot()));
        status.push("? help, q quit".to_owned());
        let mut status = status.join("  ·  ");
        let of = layout_of(&self.live.view);
        if self.grid_of != of {
            self.grid = cells(&self.live.view, &self.palette);
            self.grid_of = of;
        }
        self.terminal
            .autoresize()
            .context("failed to ask for the terminal's size")?;
        let area = self.terminal.get_frame().area();
        let bar = self.live.bar();
        let (area, _) = without_bar(area, bar.is_some());
        let room = layout(area, self.live.view.table.is_open);
        let table = room.and_then(|room| room.table).map(|area| {
            let rows = usize::from(area.height.saturating_sub(ABOVE));
            self.live.shown_table((usize::from(area.width), rows))
        });
        if self.live.view.table.is_open && table.is_none() {
            status = format!("no room for the table here  ·  {status}");
        }
        let live = &mut self.live;
        let snapshot = live.session.snapshot();
        let users = &live.session.users;
        let user = |uid| name(users, uid);
        let context = ChartContext {
            selection: live.selection.clone(),
            ..context(&user, snapshot, &live.font, live.arguments, (0.0, 0.0))
        };
        let scope = live.view.scope();
        let (cells, interesting, series, lives);
        let (body, counts) = match (live.view.chart, room) {
            (ChartKind::Bubble, Some(_)) => {
                interesting = live
                    .bubble
                    .interesting(snapshot, live.view.sorting, &context);
                (Body::Bubble(&interesting), Counts::of(snapshot, scope))
            }
            (ChartKind::Lines, Some(_)) => {
                series = live.lines.series(&context);
                (Body::Lines(&series), Counts::of(snapshot, scope))
            }
            (ChartKind::Timeline, Some(room)) => {
                let size = (usize::from(room.body.width), usize::from(room.body.height));
                lives = live.timeline.rows(snapshot, &context, size);
                let most = lives.rows.len().saturating_sub(size.1.saturating_sub(1));
                live.view.scroll = live.view.scroll.min(most);
                (Body::Timeline(&lives), Counts::of(snapshot, scope))
            }
            (_, room) => {
                let body = room.map_or(area, |room| room.body);
                let room = (usize::from(body.width), usize::from(body.height));
                let counts;
                (cells, counts) = self.grid.draw(snapshot, &context, room);
                live.view.scroll = live.view.scroll.min(most_scroll(&cells, body));
                (Body::Grid(&cells), counts)
            }
        };
        let chart = live.view.chart.word();
        let mut head = words(snapshot, (chart, &counts, scope), &context);
        if let Body::Grid(cells) = &body {
            head.tasks = cells.notes() + &head.tasks;
        }
        let findings = snapshot.findings.iter();
        let subjects: Vec<String> = findings.map(|finding| subject(finding, &context)).collect();
        let (largest, quiet) = lists(snapshot, &context);
        let screen = Screen {
            head,
            body,
            findings: &snapshot.findings,
            subjects: &subjects,
            largest: &largest,
            quiet: &quiet,
            popups: &popups,
            table: table.as_ref(),
            view: &live.view,
            status: &status,
            bar: bar.as_ref(),
            palette: &self.palette,
        };
        let mut hits = Hits::default();
        let look = self.look;
        self.terminal
            .draw(|frame| hits = draw(frame.buffer_mut(), &screen, look))
            .context("failed to draw on the terminal")?;
        self.hits = hits;
        Ok(())
    }
}

/// The processes that use most, and what is said without findings.
fn lists(snapshot: &Snapshot, context: &ChartContext<'_>) -> (LargestLines, String) {
    let largest = largest(snapshot);
    let mut words = foremost(snapshot, &largest, context);
    words.push(quiet(snapshot, !words.is_empty()));
    let measures = largest.iter().map(|of| {
        let lines = of.entries.iter().map(|entry| entry.line(context));
        (of.measure.word(), lines.collect())
    });
    let lines = (heading(snapshot), measures.collect());
    (lines, words.join(" "))
}

/// The terminal while procviz uses it; dropping this restores the terminal.
struct TerminalGuard {
    /// Whether clicks and the wheel come to procviz, and not to the terminal.
    takes_mouse: bool,
}

impl TerminalGuard {
    /// Sets up the terminal.
    ///
    /// # Errors
    ///
    /// When there is no terminal, or it cannot be set up.
    fn enter(takes_mouse: bool) -> Result<Self, Failure> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        let ours = Self { takes_mouse };
        if let Ok(terminal) = open_without_waiting() {
            // Set once: a view is entered once.
            _ = TERMINAL.set(terminal);
        }
        ending::restore_with(Some(give_back_without_waiting));
        ours.take()?;
        Ok(ours)
    }

    fn take(&self) -> anyhow::Result<()> {
        IS_OURS.store(true, Ordering::SeqCst);
        enable_raw_mode().context("failed to set up the terminal")?;
        let mut out = io::stdout();
        let screen = execute!(out, EnterAlternateScreen, cursor::Hide);
        let mouse = screen.and_then(|()| match self.takes_mouse {
            true => execute!(out, EnableMouseCapture),
            false => Ok(()),
        });
        mouse.context("failed to set up the terminal")
    }

    fn leave(&self) {
        give_back();
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        self.leave();
        ending::restore_with(None);
    }
}

/// The terminal, opened so that writes never block.
static TERMINAL: OnceLock<File> = OnceLock::new();

fn open_without_waiting() -> rustix::io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    open("/dev/tty", flags, Mode::empty()).map(File::from)
}

/// Restores the terminal, if it accepts writes without waiting.
fn give_back_without_waiting() {
    if !IS_OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut bytes = Vec::new();
    _ = queue!(
        bytes,
        DisableMouseCapture,
        LeaveAlternateScreen,
        cursor::Show
    );
    if let Some(mut terminal) = TERMINAL.get() {
        _ = terminal.write_all(&bytes);
    }
    _ = disable_raw_mode();
}

/// Restores the terminal.
fn give_back() {
    if IS_OURS.swap(false, Ordering::SeqCst) {
        // A terminal that is gone cannot be restored.
        _ = execute!(
            io::stdout(),
            DisableMouseCapture,
            LeaveAlternateScreen,
            cursor::Show
        );
        _ = disable_raw_mode();
    }
}
