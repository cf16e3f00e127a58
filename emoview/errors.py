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
    """

    def __init__(self, message: str) -> None:
        super().__init__(name_of(message))


class InputError(EmoviewError):
    """The input cannot be analysed."""


class DecodeError(InputError):
    """The input was opened, but nothing could be decoded from it."""


class NoResultError(InputError):
    """A file was taken for a result, but is something else."""


class DatasetError(InputError):
    """A data set does not have the layout that was asked for."""


class OutputError(EmoviewError):
    """A result could not be written."""


class ClusterError(EmoviewError):
    """The machines that were to do the work cannot be reached, or are not set up for it."""


class DeviceError(EmoviewError):
    """The device that was asked for is not there."""


class WeightsError(EmoviewError):
    """A weight file is missing or not the one that was shipped."""
