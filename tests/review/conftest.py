"""A headless Chromium for tests of the review desk that look at a page."""

from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# As long as it is open, the event loop of Playwright runs in this thread, and asyncio.run refuses
# to start another: so each module closes its own.
@pytest.fixture(scope="module")
def browser():
    """Yield a browser of Playwright; each test opens pages of its own, and closes them."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=list(_ARGUMENTS),
            # Readers have scroll bars, and they take room.
            ignore_default_args=["--hide-scrollbars"],
        )
        yield launched
        launched.close()
