//! `blob`: what it stores, finds and removes; damage and refusals; kills, races, and registries beside it.

mod access;
mod commands;
mod content;
mod crash;
mod damage;
mod live;
mod parallel;
mod permissions;
mod put;
mod space;
mod symlinks;
mod tarsum;
mod unknown;
mod users;
mod vectors;
