#![expect(clippy::unwrap_used, reason = "a test may")]

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::Duration;

use super::*;
use crate::digest::Digest;
use crate::layout::Entry;
use crate::registry::Registry;
use crate::stream::Interrupt;

/// An empty tree in a temporary directory.
fn registry() -> (tempfile::TempDir, Registry) {
    let directory = tempfile::tempdir().unwrap();
    let (registry, created) = Registry::create(directory.path()).unwrap();
    assert!(created);
    (directory, registry)
}

fn writer(registry: &Registry) -> Writer<'_> {
    registry.writer("test", jiff::Timestamp::UNIX_EPOCH, Duration::ZERO).unwrap()
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The names in a directory, sorted.
fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_small_write_makes_its_directories_and_leaves_nothing_beside() {
    let (_directory, registry) = registry();
    let link = path("repositories/a/b/_layers/sha256/x/link");
    for content in ["first", "second, longer", ""] {
        writer(&registry).write_small(&link, content.as_bytes(), Sync::Now).unwrap();
        let place = registry.tree().locate(&link);
        assert_eq!(std::fs::read_to_string(&place).unwrap(), content);
        assert_eq!(names(place.parent().unwrap()), ["link"]);
    }
}

#[test]
fn what_is_new_takes_the_mode_of_the_nearest_directory() {
    let (_directory, registry) = registry();
    let repositories = registry.tree().locate(&path("repositories"));
    for (parent, file) in [(0o700, 0o600), (0o755, 0o644), (0o2775, 0o664), (0o777, 0o666)] {
        set_mode(&repositories, parent);
        let name = format!("repositories/m{parent:o}/_layers/sha256/x/link");
        writer(&registry).write_small(&path(&name), b"x", Sync::Now).unwrap();
        let link = registry.tree().locate(&path(&name));
        assert_eq!(mode(&link), file, "{name}");
        for directory in link.ancestors().skip(1).take(4) {
            assert_eq!(mode(directory), parent, "{}", directory.display());
        }
    }
}

#[test]
fn what_is_new_takes_the_owner_of_the_nearest_directory_where_we_may_set_it() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root may give files away. `adopt_owner` accepts that others may not.
    }
    let (_directory, registry) = registry();
    let owner = Some(1234);
    for area in ["repositories", "blobs", "blobs/sha256"] {
        std::os::unix::fs::chown(registry.tree().locate(&path(area)), owner, Some(4321)).unwrap();
    }
    let link = path("repositories/a/_layers/sha256/x/link");
    writer(&registry).write_small(&link, b"x", Sync::Now).unwrap();
    let blob = Entry::Blob(Digest::of(b"x")).path();
    let data = path("repositories/a/_uploads/1/data");
    writer(&registry).make_directory(&data.parent().unwrap()).unwrap();
    let file = writer(&registry).create_file(&data).unwrap();
    // Like an upload that a registry began while it ran as root.
    std::os::unix::fs::fchown(&file, Some(0), Some(0)).unwrap();
    let identity = Identity::of(&file).unwrap();
    let content = HashedContent { place: ContentPlace::Tree(&data), file: &file, digest: Digest::of(b""), identity };
    writer(&registry).publish(&content, &blob, &Interrupt::default()).unwrap();
    for changed in [link.clone(), link.parent().unwrap(), path("repositories/a"), blob.clone(), blob.parent().unwrap()]
    {
        let metadata = std::fs::metadata(registry.tree().locate(&changed)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1234, 4321), "{changed}");
    }
}

#[test]
fn a_new_tree_has_the_registrys_modes_and_skeleton() {
    let (directory, registry) = registry();
    assert_eq!(names(registry.tree().path()), ["blobs", "repositories"]);
    assert_eq!(names(&registry.tree().locate(&path("blobs"))), ["sha256"]);
    // The mode is 0777 less the umask, as for any other program here.
    std::fs::create_dir(directory.path().join("other")).unwrap();
    assert_eq!(mode(registry.tree().path()), mode(&directory.path().join("other")));
    let (_, created) = Registry::create(directory.path()).unwrap();
    assert!(!created);
}

#[test]
fn a_half_made_tree_is_completed_and_a_new_one_is_its_parents_owners() {
    let directory = tempfile::tempdir().unwrap();
    let owner = if rustix::process::geteuid().is_root() { 1234 } else { rustix::process::geteuid().as_raw() };
    std::os::unix::fs::chown(directory.path(), Some(owner), None).unwrap();
    let v2 = directory.path().join(layout::PREFIX);
    std::fs::create_dir_all(v2.join("blobs/sha256")).unwrap();
    let (_, created) = Registry::create(directory.path()).unwrap();
    assert!(created && v2.join("repositories").is_dir());
    std::fs::remove_dir_all(directory.path().join("docker")).unwrap();
    Registry::create(directory.path()).unwrap();
    for made in [&v2, &v2.join("blobs/sha256"), &directory.path().join("docker")] {
        assert_eq!(std::fs::metadata(made).unwrap().uid(), owner, "{}", made.display());
    }
}

#[test]
fn an_area_that_is_missing_is_made_like_a_registry_does() {
    let (_directory, registry) = registry();
    let blobs = registry.tree().locate(&path("blobs"));
    std::fs::remove_dir_all(&blobs).unwrap();
    let registry = Registry::open(registry.tree().root()).unwrap();
    let blob = Entry::Blob(Digest::of(b"x")).path();
    writer(&registry).write_small(&blob, b"x", Sync::Now).unwrap();
    assert_eq!(std::fs::read(registry.tree().locate(&blob)).unwrap(), b"x");
}

#[test]
fn a_write_that_fails_leaves_what_was_there_and_takes_its_directories_back() {
    let (_directory, registry) = registry();
    let in_the_way = path("repositories/a/_layers/link");
    std::fs::create_dir_all(registry.tree().locate(&in_the_way).join("full")).unwrap();
    let writer = writer(&registry);
    // A directory can't be renamed over.
    assert!(writer.write_small(&in_the_way, b"x", Sync::Now).is_err());
    assert_eq!(names(&registry.tree().locate(&path("repositories/a/_layers"))), ["link"]);
    // The name is too long for the file system, and the directories above it had to be made.
    let long = format!("repositories/b/_layers/{}", "x".repeat(250));
    assert!(writer.write_small(&path(&long), b"x", Sync::Now).is_err());
    assert_eq!(names(&registry.tree().locate(&path("repositories"))), ["a"]);
}

#[test]
fn no_symbolic_link_is_written_through_or_replaced() {
    let (directory, registry) = registry();
    let outside = directory.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("link"), "sentinel").unwrap();
    let layers = registry.tree().locate(&path("repositories/a/_layers"));
    std::fs::create_dir_all(&layers).unwrap();
    symlink(&outside, layers.join("planted")).unwrap();
    symlink(outside.join("link"), layers.join("link")).unwrap();
    let writer = writer(&registry);
    for planted in ["repositories/a/_layers/planted/link", "repositories/a/_layers/planted/new/link"] {
        let error = writer.write_small(&path(planted), b"x", Sync::Now).unwrap_err();
        assert!(matches!(error, Error::WrongKind { found: "a symbolic link", .. }), "{error}");
        assert!(writer.remove_file(&path(planted), Sync::Now).is_err());
    }
    assert!(writer.write_small(&path("repositories/a/_layers/link"), b"x", Sync::Now).is_err());
    assert!(writer.remove_directory(&path("repositories/a/_layers/planted"), Sync::Later).is_err());
    assert_eq!(names(&outside), ["link"]);
    assert_eq!(std::fs::read_to_string(outside.join("link")).unwrap(), "sentinel");
}

#[test]
fn removing_a_directory_removes_links_in_it_and_not_what_they_point_to() {
    let (directory, registry) = registry();
    let outside = directory.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("kept"), "sentinel").unwrap();
    let session = path("repositories/a/_uploads/1");
    let place = registry.tree().locate(&session);
    std::fs::create_dir_all(place.join("hashstates/sha256")).unwrap();
    std::fs::write(place.join("hashstates/sha256/0"), "state").unwrap();
    symlink(&outside, place.join("planted")).unwrap();
    writer(&registry).remove_directory(&session, Sync::Later).unwrap();
    assert!(!place.exists());
    assert_eq!(names(&outside), ["kept"]);
    writer(&registry).remove_directory(&session, Sync::Later).unwrap();
}

#[test]
fn only_directories_that_are_still_empty_are_taken_back() {
    let (_directory, registry) = registry();
    let writer = writer(&registry);
    let made = writer.make_directory(&path("repositories/a/b/_uploads/1")).unwrap();
    assert_eq!(
        made.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["repositories/a", "repositories/a/b", "repositories/a/b/_uploads", "repositories/a/b/_uploads/1"]
    );
    assert!(writer.make_directory(&path("repositories/a/b/_uploads/1")).unwrap().is_empty());
    writer.make_directory(&path("repositories/a/other")).unwrap();
    writer.unmake_directories(&made).unwrap();
    assert_eq!(names(&registry.tree().locate(&path("repositories/a"))), ["other"]);
}

#[test]
fn a_removed_file_is_told_from_one_that_was_never_there() {
    let (_directory, registry) = registry();
    let writer = writer(&registry);
    let link = path("repositories/a/_layers/sha256/x/link");
    writer.write_small(&link, b"x", Sync::Now).unwrap();
    assert!(writer.remove_file(&link, Sync::Now).unwrap());
    assert!(!writer.remove_file(&link, Sync::Now).unwrap());
    assert!(registry.tree().locate(&link.parent().unwrap()).is_dir(), "a registry leaves the directory too");
}

/// The data of an upload, open as it is while a process works on the upload.
fn data(registry: &Registry, content: &[u8]) -> (TreePath, File) {
    let data = path("repositories/a/_uploads/1/data");
    let writer = writer(registry);
    writer.make_directory(&data.parent().unwrap()).unwrap();
    let mut file = writer.create_file(&data).unwrap();
    file.write_all(content).unwrap();
    (data, file)
}

#[test]
fn what_is_copied_is_hashed_and_another_content_is_not_published() {
    let (_directory, registry) = registry();
    let (data, file) = data(&registry, b"found");
    if !write_proof::is_local(&file) {
        return; // Here nothing shows which process has a file open, so the file is renamed.
    }
    let place = registry.tree().locate(&data);
    let _other = File::options().write(true).open(&place).unwrap();
    let identity = Identity::of(&file).unwrap();
    let publish = |digest| {
        let content = HashedContent { place: ContentPlace::Tree(&data), file: &file, digest, identity };
        writer(&registry).publish(&content, &Entry::Blob(digest).path(), &Interrupt::default())
    };
    let error = publish(Digest::of(b"expected")).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert!(names(&registry.tree().locate(&path("blobs/sha256"))).is_empty());
    assert_eq!(std::fs::read(&place).unwrap(), b"found");
    let found = Digest::of(b"found");
    publish(found).unwrap();
    let blob = registry.tree().locate(&Entry::Blob(found).path());
    assert_eq!(std::fs::read(&blob).unwrap(), b"found");
    assert_eq!(names(blob.parent().unwrap()), ["data"]);
    assert_ne!(std::fs::metadata(&blob).unwrap().ino(), file.metadata().unwrap().ino());
    assert!(!place.exists());
}

#[test]
fn who_asks_for_a_moment_whether_it_is_alone_with_a_file_is_waited_for() {
    let (_directory, registry) = registry();
    let (data, file) = data(&registry, b"");
    for append in [false, true] {
        if write_proof::lease::take(&file).is_err() {
            return; // Here no process can prove that it is alone with a file.
        }
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                write_proof::lease::give_back(&file).unwrap();
            });
            let opened =
                if append { writer(&registry).open_to_append(&data) } else { registry.tree().open_file(&data) };
            assert!(opened.unwrap().is_some());
        });
    }
}
