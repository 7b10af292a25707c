from embedded.source import debian_sources, parse_sources, write_sources

CONTAINER = """\
Types: deb
# http://snapshot.example/archive/debian/20250520T000000Z
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def test_deb822_sources_keep_mirror_and_key_and_change_the_suite_only() -> None:
    found = debian_sources(parse_sources(CONTAINER, deb822=True), host="bookworm", suite="trixie")
    assert found == [
        {
            "URIs": "http://mirror.example/debian",
            "Suites": "trixie trixie-updates",
            "Signed-By": "/usr/share/keyrings/debian-archive-keyring.gpg",
        },
        {
            "URIs": "http://mirror.example/debian-security",
            "Suites": "trixie-security",
            "Signed-By": "/usr/share/keyrings/debian-archive-keyring.gpg",
        },
    ]


def test_the_hosts_own_suite_stays_as_the_host_names_it() -> None:
    found = debian_sources(parse_sources(CONTAINER, deb822=True), host="bookworm", suite="bookworm")
    assert [s["Suites"] for s in found] == ["bookworm bookworm-updates", "bookworm-security"]


def test_one_line_sources_with_options_comments_and_moving_names() -> None:
    text = """\
# deb http://old.example/debian bookworm main
deb [arch=amd64 check-valid-until=no] https://mirror.example/debian stable main contrib # ours
deb-src https://mirror.example/debian stable main
deb cdrom:[Debian]/ bookworm main
"""
    found = debian_sources(parse_sources(text, deb822=False), host="bookworm", suite="trixie")
    assert found == [{"Check-Valid-Until": "no", "URIs": "https://mirror.example/debian", "Suites": "trixie"}]


def test_other_vendors_suites_components_and_keys_are_left_out() -> None:
    text = """\
deb http://mirror.example/debian bookworm main
deb http://vendor.example/apt bookworm-pgdg main
deb http://vendor.example/docker bookworm stable
deb [signed-by=/etc/apt/keyrings/vendor.gpg] http://vendor.example/debian bookworm main
"""
    found = debian_sources(parse_sources(text, deb822=False), host="bookworm", suite="trixie")
    assert [s["URIs"] for s in found] == ["http://mirror.example/debian"]


def test_a_mirror_with_its_own_key_is_taken_where_there_is_no_other() -> None:
    text = "deb [signed-by=/etc/apt/keyrings/house.gpg] http://house.example/mirror bookworm main\n"
    found = debian_sources(parse_sources(text, deb822=False), host="bookworm", suite="trixie")
    assert [(s["URIs"], s["Signed-By"]) for s in found] == [
        ("http://house.example/mirror", "/etc/apt/keyrings/house.gpg")
    ]


def test_a_stanza_that_is_switched_off_does_not_count() -> None:
    off = parse_sources(CONTAINER.replace("Types: deb", "Enabled: no\nTypes: deb"), deb822=True)
    assert off == []
    assert debian_sources(off, host="bookworm", suite="trixie") == []


def test_a_key_within_the_stanza_survives_reading_and_writing() -> None:
    key = "Signed-By:\n -----BEGIN\n .\n AB\n"
    text = f"Types: deb\nURIs: http://m.example/debian\nSuites: trixie\nComponents: main\n{key}"
    stanza = parse_sources(text, deb822=True)
    written = write_sources(debian_sources(stanza, host="trixie", suite="trixie"))
    assert key in written
    assert "Targets: Packages\n" in written
