"""Going on from the net in the repository; only where torch is (`make setup FOR=train`)."""

import numpy as np
import pytest

from lpr import weights
from lpr.detector import session
from lpr.own_net import INPUT_HEIGHT_PIXELS, INPUT_WIDTH_PIXELS

torch = pytest.importorskip("torch", reason="torch is not installed (make setup FOR=train)")


def test_a_net_that_learns_on_answers_at_first_what_the_product_answers() -> None:
    from lpr.training.learning import as_input
    from lpr.training.resume import unfolded

    chance = np.random.default_rng(7)
    shape = (32, INPUT_HEIGHT_PIXELS, INPUT_WIDTH_PIXELS, 3)
    pictures = chance.integers(0, 256, shape, dtype=np.uint8)
    file = weights.own_recognizer()
    product = session(str(file), threads=1)
    temperature = float(product.get_modelmeta().custom_metadata_map["temperature"])
    (expected,) = product.run(None, {"crops": as_input(pictures).numpy()})
    with torch.no_grad():
        scores = unfolded(file, pictures=pictures)(as_input(pictures))
    found = (scores / temperature).softmax(dim=2).numpy()
    assert np.abs(found - expected).max() < 1e-4
