//! What the tests share: running the command, trees to run it on, and the peers to hold it to.

pub(crate) mod command;
pub(crate) mod denied;
pub(crate) mod hold;
pub(crate) mod image;
pub(crate) mod kill;
pub(crate) mod mounted;
pub(crate) mod peers;
pub(crate) mod planted;
pub(crate) mod pushed;
pub(crate) mod refusal;
pub(crate) mod running;
pub(crate) mod schema;
pub(crate) mod scratch;
#[cfg(feature = "serve")]
pub(crate) mod served;
pub(crate) mod snapshot;
pub(crate) mod sound;
pub(crate) mod strace;
pub(crate) mod tampered;
pub(crate) mod tar_writer;
pub(crate) mod tarsum;
pub(crate) mod terminal;
pub(crate) mod vectors;
#[cfg(feature = "serve")]
pub(crate) mod wire;

pub(crate) use command::{Regtree, Run, nothing_installed};
pub(crate) use pushed::Pushed;
pub(crate) use scratch::Scratch;
pub(crate) use snapshot::snapshot;
pub(crate) use sound::{assert_sound, assert_sound_at};
