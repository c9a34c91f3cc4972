"""What is assembled: app factory, pages, routes, settings, command line.

`_js_dist` and `_css_dist` name what Dash serves for the components in `dashboard.atlas_map`:
MapLibre from the PyPI package `maplibre`, so that no CDN and no JavaScript build is needed. Dash
looks for both on the top-level package that defines a component.
"""

from __future__ import annotations

import logging

# `maplibre` warns at import that its Shiny bindings are absent; we only take its script and style.
logging.getLogger("maplibre").setLevel(logging.ERROR)

_js_dist = [{"relative_package_path": "srcjs/maplibre-gl.js", "namespace": "maplibre"}]
_css_dist = [{"relative_package_path": "srcjs/maplibre-gl.css", "namespace": "maplibre"}]
