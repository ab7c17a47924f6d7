//! Known answers of docker's own tests, random archives beside another implementation, and archives that are broken.

mod made;

use std::io::Read;

use proptest::prelude::*;

use made::{Made, archive, gzip, put, record, signed};

use super::*;

fn sum_in_pieces(bytes: &[u8], piece: usize, version: Version, function: Function) -> Result<Sums, Fault> {
    let mut tarsum = Tarsum::new(version, function);
    bytes.chunks(piece).for_each(|bytes| tarsum.update(bytes));
    tarsum.finish()
}

fn sum(bytes: &[u8], version: Version) -> Result<Sums, Fault> {
    sum_in_pieces(bytes, 65_536, version, Function::Sha256)
}

fn texts(sums: &Sums) -> Vec<String> {
    sums.all.iter().map(hex::encode).collect()
}

const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn the_answers_of_docker_s_own_tests_come_out() {
    let two =
        |first: &[u8]| Made::of_author("xattrs.txt").with(first, b"value1").with(b"SCHILY.xattr.user.key2", b"value2");
    let not_counted = Made::of_author("xattrs.txt").with(b"SCHILY.xattr.user.NOT", b"CALCULATED");
    // With the names of owners, and without.
    let known = [
        (
            Version::V0,
            Made::new(b'0', "file.txt", b""),
            ["626c4a2e9a467d65c33ae81f7f3dedd4de8ccaee72af73223c4bc4718cbc7bbd"; 2],
        ),
        (
            Version::Dev,
            Made::new(b'0', "file.txt", b""),
            ["6ffd43a1573a9913325b4918e124ee982a99c0f3cba90fc032a65f5e20bdd465"; 2],
        ),
        (
            Version::Dev,
            Made::of_author("another.txt"),
            [
                "b38166c059e11fb77bef30bf16fba7584446e80fcc156ff46d47e36c5305d8ef",
                "862964db95e0fa7e42836ae4caab3576ab1df8d275720a45bdd01a5a3730cc63",
            ],
        ),
        (
            Version::Dev,
            two(b"SCHILY.xattr.user.key1"),
            [
                "4cc2e71ac5d31833ab2be9b4f7842a14ce595ec96a37af4ed08f87bc374228cd",
                "4b1ba03544b49d96a32bacc77f8113220bd2f6a77e7e6d1e7b33cd87117d88e7",
            ],
        ),
        (
            Version::Dev,
            two(b"SCHILY.xattr.user.KEY1"),
            [
                "65f4284fa32c0d4112dd93c3637697805866415b570587e4fd266af241503760",
                "410b602c898bd4e82e800050f89848fc2cf20fd52aa59c1ce29df76b878b84a6",
            ],
        ),
        (
            Version::V0,
            not_counted,
            [
                "c12bb6f1303a9ddbf4576c52da74973c00d14c109bcfa76b708d5da1154a07fa",
                "b1f97eab73abd7593c245e51070f9fbdb1824c6b00a0b7a3d7f0015cd05e9e86",
            ],
        ),
    ];
    for (version, made, [counted, not_counted]) in known {
        let bytes = archive(std::slice::from_ref(&made));
        for bytes in [&bytes, &gzip(&bytes), &made.bytes()] {
            for version in [version].into_iter().chain((version == Version::Dev).then_some(Version::V1)) {
                let sums = sum(bytes, version).unwrap();
                let wanted = if counted == not_counted { vec![counted] } else { vec![counted, not_counted] };
                assert_eq!(texts(&sums), wanted, "{version:?} {made:?}");
                assert!(!sums.is_open);
            }
        }
    }
}

#[test]
fn a_type_of_nul_is_read_in_two_ways() {
    let known = [
        (
            Function::Sha256,
            "8bf12d7e67c51ee2e8306cba569398b1b9f419969521a12ffb9d8875e8836738",
            "75258b2c5dcd9adfe24ce71eeca5fc5019c7e669912f15703ede92b1a60cb11f",
        ),
        (
            Function::Sha384,
            "a578ce3ce29a2ae03b8ed7c26f47d0f75b4fc849557c62454be4b5ffd66ba021e713b48ce71e947b43aab57afd5a7636",
            "e39e82f40005134bed13fb632d1a5f2aa4675c9ddb4a136fbcec202797e68d2f635e1200dee2e3a8d7f69d54d3f2fd27",
        ),
        (
            Function::Sha512,
            "e9bfb90ca5a4dfc93c46ee061a5cf9837de6d2fdf82544d6460d3147290aecfabf7b5e415b9b6e72db9b8941f149d5d69fb17a394cbfaf2eac523bd9eae21855",
            "7c56de40b2d1ed3863ff25d83b59cdc8f53e67d1c01c3ee8f201f8e4dec3107da976d0c0ec9109c962a152b32699fe329b2dab13966020e400c32878a0761a7e",
        ),
    ];
    for (function, of_nul, of_file) in known {
        let of = |kind| {
            let made = Made { numbers: [0o755, 0, 0, 0], ..Made::new(kind, "/testdata0", &vec![0; 1 << 20]) };
            texts(&sum_in_pieces(&archive(&[made]), 100_000, Version::V0, function).unwrap())
        };
        assert_eq!(of(0), [of_nul, of_file]);
        assert_eq!(of(b'0'), [of_file]);
    }
    // With a slash at its end, it is a directory.
    let of = |kind| texts(&sum(&archive(&[Made::new(kind, "etc/", b"")]), Version::V1).unwrap());
    assert_eq!(of(0)[1..], of(b'5'));
}

#[test]
fn an_archive_of_nothing_has_the_hash_of_nothing() {
    for bytes in [0, 512, 1024, 10_240].map(|size| vec![0; size]) {
        for version in Version::ALL {
            for bytes in [&bytes, &gzip(&bytes)] {
                assert_eq!(texts(&sum(bytes, version).unwrap()), [NOTHING], "{} bytes", bytes.len());
            }
        }
    }
}

#[test]
fn what_comes_after_the_end_does_not_count() {
    let whole = archive(&[Made::of_author("a")]);
    let longer = [&whole[..], b"and then something else"].concat();
    assert_eq!(sum(&longer, Version::V1), sum(&whole, Version::V1));
    let mut packed = gzip(&whole);
    packed.extend(b"no gzip");
    assert_eq!(sum(&packed, Version::V1), sum(&whole, Version::V1));
}

/// The sum, by the `tar` crate's reader and in the plainest way. Only for archives that all programs read alike.
fn expected(bytes: &[u8], version: Version, owners: bool) -> String {
    let mut archive = tar::Archive::new(bytes);
    let mut hashes = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut attributes: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for extension in entry.pax_extensions().unwrap().into_iter().flatten() {
            let extension = extension.unwrap();
            if let Some(key) = extension.key_bytes().strip_prefix(b"SCHILY.xattr.") {
                attributes.push((key.to_vec(), extension.value_bytes().to_vec()));
            }
        }
        attributes.sort();
        let header = entry.header().clone();
        let owner = |name: Option<&[u8]>| if owners { name.unwrap_or_default().to_vec() } else { Vec::new() };
        let decimal = |number: u64| number.to_string().into_bytes();
        let mut rows: Vec<(&[u8], Vec<u8>)> = vec![
            (b"name", entry.path_bytes().into_owned()),
            (b"mode", decimal(header.mode().unwrap().into())),
            (b"uid", decimal(header.uid().unwrap())),
            (b"gid", decimal(header.gid().unwrap())),
            (b"size", decimal(header.size().unwrap())),
            (b"mtime", decimal(header.mtime().unwrap())),
            (b"typeflag", vec![header.entry_type().as_byte()]),
            (b"linkname", entry.link_name_bytes().unwrap_or_default().into_owned()),
            (b"uname", owner(header.username_bytes())),
            (b"gname", owner(header.groupname_bytes())),
            (b"devmajor", b"0".to_vec()),
            (b"devminor", b"0".to_vec()),
        ];
        if version != Version::V0 {
            rows.retain(|(key, _)| *key != b"mtime");
            rows.extend(attributes.iter().map(|(key, value)| (key.as_slice(), value.clone())));
        }
        let mut text: Vec<u8> = rows.into_iter().flat_map(|(key, value)| [key.to_vec(), value].concat()).collect();
        entry.read_to_end(&mut text).unwrap();
        hashes.push(hex::encode(Sha256::digest(&text)));
    }
    hashes.sort();
    hex::encode(Sha256::digest(hashes.concat()))
}

fn entry() -> impl Strategy<Value = Made> {
    let name = prop::string::string_regex("(\\./|/)?[a-z]{1,8}(/[a-z.]{1,90}){0,2}").unwrap();
    let key = prop::string::string_regex("SCHILY.xattr.[a-z.]{1,20}|atime|comment").unwrap();
    // The other implementation takes a line feed for the end of a record.
    let byte = any::<u8>().prop_filter("no line feed", |byte| *byte != b'\n');
    let records = prop::collection::btree_map(key, prop::collection::vec(byte, 0..40), 0..4);
    let numbers = [0..0o7777_u64, 0..0o777_7777, 0..0o777_7777, 0..1 << 33];
    let owners = prop::sample::select(vec![["", ""], ["root", "root"], ["a", ""]]);
    let content = prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 0..1500)];
    (name, records, numbers, owners, content, prop::sample::select(vec![b'0', b'2', b'5', b'7'])).prop_map(
        |(name, records, numbers, owners, content, kind)| {
            let content = if matches!(kind, b'2' | b'5') { Vec::new() } else { content };
            let mut made = Made { numbers, owners, ..Made::new(kind, &name, &content) };
            made.records = records.into_iter().map(|(key, value)| (key.into_bytes(), value)).collect();
            if made.name.len() > 100 {
                made.records.push((b"path".to_vec(), made.name.clone()));
            }
            made
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_random_archive_has_the_sum_that_another_implementation_computes(
        mut entries in prop::collection::vec(entry(), 0..12),
        piece in 1..2000_usize,
        is_packed in any::<bool>(),
    ) {
        // Which of two of one name comes first is another question.
        for (at, entry) in entries.iter_mut().enumerate() {
            entry.name.splice(..0, format!("{at}").into_bytes());
            for (_, value) in entry.records.iter_mut().filter(|(key, _)| key == b"path") {
                value.clone_from(&entry.name);
            }
        }
        let plain = archive(&entries);
        let bytes = if is_packed { gzip(&plain) } else { plain.clone() };
        for version in Version::ALL {
            let sums = sum_in_pieces(&bytes, piece, version, Function::Sha256).unwrap();
            let (with, without) = (expected(&plain, version, true), expected(&plain, version, false));
            let wanted = if with == without { vec![with] } else { vec![with, without] };
            prop_assert_eq!(texts(&sums), wanted);
            prop_assert!(!sums.is_open);
        }
    }

    #[test]
    fn the_order_of_entries_does_not_count(entries in prop::collection::vec(entry(), 0..8), by in 0..8_usize) {
        let mut named: Vec<Made> = entries;
        for (at, entry) in named.iter_mut().enumerate() {
            entry.records.clear();
            entry.name = format!("{at}").into_bytes();
        }
        let before = sum(&archive(&named), Version::V1);
        let by = by.min(named.len());
        named.rotate_left(by);
        prop_assert_eq!(sum(&archive(&named), Version::V1), before);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000), at in 0..2048_usize, byte: u8) {
        let _ = sum(&bytes, Version::V0);
        let mut changed = archive(&[Made::of_author("a").with(b"mtime", b"1.5"), Made::new(b'L', "b", b"c\0")]);
        changed[at] = byte;
        let _ = sum(&changed, Version::V0);
        // With its checksum, it is looked into.
        let mut block: [u8; 512] = changed[..512].try_into().unwrap();
        block[at % 512] = byte;
        changed.splice(..512, signed(block));
        let _ = sum(&changed, Version::V0);
        let mut packed = gzip(&changed);
        let place = at % packed.len();
        packed[place] = byte;
        let _ = sum(&packed, Version::V1);
    }
}

#[test]
fn long_names_are_those_that_programs_saw() {
    let long = "n".repeat(300);
    let gnu = |kind: u8, text: &str| Made::new(kind, "././@LongLink", &[text.as_bytes(), b"\0"].concat());
    let by_gnu = archive(&[gnu(b'L', &long), gnu(b'K', "target"), Made::new(b'2', "cut", b"")]);
    let by_pax = archive(&[Made::new(b'2', "cut", b"").with(b"path", long.as_bytes()).with(b"linkpath", b"target")]);
    for version in Version::ALL {
        let sums = sum(&by_gnu, version).unwrap();
        assert_eq!(texts(&sums), [expected(&by_gnu, version, true)]);
        assert_eq!(sum(&by_pax, version).unwrap(), sums);
    }
    // What is said about one entry is not about the next.
    let next = archive(&[gnu(b'L', &long), Made::new(b'0', "a", b""), Made::new(b'0', "b", b"")]);
    assert_eq!(texts(&sum(&next, Version::V1).unwrap()), [expected(&next, Version::V1, true)]);
    // A prefix is joined to the name.
    let mut block: [u8; 512] = Made::new(b'0', "name", b"").bytes().try_into().unwrap();
    put(&mut block, 345, b"some/prefix");
    let joined = [&signed(block)[..], &[0; 1024]].concat();
    let whole = archive(&[Made::new(b'0', "some/prefix/name", b"")]);
    assert_eq!(sum(&joined, Version::V1), sum(&whole, Version::V1));
}

#[test]
fn the_records_of_pax_that_count_take_the_place_of_fields() {
    let plain = Made { numbers: [0, 7, 8, 9], owners: ["u", "g"], ..Made::new(b'0', "a", b"") };
    let by_pax = Made { numbers: [0; 4], owners: [""; 2], ..plain.clone() };
    let by_pax = by_pax.with(b"uid", b"7").with(b"gid", b"8").with(b"uname", b"u").with(b"gname", b"g");
    let by_pax = by_pax.with(b"mtime", b"9.75").with(b"ctime", b"1").with(b"comment", b"nothing");
    for version in Version::ALL {
        assert_eq!(
            sum(&archive(std::slice::from_ref(&by_pax)), version),
            sum(&archive(std::slice::from_ref(&plain)), version)
        );
    }
    // An empty record is read in two ways.
    let emptied = sum(&archive(&[plain.clone().with(b"uname", b"")]), Version::V1).unwrap();
    let without = Made { owners: ["", "g"], ..plain.clone() };
    assert_eq!(emptied.all[0], sum(&archive(&[without]), Version::V1).unwrap().all[0]);
    assert!(emptied.all.contains(&sum(&archive(std::slice::from_ref(&plain)), Version::V1).unwrap().all[0]));
    // So is a time before 1970.
    let of = |time: &[u8]| texts(&sum(&archive(&[plain.clone().with(b"mtime", time)]), Version::V0).unwrap());
    assert!(of(b"-1.5").contains(&of(b"-1")[0]) && of(b"-1.5").contains(&of(b"-2")[0]));
    // Of two with one key the last counts.
    let twice = plain.clone().with(b"SCHILY.xattr.a", b"1").with(b"SCHILY.xattr.a", b"2");
    let once = plain.with(b"SCHILY.xattr.a", b"2");
    assert_eq!(sum(&archive(&[twice]), Version::V1), sum(&archive(&[once]), Version::V1));
}

#[test]
fn an_attribute_without_a_name_counts_once_more_for_each() {
    let made = Made::new(b'0', "a", b"").with(b"SCHILY.xattr.", b"x").with(b"SCHILY.xattr.b", b"y");
    let text = b"nameamode0uid0gid0size0typeflag0linknameunamegnamedevmajor0devminor0xxxby";
    let total = hex::encode(Sha256::digest(hex::encode(Sha256::digest(text))));
    assert_eq!(texts(&sum(&archive(&[made]), Version::V1).unwrap()), [total]);
}

#[test]
fn a_global_header_is_an_entry() {
    let records = record(b"comment", b"of git");
    let made = [Made::new(b'g', "pax_global_header", &records), Made::new(b'0', "a", b"")];
    let sums = sum(&archive(&made), Version::V0).unwrap();
    let total = |global: &[u8]| {
        let file = b"nameamode0uid0gid0size0mtime0typeflag0linknameunamegnamedevmajor0devminor0";
        let mut hashes = [hex::encode(Sha256::digest(global)), hex::encode(Sha256::digest(file))];
        hashes.sort();
        hex::encode(Sha256::digest(hashes.concat()))
    };
    let size = records.len();
    let head =
        format!("namepax_global_headermode0uid0gid0size{size}mtime0typeflagglinknameunamegnamedevmajor0devminor0");
    let old = [head.as_bytes(), &records].concat();
    let bare = b"namepax_global_headermode0uid0gid0size0mtime-62135596800typeflagglinknameunamegnamedevmajor0devminor0";
    assert_eq!(texts(&sums), [total(&old), total(bare)]);
}

#[test]
fn of_one_name_the_order_counts() {
    let both = [Made::new(b'0', "a", b"one"), Made::new(b'0', "a", b"two")];
    let reversed = [both[1].clone(), both[0].clone()];
    let [one, other] = [both, reversed].map(|entries| sum(&archive(&entries), Version::V1).unwrap());
    assert!(one != other && !one.is_open && !other.is_open && one.all.len() == 1);
    // Programs of before September 2014 saw the last only.
    let last = texts(&sum(&archive(&[Made::new(b'0', "a", b"two")]), Version::V0).unwrap()).remove(0);
    let of_both = sum(&archive(&[Made::new(b'0', "a", b"one"), Made::new(b'0', "./a", b"two")]), Version::V0).unwrap();
    assert!(!texts(&of_both).contains(&last), "the second is called ./a");
    let of_both = sum(&archive(&[Made::new(b'0', "a", b"one"), Made::new(b'0', "a", b"two")]), Version::V0).unwrap();
    assert!(texts(&of_both).contains(&last));
}

#[test]
fn an_order_that_depends_on_the_program_is_left_open() {
    // Whichever of the two has the greater hash, in one of the orders it comes first, with others between.
    let others = |count| (0..count).map(|at| Made::new(b'0', &format!("other{at}"), b""));
    let open = |names: [&str; 2], count| {
        let made = |first: &[u8], second: &[u8]| {
            let pair = [Made::new(b'0', names[0], first), Made::new(b'0', names[1], second)];
            sum(&archive(&pair.into_iter().chain(others(count)).collect::<Vec<_>>()), Version::V1).unwrap()
        };
        [made(b"1", b"2").is_open, made(b"2", b"1").is_open]
    };
    assert_eq!(open(["a", "a"], 40).into_iter().filter(|is_open| *is_open).count(), 1);
    // Few are sorted by insertion, in all versions.
    assert_eq!(open(["a", "a"], 3), [false; 2]);
    // Whether these are one file depends on the program too.
    assert!(open(["a/b", "a/./b"], 0).into_iter().any(|is_open| is_open));
    assert_eq!(open(["a", "b"], 40), [false; 2]);
}

fn reason(bytes: &[u8]) -> String {
    sum(bytes, Version::V1).unwrap_err().to_string()
}

#[test]
fn an_archive_that_is_cut_anywhere_but_between_entries_is_an_error() {
    let entries = [Made::of_author("a").with(b"path", b"b"), Made::new(b'L', "c", &[b'n'; 600]), Made::of_author("d")];
    let whole = archive(&entries);
    // In padding, programs took the end for that of the archive.
    let clean = [0..=0, 512 + record(b"path", b"b").len()..=1024, 1540..=2048, 3160..=3584, 4100..=4608];
    for end in 0..whole.len() - 1024 {
        let is_clean = clean.iter().any(|clean| clean.contains(&end));
        match sum(&whole[..end], Version::V1) {
            Ok(_) => assert!(is_clean, "{end}"),
            Err(fault) => {
                assert!(fault.to_string().starts_with(&format!("at byte {end} of the archive: ")), "{end}: {fault}");
                assert!(fault.to_string().ends_with(" is cut short") && !fault.is_limit() && !is_clean, "{end}");
            }
        }
    }
    assert_eq!(reason(&whole[..515]), "at byte 515 of the archive: the pax header or long name is cut short");
}

#[test]
fn a_broken_archive_is_an_error_at_its_place() {
    let whole = archive(&[Made::of_author("a"), Made::of_author("b")]);
    let changed = |at: usize, byte: u8| {
        let mut whole = whole.clone();
        whole[at] = byte;
        whole
    };
    assert_eq!(reason(&changed(1024, b'x')), "at byte 1024 of the archive: no tar header: its checksum is wrong");
    assert_eq!(
        reason(&gzip(&changed(1024, b'x'))),
        "at byte 1024 of the unpacked archive: no tar header: its checksum is wrong"
    );
    assert_eq!(reason(&[b'a'; 1024]), "at byte 0 of the archive: no tar header: its checksum is wrong");
    let half_end = [&[0; 512][..], &whole].concat();
    assert_eq!(reason(&half_end), "at byte 512 of the archive: a block of zeros, and then something else");
    assert_eq!(reason(b"\x1f"), "at byte 1 of the archive: the header is cut short");
    let packed = gzip(&whole);
    let cut = reason(&packed[..packed.len() / 2]);
    assert!(cut.contains("of the unpacked archive: the gzip stream is damaged"), "{cut}");
    let numbers = |at: usize, field: &[u8]| {
        let mut block: [u8; 512] = Made::of_author("a").bytes()[..512].try_into().unwrap();
        put(&mut block, at, field);
        reason(&signed(block))
    };
    assert_eq!(numbers(108, b"12345x7\0"), "at byte 0 of the archive: the user id is not a number");
    assert_eq!(numbers(124, b"77777777777"), "at byte 512 of the archive: the content of an entry is cut short");
    assert_eq!(numbers(124, &[0xff; 12]), "at byte 0 of the archive: the size is not a number");
    for records in [&b"9 no\n"[..], b"x", b"999 a=b\n", b"1 a=b\n", b"0 =\n", b"\xff\xff"] {
        let bytes = archive(&[Made::new(b'x', "p", records), Made::of_author("a")]);
        assert!(reason(&bytes).ends_with("a pax header that can't be read"), "{records:?}: {}", reason(&bytes));
    }
}

#[test]
fn what_another_program_may_sum_is_a_limit() {
    let sparse = archive(&[Made::new(b'S', "a", b"")]);
    let by_pax = archive(&[Made::new(b'0', "a", b"").with(b"GNU.sparse.major", b"1")]);
    let link = archive(&[Made::new(b'1', "a", b"content")]);
    let long = archive(&[Made::new(b'L', "a", &vec![b'n'; (1 << 20) + 1])]);
    for (bytes, text) in [(sparse, "sparse"), (by_pax, "sparse"), (link, "7 bytes"), (long, "1048577 bytes")] {
        let fault = sum(&bytes, Version::V1).unwrap_err();
        assert!(fault.is_limit() && fault.to_string().contains(text), "{fault}");
    }
    // Only so much is remembered of an archive. Where programs read it in two ways, that is half as many entries.
    let entries = |made: Made, count| vec![made; count];
    let fits = |entries: &[Made]| {
        let mut archive = Archive::<Sha256>::new(Summing::with_room(Version::V1, 10));
        archive.update(&self::archive(entries));
        archive.finish().inspect_err(|fault| assert!(fault.is_limit())).is_ok()
    };
    let (plain, owned) = (Made::new(b'0', "a", b""), Made::of_author("a"));
    assert!(fits(&entries(plain.clone(), 10)) && !fits(&entries(plain, 11)));
    assert!(fits(&entries(owned.clone(), 5)) && !fits(&entries(owned, 6)));
    // A size that no archive has takes no memory, and no time.
    let mut block: [u8; 512] = Made::new(b'0', "a", b"").bytes().try_into().unwrap();
    put(&mut block, 124, &[0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    assert!(reason(&signed(block)).ends_with("the content of an entry is cut short"));
    put(&mut block, 156, b"x");
    assert!(reason(&signed(block)).contains("at most 1048576 bytes are read"));
}
