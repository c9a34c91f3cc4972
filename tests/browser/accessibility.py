"""axe on a page as it is: WCAG 2.2 A and AA, and its best practice."""

from __future__ import annotations

from typing import Any

import pytest

axe = pytest.importorskip("axe_playwright_python.base")

TAGS = [
    "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice",
]  # fmt: skip

_RUN = """
async tags => (await axe.run(document, {
  runOnly: { type: "tag", values: tags }, resultTypes: ["violations"],
  // WCAG 2.5.3, which axe still calls an experiment.
  rules: { "label-content-name-mismatch": { enabled: true } },
})).violations.map(one => one.impact + " " + one.id + ": " + one.help + "\\n  "
  + one.nodes.slice(0, 5).map(node => node.html.slice(0, 200) + " :: "
    + (node.failureSummary || "").replace(/\\s+/g, " ").slice(0, 300)).join("\\n  "))
"""

_REST = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
  document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity)
    .forEach((one) => one.finish());
  requestAnimationFrame(() => requestAnimationFrame(done));
})))"""


def bring(page: Any) -> None:
    """Give a page that was loaded the script that looks."""
    page.evaluate(axe.AXE_SCRIPT)


def faults(page: Any, state: str) -> list[str]:
    """What is wrong with what is there now, each with its state before it."""
    page.evaluate(_REST)
    return [f"{state}: {one}" for one in page.evaluate(_RUN, TAGS)]
