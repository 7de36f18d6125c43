//! Cube maps: the middle of each texel of each face, by the direction in which it is seen.

use warptape_ptx::texture::{Format, Geometry, Sampler};

use super::{Words, array, device, floats, run, texture};

/// Each face's direction, and those in which its columns and rows go: the table of the programming guide ("Cubemap Textures"),
/// read backwards.
const FACES: [[[f32; 3]; 3]; 6] = [
    [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]],
    [[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]],
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
    [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]],
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]],
    [[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]],
];

const SIDE: u32 = 8;

/// Directions of all texels of a face, a little longer than the cube.
fn directions(face: usize) -> Vec<[f32; 3]> {
    let [toward, along, down] = FACES[face];
    let middle = |at: u32| (2 * at + 1) as f32 / SIDE as f32 - 1.0;
    let texels = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
    let direction =
        |(x, y)| std::array::from_fn(|at| 4.0 * (toward[at] + middle(x) * along[at] + middle(y) * down[at]));
    texels.map(direction).collect()
}

#[test]
fn every_texel_is_seen_in_its_direction() {
    let one = "tex.cube.v4.u32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c1, %c2, %c3, %c3}];";
    let many = "tex.acube.v4.u32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1, %c2, %c3}];";
    for (geometry, instruction, cubes) in [(Geometry::Cube, one, 1), (Geometry::Cubes, many, 3)] {
        let mut device = device(instruction);
        let array = array(&mut device, (Format::U32, 1, geometry), [SIDE, SIDE, 1], 6 * cubes, |[x, y, _], layer| {
            vec![10_000 * layer + 100 * y + x]
        });
        let handle = texture(&mut device, &array, Sampler::default());
        for (cube, face) in (0..cubes).flat_map(|cube| (0..6).map(move |face| (cube, face))) {
            let given: Vec<Words> =
                directions(face as usize).iter().map(|[x, y, z]| floats([f32::from_bits(cube), *x, *y, *z])).collect();
            for (number, found) in run(&mut device, handle, &given).unwrap().iter().enumerate() {
                let (x, y) = (number as u32 % SIDE, number as u32 / SIDE);
                assert_eq!(found[0], 10_000 * (6 * cube + face) + 100 * y + x, "{geometry:?}, face {face}");
            }
        }
    }
}

#[test]
fn neighbours_are_of_the_same_face() {
    let mut device = device("tex.cube.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1, %c2, %c2}];");
    let array = array(&mut device, (Format::F32, 1, Geometry::Cube), [SIDE, SIDE, 1], 6, |[x, _, _], layer| {
        vec![(100 * layer + x) as f32]
    });
    let handle = texture(&mut device, &array, Sampler { linear: true, ..Sampler::default() });
    // Face +z, whose columns go along x: between two of them, and at both its edges.
    let given = [floats([0.0, 0.1, 1.0]), floats([-1.0, 0.0, 1.0]), floats([0.999, 0.0, 1.0])];
    let found = run(&mut device, handle, &given).unwrap();
    assert_eq!(found.iter().map(|texel| f32::from_bits(texel[0])).collect::<Vec<_>>(), [403.5, 400.0, 407.0]);
}
