//! What pooling does where the cases' distinct values do not look: ties, NaN, infinities, and windows it refuses.

use warptape::op::pool::{Sizes, Window, avg_pool, global_avg_pool, max_pool};
use warptape::{Device, Tape, Tensor};

use crate::support::devices;

const HALVING: Window = Window::new([2, 2], [2, 2], [0, 0]);

/// Output and input gradient of max pooling `values` (one image, one channel) with upstream gradients 1, 2, 3, ….
fn pooled(device: &Device, values: &[f32], [h, w]: [usize; 2], window: Window) -> (Vec<f32>, Vec<f32>) {
    let x = Tensor::from_slice(device, [1, h, w, 1], values).unwrap();
    let mut tape = Tape::new();
    tape.watch(&x);
    let y = max_pool(&mut tape, &x, window).unwrap();
    let upstream: Vec<f32> = (1..=y.elements()).map(|i| i as f32).collect();
    let upstream = Tensor::from_slice(device, y.shape(), &upstream).unwrap();
    let gradients = tape.backward_from(&y, upstream).unwrap();
    device.check_guards().unwrap();
    (y.to_vec().unwrap(), gradients.get(&x).unwrap().to_vec().unwrap())
}

#[test]
fn the_first_of_equal_maxima_takes_the_gradient() {
    for (label, device) in devices() {
        let (y, dx) = pooled(&device, &[0.0, 5.0, 7.0, 7.0, 5.0, 5.0, 7.0, 7.0], [2, 4], HALVING);
        assert_eq!(y, [5.0, 7.0], "{label}");
        assert_eq!(dx, [0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0], "{label}");
        // Overlapping windows, one pixel the maximum of all of them: it gets all their gradients.
        let window = Window::new([2, 2], [1, 1], [0, 0]);
        let (_, dx) = pooled(&device, &[0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0], [3, 3], window);
        assert_eq!(dx, [0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0], "{label}");
    }
}

#[test]
fn a_nan_wins_its_windows_and_no_others() {
    for (label, device) in devices() {
        let nan = f32::NAN;
        for at in [0, 1, 4, 5] {
            let mut values = [9.0, 1.0, 2.0, 3.0, 1.0, 1.0, 4.0, 1.0];
            values[at] = nan;
            let (y, dx) = pooled(&device, &values, [2, 4], HALVING);
            assert!(y[0].is_nan() && y[1] == 4.0, "{y:?} [{label}]");
            assert_eq!(dx[at], 1.0, "the NaN takes the gradient [{label}]");
        }
    }
}

#[test]
fn a_window_of_negative_infinities_gives_its_first_pixel_the_gradient() {
    let window = Window::new([3, 3], [2, 2], [1, 1]);
    for (label, device) in devices() {
        let (y, dx) = pooled(&device, &[f32::NEG_INFINITY; 4], [2, 2], window);
        assert_eq!((y, dx), (vec![f32::NEG_INFINITY], vec![1.0, 0.0, 0.0, 0.0]), "{label}");
    }
}

#[test]
fn padding_counts_as_zeros_in_the_average() {
    let window = Window::new([3, 3], [1, 1], [1, 1]);
    for (label, device) in devices() {
        let x = Tensor::full(&device, [1, 3, 3, 1], 9.0).unwrap();
        let y = avg_pool(&mut Tape::new(), &x, window).unwrap().to_vec::<f32>().unwrap();
        assert_eq!(y, [4.0, 6.0, 4.0, 6.0, 9.0, 6.0, 4.0, 6.0, 4.0], "{label}");
    }
}

/// As text, sizes are what they were made of.
#[test]
fn sizes_are_read_as_they_are_written() {
    let plain = "n1 h9 w8 c3 size3,2 stride2,2 pad1,0";
    for more in ["", " dilation2,1", " ceil", " dilation2,3 ceil"] {
        let text = format!("{plain}{more}");
        assert_eq!(text.parse::<Sizes>().unwrap().to_string(), text);
    }
    for more in ["x", "ceil ceil", "dilation2", "ceil dilation2,2"] {
        assert!(format!("{plain} {more}").parse::<Sizes>().is_err(), "{more}");
    }
}

#[test]
fn impossible_windows_are_refused() {
    let (_, device) = devices().remove(0);
    let message = |dims: &[usize], size: [usize; 2], stride: [usize; 2], padding: [usize; 2]| {
        let x = Tensor::full(&device, dims, 0.0).unwrap();
        max_pool(&mut Tape::new(), &x, Window::new(size, stride, padding)).unwrap_err().to_string()
    };
    let image = [1, 4, 4, 2];
    assert_eq!(
        message(&image, [5, 5], [1, 1], [0, 0]),
        "max_pool: input [1, 4, 4, 2], window [5, 5], stride [1, 1], padding [0, 0]: \
         the window is larger than the padded image"
    );
    assert!(message(&image, [3, 3], [1, 1], [2, 1]).contains("padding of more than half the window"));
    assert!(message(&image, [2, 2], [0, 1], [0, 0]).contains("at least 1"));
    assert!(message(&[4, 4], [2, 2], [2, 2], [0, 0]).contains("want [N, H, W, C]"));
    assert!(message(&[1, 40, 40, 1], [17, 16], [1, 1], [0, 0]).contains("more than 256 taps"));
    let gaps = |dilation: [usize; 2], padding: [usize; 2]| {
        let x = Tensor::full(&device, [1, 2, 9, 1], 0.0).unwrap();
        let window = Window { dilation, ..Window::new([2, 2], [1, 1], padding) };
        [max_pool(&mut Tape::new(), &x, window), avg_pool(&mut Tape::new(), &x, window)]
            .map(|y| y.unwrap_err().to_string())
    };
    let [max, mean] = gaps([3, 1], [1, 0]);
    assert!(max.ends_with("the gaps between taps are wider than the image: windows without a pixel"), "{max}");
    assert_eq!(mean, "avg_pool: dilation [3, 1]: the mean is of windows without gaps");
    assert!(gaps([1, 0], [0, 0])[0].contains("dilations must be at least 1"));
    let empty = Tensor::full(&device, [2, 0, 3, 4], 0.0).unwrap();
    assert!(global_avg_pool(&mut Tape::new(), &empty).is_err());
}
