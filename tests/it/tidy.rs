//! The order of the rooms, read from the sources: imports point down, and no two files import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rooms from the top down, floor by floor, as the design has them. A room imports from floors below its own, and from
/// itself.
const FLOORS: [&[&str]; 21] = [
    &["cli"],
    &["report", "serve", "retention"],
    &["du", "info", "users"],
    &["gc", "repair"],
    &["fsck", "quarantine"],
    &["image"],
    &["reach"],
    &["scan"],
    &["judge"],
    &["registry"],
    &["manifest", "reference"],
    &["tag", "upload"],
    &["blob"],
    &["repository"],
    &["durable", "finding"],
    &["tree", "stream", "pattern", "limit"],
    &["layout", "error"],
    &["name", "descriptor"],
    &["digest"],
    &["lanes", "tarsum"],
    &["named", "count", "json", "ordered"],
];

/// What a module imports: each module, with one of the paths that say so.
type Imports = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn imports_point_down() {
    let wrong: Vec<String> = imports().iter().flat_map(|(module, imports)| upward(module, imports)).collect();
    assert!(wrong.is_empty(), "a room imports what stands beside or above it:\n{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let imports = imports();
    for module in imports.keys() {
        let mut reached: BTreeMap<&str, &str> = BTreeMap::new();
        let mut pending = vec![module.as_str()];
        while let Some(from) = pending.pop() {
            for to in imports[from].keys().filter(|to| !is_below(to, from)) {
                if reached.insert(to, from).is_none() {
                    pending.push(to);
                }
            }
        }
        if reached.contains_key(module.as_str()) {
            let back = std::iter::successors(Some(module.as_str()), |at| reached.get(at).copied());
            let way: Vec<&str> = back.take(imports.len()).collect();
            let end = way.iter().skip(1).position(|at| at == module).map_or(way.len(), |at| at + 2);
            panic!("these files import each other in a circle: {}", way[..end].join(" <- "));
        }
    }
}

/// What a user of the library does not need is `pub(crate)`. Raise the bound for what they do need.
#[test]
fn the_library_shows_little() {
    let kinds = ["fn", "const", "struct", "enum", "trait", "type", "static", "mod", "use"];
    let is_public = |line: &&str| {
        let mut words = line.split_whitespace();
        words.next() == Some("pub") && words.next().is_some_and(|kind| kinds.contains(&kind))
    };
    let sources = sources();
    let library = sources.iter().filter(|(module, _)| !module.starts_with("cli"));
    let count = library.flat_map(|(_, source)| source.lines()).filter(is_public).count();
    assert!((250..=470).contains(&count), "{count} lines of src make something public");
}

#[test]
fn only_layout_spells_the_names_of_the_tree() {
    let sources = sources();
    let others = sources.iter().filter(|(module, _)| !module.starts_with("layout"));
    let spelled: Vec<&String> =
        others.filter(|(_, source)| source.contains(".child(\"")).map(|(module, _)| module).collect();
    assert!(spelled.is_empty(), "these build a path from a name of their own: {spelled:?}");
}

/// `write_proof` asks the kernel for leases, and `sha_ni` uses instructions that not every processor has.
#[test]
fn only_two_files_have_unsafe_code() {
    let sources = sources();
    let have: Vec<&String> =
        sources.iter().filter(|(_, source)| source.contains("unsafe {")).map(|(module, _)| module).collect();
    assert_eq!(have, ["durable::write_proof", "lanes::sha_ni"]);
}

/// A message that counts bytes itself says "1 bytes". A constant, which is a name in upper case, is never 1.
#[test]
fn only_count_writes_bytes_with_their_noun() {
    let counts = |line: &str| {
        line.match_indices("} byte").any(|(end, _)| {
            let name = line[..end].rsplit('{').next().unwrap_or_default();
            !name.starts_with(|first: char| first.is_ascii_uppercase() || first.is_ascii_digit())
        })
    };
    assert!(counts("(\"{} bytes\")") && counts("it has {size} bytes") && !counts("at most {MAX} bytes"));
    let sources = sources();
    let lines = sources.iter().flat_map(|(module, source)| source.lines().map(move |line| (module, line)));
    let wrong: Vec<String> =
        lines.filter(|(_, line)| counts(line)).map(|(module, line)| format!("{module}: {}", line.trim())).collect();
    assert!(wrong.is_empty(), "these count without `crate::count`:\n{}", wrong.join("\n"));
}

fn upward(module: &str, imports: &BTreeMap<String, String>) -> Vec<String> {
    let floor = |module: &str| {
        let room = module.split("::").next().unwrap_or_default();
        let floor = FLOORS.iter().position(|rooms| rooms.contains(&room));
        (room.to_owned(), floor.unwrap_or_else(|| panic!("{room} is on no floor: write it into FLOORS")))
    };
    let (room, own) = floor(module);
    let is_upward = |to: &&String| {
        let (other, floor) = floor(to);
        other != room && floor <= own
    };
    imports.keys().filter(is_upward).map(|to| format!("{module} imports {}", imports[to])).collect()
}

/// Whether a module is one of another's own: a room's head names its parts, and they may use what it defines.
fn is_below(module: &str, above: &str) -> bool {
    module.strip_prefix(above).is_some_and(|rest| rest.starts_with("::"))
}

/// What every module of the library imports outside of its tests.
fn imports() -> Imports {
    let sources = sources();
    let aliases = reexports(&sources);
    let modules: BTreeSet<&str> = sources.keys().map(String::as_str).collect();
    let mut imports = Imports::new();
    for (module, source) in &sources {
        let mut found = BTreeMap::new();
        for path in paths(source) {
            let target = absolute(module, &path).and_then(|segments| resolve(&segments, &modules, &aliases));
            if let Some(target) = target.filter(|target| target != module) {
                found.insert(target, path);
            }
        }
        imports.insert(module.clone(), found);
    }
    assert!(imports.len() > 150, "only {} files were found", imports.len());
    assert!(imports.values().map(BTreeMap::len).sum::<usize>() > 1000, "imports were not found");
    imports
}

/// The text of each file by its module, without tests and comments. The crate's face and the program belong to no room.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut sources, mut tests) = (BTreeMap::new(), BTreeSet::new());
    let files = walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap);
    for file in files.filter(|file| file.path().extension().is_some_and(|extension| extension == "rs")) {
        let path = file.path().strip_prefix(&root).unwrap().with_extension("");
        let module = path.to_str().unwrap().replace('/', "::");
        let module = module.strip_suffix("::mod").unwrap_or(&module).to_owned();
        let (text, own_tests) = production(&fs::read_to_string(file.path()).unwrap());
        tests.extend(own_tests.into_iter().map(|name| format!("{module}::{name}")));
        if !matches!(&*module, "lib" | "main") {
            sources.insert(module, text);
        }
    }
    sources.retain(|module, _| !tests.iter().any(|test| module == test || is_below(module, test)));
    sources
}

/// A file's text without comments and tests, and the names of modules that are nothing but tests.
fn production(text: &str) -> (String, Vec<String>) {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let mut parts = text.split("#[cfg(test)]\n");
    let (mut kept, mut tests) = (parts.next().unwrap_or_default().to_owned(), Vec::new());
    for part in parts {
        let item = part.lines().find(|line| !line.trim_start().starts_with("#[")).unwrap_or_default().trim();
        if let Some(name) = item.strip_prefix("mod ").and_then(|item| item.strip_suffix(';')) {
            tests.push(name.to_owned());
        }
        // An item ends with its line, or with a brace as far to the left as it began.
        let end = if item.ends_with(';') { ";\n" } else { "\n}\n" };
        kept.push_str(part.split_once(end).map_or("", |(_, rest)| rest));
    }
    (kept, tests)
}

/// Every path that is imported, or named in full.
fn paths(source: &str) -> Vec<String> {
    let mut paths: Vec<String> = uses(source).iter().flat_map(|path| expand(path)).collect();
    for start in ["crate::", "super::"] {
        for (at, _) in source.match_indices(start) {
            let is_path = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == ':';
            // The rest of a longer path is no path.
            if !source[..at].ends_with(is_path) {
                paths.push(source[at..].chars().take_while(|char| is_path(*char)).collect());
            }
        }
    }
    paths
}

/// What stands between `use` and its semicolon, on one line.
fn uses(source: &str) -> Vec<String> {
    let mut uses = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("use ") {
        let before = rest[..at].rsplit('\n').next().unwrap_or_default().trim();
        rest = &rest[at + 4..];
        if before.is_empty() || before.starts_with("pub") {
            let path = rest.split(';').next().unwrap_or_default();
            uses.push(path.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    uses
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expand(path: &str) -> Vec<String> {
    let Some((prefix, rest)) = path.split_once('{') else { return vec![path.trim().to_owned()] };
    let (mut depth, mut parts) = (1, vec![String::new()]);
    for char in rest.chars() {
        depth += i32::from(char == '{') - i32::from(char == '}');
        match char {
            _ if depth == 0 => break,
            ',' if depth == 1 => parts.push(String::new()),
            char => parts.last_mut().unwrap().push(char),
        }
    }
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(|part| expand(&format!("{}{part}", prefix.trim()))).collect()
}

/// A path from the crate's root; `None` for one that leads out of the crate.
fn absolute(module: &str, path: &str) -> Option<Vec<String>> {
    let path = path.split(" as ").next().unwrap_or_default();
    let mut segments: Vec<&str> = path.split("::").map(str::trim).collect();
    let mut above: Vec<&str> = match segments[0] {
        "crate" => Vec::new(),
        "self" | "super" => module.split("::").collect(),
        _ => return None,
    };
    if segments[0] != "super" {
        segments.remove(0);
    }
    while segments.first() == Some(&"super") {
        above.pop();
        segments.remove(0);
    }
    Some(above.into_iter().chain(segments).map(str::to_owned).collect())
}

/// The module that a path leads to, be it by way of another that hands on the name.
fn resolve(
    segments: &[String],
    modules: &BTreeSet<&str>,
    aliases: &BTreeMap<(String, String), String>,
) -> Option<String> {
    let mut module = String::new();
    for segment in segments {
        let child = if module.is_empty() { segment.clone() } else { format!("{module}::{segment}") };
        if modules.contains(&*child) {
            module = child;
        } else if let Some(target) = aliases.get(&(module.clone(), segment.clone())) {
            module.clone_from(target);
        } else {
            break;
        }
    }
    (!module.is_empty()).then_some(module)
}

/// By module and name: which of its own parts a module has a name from.
fn reexports(sources: &BTreeMap<String, String>) -> BTreeMap<(String, String), String> {
    let modules: BTreeSet<&str> = sources.keys().map(String::as_str).collect();
    let mut found = BTreeMap::new();
    for (module, source) in sources {
        for path in uses(source).iter().flat_map(|path| expand(path)) {
            let name = path.rsplit([' ', ':']).next().unwrap_or_default().to_owned();
            let path = path.split(" as ").next().unwrap_or_default();
            let segments: Vec<String> = format!("{module}::{path}").split("::").map(str::to_owned).collect();
            if let Some(target) = resolve(&segments, &modules, &BTreeMap::new()).filter(|target| target != module) {
                found.insert((module.clone(), name), target);
            }
        }
    }
    found
}
