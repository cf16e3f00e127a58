"""The shipped weights."""

from __future__ import annotations

from emoview.networks.weights import shipped, weights_folder


def test_shipped_weights_are_what_the_manifest_says():
    names = ("face_cnn", "face_votes", "face_gru", "voice_tcn", "voice_clip", "early_fusion")
    files = [shipped(f"{name}.weights.h5").path for name in names] + [shipped("fusion.json").path]
    assert sum(file.stat().st_size for file in files) < 40e6
    assert weights_folder() == files[0].parent
