from pathlib import Path

import pytest

from embedded.apt import Host, read_host
from embedded.bundle import MARKER, NEEDED, _write_marker, is_complete
from embedded.problem import EmbeddedError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/libpq.so.5.17").write_bytes(b"12345")
    (tmp_path / "usr/lib/libpq.so.5").symlink_to("libpq.so.5.17")
    _write_marker(tmp_path)
    return tmp_path


def test_a_folder_with_all_its_files_is_complete(folder: Path) -> None:
    assert is_complete(folder)
    assert (folder / MARKER).read_text() == "13 usr/lib/libpq.so.5\n5 usr/lib/libpq.so.5.17\n"


def test_a_folder_without_marker_is_not_complete(folder: Path) -> None:
    (folder / MARKER).unlink()
    assert not is_complete(folder)


@pytest.mark.parametrize("name", ["usr/lib/libpq.so.5", "usr/lib/libpq.so.5.17"])
def test_a_folder_that_lost_a_file_is_not_complete(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert not is_complete(folder)


def test_a_folder_with_a_file_cut_short_is_not_complete(folder: Path) -> None:
    (folder / "usr/lib/libpq.so.5.17").write_bytes(b"1234")
    assert not is_complete(folder)


def test_an_empty_or_broken_marker_is_not_complete(folder: Path) -> None:
    (folder / MARKER).write_text("")
    assert not is_complete(folder)
    (folder / MARKER).write_text("five usr/lib/libpq.so.5.17\n")
    assert not is_complete(folder)


@pytest.mark.parametrize("name", ["libc6", "libssl3t64", "zlib1g", "libstdc++6", "libicu76", "libpam0g"])
def test_libraries_are_needed(name: str) -> None:
    assert NEEDED.fullmatch(name)


@pytest.mark.parametrize("name", ["libllvm19", "libperl5.40", "libjson-perl", "perl-base", "adduser", "libpam-modules"])
def test_compilers_scripts_and_installers_are_not_needed(name: str) -> None:
    assert not NEEDED.fullmatch(name)


@pytest.mark.parametrize(
    ("version", "codename", "suite"), [(12, "bookworm", "trixie"), (13, "trixie", "trixie"), (None, "forky", "forky")]
)
def test_the_services_come_from_the_first_suite_that_has_them(version: int | None, codename: str, suite: str) -> None:
    assert Host(version, codename).suite_for_services == suite


def test_a_machine_that_is_not_debian_is_told_the_alternatives(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('ID=fedora\nPRETTY_NAME="Fedora Linux 42"\n')
    with pytest.raises(EmbeddedError, match=r"Fedora Linux 42(.|\n)*YARDSTICK_DATABASE_URL(.|\n)*docker compose up"):
        read_host(tmp_path / "os-release")
