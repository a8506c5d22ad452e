//! The one way to skip a test.

/// Skips a test that cannot run on this machine. With `PROCVIZ_NO_SKIP` (CI) the test
/// fails.
pub(crate) fn skip(why: &str) -> Result<(), libtest_mimic::Failed> {
    println!("SKIPPED: {why}");
    if std::env::var_os("PROCVIZ_NO_SKIP").is_some() {
        return Err(format!("skipped, but `PROCVIZ_NO_SKIP` is set: {why}").into());
    }
    Ok(())
}
