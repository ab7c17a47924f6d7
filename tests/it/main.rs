//! Integration tests: the command itself, on trees that real registries wrote, against the real registry and skopeo.
//!
//! One binary, so that it links once. `support` has what the tests share; each other file is a subject.

#![expect(clippy::disallowed_methods, reason = "tests plant what durable would never write")]
#![expect(clippy::unwrap_used, reason = "a test may")]

mod agreement;
mod bad_input;
mod blobs;
mod cli;
mod crash;
mod demo;
mod dependencies;
mod du;
mod fsck;
mod gc;
mod generated;
mod hints;
mod interop;
mod layout;
mod lock;
mod manifest_reading;
mod manifests;
mod parallel;
mod put;
mod quarantine;
mod readme;
mod repair;
mod repos;
mod support;
mod tags;
mod texts;
mod tidy;
mod upload_crash;
mod upload_live;
mod uploads;
mod vectors;
mod wording;
