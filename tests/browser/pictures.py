"""Takes the pictures of the documentation: python -m tests.browser.pictures  (into docs/images; look at them before you commit)

On a database with some weeks of made-up work, in Debian's chromium.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from castro_spark.local import Stack
from tests.browser import seed
from tests.browser.looking import Look
from tests.servers.page import House
from tests.system import ROOT

FOLDER = ROOT / "docs" / "images"
# Name, path, language, width, scheme, whether there is trouble.
PICTURES = (
    ("glance-desk-light", "/", "en", "desk", "light", False),
    ("glance-phone-dark", "/", "pt-BR", "phone", "dark", False),
    ("glance-phone-light", "/", "pt-BR", "phone", "light", True),
    ("glance-desk-dark", "/", "pt-BR", "desk", "dark", True),
)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    external = {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        # The servers run as another user, who must be able to enter.
        Path(folder).chmod(0o755)
        with Stack(Path(folder) / "stack", external=external, die_with_parent=True) as stack:
            house = House(stack, Path(folder), 1)
            seed.fill(house.settings, house.today)
            seed.publish(house.settings)
            house.start()
            flags = ["--no-sandbox", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
            with seed.Living(house.settings) as living:
                troubled = False
                for name, path, language, width, scheme, trouble in PICTURES:
                    if trouble and not troubled:
                        seed.trouble(house.settings)
                        troubled = True
                    living.look()
                    look = Look(browser)
                    page = look.at(f"{house.url}{path}", language=language, width=width, scheme=scheme)
                    page.wait_for_timeout(4000)  # what is computed beside the page
                    page.screenshot(path=FOLDER / f"{name}.png")
                    look.close()
                    print(f"{name}.png")
            browser.close()
            house.stop()


if __name__ == "__main__":
    main()
