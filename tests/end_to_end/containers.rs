//! Names of containers, pods and units: real cgroups, and files as container runtimes lay them
//! out. No runtime is needed.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    recording::record,
    support::{Folder, Running, Value, cgroup2_mount, output, procviz, skip, stderr},
};

pub(crate) const TESTS: &[Test] = &[(
    "containers_pods_and_units_have_names",
    Needs::Events,
    containers_pods_and_units_have_names,
)];

/// Folders and files that are removed in the end, the last first.
#[derive(Default)]
struct Made(Vec<PathBuf>);

impl Made {
    /// Makes a folder, and those above it that are missing.
    fn folder(&mut self, path: &Path) -> std::io::Result<()> {
        let missing: Vec<_> = path.ancestors().take_while(|path| !path.exists()).collect();
        for path in missing.into_iter().rev() {
            std::fs::create_dir(path)?;
            self.0.push(path.to_owned());
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, content: &str) -> std::io::Result<()> {
        self.folder(path.parent().unwrap())?;
        std::fs::write(path, content)?;
        self.0.push(path.to_owned());
        // Only root reads what a runtime keeps.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            _ = std::fs::remove_dir(path).or_else(|_| std::fs::remove_file(path));
        }
    }
}

/// An id of this run.
fn id(number: u8) -> String {
    format!("{number:02x}{:08x}{}", std::process::id(), "5c".repeat(27))
}

/// Runs a script in a cgroup.
fn within(cgroup: &Path, script: &str) -> Running {
    let script = format!("echo $$ > {}/cgroup.procs; {script}", cgroup.display());
    Running::new(Command::new("sh").args(["-c", &script]))
}

fn json(args: &[&str], from: &Path) -> Vec<Value> {
    let result = output(procviz().args(args).arg("--from").arg(from));
    assert!(result.status.success(), "{args:?} {}", stderr(&result));
    let text = String::from_utf8(result.stdout).unwrap();
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

/// The commands of all tasks that a filter shows in the last sample.
fn shown(filter: &[&str], from: &Path) -> Vec<String> {
    let samples = json(&[&["dump"], filter].concat(), from);
    let tasks = samples.last().unwrap()["tasks"].as_array().unwrap();
    let names = tasks.iter().map(|task| task["name"].as_str().unwrap());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// A recording of containers, a pod and a unit that have gone, with all their files.
struct Recorded {
    folder: Folder,
    file: PathBuf,
    /// Ids of the container of docker and of that of the pod.
    docker: String,
    pod: String,
    /// Pid of a process in a container that lived for 50 ms.
    brief: u32,
}

fn recorded(mount: &str) -> Result<Recorded, Failed> {
    let folder = Folder::new("containers");
    let file = folder.file("run.pvz");
    let (docker, pod, once) = (id(1), id(2), id(3));
    let uid = format!("{:08x}-2fa1-11d2-883f-0016d3cca427", std::process::id());
    let at = |path: &str| Path::new(mount).join(path);
    let of_docker = at(&format!("docker/{docker}"));
    let of_pod = at(&format!("kubepods/pod{uid}/{pod}"));
    let of_once = at(&format!("machine.slice/libpod-{once}.scope"));
    let of_unit = at("system.slice/procviz-test.service");
    let of_lxc = at("lxc.payload.procviz-box");
    let (mut made, mut files) = (Made::default(), Made::default());
    for cgroup in [&of_docker, &of_unit, &of_lxc] {
        made.folder(cgroup)?;
    }
    let config = format!("/var/lib/docker/containers/{docker}/config.v2.json");
    let name = r#"{"Name":"/shop-db-1","Config":{"Labels":{}}}"#;
    files.file(Path::new(&config), name)?;
    let program = |name: &str| {
        let path = folder.file(name);
        std::fs::copy("/bin/sleep", &path).unwrap();
        path.display().to_string()
    };
    // Two containers and a unit are there before procviz.
    let burner = within(&of_docker, "exec sh -c 'while :; do :; done'");
    let served = within(&of_unit, &format!("exec {} 60", program("served")));
    let boxed = within(&of_lxc, &format!("exec {} 60", program("boxed")));
    let recorder = {
        let file = file.clone();
        let options = ["-F", "5", "--duration", "5s", "--require-ebpf"];
        std::thread::spawn(move || record(&file, &options))
    };
    std::thread::sleep(Duration::from_millis(2_500));
    made.folder(&of_pod)?;
    let web = within(&of_pod, &format!("exec {} 60", program("web")));
    // Nothing but the arguments of conmon has the name of the container that lives for 50 ms.
    output(Command::new(program("conmon")).args(["-c", &once, "-n", "once"]));
    made.folder(&of_once)?;
    let brief = within(&of_once, &format!("exec {} 0.05", program("brief")));
    let brief_pid = brief.pid();
    std::thread::sleep(Duration::from_millis(200));
    drop(brief);
    // The kubelet makes its link late: in a later block of the recording.
    std::thread::sleep(Duration::from_millis(500));
    let link = format!("/var/log/containers/web-7f9c_shop_nginx-{pod}.log");
    files.file(Path::new(&link), "")?;
    std::fs::remove_dir(&of_once)?;
    recorder.join().unwrap();
    drop((burner, served, boxed, web));
    std::thread::sleep(Duration::from_millis(200));
    Ok(Recorded {
        folder,
        file,
        docker,
        pod,
        brief: brief_pid,
    })
}

fn containers_pods_and_units_have_names() -> Result<(), Failed> {
    let Some(mount) = cgroup2_mount() else {
        return skip("no cgroup2 is mounted");
    };
    let recorded = recorded(&mount)?;
    let part = |name: &str, begin: &str| {
        let part = recorded.folder.file(name);
        let from = recorded.file.to_str().unwrap();
        record(&part, &["--from", from, "--begin", begin]);
        part
    };
    // A part that begins after the pod, and before its name is known.
    assert_eq!(
        shown(&["--pod", "shop/web-*"], &part("late.pvz", "-2.2s")),
        ["web"]
    );
    names_are_in(&recorded.file, &recorded);
    names_are_in(&part("piece.pvz", "-4s"), &recorded);
    findings_name_containers(&recorded.file)?;
    pictures_are_grouped(&recorded)?;
    for option in ["--container", "--pod", "--unit"] {
        let args = ["dump", option, "a[b", "--from"];
        let result = output(procviz().args(args).arg(&recorded.file));
        assert_eq!(result.status.code(), Some(2));
        assert!(stderr(&result).contains(&format!("`{option} a[b`")));
    }
    Ok(())
}

fn names_are_in(from: &Path, recorded: &Recorded) {
    assert_eq!(shown(&["--container", "shop-db-*"], from), ["sh"]);
    assert_eq!(
        shown(&["--container", &recorded.docker[..12]], from),
        ["sh"]
    );
    assert_eq!(shown(&["--pod", "shop/web-*"], from), ["web"]);
    assert_eq!(shown(&["--pod", "web-7f9c"], from), ["web"]);
    assert_eq!(shown(&["--container", "nginx"], from), ["web"]);
    assert_eq!(shown(&["--container", "procviz-box"], from), ["boxed"]);
    assert_eq!(shown(&["--unit", "procviz-test"], from), ["served"]);
    let all = json(&["dump"], from);
    let tasks = all.last().unwrap()["tasks"].as_array().unwrap();
    let web = tasks.iter().find(|task| task["name"] == "web").unwrap();
    assert_eq!(web["pod"], "web-7f9c");
    assert_eq!(web["namespace"], "shop");
    assert_eq!(web["container_name"], "nginx");
    assert_eq!(web["container"], recorded.pod);
    let exits = json(&["exits", "--json"], from);
    let brief = exits.iter().filter(|exit| exit["pid"] == recorded.brief);
    let brief: Vec<_> = brief.collect();
    assert_eq!(brief.len(), 1);
    assert_eq!(brief[0]["container_name"], "once", "{}", brief[0]);
    assert_eq!(brief[0]["runtime"], "podman");
    assert_eq!(brief[0]["pod"], Value::Null);
}

fn findings_name_containers(from: &Path) -> Result<(), Failed> {
    let result = output(procviz().args(["findings", "--from"]).arg(from));
    let text = String::from_utf8(result.stdout)?;
    assert!(text.contains("root · docker shop-db-1: uses "), "{text}");
    let found = json(&["findings", "--json"], from);
    let cpu = found.iter().find(|finding| finding["rule"] == "cpu");
    assert_eq!(cpu.unwrap()["container_name"], "shop-db-1");
    Ok(())
}

fn pictures_are_grouped(recorded: &Recorded) -> Result<(), Failed> {
    let containers = [
        ">docker shop-db-1<",
        ">pod shop/web-7f9c (nginx)<",
        ">lxc procviz-box<",
        ">no container<",
    ];
    for (group, words) in [
        ("container", &containers[..]),
        ("pod", &[">pod shop/web-7f9c<", ">no pod<"]),
        ("unit", &[">procviz-test.service<", ">no unit<"]),
    ] {
        let svg = recorded.folder.file(&format!("{group}.svg"));
        let mut command = procviz();
        command.args(["grid", "--group", group, "-o"]).arg(&svg);
        let result = output(command.arg("--from").arg(&recorded.file));
        assert!(result.status.success(), "{}", stderr(&result));
        let svg = std::fs::read_to_string(svg)?;
        for word in words {
            assert!(svg.contains(word), "{group}: no {word}");
        }
        assert!(svg.contains(" · root · docker shop-db-1<"), "{group}");
    }
    Ok(())
}
