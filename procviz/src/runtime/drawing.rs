//! Provides what files and live views both need to draw: theme, palette, font, user
//! names, and the metadata of a PNG file.

use std::{ffi::OsString, fs::File, io::Read as _, sync::Arc};

use anyhow::Context as _;

use super::{Failure, text::escaped};
use crate::{
    chart::{Arguments, Grouping, PaletteKind, Theme},
    cli::{FilterArgs, GroupArg, PaletteArg, PictureArgs, ThemeArg},
    export::time,
    model::{Snapshot, Untrusted, bytes_text},
    scene::{Font, Scene},
    source::Users,
};

/// Whether pictures show the arguments of processes.
pub(crate) fn arguments(args: &PictureArgs) -> Arguments {
    match args.args {
        true => Arguments::Shown,
        false => Arguments::Hidden,
    }
}

/// What a picture is restricted to, each escaped for a picture: the conditions of the filter,
/// and the command.
pub(crate) fn selection(filter: &FilterArgs, run: &[OsString]) -> Vec<String> {
    let conditions = [
        ("user", &filter.users),
        ("pid", &filter.pids),
        ("tree", &filter.trees),
        ("command", &filter.commands),
        ("cgroup", &filter.cgroups),
        ("container", &filter.containers),
        ("pod", &filter.pods),
        ("unit", &filter.units),
    ];
    let conditions = conditions.into_iter().filter(|(_, of)| !of.is_empty());
    let words = conditions.map(|(what, of)| format!("{what} {}", of.join(" or ")));
    let command = run.iter().map(|word| word.to_string_lossy());
    let command = command.collect::<Vec<_>>().join(" ");
    words
        .chain(Some(command).filter(|command| !command.is_empty()))
        .map(|words| Untrusted::new(words.as_bytes()).picture())
        .collect()
}

/// The theme from `--theme`, light by default. A live view in a terminal makes the
/// default dark.
pub(crate) fn theme(args: &PictureArgs) -> Theme {
    match args.theme {
        Some(ThemeArg::Light) => Theme::Light,
        Some(ThemeArg::Dark) => Theme::Dark,
        None => Theme::Light,
    }
}

pub(crate) fn palette(args: &PictureArgs) -> PaletteKind {
    match (args.palette, args.classic) {
        (PaletteArg::Default, false) => PaletteKind::Default,
        (PaletteArg::Original, _) | (_, true) => PaletteKind::Original,
    }
}

pub(crate) fn grouping(group: GroupArg) -> Grouping {
    match group {
        GroupArg::User => Grouping::User,
        GroupArg::Cgroup => Grouping::Cgroup,
        GroupArg::Container => Grouping::Container,
        GroupArg::Pod => Grouping::Pod,
        GroupArg::Unit => Grouping::Unit,
        GroupArg::Tree => Grouping::Tree,
        GroupArg::Command => Grouping::Command,
    }
}

/// Upper limit for the size of a font file, bytes. A font with all Chinese characters
/// has 20 MB.
const MOST_OF_FONT: u64 = 64 << 20;

/// The font from `--font`, or the embedded font.
pub(crate) fn font(args: &PictureArgs) -> Result<Font, Failure> {
    let Some(path) = &args.font else {
        return Ok(Font::embedded()?);
    };
    let mut bytes = Vec::new();
    let file = File::open(path);
    file.and_then(|file| file.take(MOST_OF_FONT + 1).read_to_end(&mut bytes))
        .with_context(|| format!("failed to read the font `{}`", escaped(path)))?;
    if bytes.len() as u64 > MOST_OF_FONT {
        return Err(Failure::usage(format!(
            "`--font {}` is larger than {}: expected a TrueType or OpenType font",
            escaped(path),
            bytes_text(MOST_OF_FONT)
        )));
    }
    Ok(Font::parse(bytes).with_context(|| format!("`{}` is not a font", escaped(path)))?)
}

pub(crate) fn name(users: &Users, uid: Option<u32>) -> Arc<str> {
    let Some(uid) = uid else {
        return Arc::from("unknown");
    };
    // Next to a pid, a bare uid would look like another pid.
    users
        .known(uid)
        .map_or_else(|| format!("uid {uid}").into(), Arc::clone)
}

/// The text metadata of a PNG file: keywords and values.
pub(crate) fn notes(scene: &Scene, snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let command: Vec<_> = std::env::args_os()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    vec![
        ("Title", scene.title.clone()),
        (
            "Software",
            concat!("procviz ", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
        (
            "Creation Time",
            time::rfc3339(&snapshot.host, snapshot.stamp.boot_ns).unwrap_or_default(),
        ),
        ("Comment", command.join(" ")),
    ]
}
