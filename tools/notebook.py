"""Run the notebook of the documentation and store what its cells show: `make notebook`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Final

from tools.lock import ROOT

NOTEBOOK: Final = ROOT / "docs" / "example.ipynb"

_SETTINGS: Final = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")


def run(file: Path = NOTEBOOK) -> None:
    """Run the cells in the folder of the notebook, and store it with their outputs.

    The same code on the same machine gives the same bytes.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook: Any = nbformat.read(file, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        # Settings of whoever runs it are not to be seen in it.
        os.environ |= dict.fromkeys(_SETTINGS, folder)
        # A cell that fails raises here.
        NotebookClient(notebook, record_timing=False, resources={"metadata": {"path": file.parent}}).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number:02d}", {}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    nbformat.write(notebook, file)


if __name__ == "__main__":
    run()
