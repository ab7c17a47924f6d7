//! The colours of the map: people with any kind of colour blindness can tell them apart, and black letters can be read on
//! each. How they are seen is calculated as by Machado, Oliveira and Fernandes (2009), at full strength.

use super::{between, demo, page};

type Colour = [f64; 3];

const SIGHT: [(&str, [Colour; 3]); 4] = [
    ("usual", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protan",
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "deutan",
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
    (
        "tritan",
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ),
];

/// Amounts of light from a colour such as `56b4e9`.
fn light(hex: &str) -> Colour {
    let bytes = hex::decode(hex).unwrap();
    [0, 1, 2].map(|at| match f64::from(bytes[at]) / 255.0 {
        value if value <= 0.040_45 => value / 12.92,
        value => ((value + 0.055) / 1.055).powf(2.4),
    })
}

fn product(matrix: &[Colour; 3], colour: Colour) -> Colour {
    let row = |row: Colour| row.iter().zip(colour).map(|(factor, value)| factor * value).sum::<f64>();
    matrix.map(|each| row(each).clamp(0.0, 1.0))
}

/// A colour as CIELAB, in which distances are what the eye sees.
fn lab(colour: Colour) -> Colour {
    let xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
    let white = [0.950_47, 1.0, 1.088_83];
    let [x, y, z] = [0, 1, 2].map(|at| {
        let value: f64 = xyz[at].iter().zip(colour).map(|(factor, value)| factor * value).sum::<f64>() / white[at];
        if value > 0.008_856 { value.cbrt() } else { 7.787 * value + 16.0 / 116.0 }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn distance(one: Colour, other: Colour) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// The lines of the breakdown with their colours, and the lighter ones of what is in them.
fn colours(page: &str) -> Vec<(&str, &str)> {
    let rules = between(page, "<style>", "</style>").lines().filter(|line| line.starts_with(".of-"));
    let parts = rules.map(|rule| (rule[4..].split([',', '.', ' ']).next().unwrap(), between(rule, "fill: #", ";")));
    parts.collect()
}

#[test]
fn colour_blind_people_can_tell_the_lines_apart() {
    let page = page(&demo());
    let colours = colours(&page);
    assert!(colours.len() >= 9, "{colours:?}");
    for (sight, matrix) in SIGHT {
        for (at, (line, colour)) in colours.iter().enumerate() {
            for (other, another) in colours[at + 1..].iter().filter(|(other, _)| other != line) {
                let [one, two] = [colour, another].map(|hex| lab(product(&matrix, light(hex))));
                assert!(distance(one, two) > 15.0, "{sight}: {line} {colour}, {other} {another}");
            }
        }
    }
}

/// The contrast that the Web Content Accessibility Guidelines ask for.
#[test]
fn black_letters_can_be_read_on_each_colour() {
    for (line, colour) in colours(&page(&demo())) {
        let [red, green, blue] = light(colour);
        let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        assert!((luminance + 0.05) / 0.05 >= 4.5, "{line} {colour}");
    }
}
