//! Which layer is embedded if nobody chooses: what the last one gets.

use warptape::device::Target;
use warptape::device::dry::Dry;
use warptape::embed::features::list;
use warptape::explain::layers::shape;
use warptape::nn::models;
use warptape::{DType, Device, Tensor};

#[test]
fn it_is_what_the_last_layer_gets() {
    let device = Device::new(Box::new(Dry::new(Target::Host { lanes: 8 })));
    let cases = [
        ("little-conv", 32, "avgpool", "256"),
        ("resnet18", 32, "avgpool", "512"),
        ("resnet50:stem=imagenet", 64, "avgpool", "2048"),
        // The activation function behind the last hidden layer; dropout does nothing here, and has no output of its own.
        ("vgg16_bn", 32, "classifier.4", "512"),
    ];
    for (spec, size, name, wanted) in cases {
        let model = models::build(spec, 5, [size; 2], &device, 0).unwrap();
        let (found, default) = list(&model, &Tensor::zeros(&device, [1, size, size, 3], DType::F32).unwrap()).unwrap();
        assert_eq!(default, name, "{spec}: {found:?}");
        let output = found.iter().find(|(layer, _)| *layer == default).unwrap();
        assert_eq!(shape(&output.1), wanted, "{spec}");
    }
}
