/// How bad a finding is. The worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Others wait, are blocked or die because of it.
    Harms,
    /// It will harm others if it goes on.
    WillHarm,
    /// It stands out.
    Unusual,
}

impl Severity {
    /// The name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Harms => "harms",
            Self::WillHarm => "will-harm",
            Self::Unusual => "unusual",
        }
    }

    /// The words for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Harms => "harms others now",
            Self::WillHarm => "will harm others",
            Self::Unusual => "unusual",
        }
    }
}
