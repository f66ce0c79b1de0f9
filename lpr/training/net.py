"""The net: a small residual column over the crop, then a little context along the plate, then CTC.

Thirty-two steps across a crop of 128 pixels: a character every four steps, so that even eight of
them, and the same one twice, have a blank between.
"""

import torch
from torch import Tensor, nn

from lpr.own_net import CHARACTERS

OUTPUTS = len(CHARACTERS) + 1
"""The first is the blank."""


class PlateNet(nn.Module):
    """Crops (N, 3, 32, 128), blue-green-red, 0 to 255 -> scores (N, 32, OUTPUTS)."""

    def __init__(self, *, width: int = 24) -> None:
        super().__init__()
        w1, w2, w3, w4 = width, width * 2, width * 4, width * 6
        self.column = nn.Sequential(
            _step(3, w1, stride=(2, 2)),
            _Residual(w1),
            _step(w1, w2, stride=(2, 1)),
            _Residual(w2),
            _step(w2, w3, stride=(2, 2)),
            _Residual(w3),
            _step(w3, w4, stride=(2, 1)),
            nn.Conv2d(w4, w4, (2, 1), bias=False),
            nn.BatchNorm2d(w4),
            nn.ReLU(inplace=True),
        )
        self.along = nn.Sequential(_Context(w4), _Context(w4))
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Conv1d(w4, OUTPUTS, 1)

    def forward(self, crops: Tensor) -> Tensor:
        """Answer the scores of each step."""
        features = self.column((crops - 127.5) / 64.0).squeeze(2)
        scores: Tensor = self.head(self.dropout(self.along(features)))
        return scores.transpose(1, 2)


def _step(inputs: int, outputs: int, *, stride: tuple[int, int]) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    """Two convolutions and the way around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _step(channels, channels, stride=(1, 1))
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        answer: Tensor = torch.relu(features + self.second(self.first(features)))
        return answer


class _Context(nn.Module):
    """What stands beside a character, five steps wide."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv1d(channels, channels, 5, padding=2, bias=False), nn.BatchNorm1d(channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        answer: Tensor = torch.relu(features + self.look(features))
        return answer
