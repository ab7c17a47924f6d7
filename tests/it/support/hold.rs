//! Random values, each held to a promise.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Draws so many values, always the same for a seed, and holds each to `check`; what fails is shrunk. With
/// `REGTREE_TEST_TIMES=10` in the environment it draws ten times as many.
#[track_caller]
pub(crate) fn hold<S: Strategy>(cases: u32, seed: u8, values: S, check: impl Fn(&S::Value) -> Result<(), String>)
where
    S::Value: Debug,
{
    let times = std::env::var("REGTREE_TEST_TIMES").map_or(1, |times| times.parse::<u32>().unwrap());
    let cases = cases * times;
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 120, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let held = TestRunner::new_with_rng(config, rng).run(&values, |value| check(&value).map_err(TestCaseError::fail));
    if let Err(error) = held {
        panic!("{error}");
    }
}
