//! The front end: arguments and roots, what is printed and how, and the documents that describe it.

mod arguments;
mod captures;
mod completion;
mod configuration;
mod demo;
mod escapes;
mod every_command;
mod exit_codes;
mod faults;
mod generated;
mod hints;
mod json;
mod limits;
mod progress;
mod readme;
mod references;
mod roots;
mod texts;
mod usual_places;
mod version;
mod wording;
