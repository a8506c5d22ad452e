//! Looks up user accounts in the system's name service. A static program cannot load
//! the libraries of the name service, and runs `getent` instead.

use std::path::PathBuf;

/// A user account, as in a line of the passwd file.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: PathBuf,
    pub(crate) shell: PathBuf,
}

#[cfg(not(target_feature = "crt-static"))]
mod service {
    use std::{ffi::CString, io};

    use nix::unistd::{Gid, Uid, User, getgrouplist};

    use super::Account;

    fn account(user: User) -> Account {
        Account {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            home: user.dir,
            shell: user.shell,
        }
    }

    /// The account with this user id. The call can take long.
    ///
    /// # Errors
    ///
    /// The error of the name service.
    pub(crate) fn by_id(uid: u32) -> io::Result<Option<Account>> {
        Ok(User::from_uid(Uid::from_raw(uid))?.map(account))
    }

    /// The account with this name.
    ///
    /// # Errors
    ///
    /// As [`by_id`].
    pub(crate) fn by_name(name: &str) -> io::Result<Option<Account>> {
        Ok(User::from_name(name)?.map(account))
    }

    /// The groups of a user, including `gid`.
    ///
    /// # Errors
    ///
    /// As [`by_id`].
    pub(crate) fn groups(account: &Account, gid: Gid) -> io::Result<Vec<Gid>> {
        Ok(getgrouplist(&CString::new(account.name.as_str())?, gid)?)
    }
}

#[cfg(target_feature = "crt-static")]
mod service {
    use std::{
        io,
        process::{Command, Stdio},
    };

    use nix::unistd::Gid;

    use super::{Account, passwd_line};

    /// The first line that getent(1) prints; `None` if it prints nothing.
    fn getent(table: &str, key: &str) -> io::Result<Option<String>> {
        let output = Command::new("/usr/bin/getent")
            .args([table, "--", key])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()?;
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(output.lines().next().map(str::to_owned))
    }

    pub(crate) fn by_id(uid: u32) -> io::Result<Option<Account>> {
        let line = getent("passwd", &uid.to_string())?;
        let account = line.as_deref().and_then(passwd_line);
        Ok(account.filter(|account| account.uid == uid))
    }

    pub(crate) fn by_name(name: &str) -> io::Result<Option<Account>> {
        let line = getent("passwd", name)?;
        let account = line.as_deref().and_then(passwd_line);
        Ok(account.filter(|account| account.name == name))
    }

    pub(crate) fn groups(account: &Account, gid: Gid) -> io::Result<Vec<Gid>> {
        let line = getent("initgroups", &account.name)?.unwrap_or_default();
        let more = line.split_whitespace().skip(1);
        let more = more.filter_map(|gid| gid.parse().ok()).map(Gid::from_raw);
        Ok([gid].into_iter().chain(more).collect())
    }
}

pub(crate) use service::{by_id, by_name, groups};

/// Parses a line of the passwd file.
pub(super) fn passwd_line(line: &str) -> Option<Account> {
    let fields: Vec<&str> = line.split(':').collect();
    let field = |index: usize| fields.get(index).copied().unwrap_or_default();
    Some(Account {
        name: fields.first().filter(|name| !name.is_empty())?.to_string(),
        uid: field(2).parse().ok()?,
        gid: field(3).parse().ok()?,
        home: field(5).into(),
        shell: field(6).trim_end().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_account() {
        let account = passwd_line("www-data:x:33:34:www:/var/www:/usr/sbin/nologin\n").unwrap();
        assert_eq!((account.name.as_str(), account.uid), ("www-data", 33));
        assert_eq!(account.home, PathBuf::from("/var/www"));
        assert_eq!(account.shell, PathBuf::from("/usr/sbin/nologin"));
        assert!(passwd_line("+::::::").is_none());
        assert!(passwd_line(":x:33:").is_none());
    }

    #[test]
    fn the_service_knows_root() {
        assert_eq!(by_id(0).unwrap().unwrap().name, "root");
        let root = by_name("root").unwrap().unwrap();
        assert_eq!(root.uid, 0);
        let group = nix::unistd::Gid::from_raw(0);
        assert!(groups(&root, group).unwrap().contains(&group));
        assert!(by_name("no such user").unwrap().is_none());
    }
}
