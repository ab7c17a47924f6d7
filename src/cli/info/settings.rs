//! The defaults that apply, and where each comes from.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::Global;
use crate::cli::site::{self, Setting, Site};

/// A default that applies.
pub(super) struct Effective {
    setting: Setting,
    value: String,
    /// The file that sets it, and the line; `None` where it is built in.
    from: Option<(PathBuf, usize)>,
}

/// What applies where no option is given. The root has rules of its own.
pub(super) fn effective(site: &Site) -> Vec<Effective> {
    let command = site.apply(crate::cli::command());
    let value = |setting: Setting| {
        let option = setting.option()?;
        let set = site.get(setting);
        let built_in = || match site::default_of(&command, "gc", option) {
            Some(value) => value.to_string_lossy().into_owned(),
            None => built_in(setting).to_owned(),
        };
        let value = set.map_or_else(built_in, |value| value.text.clone());
        let from = set.and_then(|value| Some((site.file.clone()?, value.line)));
        Some(Effective { setting, value, from })
    };
    Setting::ALL.into_iter().filter_map(value).collect()
}

/// What a setting is whose option has no default.
fn built_in(setting: Setting) -> &'static str {
    match setting {
        Setting::Quarantine => "false",
        Setting::Policy => "none",
        _ => "one per processor",
    }
}

impl Effective {
    pub(super) fn document(&self) -> Value {
        let (file, line) = self.from.as_ref().map(|(file, line)| (file.to_string_lossy(), line)).unzip();
        json!({ "name": self.setting, "value": self.value, "path": file, "line": line })
    }
}

pub(super) fn lines(settings: &[Effective], global: &Global) -> Vec<String> {
    let file = match &global.site.file {
        Some(file) => file.display().to_string(),
        None => format!("no {}", global.places.site_config().display()),
    };
    let mut lines = vec![format!("configuration: {file}")];
    for Effective { setting, value, from } in settings {
        let from = from.as_ref().map_or("built in".to_owned(), |(_, line)| format!("line {line}"));
        lines.push(format!("  {setting:<20}{value:<20}{from}"));
    }
    lines
}
