//! What happens to a tree between the plan and the removal of a tag.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::plan::{Chosen, Fate, Outcome, Plan};
use super::removal::remove;
use super::rules::{Reason, Rules};
use crate::digest::Digest;
use crate::error::Error;
use crate::layout::{Entry, Form, Place};
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::stream::Watch;
use crate::tag;

const NAME: &str = "lib/app";
const KIND: &str = "application/vnd.oci.image.manifest.v1+json";

struct Racing {
    registry: Registry,
    _directory: tempfile::TempDir,
}

impl Racing {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (registry, _) = Registry::create(directory.path()).unwrap();
        Self { registry, _directory: directory }
    }

    fn plant(path: &Path, content: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn image(&self, words: &str) -> Digest {
        let text = json!({ "schemaVersion": 2, "mediaType": KIND, "layers": [], "annotations": { "a": words } });
        let text = text.to_string();
        let digest = Digest::of(text.as_bytes());
        let place = Place::of(&name(), Form::Current);
        Self::plant(&self.registry.tree().locate(&Entry::Blob(digest).path()), &text);
        Self::plant(&self.registry.tree().locate(&place.revision_link(&digest)), &digest.to_string());
        digest
    }

    /// Lets a tag point to an image, as if that had been done so many days ago.
    fn tag(&self, tag: &str, image: Digest, days: u64) {
        let place = Place::of(&name(), Form::Current);
        let tree = self.registry.tree();
        Self::plant(&tree.locate(&place.past(tag, &image).link()), &image.to_string());
        let current = tree.locate(&place.tag(tag).current().link());
        Self::plant(&current, &image.to_string());
        let time = SystemTime::now() - Duration::from_hours(days * 24);
        fs::File::options().write(true).open(current).unwrap().set_modified(time).unwrap();
    }

    fn directory_of(&self, tag: &str) -> std::path::PathBuf {
        self.registry.tree().locate(&Place::of(&name(), Form::Current).tag(tag))
    }

    fn tags(&self) -> Vec<String> {
        let repository = self.registry.repository(&name()).unwrap();
        tag::tags(&repository).tags.iter().map(|(tag, _)| tag.to_string()).collect()
    }

    /// Plans to keep the newest tag, calls `before` and then removes; calls `after` with each tag that is done. Returns why
    /// tags stay that were to go.
    fn prune(&self, before: impl FnOnce(), after: impl Fn(&str)) -> Vec<(String, Reason)> {
        let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap();
        let (rules, watch) = (Rules { keep_last: Some(1), ..Rules::default() }, Watch::none());
        let chosen = [Chosen { name: name(), rules: &rules }];
        let mut plan = Plan::new(self.registry.tree(), &chosen, now, &watch).unwrap();
        assert!(plan.count().1 > 0 || plan.left_over() > 0);
        before();
        let writer = self.registry.exclusive_writer("test", now, Duration::ZERO).unwrap();
        let mut outcomes: Vec<Outcome> = Vec::new();
        remove(&writer, &plan, now, &watch, |outcome| {
            if outcome.fate != Fate::Goes {
                after(plan.repositories[outcome.repository].verdicts[outcome.verdict].tag.as_str());
            }
            outcomes.push(outcome);
            Ok::<(), Error>(())
        })
        .unwrap();
        plan.settle(&outcomes);
        let stays = outcomes.iter().filter(|outcome| outcome.fate == Fate::Stays);
        let verdicts = stays.map(|outcome| &plan.repositories[outcome.repository].verdicts[outcome.verdict]);
        verdicts.map(|verdict| (verdict.tag.to_string(), verdict.kept[0])).collect()
    }
}

fn name() -> RepositoryName {
    NAME.parse().unwrap()
}

fn made_for(image: Digest) -> String {
    format!("{}.sig", image.to_string().replace(':', "-"))
}

#[test]
fn a_tag_that_was_set_meanwhile_stays_also_where_it_points_to_what_it_did() {
    let racing = Racing::new();
    let [one, two, three] = ["one", "two", "three"].map(|words| racing.image(words));
    racing.tag("new", three, 1);
    for (tag, days) in [("again", 10), ("gone", 11), ("moved", 14), ("old", 15)] {
        racing.tag(tag, one, days);
    }
    let stays = racing.prune(
        || {
            racing.tag("moved", two, 14);
            racing.tag("again", one, 0);
            fs::remove_dir_all(racing.directory_of("gone")).unwrap();
        },
        |_| {},
    );
    assert_eq!(stays, [("again".to_owned(), Reason::SetMeanwhile), ("moved".to_owned(), Reason::SetMeanwhile)]);
    assert_eq!(racing.tags(), ["again", "moved", "new"]);
}

#[test]
fn a_signature_stays_when_a_tag_leads_to_its_image_again() {
    for is_tagged_again in [false, true] {
        let racing = Racing::new();
        let [image, signature, new] = ["image", "signature", "new"].map(|words| racing.image(words));
        racing.tag("new", new, 1);
        racing.tag("v1", image, 30);
        racing.tag(&made_for(image), signature, 30);
        let stays = racing.prune(
            || {},
            |tag| {
                if is_tagged_again && tag == "v1" {
                    racing.tag("v2", image, 0);
                }
            },
        );
        assert_eq!(stays.len(), usize::from(is_tagged_again), "{stays:?}");
        let left: &[&str] = if is_tagged_again { &["new", &made_for(image), "v2"] } else { &["new"] };
        assert_eq!(racing.tags(), left);
    }
}

#[test]
fn directories_in_which_a_registry_is_about_to_set_a_tag_stay() {
    for is_set in [false, true] {
        let racing = Racing::new();
        let [image, new] = ["image", "new"].map(|words| racing.image(words));
        racing.tag("new", new, 1);
        fs::create_dir_all(racing.directory_of("begun").join("index/sha256")).unwrap();
        racing.prune(
            || {
                if is_set {
                    let past = Place::of(&name(), Form::Current).past("begun", &image).link();
                    Racing::plant(&racing.registry.tree().locate(&past), &image.to_string());
                }
            },
            |_| {},
        );
        assert_eq!(racing.directory_of("begun").exists(), is_set);
    }
}
