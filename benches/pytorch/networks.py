"""The networks that `warptape bench train` measures, layer by layer those of engine/src/nn/models, for 32 × 32 images."""

from torch import nn
from torch.nn import functional as F

CLASSES = 10


def little_conv():
    layers, inputs = [], 3
    for width in [32, 64, 128, 256]:
        layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
                   nn.MaxPool2d(2)]
        inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, CLASSES))


def vgg16_bn():
    layers, inputs = [], 3
    for depth, width in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]:
        for _ in range(depth):
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            inputs = width
        layers.append(nn.MaxPool2d(2))
    head = [nn.Linear(512, 512), nn.ReLU(inplace=True), nn.Dropout(0.2), nn.Linear(512, 512), nn.ReLU(inplace=True),
            nn.Dropout(0.2), nn.Linear(512, CLASSES)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)


class Block(nn.Module):
    """Two 3×3 convolutions beside a shortcut."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        same = stride == 1 and inputs == width
        self.shortcut = nn.Identity() if same else nn.Sequential(
            nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return F.relu(self.branch(x) + self.shortcut(x), inplace=True)


def resnet(depths):
    layers = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    inputs = 64
    for stage, depth in enumerate(depths):
        for number in range(depth):
            layers.append(Block(inputs, 64 << stage, 2 if stage > 0 and number == 0 else 1))
            inputs = 64 << stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, CLASSES))


NETWORKS = {
    "little-conv": little_conv,
    "vgg16_bn": vgg16_bn,
    "resnet18": lambda: resnet([2, 2, 2, 2]),
    "resnet34": lambda: resnet([3, 4, 6, 3]),
}
