"""From weights to the file that the product runs: ONNX, probabilities out, no torch needed."""

from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from lpr.own_net import CHARACTERS, INPUT_HEIGHT_PIXELS, INPUT_WIDTH_PIXELS
from lpr.training.net import PlateNet

OPSET = 17


class _Calibrated(nn.Module):
    """The net with its scores divided by a temperature, as probabilities."""

    def __init__(self, net: PlateNet, temperature: float) -> None:
        super().__init__()
        self.net = net
        self.temperature = temperature

    def forward(self, crops: Tensor) -> Tensor:
        scores: Tensor = self.net(crops) / self.temperature
        return scores.softmax(dim=2)


def export(net: PlateNet, path: Path, *, temperature: float, notes: dict[str, str]) -> None:
    """Write a net to a file, with its characters and notes on its making as metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        _Calibrated(net, temperature).eval(),
        (torch.zeros(1, 3, INPUT_HEIGHT_PIXELS, INPUT_WIDTH_PIXELS),),
        str(path),
        input_names=["crops"],
        output_names=["shares"],
        dynamic_axes={"crops": {0: "count"}, "shares": {0: "count"}},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {**notes, "characters": CHARACTERS})
    model.doc_string = ""
    onnx.save(model, path)
