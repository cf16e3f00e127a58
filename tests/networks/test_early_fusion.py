"""Networks of early fusion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from trained import said_by

from emoview.networks.choices import EARLY_VARIANTS
from emoview.networks.early_fusion import early_network


@pytest.mark.parametrize("variant", EARLY_VARIANTS)
def test_early_fusions_ignore_padding(variant: Any):
    network = early_network(variant, embedding=6, descriptors=4, units=8, sound_units=4)
    values = np.random.default_rng(0).normal(size=(1, 5, 10)).astype(np.float32)
    whole, ticks = said_by(network, (values, np.ones((1, 5), bool)))
    assert ticks.shape == (1, 5, 7)
    longer = np.concatenate([values, np.full((1, 7, 10), 9, np.float32)], axis=1)
    padded, _ = said_by(network, (longer, np.arange(12)[None] < 5))
    np.testing.assert_allclose(whole, padded, atol=1e-5)
