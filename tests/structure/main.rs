//! Checks the structure of the code. Each check has a test with code that makes the
//! check fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed check must stop the test and print the values"
)]

mod circles;
mod code;
mod layers;
mod never;
mod sizes;
mod tests;
