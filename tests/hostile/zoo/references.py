"""Files that refer to other files: nothing of those may be seen in a result."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from ..common import NotMadeError, ffmpeg
from .case import Case, Expect, Make, Studio, coded

MARKER_S = 3.0
"""Length of the clip that is referred to, with a face in it: nothing else here is as long, or has one."""

_HIDDEN = Expect(None, ticks=(1, 60), faces=(0, 0))
_REFUSED = Expect(1)

_HLS = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:10
#EXTINF:3,
{target}
#EXT-X-ENDLIST
"""
_DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S" minBufferTime="PT1S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">
<Representation id="1" bandwidth="1000"><BaseURL>{target}</BaseURL>
<SegmentBase indexRange="0-10"/></Representation></AdaptationSet></Period></MPD>
"""
_TEXTS: dict[str, str] = {
    "hls.m3u8": _HLS, "hls.mp4": _HLS, "hls.ts": _HLS, "hls.txt": _HLS, "dash.mpd": _DASH, "dash.mp4": _DASH,
    "list.m3u": "#EXTM3U\n#EXTINF:3,x\n{target}\n",
    "list.pls": "[playlist]\nFile1={target}\nNumberOfEntries=1\n",
    "list.ffconcat": "ffconcat version 1.0\nfile {target}\n",
    "list.mp4": "ffconcat version 1.0\nfile {target}\n",
    "list.wav": "ffconcat version 1.0\nfile '{target}'\nduration 3\n",
    "list.concat": "file '{target}'\n", "talk.smil": "<smil><body><video src='{target}'/></body></smil>",
    "talk.asx": "<asx version='3'><entry><ref href='{target}'/></entry></asx>",
    "talk.wpl": "<?wpl version='1.0'?><smil><body><seq><media src='{target}'/></seq></body></smil>",
    "talk.xspf": "<playlist version='1'><trackList><track><location>{target}</location>"
                 "</track></trackList></playlist>",
    "talk.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
                "a=rtpmap:96 H264/90000\n",
    "talk.svg": "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' "
                "width='160' "
                "height='160'><image xlink:href='{picture}' width='160' height='160'/></svg>",
    "talk.xml": "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM '{picture}'>]><a>&x;</a>",
    "talk.srt": "1\n00:00:00,000 --> 00:00:03,000\n<img src='{picture}'>\n",
    "talk.vtt": "WEBVTT\n\n00:00.000 --> 00:03.000\nhello\n",
    "talk.ass": "[Script Info]\nScriptType: v4.00+\n[Events]\nFormat: Layer, Start, End, Style, Text\n"
                "Dialogue: 0,0:00:00.00,0:00:03.00,Default,hello\n",
    "talk.lrc": "[00:00.00]hello\n[00:03.00]again\n", "talk.sub": "{{0}}{{75}}hello\n",
    "talk.f4m": "<manifest xmlns='http://ns.adobe.com/f4m/1.0'><media url='{target}'/></manifest>",
    "talk.ism": "<?xml version='1.0'?><SmoothStreamingMedia MajorVersion='2'><StreamIndex Url='{target}'/>"
                "</SmoothStreamingMedia>",
    "imf.xml": "<?xml version='1.0'?><CompositionPlaylist xmlns='http://www.smpte-ra.org/schemas/2067-3/2013'>"
               "<Id>urn:uuid:0</Id><EditRate>25 1</EditRate><SegmentList/></CompositionPlaylist>",
    "talk.ffmetadata": ";FFMETADATA1\ntitle={target}\n",
    "talk.avs": "AviSource('{target}')\n", "talk.vpy": "import vapoursynth\n",
    "talk.rtf": "{{\\rtf1 {target}}}", "talk.url": "[InternetShortcut]\nURL=file://{folder}/{target}\n",
    "talk.desktop": "[Desktop Entry]\nURL={target}\n",
    "talk.cue": "FILE \"{sound}\" WAVE\n  TRACK 01 AUDIO\n",
    "talk.mlv": "MLVI\x34\0\0\0", "talk.qtl": "<?quicktime?><embed src='{target}'/>",
    "talk.ram": "file://{folder}/{target}\n",
    "master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n",
    "key.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-KEY:METHOD=AES-128,URI=\"{picture}\"\n#EXTINF:3,\n"
                "{target}\n#EXT-X-ENDLIST\n",
    "absolute.m3u8": _HLS.replace("{target}", "{folder}/{target}"),
    "scheme.m3u8": _HLS.replace("{target}", "file://{folder}/{target}"),
    "concat.m3u8": _HLS.replace("{target}", "concat:{target}|{target}"),
    "subfile.m3u8": _HLS.replace("{target}", "subfile,,start,0,end,9999999,,:{target}"),
    "http.m3u8": _HLS.replace("{target}", "http://127.0.0.1:9/x.ts"),
    "absolute.ffconcat": "ffconcat version 1.0\nfile '{folder}/{target}'\n",
    "options.ffconcat": "ffconcat version 1.0\nfile {target}\noption safe 0\n",
}  # fmt: skip


def _beside(studio: Studio, folder: Path) -> dict[str, str]:
    """Put what is referred to beside the case."""
    (folder / "marker.ts").exists() or ffmpeg("-i", studio.talk(MARKER_S), "-c", "copy", folder / "marker.ts")
    (folder / "marker.png").write_bytes(studio.picture().read_bytes())
    (folder / "marker.wav").write_bytes(studio.sound().read_bytes())
    (folder / "marker.mp4").write_bytes(studio.talk(MARKER_S).read_bytes())
    return {"target": "marker.ts", "picture": "marker.png", "sound": "marker.wav", "folder": str(folder)}


def _text(name: str, text: str) -> Make:
    def make(studio: Studio, folder: Path) -> Path:
        path = folder / name
        path.write_text(text.format(**_beside(studio, folder)))
        return path

    return make


def _texts() -> list[Case]:
    return [Case("refers", name, _text(name, text), _HIDDEN) for name, text in _TEXTS.items()]


def _sequence(name: str) -> Make:
    """Name a file like a pattern, with the pictures of that pattern beside it."""

    def make(studio: Studio, folder: Path) -> Path:
        for number in range(75):
            (folder / f"shot{number:03}.png").write_bytes(studio.picture().read_bytes())
        path = folder / name
        # The file itself is a picture without a face.
        ffmpeg("-f", "lavfi", "-i", "color=gray:s=64x64", "-frames:v", "1", "-update", "1", "-f", "image2",
               folder / "plain.png")  # fmt: skip
        (folder / "plain.png").rename(path)
        return path

    return make


def _dref(path_in_box: Callable[[Path], bytes], kind: bytes = b"url ") -> Make:
    """Let the tracks of a MOV say that their samples lie in another file."""

    def make(studio: Studio, folder: Path) -> Path:
        _beside(studio, folder)
        content = (folder / "marker.mp4").read_bytes()
        at = content.find(b"dref")
        if at < 0:
            raise NotMadeError("no box dref")
        said = path_in_box(folder) + b"\0"
        moov = bytearray(content[content.index(b"moov") - 4 :])
        moov = _with_references(moov, kind, said)
        path = folder / "refers.mov"
        path.write_bytes(content[: content.index(b"mdat") - 4] + bytes(moov))
        return path

    return make


def _with_references(moov: bytearray, kind: bytes, said: bytes) -> bytearray:
    """Replace each `url ` entry of a box `moov`, and grow all boxes around it."""
    entry = struct.pack(">I", 12 + len(said)) + kind + bytes(4) + said
    grown = len(entry) - 12
    at = 0
    while (at := moov.find(b"url ", at)) >= 0:
        around = _boxes_around(moov, at)
        moov[at - 4 : at + 8] = entry
        for place in around:
            size = struct.unpack_from(">I", moov, place)[0]
            struct.pack_into(">I", moov, place, size + grown)
        at += len(entry)
    return moov


def _boxes_around(data: bytearray, target: int) -> list[int]:
    """Find the sizes of the boxes that hold a place."""
    found, start, end = [], 0, len(data)
    heads = {b"moov": 8, b"trak": 8, b"mdia": 8, b"minf": 8, b"dinf": 8, b"dref": 16}
    while start < end:
        size, kind = struct.unpack_from(">I", data, start)[0], bytes(data[start + 4 : start + 8])
        if size < 8:
            break
        if start < target < start + size and kind in heads:
            found.append(start)
            start, end = start + heads[kind], start + size
        else:
            start += size
    return found


def _alias(folder: Path) -> bytes:
    """Give the record of an alias, as old Macs wrote it."""
    path = str(folder / "marker.mp4").encode()
    name = b"marker.mp4"
    record = (
        bytes(6)
        + struct.pack(">HH", 2, 0)
        + bytes(28)
        + bytes([len(name)])
        + name.ljust(63, b"\0")
        + bytes(44)
    )
    record += struct.pack(">hh", 2, len(path)) + path + bytes(len(path) % 2)
    return (
        record + struct.pack(">hh", 18, len(path)) + path + bytes(len(path) % 2) + struct.pack(">hh", -1, 0)
    )


def _containers() -> list[Case]:
    odd: list[tuple[str, Make]] = [
        ("mov-url", _dref(lambda folder: b"marker.mp4")),
        ("mov-url-absolute", _dref(lambda folder: str(folder / "marker.mp4").encode())),
        ("mov-url-scheme", _dref(lambda folder: b"file://" + str(folder / "marker.mp4").encode())),
        ("mov-alias", _dref(_alias, b"alis")),
        ("mkv-linked", _linked_mkv),
        ("avi-openDML-index", coded("clip.avi", "-an", "-vf", "drawbox=t=fill", "-c:v", "mpeg4", "-t",
        "0.4")),
        ("pattern-3", _sequence("shot%03d.png")),
        ("pattern-glob", _sequence("shot*.png")),
        ("first-of-a-sequence", _sequence("shot000.png")),
        ("jpg-as-list", _text("shot.jpg", "file marker.png\n")),
    ]  # fmt: skip
    return [Case("refers", name, make, _HIDDEN) for name, make in odd]


def _linked_mkv(studio: Studio, folder: Path) -> Path:
    """Let a Matroska file name its next segment."""
    _beside(studio, folder)
    path = folder / "linked.mkv"
    ffmpeg("-f", "lavfi", "-i", "color=gray:s=64x64:r=25", "-t", "0.4", "-metadata",
           "NEXT_UID=marker", "-c:v", "mjpeg", path)  # fmt: skip
    content = path.read_bytes()
    at = content.find(b"\x15\x49\xa9\x66")
    if at < 0:
        raise NotMadeError("no segment info")
    # The name of the next file in the place of the writing application, without changing any size.
    app = content.find(b"WA", at)
    length = 3 + (content[app + 2] & 0x7F)
    name = b"marker.mp4".ljust(length - 4, b"\0")
    mark = b"\x3e\x83\xbb" + bytes([0x80 | len(name)]) + name
    path.write_bytes(content[:app] + mark + content[app + length :])
    return path


def cases() -> list[Case]:
    """Give all cases of this file."""
    return [*_texts(), *_containers()]
