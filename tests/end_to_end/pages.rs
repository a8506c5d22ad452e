//! Compares HTML pages, as a browser shows them, with the recordings they were made from.

use std::{path::Path, process::Stdio};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    browser::{Browser, Scripts},
    support::{Folder, Running, Value, output, procviz, skip, started, stderr, workload},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "a_page_shows_what_the_recording_says",
        Needs::Events,
        a_page_shows,
    ),
    (
        "without_scripts_there_is_the_last_picture",
        Needs::Nothing,
        without_scripts,
    ),
    (
        "a_page_of_2000_tasks_and_60_samples_is_small",
        Needs::Events,
        a_page_is_small,
    ),
];

fn start(args: &[&str]) -> Running {
    started(&mut workload(args))
}

fn draw(from: &Path, args: &[&str], file: &Path) {
    let mut command = procviz();
    let result = output(
        command
            .args(args)
            .arg("--from")
            .arg(from)
            .arg("-o")
            .arg(file),
    );
    assert!(result.status.success(), "{args:?}: {}", stderr(&result));
}

fn json_lines(command: &mut std::process::Command) -> Vec<Value> {
    let result = output(command);
    assert!(result.status.success(), "{}", stderr(&result));
    let text = String::from_utf8(result.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The title of a task in the SVG of the sample at `time`.
fn title(folder: &Folder, recording: &Path, time: &str, tid: &str) -> String {
    let file = folder.file("moment.svg");
    // The period of one sample: a page shows intervals.
    let period = ["--begin", time, "--end", time];
    draw(
        recording,
        &[&["grid", "--force"], &period[..]].concat(),
        &file,
    );
    let svg = std::fs::read_to_string(&file).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let titles = document
        .descendants()
        .filter(|node| node.has_tag_name("title"));
    let is_of = |text: &&str| {
        let first = text.lines().next().unwrap_or_default();
        first.split(' ').any(|word| word == tid)
    };
    let mut found = titles.filter_map(|node| node.text()).filter(is_of);
    found.next().expect("no such task in the SVG").to_owned()
}

/// A point of the window at which the pointer finds the task.
fn spot(browser: &Browser, tid: &str) -> (i64, i64) {
    let script = "
        const canvas = document.getElementById('picture'), at = canvas.getBoundingClientRect();
        const move = (x, y) => canvas.dispatchEvent(new PointerEvent('pointermove', {clientX: x, clientY: y}));
        for (let y = at.top; y < Math.min(at.bottom, innerHeight); y += 3)
            for (let x = at.left; x < at.right; x += 3) {
                move(x, y);
                const name = document.querySelector('.popup:not(.pinned) b');
                if (name && name.textContent.split(' ').includes(arguments[0])) {
                    canvas.dispatchEvent(new PointerEvent('pointerleave'));
                    return [Math.round(x), Math.round(y)];
                }
            }
        return null;";
    let found = browser.run(script, &[tid.into()]);
    let number = |index: usize| found[index].as_i64().expect("no such task");
    (number(0), number(1))
}

fn popup(browser: &Browser, which: &str) -> String {
    let script = "return [...document.querySelector(arguments[0]).children].map(line => line.textContent).join('\\n');";
    let text = browser.run(script, &[which.into()]);
    text.as_str().unwrap().to_owned()
}

fn text(browser: &Browser, which: &str) -> String {
    let text = browser.run(
        "return document.querySelector(arguments[0]).textContent;",
        &[which.into()],
    );
    text.as_str().unwrap().to_owned()
}

fn a_page_shows() -> Result<(), Failed> {
    if let Some(why) = Browser::why_not() {
        return skip(why);
    }
    let folder = Folder::new("page");
    // A name that closes a script, and a name that would run a script.
    let hostile = [
        start(&["named", "3c2f7363726970743e3c623e", "</script><b>"]),
        start(&["named", "3c696d67207372633d6120", "<img src=a "]),
    ];
    let burner = start(&["burn"]);
    let crashes = Running::new(workload(&["crash-loop"]).stdout(Stdio::null()));
    let recording = folder.file("x.pvz");
    let result = output(
        procviz()
            .args(["record", "-s", "0.25", "--duration", "6s", "-o"])
            .arg(&recording),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    drop(crashes);
    let page = folder.file("x.html");
    draw(&recording, &["grid"], &page);
    let bytes = std::fs::read_to_string(&page)?;
    assert!(
        bytes.contains("default-src 'none'") && !bytes.contains("<b>"),
        "the page has no content security policy, or raw markup"
    );

    let samples = json_lines(procviz().args(["dump", "--json", "--from"]).arg(&recording));
    let browser = Browser::start("page", Scripts::Run);
    browser.open(&page);
    let last = samples.len() - 1;
    let place = |browser: &Browser| -> String {
        let moment = text(browser, "#moment");
        let place = moment.split("  ").nth(1).unwrap_or_default();
        place.split(',').next().unwrap_or_default().to_owned()
    };
    assert_eq!(place(&browser), format!("{}/{}", last + 1, last + 1));

    // The popup of a hovered task equals the title in the SVG of that sample, also for
    // other samples.
    let tid = burner.pid().to_string();
    let mut told = Vec::new();
    for _ in 0..3 {
        let number = place(&browser);
        let index: usize = number.split('/').next().unwrap().parse()?;
        let sample = &samples[index - 1];
        let at = spot(&browser, &tid);
        browser.point(at, false);
        let said = popup(&browser, ".popup");
        let time = sample["time"].as_str().unwrap();
        assert_eq!(said, title(&folder, &recording, time, &tid), "{time}");
        let mut tasks = sample["tasks"].as_array().unwrap().iter();
        let task = tasks.find(|task| task["tid"] == burner.pid()).unwrap();
        let share = task["cpu_delta_ns"].as_f64().unwrap()
            / sample["interval_ns"].as_f64().unwrap()
            * 100.0;
        assert!(
            said.contains(&format!("CPU {share:.1} % of a core")),
            "{share} is not in {said}"
        );
        told.push(said);
        // Six steps back.
        browser.keys("\u{e012}\u{e012}\u{e012}\u{e012}\u{e012}\u{e012}");
    }
    assert!(told[0] != told[1] && told[1] != told[2], "{told:?}");

    over_the_slider(&browser, &samples);
    enlarged(&browser, &tid);

    // A pinned popup follows the slider; Escape closes it.
    browser.keys("\u{e010}");
    let at = spot(&browser, &tid);
    browser.point(at, true);
    assert_eq!(popup(&browser, ".popup.pinned"), told[0]);
    browser.keys("\u{e012}\u{e012}\u{e012}\u{e012}\u{e012}\u{e012}");
    assert_eq!(popup(&browser, ".popup.pinned"), told[1]);
    browser.keys("\u{e00c}");
    let pinned = "return document.querySelectorAll('.popup.pinned').length;";
    assert_eq!(browser.run(pinned, &[]), 0);

    // Names are text, whatever they contain.
    for load in &hostile {
        let at = spot(&browser, &load.pid().to_string());
        browser.point(at, false);
        let said = popup(&browser, ".popup");
        assert!(
            said.starts_with("</script><b> ") || said.starts_with("<img src=a  "),
            "{said}"
        );
    }
    let markup = "return document.querySelectorAll('img, #stage b b, script').length;";
    // 2 elements: the data and the script itself.
    assert_eq!(browser.run(markup, &[]), 2);

    // Every death has a row.
    let exits = json_lines(
        procviz()
            .args(["exits", "--json", "--from"])
            .arg(&recording),
    );
    let script = "return [...document.querySelectorAll('#exits tbody tr')].map(row =>
        [...row.children].map(cell => cell.textContent));";
    let rows = browser.run(script, &[]);
    let mut listed: Vec<(u64, String)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let pid = row[1].as_str().unwrap().parse().unwrap();
            (pid, row[5].as_str().unwrap().to_owned())
        })
        .collect();
    let mut known: Vec<(u64, String)> = exits
        .iter()
        .map(|exit| {
            let how = match exit["signal_name"].as_str() {
                Some(signal) => signal.to_owned(),
                None => format!("exit {}", exit["exit_code"]),
            };
            let marks = [("core_dumped", " core"), ("partial", " partial")];
            let marks = marks.iter().filter(|(field, _)| exit[field] == true);
            let how = marks.fold(how, |how, (_, mark)| how + mark);
            (exit["pid"].as_u64().unwrap(), how)
        })
        .collect();
    listed.sort();
    known.sort();
    assert!(known.len() > 5, "{} deaths", known.len());
    assert_eq!(listed, known);

    // The findings are listed, and a filter shows how many tasks pass.
    let stood = text(&browser, "#findings");
    let findings = samples[last]["findings"].as_array().unwrap();
    assert!(!findings.is_empty(), "no finding about the crashes");
    for finding in findings {
        let words = finding["text"].as_str().unwrap();
        assert!(stood.contains(words), "`{words}` is not in {stood}");
    }
    browser.keys("/");
    browser.keys(&tid);
    let found = text(&browser, "#found");
    assert!(found.starts_with("1 of "), "{found}");

    // Playback from the start reaches the end.
    browser.keys("\u{e00c}");
    browser.run("document.getElementById('speed').value = '16';", &[]);
    browser.keys(" ");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let is_over = || {
        place(&browser) == format!("{}/{}", last + 1, last + 1)
            && browser.run(
                "return document.getElementById('play').getAttribute('aria-label');",
                &[],
            ) == "play"
    };
    std::thread::sleep(std::time::Duration::from_millis(100));
    while !is_over() {
        assert!(std::time::Instant::now() < deadline, "no end of playback");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
    Ok(())
}

/// Over the slider is how busy the machine was, and under the pointer the figures and findings.
fn over_the_slider(browser: &Browser, samples: &[Value]) {
    let script = "
        const at = document.getElementById('busy').getBoundingClientRect();
        const track = document.getElementById('track');
        track.dispatchEvent(new PointerEvent('pointermove', {clientX: at.left + arguments[0] * at.width, clientY: at.top + 3}));
        const said = [...track.querySelectorAll('.popup div')].map(line => line.textContent);
        const time = track.querySelector('.popup b').textContent;
        track.dispatchEvent(new PointerEvent('pointerleave'));
        return [time, ...said];";
    let last = samples.len() - 1;
    let mut findings = 0;
    for (index, sample) in samples.iter().enumerate().skip(1) {
        let at = index as f64 / last as f64;
        let said = browser.run(script, &[at.into()]);
        let said: Vec<&str> = said
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let clock = &sample["time"].as_str().unwrap()[14..23];
        assert!(said[0].ends_with(clock), "{said:?} is not {clock}");
        // What the head says is at least what the kernel counts.
        let machine = &sample["machine"];
        let interval = sample["interval_ns"].as_f64().unwrap();
        let cpus = machine["cpus"].as_f64().unwrap();
        let share = machine["cpu_busy_ns"].as_f64().unwrap_or(0.0) / interval / cpus * 100.0;
        let words = said[1].strip_prefix("CPU ").unwrap();
        let shown: f64 = words.split(' ').next().unwrap().parse().unwrap();
        assert!(shown >= share.min(100.0).floor() - 1.0, "{said:?}: {share}");
        findings += said
            .iter()
            .skip(2)
            .filter(|line| line.contains("SIG"))
            .count();
    }
    assert!(findings > 0, "no finding under the pointer");
}

/// A picture can be enlarged: what is under the pointer stays there, and has the same popup.
fn enlarged(browser: &Browser, tid: &str) {
    let at = spot(browser, tid);
    browser.point(at, false);
    let said = popup(browser, ".popup");
    let wheel = "
        const canvas = document.getElementById('picture');
        canvas.dispatchEvent(new WheelEvent('wheel', {clientX: arguments[0], clientY: arguments[1], deltaY: -500, ctrlKey: true, cancelable: true}));";
    browser.run(wheel, &[at.0.into(), at.1.into()]);
    // `spot` is at the edge of the dot.
    let there = spot(browser, tid);
    let (dx, dy) = (there.0 - at.0, there.1 - at.1);
    assert!(dx.abs() < 40 && dy.abs() < 40, "{at:?} is at {there:?}");
    browser.point(there, false);
    assert_eq!(popup(browser, ".popup"), said);
    browser.keys("0");
    browser.point(at, false);
    assert_eq!(popup(browser, ".popup"), said);
    let shot = browser.screenshot();
    browser.keys("+");
    assert!(shot != browser.screenshot(), "the picture is not enlarged");
    browser.keys("0");
    assert!(
        shot == browser.screenshot(),
        "the picture is not whole again"
    );
}

fn without_scripts() -> Result<(), Failed> {
    if let Some(why) = Browser::why_not() {
        return skip(why);
    }
    let folder = Folder::new("still");
    let page = folder.file("x.html");
    let result = output(
        procviz()
            .args(["grid", "-s", "0.2", "--samples", "2", "-o"])
            .arg(&page),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let browser = Browser::start("still", Scripts::Off);
    browser.open(&page);
    let shot = browser.screenshot();
    let image = image_of(&shot);
    let is_drawn = |pixel: &&[u8]| pixel.iter().take(3).any(|value| *value < 0xd8);
    let drawn = image.chunks(4).filter(is_drawn).count();
    // The text of head and foot, and a dot for each task.
    assert!(drawn > 3_000, "only {drawn} pixels are drawn");
    Ok(())
}

/// The pixels of a PNG, RGBA.
fn image_of(bytes: &[u8]) -> Vec<u8> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::ALPHA | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}

fn a_page_is_small() -> Result<(), Failed> {
    let folder = Folder::new("small");
    let sleepers = start(&["sleep", "1900"]);
    let wakers = start(&["wake", "60"]);
    let page = folder.file("x.html");
    let result = output(
        procviz()
            .args(["grid", "-F", "10", "--samples", "60", "-o"])
            .arg(&page),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    drop((sleepers, wakers));
    let size = std::fs::metadata(&page)?.len();
    println!("a page of 2,000 tasks and 60 samples: {size} bytes");
    assert!(size <= 150_000, "{size} bytes");
    Ok(())
}
