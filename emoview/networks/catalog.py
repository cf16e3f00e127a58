"""Every architecture by name, with its source and its published size.

Listing the names imports no Keras: an architecture's module is imported when one is built.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from emoview.common.additions import Package, WithAdditions, said

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Builder:
    """A function that builds a network, imported when it is first needed.

    Attributes:
        module: Under `emoview.networks`; of a network of another package, the package.
        function: In that module; of another package, the function itself.
        options: Arguments that make this network of the function's family.
    """

    module: str
    function: str | Callable[..., keras.Model]
    options: tuple[tuple[str, Any], ...] = ()

    def __call__(self, **options: Any) -> keras.Model:
        """Build the network; options are those of the function."""
        return self._import()(**dict(self.options), **options)

    def accepts(self) -> tuple[str, ...]:
        """Name the options that are open to the caller."""
        fixed = dict(self.options)
        return tuple(name for name in inspect.signature(self._import()).parameters if name not in fixed)

    def _import(self) -> Callable[..., keras.Model]:
        if not isinstance(self.function, str):
            return self.function
        function: Callable[..., keras.Model] = getattr(
            import_module(f"emoview.networks.{self.module}"), self.function
        )
        return function


@dataclass(frozen=True)
class Network:
    """An architecture of the catalogue.

    Attributes:
        name: By which `build` knows it.
        family: Of architectures, for listing.
        input_shape: Of one sample: height, width and channels of a picture in [0, 1].
        source: Paper, or system.
        build: Makes the network; keyword arguments are those of the function behind it.
        published_parameters: Trainable parameters in the published form, where there is one:
            with `published_labels` outputs and the usual input.
        published_flops: Two for each published multiply-add, in the same form.
        published_labels: Outputs of the published form.
        note: What else to know before choosing it.
    """

    name: str
    family: str
    input_shape: tuple[int, ...]
    source: str
    build: Builder
    published_parameters: int | None = None
    published_flops: int | None = None
    published_labels: int = 1000
    note: str = ""


STAGED = ("bk", "resnet", "densenet")
"""Families in which each stage may have a dropout of its own."""

_GREY_42 = (42, 42, 1)
_GREY_48 = (48, 48, 1)
_COLOUR = (224, 224, 3)

_SYSTEM_A = "system A"
_SANG = "Sang et al. 2017, KSE"
_VGG = "Simonyan and Zisserman 2015, arXiv:1409.1556"
_RESNET = "He et al. 2016, arXiv:1512.03385"
_SQUEEZE = "Hu et al. 2018, arXiv:1709.01507"
_DENSENET = "Huang et al. 2017, arXiv:1608.06993"

_CATALOGUE = (
    Network(
        "nn1", "image and landmarks", _GREY_48, _SYSTEM_A, Builder("image_landmark", "nn1"),
        note="picture half of the fusions in emoview.networks.image_landmark",
    ),
    Network(
        "nn2", "image and landmarks", (68, 2), _SYSTEM_A, Builder("image_landmark", "nn2"),
        note="landmark half; takes the 68 iBUG landmarks",
    ),
    Network(
        "bkstart", "bk", _GREY_42, _SANG, Builder("bk", "bkstart"),
        note="padded convolutions, poolings that are not",
    ),
    Network(
        "bkmin", "bk", _GREY_42, "system E", Builder("bk", "bkmin"),
        note="bkstart without padding",
    ),
    Network(
        "bkvgg12", "bk", _GREY_42, _SANG, Builder("bk", "bkvgg12"),
        note="nine convolutions and three dense layers",
    ),
    Network(
        "andreas100", "bk", (100, 100, 3), "system E", Builder("bk", "andreas100"),
        note="bkvgg12 with 6x6 filters, for larger pictures in colour",
    ),
    Network(
        "vgg11", "vgg", _COLOUR, _VGG, Builder("vgg", "vgg", (("depth", 11),)),
        132_863_336, 15_220_000_000,
    ),
    Network(
        "vgg11-bn", "vgg", _COLOUR, _VGG,
        Builder("vgg", "vgg", (("depth", 11), ("batch_norm", True), ("name", "vgg11_bn"))),
        132_868_840, 15_220_000_000, note="vgg11 with batch normalisation after each convolution",
    ),
    Network(
        "vgg16", "vgg", _COLOUR, _VGG, Builder("vgg", "vgg", (("depth", 16),)),
        138_357_544, 30_940_000_000,
    ),
    Network(
        "vgg16-face", "vgg", _COLOUR, "Parkhi et al. 2015, Deep Face Recognition",
        Builder("vgg", "vgg16_face"), 145_002_878, None, 2622,
        note="the layers of vgg16, named as in the published weights",
    ),
    Network(
        "resnet18", "resnet", _COLOUR, _RESNET, Builder("resnet", "resnet", (("depth", 18),)),
        11_689_512, 3_628_000_000,
    ),
    Network(
        "resnet34", "resnet", _COLOUR, _RESNET, Builder("resnet", "resnet", (("depth", 34),)),
        21_797_672, 7_328_000_000,
    ),
    Network(
        "resnet50", "resnet", _COLOUR, _RESNET, Builder("resnet", "resnet", (("depth", 50),)),
        25_557_032, 7_720_000_000,
        note="from 64 pixels up with the biases of keras.applications, 0.1 % more parameters",
    ),
    Network(
        "resnet152", "resnet", _COLOUR, _RESNET, Builder("resnet", "resnet", (("depth", 152),)),
        60_192_808, 22_600_000_000,
        note="from 64 pixels up with the biases of keras.applications, 0.1 % more parameters",
    ),
    Network(
        "se-resnet50", "resnet", _COLOUR, _SQUEEZE, Builder("resnet", "se_resnet50"),
        28_088_024, 7_740_000_000,
    ),
    Network(
        "se-resnext50", "resnet", _COLOUR, _SQUEEZE, Builder("resnet", "se_resnext50"),
        27_559_896, 8_500_000_000, note="32 groups of 4",
    ),
    Network(
        "densenet121", "densenet", _COLOUR, _DENSENET, Builder("densenet", "densenet", (("depth", 121),)),
        7_978_856, 5_668_000_000,
    ),
    Network(
        "densenet161", "densenet", _COLOUR, _DENSENET, Builder("densenet", "densenet", (("depth", 161),)),
        28_681_000, 15_456_000_000,
    ),
    Network(
        "densenet169", "densenet", _COLOUR, _DENSENET, Builder("densenet", "densenet", (("depth", 169),)),
        14_149_480, 6_720_000_000,
    ),
    Network(
        "densenet121-reduced", "densenet", _COLOUR, "system E",
        Builder("densenet", "densenet", (("depth", 121), ("reduced", True))),
        note="without the last dense block",
    ),
    Network(
        "densenet161-reduced", "densenet", _COLOUR, "system E",
        Builder("densenet", "densenet", (("depth", 161), ("reduced", True))),
        note="without the last dense block",
    ),
    Network(
        "densenet169-reduced", "densenet", _COLOUR, "system E",
        Builder("densenet", "densenet", (("depth", 169), ("reduced", True))),
        note="without the last dense block",
    ),
    Network(
        "densenet-small", "densenet", _GREY_42, _DENSENET, Builder("densenet", "dense_network"),
        note="three blocks of 4, 8 and 12 layers, growth 16",
    ),
    Network(
        "nasnet-mobile", "nasnet", _COLOUR, "Zoph et al. 2018, arXiv:1707.07012",
        Builder("nasnet", "nasnet_mobile"), 5_289_978, 1_128_000_000,
    ),
    Network(
        "nasnet-large", "nasnet", (331, 331, 3), "Zoph et al. 2018, arXiv:1707.07012",
        Builder("nasnet", "nasnet_large"), 88_753_150,
    ),
    Network(
        "frame-cnn", "frame", _GREY_48, "system B", Builder("frame_cnn", "frame_cnn"),
        note="the widths are our choice",
    ),
    Network(
        "mfcc-cnn", "sound", (40,), "system B",
        Builder("sound", "mfcc_cnn"), note="three convolutions; the widths are our choice",
    ),
    Network(
        "mfcc-cnn-two", "sound", (40,), "de Pinto et al. 2020, EAIS",
        Builder("sound", "mfcc_cnn_two"), note="two convolutions",
    ),
    Network(
        "functionals-dnn", "sound", (6373,), "system D", Builder("sound", "functionals_dnn"),
        note="takes any number of functionals",
    ),
    Network(
        "face-cnn", "face", _GREY_48, "emoview", Builder("face_cnn", "face_cnn"),
        note="the shipped one; grey pictures of any size",
    ),
)  # fmt: skip

_MOST_AXES: Final = 3


def _take(name: str, given: object, package: Package) -> Network:
    """Make a network of a package's function; its input is the default of the parameter `input_shape`."""
    if not callable(given):
        raise ValueError("it is no function")
    parameters = inspect.signature(given).parameters
    shape = getattr(parameters.get("input_shape"), "default", None)
    if (
        not isinstance(shape, tuple)
        or not 0 < len(shape) <= _MOST_AXES
        or not all(type(size) is int and size > 0 for size in shape)
    ):
        raise ValueError("its parameter input_shape has no default such as (48, 48, 1)")
    if "labels" not in parameters:
        raise ValueError("it has no parameter labels")
    return Network(name, package.name, shape, str(package), Builder(package.name, given))


NETWORKS: Final = WithAdditions(
    {network.name: network for network in _CATALOGUE}, "emoview.networks", "network", _take
)
"""By name, in the order of the families; those of other packages come last."""


def build(
    name: str,
    *,
    labels: int = 7,
    input_shape: tuple[int, ...] | None = None,
    pooling: bool | None = None,
    dropout: float | tuple[float, ...] | None = None,
    **options: Any,
) -> keras.Model:
    """Build an architecture of the catalogue, with random weights.

    Args:
        name: One of `NETWORKS`.
        labels: How many logits.
        input_shape: Of one sample; None for the usual one.
        pooling: Average over the picture instead of flattening; None for what is usual in it.
        dropout: Share of values dropped in training, or one for each stage where the family has stages
            (`STAGED`); None for what is usual in it.
        options: More of the function that builds it, such as `batch_norm` of the VGG family.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, labels)` logits.

    Raises:
        ValueError: There is no such network, or the network has no such option.

    >>> build("frame-cnn", labels=3, input_shape=(42, 42, 1)).output_shape
    (None, 3)
    """
    if name not in NETWORKS:
        none = f"there is no network {name!r}; choose one of {', '.join(NETWORKS)}"
        raise ValueError(NETWORKS.faults.get(name, none))
    network = NETWORKS[name]
    accepted = network.build.accepts()
    shape = network.input_shape if input_shape is None else tuple(input_shape)
    chosen = {"labels": labels, "pooling": pooling, "dropout": dropout, **options}
    if "input_shape" in accepted:
        chosen["input_shape"] = shape
    else:
        _check_shape(network, shape)
    chosen = {option: value for option, value in chosen.items() if value is not None}
    unknown = [option for option in chosen if option not in accepted]
    if isinstance(dropout, tuple) and network.family not in STAGED:
        raise ValueError(f"{name} takes one share of dropout, not one for each stage")
    if unknown:
        raise ValueError(f"{name} has no option {unknown[0]}; it has {', '.join(accepted)}")
    if name in NETWORKS.added:
        return _added(network, labels, chosen)
    try:
        return network.build(**chosen)
    except ValueError as error:
        # What Keras says where nothing of a map is left.
        if "zero or negative" not in str(error):
            raise
        raise ValueError(
            f"{name} cannot take pictures of {shape[0]} pixels: nothing of them is left behind its poolings; "
            f"it was made for {network.input_shape[0]}"
        ) from None


def _added(network: Network, labels: int, chosen: dict[str, Any]) -> keras.Model:
    """Build a network of another package, and look at what comes."""
    try:
        model = network.build(**chosen)
        if tuple(model.outputs[0].shape) != (None, labels) or len(model.outputs) != 1:
            raise ValueError(f"it gives {model.outputs[0].shape} instead of {labels} logits")
        model.get_layer("logits")
    except Exception as error:
        raise ValueError(
            f"the network {network.name} cannot be built ({said(error)}): report it to the authors of the "
            f"package {network.source}"
        ) from error
    return model


def _check_shape(network: Network, shape: tuple[int, ...]) -> None:
    """Refuse what a network with an input of its own cannot take."""
    usual = network.input_shape
    # Pictures may be of any size there, but not of another depth; landmarks are as they are.
    fits = len(shape) == 3 and shape[-1] == usual[-1] if len(usual) == 3 else shape == usual
    if not fits:
        raise ValueError(f"{network.name} takes inputs of shape {usual}, not {shape}")
