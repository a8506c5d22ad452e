//! Finds the invoking user: the user who called sudo, doas, pkexec or run0 to run
//! procviz as root.

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};

use super::accounts;

/// The user who called sudo, doas, pkexec or run0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invoker {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Why the caller cannot be found: a variable that sudo, doas, pkexec or run0 set
/// is invalid. procviz does not continue as root instead: no user asked for that.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvokerError {
    /// The value is not a number.
    #[error("invalid `{name}={}` in the environment: expected a numeric id, such as `1000`; correct or unset the variable", crate::model::Untrusted::new(.value.as_bytes()).terminal())]
    Value {
        /// The name of the variable.
        name: &'static str,
        /// The value of the variable.
        value: String,
    },
    /// The name service does not know the account.
    #[error("unknown user in `{name}={}` in the environment: the name service does not know this user; correct or unset the variable", crate::model::Untrusted::new(.value.as_bytes()).terminal())]
    Nobody {
        /// The name of the variable.
        name: &'static str,
        /// The value of the variable.
        value: String,
    },
}

/// The user who called procviz through sudo, run0, pkexec or doas. `None` if root
/// called procviz directly, or if procviz does not run as root.
///
/// # Errors
///
/// When a variable of the environment is invalid.
pub(crate) fn invoker() -> Result<Option<Invoker>, InvokerError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let found = of_environment(|name| {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    })?;
    Ok(found.filter(|invoker| invoker.uid != 0))
}

fn of_environment(
    value_of: impl Fn(&'static str) -> Option<String>,
) -> Result<Option<Invoker>, InvokerError> {
    let number = |name: &'static str| {
        let Some(value) = value_of(name) else {
            return Ok(None);
        };
        match value.parse::<u32>() {
            // The kernel uses `u32::MAX` for "no user".
            Ok(id) if id != u32::MAX => Ok(Some(id)),
            _ => Err(InvokerError::Value { name, value }),
        }
    };
    // run0 sets the same variables as sudo.
    if let Some(uid) = number("SUDO_UID")? {
        let gid = match number("SUDO_GID")? {
            Some(gid) => gid,
            None => account("SUDO_UID", &uid.to_string())?.gid,
        };
        return Ok(Some(Invoker { uid, gid }));
    }
    if let Some(uid) = number("PKEXEC_UID")? {
        return account("PKEXEC_UID", &uid.to_string()).map(Some);
    }
    match value_of("DOAS_USER") {
        Some(user) => account("DOAS_USER", &user).map(Some),
        None => Ok(None),
    }
}

/// Asks the name service for the user `value`, a user id or a name, which the
/// variable `name` holds.
fn account(name: &'static str, value: &str) -> Result<Invoker, InvokerError> {
    let found = match value.parse::<u32>() {
        Ok(uid) => accounts::by_id(uid),
        Err(_) => accounts::by_name(value),
    };
    match found {
        Ok(Some(account)) => Ok(Invoker {
            uid: account.uid,
            gid: account.gid,
        }),
        _ => Err(InvokerError::Nobody {
            name,
            value: value.to_owned(),
        }),
    }
}

/// Lets root access files as the owner of a file does, on this thread: new files belong to that
/// user and group.
pub(crate) fn access_files_as(uid: u32, gid: u32) {
    if rustix::process::geteuid().is_root() {
        setfsgid(Gid::from_raw(gid));
        setfsuid(Uid::from_raw(uid));
    }
}

impl Invoker {
    /// Uses the user's identity for file access on this thread: user, group and
    /// supplementary groups of the user, without the groups of root.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub(crate) fn use_identity_for_files(&self) -> rustix::io::Result<()> {
        let group = |gid: &Gid| rustix::process::Gid::from_raw(gid.as_raw());
        let groups: Vec<_> = self.groups().iter().map(group).collect();
        // Changes this thread alone: libc's setgroups changes all threads.
        rustix::thread::set_thread_groups(&groups)?;
        setfsgid(Gid::from_raw(self.gid));
        setfsuid(Uid::from_raw(self.uid));
        Ok(())
    }

    /// The user's groups from the name service; the primary group alone if the name
    /// service does not know the user.
    pub(crate) fn groups(&self) -> Vec<Gid> {
        let gid = Gid::from_raw(self.gid);
        let account = accounts::by_id(self.uid).ok().flatten();
        let groups = account.and_then(|account| accounts::groups(&account, gid).ok());
        groups.unwrap_or_else(|| vec![gid])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Invoker>, InvokerError> {
        of_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_way_to_root_names_its_caller() {
        let nobody = Invoker {
            uid: 65_534,
            gid: 65_534,
        };
        assert_eq!(of(&[]).unwrap(), None);
        let sudo = [("SUDO_UID", "1000"), ("SUDO_GID", "100")];
        assert_eq!(
            of(&sudo).unwrap().unwrap(),
            Invoker {
                uid: 1000,
                gid: 100
            }
        );
        assert_eq!(
            of(&[("PKEXEC_UID", "65534")]).unwrap(),
            Some(nobody.clone())
        );
        assert_eq!(
            of(&[("DOAS_USER", "nobody")]).unwrap(),
            Some(nobody.clone())
        );
        assert_eq!(of(&[("SUDO_UID", "65534")]).unwrap(), Some(nobody));
    }

    #[test]
    fn what_is_not_understood_is_not_root() {
        for (name, value) in [
            ("SUDO_UID", ""),
            ("SUDO_UID", "-1"),
            ("SUDO_UID", "4294967295"),
            ("SUDO_UID", "bob"),
            ("SUDO_UID", "1000 "),
            ("PKEXEC_UID", "x"),
            ("DOAS_USER", "no such user"),
        ] {
            let error = of(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        let bad_group = [("SUDO_UID", "1000"), ("SUDO_GID", "wheel")];
        assert!(of(&bad_group).is_err());
    }
}
