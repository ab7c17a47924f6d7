//! Archives that are made to do harm: a clear error, no tag, nothing outside of the tree, and little memory.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::image::{INDEX, Image, MANIFEST, archive, blob_name, descriptor};
use crate::support::planted::sha256;
use crate::support::refusal::text;
use crate::support::tar_writer::{Header, TarWriter, gzip, zstd};
use crate::support::{Regtree, Scratch, assert_sound};

/// What the command may have of memory, in bytes: who asks for more is refused, and ends with a signal.
pub(super) const MEMORY: &str = "--data=67108864";
/// The same for what is decoded with a window of 128 MiB.
const MEMORY_BESIDE_WINDOW: &str = "--data=234881024";

/// An import of `archive` as `lib/app:v1`, from a file and from standard input.
fn imports(scratch: &Scratch, archive: &Path) -> [Regtree; 2] {
    let call = |source: &str| {
        let words = ["import", source, "--repository", "lib/app", "--tag", "v1", "--max-layer-size", "1MiB"];
        scratch.regtree(words).behind(["prlimit", MEMORY])
    };
    [call(text(archive)), call("-").stdin(fs::read(archive).unwrap())]
}

/// Expects an import to be refused, and to say each of these texts.
#[track_caller]
fn refused(archive: &[u8], says: &[&str]) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("source");
    fs::write(&path, archive).unwrap();
    refused_at(&path, says);
}

#[track_caller]
fn refused_at(archive: &Path, says: &[&str]) {
    let scratch = Scratch::new();
    for (call, source) in imports(&scratch, archive).into_iter().zip([text(archive), "standard input"]) {
        let run = call.clone().run().code(5).says(["error: ", source, "can't be imported"]).says(says);
        assert!(run.out().lines().all(|line| line != "lib/app:v1"), "{}", run.out());
        assert!(!scratch.repository("lib/app/_manifests/tags/v1").exists(), "a tag was set");
        assert_nothing_staged(&scratch);
        let around: Vec<_> = fs::read_dir(scratch.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(around.iter().all(|name| name == "docker" || name == ".regtree"), "{around:?}");
        assert_sound(&scratch);
        call.with(["--json"]).run().code(5).json_error();
    }
}

#[track_caller]
fn assert_nothing_staged(scratch: &Scratch) {
    let left = fs::read_dir(scratch.root().join(".regtree/import"));
    assert!(left.is_err() || left.unwrap().count() == 0, "something is left in .regtree/import");
}

/// The files of the layout of an image.
fn layout() -> Vec<(String, Vec<u8>)> {
    Image::new().layout()
}

/// An archive as `docker save` writes it, with these contents.
fn docker(config: &[u8], layers: &[&[u8]], manifest: &Value) -> TarWriter {
    let begin = TarWriter::new().file("config.json", config);
    let named = layers.iter().enumerate().map(|(at, layer)| (format!("{at}/layer.tar"), layer.to_vec()));
    begin.all(&named.collect::<Vec<_>>()).file("manifest.json", manifest.to_string().as_bytes())
}

fn docker_config(layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| sha256(layer)).collect();
    json!({ "os": "linux", "architecture": "amd64", "rootfs": { "type": "layers", "diff_ids": diff_ids } })
        .to_string()
        .into_bytes()
}

fn docker_archive() -> Vec<u8> {
    let layer = archive(b"content of a layer");
    let manifest = json!([{ "Config": "config.json", "RepoTags": ["lib/app:v1"], "Layers": ["0/layer.tar"] }]);
    docker(&docker_config(&[&layer]), &[&layer], &manifest).end()
}

/// The archive of a good image that has `more` in front of it, and the same with that at its end.
fn around(more: &dyn Fn(TarWriter) -> TarWriter) -> [Vec<u8>; 2] {
    [more(TarWriter::new()).all(&layout()).end(), more(TarWriter::new().all(&layout())).end()]
}

#[track_caller]
fn refused_around(more: impl Fn(TarWriter) -> TarWriter, says: &[&str]) {
    for archive in around(&more) {
        refused(&archive, says);
    }
}

/// The same layout with another index.
fn with_index(change: impl FnOnce(&mut Value)) -> Vec<(String, Vec<u8>)> {
    let mut files = layout();
    let mut index = serde_json::from_slice(&files[1].1).unwrap();
    change(&mut index);
    files[1].1 = index.to_string().into_bytes();
    files
}

#[test]
fn what_is_said_here_of_good_archives_holds() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("source");
    let mut backwards = layout();
    backwards.reverse();
    let long = "n".repeat(200);
    for archive in [
        TarWriter::new().all(&layout()).end(),
        TarWriter::new().all(&backwards).end(),
        TarWriter::new().pax(&[("path", "./oci-layout")]).file("short", &layout()[0].1).all(&layout()[1..]).end(),
        TarWriter::new().gnu_name(&long).file("short", b"not needed").all(&layout()).end(),
        gzip(&TarWriter::new().all(&layout()).end()),
        zstd(&TarWriter::new().all(&layout()).end(), 0, b"", 20),
        docker_archive(),
    ] {
        fs::write(&path, archive).unwrap();
        let scratch = Scratch::new();
        for call in imports(&scratch, &path) {
            call.ok();
            scratch.regtree(["manifest", "verify", "lib/app", "v1", "--content"]).ok();
        }
    }
}

#[test]
fn names_that_lead_out_of_the_archive_are_refused() {
    for name in ["/etc/cron.d/evil", "//index.json"] {
        refused_around(|tar| tar.file(name, b"x"), &[name, "its name is absolute"]);
        refused_around(|tar| tar.pax(&[("path", name)]).file("x", b"x"), &[name, "its name is absolute"]);
        refused_around(|tar| tar.gnu_name(name).file("x", b"x"), &[name, "its name is absolute"]);
    }
    for name in ["../evil", "blobs/../../evil", "blobs/sha256/..", ".."] {
        refused_around(|tar| tar.file(name, b"x"), &[name, "leads out of the archive"]);
        refused_around(|tar| tar.pax(&[("path", name)]).file("x", b"x"), &[name, "leads out of the archive"]);
    }
    refused_around(|tar| tar.pax(&[("path", "a\0b")]).file("x", b"x"), &["is not UTF-8"]);
    refused_around(|tar| tar.entry(b'0', "", b"x"), &["it has no name"]);
}

#[test]
fn links_that_lead_out_of_the_archive_are_refused() {
    for kind in [b'1', b'2'] {
        for target in ["/etc/passwd", "../../../etc/passwd", "..", "/"] {
            let says = ["blobs/link", target, "outside of the archive"];
            refused_around(|tar| tar.link(kind, "blobs/link", target), &says);
        }
    }
    let says = ["blobs/link", "/etc/shadow", "outside of the archive"];
    refused_around(|tar| tar.pax(&[("linkpath", "/etc/shadow")]).link(b'2', "blobs/link", "oci-layout"), &says);
}

#[test]
fn a_link_in_the_place_of_a_blob_leads_to_the_blob_or_nowhere() {
    let [marker, index, rest @ ..] = &*layout() else { panic!("a layout has files") };
    let (layer, content) = &rest[1];
    let others: Vec<_> = rest.iter().filter(|(name, _)| name != layer).cloned().collect();
    let begin = TarWriter::new().all(&[marker.clone(), index.clone()]).all(&others);
    // Two links that lead to each other.
    let circle =
        begin.clone().link(b'2', layer, "other").link(b'2', "blobs/sha256/other", &layer["blobs/sha256/".len()..]);
    refused(&circle.end(), &["layer"]);
    refused(&begin.clone().link(b'2', layer, &layer["blobs/sha256/".len()..]).end(), &["layer"]);
    refused(&begin.clone().link(b'1', layer, "oci-layout").end(), &["layer"]);
    refused(
        &begin.file("blobs/sha256/other", content).link(b'1', "blobs/sha256/none", "none").end(),
        &["layer", "missing"],
    );
}

#[test]
fn what_is_no_file_and_no_link_is_refused() {
    for (kind, said) in [(b'3', "a device"), (b'4', "a device"), (b'6', "a named pipe"), (b'S', "a sparse file")] {
        refused_around(|tar| tar.entry(kind, "blobs/thing", b""), &["blobs/thing", said, "refused"]);
    }
    refused_around(|tar| tar.entry(b'Z', "blobs/thing", b""), &["blobs/thing", "unknown type 'Z'"]);
    for records in [
        &[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "oci-layout")][..],
        &[("GNU.sparse.map", "0,1")],
        &[("GNU.sparse.realsize", "1099511627776")],
    ] {
        refused_around(|tar| tar.pax(records).file("blobs/thing", b"x"), &["sparse file"]);
    }
}

#[test]
fn two_entries_of_one_name_are_refused() {
    for (name, content) in layout() {
        let archive = TarWriter::new().all(&layout()).file(&name, &content).end();
        refused(&archive, &[&name, "two entries of this name"]);
        let archive = TarWriter::new().all(&layout()).file(&format!("./{name}"), b"another").end();
        refused(&archive, &[&name, "two entries of this name"]);
    }
    let archive = TarWriter::new().link(b'2', "index.json", "oci-layout").all(&layout()).end();
    refused(&archive, &["index.json", "two entries of this name"]);
}

#[test]
fn names_that_are_too_long_are_refused() {
    let long = "n/".repeat(32 << 10);
    refused_around(|tar| tar.gnu_name(&long).file("x", b"x"), &["a name", "65537 bytes", "4097 bytes"]);
    refused_around(|tar| tar.pax(&[("path", &long)]).file("x", b"x"), &["a name", "65536 bytes", "4096 bytes"]);
    refused_around(|tar| tar.pax(&[("linkpath", &long)]).link(b'2', "x", "y"), &["a name", "65536 bytes"]);
    // A name of 10 GiB, in an archive of some hundred KiB.
    let begin = TarWriter::new().header(Header::new(b'L', "././@LongLink", 10 << 30)).unended();
    refused(&zstd(&begin, 10 << 30, &TarWriter::new().all(&layout()).end(), 17), &["a name", "10737418240 bytes"]);
    let begin = TarWriter::new().header(Header::new(b'x', "PaxHeaders", 10 << 30)).unended();
    refused(&zstd(&begin, 10 << 30, &TarWriter::new().all(&layout()).end(), 17), &["10737418240 bytes"]);
}

#[test]
fn pax_records_whose_length_lies_are_refused() {
    for record in [
        "9999 path=x\n",
        "5 path=index.json\n",
        "0 path=x\n",
        "-1 path=x\n",
        "99999999999999999999999 path=x\n",
        "11 path=x\n",
        "9 path=xx",
        "7 path\n",
        "path=x\n",
        "\u{a0}9 path=x\n",
    ] {
        refused_around(|tar| tar.entry(b'x', "PaxHeaders/x", record.as_bytes()).file("x", b"x"), &["pax"]);
    }
    for size in ["-1", "1e9", "", "18446744073709551616"] {
        refused_around(|tar| tar.pax(&[("size", size)]).file("x", b"x"), &["size"]);
    }
    for size in ["18446744073709551615", "9223372036854775807"] {
        refused_around(|tar| tar.pax(&[("size", size)]).file("x", b"x"), &[size]);
    }
}

#[test]
fn sizes_that_lie_are_refused() {
    let header = || Header::new(b'0', "blobs/x", 0);
    // Negative, and more than there is.
    refused_around(|tar| tar.header(header().size_field(&[0xff; 12])), &[]);
    refused_around(|tar| tar.header(header().size_field(b"99999999999\0")), &[]);
    refused_around(|tar| tar.header(header().size_field(b"-1\0\0\0\0\0\0\0\0\0\0")), &[]);
    for size in [1 << 62, u64::MAX / 2, u64::MAX] {
        refused_around(|tar| tar.header(header().size(size)), &["bytes"]);
    }
    // A blob that is shorter or longer than its descriptor says.
    let image = Image::new();
    for (change, found) in [(-1, image.manifest.len() - 1), (1, image.manifest.len() + 1)] {
        let size = image.manifest.len().checked_add_signed(change).unwrap();
        let files = with_index(|index| index["manifests"][0]["size"] = json!(size));
        refused(&TarWriter::new().all(&files).end(), &[&format!("{found} bytes"), "expected"]);
    }
    let files = with_index(|index| index["manifests"][0]["size"] = json!(-1));
    refused(&TarWriter::new().all(&files).end(), &["index.json", "entry 1"]);
}

#[test]
fn content_that_is_not_what_its_digest_says_is_refused() {
    for at in 2..layout().len() {
        for change in [|content: &mut Vec<u8>| content[0] ^= 1, |content: &mut Vec<u8>| content.push(0)] {
            let mut files = layout();
            change(&mut files[at].1);
            let hex = files[at].0["blobs/sha256/".len()..].to_owned();
            refused(&TarWriter::new().all(&files).end(), &[&hex]);
            files.reverse();
            refused(&TarWriter::new().all(&files).end(), &[&hex]);
        }
        let mut files = layout();
        let (missing, _) = files.remove(at);
        refused(&TarWriter::new().all(&files).end(), &[&missing["blobs/sha256/".len()..], "missing"]);
    }
}

#[test]
fn damaged_and_foreign_headers_are_refused() {
    let wrong = Header::new(b'0', "blobs/x", 0).wrong_checksum();
    refused_around(|tar| tar.header(wrong.clone()), &["checksum"]);
    refused(&[b'x'; 4096], &["checksum"]);
    refused(b"", &["too early"]);
    refused(b"\x1f\x8b", &[]);
    refused(&[&TarWriter::new().all(&layout()).end()[..], b"more"].concat(), &["after its end"]);
}

#[test]
fn an_archive_that_ends_too_early_anywhere_is_refused() {
    // Small, so that many places can be tried.
    let archive = TarWriter::new().all(&layout()).unended();
    let edges = (0..archive.len()).step_by(512).flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1]);
    for length in
        edges.filter(|edge| *edge < 6 * 512).chain([archive.len() / 2, archive.len() - 513, archive.len() - 1])
    {
        refused(&archive[..length], &[]);
    }
    let whole = TarWriter::new().all(&layout()).end();
    for compressed in [gzip(&whole), zstd(&whole, 0, b"", 20)] {
        for length in [1, 3, 9, 17, 100, compressed.len() / 2, compressed.len() - 9, compressed.len() - 1] {
            refused(&compressed[..length], &[]);
        }
    }
}

#[test]
fn a_hundred_thousand_entries_take_little_memory() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("source");
    let blob = |number: u32| {
        let content = number.to_string();
        (format!("blobs/{}", sha256(content.as_bytes()).replace(':', "/")), content)
    };
    let many =
        (0..100_000).map(blob).fold(TarWriter::new(), |tar, (name, content)| tar.file(&name, content.as_bytes()));
    fs::write(&path, many.all(&layout()).end()).unwrap();
    let scratch = Scratch::new();
    let [call, _] = imports(&scratch, &path);
    call.ok();
    assert_eq!(scratch.run(["blob", "list"]).lines().len(), 4);
    assert_nothing_staged(&scratch);
}

#[test]
fn an_index_that_is_too_large_is_refused() {
    let begin = |name: &str| TarWriter::new().all(&layout()[..1]).header(Header::new(b'0', name, 10 << 30)).unended();
    let rest = TarWriter::new().all(&layout()[2..]).end();
    let archive = zstd(&begin("index.json"), 10 << 30, &rest, 17);
    assert!(archive.len() < 1 << 20, "{}", archive.len());
    refused(&archive, &["index.json", "bytes"]);
    refused(&zstd(&begin("oci-layout"), 10 << 30, &rest, 17), &["oci-layout"]);
}

#[test]
fn a_list_of_a_great_many_images_takes_little_memory() {
    let entry = format!(r#"{{"digest":"{}","size":1}},"#, sha256(b"none"));
    let layer = archive(b"content of a layer");
    let tags = |tags: &str| {
        let manifest = format!(r#"[{{"Config":"config.json","Layers":["0/layer.tar"],"RepoTags":["x:1"{tags}]}}]"#);
        let begin = TarWriter::new().file("config.json", &docker_config(&[&layer])).file("0/layer.tar", &layer);
        begin.file("manifest.json", manifest.as_bytes()).end()
    };
    for (index, said) in [("{},".repeat(10 << 20), "entry 1"), (entry.repeat(66_000), "more than 65536 images")] {
        let index = format!(r#"{{"manifests":[{}]}}"#, index.trim_end_matches(','));
        let archive = TarWriter::new().file("index.json", index.as_bytes()).all(&layout()[2..]).end();
        refused(&archive, &["index.json", said]);
    }
    refused(&tags(&r#","x:1""#.repeat(200_000)), &["manifest.json", "more than 65536 images"]);
    refused(&tags(&",1".repeat(1 << 20)), &["manifest.json"]);
    refused(&tags(&r#","""#.repeat(2 << 20)), &["manifest.json", "bytes"]);
}

#[test]
fn a_blob_never_grows_beyond_its_descriptor() {
    for (name, content) in layout().into_iter().skip(2) {
        let others: Vec<_> = layout().into_iter().filter(|(other, _)| *other != name).collect();
        let begin = TarWriter::new().all(&others).header(Header::new(b'0', &name, 10 << 30)).unended();
        let archive = zstd(&begin, 10 << 30, &TarWriter::new().end(), 17);
        refused(&archive, &[&name["blobs/sha256/".len()..], &content.len().to_string()]);
    }
}

#[test]
fn a_window_that_is_too_large_is_refused() {
    let (scratch, path) = (Scratch::new(), tempfile::NamedTempFile::new().unwrap());
    fs::write(&path, zstd(&TarWriter::new().all(&layout()).end(), 0, b"", 27)).unwrap();
    let [call, _] = imports(&scratch, path.path());
    call.behind(["prlimit", MEMORY_BESIDE_WINDOW]).ok();
    refused(&zstd(&TarWriter::new().all(&layout()).end(), 0, b"", 28), &["window"]);
    refused(&zstd(&TarWriter::new().all(&layout()).end(), 0, b"", 41), &[]);
}

#[test]
fn a_nest_of_a_thousand_indexes_is_refused() {
    let image = Image::new();
    let mut files = layout();
    let mut inner = descriptor(MANIFEST, &image.manifest);
    for _ in 0..1000 {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [inner] }).to_string();
        inner = descriptor(INDEX, index.as_bytes());
        files.push((blob_name(index.as_bytes()), index.into_bytes()));
    }
    // A list of images lies too deep, and so does the child of an image.
    for name in [None, Some("v1")] {
        inner["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        if name.is_none() {
            inner["annotations"] = json!({});
        }
        files[1].1 = json!({ "schemaVersion": 2, "manifests": [inner] }).to_string().into_bytes();
        refused(&TarWriter::new().all(&files).end(), &["sha256:", "it is nested in more than 32 indexes"]);
    }
}

#[test]
fn a_docker_archive_that_names_what_it_lacks_is_refused() {
    let layer = archive(b"content of a layer");
    let config = docker_config(&[&layer]);
    let item = |config: &str, layer: &str| json!([{ "Config": config, "RepoTags": ["x:1"], "Layers": [layer] }]);
    for (config_name, layer_name, named) in [
        ("none.json", "0/layer.tar", "none.json"),
        ("../config.json", "0/layer.tar", "../config.json"),
        ("/etc/passwd", "0/layer.tar", "/etc/passwd"),
        ("config.json", "none/layer.tar", "none/layer.tar"),
        ("config.json", "../../layer.tar", "../../layer.tar"),
        ("config.json", "/dev/zero", "/dev/zero"),
    ] {
        let manifest = item(config_name, layer_name);
        refused(&docker(&config, &[&layer], &manifest).end(), &[named, "missing", "manifest.json"]);
    }
    refused(
        &docker(&config, &[&layer], &item("0/layer.tar", "0/layer.tar")).end(),
        &["0/layer.tar", "not a JSON document"],
    );
    refused(&docker(&config, &[&layer], &item("config.json", "config.json")).end(), &["config.json"]);
    refused(&docker(b"{", &[&layer], &item("config.json", "0/layer.tar")).end(), &["config.json", "EOF"]);
    for (manifest, said) in [(json!({}), "manifest.json"), (json!([{}]), "Config"), (json!([1]), "manifest.json")] {
        refused(&docker(&config, &[&layer], &manifest).end(), &[said]);
    }
}

#[test]
fn layers_that_are_not_those_of_the_config_are_refused() {
    let [layer, other] = [&b"one"[..], b"two"].map(archive);
    let manifest = json!([{ "Config": "config.json", "RepoTags": ["x:1"], "Layers": ["0/layer.tar"] }]);
    let says = [&*sha256(&layer), &*sha256(&other), "0/layer.tar", "expected", "found"];
    refused(&docker(&docker_config(&[&layer]), &[&other], &manifest).end(), &says);
    refused(&docker(&docker_config(&[&layer]), &[&gzip(&other)], &manifest).end(), &says);
    let says = ["config.json", "expected 2 layers", "found 1"];
    refused(&docker(&docker_config(&[&layer, &other]), &[&layer, &other], &manifest).end(), &says);
    let says = ["config.json", "expected 0 layers", "found 1"];
    refused(&docker(b"{}", &[&layer], &manifest).end(), &says);
}

#[test]
fn links_among_layers_that_lead_in_a_circle_are_refused() {
    let layer = archive(b"content of a layer");
    let manifest = json!([{ "Config": "config.json", "RepoTags": ["x:1"], "Layers": ["a/layer.tar"] }]);
    let begin = || docker(&docker_config(&[&layer]), &[&layer], &manifest);
    let good = begin().link(b'2', "a/layer.tar", "../0/layer.tar").end();
    let scratch = Scratch::new();
    scratch.regtree(["import", "-"]).stdin(good).ok();
    refused(&begin().link(b'2', "a/layer.tar", "layer.tar").end(), &["a/layer.tar", "dangling link"]);
    let circle = begin().link(b'2', "a/layer.tar", "../b/layer.tar").link(b'2', "b/layer.tar", "../a/layer.tar");
    refused(&circle.end(), &["a/layer.tar", "dangling link"]);
    let away = begin().link(b'2', "a/layer.tar", "../../0/layer.tar");
    refused(&away.end(), &["a/layer.tar", "outside of the archive"]);
}

#[test]
fn layers_and_configs_that_are_too_large_are_refused() {
    let layer = archive(b"content of a layer");
    let manifest = json!([{ "Config": "config.json", "RepoTags": ["x:1"], "Layers": ["big"] }]);
    let begin = || docker(&docker_config(&[&layer]), &[&layer], &manifest);
    // 10 GiB in a compressed archive, and 10 GiB in a compressed layer.
    let says = ["big", "1048576 bytes", "--max-layer-size"];
    let big = begin().header(Header::new(b'0', "big", 10 << 30)).unended();
    refused(&zstd(&big, 10 << 30, &TarWriter::new().end(), 17), &says);
    refused(&begin().file("big", &zstd(b"", 10 << 30, b"", 17)).end(), &says);
    let big = TarWriter::new().header(Header::new(b'0', "config.json", 1 << 30)).unended();
    let rest = TarWriter::new().file("big", &layer).file("manifest.json", manifest.to_string().as_bytes()).end();
    refused(&zstd(&big, 1 << 30, &rest, 17), &["config.json"]);
}

#[test]
fn two_images_of_one_name_are_refused() {
    let layers = [&b"one"[..], b"two"].map(archive);
    let [one, two] = layers.each_ref().map(|layer| docker_config(&[layer]));
    let manifest = json!([
        { "Config": "config.json", "RepoTags": ["lib/app:v1"], "Layers": ["0/layer.tar"] },
        { "Config": "two.json", "RepoTags": ["lib/app:v1"], "Layers": ["1/layer.tar"] },
    ]);
    let tar = docker(&one, &layers.each_ref().map(Vec::as_slice), &manifest).file("two.json", &two).end();
    let scratch = Scratch::new();
    let call = scratch.regtree(["import", "-"]).stdin(tar);
    crate::support::refusal::refused(scratch.root(), &call, (2, "NAME_INVALID"), &["lib/app:v1", "standard input"]);
}
