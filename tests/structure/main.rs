//! Guards of the structure of the code. Each guard has a fixture that makes it
//! fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends where something is not as it should be, and says what it saw"
)]

mod circles;
mod code;
mod layers;
mod sizes;
