"""The three pairs of bench/train_step: as programs of ours, as PyTorch modules, and their synthetic data.

Both train the same: one encoder a modality, features concatenated, a linear layer, cross-entropy, SGD with
momentum 0.9 and weight decay 1e-4.
"""
import numpy as np

TRAIN = """
target kind : class[{classes}] = files.label
fusion = concat -> linear(classes)
train {{
  batch     = {batch}
  optimizer = sgd(lr = 1e-3, momentum = 0.9, weight_decay = 1e-4)
  stage joint {{ epochs = 1
                method = concat() }}
}}
"""

MODALITY = "modality {name} : {type}[{shape}] {{ input = files.{name}\n encoder = {encoder} }}\n"


class Pair:
    def __init__(self, title, batch, classes, views):
        self.title, self.batch, self.classes = title, batch, classes
        self.views = views                     # (name, type, shape, encoder of ours, name of the PyTorch module)

    def program(self, data):
        head = f'use encoders, methods\ndata files = npz("{data}/train.npz", test = "{data}/test.npz")\n'
        views = "".join(MODALITY.format(name=n, type=t, shape=", ".join(map(str, s)), encoder=e) for n, t, s, e, _ in self.views)
        return head + views + TRAIN.format(batch=self.batch, classes=self.classes)

    def arrays(self, samples, seed):
        rng = np.random.default_rng(seed)
        arrays = {name: rng.standard_normal((samples, *shape), dtype=np.float32) for name, _, shape, _, _ in self.views}
        arrays["label"] = rng.integers(0, self.classes, samples)
        arrays["label"][: self.classes] = np.arange(self.classes)
        return arrays

    def write(self, folder, samples):
        np.savez(folder / "train.npz", **self.arrays(samples, 1))
        np.savez(folder / "test.npz", **self.arrays(max(self.classes, 16), 2))


PAIRS = {
    "cnn": Pair("CNN pair, batch 64", 64, 10, [
        ("gray", "image", (1, 28, 28), "cnn4() -> linear(64)", "cnn4"),
        ("color", "image", (3, 28, 28), "cnn4() -> linear(64)", "cnn4")]),
    "resnet18": Pair("ResNet-18 pair, batch 8", 8, 6, [
        ("audio", "spectrogram", (1, 257, 299), "resnet18() -> linear(64)", "resnet18"),
        ("visual", "image", (3, 224, 224), "resnet18() -> linear(64)", "resnet18")]),
    "mlp": Pair("two-view MLP, batch 32", 32, 10, [
        ("fourier", "vector", (76,), "linear(64) -> relu -> linear(64)", "mlp"),
        ("zernike", "vector", (47,), "linear(64) -> relu -> linear(64)", "mlp")]),
}


def module(pair):
    """The PyTorch model of a pair."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inputs, width, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.relu = nn.ReLU(inplace=True)
            self.downsample = None
            if stride != 1 or inputs != width:
                self.downsample = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

        def forward(self, x):
            skip = x if self.downsample is None else self.downsample(x)
            y = self.relu(self.bn1(self.conv1(x)))
            return self.relu(self.bn2(self.conv2(y)) + skip)

    def cnn4(channels):
        relu = lambda: nn.ReLU(inplace=True)
        return nn.Sequential(nn.BatchNorm2d(channels), nn.Conv2d(channels, 32, 5, 1, 2), relu(), nn.MaxPool2d(3, 2, 1),
                             nn.Conv2d(32, 32, 3, 1, 1), relu(), nn.Conv2d(32, 64, 3, 2, 1), relu(), nn.Conv2d(64, 64, 3, 1, 1), relu(),
                             nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 512), nn.Linear(512, 64))

    def resnet18(channels):
        blocks = [Block(64, 64, 1), Block(64, 64, 1)]
        for inputs, width in ((64, 128), (128, 256), (256, 512)):
            blocks += [Block(inputs, width, 2), Block(width, width, 1)]
        return nn.Sequential(nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
                             nn.MaxPool2d(3, 2, 1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 64))

    def mlp(width):
        return nn.Sequential(nn.Linear(width, 64), nn.ReLU(inplace=True), nn.Linear(64, 64))

    makers = {"cnn4": cnn4, "resnet18": resnet18, "mlp": mlp}

    class Fused(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoders = nn.ModuleList(makers[m](shape[0]) for _, _, shape, _, m in pair.views)
            self.fusion = nn.Linear(64 * len(pair.views), pair.classes)

        def forward(self, *views):
            return self.fusion(torch.cat([e(v) for e, v in zip(self.encoders, views)], 1))

    torch.manual_seed(1)
    return Fused()
