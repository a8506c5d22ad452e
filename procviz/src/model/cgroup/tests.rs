//! A table of paths as runtimes and systemd make them, and what they say.

use proptest::prelude::*;

use super::{CgroupOwner, cgroup_name, owner_words};

const POD: &str = "9f7d1c2e-0a4b-4c63-8f6e-2b1d8a7c5e90";

/// What a path says, as `field=value` words. `ID` is the id of a container, `OLD` another one,
/// `POD` that of a pod, and `P_D` the same with `_`.
const PATHS: [(&str, &str); 72] = [
    ("/", ""),
    ("/init.scope", "unit=init.scope"),
    ("/system.slice", ""),
    ("/system.slice/ssh.service", "unit=ssh.service"),
    ("/system.slice/nginx.service/worker", "unit=nginx.service"),
    (
        "/system.slice/system-getty.slice/getty@tty1.service",
        "unit=getty@tty1.service",
    ),
    ("/system.slice/docker.socket", "unit=docker.socket"),
    ("/system.slice/var-lib.mount", "unit=var-lib.mount"),
    ("/system.slice/dev-zram0.swap", "unit=dev-zram0.swap"),
    ("/system.slice/run-u12.scope", "unit=run-u12.scope"),
    (
        "/system.slice/my\\x2dapp.service",
        "unit=my\\x2dapp.service",
    ),
    ("/user.slice", ""),
    ("/user.slice/user-1000.slice", "uid=1000"),
    (
        "/user.slice/user-1000.slice/session-1.scope",
        "unit=session-1.scope uid=1000",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service",
        "unit=user@1000.service uid=1000",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/init.scope",
        "unit=init.scope uid=1000",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/session.slice/pipewire.service",
        "unit=pipewire.service uid=1000",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-2912.scope",
        "unit=app-gnome-firefox-2912.scope uid=1000 app=firefox",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-org.gnome.Terminal-3050.scope",
        "unit=app-gnome-org.gnome.Terminal-3050.scope uid=1000 app=org.gnome.Terminal",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-flatpak-org.telegram.desktop-12345.scope",
        "unit=app-flatpak-org.telegram.desktop-12345.scope uid=1000 app=org.telegram.desktop",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-KDE-org.kde.konsole@4711.service",
        "unit=app-KDE-org.kde.konsole@4711.service uid=1000 app=org.kde.konsole",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome\\x2dmine-a\\x2db-7.scope",
        "unit=app-gnome\\x2dmine-a\\x2db-7.scope uid=1000 app=a-b",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox.service",
        "unit=app-firefox.service uid=1000 app=firefox",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/snap.firefox.firefox-1b4e28ba-2fa1-11d2-883f-0016d3cca427.scope",
        "unit=snap.firefox.firefox-1b4e28ba-2fa1-11d2-883f-0016d3cca427.scope uid=1000 app=firefox.firefox",
    ),
    (
        "/system.slice/snap.lxd.daemon.service",
        "unit=snap.lxd.daemon.service app=lxd.daemon",
    ),
    ("/docker/ID", "runtime=docker container=ID"),
    (
        "/docker/ID/init.scope",
        "runtime=docker container=ID unit=init.scope",
    ),
    (
        "/docker/ID/system.slice/nginx.service",
        "runtime=docker container=ID unit=nginx.service",
    ),
    (
        "/system.slice/docker-ID.scope",
        "runtime=docker container=ID",
    ),
    (
        "/system.slice/docker-ID.scope/app",
        "runtime=docker container=ID",
    ),
    ("/docker/OLD/docker/ID", "runtime=docker container=ID"),
    (
        "/system.slice/docker.service/docker/ID",
        "runtime=docker container=ID",
    ),
    (
        "/docker/buildkit/ivlq4w8m0wzmfsh2m5wzzzzzz",
        "runtime=buildkit container=ivlq4w8m0wzmfsh2m5wzzzzzz",
    ),
    (
        "/system.slice/buildkit-ID.scope",
        "runtime=buildkit container=ID",
    ),
    (
        "/machine.slice/libpod-ID.scope",
        "runtime=podman container=ID",
    ),
    (
        "/machine.slice/libpod-ID.scope/container",
        "runtime=podman container=ID",
    ),
    ("/machine.slice/libpod-conmon-ID.scope", ""),
    ("/libpod_parent/ID", "runtime=podman container=ID"),
    ("/libpod_parent/libpod-ID", "runtime=podman container=ID"),
    (
        "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container",
        "runtime=podman container=ID uid=1000",
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/user.slice/podman-77.scope/ID",
        "runtime=podman container=ID uid=1000",
    ),
    (
        "/docker/ID/machine.slice/libpod-conmon-OLD.scope",
        "runtime=docker container=ID",
    ),
    ("/kubepods", ""),
    ("/kubepods/podPOD/ID", "container=ID pod_uid=POD"),
    ("/kubepods/burstable/podPOD/ID", "container=ID pod_uid=POD"),
    (
        "/kubepods/besteffort/podPOD/ID/sub",
        "container=ID pod_uid=POD",
    ),
    ("/kubepods/burstable/podPOD", "pod_uid=POD"),
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podP_D.slice/cri-containerd-ID.scope",
        "runtime=containerd container=ID pod_uid=POD",
    ),
    (
        "/kubepods.slice/kubepods-podP_D.slice/cri-containerd-ID.scope",
        "runtime=containerd container=ID pod_uid=POD",
    ),
    (
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podP_D.slice",
        "pod_uid=POD",
    ),
    (
        "/kubepods.slice/kubepods-podP_D.slice:cri-containerd:ID",
        "runtime=containerd container=ID pod_uid=POD",
    ),
    (
        "/system.slice/containerd.service/kubepods-burstable-podP_D.slice:cri-containerd:ID",
        "runtime=containerd container=ID pod_uid=POD",
    ),
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podP_D.slice/crio-ID.scope",
        "runtime=cri-o container=ID pod_uid=POD",
    ),
    (
        "/kubepods.slice/kubepods-podP_D.slice/crio-ID.scope/container",
        "runtime=cri-o container=ID pod_uid=POD",
    ),
    (
        "/kubepods.slice/kubepods-podP_D.slice/crio-conmon-ID.scope",
        "pod_uid=POD",
    ),
    (
        "/kubepods/burstable/podPOD/crio-ID",
        "runtime=cri-o container=ID pod_uid=POD",
    ),
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podP_D.slice/docker-ID.scope",
        "runtime=docker container=ID pod_uid=POD",
    ),
    (
        "/docker/OLD/kubelet/kubepods/besteffort/podPOD/ID",
        "container=ID pod_uid=POD",
    ),
    (
        "/system.slice/k3s.service/kubepods/burstable/podPOD/ID",
        "container=ID pod_uid=POD",
    ),
    ("/default/ID", "runtime=containerd container=ID"),
    ("/k8s.io/ID", "runtime=containerd container=ID"),
    (
        "/system.slice/nerdctl-ID.scope",
        "runtime=containerd container=ID",
    ),
    ("/ecs/a1b2c3/ID", "container=ID"),
    ("/lxc/web", "runtime=lxc container=web"),
    (
        "/lxc/101/init.scope",
        "runtime=lxc container=101 unit=init.scope",
    ),
    ("/lxc.payload/web", "runtime=lxc container=web"),
    (
        "/lxc.payload.web/system.slice/a.service",
        "runtime=lxc container=web unit=a.service",
    ),
    ("/lxc.monitor.web", ""),
    (
        "/machine.slice/machine-deb\\x2d12.scope/payload",
        "runtime=systemd-nspawn container=deb-12",
    ),
    (
        "/machine.slice/systemd-nspawn@deb.service/payload",
        "runtime=systemd-nspawn container=deb",
    ),
    (
        "/machine.slice/machine-qemu\\x2d1\\x2dmy\\x2dvm.scope/emulator",
        "machine=my-vm",
    ),
    ("/qemu.slice/104.scope", "machine=104"),
];

fn words(owner: &CgroupOwner) -> String {
    let fields = [
        ("runtime", owner.runtime.map(str::to_owned)),
        ("container", owner.container.clone()),
        ("pod_uid", owner.pod_uid.clone()),
        ("unit", owner.unit.clone()),
        ("machine", owner.machine.clone()),
        ("uid", owner.uid.map(|uid| uid.to_string())),
        ("app", owner.app.clone()),
    ];
    let known = fields
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    known.collect::<Vec<_>>().join(" ")
}

#[test]
fn paths_of_runtimes_and_of_systemd() {
    let (id, old) = ("0123456789abcdef".repeat(4), "fedcba9876543210".repeat(4));
    let with = |text: &str| {
        text.replace("POD", POD)
            .replace("P_D", &POD.replace('-', "_"))
            .replace("OLD", &old)
            .replace("ID", &id)
    };
    for (path, expected) in PATHS {
        let path = with(path);
        assert_eq!(words(&CgroupOwner::of(&path)), with(expected), "{path}");
    }
}

#[test]
fn names_for_pictures() {
    let id = "0123456789abcdef".repeat(4);
    for (path, name) in [
        ("/".to_owned(), "/"),
        ("/system.slice".to_owned(), "system.slice"),
        ("/system.slice/ssh.service".to_owned(), "ssh.service"),
        (format!("/docker/{id}"), "docker 0123456789ab"),
        (
            format!("/machine.slice/libpod-{id}.scope/container"),
            "podman 0123456789ab",
        ),
        (
            format!("/kubepods/burstable/pod{POD}/{id}"),
            "container 0123456789ab",
        ),
        (format!("/kubepods/burstable/pod{POD}"), "pod 9f7d1c2e"),
        ("/lxc/web/init.scope".to_owned(), "lxc web"),
        (
            "/lxc/web/system.slice/a.service".to_owned(),
            "lxc web: a.service",
        ),
        ("/qemu.slice/104.scope".to_owned(), "machine 104"),
        (
            "/user.slice/user-1.slice/user@1.service/app.slice/app-gnome-firefox-29.scope"
                .to_owned(),
            "firefox",
        ),
        ("/a/b\u{202e}c".to_owned(), "b\u{fffd}c"),
    ] {
        assert_eq!(cgroup_name(&path), name, "{path}");
    }
}

/// Names that only look like those of a runtime.
#[test]
fn what_is_not_a_container() {
    for path in [
        "/machine-\\x.scope/..",
        "/podman",
        "/pod",
        "/kubepods/pod12",
        "/user.slice/user-x.slice",
        "/machine-.scope",
        "/lxc.payload.",
        "/.service",
    ] {
        let owner = CgroupOwner::of(path);
        assert_eq!((owner.pod_uid, owner.uid), (None, None), "{path}");
        let container = owner.container.as_deref();
        assert!(
            matches!(container, None | Some("\\x")),
            "{path}: {container:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_path_is_read(path in "(/[-a-z0-9@._\\\\:é]{0,12}){0,6}") {
        let owner = CgroupOwner::of(&path);
        prop_assert!(owner.container.is_none_or(|name| !name.is_empty()));
        prop_assert!(owner.app.is_none_or(|name| !name.is_empty()));
    }
}

/// Containers with names instead of ids, machines and services are owners; sessions are none.
#[test]
fn owners_in_words() {
    for (path, expected) in [
        ("/lxc.payload.web", Some("lxc web")),
        ("/lxc/101/init.scope", Some("lxc 101")),
        (
            "/machine.slice/machine-deb.scope/payload",
            Some("systemd-nspawn deb"),
        ),
        ("/system.slice/ssh.service", Some("ssh.service")),
        ("/user.slice/user-1000.slice/session-1.scope", None),
        ("/user.slice/user-1000.slice/user@1000.service", None),
        ("/init.scope", None),
        ("/", None),
    ] {
        assert_eq!(owner_words(path).as_deref(), expected, "{path}");
    }
}
