import os
import stat
from pathlib import Path

import pytest

from embedded.place import SHARED_HOME, SOCKET_NAME, closed_to_others, home, make_open, socket_directory, try_lock
from embedded.problem import EmbeddedError


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o700)
    return folder


def test_home_is_in_the_users_data_directory() -> None:
    assert home({"HOME": "/home/ada"}, root=False) == Path("/home/ada/.local/share/yardstick")
    assert home({"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}, root=False) == Path("/data/yardstick")
    assert home({"HOME": "/home/ada", "YARDSTICK_HOME": "/big/disk"}, root=False) == Path("/big/disk")


def test_root_whose_home_is_closed_gets_a_place_that_the_servers_user_can_reach(closed: Path) -> None:
    assert home({"HOME": str(closed)}, root=True) == SHARED_HOME
    assert home({"HOME": str(closed)}, root=False) == closed / ".local/share/yardstick"


def test_root_who_chose_a_closed_place_is_told_which_folder_closes_it(closed: Path) -> None:
    with pytest.raises(EmbeddedError, match=f"cannot pass {closed_to_others(closed)}"):
        home({"YARDSTICK_HOME": str(closed / "x")}, root=True)


def test_made_folders_are_open_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        made = make_open(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(d.stat().st_mode) for d in (made, made.parent)] == [0o755, 0o755]


def test_a_socket_path_of_107_bytes_stays_inside_and_one_of_108_moves_out(tmp_path: Path) -> None:
    fixed = len(f"{tmp_path}//socket/{SOCKET_NAME}")
    fits, too_long = (tmp_path / ("x" * (length - fixed)) for length in (107, 108))
    fits.mkdir()
    too_long.mkdir()
    assert socket_directory(fits, {}) == fits / "socket"
    assert stat.S_IMODE((fits / "socket").stat().st_mode) == 0o700

    outside = socket_directory(too_long, {})
    try:
        assert too_long not in outside.parents
        assert stat.S_IMODE(outside.stat().st_mode) == 0o700
    finally:
        outside.rmdir()


def test_a_lock_is_held_once_and_free_after_release(tmp_path: Path) -> None:
    first = try_lock(tmp_path / "lock")
    assert first is not None
    assert try_lock(tmp_path / "lock") is None
    os.close(first)
    again = try_lock(tmp_path / "lock")
    assert again is not None
    os.close(again)
