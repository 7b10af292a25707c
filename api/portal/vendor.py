"""Copy the few front-end files that we ship out of node_modules, with a manifest of where each is from.

`npm ci --ignore-scripts && python vendor.py` rewrites them; `python vendor.py --check` compares the committed files
with the manifest, and needs neither Node nor a network.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
MODULES, SHIPPED = HERE / "node_modules", HERE / "static" / "vendor"
FOR_TESTS = HERE.parents[1] / "tests" / "browser" / "vendor"

# Shipped name: file in the npm package.
FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.min.js": "htmx.org/dist/ext/hx-sse.min.js",
    "uplot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uplot.min.css": "uplot/dist/uPlot.min.css",
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "licenses/htmx.org.txt": "htmx.org/LICENSE",
    "licenses/uplot.txt": "uplot/LICENSE",
    "licenses/inter.txt": "@fontsource-variable/inter/LICENSE",
    "licenses/lucide.txt": "lucide-static/LICENSE",
}
ICONS = (
    "activity archive-x arrow-down-right arrow-up-right braces chevron-left chevron-right download file-text inbox "
    "layout-dashboard log-out radio-tower receipt-text shield-check sun-moon triangle-alert truck users"
)
TEST_FILES = {"axe.min.js": "axe-core/axe.min.js", "licenses/axe-core.txt": "axe-core/LICENSE"}


def main(arguments: list[str]) -> int:
    """The exit code: 1 if a file is not what the manifest says."""
    if arguments == ["--check"]:
        changed = [str(path) for folder in (SHIPPED, FOR_TESTS) for path in check(folder)]
        sys.stdout.write(f"vendored files that differ from their manifest: {', '.join(changed) or 'none'}\n")
        return 1 if changed else 0
    copy(FILES | {f"icons/{name}.svg": f"lucide-static/icons/{name}.svg" for name in ICONS.split()}, SHIPPED)
    copy(TEST_FILES, FOR_TESTS)
    return 0


def check(folder: Path) -> Iterator[Path]:
    """Files of a vendor folder that are missing or are not what its manifest says."""
    for name, said in json.loads((folder / "manifest.json").read_text())["files"].items():
        path = folder / name
        if not path.is_file() or digest(path.read_bytes()) != said["integrity"]:
            yield path


def copy(files: dict[str, str], folder: Path) -> None:
    """Bring files into a vendor folder and write its manifest."""
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    manifest = {}
    for name, source in sorted(files.items()):
        content = (MODULES / source).read_bytes()
        if name.endswith(".js"):
            content = content.split(b"\n//# sourceMappingURL")[0].rstrip(b"\n") + b"\n"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        parts = source.split("/")
        package = "/".join(parts[: 2 if source.startswith("@") else 1])
        version = packages[f"node_modules/{package}"]["version"]
        manifest[name] = {"from": f"{package}@{version}", "path": source, "integrity": digest(content)}
    (folder / "manifest.json").write_text(json.dumps({"files": manifest}, indent=1, sort_keys=True) + "\n")


def digest(content: bytes) -> str:
    """As browsers write integrity."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
