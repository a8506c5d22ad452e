//! workshop
fn main(){}
