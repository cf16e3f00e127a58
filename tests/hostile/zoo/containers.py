"""Every container that this ffmpeg writes, with pictures and sound, and with one of them."""

from __future__ import annotations

from .case import Case, Expect, coded

_SECOND = (22, 30)
_RESULT = Expect(ticks=_SECOND)
# Formats that few people have: a result as long as the clip, or a sentence.
_RARE = Expect(None, ticks=(1, 60))

# Extension; video coder with its options; sound coder with its options; other options.
_BOTH: dict[str, tuple[str, str, str]] = {
    "mp4": ("libx264 -preset ultrafast", "aac", ""),
    "m4v": ("libx264 -preset ultrafast", "aac", "-f ipod"),
    "mov": ("mjpeg", "pcm_s16be", ""),
    "mkv": ("libx264 -preset ultrafast", "flac", ""),
    "webm": ("libvpx -deadline realtime -cpu-used 8", "libopus", ""),
    "avi": ("mpeg4", "libmp3lame", ""),
    "flv": ("flv1", "libmp3lame -ar 44100", ""),
    "f4v": ("libx264 -preset ultrafast", "aac", ""),
    "ts": ("libx264 -preset ultrafast", "aac", ""),
    "m2ts": ("libx264 -preset ultrafast", "ac3", "-f mpegts -mpegts_m2ts_mode 1"),
    "mpg": ("mpeg1video", "mp2", ""),
    "vob": ("mpeg2video", "ac3", ""),
    "vcd.mpg": ("mpeg1video -s 352x288", "mp2 -ar 44100", "-f vcd"),
    "svcd.mpg": ("mpeg2video -s 480x576", "mp2 -ar 44100", "-f svcd"),
    "3gp": ("h263 -s 176x144", "aac", ""),
    "3g2": ("libx264 -preset ultrafast", "aac", ""),
    "asf": ("msmpeg4", "wmav1", ""),
    "wmv": ("wmv2", "wmav2", ""),
    "ogv": ("libtheora", "libvorbis", ""),
    "nut": ("ffv1", "pcm_s16le", ""),
    "mxf": ("mpeg2video", "pcm_s16le -ar 48000", ""),
    "gxf": ("mpeg2video -s 720x576 -pix_fmt yuv420p", "pcm_s16le -ar 48000 -ac 1", ""),
    "dv": ("dvvideo -s 720x576 -pix_fmt yuv420p", "pcm_s16le -ar 48000 -ac 2", ""),
    "ismv": ("libx264 -preset ultrafast", "aac", ""),
    "swf": ("flv1", "libmp3lame -ar 44100", ""),
    "rm": ("rv10", "ac3", ""),
    "wtv": ("mpeg2video", "mp2", ""),
    "roq": ("roqvideo -r 30", "roq_dpcm -ar 22050 -ac 1", ""),
    "amv": ("amv -r 25 -pix_fmt yuvj420p", "adpcm_ima_amv -ar 22050 -ac 1", "-block_size 882"),
    "mjpg.smjpeg": ("mjpeg", "adpcm_ima_smjpeg", "-f smjpeg"),
    "cak": ("cinepak", "pcm_s16be", "-f film_cpk"),
    "avm2.swf": ("mjpeg", "libmp3lame -ar 44100", "-f avm2"),
    "fragments.mp4": (
        "libx264 -preset ultrafast -g 5",
        "aac",
        "-movflags frag_keyframe+empty_moov",
    ),
    "fast.mp4": ("libx264 -preset ultrafast", "aac", "-movflags faststart"),
    "hevc.mp4": ("libx265 -preset ultrafast", "aac", ""),
    "av1.mp4": ("libsvtav1 -preset 12", "libopus", ""),
    "vp9.webm": ("libvpx-vp9 -deadline realtime -cpu-used 8", "libvorbis", ""),
    "live.mkv": ("libx264 -preset ultrafast", "aac", "-live 1"),
    "latm.ts": ("libx264 -preset ultrafast", "aac", "-mpegts_flags latm"),
    "psp.mp4": ("libx264 -preset ultrafast", "aac", "-f psp"),
}
_USUAL = frozenset(
    [
        "mp4",
        "m4v",
        "mov",
        "mkv",
        "webm",
        "avi",
        "flv",
        "f4v",
        "ts",
        "m2ts",
        "mpg",
        "vob",
        "3gp",
        "3g2",
        "asf",
        "wmv",
        "ogv",
        "mxf",
        "fragments.mp4",
        "fast.mp4",
        "hevc.mp4",
        "av1.mp4",
        "vp9.webm",
    ]
)

_SOUND: dict[str, str] = {
    "wav": "-c:a pcm_s16le", "w64": "", "rf64.wav": "-rf64 always", "aiff": "", "aifc.aif": "-c:a pcm_alaw",
    "au": "", "caf": "-c:a pcm_s24le", "flac": "", "mp3": "", "mp2": "", "ac3": "", "eac3": "", "aac": "",
    "m4a": "", "alac.m4a": "-c:a alac", "mka": "", "weba.webm": "-c:a libopus", "opus": "", "ogg": "",
    "oga": "-c:a flac", "spx.ogg": "-c:a libopus -f ogg", "tta": "", "wv": "", "wma": "",
    "amr": "-ar 8000 -ac 1", "sox": "", "voc": "", "ircam": "", "mmf": "-ar 8000 -ac 1", "rso": "-ac 1",
    "wsaud": "-ac 1", "dts": "-strict -2 -ar 48000", "thd": "-c:a truehd -strict -2 -ar 48000 -f truehd",
    "mlp": "-strict -2 -ar 48000", "ast": "", "oma": "-c:a pcm_s16be", "g722": "", "adx": "", "latm": "",
    "aptx": "-ac 2", "sbc": "-ac 2", "dfpwm.wav": "-c:a dfpwm", "s302m.ts": "-c:a s302m -strict -2 -ar 48000",
    "g726": "-ar 8000 -ac 1", "apm": "-ac 2", "alp": "-ar 22050", "kvag": "", "sph.wav": "-c:a pcm_mulaw",
    "sound.rm": "-c:a ac3", "loas.latm": "-f latm", "gsm7.sw": "-f s16le", "al": "-f alaw -ar 8000 -ac 1",
}  # fmt: skip
_USUAL_SOUND = frozenset(
    [
        "wav",
        "w64",
        "rf64.wav",
        "aiff",
        "aifc.aif",
        "au",
        "caf",
        "flac",
        "mp3",
        "aac",
        "m4a",
        "alac.m4a",
        "mka",
        "weba.webm",
        "opus",
        "ogg",
        "oga",
        "wma",
        "amr",
        "ac3",
    ]
)

_PICTURES: dict[str, str] = {
    "h264": "-c:v libx264 -preset ultrafast", "hevc": "-c:v libx265 -preset ultrafast",
    "m1v": "-c:v mpeg1video", "m2v": "-c:v mpeg2video", "mpeg4.m4v": "-c:v mpeg4 -f m4v",
    "mjpeg": "-c:v mjpeg", "ivf": "-c:v libvpx -deadline realtime -cpu-used 8",
    "obu": "-c:v libsvtav1 -preset 12", "y4m": "-pix_fmt yuv420p", "gif": "", "apng": "-f apng",
    "many.webp": "-c:v libwebp_anim", "one.avif": "-frames:v 1 -c:v libsvtav1 -preset 12",
    "many.avif": "-c:v libsvtav1 -preset 12", "h261": "-s 352x288 -r 29.97", "h263": "-s 352x288",
    "drc": "-c:v vc2 -strict -2 -f dirac -pix_fmt yuv420p", "266": "-c:v libvvenc -preset faster -f vvc",
    "mpjpeg": "-f mpjpeg", "pipe.png": "-f image2pipe -c:v png", "pipe.jpg": "-f image2pipe -c:v mjpeg",
    "dnxhd": "-c:v dnxhd -s 1280x720 -b:v 90M -pix_fmt yuv422p", "apv": "-c:v liboapv", "xbm": "-frames:v 1",
    "one.jxl": "-frames:v 1", "one.jp2": "-frames:v 1", "film.filmstrip": "-pix_fmt rgba -f filmstrip",
}  # fmt: skip
_USUAL_PICTURES = frozenset(["h264", "m1v", "m2v", "mjpeg", "ivf", "obu", "y4m", "gif"])


def cases() -> list[Case]:
    """Give every container three times, where it can hold that."""
    found = []
    for end, (video, audio, rest) in _BOTH.items():
        expect = _RESULT if end in _USUAL else _RARE
        more, name = rest.split(), f"clip.{end}"
        pictures, sound = ["-c:v", *video.split()], ["-c:a", *audio.split()]
        found += [
            Case("container", f"{end}-both", coded(name, *pictures, *sound, *more), expect),
            Case("container", f"{end}-sound", coded(name, "-vn", *sound, *more), expect),
            Case("container", f"{end}-pictures", coded(name, "-an", *pictures, *more), expect),
        ]
    for end, options in _SOUND.items():
        expect = _RESULT if end in _USUAL_SOUND else _RARE
        found.append(Case("sound-file", end, coded(f"clip.{end}", "-vn", *options.split()), expect))
    for end, options in _PICTURES.items():
        expect = _RESULT if end in _USUAL_PICTURES else _RARE
        found.append(Case("picture-file", end, coded(f"clip.{end}", "-an", *options.split()), expect))
    return found
