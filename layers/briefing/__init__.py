"""What a briefing says: its scenes, and what each of them shows, computed from an edition."""

from layers.briefing.content import content, of_view
from layers.briefing.declare import Briefing, BriefingError, Kind, default, read
from layers.briefing.scenes import Scene, notes, region_scene, scenes

__all__ = [
    "Briefing",
    "BriefingError",
    "Kind",
    "Scene",
    "content",
    "default",
    "notes",
    "of_view",
    "read",
    "region_scene",
    "scenes",
]
