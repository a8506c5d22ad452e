//! Files as the runtimes lay them out.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const ID: &str = "6a2f0e4b8c1d3e5f7a9b0c2d4e6f8a1b3c5d7e9f0a2b4c6d8e0f1a3b5c7d9e2f";
const UID: &str = "9f7d1c2e-0a4b-4c63-8f6e-2b1d8a7c5e90";

/// An empty folder, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "procviz-containers-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What is found if the only file is this one.
fn with(path: &str, content: &str) -> String {
    let folder = Folder::new();
    let path = folder.0.join(path.replace("ID", ID));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content.replace("ID", ID)).unwrap();
    let root = folder.0.clone();
    shown(&Files { root }.of_container(ID))
}

fn shown(names: &ContainerNames) -> String {
    let words = [&names.namespace, &names.pod, &names.container];
    let words = words.map(|word| word.as_deref().unwrap_or("-"));
    words.join(" ")
}

#[test]
fn each_runtime_is_read() {
    let tasks = "run/containerd/io.containerd.runtime.v2.task";
    let storage = "var/lib/containers/storage/overlay-containers";
    for (path, content, expected) in [
        (
            "var/log/containers/web-7f9c_shop_nginx-ID.log".to_owned(),
            "",
            "shop web-7f9c nginx",
        ),
        // A name with hyphens.
        (
            "var/log/containers/web-7f9c_shop_side-car-ID.log".to_owned(),
            "",
            "shop web-7f9c side-car",
        ),
        (
            format!("{tasks}/k8s.io/ID/config.json"),
            r#"{"annotations":{"io.kubernetes.cri.sandbox-name":"web-7f9c",
            "io.kubernetes.cri.sandbox-namespace":"shop",
            "io.kubernetes.cri.container-name":"nginx","io.kubernetes.cri.container-type":"container"}}"#,
            "shop web-7f9c nginx",
        ),
        // The container that holds the namespaces of a pod has no name of its own.
        (
            format!("{tasks}/k8s.io/ID/config.json"),
            r#"{"annotations":{"io.kubernetes.cri.sandbox-name":"web-7f9c",
            "io.kubernetes.cri.sandbox-namespace":"shop","io.kubernetes.cri.container-type":"sandbox"}}"#,
            "shop web-7f9c -",
        ),
        (
            format!("{tasks}/default/ID/config.json"),
            r#"{"annotations":{"nerdctl/name":"db"}}"#,
            "- - db",
        ),
        (
            "var/lib/docker/containers/ID/config.v2.json".to_owned(),
            r#"{"ID":"ID","Name":"/shop-web-1","Config":{"Labels":{"com.docker.compose.service":"web"}}}"#,
            "- - shop-web-1",
        ),
        (
            "var/lib/docker/containers/ID/config.v2.json".to_owned(),
            r#"{"Name":"/k8s_nginx_web","Config":{"Labels":{"io.kubernetes.pod.name":"web-7f9c",
            "io.kubernetes.pod.namespace":"shop","io.kubernetes.container.name":"nginx"}}}"#,
            "shop web-7f9c nginx",
        ),
        (
            "run/containers/storage/overlay-containers/ID/userdata/config.json".to_owned(),
            r#"{"annotations":{"io.kubernetes.pod.name":"web-7f9c",
            "io.kubernetes.pod.namespace":"shop","io.kubernetes.container.name":"nginx"}}"#,
            "shop web-7f9c nginx",
        ),
        (
            format!("{storage}/containers.json"),
            r#"[{"id":"other","names":["x"]},{"id":"ID","names":["builder"]}]"#,
            "- - builder",
        ),
        (
            format!("{storage}/volatile-containers.json"),
            r#"[{"id":"ID","names":["once"]}]"#,
            "- - once",
        ),
        (
            "var/lib/containers/storage/vfs-containers/containers.json".to_owned(),
            r#"[{"id":"ID","names":["builder"]}]"#,
            "- - builder",
        ),
        // cri-o keeps its containers there, too.
        (
            format!("{storage}/containers.json"),
            r#"[{"id":"ID","names":["k8s_nginx_web-7f9c_shop_9f7d1c2e-0a4b-4c63-8f6e-2b1d8a7c5e90_2"]}]"#,
            "shop web-7f9c nginx",
        ),
        (
            format!("{storage}/containers.json"),
            r#"[{"id":"ID","names":["k8s_POD_web-7f9c_shop_9f7d1c2e-0a4b-4c63-8f6e-2b1d8a7c5e90_0"]}]"#,
            "shop web-7f9c -",
        ),
        // Damaged files, and files of other containers.
        (
            format!("{storage}/containers.json"),
            r#"[{"id":"ID"}]"#,
            "- - -",
        ),
        (format!("{storage}/containers.json"), "[{", "- - -"),
        (
            "var/log/containers/web_shop_nginx-other.log".to_owned(),
            "",
            "- - -",
        ),
        (
            "var/lib/docker/containers/ID/config.v2.json".to_owned(),
            r#"{"Name":"/"}"#,
            "- - -",
        ),
    ] {
        assert_eq!(with(&path, content), expected, "{path} {content}");
    }
}

#[test]
fn a_pod_is_found_by_its_id() {
    let folder = Folder::new();
    let root = folder.0.clone();
    std::fs::create_dir_all(root.join(format!("var/log/pods/shop_web-7f9c_{UID}/nginx"))).unwrap();
    let files = Files { root };
    assert_eq!(shown(&files.of_pod(UID)), "shop web-7f9c -");
    assert_eq!(shown(&files.of_pod("web")), "- - -");
}

/// Something that blocks, is large or points elsewhere is not read.
#[test]
fn only_files_are_read() {
    let folder = Folder::new();
    let at = |name: &str| folder.0.join(name);
    std::fs::write(at("file"), "{}").unwrap();
    assert_eq!(whole(&at("file")).unwrap(), b"{}");
    nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
    let large = std::fs::File::create(at("large")).unwrap();
    large.set_len(LARGEST + 1).unwrap();
    for name in ["fifo", "link", "large", "absent", "."] {
        assert!(whole(&at(name)).is_err(), "{name}");
    }
}

#[test]
fn conmon_says_the_name() {
    let args =
        b"/usr/bin/conmon\0--api-version\x001\0-c\x0012ab\0-u\x0012ab\0-n\0builder\0-b\0/x\0";
    let expected = ("12ab".to_owned(), "builder".to_owned());
    assert_eq!(of_conmon(args), Some(expected));
    assert_eq!(of_conmon(b"conmon\0-c\x0012ab\0-n\0"), None);
    assert_eq!(of_conmon(b"conmon\0-c"), None);
}
