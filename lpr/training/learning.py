"""Learning: from samples to weights, the same from the same seed on the same machine."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from lpr.image_file import Picture
from lpr.own_net import CHARACTERS
from lpr.training.cache import SampleSet
from lpr.training.net import PlateNet

_BLANK = 0
_READ_AT_ONCE = 256
_TEMPERATURES = (0.6, 3.0, 49)
"""From, to, how many."""
_OUTPUT_OF = {character: index for index, character in enumerate(CHARACTERS, start=1)}


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How to learn."""

    seed: int = 1
    batch: int = 32
    steps: int = 6000
    rate: float = 3e-3
    """The highest learning rate; it rises for a tenth of the steps and then falls to nothing."""
    decay: float = 0.02
    average: float = 0.998
    """The weights that are kept are a moving average over the last steps."""
    threads: int = 1


def learn(
    net: PlateNet,
    *,
    batches: Iterator[SampleSet],
    recipe: Recipe,
    progress: Callable[[int, float, PlateNet], None],
) -> PlateNet:
    """Learn from batches; answer the averaged net. `progress` hears step, loss and average."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=recipe.rate, total_steps=recipe.steps, pct_start=0.1
    )
    net.to(memory_format=torch.channels_last)  # a fifth quicker on processors
    average = deepcopy(net).eval()
    loss_of = nn.CTCLoss(blank=_BLANK, zero_infinity=True)
    net.train()
    for step in range(1, recipe.steps + 1):
        batch = next(batches)
        scores = net(as_input(batch.pictures).contiguous(memory_format=torch.channels_last))
        loss = _ctc(loss_of, scores, batch.texts)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        _follow(average, net, min(recipe.average, step / (step + 50)))
        progress(step, float(loss.detach()), average)
    return average


def as_input(pictures: Picture) -> Tensor:
    """Turn pictures into what the net takes."""
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).float()


def mixed_batches(
    parts: Sequence[tuple[SampleSet, float]], *, size: int, seed: int
) -> Iterator[SampleSet]:
    """Draw batches for ever: from each set its share, each time lit and moved a little anew."""
    chance = np.random.default_rng(seed)
    weights = np.array([share for _, share in parts])
    decks: list[list[int]] = [[] for _ in parts]
    while True:
        pictures, texts = [], []
        for part in chance.choice(len(parts), size, p=weights / weights.sum()).tolist():
            samples = parts[part][0]
            if not decks[part]:
                decks[part] = chance.permutation(len(samples.texts)).tolist()
            number = decks[part].pop()
            pictures.append(samples.pictures[number])
            texts.append(samples.texts[number])
        yield SampleSet(pictures=_relit(np.stack(pictures), chance), texts=tuple(texts))


def accuracy(net: PlateNet, samples: SampleSet) -> float:
    """Answer the share of samples read exactly, without the grammar: 0.0 to 1.0."""
    texts = greedy(net, samples.pictures)
    return sum(a == b for a, b in zip(texts, samples.texts, strict=True)) / len(texts)


def temperature_for(net: PlateNet, samples: SampleSet) -> float:
    """Find what to divide the scores by, so that the net is as sure as it is right.

    The temperature under which the samples' texts are likeliest (Guo and others, 2017).
    """
    loss_of = nn.CTCLoss(blank=_BLANK, zero_infinity=True)
    with torch.inference_mode():
        scores = torch.cat(
            [
                net(as_input(samples.pictures[start : start + _READ_AT_ONCE]))
                for start in range(0, len(samples.texts), _READ_AT_ONCE)
            ]
        )
        tried = np.linspace(*_TEMPERATURES).tolist()
        return float(
            min(tried, key=lambda value: float(_ctc(loss_of, scores / value, samples.texts)))
        )


def greedy(net: PlateNet, pictures: Picture) -> list[str]:
    """Read pictures, each step's likeliest output."""
    texts = []
    for start in range(0, len(pictures), _READ_AT_ONCE):
        with torch.inference_mode():
            best = net(as_input(pictures[start : start + _READ_AT_ONCE])).argmax(dim=2).numpy()
        for row in best:
            kept = [b for i, b in enumerate(row) if b != _BLANK and (i == 0 or b != row[i - 1])]
            texts.append("".join(CHARACTERS[output - 1] for output in kept))
    return texts


def _ctc(loss_of: nn.CTCLoss, scores: Tensor, texts: Sequence[str]) -> Tensor:
    shares = scores.log_softmax(dim=2).transpose(0, 1)
    steps = torch.full((scores.shape[0],), scores.shape[1])
    lengths = torch.tensor([len(text) for text in texts])
    outputs = torch.tensor([_OUTPUT_OF[character] for text in texts for character in text])
    loss: Tensor = loss_of(shares, outputs, steps, lengths)
    return loss


def _follow(average: PlateNet, net: PlateNet, share: float) -> None:
    with torch.no_grad():
        for kept, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(new, 1 - share)
            else:
                kept.copy_(new)


def _relit(pictures: Picture, chance: np.random.Generator) -> Picture:
    """Change gain and offset a little, and roll by a pixel or two, so that no picture recurs."""
    count = len(pictures)
    gain = np.exp(chance.normal(0, 0.12, (count, 1, 1, 1)))
    offset = chance.normal(0, 8, (count, 1, 1, 3))
    lit = np.clip(pictures * gain + offset, 0, 255).astype(np.uint8)
    across, down = chance.integers(-2, 3, count), chance.integers(-1, 2, count)
    for number in range(count):
        lit[number] = np.roll(lit[number], (down[number], across[number]), axis=(0, 1))
    return lit
