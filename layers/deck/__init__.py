"""The briefing to take away: slides, pages and pictures of scenes."""

from layers.deck.pages import pdf, png
from layers.deck.powerpoint import pptx

__all__ = ["pdf", "png", "pptx"]
