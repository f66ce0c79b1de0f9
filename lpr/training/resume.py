"""Go on from a net that was written for the product: from ONNX back to what can learn.

Writing folds each normalisation into the convolution before it. Here it is taken out again, with
the means and variances of pictures at hand, so that the net answers what the file answers, and
learns as one that was never folded.
"""

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from lpr.image_file import Picture
from lpr.training.learning import as_input
from lpr.training.net import PlateNet

_Folded = tuple[Tensor, Tensor]
"""Weight and bias of a convolution."""


def unfolded(path: Path, *, pictures: Picture) -> PlateNet:
    """Read a net that `lpr.training.export` wrote; `pictures` (some hundred) are usual inputs."""
    folded = list(_convolutions(path))
    net = PlateNet(width=folded[0][0].shape[0])
    net.eval()
    layers = [layer for layer in net.modules() if isinstance(layer, (nn.Conv1d, nn.Conv2d))]
    norms = [
        layer for layer in net.modules() if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))
    ]
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, folded, strict=True):
            layer.weight.copy_(weight)
            if layer.bias is not None:
                layer.bias.copy_(bias)
        biases = (bias for _, bias in folded)
        hooks = [
            norm.register_forward_pre_hook(_Unfold(bias))
            for norm, bias in zip(norms, biases, strict=False)  # the head has none
        ]
        net(as_input(pictures))
    for hook in hooks:
        hook.remove()
    return net


class _Unfold:
    """Sets a normalisation, just before it works, so that it only adds the bias folded in."""

    def __init__(self, bias: Tensor) -> None:
        self._bias = bias

    def __call__(self, norm: nn.Module, inputs: tuple[Tensor]) -> None:
        others = [axis for axis in range(inputs[0].dim()) if axis != 1]
        variance, mean = torch.var_mean(inputs[0], dim=others)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(self._bias + mean)


def _convolutions(path: Path) -> list[_Folded]:
    graph = onnx.load(path).graph
    values = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    return [
        (torch.tensor(values[node.input[1]]), torch.tensor(values[node.input[2]]))
        for node in graph.node
        if node.op_type == "Conv"
    ]
