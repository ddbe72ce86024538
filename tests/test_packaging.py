"""The wheel works installed elsewhere, without the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from salesledger.exchange.process_file import templates

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout and unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_ships_every_projection(installed: Path) -> None:
    """What lies in the checkout's projections/ lies beside the package."""
    shipped = {file.name: file.read_text() for file in (installed / "salesledger" / "projections").glob("*.sql")}
    assert shipped == {file.name: file.read_text() for file in (ROOT / "projections").glob("*.sql")}
    assert shipped
    assert (installed / "salesledger" / "py.typed").exists()
    assert {file.stem for file in (installed / "salesledger" / "templates").glob("*.toml")} == set(templates())


def test_the_wheel_records_and_reports_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    """The installed package answers from its own files, in a folder that knows nothing of the checkout."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import salesledger; assert salesledger.__file__.startswith(sys.argv[1])\n"
        "from salesledger.readmodel.catalogue import shipped_folder\n"
        "assert str(shipped_folder()).startswith(sys.argv[1])\n"
        "from salesledger.cli.main import run\n"
        "assert run(['init', '--currency', 'EUR']) == 0\n"
        "assert run(['lead', 'capture', 'ACME', '--amount', '10', '--on', '2026-01-05']) == 0\n"
        "sys.exit(run(['pipeline', '-O', 'csv']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(installed)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "b2b,lead,1,0,10.00,EUR,0.20" in done.stdout
