"""The endings of names by which files in a folder are taken for media."""

from __future__ import annotations

from typing import Final


def _endings(*named: str) -> frozenset[str]:
    return frozenset(f".{name}" for names in named for name in names.split())


SOUND: Final = _endings(
    "3ga aa3 aac ac3 ac4 adts aif aifc aiff amr ape au avr awb bwf caf dsf dts dtshd ec3 eac3 f4a",
    "flac g722 gsm isma latm loas m2a m4a m4b m4r mka mlp mp1 mp2 mp3 mpa mpc nist oga ogg oma omg opus",
    "qcp ra rf64 sf shn snd sph spx tak thd tta voc w64 wav wave wma wv xa xwma",
)
"""Extensions, in lower case, of files that hold sound alone, as a rule."""

MEDIA: Final = SOUND | _endings(
    # Films and recordings, by the families of their containers.
    "3g2 3gp 3gp2 3gpp 3gpp2 f4v ismv lrv m4v mj2 mov mp4 mp4v mqv psp qt insv",
    "mk3d mkv webm asf wmv dvr-ms wtv avi divx xvid amv flv kux gxf mxf nut nsv ogm ogv ogx",
    # MPEG and what camcorders, recorders and surveillance cameras call it.
    "evo m2p m2t m2ts m2v mod mpe mpeg mpg mpv mts tod tp trp ts vob vro m1v dav dif dv",
    "roq rm rmvb ivr smk swf y4m",
    # One stream of pictures, and pictures that move.
    "264 265 266 avc av1 h261 h263 h264 h265 h266 h26l hevc ivf mjpeg mjpg obu rcv vc1 vvc",
    "apng gif",
)
"""Extensions, in lower case.

They are those of the readers of ffmpeg that emoview lets near a file (`emoview.media.tool.CONTAINERS`), and
the names that devices give to the same containers.  Single pictures and subtitles are none.
"""
