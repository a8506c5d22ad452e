//! Settings of the rules from the command line, and the table of the rules.

use glob::Pattern;

use crate::{
    cli::RuleArgs,
    model::Rule,
    runtime::{Failure, config, text::escaped},
    tracker::{RuleSettings, Threshold, severities},
};

/// Upper limit for a threshold without a unit of bytes.
const MOST: f64 = 1e9;
/// Length of a name in findings, bytes.
const MOST_NAME: usize = 15;

/// What the user has set about the rules.
pub(crate) fn settings(args: &RuleArgs) -> Result<RuleSettings, Failure> {
    let mut settings = RuleSettings::default();
    for typed in &args.ignored {
        let (word, name) = match typed.split_once(':') {
            Some((word, name)) => (word, Some(name)),
            None => (&typed[..], None),
        };
        let rule = rule("--ignore", typed, word)?;
        let pattern = name.map(|name| {
            Pattern::new(as_kept(name)).map_err(|error| {
                let typed = escaped(typed);
                Failure::usage(format!("`--ignore {typed}`: invalid pattern: {error}"))
            })
        });
        settings.ignore(rule, pattern.transpose()?);
    }
    for typed in &args.thresholds {
        let (rule, key, value) = threshold(typed)?;
        settings.set(rule, key, value);
    }
    Ok(settings)
}

/// The part of a name that findings keep: without wildcards, its first 15 bytes.
fn as_kept(name: &str) -> &str {
    match name.contains(['*', '?', '[']) {
        true => name,
        false => &name[..name.floor_char_boundary(MOST_NAME)],
    }
}

fn rule(option: &str, typed: &str, word: &str) -> Result<Rule, Failure> {
    let rule = Rule::ALL.iter().copied().find(|rule| rule.word() == word);
    rule.ok_or_else(|| {
        Failure::usage(format!(
            "`{option} {}`: there is no rule `{}`; `procviz rules` lists the rules",
            escaped(typed),
            escaped(word)
        ))
    })
}

/// Parses `RULE:KEY=VALUE`.
fn threshold(typed: &str) -> Result<(Rule, &'static str, f64), Failure> {
    let parts = typed.split_once(':').and_then(|(word, rest)| {
        let (key, value) = rest.split_once('=')?;
        Some((word, key, value))
    });
    let Some((word, key, value)) = parts else {
        return Err(Failure::usage(format!(
            "`--rule {}`: expected RULE:KEY=VALUE, such as `cpu:cores=0.5`",
            escaped(typed)
        )));
    };
    let rule = rule("--rule", typed, word)?;
    let Some(found) = of(rule).find(|threshold| threshold.key == key) else {
        let keys: Vec<_> = of(rule).map(|threshold| threshold.key).collect();
        return Err(Failure::usage(match keys.is_empty() {
            true => format!(
                "`--rule {}`: the rule `{word}` has no threshold",
                escaped(typed)
            ),
            false => format!(
                "`--rule {}`: the rule `{word}` has no threshold `{}`, but {}",
                escaped(typed),
                escaped(key),
                keys.join(", ")
            ),
        }));
    };
    if found.unit == "bytes/s" {
        return Ok((
            rule,
            found.key,
            config::bytes("--rule", typed, value)? as f64,
        ));
    }
    let value = value.parse::<f64>().ok();
    let value = value.filter(|value| *value > 0.0 && *value <= MOST);
    let value = value.ok_or_else(|| {
        Failure::usage(format!(
            "invalid value in `--rule {}`: expected a number above 0",
            escaped(typed)
        ))
    })?;
    Ok((rule, found.key, value))
}

/// The thresholds of a rule.
fn of(rule: Rule) -> impl Iterator<Item = &'static Threshold> {
    let all = Threshold::ALL.iter();
    all.filter(move |threshold| threshold.rule == rule)
}

/// A rule as texts.
pub(crate) struct Row {
    pub(crate) rule: Rule,
    /// How bad its findings can be: `unusual, or harms others now`.
    pub(crate) severities: String,
    /// Each threshold as it is typed, `cores=0.9`, and what reaches it.
    pub(crate) thresholds: Vec<(String, &'static str)>,
}

/// All rules, in order of rank.
pub(crate) fn rows() -> impl Iterator<Item = Row> {
    Rule::ALL.iter().map(|rule| {
        let words: Vec<_> = severities(*rule)
            .iter()
            .map(|severity| severity.text())
            .collect();
        Row {
            rule: *rule,
            severities: words.join(", or "),
            thresholds: of(*rule).map(default).collect(),
        }
    })
}

fn default(threshold: &Threshold) -> (String, &'static str) {
    let Threshold { key, default, .. } = threshold;
    let value = match threshold.unit {
        "bytes/s" => format!("{}M", default / f64::from(1 << 20)),
        _ => default.to_string(),
    };
    (format!("{key}={value}"), threshold.about)
}
