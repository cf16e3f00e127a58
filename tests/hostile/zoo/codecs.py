"""Every coder of pictures and of sound that this ffmpeg has, in a container that takes it."""

from __future__ import annotations

from .case import Case, Expect, coded

_RARE = Expect(None, ticks=(1, 60))
_RESULT = Expect(ticks=(22, 30))

# Coder with its options; container if not Matroska.
_VIDEO: dict[str, str] = {
    "libx264": "", "libx264rgb": "", "libopenh264": "", "libx265": "-preset ultrafast", "libkvazaar": "",
    "libvpx": "-deadline realtime", "libvpx-vp9": "-deadline realtime", "libsvtav1": "-preset 12",
    "librav1e": "-speed 10", "libaom-av1": "-cpu-used 8 -usage realtime", "libvvenc": "-preset faster",
    "mpeg1video": "", "mpeg2video": "", "mpeg4": "", "libxvid": "", "msmpeg4v2": "avi", "msmpeg4": "avi",
    "wmv1": "asf", "wmv2": "asf", "flv1": "flv", "h261": "-s 352x288 avi", "h263": "-s 352x288 avi",
    "h263p": "avi", "mjpeg": "", "ljpeg": "avi", "jpeg2000": "mov", "libopenjpeg": "mov", "jpegls": "avi",
    "png": "mov", "apng": "nut", "ffv1": "", "ffvhuff": "", "huffyuv": "avi", "utvideo": "avi",
    "magicyuv": "avi", "prores": "mov", "prores_ks": "mov", "prores_aw": "mov", "cfhd": "mov",
    "dnxhd": "-profile:v dnxhr_lb -pix_fmt yuv422p -s 256x256 mov", "hap": "mov", "dxv": "mov",
    "libtheora": "", "snow": "-strict -2 avi", "svq1": "mov", "qtrle": "mov", "rpza": "mov", "smc": "mov",
    "cinepak": "avi", "msvideo1": "avi", "msrle": "avi", "zmbv": "avi", "flashsv": "flv", "flashsv2": "flv",
    "asv1": "avi", "asv2": "avi", "rv10": "rm", "rv20": "rm", "v210": "mov", "r210": "mov", "r10k": "mov",
    "rawvideo": "avi", "dvvideo": "-s 720x576 -pix_fmt yuv420p avi", "speedhq": "nut", "vc2": "mov",
    "libxavs2": "", "liboapv": "mov", "bmp": "avi", "targa": "mov", "tiff": "mov", "gif": "mov",
    "libwebp": "nut", "qoi": "nut", "exr": "nut", "dpx": "nut", "sgi": "mov", "pcx": "avi", "zlib": "avi",
    "yuv4": "mov", "y41p": "avi", "avui": "-s 720x576 mov", "cljr": "avi", "bitpacked": "nut", "ppm": "nut",
    "libjxl": "nut", "hdr": "nut", "fits": "nut", "sunrast": "nut", "xwd": "nut", "wbmp": "nut",
}  # fmt: skip
_AUDIO: dict[str, str] = {
    "aac": "mp4", "ac3": "", "ac3_fixed": "", "eac3": "", "alac": "m4a", "flac": "", "mp2": "",
    "mp2fixed": "",
    "libtwolame": "", "libmp3lame": "", "libopus": "", "opus": "-strict -2", "vorbis": "-strict -2 -ac 2",
    "libvorbis": "", "wavpack": "", "tta": "", "dca": "-strict -2", "mlp": "-strict -2",
    "truehd": "-strict -2", "nellymoser": "-ar 22050 -ac 1 flv", "g722": "-ar 16000 -ac 1 wav",
    "g726": "-ar 8000 -ac 1 wav", "g723_1": "-ar 8000 -ac 1 -b:a 6300 wav", "adpcm_ms": "wav",
    "adpcm_ima_wav": "wav", "adpcm_yamaha": "wav", "adpcm_swf": "-ar 44100 flv", "adpcm_ima_qt": "mov",
    "wmav1": "asf", "wmav2": "asf", "real_144": "-ar 8000 -ac 1 rm",
    "libopencore_amrnb": "-ar 8000 -ac 1 3gp",
    "pcm_alaw": "wav", "pcm_mulaw": "wav", "pcm_s24daud": "-ar 96000 -ac 6 302", "pcm_bluray": "m2ts",
    "pcm_dvd": "-ar 48000 vob", "pcm_vidc": "nut", "dfpwm": "wav", "adpcm_argo": "asf",
    "comfortnoise": "-ar 8000 -ac 1 nut", "sbc": "nut", "aptx": "nut", "s302m": "-strict -2 -ar 48000 ts",
}  # fmt: skip
_USUAL = frozenset(
    [
        "libx264",
        "libx265",
        "libvpx",
        "libvpx-vp9",
        "libsvtav1",
        "mpeg1video",
        "mpeg2video",
        "mpeg4",
        "mjpeg",
        "prores",
        "wmv2",
        "msmpeg4",
        "ffv1",
        "huffyuv",
        "libtheora",
        "rawvideo",
        "flv1",
        "dvvideo",
        "h263p",
        "svq1",
        "cinepak",
        "aac",
        "ac3",
        "alac",
        "flac",
        "mp2",
        "libmp3lame",
        "libopus",
        "libvorbis",
        "wavpack",
        "adpcm_ms",
        "adpcm_ima_wav",
        "wmav2",
        "pcm_alaw",
        "pcm_mulaw",
        "libopencore_amrnb",
    ]
)


def _split(options: str) -> tuple[list[str], str]:
    words = options.split()
    named = words and not words[-1].startswith("-") and (len(words) % 2 == 1)
    return (words[:-1], words[-1]) if named else (words, "mkv")


def cases() -> list[Case]:
    """Give every coder once, without the other modality."""
    found = []
    for kind, drop, table in (("v", "-an", _VIDEO), ("a", "-vn", _AUDIO)):
        for coder, options in table.items():
            more, end = _split(options)
            make = coded(f"clip.{end}", drop, f"-c:{kind}", coder, *more)
            expect = _RESULT if coder in _USUAL else _RARE
            found.append(Case(f"codec-{kind}", coder, make, expect))
    return found
