"""Pictures of high dynamic range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import ffmpeg

from emoview.media import tool
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.pipeline import warnings
from emoview.timeline.options import Options

BARS = "smptebars=s=96x64:r=25:d=0.2,format=yuv444p,setparams=range=tv:colorspace=bt709"
TAGGED = f"{BARS}:color_primaries=bt709:color_trc=bt709"


def first(path: Path) -> np.ndarray:
    with PictureDecoder(probe(path), longest_side=96) as decoder:
        return next(iter(decoder))[1].astype(float)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_pictures_of_high_range_look_as_usual_ones(
    transfer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if not tool.maps_tones():
        pytest.skip("this ffmpeg cannot map tones")
    usual, high = tmp_path / "usual.mkv", tmp_path / "high.mkv"
    linear = f"{TAGGED},zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020"
    wide = f"zscale=t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv444p10le"
    ffmpeg("-f", "lavfi", "-i", TAGGED, "-c:v", "ffv1", str(usual))
    ffmpeg(
        "-f", "lavfi", "-i", f"{linear},{wide}", "-c:v", "ffv1", "-color_trc", transfer, "-color_primaries",
        "bt2020", "-colorspace", "bt2020nc", str(high),
    )  # fmt: skip
    media = probe(high)
    assert media.video is not None
    assert media.video.hdr == transfer
    mapped = np.abs(first(high) - first(usual)).mean()
    monkeypatch.setattr("emoview.media.decode.maps_tones", lambda: False)
    flat = np.abs(first(high) - first(usual)).mean()
    assert mapped < 16
    assert flat > 1.5 * mapped
    assert not any("dynamic range" in one for one in warnings.of_modality(media, Options(modality="face")))
    monkeypatch.setattr("emoview.pipeline.given.maps_tones", lambda: False)
    said = warnings.of_modality(media, Options(modality="face"))
    assert any("high dynamic range" in one and "zscale" in one for one in said)
