//! Drives Chromium over WebDriver with pointer and keys, as a user would.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{Folder, Running, has_program};

/// Whether scripts run in the pages.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Scripts {
    Run,
    Off,
}

/// Timeout for an answer of the browser or its driver.
const PATIENCE: Duration = Duration::from_secs(90);

/// A browser with one page.
pub(crate) struct Browser {
    port: u16,
    session: String,
    _driver: Running,
    profile: Folder,
}

impl Browser {
    /// The reason why no browser can be started; `None` if a browser can be started.
    pub(crate) fn why_not() -> Option<&'static str> {
        let is_there = has_program("chromium") && has_program("chromedriver");
        (!is_there).then_some("chromium or chromedriver is not installed")
    }

    /// Starts a browser.
    pub(crate) fn start(name: &str, scripts: Scripts) -> Self {
        let profile = Folder::new(&format!("browser-{name}"));
        let mut driver = Running::new(
            Command::new("chromedriver")
                .arg("--port=0")
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let said = BufReader::new(driver.0.stdout.take().unwrap()).lines();
        let (tell, told) = std::sync::mpsc::channel();
        // Read the rest of the output, too: chromedriver blocks on a full pipe.
        std::thread::spawn(move || {
            for line in said.map_while(Result::ok) {
                if let Some((_, port)) = line.split_once("successfully on port ") {
                    _ = tell.send(port.trim_end_matches('.').parse().unwrap());
                }
            }
        });
        let port = told.recv_timeout(PATIENCE);
        let port = port.expect("chromedriver printed no port");
        let mut args = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=1700,1300".to_owned(),
            format!("--user-data-dir={}", profile.0.display()),
        ];
        if scripts == Scripts::Off {
            args.push("--blink-settings=scriptEnabled=false".to_owned());
        }
        let mut browser = Self {
            port,
            session: String::new(),
            _driver: driver,
            profile,
        };
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": args},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let began = browser.ask("POST", "/session", &wanted);
        browser.session = began["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    /// Sends one request. Panics with the message of the driver if the request fails.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "POST" {
            body.to_string()
        } else {
            String::new()
        };
        let mut stream = self.connect(PATIENCE).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            let read = reader.read_line(&mut line);
            read.unwrap_or_else(|error| panic!("{method} {path}: no answer: {error}"));
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        let value = answer["value"].take();
        assert!(
            value.get("error").is_none_or(Value::is_null),
            "{method} {path} {body}: {value}"
        );
        value
    }

    fn connect(&self, patience: Duration) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(stream)
    }

    fn of_session(&self, method: &str, path: &str, body: &Value) -> Value {
        self.ask(method, &format!("/session/{}{path}", self.session), body)
    }

    pub(crate) fn open(&self, file: &Path) {
        let url = format!("file://{}", file.display());
        self.of_session("POST", "/url", &json!({ "url": url }));
    }

    /// Runs a script and returns its result.
    pub(crate) fn run(&self, script: &str, args: &[Value]) -> Value {
        self.of_session(
            "POST",
            "/execute/sync",
            &json!({"script": script, "args": args}),
        )
    }

    /// Types into the element that has the focus.
    pub(crate) fn keys(&self, keys: &str) {
        let typed: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|what| json!({"type": what, "value": key})))
            .collect();
        self.act(&json!({"type": "key", "id": "keys", "actions": typed}));
    }

    /// Moves the pointer to a point of the window, and clicks there if `click` is set.
    pub(crate) fn point(&self, (x, y): (i64, i64), click: bool) {
        let mut actions = vec![
            json!({"type": "pointerMove", "x": x, "y": y, "duration": 0, "origin": "viewport"}),
        ];
        if click {
            actions.push(json!({"type": "pointerDown", "button": 0}));
            actions.push(json!({"type": "pointerUp", "button": 0}));
        }
        self.act(&json!({"type": "pointer", "id": "hand", "actions": actions}));
    }

    fn act(&self, action: &Value) {
        self.of_session("POST", "/actions", &json!({"actions": [action]}));
    }

    /// Warnings and errors of the browser console.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.of_session("POST", "/se/log", &json!({"type": "browser"}));
        let log = log.as_array().unwrap().iter();
        log.filter(|line| line["level"] == "SEVERE" || line["level"] == "WARNING")
            .map(|line| line["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// A screenshot of the page, as PNG.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let shot = self.of_session("GET", "/screenshot", &Value::Null);
        STANDARD.decode(shot.as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // End the session, because the browser would outlive its driver. Errors are
        // ignored: a failed test has already printed its reason.
        if let Ok(mut stream) = self.connect(Duration::from_secs(10)) {
            let path = format!("/session/{}", self.session);
            _ = write!(
                stream,
                "DELETE {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            _ = stream.read_to_end(&mut Vec::new());
        }
        // The driver can leave the browser running.
        let profile = format!("--user-data-dir={}", self.profile.0.display());
        for process in procfs::process::all_processes().into_iter().flatten() {
            let Ok(process) = process else { continue };
            if process
                .cmdline()
                .is_ok_and(|args| args.iter().any(|arg| arg.contains(&profile)))
            {
                let pid = nix::unistd::Pid::from_raw(process.pid);
                _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
            }
        }
    }
}
