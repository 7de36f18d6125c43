//! Written orders of augmentation, and what ops of theirs refuse.

use warptape::op::augment::{
    Augmentation, Channels, Coloured, Colouring, Edge, Geometric, Mix, Mixing, Stage, colour, mix, sample,
};
use warptape::{DType, Tensor};

use crate::support::devices;

fn order(text: &str) -> Augmentation {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn orders_are_read() {
    let all = order("resized-crop(0.5-1.0, 0.75-1.33)+flip + rotate(45)+grey(0.5)");
    let part = Geometric::ResizedCrop { scale: [0.5, 1.0], ratio: [0.75, 1.33] };
    assert_eq!(all.geometry, [part, Geometric::Flip, Geometric::Rotate(45.0)]);
    assert_eq!((all.colours, all.mixing), (vec![Colouring::Grey(0.5)], None));
    let all = order("hue(0.1)+brightness(0.4)+cutout(8)+contrast(0.2)+saturation(2)+cutmix(1)");
    assert_eq!(all.geometry, []);
    let colours = [
        Colouring::Hue(0.1),
        Colouring::Brightness(0.4),
        Colouring::Cutout(8),
        Colouring::Contrast(0.2),
        Colouring::Saturation(2.0),
    ];
    assert_eq!((all.colours.as_slice(), all.mixing), (&colours[..], Some(Mixing::Cutmix(1.0))));
    assert_eq!(order("mixup(0.2)").mixing, Some(Mixing::Mixup(0.2)));
    // What there was before orders.
    let whole = |text| order(text).whole_pixels();
    assert_eq!(
        [whole("none"), whole("crop4"), whole("flip")],
        [Some((None, false)), Some((Some(4), false)), Some((Some(0), true))]
    );
    assert_eq!([whole("crop4+flip"), whole("flip+crop64")], [Some((Some(4), true)), Some((Some(64), true))]);
    assert_eq!([whole("grey(1)"), whole("crop")], [Some((Some(0), false)); 2]);
    assert_eq!([whole("crop4(reflect)"), whole("flip+rotate(1)")], [None; 2]);
    assert_eq!(order("crop2+flip(alternating)").whole_pixels(), None);
}

#[test]
fn what_is_no_order_is_told_with_what_to_write() {
    let message = |text: &str| text.parse::<Augmentation>().unwrap_err().to_string();
    for (text, parts) in [
        ("", &["there is no ''", "use none", "resized-crop(A-B,R-S), crop, cropN or cropN(reflect), flip"][..]),
        ("crop4+shear(3)", &["'crop4+shear(3)'", "there is no 'shear(3)'", "mixup(ALPHA), cutmix(ALPHA)"]),
        ("none+flip", &["there is no 'none'"]),
        ("crop0", &["'crop0' is not crop, cropN or cropN(reflect): N from 1 to 64"]),
        ("crop(reflect)", &["N from 1 to 64"]),
        ("crop65", &["N from 1 to 64"]),
        ("crop4(mirror)", &["cropN(reflect)"]),
        ("flip(0.5)", &["'flip(0.5)' is not flip or flip(alternating): it takes nothing else"]),
        ("flip+flip(alternating)", &["flip stands there twice: leave one out"]),
        ("rotate", &["'rotate' is not rotate(DEGREES): above 0 and up to 180"]),
        ("rotate(181)", &["up to 180"]),
        ("rotate(nan)", &["up to 180"]),
        ("rotate(45", &["rotate(DEGREES)"]),
        ("grey(0)", &["a probability above 0 and up to 1"]),
        ("hue(0.6)", &["up to 0.5"]),
        ("brightness(-1)", &["X above 0"]),
        ("brightness(inf)", &["X above 0"]),
        ("cutout(0.5)", &["'cutout(0.5)' is not cutout(N): N pixels"]),
        ("resized-crop(0.5-1.5,1-1)", &["up to 1"]),
        ("resized-crop(1-0.5,1-1)", &["resized-crop(A-B,R-S)"]),
        ("resized-crop(0.5-1)", &["resized-crop(A-B,R-S)"]),
        ("flip+flip", &["flip stands there twice: leave one out"]),
        ("grey(0.5)+flip", &["flip comes before grey: first what moves pixels, then colours"]),
        ("mixup(1)+cutout(3)", &["cutout comes before mixup"]),
        ("mixup(1)+cutmix(1)", &["use mixup or cutmix, not both"]),
    ] {
        let message = message(text);
        let told = parts.iter().all(|part| message.contains(part)) && message.lines().count() == 1;
        assert!(told, "{text}: {message}");
    }
}

#[test]
fn margins_fit_images() {
    let parts = |text: &str, sizes| order(text).check(sizes).map_err(|error| error.to_string());
    let check = |text: &str, size| parts(text, [size; 2]);
    assert_eq!(
        [check("crop8", [6, 8]), check("crop5(reflect)+mixup(1)", [6, 8]), check("grey(1)", [1, 1])],
        [Ok(()), Ok(()), Ok(())]
    );
    let message = check("flip+crop6(reflect)", [6, 8]).unwrap_err();
    assert_eq!(message, "augmentation 'crop6(reflect)': images of 6 x 8 pixels take a margin of at most 5");
    assert!(check("crop9", [6, 8]).unwrap_err().contains("at most 8"));
    assert!(check("crop1(reflect)", [1, 8]).unwrap_err().contains("at most 0"));
    // A crop has its margin around what it crops: what is loaded, or what another has cut out.
    let loaded = [[10, 12], [6, 8]];
    assert_eq!(
        [parts("crop9(reflect)", loaded), parts("crop+rotate(9)", loaded), parts("crop12", loaded)],
        [const { Ok(()) }; 3]
    );
    let after = "resized-crop(0.5-1,1-1)+crop6(reflect)";
    assert!(parts(after, loaded).unwrap_err().contains("images of 6 x 8 pixels take a margin of at most 5"));
    for (order, sizes) in [("crop", [[6, 8]; 2]), ("resized-crop(0.5-1,1-1)+crop", loaded)] {
        let message = parts(order, sizes).unwrap_err();
        assert!(
            message.contains("'crop': leaves pictures as they are") && message.contains("‹load_size›"),
            "{message}"
        );
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let (_, device) = &devices()[0];
    let images = Tensor::zeros(device, [2, 4, 4, 3], DType::U8).unwrap();
    let indices = Tensor::zeros(device, [2], DType::I32).unwrap();
    let stage = Stage { map: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], window: [0.0, 3.0, 0.0, 3.0], edge: Edge::Clamped };
    let other = Stage { edge: Edge::Black, ..stage };
    let sampled = |maps: &[Vec<Stage>]| sample(&images, &indices, 0, [4, 4], maps, &Channels::PLAIN, DType::F32);
    assert!(sampled(&[vec![stage], vec![stage]]).is_ok());
    for maps in
        [&[][..], &[vec![], vec![]], &[vec![stage], vec![other]], &[vec![stage], vec![stage; 2]], &[vec![stage; 17]]]
    {
        assert!(sampled(maps).is_err(), "{maps:?}");
    }
    assert!(sampled(&vec![vec![stage]; 3]).is_err(), "more maps than indices");
    let flat = Channels { std: [0.0; 3], ..Channels::PLAIN };
    assert!(sample(&images, &indices, 0, [4, 4], &[vec![stage]], &flat, DType::F32).is_err());

    let x = Tensor::zeros(device, [2, 4, 4, 3], DType::F32).unwrap();
    let (grey, bright) = (Coloured::Grey(true), Coloured::Contrast(1.0));
    let coloured = |lists: &[Vec<Coloured>]| colour(&x, lists, &Channels::PLAIN, DType::F32);
    assert!(coloured(&[vec![grey], vec![grey]]).is_ok());
    let lists = [
        vec![vec![grey]],
        vec![vec![]; 2],
        vec![vec![grey], vec![bright]],
        vec![vec![bright; 2]; 2],
        vec![vec![grey; 9]; 2],
    ];
    assert!(lists.iter().all(|lists| coloured(lists).is_err()));
    assert!(colour(&images, &[vec![grey], vec![grey]], &Channels::PLAIN, DType::F32).is_err());

    assert!(mix(&x, &Mix::blend([4, 4], 0.5)).is_ok());
    let outside = Mix { rows: [0, 5], columns: [0, 4], weight: 0.0, label: 0.0 };
    assert!(mix(&x, &outside).is_err() && mix(&images, &Mix::blend([4, 4], 0.5)).is_err());
    assert!(mix(&x, &Mix { rows: [3, 2], ..outside }).is_err());
}
