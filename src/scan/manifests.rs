//! Reads what the manifests of a tree reference. Each is read, hashed and parsed once.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;

use rayon::prelude::*;
use rustix::io::Errno;

use super::digests::{DigestId, DigestSet, Digests, LookedUp, known};
use super::returning::Returning;
use crate::digest::{Digest, Hasher};
use crate::layout::{self, Area};
use crate::manifest::{Kind, MAX_PUT, MAX_READ, Manifest, Reference, Role};
use crate::stream::Watch;
use crate::tree::{self, Tree};

/// The longest manifest that is read into a buffer which is reused.
const USUAL: usize = 64 * 1024;

#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) tree: &'s Tree,
    /// Content that will be put back, and is read where it is now.
    pub(super) returning: &'s dyn Returning,
}

/// The references of all manifests.
#[derive(Debug)]
pub(crate) struct Graph {
    by_name: HashMap<DigestId, Node>,
    references: Vec<DigestId>,
    /// The content that some manifest names with `urls`.
    elsewhere: HashSet<DigestId>,
    /// Indexes with those of their children that they give a media type of no manifest.
    others: HashSet<(DigestId, DigestId)>,
    /// Manifests that can't be followed, and why.
    pub faults: HashMap<DigestId, Fault>,
}

/// Why content can't be followed as a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What is known of the content.
    pub kind: FaultKind,
    /// The reason, for messages.
    pub reason: String,
}

/// What is known of content that can't be followed as a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// It matches its digest, and only is no manifest.
    Whole,
    /// It does not begin as a manifest does, and was not read to its end.
    Unlike,
    /// There is none, though there is a directory for it.
    Missing,
    /// It is damaged, or can't be read.
    Damaged,
}

impl Fault {
    fn whole(reason: &impl ToString) -> Self {
        Self { kind: FaultKind::Whole, reason: reason.to_string() }
    }

    fn damaged(reason: impl fmt::Display) -> Self {
        Self { kind: FaultKind::Damaged, reason: reason.to_string() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// One manifest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// Where its references begin, those of each kind after those of the kind before.
    begin: u32,
    mentioned: u32,
    elsewhere: u32,
    children: u32,
    end: u32,
    /// The manifest that it is about, as its `subject` field says.
    pub subject: Option<DigestId>,
    /// Whether it is an index of valid digests that mentions nothing besides its entries.
    pub is_index: bool,
    /// Whether its kind is schema1, so that signatures of it may be stored.
    pub is_schema1: bool,
    /// Whether it is larger than a registry accepts.
    pub is_over_large: bool,
}

struct Parsed {
    name: DigestId,
    demanded: Vec<DigestId>,
    mentioned: Vec<DigestId>,
    elsewhere: Vec<DigestId>,
    children: LookedUp,
    others: LookedUp,
    subject: LookedUp,
    is_index: bool,
    is_schema1: bool,
    is_over_large: bool,
}

impl Graph {
    pub(super) fn new() -> Self {
        Self {
            by_name: HashMap::new(),
            references: Vec::new(),
            elsewhere: HashSet::new(),
            others: HashSet::new(),
            faults: HashMap::new(),
        }
    }

    /// The node of a manifest; `None` when it is no manifest or was not read.
    pub(crate) fn node(&self, name: DigestId) -> Option<&Node> {
        self.by_name.get(&name)
    }

    /// Whether content was read, and matches its digest.
    pub(crate) fn is_whole(&self, name: DigestId) -> bool {
        let is_whole = |fault: &Fault| fault.kind == FaultKind::Whole;
        self.by_name.contains_key(&name) || self.faults.get(&name).is_some_and(is_whole)
    }

    /// Every manifest that was read.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (DigestId, &Node)> {
        self.by_name.iter().map(|(name, node)| (*name, node))
    }

    /// The content that a manifest needs or may need: what it [demands](Self::demanded), and what it only mentions.
    /// Only what the tree has or links.
    pub(crate) fn contents(&self, node: &Node) -> &[DigestId] {
        &self.references[node.begin as usize..node.elsewhere as usize]
    }

    /// The content without which no registry takes a manifest: its config, and its layers without `urls`. Only what the
    /// tree has or links.
    pub(crate) fn demanded(&self, node: &Node) -> &[DigestId] {
        &self.references[node.begin as usize..node.mentioned as usize]
    }

    /// The content that a manifest names with `urls`. Only what the tree has or links.
    pub(crate) fn elsewhere(&self, node: &Node) -> &[DigestId] {
        &self.references[node.elsewhere as usize..node.children as usize]
    }

    /// All content that some manifest names with `urls`.
    pub(super) fn all_elsewhere(&self) -> &HashSet<DigestId> {
        &self.elsewhere
    }

    /// The children that an index names.
    pub(crate) fn children(&self, node: &Node) -> &[DigestId] {
        &self.references[node.children as usize..node.end as usize]
    }

    /// Whether an index gives a child a media type of no manifest.
    pub(crate) fn is_other(&self, index: DigestId, child: DigestId) -> bool {
        self.others.contains(&(index, child))
    }

    /// Reads the manifests in `wanted`, and all children that they name, as far as the tree has them.
    pub(super) fn read(&mut self, source: Source<'_>, names: &mut Digests, wanted: Vec<DigestId>, watch: &Watch<'_>) {
        let mut wanted = wanted;
        while !wanted.is_empty() {
            let mut seen = DigestSet::new(names);
            wanted.retain(|name| self.is_unread(names, *name) && seen.insert(*name));
            let read: Vec<Result<Parsed, (DigestId, Fault)>> = {
                let names: &Digests = names;
                let counting = watch.count("reading manifests", Some(wanted.len()));
                let read = |buffer: &mut Vec<u8>, name: &DigestId| {
                    let parsed = parse(source, names, *name, buffer);
                    counting.add(1);
                    parsed
                };
                let wanted = wanted.par_iter().filter(|_| watch.interrupt.signal().is_none());
                wanted.map_init(|| vec![0; USUAL], read).collect()
            };
            wanted = Vec::new();
            for parsed in read {
                match parsed {
                    Ok(parsed) => wanted.extend(self.add(names, parsed)),
                    Err((name, fault)) => drop(self.faults.insert(name, fault)),
                }
            }
        }
    }

    fn is_unread(&self, names: &Digests, name: DigestId) -> bool {
        names.is_blob(name) && !self.by_name.contains_key(&name) && !self.faults.contains_key(&name)
    }

    /// Adds a manifest. Returns its children, which may have to be read too.
    fn add(&mut self, names: &mut Digests, parsed: Parsed) -> Vec<DigestId> {
        let at = |references: &Vec<DigestId>| u32::try_from(references.len()).expect("fewer than 2^32 references");
        let begin = at(&self.references);
        self.references.extend(parsed.demanded);
        let mentioned = at(&self.references);
        self.references.extend(parsed.mentioned);
        let elsewhere = at(&self.references);
        self.references.extend(&parsed.elsewhere);
        self.elsewhere.extend(parsed.elsewhere);
        let (first_child, children) = (at(&self.references), parsed.children.named(names));
        self.references.extend(&children);
        let end = at(&self.references);
        self.others.extend(parsed.others.named(names).into_iter().map(|child| (parsed.name, child)));
        let subject = parsed.subject.named(names).pop();
        let Parsed { is_index, is_schema1, is_over_large, .. } = parsed;
        let node = Node {
            begin,
            mentioned,
            elsewhere,
            children: first_child,
            end,
            subject,
            is_index,
            is_schema1,
            is_over_large,
        };
        self.by_name.insert(parsed.name, node);
        children
    }
}

fn parse(source: Source<'_>, names: &Digests, name: DigestId, buffer: &mut [u8]) -> Result<Parsed, (DigestId, Fault)> {
    let digest = names.digest(name);
    let content = read(source, &digest, buffer).map_err(|fault| (name, fault))?;
    let mut hasher = Hasher::new(digest.algorithm());
    hasher.update(&content);
    let hashed = hasher.finish();
    if let Some(found) = digest.algorithm().and_then(|algorithm| hashed.by(algorithm))
        && found != digest
    {
        return Err((name, Fault::damaged(format!("its content hashes to {found}"))));
    }
    let manifest = Manifest::read(&content).map_err(|fault| (name, Fault::whole(&fault)))?;
    let of = |wanted: fn(&Reference) -> bool| {
        let references = manifest.references.iter().filter(move |reference| wanted(reference));
        references.filter_map(|reference| reference.digest.ok())
    };
    let is_child = |reference: &Reference| reference.role == Role::Child;
    Ok(Parsed {
        name,
        demanded: known(names, of(|reference| reference.role != Role::Child && !reference.is_elsewhere())),
        mentioned: known(names, manifest.mentioned.iter().copied()),
        elsewhere: known(names, of(Reference::is_elsewhere)),
        children: LookedUp::of(names, of(is_child)),
        others: LookedUp::of(names, others(&manifest).into_iter()),
        subject: LookedUp::of(names, manifest.subject.iter().filter_map(|subject| subject.digest.ok())),
        is_index: manifest.kind.has_children()
            && manifest.mentioned.is_empty()
            && manifest.references.iter().all(|entry| entry.digest.is_ok()),
        is_schema1: manifest.kind == Kind::Schema1,
        is_over_large: content.len() > MAX_PUT,
    })
}

/// The children that an index gives a media type, and only ones of no manifest.
fn others(manifest: &Manifest) -> HashSet<Digest> {
    let children = || manifest.references.iter().filter(|reference| reference.role == Role::Child);
    let is_other = |child: &&Reference| {
        let media_type = child.media_type.as_deref().unwrap_or_default();
        !media_type.is_empty() && Kind::from_content_type(media_type).is_none()
    };
    let mut others: HashSet<Digest> = children().filter(is_other).filter_map(|child| child.digest.ok()).collect();
    if !others.is_empty() {
        for child in children().filter(|child| !is_other(child)).filter_map(|child| child.digest.ok()) {
            others.remove(&child);
        }
    }
    others
}

/// Reads the content with this digest, into `buffer` if it is large enough. Returns `Err` with the reason when the
/// content can't be read.
fn read<'b>(source: Source<'_>, digest: &Digest, buffer: &'b mut [u8]) -> Result<Cow<'b, [u8]>, Fault> {
    let Source { tree, returning } = source;
    if returning.returned(digest).is_some() {
        let file = returning.open(tree, digest).map_err(Fault::damaged)?;
        return read_file(&file.ok_or_else(missing)?, buffer.len()).map(Cow::Owned);
    }
    let path = layout::blob_directory(digest).data();
    let area =
        tree.area(Area::Blobs).map_err(Fault::damaged)?.ok_or_else(|| Fault::damaged("there is no content at all"))?;
    let by_number = |errno: Errno| match errno {
        Errno::NOENT => missing(),
        errno => Fault::damaged(tree.explain(&path, "a regular file", "read", errno)),
    };
    let limit = buffer.len();
    let found =
        tree::open_small(area.as_fd(), path.below_area()).and_then(|file| tree::read_start(file.as_fd(), buffer));
    let found = found.map_err(by_number)?;
    if found.len() < limit {
        return Ok(Cow::Borrowed(found));
    }
    check_begin(found)?;
    let content = tree.read_small(&path, MAX_READ as u64 + 1).map_err(Fault::damaged)?;
    check_length(content.ok_or_else(missing)?).map(Cow::Owned)
}

fn missing() -> Fault {
    Fault { kind: FaultKind::Missing, reason: "its content is missing".to_owned() }
}

/// Reads an open file as [`read`] reads content in its place; at first only `usual` bytes.
fn read_file(file: &File, usual: usize) -> Result<Vec<u8>, Fault> {
    let mut content = Vec::new();
    let read_on = |content: &mut Vec<u8>, limit: usize| {
        file.take((limit - content.len()) as u64).read_to_end(content).map_err(Fault::damaged)
    };
    read_on(&mut content, usual)?;
    if content.len() == usual {
        check_begin(&content)?;
        read_on(&mut content, MAX_READ + 1)?;
    }
    check_length(content)
}

/// Returns `Err` when content does not begin as a manifest does. Where a repository keeps everything, any content may
/// be a manifest, and this saves reading the layers.
fn check_begin(content: &[u8]) -> Result<(), Fault> {
    let is_object = content.trim_ascii_start().starts_with(b"{");
    let reason = "it does not begin as a manifest does";
    if is_object { Ok(()) } else { Err(Fault { kind: FaultKind::Unlike, reason: reason.to_owned() }) }
}

fn check_length(content: Vec<u8>) -> Result<Vec<u8>, Fault> {
    if content.len() <= MAX_READ {
        return Ok(content);
    }
    Err(Fault::damaged(format!("it has more than {MAX_READ} bytes, which is too large to be read")))
}
