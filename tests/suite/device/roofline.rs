//! What a GPU's ceilings allow, and the picture of it.

use warptape::profile::Gpu;
use warptape::profile::picture::{self, Point};
use warptape::profile::roofline::{Bound, Work, ridge, roof};

fn gpu(name: &str) -> &'static Gpu {
    Gpu::find(name).unwrap()
}

/// f32 TFLOP/s, GB/s and MiB of L2 as the data sheets round them.
#[test]
fn peaks_are_those_of_the_data_sheets() {
    let sheets = [
        ("H200", 66.9, 4800.0, 60),
        ("H100", 66.9, 3350.0, 50),
        ("A100", 19.5, 2039.0, 40),
        ("RTX 4090", 82.6, 1008.0, 72),
        ("L4", 30.3, 300.0, 48),
        ("T4", 8.1, 320.0, 4),
    ];
    assert_eq!(sheets.map(|sheet| sheet.0), Gpu::ALL.map(|gpu| gpu.name));
    for (name, tera, giga, mebi) in sheets {
        let gpu = gpu(name);
        assert!((gpu.f32_peak() / 1e12 - tera).abs() < 0.05, "{name}: {}", gpu.f32_peak());
        assert_eq!((gpu.dram, gpu.l2), (giga * 1e9, mebi << 20), "{name}");
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs()
}

#[test]
fn the_ceiling_that_binds() {
    let a100 = gpu("A100");
    let peak = 2.0 * 108.0 * 64.0 * 1.41e9;
    assert!(near(a100.f32_peak(), peak) && near(ridge(a100), peak / 2.039e12));
    // Adding two vectors of 2^20: one FLOP for 12 bytes.
    let add = Work { flops: 1_048_576.0, dram_bytes: 12_582_912.0 }.on(a100);
    assert!(near(add.intensity, 1.0 / 12.0) && add.bound == Bound::Memory);
    assert!(near(add.least_s(), 12_582_912.0 / 2.039e12) && near(add.compute_s, 1_048_576.0 / peak));
    // A product of matrices of 4096 x 4096, each moved once.
    let product = Work { flops: 2.0 * 4096f64.powi(3), dram_bytes: 3.0 * 4.0 * 4096f64.powi(2) }.on(a100);
    assert!(near(product.intensity, 4096.0 / 6.0) && product.bound == Bound::Compute);
    assert!(near(product.least_s(), 2.0 * 4096f64.powi(3) / peak) && product.memory_s < product.compute_s);
    // The same kernel is bound by memory on one GPU and by arithmetic on another.
    let work = Work { flops: 50.0, dram_bytes: 1.0 };
    assert_eq!((work.on(gpu("RTX 4090")).bound, work.on(gpu("H200")).bound), (Bound::Memory, Bound::Compute));
    assert_eq!(format!("{} {}", Bound::Memory, Bound::Compute), "memory compute");
}

#[test]
fn the_roof_bends_at_the_ridge() {
    for gpu in &Gpu::ALL {
        let ridge = ridge(gpu);
        assert!(near(roof(gpu, ridge / 8.0), gpu.f32_peak() / 8.0) && near(roof(gpu, 8.0 * ridge), gpu.f32_peak()));
        for share in [0.01, 0.5, 0.99, 1.01, 30.0] {
            let work = Work { flops: 1e9 * ridge * share, dram_bytes: 1e9 };
            let found = work.on(gpu);
            assert_eq!(found.bound == Bound::Compute, share > 1.0, "{}", gpu.name);
            assert!(near(found.least_s(), work.flops / roof(gpu, found.intensity)), "{}", gpu.name);
        }
    }
    let nothing = Work { flops: 0.0, dram_bytes: 0.0 }.on(gpu("L4"));
    assert_eq!((nothing.intensity, nothing.least_s()), (0.0, 0.0));
    let fill = Work { flops: 0.0, dram_bytes: 3e11 }.on(gpu("L4"));
    assert_eq!((fill.intensity, fill.least_s(), fill.bound), (0.0, 1.0, Bound::Memory));
    let inside = Work { flops: 1e9, dram_bytes: 0.0 }.on(gpu("L4"));
    assert_eq!((inside.intensity, inside.memory_s, inside.bound), (f64::INFINITY, 0.0, Bound::Compute));
}

fn point(name: &str, intensity: f64) -> Point {
    Point { name: name.into(), work: Work { flops: intensity * 1e6, dram_bytes: 1e6 } }
}

/// Numbers of attribute `name` of every `element` that also holds `having`.
fn numbers(svg: &str, element: &str, having: &str, name: &str) -> Vec<Vec<f64>> {
    let all = svg.split('<').filter(|tag| tag.starts_with(element) && tag.contains(having));
    let value = |tag: &str| tag.split_once(&format!(" {name}=\"")).unwrap().1.split('"').next().unwrap().to_owned();
    all.map(|tag| value(tag).split([' ', ',']).filter_map(|number| number.parse().ok()).collect()).collect()
}

/// Boxes of all texts that start at the left: the names. Left, right, top, bottom, and what they say.
fn names(svg: &str) -> Vec<([f64; 4], String)> {
    let texts = svg.split("<text ").skip(1).filter(|text| text.contains("text-anchor=\"start\"")).skip(1);
    let boxed = texts.map(|text| {
        let tag = format!("<text {text}");
        let number = |name: &str| numbers(&tag, "text", "", name)[0][0];
        let what = text.split_once('>').unwrap().1.split('<').next().unwrap().trim().to_owned();
        let (x, y, size) = (number("x"), number("y"), number("font-size"));
        // Half an em a letter, and a line as high as its capitals.
        ([x, x + 0.5 * size / 1.24 * what.chars().count() as f64, y, y + 0.76 * size], what)
    });
    boxed.collect()
}

#[test]
fn names_do_not_overlap_and_points_lie_on_the_roof() {
    let spread: Vec<_> = (0..12).map(|k| point(&format!("kernel {k:02}"), 0.05 * 2.3f64.powi(k))).collect();
    let heap: Vec<_> = (0..40).map(|k| point(&format!("kernel {k:02}"), 0.083 + 1e-4 * f64::from(k % 3))).collect();
    let right: Vec<_> = (0..12).map(|k| point(&format!("a longer kernel {k:02}"), 1e4 + f64::from(k))).collect();
    for (points, name) in [(spread, "H200"), (heap, "T4"), (right, "RTX 4090"), (vec![point("kernel", 3.0)], "L4")] {
        let svg = picture::svg(gpu(name), &points).unwrap();
        let size = ["width", "height"].map(|side| 4.0 * numbers(&svg, "svg", "", side)[0][0]);
        let names = names(&svg);
        let mut told: Vec<_> = names.iter().map(|name| &name.1[..]).collect();
        told.sort_unstable();
        let mut asked: Vec<_> = points.iter().map(|point| &point.name[..]).collect();
        asked.sort_unstable();
        assert_eq!(told, asked, "{name}");
        for (index, ([left, right, top, bottom], what)) in names.iter().enumerate() {
            assert!(*left > 0.0 && *right < size[0] && *top > 0.0 && *bottom < size[1], "{name}: {what} is cut off");
            for (other, that) in &names[..index] {
                let apart = *right <= other[0] || other[1] <= *left || *bottom <= other[2] || other[3] <= *top;
                assert!(apart, "{name}: {what} runs into {that}");
            }
        }
        // The ceilings are the only lines of their width: the slope, then the flat.
        let ceilings = numbers(&svg, "polyline", "stroke-width=\"10\"", "points");
        let [[x0, y0, corner, height], [_, _, x2, y2]] =
            [&ceilings[0][..], &ceilings[1][..]].map(|line| <[f64; 4]>::try_from(line).expect("two ends"));
        assert!(height == y2 && y0 > height && x2 > corner, "{name}");
        let (across, down) = ["cx", "cy"].map(|axis| numbers(&svg, "circle", "", axis).concat()).into();
        assert_eq!(across.len(), 2 * points.len(), "{name}");
        for (x, y) in across.into_iter().zip(down) {
            let expected = if x < corner { height + (corner - x) * (y0 - height) / (corner - x0) } else { height };
            assert!((y - expected).abs() <= 3.0, "{name}: ({x}, {y}) is not on the roof, {expected} is");
        }
    }
}

#[test]
fn the_ceilings_have_their_figures() {
    let svg = picture::svg(gpu("H200"), &[point("a <kernel> & co", 1.5), point("fill", 0.0)]).unwrap();
    for text in
        ["H200: f32 roofline", "DRAM 4.80 TB/s", "f32 66.9 TFLOP/s", "ridge 13.9 FLOP/byte", "1.50", "bytes: fill"]
    {
        assert!(svg.contains(text), "{text}");
    }
    assert!(svg.contains("a &lt;kernel&gt; &amp; co"), "{svg}");
    assert!(picture::svg(gpu("L4"), &[]).unwrap().contains("DRAM 300 GB/s"));
}

#[test]
fn any_work_can_be_drawn() {
    let odd = [0.0, f64::NAN, f64::INFINITY, -1.0, 1e-300, 1e300, 1e-9, 9e11];
    let mut points: Vec<_> =
        odd.iter().map(|&flops| Point { work: Work { flops, dram_bytes: 1.0 }, name: "x".repeat(99) }).collect();
    points.push(Point { name: "\u{1f600}".into(), work: Work { flops: 1.0, dram_bytes: 0.0 } });
    let png = picture::png(gpu("T4"), &points).unwrap();
    let drawn = image::load_from_memory(&png).unwrap();
    let svg = picture::svg(gpu("T4"), &points).unwrap();
    assert_eq!(2.0 * numbers(&svg, "svg", "", "height")[0][0], f64::from(drawn.height()));
    assert_eq!(numbers(&svg, "circle", "", "cx").len(), 2 * 2);
}
