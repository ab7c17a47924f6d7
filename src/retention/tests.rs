//! The rules on tags as people have them, with what stays written out.

use std::time::Duration;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::judge::{Candidate, judge};
use super::period::Period;
use super::rules::{Reason, Rules, sensible};

fn at(date: Date, hour: i8) -> Timestamp {
    date.at(hour, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

fn now() -> Timestamp {
    "2026-11-30T00:00:00Z".parse().unwrap()
}

fn of_days(dates: impl IntoIterator<Item = Date>) -> Vec<Candidate> {
    let tag = |date: Date| Candidate { tag: date.to_string(), time: Some(at(date, 11)) };
    dates.into_iter().map(tag).collect()
}

/// The tags that stay.
fn stay<'t>(rules: &Rules, tags: &'t [Candidate]) -> Vec<&'t str> {
    let judged = judge(rules, tags, now());
    tags.iter().zip(judged).filter(|(_, kept)| !kept.is_empty()).map(|(tag, _)| tag.tag.as_str()).collect()
}

/// Tags of one age, of which only the name matters.
fn named(names: &str) -> Vec<Candidate> {
    let tag = |name: &str| Candidate { tag: name.to_owned(), time: Some(at(date(2026, 1, 1), 0)) };
    names.split_whitespace().map(tag).collect()
}

fn latest_semver(count: usize) -> Rules {
    Rules { keep_latest_semver: Some(count), ..Rules::default() }
}

fn periods(counts: &[(Period, usize)]) -> Rules {
    Rules { keep_periods: counts.to_vec(), ..Rules::default() }
}

/// restic's first example: one backup every Sunday for 12 weeks.
#[test]
fn four_days_are_four_sundays_where_there_is_nothing_else() {
    let sundays = of_days((0..12_i32).map(|week| date(2019, 9, 1) + (week * 7).days()));
    let last = ["2019-10-27", "2019-11-03", "2019-11-10", "2019-11-17"];
    assert_eq!(stay(&periods(&[(Period::Daily, 4)]), &sundays), last);
    assert_eq!(stay(&periods(&[(Period::Weekly, 4)]), &sundays), last);
    assert_eq!(stay(&periods(&[(Period::Monthly, 2)]), &sundays), ["2019-10-27", "2019-11-17"]);
    assert_eq!(stay(&periods(&[(Period::Yearly, 9)]), &sundays), ["2019-11-17"]);
}

/// restic's second example: one backup a day for 100 years, with 7 days, 5 weeks, 12 months and 75 years.
#[test]
fn a_hundred_years_of_days_leave_what_restic_says() {
    let (first, last) = (date(1920, 1, 1), date(2019, 12, 31));
    let days = of_days(first.series(1.day()).take_while(|day| *day <= last));
    assert_eq!(days.len(), 36_525);
    let counts = [(Period::Daily, 7), (Period::Weekly, 5), (Period::Monthly, 12), (Period::Yearly, 75)];
    let kept = stay(&periods(&counts), &days);
    // Tuesday is the last day: its week and its year end here.
    let mut expected: Vec<String> = (1945..=2018).map(|year| format!("{year}-12-31")).collect();
    expected.extend((1..=11).map(|month| date(2019, month, 1).last_of_month().to_string()));
    expected.extend(["2019-12-08", "2019-12-15", "2019-12-22"].map(str::to_owned));
    expected.extend((25..=31).map(|day| format!("2019-12-{day}")));
    assert_eq!(kept, expected);
}

/// What a member of restic's forum works out for `--keep-daily 4`.
#[test]
fn of_each_day_the_newest_stays() {
    let times = [(1, 8), (2, 8), (2, 11), (4, 9), (5, 10)];
    let tag = |(number, (day, hour)): (usize, (i8, i8))| Candidate {
        tag: format!("a{}", number + 1),
        time: Some(at(date(2023, 5, day), hour)),
    };
    let tags: Vec<Candidate> = times.into_iter().enumerate().map(tag).collect();
    assert_eq!(stay(&periods(&[(Period::Daily, 4)]), &tags), ["a1", "a3", "a4", "a5"]);
    assert_eq!(stay(&periods(&[(Period::Daily, 3)]), &tags), ["a3", "a4", "a5"]);
    assert_eq!(stay(&periods(&[(Period::Hourly, 3)]), &tags), ["a3", "a4", "a5"]);
    // Four days are counted from the newest, on the first at ten.
    let within = Rules { keep_within: Some(Duration::from_hours(4 * 24)), ..Rules::default() };
    assert_eq!(stay(&within, &tags), ["a2", "a3", "a4", "a5"]);
}

#[test]
fn a_week_begins_on_monday_and_may_have_two_years() {
    let days = of_days([date(2024, 12, 29), date(2024, 12, 30), date(2025, 1, 5), date(2025, 1, 6)]);
    assert_eq!(stay(&periods(&[(Period::Weekly, 9)]), &days), ["2024-12-29", "2025-01-05", "2025-01-06"]);
    assert_eq!(stay(&periods(&[(Period::Yearly, 9)]), &days), ["2024-12-30", "2025-01-06"]);
}

#[test]
fn tags_that_are_equally_old_stay_together() {
    let mut tags = of_days((1..=5).map(|day| date(2026, 1, day)));
    tags[1].time = tags[2].time;
    assert_eq!(stay(&Rules { keep_last: Some(3), ..Rules::default() }, &tags).len(), 4);
    assert_eq!(stay(&periods(&[(Period::Daily, 3)]), &tags).len(), 4);
}

#[test]
fn a_tag_of_no_sensible_age_stays_and_takes_no_place() {
    let mut tags = of_days((1..=4).map(|day| date(2026, 1, day)));
    tags[3].time = None;
    let last = Rules { keep_last: Some(1), ..Rules::default() };
    assert_eq!(stay(&last, &tags), ["2026-01-03", "2026-01-04"]);
    for absurd in ["1970-01-01T00:00:00Z", "1980-01-01T00:00:01Z", "2012-12-31T23:59:59Z", "2026-11-30T02:00:00Z"] {
        assert_eq!(sensible(absurd.parse().unwrap(), now()), None, "{absurd}");
    }
    for (time, second) in
        [("2013-01-01T00:00:00Z", "2013-01-01T00:00:00Z"), ("2026-11-30T00:10:00.9Z", "2026-11-30T00:10:00Z")]
    {
        assert_eq!(sensible(time.parse().unwrap(), now()).unwrap().to_string(), second);
    }
}

#[test]
fn what_is_young_or_not_looked_at_stays_and_only_the_latter_takes_no_place() {
    let tags = of_days((1..=4).map(|day| date(2026, 11, day)));
    let last = |rules: Rules| Rules { keep_last: Some(1), ..rules };
    let young = Rules { older_than: Some(Duration::from_hours(28 * 24)), ..Rules::default() };
    assert_eq!(stay(&last(young), &tags), ["2026-11-02", "2026-11-03", "2026-11-04"]);
    let only = Rules { only_tags: vec!["*-0[12]".parse().unwrap()], ..Rules::default() };
    assert_eq!(stay(&last(only), &tags), ["2026-11-02", "2026-11-03", "2026-11-04"]);
    let only = Rules { only_tags: vec!["/-0[12]$/".parse().unwrap(), "*-04".parse().unwrap()], ..Rules::default() };
    assert_eq!(stay(&last(only), &tags), ["2026-11-03", "2026-11-04"]);
}

#[test]
fn every_reason_is_named() {
    let tags = named("1.0");
    let rules = Rules {
        keep_last: Some(1),
        keep_within: Some(Duration::ZERO),
        keep_periods: Period::ALL.map(|period| (period, 1)).to_vec(),
        keep_tags: vec!["*".parse().unwrap()],
        keep_latest_semver: Some(1),
        older_than: Some(Duration::from_hours(100_000)),
        ..Rules::default()
    };
    let names: Vec<&str> = judge(&rules, &tags, now())[0].iter().map(|reason| reason.name()).collect();
    let expected = "last within hourly daily weekly monthly yearly tag latest-semver younger";
    assert_eq!(names.join(" "), expected);
    assert!(rules.keep_something() && !Rules::default().keep_something());
    assert_eq!(judge(&Rules::default(), &tags, now()), [Vec::<Reason>::new()]);
}

#[test]
fn nginx_keeps_its_two_latest_versions_of_each_kind() {
    let tags = named(
        "latest mainline stable 1 1.27 1.27.3 1.27.2 1.27.1 1.26 1.26.2 1.26.1 1.25 1.25.5 alpine mainline-alpine
         1-alpine 1.27-alpine 1.27.3-alpine 1.27.3-alpine3.20 1.27-alpine3.20 1.27.2-alpine 1.27.2-alpine3.20
         1.26-alpine 1.26.2-alpine 1.26.2-alpine3.20 1-alpine-slim 1.27.3-alpine-slim 1.27.3-alpine3.20-slim
         1.26.2-alpine-slim 1.25.5-alpine-slim 1.27.3-perl 1.26.2-perl 1.26-perl 1.25.5-perl 1.27.3-bookworm",
    );
    let expected = "1 1.27 1.27.3 1.27.2 \
         1-alpine 1.27-alpine 1.27.3-alpine 1.27.3-alpine3.20 1.27-alpine3.20 1.27.2-alpine 1.27.2-alpine3.20 \
         1-alpine-slim 1.27.3-alpine-slim 1.27.3-alpine3.20-slim 1.26.2-alpine-slim \
         1.27.3-perl 1.26.2-perl 1.26-perl 1.27.3-bookworm";
    assert_eq!(stay(&latest_semver(2), &tags).join(" "), expected);
    let names = Rules { keep_tags: vec!["/^(latest|mainline|stable)/".parse().unwrap()], ..latest_semver(2) };
    let expected =
        format!("latest mainline stable {}", expected.replace(" 1-alpine 1.27-", " mainline-alpine 1-alpine 1.27-"));
    assert_eq!(stay(&names, &tags).join(" "), expected);
}

#[test]
fn postgres_has_pre_releases_without_a_hyphen_and_versions_of_two_numbers() {
    let tags = named(
        "latest 17 17.2 17.1 17.0 17rc1 17beta3 16 16.6 16.5 bookworm 17-alpine 17.2-alpine 17.2-alpine3.20
         17.2-alpine3.21 17beta3-alpine 17beta3-alpine3.20 16-alpine 16.6-alpine 15-alpine 15.10-alpine
         17-bullseye 17.2-bullseye 16.6-bullseye",
    );
    let expected = "17 17.2 17.1 17.0 17-alpine 17.2-alpine 17.2-alpine3.20 17.2-alpine3.21 17beta3-alpine \
         17beta3-alpine3.20 16-alpine 16.6-alpine 17-bullseye 17.2-bullseye 16.6-bullseye";
    assert_eq!(stay(&latest_semver(3), &tags).join(" "), expected);
    // Before 17 came out, its pre-releases were the highest.
    let before = named("17rc1 17beta3 17beta2 16 16.4 16.3 v16.4");
    assert_eq!(stay(&latest_semver(3), &before).join(" "), "17rc1 17beta3 17beta2");
    assert_eq!(stay(&latest_semver(4), &before).join(" "), "17rc1 17beta3 17beta2 16 16.4 v16.4");
}

#[test]
fn alpine_has_dates_beside_its_versions() {
    let tags =
        named("latest edge 3 3.21 3.21.2 3.21.1 3.21.0 3.20 3.20.5 3.19.6 2.7 20250108 20240923 20240807 20240606");
    assert_eq!(stay(&latest_semver(2), &tags).join(" "), "3 3.21 3.21.2 3.21.1 20250108 20240923");
}

#[test]
fn a_date_with_a_suffix_is_compared_with_dates_of_that_suffix() {
    let tags = named(
        "20240101 20240201 20240301 20240101-alpine 20240201-alpine3.20 20230101_slim 2024-01-01-slim 2024-02-01-slim
         3.20-alpine 3.19-alpine 20240101-2-alpine",
    );
    let expected = "20240301 20240201-alpine3.20 2024-02-01-slim 3.20-alpine";
    assert_eq!(stay(&latest_semver(1), &tags).join(" "), expected);
}

#[test]
fn a_short_version_stays_with_whatever_keeps_one_that_it_covers() {
    let tags = named("1 1.2 1.2.3 1.3 1.3.0 2 2.0 2.0.1 v1.1 1.1.9-alpine");
    let pinned = Rules { keep_tags: vec!["1.2.3".parse().unwrap()], ..latest_semver(1) };
    assert_eq!(stay(&pinned, &tags).join(" "), "1 1.2 1.2.3 2 2.0 2.0.1 1.1.9-alpine");
    let only = Rules { only_tags: vec!["/^1$|^2/".parse().unwrap()], ..latest_semver(1) };
    // What is not looked at stays, and with it what covers that.
    assert_eq!(stay(&only, &tags).len(), tags.len());
}

#[test]
fn versions_are_ordered_as_semantic_versions_are() {
    let ordered = "0.9 1.0.0-alpha.1 1.0.0-beta1 1.0.0-beta-2 1.0.0-beta.11 1.0.0-dev1 1.0.0-pre1 1.0.0-rc.1 1.0.0 \
         1.0.1 1.2 1.10 v2.0.0 10.0";
    let all = named(ordered);
    for count in 1..=all.len() {
        let expected: Vec<&str> = ordered.split_whitespace().skip(all.len() - count).collect();
        assert_eq!(stay(&latest_semver(count), &all), expected);
    }
}

#[test]
fn what_is_no_version_is_not_kept_as_one() {
    let others = "latest v main 3bbf2ca 12ab34 x1.0 99999999999999999999999.1 release-1.2 sha-1234567 .1 _1";
    assert!(stay(&latest_semver(9), &named(others)).is_empty());
    // A word without a number is a suffix as any other, and so is what Java projects write.
    let suffixes = named("1.0-beta 1.0.Final 1.0-SNAPSHOT 1.0_ubi8 1.0 2.0-snapshot 0.9");
    let expected = "1.0-beta 1.0.Final 1.0_ubi8 1.0 2.0-snapshot";
    assert_eq!(stay(&latest_semver(1), &suffixes).join(" "), expected);
}
