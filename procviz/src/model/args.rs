/// Upper limit for the bytes that are kept of the arguments of a process.
pub const MOST_ARGS: usize = 4096;

/// Arguments of a process as the kernel has them: each ends with a zero byte.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a>(&'a [u8]);

impl<'a> Args<'a> {
    /// Takes the bytes of `/proc/PID/cmdline`, or of an exec event.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.strip_suffix(b"\0").unwrap_or(bytes))
    }

    /// The bytes to keep of the first bytes of arguments that have `all` bytes together. At
    /// the end of cut arguments there is no zero byte.
    pub fn kept(first: &[u8], all: usize) -> &[u8] {
        let first = first.get(..MOST_ARGS).unwrap_or(first);
        match all > first.len() {
            true => first.strip_suffix(b"\0").unwrap_or(first),
            false => first,
        }
    }

    /// Whether there were more bytes than [`MOST_ARGS`], and the rest is missing.
    pub fn is_cut(bytes: &[u8]) -> bool {
        bytes.len() + 1 >= MOST_ARGS && bytes.last() != Some(&0)
    }

    /// Each argument; no argument if there are no bytes.
    pub fn each(self) -> impl Iterator<Item = &'a [u8]> {
        let is_there = !self.0.is_empty();
        let all = self.0.split(|byte| *byte == 0);
        all.filter(move |_| is_there)
    }

    /// All arguments in one line, separated by spaces. An argument can hold spaces, too.
    pub fn line(self) -> Vec<u8> {
        let spaced = |byte: &u8| if *byte == 0 { b' ' } else { *byte };
        self.0.iter().map(spaced).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_split_at_zeros() {
        let all = |bytes: &[u8]| -> Vec<String> {
            let each = Args::new(bytes).each();
            each.map(|arg| String::from_utf8(arg.to_vec()).unwrap())
                .collect()
        };
        assert_eq!(all(b"a\0b c\0\0"), ["a", "b c", ""]);
        assert_eq!(all(b"cut off"), ["cut off"]);
        assert!(all(b"").is_empty());
        assert_eq!(Args::new(b"a\0b c\0").line(), b"a b c");
        assert!(Args::is_cut(&[b'a'; MOST_ARGS]));
        assert!(!Args::is_cut(b"short"));
        // The cut can be between two arguments.
        let even = b"a\0".repeat(MOST_ARGS / 2);
        assert!(Args::is_cut(Args::kept(&even, 2 * MOST_ARGS)));
        assert!(!Args::is_cut(Args::kept(&even, MOST_ARGS)));
        let long = b"a\0".repeat(MOST_ARGS);
        assert!(Args::is_cut(Args::kept(&long, long.len())));
    }
}
