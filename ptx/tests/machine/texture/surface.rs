//! Surfaces: bytes by coordinates, and what lies outside.

use warptape_ptx::texture::{Format, Geometry, Object};

use super::{Words, array, device, run, words};

/// Texels of 16 bytes, 4 words each; a word is told by its place.
fn word([x, y, z]: [u32; 3], layer: u32, channel: u32) -> u32 {
    1_000_000 * layer + 10_000 * z + 100 * y + 4 * x + channel
}

#[test]
fn each_geometry_and_width_reads_what_lies_there() {
    let reads = [
        (Geometry::Line, [5, 1, 1], "suld.b.1d", "[%t, {%c1}]"),
        (Geometry::Plane, [5, 4, 1], "suld.b.2d", "[%t, {%c1, %c2}]"),
        (Geometry::Solid, [5, 4, 3], "suld.b.3d", "[%t, {%c1, %c2, %c3, %c3}]"),
        (Geometry::Lines, [5, 1, 1], "suld.b.a1d", "[%t, {%c0, %c1}]"),
        (Geometry::Planes, [5, 4, 1], "suld.b.a2d.cg", "[%t, {%c0, %c1, %c2, %c2}]"),
        (Geometry::Cube, [5, 4, 1], "suld.b.a2d", "[%t, {%c0, %c1, %c2, %c2}]"),
    ];
    let widths = [
        (".v4.b32.trap {%d0, %d1, %d2, %d3}", 4),
        (".v2.b32 {%d0, %d1}", 2),
        (".b32.zero {%d0}", 1),
        (".b32.clamp %d0", 1),
    ];
    for (geometry, size, name, place) in reads {
        let layers = if geometry == Geometry::Cube { 6 } else { 1 + 2 * u32::from(geometry.indexed()) };
        for (to, count) in widths {
            let mut device = device(&format!("{name}{to}, {place};"));
            let array = array(&mut device, (Format::U32, 4, geometry), size, layers, |at, layer| {
                (0..4).map(|channel| word(at, layer, channel)).collect()
            });
            let handle = device.object(Object::Surface(array));
            let [width, rows, planes] = size;
            let mut points = Vec::new();
            for layer in 0..layers {
                for (z, y) in (0..planes).flat_map(|z| (0..rows).map(move |y| (z, y))) {
                    points.extend(
                        (0..width).flat_map(|x| (0..4 / count).map(move |part| (layer, [x, y, z], part * count))),
                    );
                }
            }
            let given: Vec<Words> =
                points.iter().map(|(layer, [x, y, z], part)| words([*layer, 16 * x + 4 * part, *y, *z])).collect();
            for (given, points) in given.chunks(256).zip(points.chunks(256)) {
                for ((layer, at, part), found) in points.iter().zip(run(&mut device, handle, given).unwrap()) {
                    let channel = |at_: u32| if at_ < count { word(*at, *layer, part + at_) } else { 0 };
                    assert_eq!(found, [0, 1, 2, 3].map(channel), "{name}{to} at {at:?} of layer {layer}");
                }
            }
        }
    }
}

/// Runs a store of one thread on a plane of 4 × 3 texels of a byte and two channels, which hold 0xFF; what it holds then.
fn stored(instruction: &str, x: i32, y: i32) -> Result<Vec<u8>, String> {
    let mut device = device(instruction);
    let array = array(&mut device, (Format::U8, 2, Geometry::Plane), [4, 3, 1], 1, |_, _| vec![0xFFu8; 2]);
    let (address, pitch) = (array.levels[0].address, array.levels[0].pitch as usize);
    let handle = device.object(Object::Surface(array));
    let mut given = words([x as u32, y as u32, 0x1234_5678]);
    given[3] = 0x9ABC_DEF0;
    run(&mut device, handle, &[given])?;
    let all: Vec<u8> = device.read(address, 3 * pitch);
    // Behind the rows there is nothing of the surface, and nothing is written.
    assert!(all.chunks(pitch).all(|row| row[8..].iter().all(|byte| *byte == 0)));
    Ok(all.chunks(pitch).flat_map(|row| row[..8].to_vec()).collect())
}

/// The bytes that are other than 0xFF, with their places.
fn changed(bytes: &[u8]) -> Vec<(usize, u8)> {
    bytes.iter().copied().enumerate().filter(|(_, byte)| *byte != 0xFF).collect()
}

#[test]
fn stores_write_as_many_bytes_as_they_say() {
    let half = "cvt.u16.u32 %h0, %c2; sust.b.2d.b8.trap [%t, {%c0, %c1}], %h0;";
    assert_eq!(changed(&stored(half, 3, 1).unwrap()), [(11, 0x78)]);
    let whole = "cvt.u16.u32 %h0, %c2; sust.b.2d.wb.b16.trap [%t, {%c0, %c1}], {%h0};";
    assert_eq!(changed(&stored(whole, 6, 2).unwrap()), [(22, 0x78), (23, 0x56)]);
    let two = "sust.b.2d.v2.b32.trap [%t, {%c0, %c1}], {%c2, %c3};";
    let bytes = [0x78, 0x56, 0x34, 0x12, 0xF0, 0xDE, 0xBC, 0x9A];
    assert_eq!(stored(two, 0, 1).unwrap()[8..16], bytes);
    let wide = "mov.b64 %from, {%c2, %c3}; sust.b.2d.b64.trap [%t, {%c0, %c1}], %from;";
    assert_eq!(stored(wide, 0, 0).unwrap()[..8], bytes);
}

#[test]
fn outside_nothing_is_written_or_the_nearest_or_it_ends() {
    let store = |outside| format!("sust.b.2d.b32.{outside} [%t, {{%c0, %c1}}], %c2;");
    let places = |start: usize| [(start, 0x78), (start + 1, 0x56), (start + 2, 0x34), (start + 3, 0x12)];
    for (x, y, nearest) in [(-4, 1, 8), (8, 0, 4), (400, 2, 20), (4, -1, 4), (0, 3, 16), (-8, -9, 0)] {
        assert_eq!(changed(&stored(&store("zero"), x, y).unwrap()), []);
        assert_eq!(changed(&stored(&store("clamp"), x, y).unwrap()), places(nearest));
        let why = stored(&store("trap"), x, y).unwrap_err();
        let told = format!(
            "accesses 4 bytes of a surface at byte {x}, row {y}, plane 0, layer 0, outside of its 8 bytes, 3 rows"
        );
        assert!(why.contains(&told), "{why}");
    }
    let why = stored(&store("clamp"), 2, 0).unwrap_err();
    assert!(why.contains("accesses 4 bytes at byte 2 of a surface's row, which is not aligned"), "{why}");
}

#[test]
fn loads_outside_are_zeros_or_the_nearest() {
    let (left, corner) = (word([0, 1, 0], 0, 0), word([4, 3, 0], 0, 0));
    for (outside, expected) in [("zero", [0; 3]), ("clamp", [left, corner, corner])] {
        let mut device = device(&format!("mov.u32 %d0, 5; suld.b.2d.b32.{outside} %d0, [%t, {{%c0, %c1}}];"));
        let array = array(&mut device, (Format::U32, 1, Geometry::Plane), [5, 4, 1], 1, |at, _| vec![word(at, 0, 0)]);
        let handle = device.object(Object::Surface(array));
        let given = [words([-8i32 as u32, 1]), words([20, 8]), words([1 << 20, 3])];
        let found = run(&mut device, handle, &given).unwrap();
        assert_eq!(found.iter().map(|words| words[0]).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn surfaces_tell_what_they_are() {
    let mut device = device(
        "suq.width.b32 %d0, [%t]; suq.height.b32 %d1, [%t]; suq.array_size.b32 %d2, [%t]; suq.memory_layout.b32 %d3, [%t];",
    );
    let array = array(&mut device, (Format::U8, 1, Geometry::Planes), [5, 4, 1], 3, |_, _| vec![0u8]);
    let handle = device.object(Object::Surface(array));
    assert_eq!(run(&mut device, handle, &[words([])]).unwrap(), [[5, 4, 3, 0]]);
}
