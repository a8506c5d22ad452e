//! Finds the names of a container in the files that container runtimes and the kubelet keep:
//! no daemon is asked.

use std::{
    fs::OpenOptions,
    io::Read as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::model::ContainerNames;

/// Upper limit for the size of a file, bytes. A larger one is not read.
const LARGEST: u64 = 8 << 20;

/// Where the files are; `/` but in tests.
pub(super) struct Files {
    pub(super) root: PathBuf,
}

impl Files {
    /// The names of the container with this id, as far as a file holds them.
    pub(super) fn of_container(&self, id: &str) -> ContainerNames {
        let ways: [fn(&Self, &str) -> Option<ContainerNames>; 5] = [
            Self::kubelet,
            Self::containerd,
            Self::docker,
            Self::bundle,
            Self::storage,
        ];
        let mut all = ContainerNames::default();
        for way in ways {
            let Some(names) = way(self, id) else { continue };
            all.container = all.container.or(names.container);
            if all.pod.is_none() {
                (all.pod, all.namespace) = (names.pod, names.namespace);
            }
            if all.container.is_some() && all.pod.is_some() {
                break;
            }
        }
        all
    }

    /// The names of the pod with this id, from `/var/log/pods/NAMESPACE_POD_ID`.
    pub(super) fn of_pod(&self, uid: &str) -> ContainerNames {
        let found = self.find("var/log/pods", |name| {
            let (rest, own) = name.rsplit_once('_')?;
            let (namespace, pod) = rest.split_once('_').filter(|_| own == uid)?;
            Some(ContainerNames {
                container: None,
                pod: text(pod),
                namespace: text(namespace),
            })
        });
        found.unwrap_or_default()
    }

    /// Of the kubelet's link `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`.
    fn kubelet(&self, id: &str) -> Option<ContainerNames> {
        self.find("var/log/containers", |name| {
            let rest = name.strip_suffix(".log")?.strip_suffix(id)?;
            let mut words = rest.strip_suffix('-')?.split('_');
            let (pod, namespace) = (words.next()?, words.next()?);
            Some(ContainerNames {
                container: text(words.next()?),
                pod: text(pod),
                namespace: text(namespace),
            })
        })
    }

    /// Of the bundle of containerd: `config.json` of the OCI runtime.
    fn containerd(&self, id: &str) -> Option<ContainerNames> {
        let tasks = "run/containerd/io.containerd.runtime.v2.task";
        self.find(tasks, |namespace| {
            let config = format!("{tasks}/{namespace}/{id}/config.json");
            annotated(&self.json(&config)?["annotations"])
        })
    }

    /// Of docker.
    fn docker(&self, id: &str) -> Option<ContainerNames> {
        let config = self.json(&format!("var/lib/docker/containers/{id}/config.v2.json"))?;
        let labels = annotated(&config["Config"]["Labels"]);
        labels.or_else(|| of_name(config["Name"].as_str()?.trim_start_matches('/')))
    }

    /// Of the bundle of cri-o and podman.
    fn bundle(&self, id: &str) -> Option<ContainerNames> {
        let config = ["run", "var/lib"].into_iter().find_map(|root| {
            let storage = format!("{root}/containers/storage");
            self.find(&storage, |folder| {
                let folder = of_driver(folder)?;
                self.json(&format!("{storage}/{folder}/{id}/userdata/config.json"))
            })
        });
        annotated(&config?["annotations"])
    }

    /// Of the lists of podman and cri-o: a container's name is in its names.
    fn storage(&self, id: &str) -> Option<ContainerNames> {
        let storage = "var/lib/containers/storage";
        let in_list = |list: &Value| {
            let mut entries = list.as_array()?.iter();
            let own = entries.find(|entry| entry["id"] == id)?;
            of_name(own["names"][0].as_str()?)
        };
        self.find(storage, |folder| {
            let folder = of_driver(folder)?;
            let mut files = ["containers.json", "volatile-containers.json"].into_iter();
            files.find_map(|file| in_list(&self.json(&format!("{storage}/{folder}/{file}"))?))
        })
    }

    /// The first name in a folder for which `read` finds something.
    fn find<T>(&self, folder: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let entries = self.root.join(folder).read_dir().ok()?;
        entries
            .flatten()
            .find_map(|entry| read(entry.file_name().to_str()?))
    }

    fn json(&self, path: &str) -> Option<Value> {
        serde_json::from_slice(&whole(&self.root.join(path)).ok()?).ok()
    }
}

/// The folder of containers of a storage driver, such as `overlay-containers`.
fn of_driver(folder: &str) -> Option<&str> {
    folder.ends_with("-containers").then_some(folder)
}

/// Reads a file of a modest size. Something else than a file is an error.
fn whole(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Of the name in the list of a runtime.
fn of_name(name: &str) -> Option<ContainerNames> {
    let plain = || ContainerNames {
        container: text(name),
        ..ContainerNames::default()
    };
    Some(of_kubelet(name).unwrap_or_else(plain))
}

/// Of the annotations or labels that Kubernetes gives a container through containerd, cri-o or
/// docker; of nerdctl's otherwise.
fn annotated(of: &Value) -> Option<ContainerNames> {
    let one = |keys: [&str; 2]| {
        let mut known = keys.iter().filter_map(|key| of[*key].as_str());
        known.find_map(text)
    };
    let pod = one(["io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"]);
    let container = one([
        "io.kubernetes.cri.container-name",
        "io.kubernetes.container.name",
    ]);
    let names = ContainerNames {
        container: container.or_else(|| one(["nerdctl/name"; 2])),
        namespace: one([
            "io.kubernetes.cri.sandbox-namespace",
            "io.kubernetes.pod.namespace",
        ])
        .filter(|_| pod.is_some()),
        pod,
    };
    (!names.are_unknown()).then_some(names)
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Of the name that Kubernetes gives a container of docker or cri-o:
/// `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`. The container of a pod itself is called `POD`.
pub(super) fn of_kubelet(name: &str) -> Option<ContainerNames> {
    let words: Vec<&str> = name.strip_prefix("k8s_")?.split('_').collect();
    let [container, pod, namespace, _, _] = words[..] else {
        return None;
    };
    Some(ContainerNames {
        container: text(container).filter(|name| name != "POD"),
        pod: text(pod),
        namespace: text(namespace),
    })
}

/// The container and its name in the arguments of conmon, which watches a container of podman
/// or cri-o: `-c ID -n NAME`.
pub(super) fn of_conmon(args: &[u8]) -> Option<(String, String)> {
    let args: Vec<&[u8]> = args.split(|byte| *byte == 0).collect();
    let after = |names: [&[u8]; 2]| {
        let at = args.iter().position(|arg| names.contains(arg))?;
        let value = String::from_utf8(args.get(at + 1)?.to_vec()).ok()?;
        text(&value)
    };
    Some((after([b"-c", b"--cid"])?, after([b"-n", b"--name"])?))
}

#[cfg(test)]
mod tests;
