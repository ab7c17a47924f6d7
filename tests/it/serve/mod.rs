//! `regtree serve`, as clients and registries see it.

mod agreement;
mod clients;
mod damage;
mod limits;
mod log;
mod routes;
