//! Serves the images of a tree over HTTP: the pull side of the registry's API, read-only.
//!
//! It takes no lock and writes nothing. Nothing is remembered from one request to the next: each opens the tree and
//! reads what is there, so a tag that was set or a blob that was repaired meanwhile is seen at once.
//!
//! * `route`: what a path of the API names.
//! * `answer`: the answer to a request, and the API's errors.
//! * `blob`: a blob, or a part of it. `range`, `etag`: what a client wants of it. This is for other servers too.
//! * `manifest`, `lists`: manifests, and the lists of repositories, tags and referrers. `page`: a part of a list.
//! * `server`: accepts connections and keeps its limits. `sending`: the content of an answer on its way.
//! * `access`: what is known about a request once it is answered.
//!
//! Only `server` and `sending` are asynchronous. They call the rest from threads that may wait for the disk.

mod access;
mod answer;
mod blob;
mod etag;
mod lists;
mod manifest;
mod page;
mod range;
mod route;
mod sending;
mod server;

pub use access::{Access, AccessLog};
pub use blob::ServeBlob;
pub use server::{Options, Server};
