//! Tests of `container`.

use super::container;

#[test]
fn containers_of_many_runtimes() {
    let id = "0123456789abcdef".repeat(4);
    let other = "fedcba9876543210".repeat(4);
    for (path, expected) in [
        (format!("/docker/{id}"), Some(id.as_str())),
        (format!("/system.slice/docker-{id}.scope"), Some(&id)),
        (format!("/docker/{other}/docker/{id}"), Some(&id)),
        (
            format!("/machine.slice/libpod-{id}.scope/container"),
            Some(&id),
        ),
        (format!("/machine.slice/libpod-conmon-{id}.scope"), None),
        (format!("/kubepods/burstable/pod12/{id}/sub"), Some(&id)),
        (
            format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            Some(&id),
        ),
        (
            format!("/kubepods.slice/kubepods-pod1.slice:cri-containerd:{id}"),
            Some(&id),
        ),
        (format!("/kubepods.slice/crio-conmon-{id}.scope"), None),
        (
            "/docker/buildkit/ivlq4w8m0wzmfsh2m5wzzzzzz".to_owned(),
            Some("ivlq4w8m0wzmfsh2m5wzzzzzz"),
        ),
        ("/lxc/web".to_owned(), Some("web")),
        ("/lxc/101/init.scope".to_owned(), Some("101")),
        (
            "/lxc.payload.web/system.slice/a.service".to_owned(),
            Some("web"),
        ),
        ("/lxc.monitor.web".to_owned(), None),
        (
            format!("/docker/{id}/machine.slice/libpod-conmon-{other}.scope"),
            Some(&id),
        ),
        (
            "/machine.slice/machine-deb\\x2d12.scope/payload".to_owned(),
            Some("deb-12"),
        ),
        (
            "/machine.slice/systemd-nspawn@deb.service".to_owned(),
            Some("deb"),
        ),
        (
            "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope".to_owned(),
            None,
        ),
        (
            "/user.slice/user-1000.slice/session-1.scope".to_owned(),
            None,
        ),
        ("/system.slice/ssh.service".to_owned(), None),
        ("/".to_owned(), None),
        ("/machine-\\x.scope".to_owned(), Some("\\x")),
    ] {
        assert_eq!(container(&path).as_deref(), expected, "{path}");
    }
}
