//! Writes who owns a cgroup as JSON.

use serde::Serialize;

use crate::model::CgroupOwner;

/// What the path of a cgroup says: fields beside `cgroup`.
#[derive(Default, Serialize)]
pub(super) struct Owner {
    container: Option<String>,
    container_name: Option<String>,
    pod: Option<String>,
    namespace: Option<String>,
    runtime: Option<&'static str>,
    pod_uid: Option<String>,
    unit: Option<String>,
    machine: Option<String>,
    app: Option<String>,
}

impl Owner {
    /// Of the path of a cgroup; all is unknown without a path.
    pub(super) fn of(path: Option<&str>) -> Self {
        let Some(path) = path else {
            return Self::default();
        };
        let owner = CgroupOwner::of(path);
        let names = owner.names();
        Self {
            container: owner.container,
            container_name: names.container,
            pod: names.pod,
            namespace: names.namespace,
            runtime: owner.runtime,
            pod_uid: owner.pod_uid,
            unit: owner.unit,
            machine: owner.machine,
            app: owner.app,
        }
    }
}
