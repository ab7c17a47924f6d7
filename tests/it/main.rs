//! Integration tests: the command itself, on trees that real registries wrote, against the real registry and skopeo.
//!
//! One binary, so that it links once. `support` has what the tests share; each other room is a subject.

#![expect(clippy::disallowed_methods, reason = "tests plant what durable would never write")]
#![expect(clippy::unwrap_used, reason = "a test may")]

mod agreement;
mod blobs;
mod cache;
mod cli;
mod database;
mod dependencies;
mod du;
mod fsck;
mod gc;
mod image;
mod info;
mod lock;
mod manifests;
mod prune;
mod quarantine;
mod repair;
mod report;
mod repos;
#[cfg(feature = "serve")]
mod serve;
mod support;
mod tags;
mod tidy;
mod uploads;
