//! Counts the bytes that the loops of the parser look at, so that a test can hold it to linear time. It is empty outside
//! of tests.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts bytes that were looked at.
#[cfg(test)]
pub(super) fn count(bytes: usize) {
    STEPS.with(|steps| steps.set(steps.get() + bytes + 1));
}

/// Counts nothing.
#[cfg(not(test))]
#[inline]
pub(super) fn count(_bytes: usize) {}

/// The steps since the last call.
#[cfg(test)]
pub(super) fn take() -> usize {
    STEPS.with(|steps| steps.replace(0))
}
