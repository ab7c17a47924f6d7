//! The paths of the tree, as layout.md has them, and nothing else as a path of it.

use proptest::prelude::*;

use super::*;
use crate::name::{RepositoryName, Tag, UploadId};

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn digest(text: &str) -> Digest {
    text.parse().unwrap()
}

fn sha256() -> Digest {
    digest(&format!("sha256:{HEX}"))
}

fn in_lib(form: Form, item: Item) -> Entry {
    Entry::InRepository { repository: "lib/app".parse().unwrap(), form, item }
}

/// Every line of layout.md's table, spelled out.
#[test]
fn every_path_of_the_contract() {
    let hex512 = format!("{HEX}{HEX}");
    let sha512 = digest(&format!("sha512:{hex512}"));
    let tarsum = digest(&format!("tarsum.v1+sha256:{HEX}"));
    let old_tarsum = digest(&format!("tarsum+sha256:{HEX}"));
    let upload: UploadId = "8561c5ca-cd39-4df9-95c5-bf9a1ba2792b".parse().unwrap();
    let tag: Tag = "v1".parse().unwrap();
    let state = Item::HashState { upload: upload.clone(), algorithm: Algorithm::Sha256, offset: 70000 };
    let signature = Item::SignatureLink { revision: sha256(), signature: sha256() };
    let app = "repositories/lib/app";
    let session = format!("{app}/_uploads/{upload}");
    let id36 = upload.to_string();
    let id = uuid::Uuid::nil();
    let table = [
        (Entry::Blob(sha256()), format!("blobs/sha256/e3/{HEX}/data")),
        (Entry::Blob(tarsum), format!("blobs/tarsum/v1/sha256/e3/{HEX}/data")),
        (in_lib(Form::Current, Item::LayerLink(sha256())), format!("{app}/_layers/sha256/{HEX}/link")),
        (in_lib(Form::Current, Item::LayerLink(sha512)), format!("{app}/_layers/sha512/{hex512}/link")),
        (in_lib(Form::Current, Item::LayerLink(tarsum)), format!("{app}/_layers/tarsum/v1/sha256/{HEX}/link")),
        (in_lib(Form::Current, Item::LayerLink(old_tarsum)), format!("{app}/_layers/tarsum/v0/sha256/{HEX}/link")),
        (in_lib(Form::Current, Item::RevisionLink(sha256())), format!("{app}/_manifests/revisions/sha256/{HEX}/link")),
        (
            in_lib(Form::Current, signature.clone()),
            format!("{app}/_manifests/revisions/sha256/{HEX}/signatures/sha256/{HEX}/link"),
        ),
        (in_lib(Form::Current, Item::TagCurrent(tag.clone())), format!("{app}/_manifests/tags/v1/current/link")),
        (
            in_lib(Form::Current, Item::TagIndex(tag.clone(), sha256())),
            format!("{app}/_manifests/tags/v1/index/sha256/{HEX}/link"),
        ),
        (in_lib(Form::Current, Item::UploadStartedAt(upload.clone())), format!("{session}/startedat")),
        (in_lib(Form::Current, Item::UploadData(upload.clone())), format!("{session}/data")),
        (in_lib(Form::Current, state), format!("{session}/hashstates/sha256/70000")),
        (in_lib(Form::Alpha, Item::LayerLink(tarsum)), format!("{app}/layers/tarsum/v1/sha256/{HEX}/link")),
        (in_lib(Form::Alpha, Item::RevisionLink(sha256())), format!("{app}/manifests/revisions/sha256/{HEX}/link")),
        (
            in_lib(Form::Alpha, signature),
            format!("{app}/manifests/revisions/sha256/{HEX}/signatures/sha256/{HEX}/link"),
        ),
        (in_lib(Form::Alpha, Item::TagCurrent(tag.clone())), format!("{app}/manifests/tags/v1/current/link")),
        (
            in_lib(Form::Alpha, Item::TagIndex(tag, sha256())),
            format!("{app}/manifests/tags/v1/index/sha256/{HEX}/link"),
        ),
        (in_lib(Form::Alpha, Item::UploadStartedAt(upload.clone())), format!("{app}/uploads/{upload}/startedat")),
        (in_lib(Form::Alpha, Item::UploadData(upload)), format!("{app}/uploads/{id36}/data")),
        (
            Entry::LeftOver { of: Box::new(in_lib(Form::Current, Item::LayerLink(sha256()))), id },
            format!("{app}/_layers/sha256/{HEX}/link.{id}.tmp"),
        ),
        (Entry::LeftOver { of: Box::new(Entry::Blob(sha256())), id }, format!("blobs/sha256/e3/{HEX}/data.{id}.tmp")),
        (
            Entry::in_repository(&"lib/app".parse().unwrap(), Item::LayerLink(sha256())),
            format!("{app}/_layers/sha256/{HEX}/link"),
        ),
    ];
    for (entry, text) in table {
        assert_eq!(entry.path().to_string(), text);
        assert_eq!(Entry::parse(&TreePath::parse(&text).unwrap()), Some(entry), "{text}");
    }
}

#[test]
fn strangers_have_no_place() {
    for text in [
        "blobs".to_owned(),
        "blobs/sha256/README".into(),
        format!("blobs/sha256/e4/{HEX}/data"),
        format!("blobs/sha256/{HEX}/data"),
        format!("blobs/sha256/e3/{HEX}/DATA"),
        format!("blobs/sha256/e3/{HEX}"),
        format!("blobs/md5/e3/{HEX}/data"),
        format!("blobs/tarsum/v7/sha256/e3/{HEX}/data"),
        format!("blobs/sha256/e3/{HEX}/data.tmp"),
        format!("blobs/sha256/e3/{HEX}/data.{HEX}.tmp"),
        format!("blobs/sha256/e3/{HEX}/.{}.tmp", uuid::Uuid::nil()),
        format!("blobs/sha256/e3/{HEX}/data.{0}.tmp.{0}.tmp", uuid::Uuid::nil()),
        format!("repositories/_layers/sha256/{HEX}/link"),
        format!("repositories/Bad/_layers/sha256/{HEX}/link"),
        format!("repositories/lib/_layers/sha256/{}/link", HEX.to_uppercase()),
        format!("repositories/lib/_layers/sha256/{HEX}"),
        format!("repositories/lib/_layers/sha256/e3/{HEX}/link"),
        format!("repositories/lib/_other/sha256/{HEX}/link"),
        "repositories/lib/_uploads/x/hashstates/sha256/007".into(),
        "repositories/lib/_uploads/x/hashstates/sha256/0x64".into(),
        "repositories/lib/_uploads/data".into(),
        "repositories/lib/_manifests/tags/.hidden/current/link".into(),
    ] {
        let path = TreePath::parse(&text).unwrap();
        assert_eq!(Entry::parse(&path), None, "{text}");
    }
}

#[test]
fn a_path_stays_in_the_tree() {
    for text in [
        "",
        "/",
        ".",
        "..",
        "../blobs",
        "blobs/",
        "blobs//x",
        "blobs/../x",
        "blobs/./x",
        "other/x",
        "/blobs/x",
        "blobs/\0",
    ] {
        assert_eq!(TreePath::parse(text), None, "{text:?}");
    }
}

fn digests() -> impl Strategy<Value = Digest> {
    let prefixes = prop::sample::select(vec!["", "tarsum+", "tarsum.v1+", "tarsum.dev+"]);
    (prefixes, 0..3usize, any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(prefix, which, a, b)| {
        let algorithm = Algorithm::ALL[which];
        let hash = [a, b].concat();
        digest(&format!("{prefix}{algorithm}:{}", hex::encode(&hash[..algorithm.size()])))
    })
}

/// Names made of the words that the layout uses, to find any that are mistaken for each other.
fn names() -> impl Strategy<Value = RepositoryName> {
    let words = vec![
        "a",
        "layers",
        "manifests",
        "uploads",
        "tags",
        "revisions",
        "signatures",
        "link",
        "data",
        "current",
        "index",
        "sha256",
        "tarsum",
        "v1",
        HEX,
        "hashstates",
        "startedat",
    ];
    prop::collection::vec(prop::sample::select(words), 1..6)
        .prop_filter_map("too long", |words| words.join("/").parse().ok())
}

fn tags() -> impl Strategy<Value = Tag> {
    prop_oneof![Just("current".to_owned()), Just("index".to_owned()), "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"]
        .prop_map(|tag| tag.parse().unwrap())
}

fn uploads() -> impl Strategy<Value = UploadId> {
    prop_oneof![Just("data".to_owned()), Just("_layers".to_owned()), "[A-Za-z0-9=_-][A-Za-z0-9=_.-]{0,40}"]
        .prop_map(|id| id.parse().unwrap())
}

fn items() -> impl Strategy<Value = Item> {
    prop_oneof![
        digests().prop_map(Item::LayerLink),
        digests().prop_map(Item::RevisionLink),
        (digests(), digests()).prop_map(|(revision, signature)| Item::SignatureLink { revision, signature }),
        tags().prop_map(Item::TagCurrent),
        (tags(), digests()).prop_map(|(tag, digest)| Item::TagIndex(tag, digest)),
        uploads().prop_map(Item::UploadStartedAt),
        uploads().prop_map(Item::UploadData),
        (uploads(), 0..3usize, any::<u64>()).prop_map(|(upload, which, offset)| Item::HashState {
            upload,
            algorithm: Algorithm::ALL[which],
            offset
        }),
    ]
}

fn entries() -> impl Strategy<Value = Entry> {
    let in_place = prop_oneof![
        digests().prop_map(Entry::Blob),
        (names(), prop::sample::select(Form::ALL.to_vec()), items())
            .prop_map(|(repository, form, item)| Entry::InRepository { repository, form, item }),
    ];
    (in_place, prop::option::of(any::<u128>())).prop_map(|(entry, id)| match id {
        None => entry,
        Some(id) => Entry::LeftOver { of: Box::new(entry), id: uuid::Uuid::from_u128(id) },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn path_and_entry_are_inverse(entry in entries()) {
        let path = entry.path();
        prop_assert_eq!(TreePath::parse(&path.to_string()), Some(path.clone()));
        prop_assert_eq!(Entry::parse(&path), Some(entry));
    }

    #[test]
    fn whatever_parses_has_that_path(text in "(blobs|repositories|[a-z_./]{0,9})(/(\\.\\.|[._]?[a-z0-9]{1,8}|sha256|link|data)){0,8}") {
        if let Some(path) = TreePath::parse(&text) {
            prop_assert_eq!(path.to_string(), text.clone());
            prop_assert!(!text.split('/').any(|name| matches!(name, "" | "." | "..")));
            if let Some(entry) = Entry::parse(&path) {
                prop_assert_eq!(entry.path(), path);
            }
        }
    }

    #[test]
    fn no_input_yields_a_path_outside(text in ".{0,60}") {
        if let Some(path) = TreePath::parse(&text) {
            let text = path.to_string();
            prop_assert!(text.starts_with("blobs") || text.starts_with("repositories"));
            prop_assert!(!text.split('/').any(|name| matches!(name, "" | "." | "..")));
        }
        prop_assert!(Area::Blobs.path().child(&text).is_none_or(|child| !child.below_area().contains(['/', '\0'])));
    }
}
