"""What other packages add: formats and networks that are found, checked, and never in the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import pytest
from made_up import made_up
from typer.testing import CliRunner

from emoview import InputError, OutputError
from emoview.batch.inputs import Clip
from emoview.batch.record import Records, Wanted
from emoview.cli.main import app
from emoview.doctor.checks import additions
from emoview.networks import catalog
from emoview.output.json import to_json
from emoview.output.writers import WRITERS, write_results
from emoview.timeline.options import Options

Install = Callable[[str, str], None]

LINES = """
from emoview import Writer

def lines_file(analysis, path):
    for segment in analysis.segments:
        yield f"{segment.start_s:.2f} {segment.label}\\n"

LINES = Writer("the segments, one a line", ".txt", lines_file)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Install:
    """Install a package `mine`, version 1.2, with a module of this code and with entry points."""

    def installed(code: str, points: str) -> None:
        module = f"mine_{abs(hash(request.node.name))}"
        site = tmp_path / "site"
        about = site / "mine-1.2.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.2\n")
        (about / "entry_points.txt").write_text(points.replace("mine:", f"{module}:"))
        (site / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(site)
        for mapping in (WRITERS, catalog.NETWORKS):
            monkeypatch.setattr(mapping, "_found", None)

    return installed


def test_a_format_of_another_package_is_one_of_ours(install: Install, tmp_path: Path):
    install(LINES, "[emoview.writers]\nlines = mine:LINES\n")
    assert write_results(made_up(), "talk", ["lines"], tmp_path) == [tmp_path / "talk.txt"]
    assert (tmp_path / "talk.txt").read_text().splitlines()[0] == "0.00 happy"
    assert Wanted(Options(), ("csv", "lines")).outputs(tmp_path, "x")["lines"] == tmp_path / "x.txt"
    # A batch does it again with another version of the package.
    (tmp_path / "x.wav").write_bytes(b"sound")
    keys = [
        Records(tmp_path, Wanted(Options(), formats)).key(Clip(tmp_path / "x.wav", "x"))
        for formats in (("csv", "lines"), ("csv",))
    ]
    assert [key and key.get("formats_of") for key in keys] == [{"lines": "mine 1.2"}, None]
    (tmp_path / "talk.json").write_text(to_json(made_up()))
    for asked in (("--format", "lines"), ("-o", str(tmp_path / "other.txt"))):
        done = CliRunner().invoke(app, ["export", str(tmp_path / "talk.json"), *asked, "-q"])
        assert done.exit_code == 0
    assert (tmp_path / "other.txt").read_text() == (tmp_path / "talk.txt").read_text()
    (found,) = additions()
    assert found.right
    assert "lines (format of mine 1.2)" in found.found


@pytest.mark.parametrize(
    ("code", "point", "said"),
    [
        ("1 / 0", "lines = mine:LINES", "ZeroDivisionError"),
        ("raise SystemExit(3)", "lines = mine:LINES", "SystemExit"),
        ("import no_such_module", "lines = mine:LINES", "no_such_module"),
        (LINES, "lines = mine:OTHER", "OTHER"),
        (LINES, "lines = mine:lines_file", r"no emoview\.Writer"),
        (LINES, "csv = mine:LINES", "another of this name"),
        (LINES, "two words = mine:LINES", "small letters"),
        (LINES.replace(".txt", ".csv"), "lines = mine:LINES", "suffix"),
        (LINES.replace(".txt", ".html"), "lines = mine:LINES", "suffix"),
        (LINES.replace(".txt", "/../x.txt"), "lines = mine:LINES", "suffix"),
        (LINES.replace('".txt"', "None"), "lines = mine:LINES", "suffix"),
        (LINES.replace("lines_file)", "None)"), "lines = mine:LINES", r"no emoview\.Writer"),
    ],
)
def test_a_format_that_is_none_is_a_sentence_where_it_is_asked_for(
    code: str, point: str, said: str, install: Install, tmp_path: Path
):
    install(code, f"[emoview.writers]\n{point}\n")
    name = point.partition(" =")[0]
    assert list(WRITERS.added) == []
    (found,) = additions()
    assert not found.right
    assert "package mine 1.2" in found.found
    if name not in WRITERS:
        with pytest.raises(InputError, match=said) as caught:
            WRITERS.need(name)
        assert "\n" not in str(caught.value)
    # Whoever asks for others does not meet it.
    assert write_results(made_up(), "talk", ["csv"], tmp_path)


@pytest.mark.parametrize(
    "body",
    ["    raise KeyError('x')", "    return 3", "    yield 'a'\n    yield 3", "    yield 'a'\n    1 / 0"],
)
def test_a_format_that_fails_leaves_nothing_and_says_whose_it_is(body: str, install: Install, tmp_path: Path):
    code = f"from emoview import Writer\ndef f(analysis, path):\n{body}\nLINES = Writer('lines', '.txt', f)\n"
    install(code, "[emoview.writers]\nlines = mine:LINES\n")
    with pytest.raises(OutputError, match=r"format lines failed .* authors of the package mine 1\.2"):
        write_results(made_up(), "talk", ["lines"], tmp_path)
    assert not list(tmp_path.glob("*talk*"))


def test_what_is_no_installed_package_is_passed_over(install: Install, tmp_path: Path):
    install(LINES, "this is no file of entry points\n[[[\n")
    (tmp_path / "site" / "broken-1.dist-info").mkdir()
    assert WRITERS.need("csv")
    assert list(WRITERS.added) == []
    assert list(additions()) == []


TINY = """
import keras

def tiny(*, input_shape=(8, 8, 1), labels=7):
    picture = keras.Input(input_shape)
    return keras.Model(picture, keras.layers.Dense(labels, name="logits")(keras.layers.Flatten()(picture)))
"""


def test_a_network_of_another_package_is_one_of_ours(install: Install):
    install(TINY, "[emoview.networks]\ntiny = mine:tiny\n")
    network = catalog.NETWORKS["tiny"]
    assert (network.input_shape, network.source) == ((8, 8, 1), "mine 1.2")
    model = catalog.build("tiny", labels=3, input_shape=(16, 16, 1))
    assert isinstance(model, keras.Model)
    assert (model.input_shape, model.output_shape) == ((None, 16, 16, 1), (None, 3))
    with pytest.raises(ValueError, match="no option dropout"):
        catalog.build("tiny", dropout=0.5)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (TINY.replace("(8, 8, 1)", "8"), "input_shape"),
        (TINY.replace("(8, 8, 1)", "(8, -1)"), "input_shape"),
        (TINY.replace("labels=7", "classes=7").replace("(labels", "(classes"), "no parameter labels"),
        (TINY.replace("Dense(labels", "Dense(labels + 1"), "cannot be built .* instead of 7 logits"),
        (TINY.replace(', name="logits"', ""), "cannot be built .* logits"),
        (TINY.replace("keras.Input(input_shape)", "keras.Inputs()"), "cannot be built"),
        ("tiny = 3", "no function"),
        ("import no_such_module", "no_such_module"),
    ],
)
def test_a_network_that_is_none_is_a_sentence(code: str, said: str, install: Install):
    install(code, "[emoview.networks]\ntiny = mine:tiny\n")
    with pytest.raises(ValueError, match=said) as caught:
        catalog.build("tiny")
    assert "package mine 1.2" in str(caught.value)
    assert catalog.build("nn2", labels=2)
