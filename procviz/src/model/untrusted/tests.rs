//! Tests of `untrusted`.

use super::*;

#[test]
fn terminal_spells_out_what_harms() {
    let text = Untrusted::new(b"a\x1b]0;x\x07\xff\xe2\x80\xae\\n").terminal();
    assert_eq!(text, r"a\x1b]0;x\x07\xff\u{202e}\\n");
}

#[test]
fn a_message_is_escaped_once() {
    let name = Untrusted::new(b"a\x1b[2J\\").terminal();
    let message = Untrusted::new(name.as_bytes()).message();
    assert_eq!(
        (name.as_str(), message.as_str()),
        (r"a\x1b[2J\\", r"a\x1b[2J\\")
    );
    let raw = Untrusted::new(b"one\n\x1btwo").message();
    assert_eq!(raw, "one\n\\x1btwo");
}

#[test]
fn names_cannot_forge_sentences() {
    let name = |text: &str| Untrusted::new(text.as_bytes()).name();
    for plain in ["bash", "kworker/0:1-events", "(sd-pam)", "nginx:", "Web"] {
        let quoted = format!("'{plain}'");
        assert_eq!(
            name(plain),
            if plain.ends_with(':') { &quoted } else { plain }
        );
    }
    assert_eq!(name("init 1: uses 99"), "'init 1: uses 99'");
    assert_eq!(name("it's"), r"'it\'s'");
    assert_eq!(name(""), "''");
}

#[test]
fn what_has_no_shape_is_spelled_out() {
    for hidden in [
        "\u{ad}",
        "\u{180e}",
        "\u{e0041}",
        "\u{301}",
        "\u{200d}",
        "\u{fe0f}",
        "\u{2066}",
    ] {
        let text = format!("a{hidden}b");
        let spelled = Untrusted::new(text.as_bytes()).terminal();
        assert_eq!(
            spelled.chars().filter(|ch| !ch.is_ascii()).count(),
            0,
            "{spelled}"
        );
        let picture = Untrusted::new(text.as_bytes()).picture();
        assert_eq!(picture, "a\u{fffd}b");
    }
    assert_eq!(Untrusted::new("é漢ü".as_bytes()).terminal(), "é漢ü");
}

#[test]
fn picture_has_no_control() {
    let text = Untrusted::new(b"<&\"\x1b\xc2\x9b\xff\xe2\x80\xae").picture();
    assert_eq!(text, "<&\"\u{fffd}\u{fffd}\u{fffd}\u{fffd}");
}
