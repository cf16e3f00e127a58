"""The exceptions of the package.

EmoviewError            anything that emoview itself reports
├── InputError          the input cannot be analysed: what is wrong, and what to do
│   ├── DecodeError     the input was opened, but nothing could be decoded from it
│   ├── NoResultError   a file was taken for a result, but is something else
│   └── DatasetError    a data set does not have the layout, or the part, that was asked for
├── OutputError         a result could not be written; nothing half-written is left
├── ClusterError        the machines that were to do the work cannot be reached, or do not do
├── DeviceError         the device that was asked for is not there
└── WeightsError        a weight file is missing or not the one that was shipped
"""

from __future__ import annotations

from emoview.common.text import name_of


class EmoviewError(Exception):
    """Anything that emoview itself reports. The message is one sentence or two for a person, on one line.

    What is quoted in it comes from files and names, so whatever works unseen becomes escapes.

    Examples:
        >>> try:
        ...     result = analyze("missing.mp4")
        ... except EmoviewError as error:
        ...     print(error)
        missing.mp4 does not exist: check the name and the folder
    """

    def __init__(self, message: str) -> None:
        super().__init__(name_of(message))


class InputError(EmoviewError):
    """The input cannot be analysed.

    Examples:
        >>> analyze("clip.mp4", start_s=60)
        Traceback (most recent call last):
        emoview.errors.InputError: clip.mp4 ...
    """


class DecodeError(InputError):
    """The input was opened, but nothing could be decoded from it.

    Examples:
        >>> issubclass(DecodeError, InputError)
        True
    """


class NoResultError(InputError):
    """A file was taken for a result, but is something else.

    Examples:
        >>> size = Path("other.json").write_text("{}")
        >>> read("other.json")
        Traceback (most recent call last):
        emoview.errors.NoResultError: other.json is not a result of emoview analyze: name the JSON of one
    """


class DatasetError(InputError):
    """A data set does not have the layout that was asked for.

    Examples:
        >>> from emoview.datasets.pictures import open_pictures
        >>> try:
        ...     pictures = open_pictures(Path("no-pictures"))
        ... except DatasetError:
        ...     print("no pictures")
        no pictures
    """


class OutputError(EmoviewError):
    """A result could not be written.

    Examples:
        >>> try:
        ...     path = result.save("clip.mp4/result.json")
        ... except OutputError:
        ...     print("not written: clip.mp4 is no folder")
        not written: clip.mp4 is no folder
    """


class ClusterError(EmoviewError):
    """The machines that were to do the work cannot be reached, or are not set up for it.

    Examples:
        >>> issubclass(ClusterError, EmoviewError)
        True
    """


class DeviceError(EmoviewError):
    """The device that was asked for is not there.

    Examples:
        >>> issubclass(DeviceError, EmoviewError)
        True
    """


class WeightsError(EmoviewError):
    """A weight file is missing or not the one that was shipped.

    Examples:
        >>> issubclass(WeightsError, EmoviewError)
        True
    """
