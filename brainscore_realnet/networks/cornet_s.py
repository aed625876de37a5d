"""CORnet-S: four cortical areas, three of them recurrent, and a decoder.

Kubilius, Schrimpf et al., "Brain-Like Object Recognition with High-Performing Shallow Recurrent ANNs", NeurIPS 2019.
Modules bear the published names, so that published checkpoints load strictly. Imports torch alone, because this file
travels inside leaderboard submissions.
"""

import math
from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

AREAS = ("V1", "V2", "V4", "IT")
"""Modules that stand for cortical areas; a forward hook on one sees its final recurrent step."""

EXPANSION = 4
"""Channels inside a recurrent block per channel of its output."""


class SharedConv2d(nn.Conv2d):
    """Convolution without bias whose weight serves several strides: the stride belongs to the call."""

    def forward(self, input: Tensor, stride: int = 1) -> Tensor:
        """Convolve (n, channels, h, w) with the given stride."""
        return functional.conv2d(input, self.weight, stride=stride, padding=self.padding)


class RecurrentArea(nn.Module):
    """Bottleneck block that is applied `times` times with shared convolutions and batch norms of each step's own.

    With x_0 = conv_input(input), and for each step t = 0 … times − 1:

        skip_t  = norm_skip(skip(x_0)) if t = 0 else x_t
        x_(t+1) = relu(skip_t + norm3_t(conv3(relu(norm2_t(conv2(relu(norm1_t(conv1(x_t)))))))))

    conv2 (and skip) have stride 2 at t = 0 and conv2 has stride 1 later: the first step halves the image's side.

    Parameters
    ----------
    in_channels, out_channels : int
    times : int
        Recurrent steps.
    """

    def __init__(self, in_channels: int, out_channels: int, times: int) -> None:
        super().__init__()
        wide = out_channels * EXPANSION
        self.times = times
        self.conv_input = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.skip = nn.Conv2d(out_channels, out_channels, kernel_size=1, stride=2, bias=False)
        self.norm_skip = nn.BatchNorm2d(out_channels)
        self.conv1 = nn.Conv2d(out_channels, wide, kernel_size=1, bias=False)
        self.conv2 = SharedConv2d(wide, wide, kernel_size=3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(wide, out_channels, kernel_size=1, bias=False)
        for t in range(times):
            self.add_module(f"norm1_{t}", nn.BatchNorm2d(wide))
            self.add_module(f"norm2_{t}", nn.BatchNorm2d(wide))
            self.add_module(f"norm3_{t}", nn.BatchNorm2d(out_channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (n, in_channels, h, w) to the last step's (n, out_channels, ⌈h/2⌉, ⌈w/2⌉)."""
        x = self.conv_input(inputs)
        for t in range(self.times):
            skip, stride = (self.norm_skip(self.skip(x)), 2) if t == 0 else (x, 1)
            x = functional.relu(getattr(self, f"norm1_{t}")(self.conv1(x)))
            x = functional.relu(getattr(self, f"norm2_{t}")(self.conv2(x, stride=stride)))
            x = functional.relu(getattr(self, f"norm3_{t}")(self.conv3(x)) + skip)
        return x


def _primary_area(width: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False),
            norm1=nn.BatchNorm2d(width),
            nonlin1=nn.ReLU(),
            pool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            conv2=nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False),
            norm2=nn.BatchNorm2d(width),
            nonlin2=nn.ReLU(),
        )
    )


class CORnetS(nn.Module):
    """CORnet-S with fresh weights; children `V1`, `V2`, `V4`, `IT` and `decoder`; 53,416,616 parameters.

    The recurrent areas V2, V4 and IT take 2, 4 and 2 steps. Neither modules nor tensors that a hook may keep are
    changed during a forward pass, so that threads can share a network and `torch.compile` can trace it.

    Parameters
    ----------
    width : int
        Channels of V1; V2, V4 and IT have 2, 4 and 8 times as many. CORnet-S has 64, narrower ones are quick to train.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.V1 = _primary_area(width)
        self.V2 = RecurrentArea(width, 2 * width, times=2)
        self.V4 = RecurrentArea(2 * width, 4 * width, times=4)
        self.IT = RecurrentArea(4 * width, 8 * width, times=2)
        self.decoder = nn.Sequential(
            OrderedDict(avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), linear=nn.Linear(8 * width, 1000))
        )
        self._initialise()

    def _initialise(self) -> None:
        # He et al. 2015 by fan-out: std = √(2 / (kernel height · kernel width · output channels)).
        # Batch norms start at weight 1 and bias 0 and the decoder as torch makes them, as in the published code.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = math.prod(module.kernel_size) * module.out_channels
                nn.init.normal_(module.weight, 0.0, math.sqrt(2 / fan_out))

    def forward(self, images: Tensor) -> Tensor:
        """Classify images.

        Parameters
        ----------
        images : Tensor, shape (n, 3, h, w), floating
            Normalised with ImageNet's mean and standard deviation; any size, published at 224 × 224.

        Returns
        -------
        Tensor, shape (n, 1000)
            ImageNet logits. At 224 × 224 the areas put out (n, 64, 56, 56), (n, 128, 28, 28), (n, 256, 14, 14) and
            (n, 512, 7, 7).
        """
        return self.decoder(self.IT(self.V4(self.V2(self.V1(images)))))
