//! `regtree serve`, as clients and registries see it.

mod damage;
mod limits;
mod log;
mod routes;
