"""What is known of a recording, of the faces and voices in it, and of the weights that took part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What was analysed.

    Examples:
        >>> result.media.duration_s, result.media.width, result.media.face_share
        (2.0, 480, 1.0)

    Attributes:
        path: Input path or address, as given.
        duration_s: Length of the timeline, in seconds: of what could be decoded.
        ticks: Number of ticks.
        width: Width of the displayed frame, in pixels. Missing without video.
        height: Height of the displayed frame, in pixels. Missing without video.
        frame_rate: Nominal frame rate of the file, in Hz. Missing without video or if unknown.
        rotation: Degrees by which frames were rotated for display.
        video_codec: Video codec. Missing without video.
        audio_codec: Audio codec. Missing without sound.
        audio_rate: Sampling rate of the file, in Hz. Missing without sound.
        audio_channels: Channel layout, such as `stereo`. Missing without sound.
        audio_level_db: Mean sound level, in dB below full scale. Missing if silent.
        face_share: Share of ticks with a face, from 0 to 1.
        speech_share: Share of ticks with speech, from 0 to 1.
        faces: Number of face tracks.
        start_s: Where the timeline starts in the file, in seconds. 0 unless a stretch was requested.
        created: When the recording began, as the file says, in ISO 8601. Missing if it does not.
        capture_rate: Rate at which the frames were captured, as the file says, in Hz. Missing if it does not.
        ffmpeg: Version of the ffmpeg that decoded the file. Missing in older results.
        persons: Number of persons whose faces these are.
        sha256: SHA-256 of the file. Missing in results of earlier versions.
        widened: How much wider the pictures were taken to be than they are stored: 1 for as they are.
    """

    path: str
    duration_s: float
    ticks: int
    width: int | None
    height: int | None
    frame_rate: float | None
    rotation: int
    video_codec: str | None
    audio_codec: str | None
    audio_rate: int | None
    audio_channels: str | None
    audio_level_db: float | None
    face_share: float
    speech_share: float
    faces: int
    start_s: float = 0.0
    created: str | None = None
    capture_rate: float | None = None
    ffmpeg: str | None = None
    persons: int = 0
    sha256: str | None = None
    widened: float = 1.0


@dataclass(frozen=True, slots=True)
class FaceFound:
    """A face track.

    Examples:
        >>> [(face.person, face.start_s, face.end_s) for face in result.faces]
        [(0, 0.0, 2.0)]

    Attributes:
        face_id: Track number.
        person: Number of the person.
        start_s: Start of the first tick in which it was found, in seconds.
        end_s: End of the last, in seconds.
        ticks: Number of ticks in which it was found.
        still: Whether the person's face does not move at all, as on a photograph.
    """

    face_id: int
    person: int
    start_s: float
    end_s: float
    ticks: int
    still: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice that is heard.

    Examples:
        >>> [(voice.voice_id, voice.person) for voice in result.speakers]
        [(0, 0)]

    Attributes:
        voice_id: Its number, by first words.
        seconds: For how long it is heard.
        person: Number of the person whose lips move with it. Missing if it is nobody's in the picture.
    """

    voice_id: int
    seconds: float
    person: int | None


@dataclass(frozen=True, slots=True)
class WeightUsed:
    """A weight file that took part.

    Examples:
        >>> sorted(used.name for used in result.weights)[:2]
        ['face_cnn.onnx', 'face_gru.onnx']

    Attributes:
        name: File name; of a network of a run behind what it is for, such as `face/resnet18.keras`.
        sha256: SHA-256 of the content.
    """

    name: str
    sha256: str
